//! Child hotkeys: a hotkey lends parts of its stake in a subnet to others, who vote on weights with it (spec section 12.3).
//!
//! Votes on weights alone are lent. The stake stays behind its lender: there it settles, earns and unbonds, and as much
//! less is lent as is taken from it. What is lent to a hotkey that has no slot, or has lost it, the lender keeps until the
//! slot is there. Who has too little stake left, or the least of too many, stops lending at the end of an epoch.
use std::cell::LazyCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crypto::Hotkey;

use super::entry::{ChildTake, Planned};
use super::{Ledger, Refusal, Shortfall, Unlent};
use crate::Amount;
use crate::parameters::BASIS_POINTS;
use crate::subnet::Netuid;
use crate::transaction::Coldkey;

/// To how many a hotkey may lend in a subnet (spec section 12.3).
pub const MAX_CHILDREN: usize = 5;

/// How many may lend in a subnet, so that an epoch looks at no more than five times as many loans.
const MAX_LENDERS: usize = 4_096;

/// Whose stake votes by whom in a subnet.
#[derive(Default)]
pub(super) struct Loans {
    /// What those who lend or borrow vote with.
    pub(super) votes: BTreeMap<Hotkey, Amount>,
    /// From whom a hotkey borrows, and how much.
    borrowed: BTreeMap<Hotkey, Vec<(Hotkey, Amount)>>,
}

/// Parts of what a voter was paid.
#[derive(Default)]
pub(super) struct Parts {
    /// Its owner's.
    pub(super) take: Amount,
    /// That of all it borrows from.
    pub(super) lenders: Amount,
}

impl Ledger {
    /// To whom a hotkey lends in a subnet, by rising hotkey, and what part of its stake in `u64::MAX`ths.
    pub fn children(&self, netuid: Netuid, hotkey: &Hotkey) -> &[(Hotkey, u64)] {
        self.children.get(&(netuid, *hotkey)).map_or(&[], Vec::as_slice)
    }

    /// To whom a hotkey is about to lend, and the height at or after which the first epoch's end puts that in force.
    pub fn planned_children(&self, netuid: Netuid, hotkey: &Hotkey) -> Option<(u64, &[(Hotkey, u64)])> {
        let plan = self.planned.get(&(netuid, *hotkey))?;
        Some((plan.asked.saturating_add(self.parameters().child_delay), &plan.children))
    }

    /// What part a hotkey keeps of others' dividends on stake that it borrows in a subnet, in basis points.
    pub fn child_take(&self, netuid: Netuid, hotkey: &Hotkey) -> u16 {
        self.child_takes.get(&(netuid, *hotkey)).map_or(0, |kept| kept.take)
    }

    /// What a hotkey votes with in a subnet now, if it has a slot: its own stake, less what it lends, and what it borrows.
    pub fn voting_stake(&self, netuid: Netuid, hotkey: &Hotkey) -> Amount {
        let its = self.lent(netuid, |lender, child| [lender, child].contains(&hotkey));
        its.fold(self.stake_of(hotkey), |votes, (lender, _, lent)| match lender == *hotkey {
            true => votes.saturating_sub(lent),
            false => Amount(votes.0.saturating_add(lent.0)),
        })
    }

    /// What a hotkey votes with where these loans are made.
    pub(super) fn votes_of(&self, hotkey: &Hotkey, loans: &Loans) -> Amount {
        loans.votes.get(hotkey).copied().unwrap_or_else(|| self.stake_of(hotkey))
    }

    /// Whether an owner may have its hotkey lend to these from some epoch on.
    pub(super) fn check_children(
        &self,
        netuid: Netuid,
        hotkey: Hotkey,
        coldkey: Coldkey,
        children: &[(Hotkey, u64)],
    ) -> Result<(), Refusal> {
        let rules = self.hyperparameters(netuid).ok_or(Refusal::NoSubnet(netuid))?;
        self.own(hotkey, coldkey)?;
        let unlent = |reason| Refusal::Lending { hotkey, netuid, reason };
        check_parts(hotkey, children).map_err(unlent)?;
        let (have, need) = (self.stake_of(&hotkey), rules.stake_threshold.max(Amount(1)));
        if !children.is_empty() && have < need {
            return Err(unlent(Unlent::Stake(Shortfall { have, need })));
        }
        let planned = self.planned.get(&(netuid, hotkey));
        let next = planned.map_or(0, |plan| plan.asked.saturating_add(self.parameters().child_change));
        if self.height() + 1 < next {
            return Err(unlent(Unlent::Lately { next }));
        }
        children.iter().try_for_each(|(child, _)| match self.delegates.get(child) {
            None => Err(Refusal::NoHotkey(*child)),
            Some(_) if self.lends(netuid, child, &hotkey) => Err(unlent(Unlent::Parent(*child))),
            Some(_) => Ok(()),
        })
    }

    /// Whether a hotkey lends to another or is about to.
    pub(super) fn lends(&self, netuid: Netuid, lender: &Hotkey, child: &Hotkey) -> bool {
        let planned = self.planned.get(&(netuid, *lender)).map_or(&[][..], |plan| &plan.children);
        let mut children = self.children(netuid, lender).iter().chain(planned);
        children.any(|(named, _)| named == child)
    }

    pub(super) fn plan_children(&mut self, netuid: Netuid, hotkey: Hotkey, children: &[(Hotkey, u64)]) {
        let plan = Planned { asked: self.height() + 1, children: children.to_vec() };
        self.planned.insert((netuid, hotkey), plan);
    }

    /// Whether an owner may set this take on borrowed stake now.
    pub(super) fn check_child_take(
        &self,
        netuid: Netuid,
        hotkey: Hotkey,
        coldkey: Coldkey,
        take: u16,
    ) -> Result<(), Refusal> {
        self.subnets.get(&netuid).ok_or(Refusal::NoSubnet(netuid))?;
        self.own(hotkey, coldkey)?;
        let rose = self.child_takes.get(&(netuid, hotkey)).and_then(|kept| kept.rose);
        self.check_rise(hotkey, self.child_take(netuid, &hotkey), rose, take)
    }

    pub(super) fn set_child_take(&mut self, netuid: Netuid, hotkey: Hotkey, take: u16) {
        let height = self.height();
        let kept = self.child_takes.rows_mut().entry((netuid, hotkey)).or_default();
        let rose = if take > kept.take { Some(height) } else { kept.rose };
        *kept = ChildTake { take, rose };
    }

    /// Who votes with whose stake now. One pass over the loans of a subnet.
    pub(super) fn loans(&self, netuid: Netuid) -> Loans {
        let mut loans = Loans::default();
        for (lender, child, lent) in self.lent(netuid, |_, _| true) {
            let votes = loans.votes.entry(lender).or_insert_with(|| self.stake_of(&lender));
            *votes = votes.saturating_sub(lent);
            let votes = loans.votes.entry(child).or_insert_with(|| self.stake_of(&child));
            *votes = Amount(votes.0.saturating_add(lent.0));
            loans.borrowed.entry(child).or_default().push((lender, lent));
        }
        loans
    }

    /// Who lends to whom and how much, of the loans `wanted` by lender and child: no work is done for the others, of
    /// which there may be thousands at every vote.
    fn lent(
        &self,
        netuid: Netuid,
        wanted: impl Fn(&Hotkey, &Hotkey) -> bool,
    ) -> impl Iterator<Item = (Hotkey, Hotkey, Amount)> {
        let seated = LazyCell::new(move || -> BTreeSet<_> {
            self.slots_of(netuid).map(|(_, slot)| slot.hotkey).collect()
        });
        let named = self.children.rows().range(everyone(netuid)).flat_map(|((_, lender), children)| {
            children.iter().map(move |(child, part)| (*lender, *child, *part))
        });
        let made = named.filter(move |(lender, child, _)| wanted(lender, child) && seated.contains(child));
        made.map(|(lender, child, part)| (lender, child, self.stake_of(&lender).portion(part, u64::MAX)))
    }

    /// Pays a voter's dividends to it and to those it borrows from, by what each contributed. The voter keeps its take of
    /// the others' parts, unless they have its owner, and what rounding leaves.
    pub(super) fn pay_voter(
        &mut self,
        netuid: Netuid,
        voter: Hotkey,
        amount: Amount,
        loans: &Loans,
    ) -> Parts {
        let whole = self.votes_of(&voter, loans);
        let mut left = amount;
        for (lender, contributed) in loans.borrowed.get(&voter).into_iter().flatten() {
            let part = amount.portion(contributed.0, whole.0);
            let take = match self.owner(lender) == self.owner(&voter) {
                true => Amount::ZERO,
                false => part.portion(self.child_take(netuid, &voter).into(), BASIS_POINTS),
            };
            let paid = part.saturating_sub(take);
            left = left.saturating_sub(paid);
            self.pay_dividend(*lender, paid);
        }
        Parts { take: self.pay_dividend(voter, left), lenders: amount.saturating_sub(left) }
    }

    /// Puts in force what was planned long enough ago, and ends the loans of those who have too little stake for it.
    pub(super) fn renew_children(&mut self, netuid: Netuid) {
        let height = self.height() + 1;
        let delay = self.parameters().child_delay;
        let plans = self.planned.rows().range(everyone(netuid));
        let due = plans.filter(|(_, plan)| plan.asked.saturating_add(delay) <= height);
        for key in due.map(|(key, _)| *key).collect::<Vec<_>>() {
            match self.planned.remove(&key).map(|plan| plan.children) {
                Some(children) if !children.is_empty() => self.children.insert(key, children),
                _ => drop(self.children.remove(&key)),
            }
        }
        self.end_small_loans(netuid);
    }

    fn end_small_loans(&mut self, netuid: Netuid) {
        let least = self.hyperparameters(netuid).map_or(Amount::ZERO, |rules| rules.stake_threshold);
        let lenders = self.children.rows().range(everyone(netuid));
        let mut lenders: Vec<_> =
            lenders.map(|((_, lender), _)| (Reverse(self.stake_of(lender)), *lender)).collect();
        lenders.sort_unstable();
        let enough = lenders.partition_point(|(Reverse(stake), _)| *stake >= least.max(Amount(1)));
        for (_, lender) in &lenders[enough.min(MAX_LENDERS)..] {
            self.children.remove(&(netuid, *lender));
        }
    }
}

/// What holds of a hotkey's children whatever the ledger says.
pub(super) fn check_parts(hotkey: Hotkey, children: &[(Hotkey, u64)]) -> Result<(), Unlent> {
    let parts = children.iter().map(|(_, part)| *part);
    match parts.clone().try_fold(0, u64::checked_add) {
        _ if children.len() > MAX_CHILDREN => Err(Unlent::TooMany { have: children.len() }),
        _ if !children.is_sorted_by(|a, b| a.0 < b.0) => Err(Unlent::Order),
        _ if children.iter().any(|(child, _)| *child == hotkey) => Err(Unlent::Itself),
        _ if parts.clone().any(|part| part == 0) => Err(Unlent::Nothing),
        None => Err(Unlent::MoreThanAll),
        Some(_) => Ok(()),
    }
}

/// The keys of a subnet's hotkeys.
fn everyone(netuid: Netuid) -> std::ops::RangeInclusive<(Netuid, Hotkey)> {
    (netuid, Hotkey([0; 32]))..=(netuid, Hotkey([u8::MAX; 32]))
}
