//! Why a swarm does not start or does not pay.
use std::io;
use std::path::PathBuf;

use protocol::genesis::GenesisError;

use crate::{genesis, host, key, script, task, word};

/// Why a swarm does not start or does not pay.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A number out of bounds.
    #[error("{what} {value}: must be {least} to {most}")]
    Bounds {
        /// Which number.
        what: &'static str,
        /// What it is.
        value: u64,
        /// The least it may be.
        least: u64,
        /// The most it may be.
        most: u64,
    },
    /// A parameter that is not there, or a value that is none.
    #[error("--set {name}={value}: {fault}")]
    Setting {
        /// The parameter.
        name: String,
        /// The value.
        value: String,
        /// What is wrong.
        fault: word::Fault,
    },
    /// Nobody misbehaves so.
    #[error("--adversary {name}: {fault}")]
    Adversary {
        /// The scenario.
        name: String,
        /// What is wrong.
        fault: String,
    },
    /// Its script is none.
    #[error(transparent)]
    Script(#[from] script::Error),
    /// The parameters break a rule.
    #[error("no network begins so: {0}")]
    Rules(#[from] GenesisError),
    /// The directory holds another swarm.
    #[error("{dir} holds a swarm with {what} {found}, not {wanted}; leave the flag out to resume it, or choose another --dir", dir = .dir.display())]
    Differs {
        /// The directory.
        dir: PathBuf,
        /// Which setting.
        what: &'static str,
        /// What the directory says.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// The directory's plan is no plan.
    #[error("{path}: {fault}; choose another --dir", path = .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// The system refused.
    #[error("{path}: {cause}; choose a --dir that you may write", path = .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The genesis.
    #[error(transparent)]
    Genesis(#[from] genesis::Error),
    /// A key.
    #[error(transparent)]
    Key(#[from] key::Error),
    /// The task is unknown, or needs libtorch.
    #[error(transparent)]
    Task(#[from] task::Error),
    /// The file given for a model is none.
    #[error("model file {path}: {fault}; give weights as safetensors", path = .path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// A neuron does not start.
    #[error("{name} does not start: {cause}")]
    Host {
        /// Which.
        name: String,
        /// Why.
        cause: host::Error,
    },
    /// A neuron stopped, and starting it again did not help.
    #[error("{name} stopped: {reason}; its log is {log}", log = .log.display())]
    GivenUp {
        /// Which.
        name: String,
        /// What it said last.
        reason: String,
        /// Where to read on.
        log: PathBuf,
    },
    /// What was waited for does not come.
    #[error("{reason}; the logs are in {dir}", dir = .dir.display())]
    Stuck {
        /// What is missing.
        reason: String,
        /// The swarm's directory.
        dir: PathBuf,
    },
    /// No neuron is left to ask.
    #[error("no neuron answers; the logs are in {dir}", dir = .dir.display())]
    NobodyAnswers {
        /// The swarm's directory.
        dir: PathBuf,
    },
}
