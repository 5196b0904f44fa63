//! A Merkle tree over a sorted list: one root for all, a short proof for each.
//!
//! Leaves and nodes are hashed under different prefixes (0x00, 0x01), so that no node can pose as a leaf; the
//! number of leaves stands beside the root, so that no shorter list has the same commitment.
use rayon::prelude::*;
use rs_merkle::{Hasher, MerkleProof, MerkleTree};
use serde::{Deserialize, Serialize};

use crate::{Hash, hash};

const DOMAIN: &str = "neuron v1 merkle";

/// Leaves that one core hashes in one go: some ten microseconds, which waking another is worth.
const ONE_TASK: usize = 128;

/// The commitment to a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Root {
    /// The top of the tree; all zero for the empty list.
    pub hash: Hash,
    /// How many leaves the list has.
    pub leaves: u64,
}

/// Shows that one leaf stands at one place of a committed list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The leaf's place, counted from 0.
    pub index: u64,
    /// The siblings from the bottom up.
    pub path: Vec<Hash>,
}

/// The longest path a proof may have: 2⁶⁴ leaves.
const MAX_PATH: usize = 64;

/// The root over `leaves`, in their order.
pub fn root<L: AsRef<[u8]> + Sync>(leaves: &[L]) -> Root {
    Root { hash: tree(leaves).root().map(Hash).unwrap_or_default(), leaves: leaves.len() as u64 }
}

/// The proof for the leaf at `index`; `None` past the end.
pub fn prove<L: AsRef<[u8]> + Sync>(leaves: &[L], index: usize) -> Option<Proof> {
    if index >= leaves.len() {
        return None;
    }
    let path = tree(leaves).proof(&[index]).proof_hashes().iter().copied().map(Hash).collect();
    Some(Proof { index: index as u64, path })
}

impl Proof {
    /// Whether `leaf` stands at this place of the list that `root` commits to.
    pub fn verify(&self, root: &Root, leaf: &[u8]) -> bool {
        if self.index >= root.leaves || self.path.len() > MAX_PATH {
            return false;
        }
        let (Ok(index), Ok(leaves)) = (usize::try_from(self.index), usize::try_from(root.leaves)) else {
            return false;
        };
        let path = self.path.iter().map(|node| node.0).collect();
        MerkleProof::<Blake3>::new(path).verify(root.hash.0, &[index], &[Blake3::hash(leaf)], leaves)
    }
}

fn tree<L: AsRef<[u8]> + Sync>(leaves: &[L]) -> MerkleTree<Blake3> {
    let leaves = leaves.par_iter().with_min_len(ONE_TASK);
    let hashes: Vec<_> = leaves.map(|leaf| Blake3::hash(leaf.as_ref())).collect();
    MerkleTree::from_leaves(&hashes)
}

#[derive(Clone)]
struct Blake3;

impl Hasher for Blake3 {
    type Hash = [u8; 32];

    fn hash(leaf: &[u8]) -> [u8; 32] {
        hash(DOMAIN, &[&[0], leaf]).0
    }

    fn concat_and_hash(left: &[u8; 32], right: Option<&[u8; 32]>) -> [u8; 32] {
        right.map_or(*left, |right| hash(DOMAIN, &[&[1], left, right]).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(n: u8) -> Vec<Vec<u8>> {
        (0..n).map(|i| vec![i; 3]).collect()
    }

    #[test]
    fn every_leaf_of_every_small_list_proves_and_no_other_does() {
        for n in 1..=33 {
            let list = leaves(n);
            let root = root(&list);
            for (i, leaf) in list.iter().enumerate() {
                let proof = prove(&list, i).expect("inside the list");
                assert!(proof.verify(&root, leaf), "leaf {i} of {n}");
                assert!(!proof.verify(&root, b"other"), "leaf {i} of {n}");
                let shorter = Root { leaves: i as u64, ..root };
                assert!(!proof.verify(&shorter, leaf), "leaf {i} of a list of {i}");
            }
        }
    }

    #[test]
    fn a_proof_of_garbage_is_refused_without_a_panic() {
        let root = root(&leaves(5));
        for length in [0, 1, 3, 63, 64, 65] {
            for index in [0, 1, 4, 5, u64::MAX] {
                let proof = Proof { index, path: vec![Hash([9; 32]); length] };
                assert!(!proof.verify(&root, &[0; 3]));
            }
        }
    }

    #[test]
    fn a_node_cannot_pose_as_a_leaf() {
        let list = leaves(2);
        let inner = [Blake3::hash(&list[0]), Blake3::hash(&list[1])].concat();
        assert_ne!(root(&[inner]).hash, root(&list).hash);
    }
}
