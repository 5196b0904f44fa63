//! A question and its answer.
use crypto::{Hash, Hotkey};
use serde::{Deserialize, Serialize};

use crate::subnet::Netuid;
use crate::{Error, Payload};

/// The longest body of a question or answer, in bytes.
pub const MAX_BODY: usize = 32 * 1024;

/// What a validator asks one miner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Question {
    /// The subnet whose task this is about.
    pub netuid: Netuid,
    /// The miner that should answer.
    pub miner: Hotkey,
    /// The height at which it was asked: old questions are not answered.
    pub height: u64,
    /// Tells two questions of one height apart.
    pub number: u64,
    /// The task's own encoding.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

/// What a miner says to a question, bound to its hash: signed, it can be a receipt.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Answer {
    /// The id of the signed question.
    pub question: Hash,
    /// The task's own encoding.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

impl Payload for Question {
    const KIND: &'static str = "neuron v1 question";
    const MAX_BYTES: usize = MAX_BODY + 256;

    fn check(&self, signer: &Hotkey) -> Result<(), Error> {
        if *signer == self.miner {
            return Err(Error::Invalid { kind: "question", reason: "asks its own signer" });
        }
        Ok(())
    }
}

impl Payload for Answer {
    const KIND: &'static str = "neuron v1 answer";
    const MAX_BYTES: usize = MAX_BODY + 256;
}
