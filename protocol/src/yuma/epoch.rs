//! One epoch, as its equations; numbers in brackets are sections of the specification.
use std::cmp::Reverse;

use super::matrix::{index, norm};
use super::{Ballot, Incentive, Matrix, Setting, Share};
use crate::subnet::Uid;

/// What an epoch decides, one entry for each neuron by uid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The weight that enough stake agrees on.
    pub consensus: Vec<Share>,
    /// How much of a miner's raw weight survived clipping.
    pub trust: Vec<Share>,
    /// How much of a validator's row survived clipping.
    pub validator_trust: Vec<Share>,
    /// Miners' shares of their pay: sum to one, or all zero when nobody agrees.
    pub incentive: Vec<Share>,
    /// Validators' shares of theirs: sum to one, or all zero.
    pub dividends: Vec<Share>,
    /// Who may vote in the next epoch.
    pub permits: Vec<bool>,
    /// Bonds to carry into the next epoch.
    pub bonds: Matrix,
}

/// Counts the ballots: Yuma with version 3 bonds.
///
/// A voter without a row keeps no activity, hence no dividends; its bonds decay by `1 - alpha` as if it had voted
/// zero. Truncation leaves sums a few units of 2⁻³² below one.
pub fn epoch(ballots: &[Ballot], setting: &Setting) -> Outcome {
    let stake = stakes(ballots, setting.threshold); // S = norm(s)                       [2.2]
    let permits = permitted(&stake, setting.permits); // the K largest S                 [2.3]
    let active = norm(&voting(ballots, &stake)); // A = norm(S · active · permit)        [2.4]
    let weights = counted(ballots).row_normalised(); // W = rownorm(w)                   [2.5]
    let consensus = weights.median(&active, setting.kappa); // Cⱼ                        [2.6]
    let clipped = weights.map(|_, j, w| w.min(consensus[j])); // W̄ᵢⱼ = min(Wᵢⱼ, Cⱼ)      [2.7]
    let prerank = weights.columns_weighted(&active); // Pⱼ = Σᵢ AᵢWᵢⱼ                    [2.8]
    let rank = clipped.columns_weighted(&active); // Rⱼ = Σᵢ AᵢW̄ᵢⱼ                       [2.8]
    let incentive = norm(match setting.incentive {
        Incentive::Consensus => &consensus, // I = norm(C)                               [16.2]
        Incentive::Rank => &rank,           // I = norm(R)                               [2.8]
    });
    let target = weights.zip(&clipped, |w, c| w + setting.penalty * (c - w)); // W̃       [2.9]
    let kept = surviving(ballots, setting.start); // B without reused slots              [2.10]
    let bonds = target.zip(&kept, |w, b| setting.alpha * w + (Share::ONE - setting.alpha) * b); // [2.11b]
    let earned = bonds.column_normalised().rows_weighted(&incentive); // tᵢ = Σⱼ Eₙᵢⱼ Iⱼ [2.11b]
    let dividends = norm(&product(&earned, &active)); // D = norm(t · A)                 [2.11b]
    Outcome {
        trust: rank.iter().zip(&prerank).map(|(r, p)| *r / *p).collect(), // T = R / P   [2.8]
        validator_trust: clipped.row_sums(),
        bonds: of_permitted(bonds, &permits), // bonds leave with the permit             [2.13]
        consensus,
        incentive,
        dividends,
        permits,
    }
}

fn stakes(ballots: &[Ballot], threshold: u64) -> Vec<Share> {
    let counted = |b: &Ballot| if b.stake < threshold { 0 } else { b.stake };
    let total = ballots.iter().map(counted).fold(0u64, |sum, s| sum.saturating_add(s));
    ballots.iter().map(|b| Share::ratio(counted(b), total)).collect()
}

/// Among equal stakes the higher uid is permitted.
fn permitted(stake: &[Share], seats: usize) -> Vec<bool> {
    let mut order: Vec<_> = (0..stake.len()).filter(|i| stake[*i] > Share::ZERO).collect();
    order.sort_unstable_by_key(|i| Reverse((stake[*i], *i)));
    let mut permits = vec![false; stake.len()];
    order.into_iter().take(seats).for_each(|i| permits[i] = true);
    permits
}

fn voting(ballots: &[Ballot], stake: &[Share]) -> Vec<Share> {
    let votes = |(b, s): (&Ballot, &Share)| if b.active && b.permit { *s } else { Share::ZERO };
    ballots.iter().zip(stake).map(votes).collect()
}

/// Rows of permitted voters without self-votes and without votes for a slot's holder of before.
fn counted(ballots: &[Ballot]) -> Matrix {
    let counts = |i: usize, voter: &Ballot, j: usize| {
        voter.permit && i != j && ballots.get(j).is_some_and(|target| voter.updated > target.registered)
    };
    let row = |(i, voter): (usize, &Ballot)| {
        voter
            .row
            .iter()
            .filter(|(uid, w)| *w > 0 && counts(i, voter, index(*uid)))
            .map(|&(uid, w)| (uid, Share::ratio(w.into(), 1)))
            .collect()
    };
    Matrix(ballots.iter().enumerate().map(row).collect())
}

fn surviving(ballots: &[Ballot], start: u64) -> Matrix {
    let stands = |uid: Uid| ballots.get(index(uid)).is_some_and(|target| target.registered < start);
    let row = |b: &Ballot| b.bonds.iter().copied().filter(|(uid, _)| stands(*uid)).collect();
    Matrix(ballots.iter().map(row).collect())
}

fn product(a: &[Share], b: &[Share]) -> Vec<Share> {
    a.iter().zip(b).map(|(a, b)| *a * *b).collect()
}

fn of_permitted(mut bonds: Matrix, permits: &[bool]) -> Matrix {
    let lost = bonds.0.iter_mut().zip(permits).filter(|(_, permit)| !**permit);
    lost.for_each(|(row, _)| row.clear());
    bonds
}
