//! Speaks with a running neuron through a socket in its directory, which only its owner may open.
//!
//! A request is one line of JSON, so is its reply:
//!
//! ```text
//! {"ask":"state_roots","from":7}
//! {"ok":[[7,"5f0c…"],[8,"a91e…"]]}
//! {"error":"…"}
//! ```

mod account;
mod children;
mod client;
mod consensus;
mod document;
mod explained;
mod server;
mod socket;
mod subnets;
mod votes;

use std::io;
use std::path::PathBuf;

use crypto::{Hash, Hotkey};
use protocol::subnet::Netuid;
use protocol::transaction::Coldkey;
use serde::{Deserialize, Serialize};

use crate::neuron::Conditions;

pub use account::{Account, Lock, Stake, Trial};
pub use children::{Child, Children, Planned};
pub use client::Client;
pub use consensus::Consensus;
pub use document::{Metagraph, Neuron, Stamp, Status};
pub use explained::{Explained, Remembered};
pub use server::Server;
pub use subnets::{Subnet, Subnets};
pub use votes::{Sealed, Vote, Votes};

/// The socket in a neuron's directory.
pub const SOCKET: &str = "neuron.sock";

/// The longest request, in bytes: a transaction in hexadecimal digits, framed.
pub const MAX_REQUEST: usize = 64 * 1024;

/// The longest reply, in bytes: a settlement in hexadecimal digits; the votes of a full subnet take a quarter.
pub const MAX_REPLY: usize = 8 * 1024 * 1024;

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Who it is and how it does: a [`Status`].
    Status {},
    /// A subnet as a table, its own unless another is named: a [`Metagraph`].
    Metagraph {
        /// Which subnet.
        netuid: Option<Netuid>,
        /// After which height; the last unless another is named.
        at: Option<u64>,
    },
    /// Every subnet: [`Subnets`].
    Subnets {},
    /// Why a neuron earned what it earned in an epoch: [`Explained`].
    Explain {
        /// Its hotkey, the first digits of it, or its uid.
        who: String,
        /// In which subnet; its own unless another is named.
        netuid: Option<Netuid>,
        /// In which epoch; the last that has ended unless another is named.
        epoch: Option<u64>,
    },
    /// What it remembers of a miner: [`Remembered`].
    Remember {
        /// The miner.
        miner: Hotkey,
    },
    /// The state roots it settled on: a list of height and root.
    StateRoots {
        /// The first height.
        from: u64,
    },
    /// What it settled from a height on: a list of certified settlements, each encoded in hexadecimal digits.
    Settlements {
        /// The first height.
        from: u64,
    },
    /// One question put to every miner: a [`crate::role::Poll`].
    Poll {},
    /// What an account has: an [`Account`].
    Account {
        /// Whose; the owner of its own hotkey unless another is named.
        coldkey: Option<Coldkey>,
    },
    /// What validators committed to and revealed: [`Votes`].
    Votes {
        /// In which subnet; its own unless another is named.
        netuid: Option<Netuid>,
        /// Only this validator's.
        hotkey: Option<Hotkey>,
    },
    /// To whom a hotkey lends its votes: [`Children`].
    Children {
        /// In which subnet; its own unless another is named.
        netuid: Option<Netuid>,
        /// Who.
        hotkey: Hotkey,
    },
    /// What a signed transaction would do, without telling anyone: a [`Trial`].
    Try {
        /// The canonical encoding, in hexadecimal digits.
        transaction: String,
    },
    /// A signed transaction to be gossiped: nothing.
    Submit {
        /// The canonical encoding, in hexadecimal digits.
        transaction: String,
    },
    /// Where a transaction was settled: its height, or nothing if it was not.
    Find {
        /// Its id.
        id: Hash,
        /// The first height to look at.
        from: u64,
    },
    /// That it behave so from now on, in a network for development: nothing.
    Behave {
        /// "honest", a built-in's name, "FILE.star" or "exec:COMMAND".
        behaviour: String,
        /// Where its files are looked for.
        folder: PathBuf,
        /// What it is given.
        with: serde_json::Value,
        /// The folder of the board that colluders share.
        board: Option<PathBuf>,
    },
    /// That what peers send meet this on its way from now on, in a network for development: nothing.
    Impede {
        /// By whom it comes from; from others everything comes at once.
        conditions: Conditions,
    },
    /// That it stop: nothing, and it does.
    Stop {},
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    /// What was asked for.
    Ok(serde_json::Value),
    /// Why it is not to be had.
    Error(String),
}

/// Why a neuron cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is there.
    #[error("no neuron runs in {dir}; start one there, or name the --dir of one that runs", dir = .0.display())]
    NotRunning(PathBuf),
    /// The system refused.
    #[error("socket {path}: {cause}; only the owner of a neuron may ask it", path = .path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// It did not answer.
    #[error("the neuron in {dir} did not answer within {seconds} s; its neuron.log may tell why", dir = .dir.display())]
    Silent {
        /// Its directory.
        dir: PathBuf,
        /// How long we waited.
        seconds: u64,
    },
    /// It will not do that.
    #[error("{0}")]
    Refused(String),
    /// It speaks another version.
    #[error("the neuron in {dir} answers what this program does not understand ({fault}); use the same version", dir = .dir.display())]
    Malformed {
        /// Its directory.
        dir: PathBuf,
        /// What is wrong.
        fault: String,
    },
}

/// What to say of a subnet that is not there.
fn no_subnet(netuid: Netuid) -> String {
    format!("there is no subnet {netuid}; see `neuron subnet list` for those there are")
}

#[cfg(test)]
mod tests;
