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

    /// Whether so much stake decides: more than two thirds of all.
    pub fn is_quorum(&self, stake: u64) -> bool {
        u128::from(stake) * 3 > u128::from(self.total()) * 2
    }

    /// Whether somebody honest is among members with so much stake together: more than a third of all.
    pub fn has_honest(&self, stake: u64) -> bool {
        u128::from(stake) * 3 > u128::from(self.total())
    }

    /// Names the set.
    pub fn hash(&self) -> Hash {
        hash("neuron v1 validator set", &[&codec::encode(self)])
    }

    /// Who proposes in `round` of `height`: a draw weighted by stake, fixed as soon as the set is.
    pub fn proposer(&self, height: u64, round: u32) -> Hotkey {
        let draw = hash("neuron v1 proposer", &[&self.hash().0, &height.to_le_bytes(), &round.to_le_bytes()]);
        let mut ticket = draw.to_u64() % self.total().max(1);
        for (hotkey, power) in &self.0 {
            match ticket.checked_sub(*power) {
                Some(rest) => ticket = rest,
                None => return *hotkey,
            }
        }
        self.0.first().expect("a validator set is never empty").0
    }
}

#[cfg(test)]
mod tests {
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
    fn two_thirds_are_no_quorum_and_a_third_may_be_dishonest() {
        let set = set(&[1, 2, 6]);
        assert_eq!([6, 7].map(|stake| set.is_quorum(stake)), [false, true]);
        assert_eq!([3, 4].map(|stake| set.has_honest(stake)), [false, true]);
        let most = ValidatorSet::new([(Hotkey([1; 32]), MAX_TOTAL)]).expect("just as much");
        assert!(most.is_quorum(MAX_TOTAL) && !most.has_honest(MAX_TOTAL / 3));
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
}
