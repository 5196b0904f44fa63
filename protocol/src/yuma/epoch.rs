//! One epoch, as its equations; numbers in brackets are sections of the specification.
use std::cmp::Reverse;

use super::bonds::{penalised, surviving, yuma2, yuma3};
use super::matrix::{gathered, index, norm};
use super::{Ballot, Disagreement, Incentive, Matrix, Setting, Share, Split, Version};

/// What an epoch decides and how it came to it, one entry for each neuron by uid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Shares of the stake of those who may vote and do.
    pub active_stake: Vec<Share>,
    /// The rows that count, each summing to one.
    pub weights: Matrix,
    /// The weight that enough stake agrees on.
    pub consensus: Vec<Share>,
    /// A miner's weights, by the stake behind them.
    pub prerank: Vec<Share>,
    /// The same of weights clipped to consensus.
    pub rank: Vec<Share>,
    /// How much of a miner's raw weight survived clipping.
    pub trust: Vec<Share>,
    /// How much of a validator's row survived clipping.
    pub validator_trust: Vec<Share>,
    /// Miners' shares of their pay: sum to one, or all zero when nobody agrees.
    pub incentive: Vec<Share>,
    /// Validators' shares of theirs: sum to one, or all zero.
    pub dividends: Vec<Share>,
    /// Everybody's bonds; [`stored`](super::stored) makes them what the next epoch is to find.
    pub bonds: Matrix,
    /// Shares of the epoch's emission, where one pool pays miners and validators.
    pub split: Split,
    /// Who may vote in the next epoch.
    pub permits: Vec<bool>,
}

/// Counts the ballots: Yuma 2 or 3.
///
/// The bonds of a voter without a row decay by `1 - alpha`, as if it had voted zero. Truncation leaves sums a few
/// units of 2⁻³² below one.
pub fn epoch(ballots: &[Ballot], setting: &Setting) -> Outcome {
    let stake = stakes(ballots, setting); // S = norm(s)                                 [2.2]
    let permits = next_permits(&stake, setting); // the K largest S, and the owner       [2.3]
    let active_stake = norm(&voting(ballots, &stake, setting)); // A = norm(S · voting)  [2.4]
    let weights = counted(ballots, setting).row_normalised(); // W = rownorm(w)          [2.5]
    let consensus = weights.median(&active_stake, setting.kappa); // Cⱼ                  [2.6]
    let clipped = clip(&weights, &consensus); // W̄ᵢⱼ = min(Wᵢⱼ, Cⱼ)                      [2.7]
    let prerank = weights.columns_weighted(&active_stake); // Pⱼ = Σᵢ AᵢWᵢⱼ              [2.8]
    let rank = clipped.columns_weighted(&active_stake); // Rⱼ = Σᵢ AᵢW̄ᵢⱼ                 [2.8]
    let incentive = norm(match setting.incentive {
        Incentive::Consensus => &consensus, // I = norm(C)                               [16.2]
        Incentive::Rank => &rank,           // I = norm(R)                               [2.8]
    });
    let target = penalised(&weights, &clipped, setting.penalty); // W̃ = W + β(W̄ - W)     [2.9]
    let kept = surviving(ballots, setting.start); // B without reused slots              [2.10]
    let (bonds, dividends) = match setting.version {
        Version::Two => yuma2(&target, kept, &active_stake, &incentive, setting), //    [2.11a]
        Version::Three => yuma3(&target, kept, &active_stake, &incentive, &consensus, setting), // [2.11b]
    };
    Outcome {
        trust: rank.iter().zip(&prerank).map(|(r, p)| *r / *p).collect(), // T = R / P   [2.8]
        validator_trust: clipped.row_sums(), // Vᵢ = Σⱼ W̄ᵢⱼ                              [2.7]
        split: Split::new(&incentive, &dividends, &without_agreement(stake, &active_stake, setting)), // [2.12]
        active_stake,
        weights,
        consensus,
        prerank,
        rank,
        incentive,
        dividends,
        bonds,
        permits,
    }
}

fn stakes(ballots: &[Ballot], setting: &Setting) -> Vec<Share> {
    let filtered = |i: usize, ballot: &Ballot| ballot.stake < setting.threshold && !setting.owns(i);
    let counted = |(i, ballot)| if filtered(i, ballot) { 0 } else { ballot.stake };
    let stakes: Vec<_> = ballots.iter().enumerate().map(counted).collect();
    let total = stakes.iter().fold(0u64, |sum, s| sum.saturating_add(*s));
    stakes.into_iter().map(|s| Share::ratio(s, total)).collect()
}

fn next_permits(stake: &[Share], setting: &Setting) -> Vec<bool> {
    let largest = permitted(stake, setting.permits);
    largest.into_iter().enumerate().map(|(i, permit)| permit || setting.owns(i)).collect()
}

/// Who has the `seats` largest stakes, none of them zero: among equals the higher uid.
pub fn permitted(stake: &[Share], seats: usize) -> Vec<bool> {
    let mut order: Vec<_> = (0..stake.len()).filter(|i| stake[*i] > Share::ZERO).collect();
    order.sort_unstable_by_key(|i| Reverse((stake[*i], *i)));
    let mut permits = vec![false; stake.len()];
    order.into_iter().take(seats).for_each(|i| permits[i] = true);
    permits
}

fn voting(ballots: &[Ballot], stake: &[Share], setting: &Setting) -> Vec<Share> {
    let votes = |i: usize, ballot: &Ballot| ballot.active && (ballot.permit || setting.owns(i));
    let share = |(i, ballot)| if votes(i, ballot) { stake[i] } else { Share::ZERO };
    ballots.iter().enumerate().map(share).collect()
}

/// Rows of permitted voters without self-votes, and without votes for a slot's holder of before: those cast, or still
/// waiting in a commit, from before its successor came. A zero stays an entry. Weights are whole numbers of the
/// smallest unit: it cancels out when rows are divided by their sums.
fn counted(ballots: &[Ballot], setting: &Setting) -> Matrix {
    let registered: Vec<_> = ballots.iter().map(|target| target.registered).collect();
    let row = |(i, voter): (usize, &Ballot)| {
        let meant = |taken: u64| voter.updated > taken && voter.waiting.is_none_or(|c| c >= taken);
        let counts =
            |j: usize| (i != j || setting.owns(i)) && registered.get(j).is_some_and(|taken| meant(*taken));
        let entries = voter.row.iter().filter(|_| voter.permit || setting.owns(i));
        let entries = entries.filter(|(uid, _)| counts(index(*uid)));
        gathered(voter.row.len(), entries.map(|&(uid, w)| (uid, Share::from_bits(w.into()))))
    };
    Matrix(ballots.iter().enumerate().map(row).collect())
}

/// Above a consensus of zero nothing is left, not even an entry.
fn clip(weights: &Matrix, consensus: &[Share]) -> Matrix {
    let agreed = |j: usize, w| consensus[j] > Share::ZERO || w == Share::ZERO;
    weights.filter_map(|j, w| agreed(j, w).then(|| w.min(consensus[j])))
}

/// Whom an epoch without incentive pays.
fn without_agreement(stake: Vec<Share>, active_stake: &[Share], setting: &Setting) -> Vec<Share> {
    match setting.disagreement {
        Disagreement::Burn => vec![Share::ZERO; stake.len()],
        Disagreement::Stake if active_stake.iter().any(|a| *a > Share::ZERO) => active_stake.to_vec(),
        Disagreement::Stake => stake,
    }
}
