//! The behaviour, what it knows, and how it is asked.
use std::collections::VecDeque;

use crypto::hash;
use protocol::head::Head;
use protocol::message::Heard;
use protocol::subnet::Netuid;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;

use crate::behaviour::context::Deed;
use crate::behaviour::{Behaviour, Board, Context, Keys};
use crate::role::{Effect, Moment, Note};

/// The behaviour and what it knows.
pub(super) struct Mind {
    pub(super) behaviour: Box<dyn Behaviour>,
    pub(super) keys: Keys,
    pub(super) with: Value,
    pub(super) board: Board,
    pub(super) netuid: Netuid,
    pub(super) head: Head,
    /// Where it began.
    pub(super) origin: Head,
    /// Transactions told since the ledger last moved.
    pub(super) told: u64,
    /// Hooks that were asked.
    pub(super) asked: u64,
    /// What it did of itself.
    pub(super) deeds: VecDeque<Deed>,
}

impl Mind {
    /// Asks a hook.
    pub(super) fn ask<T>(
        &mut self,
        moment: Moment,
        hook: impl FnOnce(&mut dyn Behaviour, &mut Context<'_>) -> T,
    ) -> T {
        self.ask_of(None, moment, hook)
    }

    /// Asks a hook about what came by gossip.
    pub(super) fn ask_of<T>(
        &mut self,
        heard: Option<&Heard>,
        moment: Moment,
        hook: impl FnOnce(&mut dyn Behaviour, &mut Context<'_>) -> T,
    ) -> T {
        let (place, own) = ((self.netuid, &self.head.ledger), (&self.keys, &self.with, &self.board));
        self.asked += 1;
        let seed = hash("neuron v1 hook", &[&moment.seed.0, &self.asked.to_le_bytes()]);
        let rng = StdRng::from_seed(seed.0);
        let mut cx = Context::new(moment.now, rng, place, own, &mut self.told, heard);
        let answer = hook(&mut *self.behaviour, &mut cx);
        self.deeds.extend(cx.deeds);
        if let Some(fault) = self.behaviour.fault() {
            self.deeds.push_back(Deed::Effect(Effect::Note(Note::Fault(fault))));
        }
        answer
    }
}
