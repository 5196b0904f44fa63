//! One neuron of the simulated network: roles, a disk, timers, and how often it died.
use std::collections::HashMap;
use std::sync::Arc;

use crypto::{Hotkey, hash};
#[cfg(feature = "planted-faults")]
use protocol::Fault;
use protocol::head::Head;
use protocol::ledger::Ledger;
use rand::rngs::StdRng;

use super::disk::Disk;
use super::witness::Witness;
use super::{Event, Member, NETUID};
use crate::behaviour::{Conduct, Roles};
use crate::neuron;
use crate::neuron::recovery::Remembered;
use crate::role::{Effect, Findings, Input, Miner, Model, Moment, Role, Settled, Settler, Timer, Validator};
use crate::task::{StandIn, Sums, Worker};

/// One neuron of the simulated network.
pub(super) struct Node {
    pub(super) member: Member,
    genesis: Head,
    /// Of a scenario; in a history each node finds out by itself, so that what differs is noticed.
    findings: Findings,
    worker: StandIn,
    pub(super) disk: Disk,
    /// Unless it is down.
    roles: Option<Roles>,
    /// What happens to it while it is stopped, once it goes on.
    pub(super) frozen: Option<Vec<Event>>,
    /// Only ever looked up, so that its order decides nothing.
    timers: HashMap<Timer, u64>,
    timers_set: u64,
    life: u64,
    /// What this life heard of validators that run twice.
    pub(super) witness: Witness,
}

impl Node {
    pub(super) fn new(member: Member, seed: u64, genesis: Ledger, findings: Findings, disk: Disk) -> Self {
        Self {
            worker: StandIn::new(seed, member.keypair.hotkey(), member.skill),
            member,
            genesis: Head::new(genesis, None),
            findings,
            disk,
            roles: None,
            frozen: None,
            timers: HashMap::new(),
            timers_set: 0,
            life: 0,
            witness: Witness::default(),
        }
    }

    pub(super) fn hotkey(&self) -> Hotkey {
        self.member.keypair.hotkey()
    }

    /// Whether it is reached under a hotkey: its own or that of a further identity.
    pub(super) fn is_known_as(&self, hotkey: &Hotkey) -> bool {
        let mut keys = [&self.member.keypair].into_iter().chain(&self.member.spare);
        keys.any(|key| key.hotkey() == *hotkey)
    }

    pub(super) fn height(&self) -> u64 {
        self.disk.height()
    }

    pub(super) fn is_validator(&self) -> bool {
        self.member.validates
    }

    pub(super) fn is_up(&self) -> bool {
        self.roles.is_some()
    }

    pub(super) fn life(&self) -> u64 {
        self.life
    }

    pub(super) fn lives(&self, life: u64) -> bool {
        self.is_up() && self.life == life
    }

    pub(super) fn think(&mut self, moment: Moment, input: &Input) -> Vec<Effect> {
        self.roles.as_mut().map_or_else(Vec::new, |roles| roles.handle(moment, input))
    }

    /// Loses its power, and tells what it was about to settle.
    pub(super) fn crash(&mut self, rng: &mut StdRng) -> Vec<Arc<Settled>> {
        self.roles = None;
        self.frozen = None;
        self.timers.clear();
        self.disk.crash(rng)
    }

    pub(super) fn restart(&mut self) -> Result<(), neuron::Error> {
        self.life += 1;
        self.witness = Witness::default();
        #[cfg_attr(
            not(feature = "planted-faults"),
            expect(unused_mut, reason = "only a planted fault changes it")
        )]
        let Remembered { mut recovered, memory, .. } = self.disk.restart(&self.genesis)?;
        #[cfg(feature = "planted-faults")]
        self.forget(&mut recovered);
        let genesis = self.genesis.ledger.clone();
        let ledger = recovered.ledger.clone().unwrap_or_else(|| genesis.clone());
        let head = Head::new(ledger.clone(), recovered.tip.clone());
        let key = || self.member.keypair.clone();
        let settler = Settler::new(key(), genesis, recovered).sharing(self.findings.clone());
        let work: Box<dyn Role> = match self.member.validates {
            true => Box::new(Validator::new(key(), NETUID, &Sums, ledger, memory)),
            false => Box::new(Miner::new(key(), NETUID, ledger)),
        };
        let roles: Vec<Box<dyn Role>> = vec![Box::new(settler), work];
        let Member { conduct, .. } = &self.member;
        self.roles = Some(Roles::new(roles, conduct.clone(), self.member.keys(), (NETUID, head)));
        Ok(())
    }

    /// Behaves so from now on; its ledger has come as far as `head`.
    pub(super) fn turn(&mut self, moment: Moment, conduct: Option<Conduct>, head: Head) -> Vec<Effect> {
        self.member.conduct.clone_from(&conduct);
        let Some(roles) = &mut self.roles else { return Vec::new() };
        let conduct = conduct.unwrap_or_else(Conduct::honest);
        roles.turn(moment, conduct, self.member.keys(), (NETUID, head))
    }

    /// Loses what was recovered, if the fault is one of recovery.
    #[cfg(feature = "planted-faults")]
    fn forget(&self, recovered: &mut crate::role::Recovered) {
        match self.genesis.ledger.fault() {
            Some(Fault::VotesForgotten) => recovered.log.clear(),
            Some(Fault::BodyForgotten) => recovered.drafts.clear(),
            _ => {}
        }
    }

    pub(super) fn model(&mut self) -> Model {
        Model { hash: hash("neuron v1 stand-in", &[&self.hotkey().0]), description: self.worker.describe() }
    }

    pub(super) fn infer(&mut self, question: &[u8]) -> Result<Vec<u8>, String> {
        self.worker.answer(question).map_err(|error| error.to_string())
    }

    /// Sets a timer and returns what tells it from an older one of the same name.
    pub(super) fn set(&mut self, timer: Timer) -> (u64, u64) {
        self.timers_set += 1;
        self.timers.insert(timer, self.timers_set);
        (self.life, self.timers_set)
    }

    pub(super) fn cancel(&mut self, timer: Timer) {
        self.timers.remove(&timer);
    }

    /// The round that it votes in, of the height after its last settlement, if it has begun.
    pub(super) fn round(&self) -> Option<u32> {
        let height = self.height() + 1;
        let rounds = self.timers.keys().filter_map(|timer| match timer {
            Timer::Vote(about, timeout) if *about == height => timeout.round.as_u32(),
            _ => None,
        });
        rounds.max()
    }

    /// Whether a timer that runs out is the one that was last set; it is then gone.
    pub(super) fn rings(&mut self, timer: Timer, set: u64) -> bool {
        let rings = self.timers.get(&timer) == Some(&set);
        if rings {
            self.timers.remove(&timer);
        }
        rings
    }
}
