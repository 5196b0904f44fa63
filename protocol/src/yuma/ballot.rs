//! What one neuron brings to an epoch.
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
    /// The height of its earliest commit that is still to be revealed.
    pub waiting: Option<u64>,
    /// The height at which it took its slot.
    pub registered: u64,
    /// Its bonds as the epoch before stored them, by rising uid.
    pub bonds: Vec<(Uid, Share)>,
}
