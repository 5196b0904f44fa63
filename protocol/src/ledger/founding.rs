//! Subnets: how they come, change and go (spec sections 8.3, 13 and 14; what is locked is ours).
use super::entry::{Payout, Subnet};
use super::{Ledger, Refusal};
use crate::Amount;
use crate::fixed::decay_factor;
use crate::genesis::MAX_NAME;
use crate::parameters::Hyperparameters;
use crate::subnet::{Netuid, Rule};
use crate::transaction::Coldkey;
use crate::yuma::Share;

/// The largest share of the old value in a bond that an owner may set, in millionths.
const OWNER_MAX_AVERAGE: u32 = 975_000;

impl Ledger {
    /// What founding a subnet locks now.
    pub fn lock_price(&self) -> Amount {
        self.chain.only().lock_price
    }

    /// What a founder must lock, if there is room for its subnet.
    pub(super) fn founding_cost(&self, task: &str, limit: Option<Amount>) -> Result<Amount, Refusal> {
        if !(1..=MAX_NAME).contains(&task.len()) {
            return Err(Refusal::TaskName(task.len()));
        }
        let price = self.lock_price();
        if let Some(limit) = limit.filter(|limit| price > *limit) {
            return Err(Refusal::LockPrice { price, limit });
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
            hyperparameters,
            share: Share::ZERO,
            pending: Amount::ZERO,
            payout: Payout::default(),
            lock,
            founded,
            changed: founded,
        };
        self.subnets.insert(netuid, subnet);
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
    }

    /// Whether an owner may change a rule of its subnet now.
    pub(super) fn check_rule(&self, netuid: Netuid, coldkey: Coldkey, rule: &Rule) -> Result<(), Refusal> {
        let subnet = self.subnets.get(&netuid).ok_or(Refusal::NoSubnet(netuid))?;
        if subnet.owner != Some(coldkey) {
            return Err(Refusal::NotSubnetOwner { netuid, owner: subnet.owner, coldkey });
        }
        let (tempo, founding) = (subnet.hyperparameters.tempo, &self.parameters().founding);
        let next = subnet.changed.saturating_add(tempo.saturating_mul(founding.change_epochs));
        if self.height() + 1 < next {
            return Err(Refusal::ChangedLately { netuid, next });
        }
        let left = tempo - self.height() % tempo;
        if left <= founding.freeze {
            return Err(Refusal::Frozen { netuid, until: self.height() + left + 1 });
        }
        let refused = |(name, rule)| Refusal::Rule { netuid, name, rule };
        ruled(subnet, rule).check().map_err(refused)?;
        match rule {
            Rule::BondsMovingAverage(average) if *average > OWNER_MAX_AVERAGE => {
                Err(refused(("bonds_moving_average", "must not pass 975000 when an owner sets it")))
            }
            Rule::RevealWindow(window) if *window < founding.defaults.reveal_window => Err(refused((
                "reveal_window",
                "must not be shorter than a new subnet's, or reveals can be kept out",
            ))),
            _ => Ok(()),
        }
    }

    pub(super) fn set_rule(&mut self, netuid: Netuid, rule: &Rule) {
        let changed = self.height() + 1;
        let Some(rules) = self.subnets.get(&netuid).map(|subnet| ruled(subnet, rule)) else { return };
        if let Some(subnet) = self.subnets.get_mut(&netuid) {
            (subnet.hyperparameters, subnet.changed) = (rules, changed);
        }
    }
}

/// The rules of a subnet with one of them changed.
fn ruled(subnet: &Subnet, rule: &Rule) -> Hyperparameters {
    let mut rules = subnet.hyperparameters.clone();
    match *rule {
        Rule::RevealWindow(epochs) => rules.reveal_window = epochs,
        Rule::Immunity(settlements) => rules.immunity = settlements,
        Rule::Permits(permits) => rules.permits = permits,
        Rule::BondsPenalty(part) => rules.bonds_penalty = part,
        Rule::BondsMovingAverage(millionths) => rules.bonds_moving_average = millionths,
        Rule::MinimumBurn(price) => rules.burn.minimum = price,
        Rule::MaximumBurn(price) => rules.burn.maximum = price,
    }
    rules.burn.start = rules.burn.start.clamp(rules.burn.minimum, rules.burn.maximum.max(rules.burn.minimum));
    rules
}
