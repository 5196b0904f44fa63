//! Proof that a validator signed two things where one is allowed.
use crypto::Hotkey;
use serde::{Deserialize, Serialize};

use super::vote::{Proposal, Vote};
use crate::Signed;

/// Two signatures that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Evidence {
    /// Two votes of one kind, height and round.
    Votes(Box<(Signed<Vote>, Signed<Vote>)>),
    /// Two proposals of one height and round.
    Proposals(Box<(Signed<Proposal>, Signed<Proposal>)>),
}

impl Evidence {
    /// Who signed both.
    pub fn offender(&self) -> Hotkey {
        match self {
            Self::Votes(pair) => pair.0.signer,
            Self::Proposals(pair) => pair.0.signer,
        }
    }
}
