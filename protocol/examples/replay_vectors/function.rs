//! Single functions of the reference chain, point by point.
use protocol::parameters::Burn;
use protocol::subnet::Uid;
use protocol::weights::Row;
use protocol::yuma::{Liquid, Share, permitted, weighted_median};
use protocol::{Amount, emission};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::quantity::share;
use super::{Verdict, parsed};

/// A file of points.
#[derive(Deserialize)]
pub(super) struct Function {
    name: String,
    epochs: Vec<Value>,
}

impl Function {
    /// Computes every point anew.
    pub(super) fn replay(self) -> Result<Verdict, String> {
        match self.name.as_str() {
            "fn-weighted_median" => self.compare(|p: Median| (p.median_bits, p.weighted_median())),
            "fn-topk_nonzero" => self.compare(|p: TopK| (p.mask.clone(), p.permitted())),
            "fn-max_upscale_u16" => self.compare(|p: Upscale| (p.out.clone(), p.upscaled())),
            "fn-exp" => self.compare(|p: Exp| (p.exp_bits, Share::from_bits(p.x_bits).exp().bits())),
            "fn-liquid_alpha" => self.compare(|p: Alpha| (p.alpha_bits, p.alpha())),
            "fn-block_emission" => self.compare(|p: Issued| (p.emission, emission::rate(Amount(p.issuance)))),
            "fn-burn_decay_factor" => self.compare(|p: Factor| (p.factor_q32, p.decay_factor())),
            "fn-burn_decay_path" => {
                let mut price = Price { block: 0, amount: Burn::default().start };
                self.compare(|p: Point| (p.burn, price.at(p.block)))
            }
            _ => Ok(Verdict::Skipped("we have no function of that name")),
        }
    }

    /// `f` gives what a point expects and what we got.
    fn compare<P: DeserializeOwned, T: PartialEq + std::fmt::Debug>(
        self,
        mut f: impl FnMut(P) -> (T, T),
    ) -> Result<Verdict, String> {
        let points = self.epochs.len();
        for (i, point) in self.epochs.into_iter().enumerate() {
            let (expected, got) = f(parsed(point).map_err(|error| format!("point {i}: {error}"))?);
            if expected != got {
                let difference = format!("point {i}: expected {expected:?}, got {got:?}");
                return Ok(Verdict::Differs(i, difference));
            }
        }
        Ok(Verdict::Equal(points))
    }
}

#[derive(Deserialize)]
struct Median {
    kappa_bits: i64,
    score_bits: Vec<i64>,
    stake_bits: Vec<i64>,
    median_bits: i64,
}

impl Median {
    fn weighted_median(&self) -> i64 {
        let votes = self.score_bits.iter().zip(&self.stake_bits);
        let votes = votes.map(|(score, stake)| (Share::from_bits(*score), Share::from_bits(*stake)));
        weighted_median(&mut votes.collect::<Vec<_>>(), Share::from_bits(self.kappa_bits)).bits()
    }
}

#[derive(Deserialize)]
struct TopK {
    k: usize,
    values: Vec<i64>,
    mask: Vec<bool>,
}

impl TopK {
    fn permitted(&self) -> Vec<bool> {
        permitted(&self.values.iter().map(|value| Share::from_bits(*value)).collect::<Vec<_>>(), self.k)
    }
}

#[derive(Deserialize)]
struct Upscale {
    r#in: Vec<u16>,
    out: Vec<u16>,
}

impl Upscale {
    fn upscaled(&self) -> Vec<u16> {
        let scores = self.r#in.iter().enumerate().map(|(i, x)| (Uid(i as u16), u64::from(*x)));
        Row::from_scores(scores).0.into_iter().map(|(_, weight)| weight).collect()
    }
}

#[derive(Deserialize)]
struct Exp {
    x_bits: i64,
    exp_bits: i64,
}

#[derive(Deserialize)]
struct Alpha {
    alpha_low: f64,
    alpha_high: f64,
    steepness: u16,
    consensus: f64,
    weight: f64,
    bond: f64,
    alpha_bits: i64,
}

impl Alpha {
    fn alpha(&self) -> i64 {
        let (low, high) = (share(self.alpha_low), share(self.alpha_high));
        let liquid = Liquid { low, high, steepness: self.steepness, erases: true };
        liquid.alpha(share(self.consensus), share(self.weight), share(self.bond)).bits()
    }
}

#[derive(Deserialize)]
struct Issued {
    issuance: u64,
    emission: u64,
}

#[derive(Deserialize)]
struct Factor {
    half_life: u64,
    factor_q32: u64,
}

impl Factor {
    fn decay_factor(&self) -> u64 {
        Burn { half_life: self.half_life, ..Burn::default() }.decay_factor()
    }
}

#[derive(Deserialize)]
struct Point {
    block: u64,
    burn: u64,
}

/// A price on its way down, nobody registering.
struct Price {
    block: u64,
    amount: Amount,
}

impl Price {
    fn at(&mut self, block: u64) -> u64 {
        let burn = Burn::default();
        while self.block < block && self.amount > burn.minimum {
            self.amount = burn.decayed(self.amount);
            self.block += 1;
        }
        self.amount.0
    }
}
