//! Who takes part in a simulated network, and how it behaves.
use std::fmt;

use crypto::Keypair;
use protocol::head::Head;
use serde_json::Value;

use super::NETUID;
use crate::behaviour::{Acting, Board, Keys, Make};
use crate::role::Role;

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
    /// How it behaves, if not honestly.
    pub conduct: Option<Conduct>,
}

/// How a member behaves.
#[derive(Clone)]
pub struct Conduct {
    /// Makes its behaviour, at each start anew.
    pub make: Make,
    /// The parameters that a scenario gives it.
    pub with: Value,
    /// Shared with whom it colludes.
    pub board: Board,
    /// Further identities that it may sign for.
    pub spare: Vec<Keypair>,
}

impl Conduct {
    /// Puts the behaviour before the roles of a member whose ledger has come so far.
    pub(super) fn before(&self, roles: Vec<Box<dyn Role>>, member: &Member, head: Head) -> Acting {
        let keys = Keys {
            hotkey: member.keypair.clone(),
            coldkey: Some(member.coldkey.clone()),
            spare: self.spare.clone(),
        };
        Acting::new((self.make)(), roles, (NETUID, head), (keys, self.with.clone(), self.board.clone()))
    }
}

impl fmt::Debug for Conduct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conduct").field("with", &self.with).finish_non_exhaustive()
    }
}
