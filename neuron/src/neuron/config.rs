//! Who a neuron is, what it does and where it lives.
use std::path::PathBuf;

use crypto::{Hash, Hotkey, Keypair};
use protocol::genesis::Genesis;
use protocol::ledger::Ledger;
use protocol::light::Checkpoint;
use protocol::message::Topic;
use protocol::subnet::Netuid;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

use super::Error;
use crate::behaviour::Conduct;
use crate::model::{self, Model};
use crate::network::{self, Listen, Network, Ways};
use crate::role::{Memory, Miner, Role, Validator};
use crate::task::{self, Task};

/// Who a neuron is and where it lives.
#[derive(Clone)]
pub struct Config {
    /// Its memory; no other neuron may use it.
    pub dir: PathBuf,
    /// The network it belongs to.
    pub genesis: Genesis,
    /// Its hotkey.
    pub keypair: Keypair,
    /// What it does.
    pub duty: Duty,
    /// The subnet it does it in.
    pub netuid: Netuid,
    /// Where others reach it.
    pub listen: Listen,
    /// Addresses of peers that are known beforehand.
    pub bootstrap: Vec<String>,
    /// A header that its owner knows from somebody they trust.
    pub checkpoint: Option<Checkpoint>,
    /// It votes at once, whatever votes of its hotkey may be forgotten.
    pub vote_anew: bool,
    /// How often it has begun anew since its peers had pruned what it lacked.
    pub begun_anew: u32,
    /// Decides data shards and skill.
    pub seed: u64,
    /// What it keeps of the past.
    pub history: History,
    /// How it behaves, if not honestly: only in networks that allow it.
    pub conduct: Option<Conduct>,
    /// What its surroundings do to it: only in networks that allow adversaries.
    pub conditions: Conditions,
    /// Its owner's key, for a behaviour that gives orders.
    pub coldkey: Option<Keypair>,
}

/// What a scenario makes of a neuron's surroundings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// What peers' messages meet on their way to it.
    pub ways: Ways,
    /// Its clock runs ahead of the machine's by this much, in milliseconds; behind it if negative.
    pub ahead_ms: i64,
}

/// What a neuron keeps of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// Settlements between two snapshots of the ledger.
    pub snapshots: u64,
    /// Settlements kept behind the tip, along with those that share a file with them and all since the last snapshot
    /// but one.
    pub keep: u64,
}

impl Default for History {
    /// Snapshots so rare that making them costs nothing, and every settlement there was.
    fn default() -> Self {
        Self { snapshots: 1_024, keep: u64::MAX }
    }
}

/// What a neuron does beside following the ledger.
#[derive(Clone, Debug)]
pub enum Duty {
    /// Serves a model: trained at a rung of its task's ladder, or read from a file.
    Mine {
        /// 0 is the poorest.
        rung: usize,
        /// Weights to serve instead of training.
        weights: Option<Vec<u8>>,
    },
    /// Questions miners and settles.
    Validate,
    /// Nothing more.
    Follow,
}

impl Config {
    /// Refuses to misbehave where that is no game, and to work in a subnet of the genesis whose task is not known here.
    pub(super) fn check(&self) -> Result<(), Error> {
        let name = self.conduct.as_ref().map_or(Conduct::HONEST, |conduct| &conduct.name);
        may_behave(self.genesis.allows_adversaries(), name)?;
        let subnet = self.genesis.subnets.iter().find(|subnet| subnet.netuid == self.netuid);
        subnet.filter(|_| self.works()).map_or(Ok(()), |subnet| task::named(&subnet.task).map(drop))?;
        Ok(())
    }

    /// Whether it does more than follow the ledger.
    pub(super) fn works(&self) -> bool {
        !matches!(self.duty, Duty::Follow)
    }

    /// The task of its subnet, or what to tell its owner: anybody may found a subnet, with any task, and it may end.
    pub(super) fn task(&self, ledger: &Ledger) -> Result<&'static dyn Task, String> {
        let netuid = self.netuid;
        match ledger.metagraph(netuid) {
            Some(subnet) => {
                task::named(&subnet.task).map_err(|error| format!("no work in subnet {netuid}: {error}"))
            }
            None if ledger.was_founded(netuid) => {
                Err(format!("no work: subnet {netuid} has ended; name another --netuid"))
            }
            None => Err(format!("waiting until subnet {netuid} is founded")),
        }
    }

    /// Joins its network.
    pub(super) fn join(
        &self,
        genesis: Hash,
        known: Vec<String>,
    ) -> Result<(Network, mpsc::Receiver<network::Event>, watch::Sender<Conditions>), network::Error> {
        let (network, events) = network::spawn(self.network(genesis, known))?;
        if !self.genesis.allows_adversaries() {
            return Ok((network, events, watch::Sender::default()));
        }
        let conditions = watch::Sender::new(self.conditions.clone());
        let now = conditions.subscribe();
        let way = move |from: &Hotkey| now.borrow().ways.get(from).copied();
        Ok((network, network::impede(events, way, self.seed), conditions))
    }

    /// The model that it serves, if it does, and its description.
    pub(super) fn model(
        &self,
        task: &'static dyn Task,
        report: impl Fn(model::Event) + Send + 'static,
    ) -> Result<Option<(String, Model)>, Error> {
        let Duty::Mine { rung, .. } = self.duty else { return Ok(None) };
        let worker = task.worker(self.seed, &self.keypair.hotkey(), rung)?;
        let words = worker.describe();
        let model = Model::spawn(worker, task.examiner(), report).map_err(Error::Model)?;
        Ok(Some((words, model)))
    }

    /// What its network is told; `known` are addresses of an earlier run.
    fn network(&self, genesis: Hash, known: Vec<String>) -> network::Config {
        let topics = match self.duty {
            Duty::Validate => Topic::ALL.to_vec(),
            _ => Topic::FOLLOWING.to_vec(),
        };
        let (keypair, bootstrap) = (self.keypair.clone(), self.bootstrap.clone());
        network::Config { keypair, genesis, listen: self.listen, bootstrap, known, topics }
    }
}

/// Refuses a behaviour, by its name, in a network that does not allow any but honest ones.
pub(crate) fn may_behave(allows_adversaries: bool, name: &str) -> Result<(), Error> {
    match allows_adversaries || name == Conduct::HONEST {
        true => Ok(()),
        false => Err(Error::HonestOnly(name.to_owned())),
    }
}

impl Duty {
    /// The role that does it, if following the ledger is not all.
    pub(super) fn role(
        &self,
        keypair: Keypair,
        netuid: Netuid,
        task: &'static dyn Task,
        ledger: Ledger,
        memory: Memory,
    ) -> Option<Box<dyn Role>> {
        match self {
            Self::Mine { .. } => Some(Box::new(Miner::new(keypair, netuid, ledger))),
            Self::Validate => Some(Box::new(Validator::new(keypair, netuid, task, ledger, memory))),
            Self::Follow => None,
        }
    }

    /// The word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mine { .. } => "miner",
            Self::Validate => "validator",
            Self::Follow => "light",
        }
    }
}
