//! Who takes part in a simulated network, and how it behaves.
use crypto::Keypair;

use crate::behaviour::{Conduct, Keys};

/// One who takes part.
#[derive(Clone, Debug)]
pub struct Member {
    /// What it is called in logs.
    pub name: String,
    /// Its hotkey.
    pub keypair: Keypair,
    /// Its owner's key.
    pub coldkey: Keypair,
    /// Whether it validates; otherwise it mines.
    pub validates: bool,
    /// How often its model is right, 0 to 1.
    pub skill: f64,
    /// Its clock runs ahead of the network's by this much, in milliseconds; behind it if negative.
    pub clock_skew_ms: i64,
    /// Further identities that its behaviour may sign for.
    pub spare: Vec<Keypair>,
    /// How it behaves, if not honestly.
    pub conduct: Option<Conduct>,
}

impl Member {
    /// What its behaviour may sign with.
    pub(super) fn keys(&self) -> Keys {
        Keys { hotkey: self.keypair.clone(), coldkey: Some(self.coldkey.clone()), spare: self.spare.clone() }
    }
}
