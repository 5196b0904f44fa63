//! Why a neuron does not start, or stopped.
use std::path::PathBuf;

use crypto::Hash;
use protocol::genesis::GenesisError;
use protocol::light::Checkpoint;
use protocol::subnet::Netuid;

use crate::{network, task};

/// Why a neuron does not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The genesis breaks a rule.
    #[error("the genesis is refused: {0}")]
    Genesis(#[from] GenesisError),
    /// Its memory cannot be used.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// Its memory belongs to another network.
    #[error("{dir} holds another network's ledger ({found:?}, not {expected:?}): use another --dir", dir = .dir.display())]
    OtherNetwork {
        /// The directory.
        dir: PathBuf,
        /// The genesis hash in the log.
        found: Hash,
        /// Ours.
        expected: Hash,
    },
    /// The log is not on the way to the checkpoint.
    #[error(
        "this neuron settled {found}, the checkpoint says {expected}: see that it is right, or begin anew in another \
         --dir"
    )]
    OtherCheckpoint {
        /// In the log.
        found: Checkpoint,
        /// What was given.
        expected: Checkpoint,
    },
    /// The log cannot tell whether it leads to a checkpoint, or go back to before it did.
    #[error(
        "what followed a checkpoint cannot be told apart: settlement {height} is needed and the log begins after {base}; \
         name a later --checkpoint, or begin anew in another --dir"
    )]
    BehindLog {
        /// What is needed.
        height: u64,
        /// What is not kept, or stands in a snapshot.
        base: u64,
    },
    /// It cannot listen or join.
    #[error(transparent)]
    Network(#[from] network::Error),
    /// The subnet's task is unknown, or needs libtorch that this build lacks.
    #[error(transparent)]
    Task(#[from] task::Error),
    /// It was to misbehave where that is no game.
    #[error("this network does not allow a neuron to behave as {0}: only networks for development do")]
    HonestOnly(String),
    /// The subnet that it waits for is there.
    #[error("subnet {0} is founded: begun anew, the neuron works in it")]
    Founded(Netuid),
    /// The model's thread cannot be started.
    #[error("cannot start the model's thread: {0}")]
    Model(std::io::Error),
    /// The model cannot be trained or read.
    #[error("the model is not ready: {0}")]
    Training(String),
    /// The disk refused a write: nothing after it was acted on.
    #[error("stopped because the disk refused a write, nothing acknowledged is lost: {0}")]
    Disk(String),
    /// Peers have pruned what comes next.
    #[error(
        "settlement {next} is pruned by all peers, who begin at height {first}: begun anew, the neuron takes a snapshot",
        next = .height + 1
    )]
    TooFarBehind {
        /// Where the neuron is.
        height: u64,
        /// What a peer begins at.
        first: u64,
    },
    /// Going on could harm.
    #[error("halted: {0}")]
    Halted(String),
}
