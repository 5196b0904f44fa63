//! The numbers a genesis fixes: DESIGN section 14 as data.
use serde::{Deserialize, Serialize};

use crate::Amount;
use crate::amount::COIN;
use crate::weights::MAX_TARGETS;
use crate::yuma::Incentive;

/// What a portion is counted in: 1 800 of them are 18 %.
pub const BASIS_POINTS: u64 = 10_000;

/// The slowest that liquid bonds may move, in 65 535ths: a fortieth (spec section 3).
const LEAST_SPEED: u16 = 1_638;

/// The steepest that liquid bonds may change their speed, in hundredths: half of it is an exponent, of 20 at most.
const MOST_STEEPNESS: u16 = 4_000;

/// The longest epoch, in settlements: nobody is paid in their lifetime.
const MAX_TEMPO: u64 = 1 << 32;

/// Milliseconds in a day.
const DAY: u64 = 24 * 60 * 60 * 1_000;

/// Rules of the whole network. Spans are in settlements unless said otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    /// Between two settlements, in milliseconds.
    pub interval: u64,
    /// After how many settlements those who settle are chosen again.
    pub set_period: u64,
    /// The most hotkeys that settle.
    pub settling_set: u16,
    /// What the owner of a settling hotkey must have staked on it.
    pub minimum_self_stake: Amount,
    /// From taking stake back until it can be spent.
    pub unbonding: u64,
    /// For how long evidence counts.
    pub evidence_expiry: u64,
    /// For how long an old set may vouch for a later one.
    pub trusting_period: u64,
    /// Of a settling hotkey's stake for voting twice, in basis points.
    pub slash: u16,
    /// From being jailed for it until the owner may ask for release.
    pub jail: u64,
    /// A delegate's share of dividends unless it says otherwise, in basis points.
    pub default_take: u16,
    /// The largest take, in basis points.
    pub maximum_take: u16,
    /// Between two rises of a delegate's take.
    pub take_rise: u64,
    /// From when a hotkey's children are named until it lends to them, at the end of the next epoch.
    pub child_delay: u64,
    /// Between two changes of a hotkey's children.
    pub child_change: u64,
    /// The least that can be staked, moved or taken back at once.
    pub minimum_stake: Amount,
    /// The least that an account holds once somebody gave it coins: accounts are kept for good.
    pub minimum_balance: Amount,
    /// A staker, other than the hotkey's owner, that would keep less than this is paid out whole.
    pub minimum_nomination: Amount,
    /// A subnet's share of emission goes half of the way to what validators agree on in so many settlements.
    pub division_half_life: u64,
    /// What every transaction pays.
    pub fee: Amount,
    /// What every byte of a transaction pays.
    pub fee_per_byte: Amount,
    /// How far a proposer's clock may differ from a voter's, in milliseconds.
    pub clock_drift: u64,
    /// How many heights around its own a neuron forwards gossip of.
    pub gossip_window: u64,
    /// How subnets come and go.
    pub founding: Founding,
}

/// How subnets come and go. Spans are in settlements unless said otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Founding {
    /// The least that founding one locks; each doubles the price for the next.
    pub lock: Amount,
    /// The price of a lock halves in this.
    pub lock_half_life: u64,
    /// The most subnets; one more ends the weakest.
    pub limit: u16,
    /// For how long a subnet cannot be ended.
    pub immunity: u64,
    /// From founding a subnet until its owner may start its emission.
    pub start_delay: u64,
    /// Epochs between two changes of a subnet's rules.
    pub change_epochs: u64,
    /// The last settlements of an epoch, in which rules do not change.
    pub freeze: u64,
    /// How far the owner of a subnet may go.
    pub limits: Limits,
    /// The rules of a new subnet.
    pub defaults: Hyperparameters,
}

/// How far the owner of a subnet may go with its rules; a genesis is not bound by them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The shortest tempo: an epoch is work for everybody.
    pub least_tempo: u64,
    /// The longest: nobody is paid before an epoch ends.
    pub most_tempo: u64,
    /// The longest window in which a row may be revealed, in epochs: commits are kept for as long.
    pub most_reveal_window: u64,
    /// The most neurons that may vote: each row costs everybody time and room.
    pub most_permits: u16,
    /// The largest share of the old value in a bond, in millionths: slower bonds shut newcomers out.
    pub most_bonds_average: u32,
    /// How high the lowest price of a slot may be, or an owner could close its subnet.
    pub most_minimum_burn: Amount,
    /// How low the highest price of a slot may be, or slots would be for free however many want one.
    pub least_maximum_burn: Amount,
    /// The longest half-life of that price, or one registration could close a subnet for good.
    pub most_burn_half_life: u64,
    /// The most hundredths that a registration may multiply it by, for the same reason.
    pub most_burn_multiplier: u16,
}

/// Rules of one subnet. Spans are in settlements unless said otherwise.
///
/// Some of the reference chain's (spec section 14) have no place here. Activity cutoff: who does not reveal in an epoch
/// was not active in it. Rate limits of weights and profiles: one commit an epoch is all there is, and profiles are no
/// part of the ledger. Commit-reveal switch and Yuma version: rows are always hidden first, and bonds always those of
/// Yuma 3. Largest weight: it is off there, and consensus clips. Bonds reset: who takes a slot finds no bonds to it.
/// Difficulty, registrations wanted in an interval or allowed in one settlement: the price alone says how many come.
/// Rho and several mechanisms: nothing depends on the one, and a subnet has one row of weights for each validator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hyperparameters {
    /// An epoch.
    pub tempo: u64,
    /// How many epochs after the commit's a row may be revealed.
    pub reveal_window: u64,
    /// For how long a newcomer is not pruned while others can be.
    pub immunity: u64,
    /// While no more neurons than this have outlived their immunity those stay, and the immune are pruned.
    pub minimum_prunable: u16,
    /// The most neurons.
    pub slots: u16,
    /// The most neurons that may vote.
    pub permits: u16,
    /// Less stake than this counts as none when votes are weighed.
    pub stake_threshold: Amount,
    /// The fewest targets that a row names, while there are as many slots taken.
    pub minimum_weights: u16,
    /// The oldest version of the scoring code whose rows count; 0 admits all.
    pub weights_version: u64,
    /// The share of stake that fixes a consensus weight, in 65 535ths.
    pub kappa: u16,
    /// How far bonds follow clipped instead of raw weights, in 65 535ths.
    pub bonds_penalty: u16,
    /// The share of the old value in a bond, in millionths: 1 - alpha.
    pub bonds_moving_average: u32,
    /// What incentive is proportional to.
    pub incentive: Incentive,
    /// The subnet owner's part of an epoch, in basis points.
    pub owner_cut: u16,
    /// The miners' part, in basis points.
    pub miners_cut: u16,
    /// The part of validators and their stakers, in basis points.
    pub validators_cut: u16,
    /// Bonds that move at speeds of their own.
    pub liquid: LiquidAlpha,
    /// What registration costs.
    pub burn: Burn,
}

/// How bonds move instead of by their moving average, where it is on (spec section 3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiquidAlpha {
    /// Whether they do.
    pub on: bool,
    /// The lowest speed, in 65 535ths.
    pub low: u16,
    /// The highest speed, in 65 535ths.
    pub high: u16,
    /// How sharply one becomes the other, in hundredths.
    pub steepness: u16,
}

/// How the price of registration moves (spec section 8.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Burn {
    /// The first price.
    pub start: Amount,
    /// The lowest price.
    pub minimum: Amount,
    /// The highest price.
    pub maximum: Amount,
    /// The price halves in so many settlements without a registration.
    pub half_life: u64,
    /// A registration multiplies the price by this many hundredths.
    pub multiplier: u16,
}

impl Parameters {
    /// A local network: everything within seconds.
    pub fn dev() -> Self {
        Self {
            interval: 1_000,
            set_period: 3,
            settling_set: 128,
            minimum_self_stake: Amount::coins(1),
            unbonding: 60,
            evidence_expiry: 40,
            trusting_period: 30,
            slash: 500,
            jail: 30,
            default_take: 1_800,
            maximum_take: 1_800,
            take_rise: 30 * DAY / 12_000,
            child_delay: 10,
            child_change: 3,
            minimum_stake: Amount(COIN / 500),
            minimum_balance: Amount(COIN / 1_000),
            minimum_nomination: Amount(COIN / 10),
            division_half_life: 10,
            fee: Amount(1_000),
            fee_per_byte: Amount(10),
            clock_drift: 2_000,
            gossip_window: 64,
            founding: Founding::dev(),
        }
    }

    /// A public network without value.
    pub fn testnet() -> Self {
        let interval = 12_000;
        Self {
            interval,
            set_period: 30,
            minimum_self_stake: Amount::coins(1_000),
            division_half_life: DAY / interval,
            unbonding: 21 * DAY / interval,
            evidence_expiry: 14 * DAY / interval,
            trusting_period: 10 * DAY / interval,
            jail: DAY / interval,
            child_delay: DAY / interval,
            child_change: 150,
            clock_drift: 5_000,
            founding: Founding::testnet(),
            ..Self::dev()
        }
    }
}

impl Founding {
    /// Subnets of a local network.
    pub fn dev() -> Self {
        Self {
            lock: Amount::coins(100),
            lock_half_life: 1_000,
            limit: 16,
            immunity: 600,
            start_delay: 10,
            change_epochs: 2,
            freeze: 1,
            limits: Limits::dev(),
            defaults: Hyperparameters::dev(),
        }
    }

    /// Subnets of a public network.
    pub fn testnet() -> Self {
        Self {
            lock: Amount::coins(1_000),
            lock_half_life: 14 * DAY / 12_000,
            limit: 128,
            immunity: 180 * DAY / 12_000,
            start_delay: 7 * DAY / 12_000,
            change_epochs: 2,
            freeze: 10,
            limits: Limits { least_tempo: 30, most_tempo: 4_200, ..Limits::dev() },
            defaults: Hyperparameters::testnet(),
        }
    }
}

impl Limits {
    /// Owners of a local network.
    pub fn dev() -> Self {
        Self {
            least_tempo: 3,
            most_tempo: 420,
            most_reveal_window: 100,
            most_permits: 128,
            most_bonds_average: 975_000,
            most_minimum_burn: Amount::coins(1),
            least_maximum_burn: Amount(COIN / 10),
            most_burn_half_life: 36_000,
            most_burn_multiplier: 300,
        }
    }
}

impl Hyperparameters {
    /// A subnet of a local network.
    pub fn dev() -> Self {
        Self {
            tempo: 3,
            reveal_window: 1,
            immunity: 30,
            minimum_prunable: 10,
            slots: 256,
            permits: 64,
            // More than a miner of a local network earns in an hour, and less than a newcomer is given.
            stake_threshold: Amount::coins(50),
            minimum_weights: 1,
            weights_version: 0,
            kappa: 32_768,
            bonds_penalty: 65_535,
            bonds_moving_average: 900_000,
            incentive: Incentive::Consensus,
            owner_cut: 1_800,
            miners_cut: 4_100,
            validators_cut: 4_100,
            liquid: LiquidAlpha::default(),
            burn: Burn::default(),
        }
    }

    /// The first rule that these numbers break: which number, and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let delay = self.tempo.saturating_mul(self.reveal_window.saturating_add(1));
        let cuts = [self.owner_cut, self.miners_cut, self.validators_cut];
        let (burn, liquid) = (&self.burn, &self.liquid);
        let positive = "must be at least 1";
        let rules = [
            (self.tempo > 0, "tempo", positive),
            (self.tempo <= MAX_TEMPO, "tempo", "must not pass 2^32, or spans of some epochs overflow"),
            (self.reveal_window > 0, "reveal_window", positive),
            (self.slots > 0, "slots", positive),
            (self.permits > 0, "permits", positive),
            (burn.half_life > 0, "burn.half_life", positive),
            (usize::from(self.slots) <= MAX_TARGETS, "slots", "must not pass 4096, the longest row"),
            (
                self.immunity >= delay,
                "immunity",
                "must last from a commit to the end of its reveal, or newcomers are pruned unseen",
            ),
            (
                cuts.iter().map(|cut| u64::from(*cut)).sum::<u64>() <= BASIS_POINTS,
                "cuts",
                "must not sum to more than 10000",
            ),
            (self.bonds_moving_average <= 1_000_000, "bonds_moving_average", "must not pass 1000000"),
            (liquid.low >= LEAST_SPEED, "liquid.low", "must be at least 1638, a fortieth"),
            (liquid.low <= liquid.high, "liquid.high", "must not be lower than liquid.low"),
            (
                (1..=MOST_STEEPNESS).contains(&liquid.steepness),
                "liquid.steepness",
                "must be 1 to 4000: beyond, the exponential no longer tells",
            ),
            (
                burn.minimum <= burn.start && burn.start <= burn.maximum,
                "burn.start",
                "must lie between minimum and maximum",
            ),
            (
                burn.multiplier >= 100,
                "burn.multiplier",
                "must be at least 100, or registering gets cheaper the more do it",
            ),
        ];
        match rules.into_iter().find(|(holds, ..)| !holds) {
            Some((_, name, rule)) => Err((name, rule)),
            None => Ok(()),
        }
    }

    /// A subnet of a public network.
    pub fn testnet() -> Self {
        Self { tempo: 30, immunity: 4_096, stake_threshold: Amount::coins(1_000), ..Self::dev() }
    }
}

impl Default for LiquidAlpha {
    fn default() -> Self {
        Self { on: false, low: 45_875, high: 58_982, steepness: 1_000 }
    }
}

impl Default for Burn {
    fn default() -> Self {
        Self {
            start: Amount::coins(1),
            minimum: Amount(COIN / 2_000),
            maximum: Amount::coins(100),
            half_life: 360,
            multiplier: 126,
        }
    }
}
