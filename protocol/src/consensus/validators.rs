//! Who settles, with how much stake, and who proposes when.
use crypto::{Hash, Hotkey, hash};
use serde::{Deserialize, Serialize};

use crate::codec;

/// The most stake a set may hold in all: the quorum rule multiplies it by three.
pub const MAX_TOTAL: u64 = u64::MAX / 3;

/// The hotkeys that settle a span of heights, by falling stake, then rising hotkey.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidatorSet(Vec<(Hotkey, u64)>);

impl ValidatorSet {
    /// The set of `members`; those without stake are left out. `None` if nobody is left or the stake passes
    /// [`MAX_TOTAL`].
    pub fn new(members: impl IntoIterator<Item = (Hotkey, u64)>) -> Option<Self> {
        let mut members: Vec<_> = members.into_iter().filter(|(_, power)| *power > 0).collect();
        members.sort_unstable_by_key(|(hotkey, power)| (std::cmp::Reverse(*power), *hotkey));
        let total = members.iter().try_fold(0u64, |sum, (_, power)| sum.checked_add(*power))?;
        (total > 0 && total <= MAX_TOTAL).then_some(Self(members))
    }

    /// The members with their stakes.
    pub fn members(&self) -> &[(Hotkey, u64)] {
        &self.0
    }

    /// The stake of a member.
    pub fn power(&self, hotkey: &Hotkey) -> Option<u64> {
        self.0.iter().find(|(member, _)| member == hotkey).map(|(_, power)| *power)
    }

    /// The stake of all members; a set that somebody sent may hold more than can be counted.
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, (_, power)| sum.saturating_add(*power))
    }

    /// The stake of these members together.
    pub fn stake(&self, members: &[Hotkey]) -> u64 {
        members.iter().filter_map(|member| self.power(member)).fold(0, u64::saturating_add)
    }

    /// Names the set.
    pub fn hash(&self) -> Hash {
        hash("neuron v1 validator set", &[&codec::encode(self)])
    }

    /// Who proposes in `round` of `height`: drawn by stake from those whose turn has not come yet, so that everyone's
    /// comes once in as many rounds as there are members. Fixed as soon as the set is.
    ///
    /// Somebody locked alone, without whom there is no quorum, is only followed when it proposes: draws that forget who
    /// had a turn can leave it out for dozens of rounds.
    pub fn proposer(&self, height: u64, round: u32) -> Hotkey {
        let (set, turns) = (self.hash(), u32::try_from(self.0.len()).unwrap_or(u32::MAX).max(1));
        let (mut waiting, mut total) = (self.0.clone(), self.total());
        for earlier in round - round % turns..round {
            let (_, power) = waiting.remove(drawn(&waiting, total, &set, height, earlier));
            total -= power;
        }
        waiting[drawn(&waiting, total, &set, height, round)].0
    }
}

/// Whose turn it is of those `waiting`, who have `total` stake together.
fn drawn(waiting: &[(Hotkey, u64)], total: u64, set: &Hash, height: u64, round: u32) -> usize {
    let draw = hash("neuron v1 proposer", &[&set.0, &height.to_le_bytes(), &round.to_le_bytes()]);
    let mut ticket = draw.to_u64() % total.max(1);
    let wins = |(_, power): &(Hotkey, u64)| match ticket.checked_sub(*power) {
        Some(rest) => {
            ticket = rest;
            false
        }
        None => true,
    };
    waiting.iter().position(wins).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn set(powers: &[u64]) -> ValidatorSet {
        let members = powers.iter().enumerate().map(|(i, power)| (Hotkey([i as u8; 32]), *power));
        ValidatorSet::new(members).expect("some stake")
    }

    #[test]
    fn a_set_without_stake_or_with_too_much_is_none() {
        assert_eq!(ValidatorSet::new([(Hotkey([1; 32]), 0)]), None);
        assert_eq!(ValidatorSet::new([(Hotkey([1; 32]), MAX_TOTAL), (Hotkey([2; 32]), 1)]), None);
    }

    #[test]
    fn proposers_come_round_in_proportion_to_stake() {
        let set = set(&[10, 30, 60]);
        let mut turns = [0; 3];
        (0..10_000).for_each(|height| turns[usize::from(set.proposer(height, 0).0[0])] += 1);
        for (turns, expected) in turns.into_iter().zip([1_000, 3_000, 6_000]) {
            assert!((expected - 300..expected + 300).contains(&turns), "{turns} instead of {expected}");
        }
    }

    #[test]
    fn everyone_proposes_once_before_anyone_does_twice() {
        let set = set(&[1, 2, 5, 10, 30, 60, 100]);
        for (height, cycle) in (0..100).zip([0, 1, 2, 1_000].into_iter().cycle()) {
            let turns = (cycle * 7..cycle * 7 + 7).map(|round| set.proposer(height, round));
            assert_eq!(turns.collect::<BTreeSet<_>>().len(), 7, "height {height}, cycle {cycle}");
        }
        set.proposer(1, u32::MAX);
    }
}
