//! Who a neuron is, what it does and where it lives.
use std::path::PathBuf;

use crypto::{Hash, Keypair};
use protocol::genesis::Genesis;
use protocol::ledger::Ledger;
use protocol::light::Checkpoint;
use protocol::message::Topic;
use protocol::subnet::Netuid;
use tokio::sync::{mpsc, watch};

use super::Error;
use crate::behaviour::Conduct;
use crate::network::{self, Listen, Network, Ways};
use crate::role::{Memory, Miner, Role, Validator};
use crate::task::Task;

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
    /// Its owner's key, for a behaviour that gives orders.
    pub coldkey: Option<Keypair>,
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
    /// Refuses to misbehave where that is no game.
    pub(super) fn check_conduct(&self) -> Result<(), Error> {
        let crime = self.conduct.as_ref().filter(|conduct| !conduct.is_honest());
        match crime.filter(|_| !self.genesis.allows_adversaries()) {
            Some(conduct) => Err(Error::HonestOnly(conduct.name.clone())),
            None => Ok(()),
        }
    }

    /// Joins its network; the ways of what peers send are good until they are told to be bad.
    pub(super) fn join(
        &self,
        genesis: Hash,
        known: Vec<String>,
    ) -> Result<(Network, mpsc::Receiver<network::Event>, watch::Sender<Ways>), network::Error> {
        let (network, events) = network::spawn(self.network(genesis, known))?;
        let (ways, bad) = watch::channel(Ways::new());
        let events = match self.genesis.allows_adversaries() {
            true => network::impede(events, bad, self.seed),
            false => events,
        };
        Ok((network, events, ways))
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
