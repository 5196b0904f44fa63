//! What can go wrong with a neuron's memory: which file, why, and what to do.

use std::io;
use std::path::{Path, PathBuf};

/// What can go wrong with a neuron's memory.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refused to read or write: disk full, read-only, no permission, a failing disk.
    #[error("{path}: {cause}; free space, or check the permissions and the disk")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Another process, or another store of this one, holds the directory.
    #[error("{path}: in use by another neuron; stop it or choose another directory")]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// Another version of the program laid the files out otherwise.
    #[error(
        "{path}: its files are of version {found}, and this neuron reads version {expected}; start the neuron that \
         wrote them, or choose another directory"
    )]
    OtherVersion {
        /// The directory.
        path: PathBuf,
        /// The files' version.
        found: u64,
        /// Ours.
        expected: u64,
    },
    /// A write failed earlier, so what the disk holds is unknown; nothing more is promised until it is
    /// reopened.
    #[error("{path}: an earlier write failed; restart the neuron, which reads again what the disk holds")]
    Halted {
        /// The log.
        path: PathBuf,
    },
    /// The settlement does not follow the last one.
    #[error("settlement {height} does not follow settlement {tip}; append {} first", tip + 1)]
    Gap {
        /// The last settlement's height, 0 for none.
        tip: u64,
        /// The height offered.
        height: u64,
    },
    /// Votes of an earlier height may be gone, so a vote for it could be a second one.
    #[error(
        "votes for height {height} refused after votes for height {latest}; follow until then, and vote after"
    )]
    PastVote {
        /// The height offered.
        height: u64,
        /// The height of the last votes logged.
        latest: u64,
    },
    /// An entry passed its check when the log was opened and no longer does.
    #[error(
        "{path}: settlement {height} is damaged; restart the neuron, which fetches it again from its peers"
    )]
    Damaged {
        /// The log file.
        path: PathBuf,
        /// The height of the entry.
        height: u64,
    },
    /// More bytes than one entry, blob or log may have.
    #[error("{path}: {size} bytes are more than the {limit} allowed; split or drop them")]
    TooLarge {
        /// The log or directory.
        path: PathBuf,
        /// The bytes offered.
        size: u64,
        /// The bytes allowed.
        limit: u64,
    },
    /// The ledger index failed and was set aside: it is empty now.
    #[error("{path}: {cause}; the index was set aside, write the whole state again")]
    Index {
        /// The directory of the index.
        path: PathBuf,
        /// What sled said.
        cause: String,
    },
}

impl Error {
    /// For `map_err`: the system's error with the path it is about.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Io { path, cause }
    }
}
