//! The ledger's part in rules broken on purpose: it carries them to all who act on it.
use std::collections::HashMap;

use super::{Ledger, Payment, Payout};
use crate::{Amount, Defence, Fault};

impl Ledger {
    /// Breaks a rule from here on.
    pub fn plant(&mut self, fault: Fault) {
        self.fault = Some(fault);
    }

    /// The same, with the rule broken that is broken there.
    pub fn with_fault_of(self, other: &Self) -> Self {
        Self { fault: other.fault, ..self }
    }

    /// Which rule is broken.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Whether this defence was taken away.
    pub fn lacks(&self, defence: Defence) -> bool {
        self.fault == Some(Fault::Without(defence))
    }

    /// Whether this rule is broken.
    pub(crate) fn breaks(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// Gives what an epoch leaves to whoever a hash map names first, which differs from one run to the next.
    pub(super) fn pay_by_map_order(&mut self, payments: &[Payment], payout: &mut Payout) {
        let owners: HashMap<_, _> =
            payments.iter().filter_map(|paid| Some((paid.hotkey, self.owner(&paid.hotkey)?))).collect();
        if let Some((_, owner)) = owners.into_iter().next() {
            self.credit(owner, std::mem::replace(&mut payout.burned, Amount::ZERO));
        }
    }
}
