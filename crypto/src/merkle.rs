//! A Merkle tree over a sorted list: one root for all, a short proof for each.
//!
//! Leaves and nodes are hashed under different prefixes (0x00, 0x01), so that no node can pose as a leaf; the
//! number of leaves stands beside the root, so that no shorter list has the same commitment.
use rayon::prelude::*;
use rs_merkle::{Hasher, MerkleTree};
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

/// Shows that some leaves stand one after the other in a committed list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunProof {
    /// The place of the first, counted from 0.
    pub first: u64,
    /// What stands beside them from the bottom up, left before right.
    pub path: Vec<Hash>,
}

/// The longest path a proof may have: 2⁶⁴ leaves.
const MAX_PATH: usize = 64;

/// The root over `leaves`, in their order.
pub fn root<L: AsRef<[u8]> + Sync>(leaves: &[L]) -> Root {
    Root { hash: tree(leaves).root().map(Hash).unwrap_or_default(), leaves: leaves.len() as u64 }
}

/// A list's tree, to prove several of its leaves.
pub struct Tree(MerkleTree<Blake3>);

impl Tree {
    /// The tree over `leaves`, in their order.
    pub fn new<L: AsRef<[u8]> + Sync>(leaves: &[L]) -> Self {
        Self(tree(leaves))
    }

    /// The proof for the leaf at `index`; `None` past the end.
    pub fn prove(&self, index: usize) -> Option<Proof> {
        let inside = index < self.0.leaves_len();
        let path = || self.0.proof(&[index]).proof_hashes().iter().copied().map(Hash).collect();
        inside.then(|| Proof { index: index as u64, path: path() })
    }
}

/// The proofs for all leaves, cut into runs of these lengths.
pub fn prove_runs<L: AsRef<[u8]> + Sync>(leaves: &[L], lengths: &[usize]) -> Vec<RunProof> {
    let mut layers = vec![hashes(leaves)];
    while let Some(layer) = layers.last().filter(|layer| layer.len() > 1) {
        layers.push(parents(layer));
    }
    let firsts = lengths.iter().scan(0, |next, length| {
        *next += length;
        Some(*next - length)
    });
    let prove = |(first, length)| RunProof { first: first as u64, path: beside(&layers, first, length) };
    firsts.zip(lengths.iter().copied()).map(prove).collect()
}

impl RunProof {
    /// Whether `leaves` stand from this place on, one after the other, in the list that `root` commits to.
    pub fn verify<L: AsRef<[u8]> + Sync>(&self, root: &Root, leaves: &[L]) -> bool {
        let end = self.first.checked_add(leaves.len() as u64);
        let inside = !leaves.is_empty() && end.is_some_and(|end| end <= root.leaves);
        inside
            && self.path.len() <= 2 * MAX_PATH
            && self.climb(hashes(leaves), root.leaves) == Some(root.hash.0)
    }

    /// What the layers above a run lead to; `None` if the path is too short or too long.
    fn climb(&self, mut run: Vec<[u8; 32]>, leaves: u64) -> Option<[u8; 32]> {
        let (mut first, mut width, mut path) = (self.first, leaves, self.path.iter());
        while width > 1 {
            if first % 2 == 1 {
                run.insert(0, path.next()?.0);
                first -= 1;
            }
            if run.len() % 2 == 1 && first + (run.len() as u64) < width {
                run.push(path.next()?.0);
            }
            (run, first, width) = (parents(&run), first / 2, width.div_ceil(2));
        }
        if path.next().is_none() { run.first().copied() } else { None }
    }
}

impl Proof {
    /// Whether `leaf` stands at this place of the list that `root` commits to.
    pub fn verify(&self, root: &Root, leaf: &[u8]) -> bool {
        RunProof { first: self.index, path: self.path.clone() }.verify(root, &[leaf])
    }
}

fn tree<L: AsRef<[u8]> + Sync>(leaves: &[L]) -> MerkleTree<Blake3> {
    MerkleTree::from_leaves(&hashes(leaves))
}

fn hashes<L: AsRef<[u8]> + Sync>(leaves: &[L]) -> Vec<[u8; 32]> {
    leaves.par_iter().with_min_len(ONE_TASK).map(|leaf| Blake3::hash(leaf.as_ref())).collect()
}

/// The layer above; the last node of an odd layer has no sibling.
fn parents(layer: &[[u8; 32]]) -> Vec<[u8; 32]> {
    layer.chunks(2).map(|pair| Blake3::concat_and_hash(&pair[0], pair.get(1))).collect()
}

/// The siblings, in all layers, of those above a run that it does not lead to by itself.
fn beside(layers: &[Vec<[u8; 32]>], first: usize, length: usize) -> Vec<Hash> {
    let (mut start, mut end, mut path) = (first, first + length, Vec::new());
    for layer in layers.iter().take_while(|layer| layer.len() > 1) {
        path.extend((start % 2 == 1).then(|| Hash(layer[start - 1])));
        path.extend((end % 2 == 1).then(|| layer.get(end)).flatten().copied().map(Hash));
        (start, end) = (start / 2, end.div_ceil(2));
    }
    path
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
            let tree = Tree::new(&list);
            assert_eq!(tree.prove(list.len()), None);
            for (i, leaf) in list.iter().enumerate() {
                let proof = tree.prove(i).expect("inside the list");
                assert!(proof.verify(&root, leaf), "leaf {i} of {n}");
                assert!(!proof.verify(&root, b"other"), "leaf {i} of {n}");
                let shorter = Root { leaves: i as u64, ..root };
                assert!(!proof.verify(&shorter, leaf), "leaf {i} of a list of {i}");
                let long = Proof { path: [proof.path.as_slice(), &[Hash([0; 32])]].concat(), ..proof };
                assert!(!long.verify(&root, leaf), "leaf {i} of {n} with a node too many");
            }
        }
    }

    /// Cuts `list` into runs of `length` and the rest.
    fn cut(list: &[Vec<u8>], length: usize) -> Vec<(&[Vec<u8>], RunProof)> {
        let runs: Vec<_> = list.chunks(length).collect();
        let lengths: Vec<_> = runs.iter().map(|run| run.len()).collect();
        runs.into_iter().zip(prove_runs(list, &lengths)).collect()
    }

    #[test]
    fn every_run_of_every_small_list_proves_at_its_place_and_nowhere_else() {
        for (n, length) in (1..=33).flat_map(|n| (1..=usize::from(n)).map(move |length| (n, length))) {
            let list = leaves(n);
            let root = root(&list);
            for (run, proof) in cut(&list, length) {
                assert!(proof.verify(&root, run), "{length} of {n} from {}", proof.first);
                let mut other = run.to_vec();
                other[run.len() / 2].push(1);
                assert!(!proof.verify(&root, &other), "{length} of {n} from {}", proof.first);
                assert!(!proof.verify(&root, &run[1..]));
                let aside = RunProof { first: proof.first + 1, ..proof.clone() };
                assert!(!aside.verify(&root, run));
                let long = RunProof { path: [proof.path.as_slice(), &[Hash([0; 32])]].concat(), ..proof };
                assert!(!long.verify(&root, run));
            }
        }
    }

    #[test]
    fn a_run_proof_of_garbage_is_refused_without_a_panic() {
        let list = leaves(5);
        let claimed = [root(&list), Root { leaves: u64::MAX, ..root(&list) }];
        for (root, length) in claimed.iter().flat_map(|root| [0, 1, 3, 128, 129].map(|length| (root, length)))
        {
            for first in [0, 1, 4, 5, u64::MAX - 1, u64::MAX] {
                let proof = RunProof { first, path: vec![Hash([9; 32]); length] };
                (0..5).for_each(|count| assert!(!proof.verify(root, &list[..count])));
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
