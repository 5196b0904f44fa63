//! What becomes of a hotkey that signed two things where one is allowed: it is slashed, loses its seat, and is jailed
//! until its owner asks for its release.
//!
//! One punishment covers all that a hotkey did up to the height at which it is punished: two machines that run with one
//! key by mistake sign everything twice until somebody notices, and that is one mistake. So nothing is punished twice,
//! and of the punishment its height is all there is to remember.
use crypto::Hotkey;

use super::entry::Jail;
use super::{Dismissed, Ledger, Refusal};
use crate::Amount;
use crate::consensus::Proven;
use crate::parameters::BASIS_POINTS;
use crate::transaction::Coldkey;

impl Ledger {
    /// Punishes a hotkey for what evidence proves that it did at an earlier height, when it had a seat.
    pub fn try_evidence(&mut self, proven: &Proven) -> Result<(), Refusal> {
        self.check_evidence(proven)?;
        self.punish(proven.offender(), proven.height());
        #[cfg(feature = "planted-faults")]
        if self.breaks(crate::Fault::EvidenceTwice) {
            self.punish(proven.offender(), proven.height());
        }
        Ok(())
    }

    /// Whether evidence may be settled at `height() + 1`; that its height is not settled yet is found last.
    pub fn check_evidence(&self, proven: &Proven) -> Result<(), Refusal> {
        let (hotkey, height, now) = (proven.offender(), proven.height(), self.height() + 1);
        let last = height.saturating_add(self.parameters().evidence_expiry);
        let since = self.jails.get(&hotkey).map_or(0, |jail| jail.since);
        let reason = match () {
            () if now > last => Dismissed::Expired { last },
            () if !self.had_seat(&hotkey, height) => Dismissed::NoSeat,
            () if height <= since => Dismissed::Punished { since },
            () if height >= now => Dismissed::Unsettled,
            () => return Ok(()),
        };
        Err(Refusal::Evidence { hotkey, height, reason })
    }

    /// Since which height a hotkey is jailed, if it is.
    pub fn jailed_since(&self, hotkey: &Hotkey) -> Option<u64> {
        self.jails.get(hotkey).filter(|jail| !jail.released).map(|jail| jail.since)
    }

    /// Whether an owner may have its hotkey released.
    pub(super) fn check_release(&self, hotkey: Hotkey, coldkey: Coldkey) -> Result<(), Refusal> {
        self.own(hotkey, coldkey)?;
        let since = self.jailed_since(&hotkey).ok_or(Refusal::NotJailed(hotkey))?;
        let until = since.saturating_add(self.parameters().jail);
        if self.height() + 1 < until { Err(Refusal::Jailed(hotkey, until)) } else { Ok(()) }
    }

    /// Lets a hotkey be chosen again. What it was punished for stays known for as long as evidence counts.
    pub(super) fn release(&mut self, hotkey: Hotkey) {
        if let Some(jail) = self.jails.get_mut(&hotkey) {
            jail.released = true;
        }
    }

    /// Forgets punishments of the released that no evidence can be older than.
    pub(super) fn forget_punishments(&mut self, height: u64) {
        let expiry = self.parameters().evidence_expiry;
        let over = |jail: &Jail| jail.released && jail.since.saturating_add(expiry) <= height;
        if self.jails.rows().values().any(over) {
            self.jails.rows_mut().retain(|_, jail| !over(jail));
        }
    }

    fn punish(&mut self, hotkey: Hotkey, offence: u64) {
        let since = self.height() + 1;
        let cuts =
            [self.slash_moves(hotkey, offence), self.slash_locks(hotkey, offence), self.slash_pool(hotkey)];
        let slashes = &mut self.chain.only_mut().burned.slashes;
        *slashes = cuts.iter().fold(*slashes, |sum, cut| Amount(sum.0.saturating_add(cut.0)));
        self.jails.insert(hotkey, Jail { since, released: false });
    }

    /// Takes the part from all who back a hotkey, and counts its pool anew: a share is worth a unit again, so that no
    /// number of slashes makes shares worth nothing. Rounding is burned. Returns what is gone.
    fn slash_pool(&mut self, hotkey: Hotkey) -> Amount {
        let everyone = (hotkey, Coldkey(Hotkey([0; 32])))..=(hotkey, Coldkey(Hotkey([u8::MAX; 32])));
        let left = |coldkey| {
            let stake = self.stake_between(&hotkey, coldkey);
            stake.saturating_sub(self.cut(stake)).0
        };
        let stakers = self.shares.rows().range(everyone);
        let stakers: Vec<_> = stakers.map(|(key, _)| (*key, left(&key.1))).collect();
        let sum = stakers.iter().fold(0u64, |sum, (_, left)| sum.saturating_add(*left));
        self.shares.rows_mut().extend(stakers);
        let Some(delegate) = self.delegates.get_mut(&hotkey) else { return Amount::ZERO };
        let gone = delegate.value.saturating_sub(Amount(sum));
        (delegate.value, delegate.shares) = (Amount(sum), sum);
        gone
    }

    /// Takes the part from stake that is on its way back to its owners.
    fn slash_locks(&mut self, hotkey: Hotkey, offence: u64) -> Amount {
        let locks = self.locks.rows().iter();
        let liable = locks.filter(|((until, _, from), _)| *from == hotkey && self.is_liable(*until, offence));
        let cuts: Vec<_> = liable.map(|(key, amount)| (*key, self.cut(*amount))).collect();
        let mut gone = Amount::ZERO;
        for (key, cut) in cuts {
            if let Some(amount) = self.locks.get_mut(&key) {
                *amount = amount.saturating_sub(cut);
                gone = Amount(gone.0.saturating_add(cut.0));
            }
        }
        gone
    }

    /// Takes the part from stake that went on to other hotkeys, out of what those who moved it have there: whole shares,
    /// never more than the part.
    fn slash_moves(&mut self, hotkey: Hotkey, offence: u64) -> Amount {
        let moves = self.moves.rows().iter();
        let liable =
            moves.filter(|((_, _, (until, from)), _)| *from == hotkey && self.is_liable(*until, offence));
        let liable: Vec<_> = liable.map(|(key, amount)| (*key, *amount)).collect();
        let mut gone = Amount::ZERO;
        for (key @ (coldkey, to, _), amount) in liable {
            let cut = self.cut(amount.min(self.stake_between(&to, &coldkey)));
            let taken = self.delegates.get(&to).map_or(Amount::ZERO, |d| d.worth(d.shares_for(cut)));
            self.withdraw(to, coldkey, taken);
            self.moves.insert(key, amount.saturating_sub(taken));
            gone = Amount(gone.0.saturating_add(taken.0));
        }
        gone
    }

    /// Whether stake that is free at `until` could still back its hotkey at the height of an offence: those who settled
    /// it were chosen no earlier than a period before.
    fn is_liable(&self, until: u64, offence: u64) -> bool {
        let rules = self.parameters();
        until.saturating_sub(rules.unbonding).saturating_add(rules.set_period) >= offence
    }

    fn cut(&self, amount: Amount) -> Amount {
        amount.portion(self.parameters().slash.into(), BASIS_POINTS)
    }
}
