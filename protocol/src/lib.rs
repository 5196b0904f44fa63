//! What neurons say to each other, and the rules they settle by.
//!
//! No clock, disk, socket or tensor is known here, and no float where neurons must agree.
#![deny(clippy::float_arithmetic)]

pub mod amount;
pub mod subnet;
pub mod transaction;
pub mod weights;

pub mod announcement;
pub mod codec;
pub mod query;
pub mod signed;

pub mod checker;
pub mod consensus;
pub mod head;
pub mod light;
pub mod message;
pub mod settlement;
pub mod snapshot;
pub mod telling;

pub mod emission;
pub mod explanation;
pub mod genesis;
pub mod ledger;
pub mod metagraph;
pub mod parameters;
pub mod yuma;

mod error;
#[cfg(feature = "planted-faults")]
mod fault;
mod fixed;

pub use amount::Amount;
pub use error::Error;
#[cfg(feature = "planted-faults")]
pub use fault::{Defence, Fault};
pub use genesis::Genesis;
pub use ledger::{Ledger, Refusal};
pub use metagraph::Metagraph;
pub use parameters::Parameters;
pub use signed::{Payload, Signed, Verified};
