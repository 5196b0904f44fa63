//! A validator's row over miners: committed first, revealed an epoch later.
use std::collections::BTreeMap;

use crypto::{Hash, Hotkey, hash};
use serde::{Deserialize, Serialize};

use crate::subnet::{Netuid, Uid};
use crate::{Error, Payload, codec};

/// The most targets a row may name: every slot of the largest subnet.
pub const MAX_TARGETS: usize = 4096;

/// How much a validator thinks of each miner: `(uid, weight)`, uids strictly rising.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Row(pub Vec<(Uid, u16)>);

impl Row {
    /// Scales `scores` so that the largest becomes 65535, rounding half up (spec section 6).
    pub fn from_scores(scores: impl IntoIterator<Item = (Uid, u64)>) -> Self {
        let mut entries: Vec<_> = scores.into_iter().collect();
        entries.sort_unstable();
        let top = u128::from(entries.iter().map(|(_, score)| *score).max().unwrap_or(0)).max(1);
        let scale = |score: u64| ((u128::from(score) * 65535 + top / 2) / top) as u16;
        Self(entries.into_iter().map(|(uid, score)| (uid, scale(score))).collect())
    }

    /// The row with weight zero for the first uids that it leaves out, so that it names at least as many as `least`.
    pub fn naming(self, least: u16) -> Self {
        if self.0.len() >= usize::from(least) {
            return self;
        }
        let mut entries: BTreeMap<_, _> = (0..least).map(|uid| (Uid(uid), 0)).collect();
        entries.extend(self.0);
        Self(entries.into_iter().collect())
    }

    fn check(&self) -> Result<(), Error> {
        let invalid = |reason| Err(Error::Invalid { kind: "weights", reason });
        if self.0.len() > MAX_TARGETS {
            return invalid("too many targets");
        }
        if !self.0.is_sorted_by(|a, b| a.0 < b.0) {
            return invalid("uids must rise strictly: sort them and name each once");
        }
        Ok(())
    }
}

/// Binds a validator to a row it does not show yet (DESIGN section 6).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Commit {
    /// The subnet it votes in.
    pub netuid: Netuid,
    /// The epoch it commits in; the row is revealed and counts in the next.
    pub epoch: u64,
    /// [`Reveal::commitment`] of what will be revealed.
    pub commitment: Hash,
}

/// Shows the row that a commit of the epoch before bound.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reveal {
    /// The subnet it votes in.
    pub netuid: Netuid,
    /// The epoch of the commit.
    pub epoch: u64,
    /// The version of the validator's scoring code.
    pub version: u64,
    /// Random bytes that kept the row secret.
    pub salt: Hash,
    /// The row.
    pub row: Row,
}

impl Reveal {
    /// What the commit must have held: binds signer, subnet, epoch, version, salt and row. It is the digest of this reveal
    /// once signed.
    pub fn commitment(&self, signer: &Hotkey) -> Hash {
        hash(Self::DIGEST, &[&signer.0, &codec::encode(self)])
    }
}

impl Payload for Commit {
    const KIND: &'static str = "neuron v1 commit";
    const MAX_BYTES: usize = 64;
}

impl Payload for Reveal {
    const KIND: &'static str = "neuron v1 reveal";
    const MAX_BYTES: usize = 64 * 1024;
    const DIGEST: &'static str = "neuron v1 weights commitment";

    fn check(&self, _signer: &Hotkey) -> Result<(), Error> {
        self.row.check()
    }
}

#[cfg(test)]
mod tests {
    use crypto::Keypair;

    use super::*;
    use crate::Signed;

    #[test]
    fn the_largest_score_becomes_the_largest_weight() {
        let row = Row::from_scores([(Uid(2), 1), (Uid(1), 3), (Uid(0), 0)]);
        assert_eq!(row.0, [(Uid(0), 0), (Uid(1), 65535), (Uid(2), 21845)]);
        assert_eq!(Row::from_scores([(Uid(0), 0)]).0, [(Uid(0), 0)]);
    }

    #[test]
    fn a_short_row_is_filled_up_with_nothing_for_others() {
        let row = Row(vec![(Uid(1), 9), (Uid(7), 5)]);
        assert_eq!(row.clone().naming(2), row);
        assert_eq!(row.naming(3).0, [(Uid(0), 0), (Uid(1), 9), (Uid(2), 0), (Uid(7), 5)]);
    }

    #[test]
    fn a_row_that_names_a_miner_twice_is_refused() {
        assert!(Row(vec![(Uid(1), 1), (Uid(1), 2)]).check().is_err());
        assert!(Row(vec![(Uid(2), 1), (Uid(1), 2)]).check().is_err());
    }

    #[test]
    fn a_commitment_binds_its_signer() {
        let reveal =
            Reveal { netuid: Netuid(1), epoch: 3, version: 0, salt: Hash([5; 32]), row: Row::default() };
        assert_ne!(reveal.commitment(&Hotkey([1; 32])), reveal.commitment(&Hotkey([2; 32])));
        let author = Keypair::from_seed([1; 32]);
        let signed = Signed::author(&author, &Hash([9; 32]), reveal.clone());
        assert_eq!(signed.digest(), reveal.commitment(&author.hotkey()));
    }
}
