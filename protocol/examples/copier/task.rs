//! A task whose miners get better and worse, and validators who judge them, copy or cheat.
use protocol::yuma::Setting;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::pay::{Pay, consensus};
use crate::random::{around_one, normal};
use crate::share::{normalised, row};
use crate::subnet::Subnet;

const MINERS: usize = 16;
const EPOCHS: usize = 80;
/// Dividends are summed from this epoch on: bonds have grown by then.
const MEASURED_FROM: usize = 30;
/// Miners are never worthless, nor better than this.
const QUALITY: (f64, f64) = (0.05, 3.0);
/// How many runs a figure is the mean of; their numbers are the seeds.
const RUNS: u64 = 6;

/// Somebody who votes.
#[derive(Clone, Copy)]
pub(crate) struct Validator {
    pub(crate) stake: u64,
    /// The relative error of its measurements.
    pub(crate) noise: f64,
    pub(crate) conduct: Conduct,
}

/// Where a row comes from. Copies are of the last consensus that was public when rows were bound.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Conduct {
    /// From measurements.
    Works,
    /// The last consensus.
    Copies,
    /// The last consensus, with the noise of measurements.
    CopiesNoisily,
    /// The mean of the last five.
    CopiesMean,
    /// The last and so much more of its last change.
    Extrapolates(f64),
    /// The last and so many times the measured change.
    Exaggerates(f64),
    /// From measurements, and changed by what the accomplices agreed on.
    Invents,
    /// The same in every second epoch, so that others report what goes back.
    InventsByTurns,
    /// The last, changed by what the accomplices agreed on.
    CopiesAndInvents,
}

/// What there is to know when rows are bound.
struct Moment<'a> {
    epoch: usize,
    qualities: &'a [f64],
    /// Every consensus that is public.
    public: &'a [Vec<f64>],
    /// Changes that accomplices agreed on.
    invented: &'a [f64],
}

/// How far accomplices change weights, relatively.
const INVENTION: f64 = 0.3;

/// A subnet to run.
pub(crate) struct Task<'a> {
    pub(crate) setting: &'a Setting,
    pub(crate) pay: &'a Pay,
    /// How many epochs old the last consensus is that was public when rows were bound.
    pub(crate) lag: usize,
    /// How far a miner's quality, about one, moves in an epoch.
    pub(crate) speed: f64,
    /// How much the newest epoch weighs in the rows of those who work; the rest is their last row.
    pub(crate) newest: f64,
}

impl Task<'_> {
    /// Every validator's dividends per stake, as a multiple of what the median of the first `honest` gets.
    pub(crate) fn gains(&self, validators: &[Validator], honest: usize) -> Vec<f64> {
        let runs: Vec<_> = (0..RUNS).map(|seed| self.run(validators, honest, seed)).collect();
        (0..validators.len()).map(|i| runs.iter().map(|run| run[i]).sum::<f64>() / RUNS as f64).collect()
    }

    fn run(&self, validators: &[Validator], honest: usize, seed: u64) -> Vec<f64> {
        let mut rng = StdRng::seed_from_u64(seed);
        let stakes: Vec<_> = validators.iter().map(|validator| validator.stake).collect();
        let mut subnet = Subnet::new(&stakes, MINERS, self.setting);
        let mut pay = self.pay.clone();
        let mut qualities = around_one(&mut rng, MINERS, 0.4);
        let mut known = vec![vec![1.0 / MINERS as f64; MINERS]; self.lag + 5];
        let mut rows = vec![Vec::new(); validators.len()];
        let mut sums = vec![0.0; validators.len()];
        for epoch in 0..EPOCHS {
            let moves = normal(&mut rng, MINERS);
            let moved = |(quality, by): (f64, f64)| (quality + self.speed * by).clamp(QUALITY.0, QUALITY.1);
            qualities = qualities.into_iter().zip(moves).map(moved).collect();
            let invented = around_one(&mut rng, MINERS, INVENTION);
            let public = &known[..=known.len() - self.lag];
            let moment = Moment { epoch, qualities: &qualities, public, invented: &invented };
            for (validator, row) in validators.iter().zip(&mut rows) {
                let errors = around_one(&mut rng, MINERS, validator.noise);
                let now = normalised(validator.conduct.weights(&moment, &errors));
                let averages = validator.conduct == Conduct::Works && epoch > 0;
                *row = if averages { beyond(row, &now, self.newest) } else { now };
            }
            let sent = rows.iter().map(|weights| row(validators.len(), weights.iter().copied()));
            let outcome = subnet.count(sent.collect());
            let dividends = pay.dividends(&outcome, validators.len(), &public[public.len() - 1]);
            known.push(consensus(&outcome, validators.len(), None));
            if epoch >= MEASURED_FROM {
                sums.iter_mut().zip(dividends).for_each(|(sum, dividend)| *sum += dividend);
            }
        }
        let per_stake: Vec<_> = sums.iter().zip(stakes).map(|(sum, stake)| sum / stake as f64).collect();
        let mut typical = per_stake[..honest].to_vec();
        typical.sort_by(f64::total_cmp);
        let median = f64::midpoint(typical[(honest - 1) / 2], typical[honest / 2]);
        per_stake.into_iter().map(|gain| gain / median).collect()
    }
}

impl Conduct {
    /// What it gives each miner, if its measurements have these errors.
    fn weights(self, moment: &Moment, errors: &[f64]) -> Vec<f64> {
        let [.., last5, last4, last3, last2, last] = moment.public else {
            unreachable!("five are public from the start")
        };
        let measured = normalised(times(moment.qualities, errors));
        match self {
            Self::Copies => last.clone(),
            Self::CopiesNoisily => times(last, errors),
            Self::CopiesMean => {
                (0..last.len()).map(|j| last[j] + last2[j] + last3[j] + last4[j] + last5[j]).collect()
            }
            Self::Extrapolates(part) => beyond(last2, last, 1.0 + part),
            Self::Exaggerates(part) => beyond(last, &measured, part),
            Self::CopiesAndInvents => times(last, moment.invented),
            Self::Invents => times(&measured, moment.invented),
            Self::InventsByTurns if moment.epoch % 2 == 1 => times(&measured, moment.invented),
            Self::Works | Self::InventsByTurns => measured,
        }
    }
}

fn times(weights: &[f64], by: &[f64]) -> Vec<f64> {
    weights.iter().zip(by).map(|(weight, by)| weight * by).collect()
}

/// So many times the way from one to the other.
fn beyond(from: &[f64], to: &[f64], times: f64) -> Vec<f64> {
    from.iter().zip(to).map(|(from, to)| (from + times * (to - from)).max(0.0)).collect()
}
