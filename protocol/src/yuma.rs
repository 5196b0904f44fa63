//! Yuma consensus: how validators' rows become incentive for miners and dividends for validators.
//!
//! Exact integer arithmetic throughout, so that every neuron with the same ballots computes the same bits.
//! One implementation counts by our rules or by the reference chain's: [`Setting`] says which, field by field.

mod ballot;
mod bonds;
mod epoch;
mod liquid;
mod matrix;
mod median;
mod setting;
mod share;
mod split;

pub use ballot::Ballot;
pub use bonds::stored;
pub use epoch::{Outcome, epoch, permitted};
pub use liquid::Liquid;
pub use matrix::Matrix;
pub use median::weighted_median;
pub use setting::{Disagreement, Incentive, Setting, Version, Width};
pub use share::Share;
pub use split::Split;

#[cfg(test)]
mod tests;
