//! Sparse rows of shares: weights and bonds.
use super::share::Divisor;
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
    pub(super) fn map(mut self, f: impl Fn(usize, usize, Share) -> Share) -> Self {
        for (i, row) in self.0.iter_mut().enumerate() {
            row.iter_mut().for_each(|(uid, x)| *x = f(i, index(*uid), *x));
        }
        self
    }

    /// A copy in which every entry is changed by `f(column, value)`, or missing.
    pub(super) fn filter_map(&self, f: impl Fn(usize, Share) -> Option<Share>) -> Self {
        let entry = |&(uid, x): &(Uid, Share)| Some((uid, f(index(uid), x)?));
        Self(self.0.iter().map(|row| gathered(row.len(), row.iter().filter_map(entry))).collect())
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
        self.rows_summed(|_, x| x)
    }

    /// `Σⱼ f(j, Mᵢⱼ)` for every row.
    pub(super) fn rows_summed(&self, f: impl Fn(usize, Share) -> Share) -> Vec<Share> {
        let sum = |row: &Row| row.iter().map(|(uid, x)| f(index(*uid), *x)).sum();
        self.0.iter().map(sum).collect()
    }

    /// `Σᵢ vᵢ·Mᵢⱼ` for every column, each product truncated.
    pub(super) fn columns_weighted(&self, v: &[Share]) -> Vec<Share> {
        self.columns_folded(|sum, i, x| sum + v[i] * x)
    }

    /// The sum of every column, to divide by.
    pub(super) fn column_sums(&self) -> Vec<Divisor> {
        divisors(&self.columns_folded(|sum, _, x| sum + x))
    }

    /// Every row times its factor in `v`.
    pub(super) fn rows_scaled(self, v: &[Share]) -> Self {
        self.map(|i, _, x| x * v[i])
    }

    /// Every row divided by its sum.
    pub(super) fn row_normalised(mut self) -> Self {
        for row in &mut self.0 {
            let sum: Share = row.iter().map(|(_, x)| *x).sum();
            let sum = Divisor::from(sum);
            row.iter_mut().for_each(|(_, x)| *x = *x / sum);
        }
        self
    }

    /// Every column divided by its sum.
    pub(super) fn column_normalised(self) -> Self {
        let sums = self.column_sums();
        self.map(|_, j, x| x / sums[j])
    }

    /// Every column divided by its largest entry.
    pub(super) fn column_upscaled(self) -> Self {
        let tops = divisors(&self.columns_folded(|top, _, x| top.max(x)));
        self.map(|_, j, x| x / tops[j])
    }

    /// `f(column, self, other)` over the union of both matrices' entries; what becomes zero leaves.
    pub(super) fn zip(&self, other: &Self, f: impl Fn(usize, Share, Share) -> Share) -> Self {
        let entry = |(uid, a, b)| Some((uid, f(index(uid), a, b))).filter(|(_, x)| *x > Share::ZERO);
        let row = |(a, b): (&Row, &Row)| gathered(a.len().max(b.len()), union(a, b).filter_map(entry));
        Self(self.0.iter().zip(&other.0).map(row).collect())
    }

    /// The weighted median of every column; who has stake and no entry scored zero.
    pub(super) fn median(&self, stakes: &[Share], kappa: Share) -> Vec<Share> {
        let voters = self.0.iter().map(Vec::as_slice).zip(norm(stakes));
        let mut voters: Vec<_> = voters.filter(|(_, stake)| *stake > Share::ZERO).collect();
        let mut votes = Vec::with_capacity(voters.len());
        let median = |j| {
            votes.clear();
            votes.extend(voters.iter_mut().map(|(row, stake)| (next_of(row, j), *stake)));
            weighted_median(&mut votes, kappa)
        };
        (0..self.0.len()).map(median).collect()
    }

    /// Every column's entries folded from zero by `f(result, row, value)`.
    fn columns_folded(&self, f: impl Fn(Share, usize, Share) -> Share) -> Vec<Share> {
        let mut results = vec![Share::ZERO; self.0.len()];
        for (i, row) in self.0.iter().enumerate() {
            for (uid, x) in row {
                let result = &mut results[index(*uid)];
                *result = f(*result, i, *x);
            }
        }
        results
    }
}

/// Every entry divided by the sum; a sum of zero leaves the list alone.
pub(super) fn norm(v: &[Share]) -> Vec<Share> {
    match v.iter().copied().sum() {
        Share::ZERO => v.to_vec(),
        sum => {
            let sum = Divisor::from(sum);
            v.iter().map(|x| *x / sum).collect()
        }
    }
}

/// The place of a uid in a list over all neurons.
pub(super) fn index(uid: Uid) -> usize {
    usize::from(uid.0)
}

fn divisors(shares: &[Share]) -> Vec<Divisor> {
    shares.iter().copied().map(Divisor::from).collect()
}

/// The entry of column `j`, taken off a row that has lost all before it; zero if it has none.
fn next_of(row: &mut &[(Uid, Share)], j: usize) -> Share {
    match row.split_first() {
        Some(((uid, x), rest)) if index(*uid) == j => {
            *row = rest;
            *x
        }
        _ => Share::ZERO,
    }
}

/// A row with room for `most` entries from the start.
pub(super) fn gathered(most: usize, entries: impl Iterator<Item = (Uid, Share)>) -> Row {
    let mut row = Row::with_capacity(most);
    row.extend(entries);
    row
}

/// The entries of two rows side by side, zero where one has none.
fn union<'a>(
    mut a: &'a [(Uid, Share)],
    mut b: &'a [(Uid, Share)],
) -> impl Iterator<Item = (Uid, Share, Share)> {
    std::iter::from_fn(move || match (a, b) {
        ([(i, x), after_a @ ..], [(j, y), after_b @ ..]) if i == j => {
            (a, b) = (after_a, after_b);
            Some((*i, *x, *y))
        }
        ([(i, x), after @ ..], _) if b.first().is_none_or(|(j, _)| i < j) => {
            a = after;
            Some((*i, *x, Share::ZERO))
        }
        (_, [(j, y), after @ ..]) => {
            b = after;
            Some((*j, Share::ZERO, *y))
        }
        _ => None,
    })
}
