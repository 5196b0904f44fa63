//! Yuma consensus: how validators' rows become incentive for miners and dividends for validators.
//!
//! Exact integer arithmetic throughout, so that every neuron with the same ballots computes the same bits.

mod ballot;
mod epoch;
mod matrix;
mod share;

pub use ballot::{Ballot, Incentive, Setting};
pub use epoch::{Outcome, epoch};
pub use matrix::Matrix;
pub use share::Share;

#[cfg(test)]
mod tests;
