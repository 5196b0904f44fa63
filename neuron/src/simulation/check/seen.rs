//! What a record tells while a history unfolds.
use crypto::Hotkey;
use protocol::Amount;
use protocol::ledger::Ledger;

use super::{Record, Violation};

/// Sums of a history so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The latest round that decided a height.
    pub worst_round: u32,
    /// The round that decided the last height.
    pub last_round: u32,
    /// Accusations against those who may be caught.
    pub accused: usize,
    /// Accusations against others.
    pub honest_accused: usize,
    /// Punishments that were settled.
    pub punished: usize,
}

impl Record {
    /// What broke so far.
    pub(crate) fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Sums so far.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// What one lost for signing twice, as far as rounding lets it be told.
    pub(crate) fn slashed(&self, hotkey: &Hotkey) -> Amount {
        Amount(self.slashed.get(hotkey).copied().unwrap_or_default())
    }

    /// The ledger after a height.
    pub(crate) fn ledger_at(&self, height: u64) -> Option<&Ledger> {
        self.ledgers.get(height as usize)
    }

    /// Counts one whom a real neuron accuses: what it heard, only it knows.
    pub(crate) fn hear_accused(&mut self, offender: Hotkey) {
        if self.twins.contains(&offender) {
            self.counts.accused += 1;
        } else {
            self.counts.honest_accused += 1;
            self.violations.push(Violation::HonestAccused(offender));
        }
    }

    /// From now on this one may be caught.
    pub(crate) fn suspect(&mut self, hotkey: Hotkey) {
        self.twins.insert(hotkey);
    }
}
