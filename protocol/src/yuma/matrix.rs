//! Sparse rows of shares: weights and bonds.
use super::Share;
use crate::subnet::Uid;

/// One row for each neuron; entries by rising uid, a missing one is zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matrix(pub(super) Vec<Row>);

/// One voter's entries, by rising uid.
type Row = Vec<(Uid, Share)>;

impl Matrix {
    /// The rows.
    pub fn rows(&self) -> &[Vec<(Uid, Share)>] {
        &self.0
    }

    /// Every entry changed by `f(row, column, value)`; those that become zero leave.
    pub(super) fn map(&self, f: impl Fn(usize, usize, Share) -> Share) -> Self {
        let row = |(i, row): (usize, &Vec<(Uid, Share)>)| {
            row.iter().map(|&(uid, x)| (uid, f(i, index(uid), x))).filter(|(_, x)| *x > Share::ZERO).collect()
        };
        Self(self.0.iter().enumerate().map(row).collect())
    }

    /// The sum of every row.
    pub(super) fn row_sums(&self) -> Vec<Share> {
        let sum = |row: &Vec<(Uid, Share)>| row.iter().map(|(_, x)| *x).sum();
        self.0.iter().map(sum).collect()
    }

    /// `Σᵢ vᵢ·Mᵢⱼ` for every column, each product truncated.
    pub(super) fn columns_weighted(&self, v: &[Share]) -> Vec<Share> {
        let mut sums = vec![Share::ZERO; self.0.len()];
        for (row, v) in self.0.iter().zip(v) {
            for (uid, x) in row {
                sums[index(*uid)] = sums[index(*uid)] + *v * *x;
            }
        }
        sums
    }

    /// `Σⱼ Mᵢⱼ·vⱼ` for every row, each product truncated.
    pub(super) fn rows_weighted(&self, v: &[Share]) -> Vec<Share> {
        self.map(|_, j, x| x * v[j]).row_sums()
    }

    /// Every row divided by its sum.
    pub(super) fn row_normalised(&self) -> Self {
        let sums = self.row_sums();
        self.map(|i, _, x| x / sums[i])
    }

    /// Every column divided by its sum.
    pub(super) fn column_normalised(&self) -> Self {
        let sums = self.columns_weighted(&vec![Share::ONE; self.0.len()]);
        self.map(|_, j, x| x / sums[j])
    }

    /// `f(self, other)` over the union of both matrices' entries; zeros leave.
    pub(super) fn zip(&self, other: &Self, f: impl Fn(Share, Share) -> Share) -> Self {
        let row = |(a, b): (&Row, &Row)| {
            union(a, b)
                .into_iter()
                .map(|(uid, a, b)| (uid, f(a, b)))
                .filter(|(_, x)| *x > Share::ZERO)
                .collect()
        };
        Self(self.0.iter().zip(&other.0).map(row).collect())
    }

    /// For every column the largest weight that voters with at least `kappa` of the stake reach (spec section 2.6).
    pub(super) fn median(&self, stakes: &[Share], kappa: Share) -> Vec<Share> {
        let stakes = norm(stakes);
        let minority = stakes.iter().copied().sum::<Share>() - kappa;
        let voters = stakes.iter().filter(|stake| **stake > Share::ZERO).count();
        let mut columns = vec![Vec::with_capacity(voters); self.0.len()];
        for (row, stake) in self.0.iter().zip(&stakes).filter(|(_, stake)| **stake > Share::ZERO) {
            row.iter().for_each(|(uid, x)| columns[index(*uid)].push((*x, *stake)));
        }
        let whole = stakes.iter().copied().sum::<Share>();
        columns.into_iter().map(|column| weighted_median(column, voters, whole, minority)).collect()
    }
}

/// The smallest score at which the stake of all scores up to it passes `minority`.
///
/// `votes` are `(score, stake)`; the rest of `voters`, with the rest of the `whole`, scored zero.
fn weighted_median(mut votes: Vec<(Share, Share)>, voters: usize, whole: Share, minority: Share) -> Share {
    if votes.len() < voters {
        let cast = votes.iter().map(|(_, stake)| *stake).sum::<Share>();
        votes.push((Share::ZERO, whole - cast));
    }
    votes.sort_unstable();
    let mut below = Share::ZERO;
    for (score, stake) in votes {
        below = below + stake;
        if below > minority {
            return score;
        }
    }
    Share::ZERO
}

/// Every entry divided by the sum; a sum of zero leaves the list alone.
pub(super) fn norm(v: &[Share]) -> Vec<Share> {
    let sum = v.iter().copied().sum::<Share>();
    if sum == Share::ZERO {
        return v.to_vec();
    }
    v.iter().map(|x| *x / sum).collect()
}

/// The place of a uid in a list over all neurons.
pub(super) fn index(uid: Uid) -> usize {
    usize::from(uid.0)
}

fn union(a: &[(Uid, Share)], b: &[(Uid, Share)]) -> Vec<(Uid, Share, Share)> {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut merged = Vec::with_capacity(a.len().max(b.len()));
    while let Some(uid) = [a.peek(), b.peek()].into_iter().flatten().map(|e| e.0).min() {
        let x = a.next_if(|e| e.0 == uid).map_or(Share::ZERO, |e| e.1);
        let y = b.next_if(|e| e.0 == uid).map_or(Share::ZERO, |e| e.1);
        merged.push((uid, x, y));
    }
    merged
}
