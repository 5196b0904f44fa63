//! One question put to every miner because a person wants to see the answers.
use crypto::Hotkey;
use protocol::subnet::Uid;
use serde::{Deserialize, Serialize};

/// What a poll found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Poll {
    /// The task the question was about.
    pub task: String,
    /// How many miners were asked.
    pub asked: usize,
    /// Who answered or failed to, in the order in which we learned it.
    pub voices: Vec<Voice>,
}

/// One miner's part in a poll.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Voice {
    /// Its slot, if it still has one.
    pub uid: Option<Uid>,
    /// Who it is.
    pub miner: Hotkey,
    /// Share of the answer that was right; `None` if none came or it made no sense.
    pub score: Option<f64>,
    /// From asking to knowing, in milliseconds.
    pub latency_ms: u64,
}

impl Poll {
    pub(super) fn new(task: &str, asked: usize) -> Self {
        Self { task: task.to_owned(), asked, voices: Vec::new() }
    }
}
