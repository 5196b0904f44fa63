//! Keys, signatures, hashes and proofs.
//!
//! This crate knows bytes, not messages: what is signed, and why, is `protocol`'s business.

#[cfg(feature = "batch")]
pub mod batch;
mod checked;
mod error;
mod hash;
mod hotkey;
mod keypair;
pub mod merkle;
mod signature;
mod text;

pub use checked::remember_signatures;
pub use error::Error;
pub use hash::{Hash, hash};
pub use hotkey::Hotkey;
pub use keypair::Keypair;
pub use signature::Signature;
