//! What a validator may say that does not remember what it said.
//!
//! A directory that is new, or was lost, has no vote. If its key has voted, a second vote at the height in progress is a
//! crime: it follows until a height begins after its start. Sooner it votes only where a quorum, itself included, says
//! that nothing came after what it has, and no certificate has its signature: nothing else tells who lost its memory from
//! who comes late and is waited for.
use std::collections::BTreeSet;

use crypto::Hotkey;

use super::Settler;
use crate::role::{Effect, Moment, Timer};

/// For how long whoever is a quorum by itself asks others whether anything is settled, in milliseconds.
const ASKING_MS: u64 = 5_000;

/// For how long after its genesis a network is young, in milliseconds: who is a quorum by itself then need not ask.
const YOUNG_MS: u64 = 30_000;

/// How soon it is looked again whether a vote is safe, in milliseconds.
const AGAIN_MS: u64 = 1_000;

impl Settler {
    /// Whether a vote of ours may be about at the height in progress that we do not remember.
    pub(super) fn may_have_forgotten(&self, now: u64) -> bool {
        let (ledger, me) = (&self.head.ledger, self.keypair.hotkey());
        let Some(since) = self.new_since.filter(|_| self.has_say(&me)) else {
            return false;
        };
        // A proposer's clock may be ahead of a voter's, and that one's of ours.
        let drift = ledger.parameters().clock_drift.saturating_mul(2);
        let began = ledger.height() > 0 && ledger.time() > since.saturating_add(drift);
        !(began || self.is_tip(since, now) && ledger.has_never_signed(&me))
    }

    /// Whether a quorum, ourselves included, says that nothing came after our ledger.
    fn is_tip(&self, since: u64, now: u64) -> bool {
        let (ledger, me) = (&self.head.ledger, self.keypair.hotkey());
        let set = ledger.validators();
        let is_quorum = |members: &[Hotkey]| set.is_quorum(set.stake(members));
        if is_quorum(&[me]) {
            let young = ledger.height() == 0 && since < ledger.time().saturating_add(YOUNG_MS);
            return young || now >= since.saturating_add(ASKING_MS);
        }
        let (height, sayers) = &self.late.tip;
        *height == ledger.height() && is_quorum(&sayers.iter().copied().chain([me]).collect::<Vec<_>>())
    }

    /// Takes a member's word that nothing came after `last`, and asks the next, or votes if that is enough.
    pub(super) fn hear_tip(&mut self, moment: Moment, peer: Hotkey, last: u64) -> Vec<Effect> {
        let height = self.head.ledger.height();
        if last != height || !self.may_have_forgotten(moment.now) || !self.has_say(&peer) {
            return Vec::new();
        }
        if self.late.tip.0 != height {
            self.late.tip = (height, BTreeSet::new());
        }
        self.late.tip.1.insert(peer);
        if !self.may_have_forgotten(moment.now) {
            return vec![self.wait_for_next(moment)];
        }
        self.late.hear_of(height + 1);
        self.fetch(moment)
    }

    /// Looks again soon, and says once why it is silent, and what to do if that lasts.
    pub(super) fn stay_silent(&mut self) -> Vec<Effect> {
        if !std::mem::replace(&mut self.silence_explained, true) {
            tracing::warn!(
                height = self.head.ledger.height() + 1,
                "this directory remembers no vote of its hotkey: following until a height begins after this start, or \
                 others say that none did and the hotkey never signed (if nothing settles, see --vote-anew)"
            );
        }
        vec![Effect::Schedule(Timer::NextHeight, AGAIN_MS)]
    }
}
