//! What a neuron remembers.
//!
//! The truth is the settlement log: append-only, checksummed, on the disk before a call returns. The vote log
//! holds what must outlive a crash while a height is being decided. Everything else can be had again: the
//! ledger index from the log, blobs and peers from the network. This crate knows bytes, not messages, and
//! blocks: call it from a thread of its own.
//!
//! ```text
//! DIR/lock             held by the one process that uses DIR
//! DIR/format           the version of all this
//! DIR/settlements/     the settlement log, a file per 1,024 heights, named by its first height
//! DIR/snapshots/       states that the settlement log may begin after, a file each, named by its height
//! DIR/votes.log        the vote log
//! DIR/index/           the ledger index (sled); index.broken/ is the last one that was set aside
//! DIR/blobs/           contents by their hash
//! DIR/note             what a role wants to know again
//! DIR/claim            on whose word settlements are followed
//! DIR/peers            addresses, one a line
//! ```
//!
//! What is found damaged is kept beside its file, under the same name with `.damaged` added.

mod blobs;
mod damage;
mod durable;
mod entry;
mod error;
mod files;
mod format;
mod journal;
mod ledger;
mod note;
mod peers;
mod settlements;
mod snapshots;
mod store;
mod votes;

pub use blobs::{Blobs, MAX_BLOB};
pub use damage::Damage;
pub use entry::MAX_ENTRY;
pub use error::Error;
pub use files::{Loss, MemoryDisk, Platter};
pub use ledger::{Change, Index, Record};
pub use note::MAX_NOTE;
pub use peers::{MAX_ADDRESS, MAX_PEERS};
pub use snapshots::Snapshots;
pub use store::{Store, VOTES};
pub use votes::MAX_VOTE_LOG;
