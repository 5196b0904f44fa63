//! What a neuron tells everyone about itself.
use crypto::{Hash, Hotkey};
use serde::{Deserialize, Serialize};

use crate::subnet::Netuid;
use crate::{Error, Payload};

/// The model a miner serves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Profile {
    /// The subnet it serves.
    pub netuid: Netuid,
    /// Replaces profiles with lower numbers.
    pub number: u64,
    /// The hash of the model's weights (safetensors), to be fetched from the miner.
    pub model: Hash,
    /// What the model is, in a few words ("mlp-64").
    pub description: String,
}

impl Payload for Profile {
    const KIND: &'static str = "neuron v1 profile";
    const MAX_BYTES: usize = 256;

    fn check(&self, _signer: &Hotkey) -> Result<(), Error> {
        if self.description.len() > 64 {
            return Err(Error::Invalid { kind: "profile", reason: "the description passes 64 bytes" });
        }
        Ok(())
    }
}
