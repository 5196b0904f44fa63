//! How validators come to certify one settlement at each height.
//!
//! The rules of voting are Tendermint's, run by Malachite's core; ours is what is proposed, what makes it valid and
//! who may vote.

mod context;
mod engine;
mod evidence;
mod validators;
pub mod vote;

pub use arc_malachitebft_core_types::{LinearTimeouts, Timeout};
pub use context::{Candidate, Context, Ed25519};
pub use engine::{Engine, LogEntry, Output, Speech, Step};
pub use evidence::{Evidence, Proven};
pub use validators::{MAX_TOTAL, ValidatorSet};
