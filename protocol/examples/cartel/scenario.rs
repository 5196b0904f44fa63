//! Subnets with somebody apart: a cartel, or an honest minority.
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::random::around_one;
use crate::rule::{Pay, Rule};
use crate::share::{normalised, row};
use crate::subnet::Subnet;

const MINERS: usize = 32;
/// The miners that somebody apart thinks of differently: the last ones.
pub(crate) const APART: usize = 8;
/// All stake, in units.
const STAKE: f64 = 1e12;

/// Epochs, of which the later half is measured: bonds have grown by then.
const EPOCHS: usize = 20;

/// Every random choice follows from it.
const SEED: u64 = 1;

/// Validators of one mind.
#[derive(Clone, Copy)]
pub(crate) struct Party {
    pub(crate) validators: usize,
    /// Their share of all stake.
    pub(crate) stake: f64,
    /// What part of the weight they give to the miners apart.
    pub(crate) to_apart: f64,
    /// The relative spread of their weights, anew in every epoch.
    pub(crate) noise: f64,
    /// How much more they think of the first miners, as many, than of the rest.
    pub(crate) taste: f64,
}

/// Mean pay of the later epochs: of the miners apart, and of each party.
pub(crate) fn pay(rule: Rule, parties: &[Party]) -> (f64, Vec<f64>) {
    let mut rng = StdRng::seed_from_u64(SEED);
    let voters: Vec<_> = parties.iter().flat_map(|party| vec![*party; party.validators]).collect();
    let stakes: Vec<_> = voters.iter().map(|p| (p.stake / p.validators as f64 * STAKE) as u64).collect();
    let mut subnet = Subnet::new(&stakes, MINERS, &rule.setting());
    let mut means = vec![vec![0.0; MINERS]; voters.len()];
    let mut pays = Vec::new();
    for epoch in 0..EPOCHS {
        for (mean, party) in means.iter_mut().zip(&voters) {
            let weight =
                if let Rule::Averaged(weight) | Rule::Factions(weight) = rule { weight } else { 1.0 };
            let weight = if epoch == 0 { 1.0 } else { weight };
            let opinion = normalised(party.opinion(&mut rng));
            mean.iter_mut().zip(opinion).for_each(|(mean, new)| *mean += weight * (new - *mean));
        }
        let rows = means.iter().map(|weights| row(voters.len(), weights.iter().copied())).collect();
        pays.push(rule.count(&mut subnet, rows));
    }
    let later = &pays[EPOCHS / 2..];
    let mean = |of: &dyn Fn(&Pay) -> f64| later.iter().map(of).sum::<f64>() / later.len() as f64;
    let miners = voters.len() + MINERS - APART..voters.len() + MINERS;
    let mut first = 0;
    let dividends = parties.iter().map(|party| {
        let range = first..first + party.validators;
        first += party.validators;
        mean(&|pay| pay.dividends[range.clone()].iter().sum())
    });
    let dividends = dividends.collect();
    (mean(&|pay| pay.incentive[miners.clone()].iter().sum()), dividends)
}

impl Party {
    fn opinion(&self, rng: &mut StdRng) -> Vec<f64> {
        let of = |miner: usize| match miner {
            ..APART => self.taste,
            _ => 1.0,
        };
        let others = normalised((0..MINERS - APART).map(of).collect());
        let others = others.into_iter().map(|share| share * (1.0 - self.to_apart));
        let all = others.chain([self.to_apart / APART as f64; APART]);
        all.zip(around_one(rng, MINERS, self.noise)).map(|(weight, x)| weight * x).collect()
    }
}
