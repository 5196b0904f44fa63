//! Ways to turn an epoch into dividends, tried around the epoch of the crate.
use protocol::subnet::Uid;
use protocol::yuma::{Outcome, Share, weighted_median};

use crate::share::{fraction, normalised};

/// How dividends follow from an epoch.
#[derive(Clone)]
pub(crate) enum Pay {
    /// As the crate pays.
    Bonds,
    /// Nothing to a row that differs from the last consensus by less than a hundredth.
    Fresh,
    /// By bonds times this power of the validator's trust.
    Trust(i32),
    /// By bonds times this power of how much of the row the next consensus confirms; paid an epoch later.
    Confirmed(i32, Vec<(f64, Vec<f64>)>),
    /// In part for news.
    News(News),
}

/// Pays a part of the dividends for what a row told of the way that consensus went since the last one that all knew.
///
/// With p the last consensus, c that of all other validators now and v = c - p, a row w earns `Σⱼ vⱼ·(wⱼ - pⱼ)` of the
/// possible `Σⱼ vⱼ²`. Who copies p earns nothing.
#[derive(Clone)]
pub(crate) struct News {
    /// The largest part of the dividends.
    pub(crate) part: f64,
    /// Whether a row can earn no more with one miner than by meeting c.
    pub(crate) bounded: bool,
    /// Whether c is consensus with the validator's own row among the others.
    pub(crate) own: bool,
    /// Whether all of the part is always shared out; else what nobody told is paid by bonds.
    pub(crate) whole: bool,
    /// What every validator earned and could have, averaged over epochs.
    pub(crate) told: Vec<Told>,
}

/// What a validator earned by news, and what was possible.
#[derive(Clone, Copy, Default)]
pub(crate) struct Told {
    earned: f64,
    possible: f64,
}

/// The share of the new epoch in averages of news.
const NEW: f64 = 0.1;

/// News that keeps every copier below 0.82 on a moving task, and gives accomplices least.
pub(crate) const PROPOSED: News =
    News { part: 0.3, bounded: true, own: false, whole: false, told: Vec::new() };

impl Pay {
    /// Every validator's share, after rows that were bound when `last` was the last consensus.
    pub(crate) fn dividends(&mut self, outcome: &Outcome, validators: usize, last: &[f64]) -> Vec<f64> {
        let bonds: Vec<_> = outcome.dividends[..validators].iter().copied().map(fraction).collect();
        let times = |factor: &dyn Fn(usize) -> f64| {
            normalised(bonds.iter().enumerate().map(|(i, dividend)| dividend * factor(i)).collect())
        };
        match self {
            Self::Bonds => times(&|_| 1.0),
            Self::Fresh => {
                times(&|i| if distance(&weights(outcome, i, validators), last) < 0.01 { 0.0 } else { 1.0 })
            }
            Self::Trust(power) => times(&|i| fraction(outcome.validator_trust[i]).powi(*power)),
            Self::Confirmed(power, before) => {
                let now = consensus(outcome, validators, None);
                let confirmed = |(dividend, row): &(f64, Vec<f64>)| {
                    dividend * row.iter().zip(&now).map(|(w, c)| w.min(*c)).sum::<f64>().powi(*power)
                };
                let dividends = normalised(before.iter().map(confirmed).collect());
                *before = bonds
                    .into_iter()
                    .enumerate()
                    .map(|(i, d)| (d, weights(outcome, i, validators)))
                    .collect();
                if dividends.is_empty() { vec![0.0; validators] } else { dividends }
            }
            Self::News(news) => {
                let told = news.shares(outcome, validators, last);
                let by_bonds = 1.0 - news.part * told.iter().sum::<f64>();
                let both = times(&|_| 1.0).into_iter().zip(told);
                both.map(|(bonds, told)| by_bonds * bonds + news.part * told).collect()
            }
        }
    }
}

impl News {
    /// What every validator gets of the part for news.
    fn shares(&mut self, outcome: &Outcome, validators: usize, last: &[f64]) -> Vec<f64> {
        self.told.resize(validators, Told::default());
        for (i, told) in self.told.iter_mut().enumerate() {
            let others = consensus(outcome, validators, (!self.own).then_some(i));
            let row = weights(outcome, i, validators);
            let moves = || last.iter().zip(&others).map(|(p, c)| c - p);
            let bound = |v: f64| if self.bounded { v.abs() } else { f64::INFINITY };
            let earned =
                row.iter().zip(last).zip(moves()).map(|((w, p), v)| v * (w - p).clamp(-bound(v), bound(v)));
            told.earned += NEW * (earned.sum::<f64>() - told.earned);
            told.possible += NEW * (moves().map(|v| v * v).sum::<f64>() - told.possible);
        }
        let of_possible = |told: &Told| {
            if self.whole { told.earned.max(0.0) } else { (told.earned / told.possible).clamp(0.0, 1.0) }
        };
        let stakes = outcome.active_stake.iter().copied().map(fraction);
        let shares = self.told.iter().zip(stakes).map(|(told, stake)| stake * of_possible(told)).collect();
        if self.whole { normalised(shares) } else { shares }
    }
}

/// What one validator gave each miner.
fn weights(outcome: &Outcome, validator: usize, validators: usize) -> Vec<f64> {
    let mut weights = vec![0.0; outcome.consensus.len() - validators];
    for (uid, weight) in &outcome.weights.rows()[validator] {
        weights[usize::from(uid.0) - validators] = fraction(*weight);
    }
    weights
}

/// Consensus over miners, its parts summing to one, without one of the voters.
pub(crate) fn consensus(outcome: &Outcome, validators: usize, without: Option<usize>) -> Vec<f64> {
    let voters = || (0..validators).filter(|i| Some(*i) != without);
    let half = Share::from_bits(voters().map(|i| outcome.active_stake[i].bits()).sum::<i64>() / 2);
    let score = |i: usize, miner: usize| {
        let row = &outcome.weights.rows()[i];
        let place = row.binary_search_by_key(&Uid((validators + miner) as u16), |(uid, _)| *uid);
        place.map_or(Share::ZERO, |place| row[place].1)
    };
    let votes = |miner| voters().map(|i| (score(i, miner), outcome.active_stake[i])).collect::<Vec<_>>();
    let miners = 0..outcome.consensus.len() - validators;
    normalised(miners.map(|miner| fraction(weighted_median(&mut votes(miner), half))).collect())
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum()
}
