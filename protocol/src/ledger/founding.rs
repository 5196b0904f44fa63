//! Subnets: how they come, start to earn, and go (spec section 8.3; what is locked is ours).
use super::entry::{Payout, Subnet};
use super::{Ledger, Refusal, Shortfall};
use crate::Amount;
use crate::fixed::decay_factor;
use crate::genesis::MAX_NAME;
use crate::subnet::{Epoch, Netuid};
use crate::transaction::Coldkey;
use crate::yuma::Share;

impl Ledger {
    /// What founding a subnet locks now.
    pub fn lock_price(&self) -> Amount {
        self.chain.only().lock_price
    }

    /// Whether there was such a subnet, or may have been: numbers are given once.
    pub fn was_founded(&self, netuid: Netuid) -> bool {
        netuid.0 < self.chain.only().next_netuid
    }

    /// What a founder must lock, if there is room for its subnet.
    pub(super) fn founding_cost(&self, task: &str, limit: Option<Amount>) -> Result<Amount, Refusal> {
        if !(1..=MAX_NAME).contains(&task.len()) {
            return Err(Refusal::TaskName(task.len()));
        }
        let price = self.lock_price();
        if let Some(have) = limit.filter(|limit| price > *limit) {
            return Err(Refusal::LockPrice(Shortfall { have, need: price }));
        }
        let limit = self.parameters().founding.limit;
        let full = self.subnets.rows().len() >= usize::from(limit);
        match full && self.weakest_subnet().is_none() || self.chain.only().next_netuid == u16::MAX {
            true => Err(Refusal::SubnetsFull { limit }),
            false => Ok(price),
        }
    }

    /// Founds a subnet whose owner has locked `lock`, in place of the weakest if there are too many.
    pub(super) fn found_subnet(&mut self, task: &str, owner: Coldkey, lock: Amount) {
        if self.subnets.rows().len() >= usize::from(self.parameters().founding.limit)
            && let Some(weakest) = self.weakest_subnet()
        {
            self.dissolve(weakest);
        }
        let founded = self.height() + 1;
        let hyperparameters = self.parameters().founding.defaults.clone();
        let chain = self.chain.only_mut();
        let netuid = Netuid(chain.next_netuid);
        chain.next_netuid += 1;
        chain.lock_price = Amount(lock.0.saturating_mul(2));
        let subnet = Subnet {
            task: task.to_owned(),
            owner: Some(owner),
            price: hyperparameters.burn.start,
            epoch: Epoch::begin(founded, hyperparameters.tempo, netuid.0.into()),
            hyperparameters,
            share: Share::ZERO,
            pending: Amount::ZERO,
            payout: Payout::default(),
            lock,
            founded,
            changed: founded,
            started: false,
        };
        self.subnets.insert(netuid, subnet);
    }

    /// Whether an owner may start the emission of its subnet now: a while after founding, in which it is set up.
    pub(super) fn check_start(&self, netuid: Netuid, coldkey: Coldkey) -> Result<(), Refusal> {
        let subnet = self.owned_subnet(netuid, coldkey)?;
        if subnet.started {
            return Err(Refusal::Started(netuid));
        }
        let from = subnet.founded.saturating_add(self.parameters().founding.start_delay);
        match self.height() + 1 < from {
            true => Err(Refusal::StartsLater(netuid, from)),
            false => Ok(()),
        }
    }

    pub(super) fn start(&mut self, netuid: Netuid) {
        if let Some(subnet) = self.subnets.get_mut(&netuid) {
            subnet.started = true;
        }
    }

    /// The subnet, if `coldkey` owns it.
    pub(super) fn owned_subnet(&self, netuid: Netuid, coldkey: Coldkey) -> Result<&Subnet, Refusal> {
        let subnet = self.subnets.get(&netuid).ok_or(Refusal::NoSubnet(netuid))?;
        match subnet.owner == Some(coldkey) {
            true => Ok(subnet),
            false => Err(Refusal::NotSubnetOwner { netuid, owner: subnet.owner, coldkey }),
        }
    }

    /// The price of a lock halves in a while, down to where it began.
    pub(super) fn decay_lock_price(&mut self) {
        let rules = &self.parameters().founding;
        let (least, factor) = (rules.lock, decay_factor(rules.lock_half_life));
        let price = self.lock_price();
        if price > least {
            self.chain.only_mut().lock_price = price.portion(factor, 1 << 32).max(least);
        }
    }

    /// Of the subnets that are no longer immune the one with the smallest share, among equals the oldest. One that has
    /// its even part of emission is not weak, however young the others are.
    fn weakest_subnet(&self) -> Option<Netuid> {
        let grown = self.height().saturating_sub(self.parameters().founding.immunity);
        let even = Share::ratio(1, self.subnets.rows().len() as u64);
        let weak = |subnet: &Subnet| subnet.founded <= grown && subnet.share < even;
        let old = self.subnets.rows().iter().filter(|(_, subnet)| weak(subnet));
        old.min_by_key(|(netuid, subnet)| (subnet.share, subnet.founded, **netuid)).map(|(netuid, _)| *netuid)
    }

    /// Ends a subnet: its owner has the lock back, what was not paid out burns, stake stays with its hotkeys.
    fn dissolve(&mut self, netuid: Netuid) {
        let Some(subnet) = self.subnets.remove(&netuid) else { return };
        self.withhold(subnet.pending);
        match subnet.owner {
            Some(owner) => self.credit(owner, subnet.lock),
            None => self.withhold(subnet.lock),
        }
        self.slots.retain(|(place, _)| *place != netuid);
        self.bonds.retain(|(place, _)| *place != netuid);
        self.commits.retain(|(place, ..)| *place != netuid);
        self.reveals.retain(|(place, _)| *place != netuid);
        self.children.retain(|(place, _)| *place != netuid);
        self.planned.retain(|(place, _)| *place != netuid);
        self.child_takes.retain(|(place, _)| *place != netuid);
    }
}
