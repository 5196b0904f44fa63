//! What a neuron shows of itself.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crypto::merkle::Root;
use crypto::{Hash, Hotkey};
use protocol::ledger::Ledger;
use protocol::subnet::Netuid;

use super::{Config, Duty};
use crate::behaviour::{Conduct, Doings};
use crate::role::{Pace, Score};

/// What a neuron knows and is, as of its last settlement.
#[derive(Clone, Debug)]
pub struct View {
    /// Who it is.
    pub hotkey: Hotkey,
    /// "miner", "validator" or "light".
    pub role: &'static str,
    /// The subnet it works in.
    pub netuid: Netuid,
    /// The last settled height.
    pub height: u64,
    /// The hash of its header.
    pub tip: Hash,
    /// The root of the ledger after it.
    pub state_root: Hash,
    /// State roots of the heights that gossip may still be about.
    pub roots: BTreeMap<u64, Root>,
    /// The ledger after it.
    pub ledger: Arc<Ledger>,
    /// How settling goes; nothing while that is not known, or of the past.
    pub pace: Option<Pace>,
    /// How good its model is on data that neither miners nor questions use, 0 to 1; miners only.
    pub accuracy: Option<f64>,
    /// The hash of the weights its model serves.
    pub model: Option<Hash>,
    /// What its model is doing.
    pub activity: String,
    /// Why it has nothing to do in its subnet since it started, if so: there is none yet, or its task is not known here.
    pub idle: Option<String>,
    /// Running scores of miners; validators only.
    pub scores: BTreeMap<Hotkey, Score>,
    /// How it behaves: "honest" unless its owner wants otherwise.
    pub behaviour: String,
    /// What it did since it started.
    pub doings: Doings,
    /// Accusations it made against validators that signed twice.
    pub accusations: u64,
    /// Whom it accused.
    pub accused: BTreeSet<Hotkey>,
    /// Connected peers.
    pub peers: usize,
    /// What it refused or dropped, by reason.
    pub refused: BTreeMap<&'static str, u64>,
}

impl View {
    pub(super) fn new(config: &Config, ledger: &Ledger) -> Self {
        Self {
            hotkey: config.keypair.hotkey(),
            role: config.duty.name(),
            netuid: config.netuid,
            height: ledger.height(),
            tip: Hash::default(),
            state_root: ledger.root().hash,
            roots: BTreeMap::new(),
            ledger: Arc::new(ledger.clone()),
            pace: None,
            accuracy: None,
            model: None,
            activity: "starting".to_owned(),
            idle: config.task(ledger).err().filter(|_| config.works()),
            scores: BTreeMap::new(),
            behaviour: config.conduct.as_ref().map_or(Conduct::HONEST, |it| &it.name).to_owned(),
            doings: Doings::default(),
            accusations: 0,
            accused: BTreeSet::new(),
            peers: 0,
            refused: BTreeMap::new(),
        }
    }

    /// What it is doing, in a word or two.
    pub fn doing(&self) -> &str {
        let settles = || self.ledger.validators().power(&self.hotkey).is_some();
        let ended = || self.role != Duty::Follow.name() && self.ledger.epoch(self.netuid).is_none();
        match (self.role, &self.idle) {
            _ if self.height == 0 => &self.activity,
            (_, Some(reason)) => reason,
            _ if ended() => "no work: its subnet has ended",
            ("validator", _) if settles() => "settling",
            ("validator", _) => "validating",
            ("light", _) => "following",
            _ => &self.activity,
        }
    }

    /// The same neuron as of the height of an earlier ledger: what it does now is not told.
    pub(super) fn back_at(self, ledger: Ledger) -> Self {
        Self {
            height: ledger.height(),
            tip: Hash::default(),
            state_root: ledger.root().hash,
            ledger: Arc::new(ledger),
            pace: None,
            accuracy: None,
            scores: BTreeMap::new(),
            ..self
        }
    }
}
