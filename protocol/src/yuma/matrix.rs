//! Sparse rows of shares: weights and bonds.
use super::{Share, weighted_median};
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

    /// Every entry changed by `f(row, column, value)`.
    pub(super) fn map(&self, f: impl Fn(usize, usize, Share) -> Share) -> Self {
        self.filter_map(|i, j, x| Some(f(i, j, x)))
    }

    /// Every entry changed by `f(row, column, value)`, or removed.
    pub(super) fn filter_map(&self, f: impl Fn(usize, usize, Share) -> Option<Share>) -> Self {
        let row = |(i, row): (usize, &Row)| {
            row.iter().filter_map(|&(uid, x)| Some((uid, f(i, index(uid), x)?))).collect()
        };
        Self(self.0.iter().enumerate().map(row).collect())
    }

    /// The entries that `other` has too, zeros among them.
    pub(super) fn listed_in(&self, other: &Self) -> Self {
        let row = |(row, other): (&Row, &Row)| {
            let listed = |uid: &Uid| other.binary_search_by_key(uid, |entry| entry.0).is_ok();
            row.iter().copied().filter(|(uid, _)| listed(uid)).collect()
        };
        Self(self.0.iter().zip(&other.0).map(row).collect())
    }

    /// The sum of every row.
    pub(super) fn row_sums(&self) -> Vec<Share> {
        let sum = |row: &Row| row.iter().map(|(_, x)| *x).sum();
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

    /// Every row times its factor in `v`.
    pub(super) fn rows_scaled(&self, v: &[Share]) -> Self {
        self.map(|i, _, x| x * v[i])
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

    /// Every column divided by its largest entry.
    pub(super) fn column_upscaled(&self) -> Self {
        let mut tops = vec![Share::ZERO; self.0.len()];
        for (uid, x) in self.0.iter().flatten() {
            tops[index(*uid)] = tops[index(*uid)].max(*x);
        }
        self.map(|_, j, x| x / tops[j])
    }

    /// `f(column, self, other)` over the union of both matrices' entries; what becomes zero leaves.
    pub(super) fn zip(&self, other: &Self, f: impl Fn(usize, Share, Share) -> Share) -> Self {
        let row = |(a, b): (&Row, &Row)| {
            union(a, b)
                .into_iter()
                .map(|(uid, a, b)| (uid, f(index(uid), a, b)))
                .filter(|(_, x)| *x > Share::ZERO)
                .collect()
        };
        Self(self.0.iter().zip(&other.0).map(row).collect())
    }

    /// The weighted median of every column; who has stake and no entry scored zero.
    pub(super) fn median(&self, stakes: &[Share], kappa: Share) -> Vec<Share> {
        let stakes = norm(stakes);
        let whole = stakes.iter().copied().sum::<Share>();
        let mut columns = vec![(Share::ZERO, Vec::new()); self.0.len()];
        for (row, stake) in self.0.iter().zip(&stakes).filter(|(_, stake)| **stake > Share::ZERO) {
            for (uid, x) in row {
                let (cast, votes) = &mut columns[index(*uid)];
                *cast = *cast + *stake;
                votes.push((*x, *stake));
            }
        }
        let median = |(cast, mut votes): (Share, Vec<_>)| {
            if cast < whole {
                votes.push((Share::ZERO, whole - cast));
            }
            weighted_median(votes, kappa)
        };
        columns.into_iter().map(median).collect()
    }
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

fn union(a: &Row, b: &Row) -> Vec<(Uid, Share, Share)> {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut merged = Vec::with_capacity(a.len().max(b.len()));
    while let Some(uid) = [a.peek(), b.peek()].into_iter().flatten().map(|e| e.0).min() {
        let x = a.next_if(|e| e.0 == uid).map_or(Share::ZERO, |e| e.1);
        let y = b.next_if(|e| e.0 == uid).map_or(Share::ZERO, |e| e.1);
        merged.push((uid, x, y));
    }
    merged
}
