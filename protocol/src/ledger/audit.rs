//! What holds in every state, looked at one entry after the other.
use std::collections::{BTreeMap, BTreeSet};

use crypto::Hotkey;

use super::children::check_parts;
use super::{Ledger, Refusal};
use crate::subnet::Netuid;
use crate::transaction::Coldkey;

/// A promise of the ledger that a state breaks: the rules are at fault, not an input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Coins appeared or vanished.
    #[error(transparent)]
    Supply(#[from] Refusal),
    /// Stake and shares of a hotkey do not fit.
    #[error("the pool of {hotkey:?} {what}")]
    Pool {
        /// Whose pool.
        hotkey: Hotkey,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Coins on their way without an end, or from nowhere.
    #[error("{coldkey:?} has {what} of {hotkey:?}")]
    OnTheWay {
        /// Whose they are.
        coldkey: Coldkey,
        /// Where they are or were staked.
        hotkey: Hotkey,
        /// What is wrong with them.
        what: &'static str,
    },
    /// The record of seats is not that of those who have them.
    #[error("{0:?} has a seat and no open term, or an open term and no seat")]
    Term(Hotkey),
    /// An entry about a hotkey that does not fit the subnet.
    #[error("{hotkey:?} has {what} in subnet {netuid}")]
    Place {
        /// Whose entry.
        hotkey: Hotkey,
        /// Which subnet.
        netuid: Netuid,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl Ledger {
    /// Checks every entry against those it depends on. It takes as long as the ledger is large: [`Ledger::apply`] checks
    /// the supply alone.
    pub fn audit(&self) -> Result<(), Broken> {
        self.check_supply()?;
        self.audit_pools()?;
        self.audit_moves()?;
        self.audit_locks()?;
        self.audit_terms()?;
        self.subnets.rows().keys().try_for_each(|netuid| self.audit_slots(*netuid))?;
        self.audit_votes()?;
        self.audit_loans()
    }

    /// Every share is somebody's, and no more can be taken out than is there.
    fn audit_pools(&self) -> Result<(), Broken> {
        let mut sums = BTreeMap::<Hotkey, (u64, u64)>::new();
        for ((hotkey, coldkey), shares) in self.shares.rows() {
            let (held, worth) = sums.entry(*hotkey).or_default();
            *held = held.saturating_add(*shares);
            *worth = worth.saturating_add(self.stake_between(hotkey, coldkey).0);
            if *shares == 0 || self.delegates.get(hotkey).is_none() {
                return Err(Broken::Pool { hotkey: *hotkey, what: "has a staker without stake" });
            }
        }
        for (hotkey, delegate) in self.delegates.rows() {
            let (held, worth) = sums.get(hotkey).copied().unwrap_or_default();
            let what = match () {
                () if held != delegate.shares => "counts other shares than its stakers hold",
                () if worth > delegate.value.0 => "owes its stakers more than it has",
                () if (delegate.shares == 0) != (delegate.value.0 == 0) => "has stake that is nobody's",
                () => continue,
            };
            return Err(Broken::Pool { hotkey: *hotkey, what });
        }
        Ok(())
    }

    fn audit_moves(&self) -> Result<(), Broken> {
        self.moves.rows().iter().try_for_each(|((coldkey, to, (until, from)), amount)| {
            let what = match () {
                () if *until <= self.height() => "an arrival that should be over",
                () if amount.0 == 0 || from == to => "an arrival of nothing",
                () if self.shares.get(&(*to, *coldkey)).is_none() => "an arrival without stake",
                () => return Ok(()),
            };
            Err(Broken::OnTheWay { coldkey: *coldkey, hotkey: *to, what })
        })
    }

    fn audit_locks(&self) -> Result<(), Broken> {
        self.locks.rows().iter().try_for_each(|((until, coldkey, hotkey), amount)| {
            let what = match () {
                () if *until <= self.height() => "a lock that should be over",
                () if amount.0 == 0 => "a lock of nothing",
                () => return Ok(()),
            };
            Err(Broken::OnTheWay { coldkey: *coldkey, hotkey: *hotkey, what })
        })
    }

    /// Who may be accused of what happens at the next height is who settles it.
    fn audit_terms(&self) -> Result<(), Broken> {
        let next = self.height() + 1;
        let known = self.terms.rows().keys().map(|(_, hotkey)| hotkey).chain(self.delegates.rows().keys());
        let seated = |hotkey: &Hotkey| self.validators().power(hotkey).is_some();
        match known.into_iter().find(|hotkey| seated(hotkey) != self.had_seat(hotkey, next)) {
            Some(hotkey) => Err(Broken::Term(*hotkey)),
            None => Ok(()),
        }
    }

    /// Slots are numbered without a gap, no more than may be, each another known hotkey's.
    fn audit_slots(&self, netuid: Netuid) -> Result<(), Broken> {
        let limit = self.hyperparameters(netuid).map_or(0, |rules| usize::from(rules.slots));
        let mut seated = BTreeSet::new();
        for (place, (uid, slot)) in self.slots_of(netuid).enumerate() {
            let what = match () {
                () if place != usize::from(uid.0) => "a slot after a gap",
                () if place >= limit => "a slot beyond the limit",
                () if !seated.insert(slot.hotkey) => "two slots",
                () if self.delegates.get(&slot.hotkey).is_none() => "a slot and no owner",
                () => continue,
            };
            return Err(Broken::Place { hotkey: slot.hotkey, netuid, what });
        }
        Ok(())
    }

    /// Who votes has a slot.
    fn audit_votes(&self) -> Result<(), Broken> {
        let commits = self.commits.rows().keys().map(|(netuid, _, hotkey)| (*netuid, *hotkey));
        let mut voters = commits.chain(self.reveals.rows().keys().copied());
        match voters.find(|(netuid, hotkey)| self.slot(*netuid, hotkey).is_none()) {
            Some((netuid, hotkey)) => Err(Broken::Place { hotkey, netuid, what: "a vote and no slot" }),
            None => Ok(()),
        }
    }

    /// Nobody lends more than all it has, to itself, or to whom it borrows from; no vote appears by lending.
    fn audit_loans(&self) -> Result<(), Broken> {
        let plans = self.planned.rows().iter().map(|(key, plan)| (key, &plan.children));
        for ((netuid, hotkey), children) in self.children.rows().iter().chain(plans) {
            let back = |(child, _): &(Hotkey, u64)| self.lends(*netuid, child, hotkey);
            let what = match () {
                () if self.subnets.get(netuid).is_none() => "children and no subnet",
                () if check_parts(*hotkey, children).is_err() => "children it cannot have",
                () if children.iter().any(back) => "a child that is its parent",
                () => continue,
            };
            return Err(Broken::Place { hotkey: *hotkey, netuid: *netuid, what });
        }
        self.subnets.rows().keys().try_for_each(|netuid| self.audit_borrowed(*netuid))
    }

    fn audit_borrowed(&self, netuid: Netuid) -> Result<(), Broken> {
        let votes = self.loans(netuid).votes;
        let stakes = votes.keys().map(|hotkey| u128::from(self.stake_of(hotkey).0)).sum();
        match votes.first_key_value() {
            Some((hotkey, _)) if votes.values().map(|votes| u128::from(votes.0)).sum::<u128>() != stakes => {
                Err(Broken::Place { hotkey: *hotkey, netuid, what: "votes that are nobody's stake" })
            }
            _ => Ok(()),
        }
    }
}
