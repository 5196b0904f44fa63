//! What one neuron brings to an epoch, and the numbers that set how it is counted.
use serde::{Deserialize, Serialize};

use super::Share;
use crate::subnet::Uid;

/// One neuron of the subnet, by rising uid without gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ballot {
    /// Stake behind its hotkey, in units.
    pub stake: u64,
    /// Whether it may vote; granted by the epoch before.
    pub permit: bool,
    /// Whether it took part in this epoch.
    pub active: bool,
    /// Its row of raw weights, by rising uid; empty if it shows none.
    pub row: Vec<(Uid, u16)>,
    /// The height at which it bound itself to the row.
    pub updated: u64,
    /// The height at which it took its slot.
    pub registered: u64,
    /// Its bonds after the epoch before, by rising uid.
    pub bonds: Vec<(Uid, Share)>,
}

/// What incentive is proportional to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Incentive {
    /// To consensus: a minority that withholds its votes gains nothing (spec section 16.2).
    #[default]
    Consensus,
    /// To rank, as the reference chain pays (spec section 2.8).
    Rank,
}

/// How ballots are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The share of stake that fixes a consensus weight.
    pub kappa: Share,
    /// How far bonds follow clipped instead of raw weights.
    pub penalty: Share,
    /// The share of the new observation in a bond.
    pub alpha: Share,
    /// Less stake than this counts as none, in units.
    pub threshold: u64,
    /// How many neurons may vote in the next epoch.
    pub permits: usize,
    /// The first height of this epoch; bonds to slots taken since are dropped.
    pub start: u64,
    /// What incentive is proportional to.
    pub incentive: Incentive,
}
