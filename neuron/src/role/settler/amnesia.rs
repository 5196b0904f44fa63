//! What a validator may say that does not remember what it said.
//!
//! A directory that is new, or was lost, has no vote. If its key has voted, a second vote at the height in progress is a
//! crime: it follows until a height begins after its start. Where nothing is settled here yet, others are asked first.
use super::Settler;
use crate::role::{Effect, Moment, Timer};

/// How long others are asked what is settled, in milliseconds: longer than it takes to connect.
const ASKING_MS: u64 = 5_000;

/// For how long after its genesis a network is young, in milliseconds: who starts with it has forgotten nothing.
const YOUNG_MS: u64 = 30_000;

impl Settler {
    /// Says why it is silent, and what to do if that lasts.
    pub(super) fn explain_silence(&self) {
        if self.new_since.is_some() && self.head.ledger.has_signed(&self.keypair.hotkey()) {
            tracing::warn!(
                "this hotkey has voted before and the directory remembers nothing: following until a settlement \
                 begins after this start (see --vote-anew)"
            );
        }
    }

    /// What to do instead of voting at the height in progress, if a vote of ours may be about that we do not remember.
    pub(super) fn forgotten(&self, moment: Moment) -> Option<Vec<Effect>> {
        let (ledger, since) = (&self.head.ledger, self.new_since?);
        if ledger.height() == 0 {
            let is_young = since < ledger.time().saturating_add(YOUNG_MS);
            let rest = since.saturating_add(ASKING_MS).saturating_sub(moment.now);
            return (!is_young && rest > 0).then(|| vec![Effect::Schedule(Timer::NextHeight, rest)]);
        }
        let began = ledger.time() > since.saturating_add(ledger.parameters().clock_drift);
        (ledger.has_signed(&self.keypair.hotkey()) && !began).then(Vec::new)
    }
}
