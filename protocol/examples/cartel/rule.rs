//! Rules that might take more from a cartel, tried around the epoch of the crate.
use protocol::subnet::Uid;
use protocol::yuma::{Incentive, Matrix, Outcome, Setting, Share, weighted_median};

use crate::share::{fraction, normalised};
use crate::subnet::Subnet;

/// How incentive follows from the rows.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Rule {
    /// By clipped rows, as the reference pays.
    Rank,
    /// By consensus: ours. The same as to lift every row that is below consensus up to it.
    Consensus,
    /// By rows of which what is below consensus is lifted half-way to it.
    Lifted,
    /// By the mean of the medians at kappa and a twentieth below and above.
    Trimmed,
    /// By consensus, counted a second time with every stake times this power of its validator's trust.
    Trusted(i32),
    /// By consensus of the larger of two factions, where rows fall into two; of averaged rows.
    Factions(f64),
    /// By consensus of rows that validators average over epochs, each new one with this weight.
    Averaged(f64),
}

/// What miners and validators get, one entry for each neuron.
pub(crate) struct Pay {
    pub(crate) incentive: Vec<f64>,
    pub(crate) dividends: Vec<f64>,
}

impl Rule {
    pub(crate) fn setting(self) -> Setting {
        let incentive = if self == Self::Rank { Incentive::Rank } else { Incentive::Consensus };
        Setting { incentive, ..Setting::default() }
    }

    /// One epoch.
    pub(crate) fn count(self, subnet: &mut Subnet, rows: Vec<Vec<(Uid, u16)>>) -> Pay {
        let before = subnet.clone();
        let outcome = subnet.count(rows.clone());
        let (incentive, bonds) = match self {
            Self::Rank | Self::Consensus | Self::Averaged(_) => {
                (fractions(&outcome.incentive), outcome.bonds)
            }
            Self::Lifted => (lifted(&outcome), outcome.bonds),
            Self::Trimmed => (trimmed(&outcome), outcome.bonds),
            Self::Trusted(power) => {
                let trust = |i: usize| fraction(outcome.validator_trust[i]).powi(power);
                heard(&before, subnet, rows, trust)
            }
            Self::Factions(_) => {
                let larger = larger_faction(&outcome);
                heard(&before, subnet, rows, |i| if larger[i] { 1.0 } else { 0.0 })
            }
        };
        let dividends = dividends(&outcome.active_stake, &bonds, &incentive);
        Pay { incentive, dividends }
    }
}

fn lifted(outcome: &Outcome) -> Vec<f64> {
    let both = outcome.rank.iter().zip(&outcome.consensus).map(|(rank, consensus)| *rank + *consensus);
    normalised(both.map(fraction).collect())
}

fn trimmed(outcome: &Outcome) -> Vec<f64> {
    let score = |i: usize, j| {
        outcome.weights.rows()[i].iter().find(|(uid, _)| *uid == Uid(j)).map_or(Share::ZERO, |e| e.1)
    };
    let votes =
        |j| outcome.active_stake.iter().enumerate().map(|(i, a)| (score(i, j), *a)).collect::<Vec<_>>();
    let mean = |j| {
        [9, 10, 11].map(|kappa| weighted_median(&mut votes(j), Share::ratio(kappa, 20))).into_iter().sum()
    };
    normalised((0..outcome.active_stake.len() as u16).map(mean).map(fraction).collect())
}

/// The least say, so that no voter loses its permit and bonds.
const WHISPER: f64 = 1e-5;

/// Counts again, every voter's stake times its `say`; bonds are those of the second count.
fn heard(
    before: &Subnet,
    subnet: &mut Subnet,
    rows: Vec<Vec<(Uid, u16)>>,
    say: impl Fn(usize) -> f64,
) -> (Vec<f64>, Matrix) {
    let mut again = before.clone();
    for (i, ballot) in again.ballots.iter_mut().enumerate() {
        ballot.stake = (ballot.stake as f64 * say(i).max(WHISPER)) as u64;
    }
    let outcome = again.count(rows);
    let bonds = again.ballots.into_iter().map(|ballot| ballot.bonds);
    subnet.ballots.iter_mut().zip(bonds).for_each(|(ballot, bonds)| ballot.bonds = bonds);
    (fractions(&outcome.incentive), outcome.bonds)
}

/// `norm(A · Σⱼ EₙᵢⱼIⱼ)`, as the crate pays by bonds of Yuma 3.
fn dividends(active_stake: &[Share], bonds: &Matrix, incentive: &[f64]) -> Vec<f64> {
    let mut columns = vec![f64::MIN_POSITIVE; incentive.len()];
    bonds.rows().iter().flatten().for_each(|(uid, bond)| columns[usize::from(uid.0)] += fraction(*bond));
    let earned = |(uid, bond): &(Uid, Share)| {
        let j = usize::from(uid.0);
        fraction(*bond) / columns[j] * incentive[j]
    };
    let earned = bonds.rows().iter().map(|row| row.iter().map(earned).sum::<f64>());
    normalised(earned.zip(active_stake).map(|(earned, stake)| earned * fraction(*stake)).collect())
}

fn fractions(shares: &[Share]) -> Vec<f64> {
    shares.iter().copied().map(fraction).collect()
}

/// How much of the rows' variance along their main direction two factions must explain: one cloud alone explains
/// 2/π = 0.64 of it.
const FACTIONS: f64 = 0.75;

/// Who is heard: everybody, or the larger of two factions.
fn larger_faction(outcome: &Outcome) -> Vec<bool> {
    let stakes = fractions(&outcome.active_stake);
    let places = main_direction(outcome, &stakes);
    let mut order: Vec<_> = (0..stakes.len()).filter(|i| stakes[*i] > 0.0).collect();
    order.sort_by(|a, b| places[*a].total_cmp(&places[*b]));
    let variance: f64 = order.iter().map(|i| stakes[*i] * places[*i].powi(2)).sum();
    let (mut stake, mut sum, mut best) = (0.0, 0.0, (0.0, 0.0, 0.0));
    for pair in order.windows(2) {
        stake += stakes[pair[0]];
        sum += stakes[pair[0]] * places[pair[0]];
        let between = sum * sum / (stake * (1.0 - stake)); // the mean of all places is zero
        if between > best.0 {
            best = (between, stake, f64::midpoint(places[pair[0]], places[pair[1]]));
        }
    }
    let (between, below, border) = best;
    let hears = |place: f64| between < FACTIONS * variance || (place < border) == (below > 0.5);
    places.into_iter().map(hears).collect()
}

/// Where every row lies along the direction in which rows differ most (power iteration).
fn main_direction(outcome: &Outcome, stakes: &[f64]) -> Vec<f64> {
    let n = stakes.len();
    let mut rows = vec![vec![0.0; n]; n];
    for (row, entries) in rows.iter_mut().zip(outcome.weights.rows()) {
        entries.iter().for_each(|(uid, weight)| row[usize::from(uid.0)] = fraction(*weight));
    }
    let mean: Vec<f64> = (0..n).map(|j| rows.iter().zip(stakes).map(|(row, s)| s * row[j]).sum()).collect();
    rows.iter_mut().for_each(|row| row.iter_mut().zip(&mean).for_each(|(w, mean)| *w -= mean));
    let mut direction: Vec<f64> = (0..n).map(|j| (j as f64).sin()).collect();
    let mut places = vec![0.0; n];
    for _ in 0..50 {
        places = rows.iter().map(|row| row.iter().zip(&direction).map(|(w, d)| w * d).sum()).collect();
        let along = |j| rows.iter().zip(&places).zip(stakes).map(|((row, p), s)| s * p * row[j]).sum();
        direction = (0..n).map(along).collect();
        let length = direction.iter().map(|d| d * d).sum::<f64>().sqrt();
        direction.iter_mut().for_each(|d| *d /= length.max(f64::MIN_POSITIVE));
    }
    places
}
