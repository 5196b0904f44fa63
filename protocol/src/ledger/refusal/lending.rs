//! Why a hotkey may not lend its stake as it would.
use crypto::Hotkey;

use super::Shortfall;
use crate::ledger::MAX_CHILDREN;

/// What is wrong with a hotkey's children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unlent {
    /// More than may be.
    #[error("{have} children are too many: name at most {MAX_CHILDREN}")]
    TooMany {
        /// How many are named.
        have: usize,
    },
    /// Out of order, or one is named twice.
    #[error("its children are out of order: name each once, by rising hotkey")]
    Order,
    /// It lends to itself.
    #[error("it is among its own children: leave it out")]
    Itself,
    /// A part is zero.
    #[error("a part of nothing is lent: leave that child out")]
    Nothing,
    /// The parts sum to more than one.
    #[error("the parts sum to more than the whole: let them sum to at most 18446744073709551615")]
    MoreThanAll,
    /// A child lends to it, or is about to.
    #[error("{0:?} lends to it: a hotkey is another's parent or child, not both")]
    Parent(Hotkey),
    /// Too little stake.
    #[error("it has {0} behind it: add stake first")]
    Stake(Shortfall),
    /// Its children changed a short while ago.
    #[error("its children changed lately: they can change again at height {next}")]
    Lately {
        /// When.
        next: u64,
    },
}
