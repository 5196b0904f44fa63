//! What those who settle say to each other while a height is decided.
use crypto::{Hash, Hotkey};
use serde::{Deserialize, Serialize};

use crate::consensus::Speech;
use crate::consensus::vote::{Proposal, Vote};
use crate::{Error, Payload, Signed, Verified};

/// The most votes one telling may carry: both ballots of a full settling set.
const MAX_VOTES: usize = 256;

/// A speech and when it was made.
///
/// Gossip passes the same bytes on once, and whoever was away needs to hear them again: the time makes every telling
/// new. It is signed, or anybody could make copies without end of what a validator said once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telling {
    /// In milliseconds since 1970. It tells repetitions apart and nothing is decided by it.
    pub told: u64,
    /// Votes or a proposal, whoever cast them.
    pub speech: Speech,
}

/// A speech, its authors certain.
#[derive(Clone, Debug, PartialEq)]
pub enum Words {
    /// Votes on a height.
    Votes(Vec<Verified<Vote>>),
    /// Prevotes for one header.
    Polka(Vec<Verified<Vote>>),
    /// Votes that show how far others are in a height.
    Skip(Vec<Verified<Vote>>),
    /// A header put to the vote.
    Proposal(Box<Verified<Proposal>>),
}

impl Telling {
    /// The longest, in bytes.
    pub const MAX_BYTES: usize = MAX_VOTES * 512;
}

impl Payload for Telling {
    const KIND: &'static str = "neuron v1 telling";
    const MAX_BYTES: usize = Self::MAX_BYTES;

    fn check(&self, _signer: &Hotkey) -> Result<(), Error> {
        let invalid = |reason| Err(Error::Invalid { kind: Self::KIND, reason });
        match &self.speech {
            Speech::Votes(votes) | Speech::Polka(votes) | Speech::Skip(votes) => match votes.len() {
                0 => invalid("no votes at all"),
                1..=MAX_VOTES => Ok(()),
                _ => invalid("more votes than a settling set can cast"),
            },
            Speech::Proposal(_) => Ok(()),
        }
    }
}

impl Words {
    /// Checks the signature of everyone who is quoted.
    pub fn verify(speech: Speech, genesis: &Hash) -> Result<Self, Error> {
        let all = |votes: Vec<Signed<Vote>>| -> Result<Vec<_>, Error> {
            votes.into_iter().map(|vote| vote.verify(genesis)).collect()
        };
        Ok(match speech {
            Speech::Votes(votes) => Self::Votes(all(votes)?),
            Speech::Polka(votes) => Self::Polka(all(votes)?),
            Speech::Skip(votes) => Self::Skip(all(votes)?),
            Speech::Proposal(proposal) => Self::Proposal(Box::new(proposal.verify(genesis)?)),
        })
    }

    /// The last height they are about.
    pub fn height(&self) -> u64 {
        match self {
            Self::Votes(votes) | Self::Polka(votes) | Self::Skip(votes) => {
                votes.iter().map(|vote| vote.height()).max().unwrap_or(0)
            }
            Self::Proposal(proposal) => proposal.height(),
        }
    }

    /// Who is quoted.
    pub fn authors(&self) -> Vec<Hotkey> {
        match self {
            Self::Votes(votes) | Self::Polka(votes) | Self::Skip(votes) => {
                votes.iter().map(Verified::signer).collect()
            }
            Self::Proposal(proposal) => vec![proposal.signer()],
        }
    }
}
