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

/// A rule of a subnet that its owner may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rule {
    /// How many epochs after the commit's a row may be revealed.
    RevealWindow(u64),
    /// For how many settlements a newcomer is not pruned while others can be.
    Immunity(u64),
    /// The most neurons that may vote.
    Permits(u16),
    /// How far bonds follow clipped instead of raw weights, in 65 535ths.
    BondsPenalty(u16),
    /// The share of the old value in a bond, in millionths.
    BondsMovingAverage(u32),
    /// The lowest price of a slot.
    MinimumBurn(Amount),
    /// The highest price of a slot.
    MaximumBurn(Amount),
}
