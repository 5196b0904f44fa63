//! Where all coins are: nothing appears or vanishes.
use serde::{Deserialize, Serialize};

use super::{Burned, Ledger, Refusal, Subnet};
use crate::Amount;
use crate::emission::{Schedule, split};

/// All coins by place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supply {
    /// Brought into existence by genesis and the schedule.
    pub issued: Amount,
    /// Spendable.
    pub balances: Amount,
    /// Behind hotkeys.
    pub stakes: Amount,
    /// On their way back from stake, or held by subnets until they end.
    pub locks: Amount,
    /// Waiting for the end of an epoch.
    pub pools: Amount,
    /// Gone for good.
    pub burned: Amount,
}

impl Supply {
    /// Whether every coin issued is found in exactly one place.
    pub fn check(&self) -> bool {
        self.issued == self.found()
    }

    /// The sum over all places.
    pub fn found(&self) -> Amount {
        sum([self.balances, self.stakes, self.locks, self.pools, self.burned])
    }
}

impl Burned {
    /// All of it.
    pub fn total(&self) -> Amount {
        sum([self.fees, self.registrations, self.withheld, self.slashes])
    }
}

impl Ledger {
    /// Where all coins are.
    pub fn supply(&self) -> Supply {
        let founders = self.subnets.rows().values().map(|subnet| subnet.lock);
        Supply {
            issued: self.chain.only().issued,
            balances: sum(self.accounts.rows().values().map(|account| account.balance)),
            stakes: sum(self.delegates.rows().values().map(|delegate| delegate.value)),
            locks: sum(self.locks.rows().values().copied().chain(founders)),
            pools: sum(self.subnets.rows().values().map(|subnet| subnet.pending)),
            burned: self.burned().total(),
        }
    }

    /// Coins gone for good, by what burned them.
    pub fn burned(&self) -> Burned {
        self.chain.only().burned
    }

    /// Where the emission schedule stands; [`Schedule::after`] foretells every later height.
    pub fn schedule(&self) -> Schedule {
        let chain = self.chain.only();
        Schedule { issued: chain.issued, owed: chain.owed, interval: self.parameters().interval }
    }

    pub(super) fn check_supply(&self) -> Result<(), Refusal> {
        let supply = self.supply();
        match supply.check() {
            true => Ok(()),
            false => {
                Err(Refusal::Supply { height: self.height(), issued: supply.issued, found: supply.found() })
            }
        }
    }

    /// Issues one settlement's coins into the subnets' pools; without a subnet that has a share they burn.
    pub(super) fn issue(&mut self) {
        let mut schedule = self.schedule();
        let issued = schedule.step();
        let chain = self.chain.only_mut();
        (chain.issued, chain.owed) = (schedule.issued, schedule.owed);
        let bits = |subnet: &Subnet| u64::try_from(subnet.share.bits()).unwrap_or(0);
        let shares: Vec<_> = self.subnets.rows().values().map(bits).collect();
        if shares.iter().all(|share| *share == 0) {
            self.withhold(issued);
            return;
        }
        for (subnet, part) in self.subnets.rows_mut().values_mut().zip(split(issued, &shares)) {
            subnet.pending = sum([subnet.pending, part]);
        }
    }

    pub(super) fn withhold(&mut self, amount: Amount) {
        let withheld = &mut self.chain.only_mut().burned.withheld;
        *withheld = sum([*withheld, amount]);
    }
}

/// Saturates: a sum that is too large shows up in [`Supply::check`] instead of wrapping.
fn sum(amounts: impl IntoIterator<Item = Amount>) -> Amount {
    let add = |sum: u64, amount: Amount| sum.saturating_add(amount.0);
    Amount(amounts.into_iter().fold(0, add))
}
