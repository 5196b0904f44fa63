//! A subnet and a place in it.
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Amount;

/// The number of a subnet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Netuid(pub u16);

/// The number of a neuron's slot in its subnet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Uid(pub u16);

impl fmt::Display for Netuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One epoch of one subnet: subnets count their epochs, and end them at heights of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epoch {
    /// Counted from 0.
    pub index: u64,
    /// Its first height.
    pub first: u64,
    /// Its last height, at which it is counted and paid.
    pub last: u64,
}

impl Epoch {
    /// The first epoch of a subnet that came at a height: whole where `shift` is a multiple of tempo, or else shorter,
    /// so that not all subnets end their epochs at once.
    pub(crate) fn begin(founded: u64, tempo: u64, shift: u64) -> Self {
        let length = tempo.max(1) - shift.checked_rem(tempo).unwrap_or(0);
        Self { index: 0, first: founded.saturating_add(1), last: founded.saturating_add(length) }
    }

    /// The one after it.
    pub(crate) fn next(self, tempo: u64) -> Self {
        let first = self.last.saturating_add(1);
        Self { index: self.index.saturating_add(1), first, last: self.last.saturating_add(tempo.max(1)) }
    }

    /// How many heights it spans.
    pub fn length(&self) -> u64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }

    /// How many of its heights are settled, `height` being the last that is.
    pub fn settled(&self, height: u64) -> u64 {
        height.saturating_add(1).saturating_sub(self.first)
    }
}

/// A rule of a subnet that its owner may change, within the network's [`Limits`](crate::parameters::Limits). The others
/// are the network's: an owner that set kappa, cuts, the stake threshold or what incentive follows could take from
/// those who vote and mine for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rule {
    /// How many settlements an epoch takes, from the next on.
    Tempo(u64),
    /// How many epochs after the commit's a row may be revealed.
    RevealWindow(u64),
    /// For how many settlements a newcomer is not pruned while others can be.
    Immunity(u64),
    /// While no more neurons than this have outlived their immunity those stay, and the immune are pruned.
    MinimumPrunable(u16),
    /// The most neurons that may vote.
    Permits(u16),
    /// The fewest targets that a row names, from the next commit on.
    MinimumWeights(u16),
    /// The oldest version of the scoring code whose rows count, from the next commit on; 0 admits all.
    WeightsVersion(u64),
    /// How far bonds follow clipped instead of raw weights, in 65 535ths.
    BondsPenalty(u16),
    /// The share of the old value in a bond, in millionths.
    BondsMovingAverage(u32),
    /// Whether bonds move at speeds of their own instead.
    LiquidAlpha(bool),
    /// The lowest such speed, in 65 535ths.
    LiquidLow(u16),
    /// The highest such speed, in 65 535ths.
    LiquidHigh(u16),
    /// How sharply one becomes the other, in hundredths.
    LiquidSteepness(u16),
    /// The lowest price of a slot.
    MinimumBurn(Amount),
    /// The highest price of a slot.
    MaximumBurn(Amount),
    /// The price of a slot halves in so many settlements without a registration.
    BurnHalfLife(u64),
    /// A registration multiplies the price of a slot by this many hundredths.
    BurnMultiplier(u16),
}
