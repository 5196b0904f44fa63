//! How emission is divided between subnets: by those who settle, for the long run (DESIGN section 6).
use crypto::Hotkey;

use super::{Ledger, Refusal};
use crate::fixed::decay_factor;
use crate::subnet::Netuid;
use crate::transaction::Coldkey;
use crate::yuma::Share;

impl Ledger {
    /// A subnet's share of emission.
    pub fn share(&self, netuid: Netuid) -> Option<Share> {
        self.subnets.get(&netuid).map(|subnet| subnet.share)
    }

    /// Whether an owner may have its hotkey prefer these subnets.
    pub(super) fn check_preference(
        &self,
        hotkey: Hotkey,
        coldkey: Coldkey,
        row: &[(Netuid, u16)],
    ) -> Result<(), Refusal> {
        self.own(hotkey, coldkey)?;
        if !row.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(Refusal::PreferenceOrder(hotkey));
        }
        match row.iter().find(|(netuid, _)| self.subnets.get(netuid).is_none()) {
            Some((netuid, _)) => Err(Refusal::NoSubnet(*netuid)),
            None => Ok(()),
        }
    }

    pub(super) fn prefer(&mut self, hotkey: Hotkey, row: &[(Netuid, u16)]) {
        match row.is_empty() {
            true => drop(self.preferences.remove(&hotkey)),
            false => self.preferences.insert(hotkey, row.to_vec()),
        }
    }

    /// Moves every subnet's share a little towards what more than half of the settling stake agrees on; where it agrees
    /// on nothing, shares stay.
    pub(super) fn divide(&mut self) {
        let agreed = self.agreed_division();
        let whole = agreed.iter().map(|(_, share)| *share).sum::<Share>();
        if whole == Share::ZERO {
            return;
        }
        let kept = Share::from_bits(decay_factor(self.parameters().division_half_life) as i64);
        for (netuid, share) in agreed {
            if let Some(subnet) = self.subnets.get_mut(&netuid) {
                subnet.share = kept * subnet.share + (Share::ONE - kept) * (share / whole);
            }
        }
    }

    /// For every subnet the largest share that members of the settling set with more than half of its stake give it.
    /// Who says nothing gives nothing, so nobody gains by what a minority, however rich, prefers.
    fn agreed_division(&self) -> Vec<(Netuid, Share)> {
        let set = self.validators();
        let rows: Vec<_> =
            set.members().iter().map(|(hotkey, power)| (self.preference(hotkey), *power)).collect();
        let agreed = |netuid: &Netuid| {
            let mut votes: Vec<_> =
                rows.iter().map(|(row, power)| (preferred(row, *netuid), *power)).collect();
            votes.sort_unstable_by(|a, b| b.cmp(a));
            let mut behind = 0u128;
            let passes = votes.into_iter().find(|(_, power)| {
                behind += u128::from(*power);
                2 * behind > u128::from(set.total())
            });
            (*netuid, passes.map_or(Share::ZERO, |(share, _)| share))
        };
        self.subnets.rows().keys().map(agreed).collect()
    }

    /// What a hotkey prefers among the subnets that are left and may have emission.
    fn preference(&self, hotkey: &Hotkey) -> Vec<(Netuid, u16)> {
        let row = self.preferences.get(hotkey).into_iter().flatten();
        let earns = |netuid: &Netuid| self.subnets.get(netuid).is_some_and(|subnet| subnet.started);
        row.filter(|(netuid, _)| earns(netuid)).copied().collect()
    }
}

/// The part of a row that one subnet has.
fn preferred(row: &[(Netuid, u16)], netuid: Netuid) -> Share {
    let whole = row.iter().map(|(_, weight)| u64::from(*weight)).sum();
    let part = row.iter().find(|(preferred, _)| *preferred == netuid).map_or(0, |(_, weight)| *weight);
    Share::ratio(part.into(), whole)
}
