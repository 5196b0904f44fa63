//! An honest majority and a cartel, drawn at random: who has how much stake and likes whom how much.
use std::ops::Range;

use protocol::subnet::Uid;
use protocol::yuma::{Ballot, Setting, epoch};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::random::around_one;
use crate::share::{fraction, normalised, row};

const VALIDATORS: usize = 64;
const PEERS: usize = 512;

/// The relative spread of stakes.
const STAKE_SPREAD: f64 = 0.3;
/// All stake, in units; a share is lost below one of them.
const STAKE: f64 = 21e15;

/// Peers, validators first; of validators and of miners the honest come first, as many as their stake's share.
pub(crate) struct Network {
    honest_stake: f64,
    stakes: Vec<u64>,
    /// Each validator's weights of miners: those of the honest sum to one, those of the cartel too.
    tastes: Vec<Vec<f64>>,
}

impl Network {
    /// Weights spread by `sigma`; the same seed gives the same network.
    pub(crate) fn new(honest_stake: f64, sigma: f64, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut sample = |n, sigma| normalised(around_one(&mut rng, n, sigma));
        let validators = part(honest_stake, VALIDATORS);
        let miners = part(honest_stake, PEERS - VALIDATORS);
        let sides = [(honest_stake, validators), (1.0 - honest_stake, VALIDATORS - validators)];
        let stakes =
            sides.map(|(stake, n)| sample(n, STAKE_SPREAD).into_iter().map(move |s| s * stake * STAKE));
        let taste = |_| [sample(miners, sigma), sample(PEERS - VALIDATORS - miners, sigma)].concat();
        Self {
            honest_stake,
            stakes: stakes.into_iter().flatten().map(|stake| stake as u64).collect(),
            tastes: (0..VALIDATORS).map(taste).collect(),
        }
    }

    /// The least weight that the honest must give themselves to keep their share of stake, whatever weight the cartel
    /// gives itself; none if no weight is enough. The more weight, the more they get.
    pub(crate) fn needed_utility(
        &self,
        setting: &Setting,
        validators_part: f64,
        cartel: &[f64],
    ) -> Option<f64> {
        let keeps =
            |honest, cartel| self.emission([honest, cartel], setting, validators_part) >= self.honest_stake;
        let need = |worst: f64, cartel: &f64| match (keeps(worst, *cartel), keeps(1.0, *cartel)) {
            (true, _) => Some(worst),
            (_, false) => None,
            _ => Some(least(worst, |honest| keeps(honest, *cartel))),
        };
        cartel.iter().try_fold(0.0, need)
    }

    /// What part of an epoch's emission the honest get, who give weight `own[0]` to themselves; the cartel gives itself
    /// `own[1]`.
    fn emission(&self, own: [f64; 2], setting: &Setting, validators_part: f64) -> f64 {
        let outcome = epoch(&self.ballots(own), setting);
        let sum =
            |shares: &[_], range: Range<usize>| shares[range].iter().copied().map(fraction).sum::<f64>();
        let miners = VALIDATORS..VALIDATORS + part(self.honest_stake, PEERS - VALIDATORS);
        let dividends = sum(&outcome.dividends, 0..part(self.honest_stake, VALIDATORS));
        validators_part * dividends + (1.0 - validators_part) * sum(&outcome.incentive, miners)
    }

    fn ballots(&self, own: [f64; 2]) -> Vec<Ballot> {
        let voter = |i: usize| Ballot {
            stake: self.stakes[i],
            permit: true,
            active: true,
            row: self.row(i, own),
            updated: 1,
            ..Ballot::default()
        };
        let miners = (VALIDATORS..PEERS).map(|_| Ballot::default());
        (0..VALIDATORS).map(voter).chain(miners).collect()
    }

    fn row(&self, voter: usize, own: [f64; 2]) -> Vec<(Uid, u16)> {
        let to_honest = if voter < part(self.honest_stake, VALIDATORS) { own[0] } else { 1.0 - own[1] };
        let honest_miners = part(self.honest_stake, PEERS - VALIDATORS);
        let of_side = |miner| if miner < honest_miners { to_honest } else { 1.0 - to_honest };
        let weights = self.tastes[voter].iter().enumerate();
        row(VALIDATORS, weights.map(|(miner, taste)| of_side(miner) * taste))
    }
}

/// The least of `low..=1` that is enough, to a thousandth; `1` is.
fn least(low: f64, enough: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (low, 1.0);
    while high - low > 0.001 {
        let middle = (low + high) / 2.0;
        match enough(middle) {
            true => high = middle,
            false => low = middle,
        }
    }
    high
}

fn part(share: f64, n: usize) -> usize {
    (share * n as f64) as usize
}
