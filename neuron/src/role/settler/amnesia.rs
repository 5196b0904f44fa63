//! What a validator may say that does not remember what it said.
//!
//! A directory that is new, or was lost, has no vote. If its key has voted, a second vote at the height in progress is a
//! crime: it follows until a height begins after its start. Sooner it votes only where a peer says that nothing came after
//! what it has, and no certificate has its signature: nothing else tells who lost its memory from who comes late and is
//! waited for.
use super::Settler;

impl Settler {
    /// Whether a vote of ours may be about at the height in progress that we do not remember.
    pub(super) fn may_have_forgotten(&self) -> bool {
        let (ledger, me) = (&self.head.ledger, self.keypair.hotkey());
        let Some(since) = self.new_since.filter(|_| self.has_say(&me)) else {
            return false;
        };
        // A proposer's clock may be ahead of a voter's, and that one's of ours.
        let drift = ledger.parameters().clock_drift.saturating_mul(2);
        let began = ledger.height() > 0 && ledger.time() > since.saturating_add(drift);
        let alone = ledger.validators().members().len() == 1;
        let is_tip = alone || self.late.is_tip(ledger.height());
        !(began || is_tip && ledger.has_never_signed(&me))
    }

    /// Says once why it is silent, and what to do if that lasts.
    pub(super) fn explain_silence(&mut self) {
        if !std::mem::replace(&mut self.silence_explained, true) {
            tracing::warn!(
                height = self.head.ledger.height() + 1,
                "this directory remembers no vote of its hotkey: following until a height begins after this start, or \
                 peers say that none did and the hotkey never signed (if nothing settles, see --vote-anew)"
            );
        }
    }
}
