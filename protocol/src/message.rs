//! Everything neurons gossip: decoded, then verified, and only then heard.
use crypto::Hash;
use crypto::merkle;
use serde::{Deserialize, Serialize};

use crate::announcement::Profile;
use crate::consensus::Speech;
use crate::consensus::vote::{Draft, Proposal, Vote};
use crate::settlement::{self, Certified};
use crate::transaction::Transaction;
use crate::weights::{Commit, Reveal};
use crate::{Error, Signed, Verified, codec};

/// The most votes one message may carry: both ballots of a full settling set.
const MAX_VOTES: usize = 256;

/// The longest vote or proposal message, in bytes.
const MAX_BALLOT_BYTES: usize = MAX_VOTES * 512;

/// The longest input message, in bytes: a reveal of the largest row, framed.
const MAX_INPUT_BYTES: usize = 80 * 1024;

/// Who wants to hear a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Votes and proposals: those who settle.
    Consensus,
    /// The settlements behind proposals: those who settle.
    Proposals,
    /// What was settled: everyone.
    Settlements,
    /// What should be settled, and who serves what: everyone.
    Inputs,
}

/// What is gossiped, as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// Votes on a height.
    Votes(Vec<Signed<Vote>>),
    /// Prevotes of a quorum for one header.
    Polka(Vec<Signed<Vote>>),
    /// Votes that show how far others are in a height.
    Skip(Vec<Signed<Vote>>),
    /// A header put to the vote.
    Proposal(Signed<Proposal>),
    /// The settlement behind a proposal.
    Draft(Box<Signed<Draft>>),
    /// A decided settlement.
    Settled(Box<Certified>),
    /// A hidden row of weights.
    Commit(Signed<Commit>),
    /// A row of weights.
    Reveal(Signed<Reveal>),
    /// An order to the ledger.
    Transaction(Signed<Transaction>),
    /// How much a hotkey has at stake.
    Attestation(Attestation),
    /// What a miner serves.
    Profile(Signed<Profile>),
}

/// What is gossiped, its authors certain.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// Votes on a height.
    Votes(Vec<Verified<Vote>>),
    /// Prevotes for one header.
    Polka(Vec<Verified<Vote>>),
    /// Votes that show how far others are in a height.
    Skip(Vec<Verified<Vote>>),
    /// A header put to the vote.
    Proposal(Verified<Proposal>),
    /// The settlement behind a proposal.
    Draft(Box<Verified<Draft>>),
    /// A decided settlement; its certificate is checked by whoever holds the set.
    Settled(Box<Certified>),
    /// A hidden row of weights.
    Commit(Verified<Commit>),
    /// A row of weights.
    Reveal(Verified<Reveal>),
    /// An order to the ledger.
    Transaction(Verified<Transaction>),
    /// How much a hotkey has at stake; its proof is checked by whoever holds the root.
    Attestation(Attestation),
    /// What a miner serves.
    Profile(Verified<Profile>),
}

/// A ledger entry at a certified height with its Merkle proof: shows a hotkey's stake to those without the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// The height whose state root the proof leads to.
    pub height: u64,
    /// The ledger entry, as it stands in the tree.
    #[serde(with = "serde_bytes")]
    pub leaf: Vec<u8>,
    /// Its place in the tree.
    pub proof: merkle::Proof,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 4] = [Self::Consensus, Self::Proposals, Self::Settlements, Self::Inputs];

    /// What those hear who do not settle.
    pub const FOLLOWING: [Self; 2] = [Self::Settlements, Self::Inputs];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Consensus => "consensus",
            Self::Proposals => "proposals",
            Self::Settlements => "settlements",
            Self::Inputs => "inputs",
        }
    }

    /// The longest message, in bytes.
    pub fn limit(self) -> usize {
        match self {
            Self::Consensus => MAX_BALLOT_BYTES,
            Self::Proposals | Self::Settlements => settlement::MAX_BYTES,
            Self::Inputs => MAX_INPUT_BYTES,
        }
    }
}

impl Message {
    /// The message in `bytes` heard on `topic`.
    pub fn decode(topic: Topic, bytes: &[u8]) -> Result<Self, Error> {
        let message: Self = codec::decode("message", bytes, topic.limit())?;
        if message.topic() != topic {
            return Err(Error::Invalid { kind: "message", reason: "sent on the wrong topic" });
        }
        Ok(message)
    }

    /// Where it is gossiped.
    pub fn topic(&self) -> Topic {
        match self {
            Self::Votes(_) | Self::Polka(_) | Self::Skip(_) | Self::Proposal(_) => Topic::Consensus,
            Self::Draft(_) => Topic::Proposals,
            Self::Settled(_) => Topic::Settlements,
            _ => Topic::Inputs,
        }
    }

    /// The word for it in counters and logs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Votes(_) => "votes",
            Self::Polka(_) => "polka",
            Self::Skip(_) => "skip",
            Self::Proposal(_) => "proposal",
            Self::Draft(_) => "draft",
            Self::Settled(_) => "settlement",
            Self::Commit(_) => "commit",
            Self::Reveal(_) => "reveal",
            Self::Transaction(_) => "transaction",
            Self::Attestation(_) => "attestation",
            Self::Profile(_) => "profile",
        }
    }

    /// Checks every signature that needs no state.
    pub fn verify(self, genesis: &Hash) -> Result<Heard, Error> {
        Ok(match self {
            Self::Votes(votes) => Heard::Votes(verify_votes(votes, genesis)?),
            Self::Polka(votes) => Heard::Polka(verify_votes(votes, genesis)?),
            Self::Skip(votes) => Heard::Skip(verify_votes(votes, genesis)?),
            Self::Proposal(proposal) => Heard::Proposal(proposal.verify(genesis)?),
            Self::Draft(draft) => Heard::Draft(Box::new(draft.verify(genesis)?)),
            Self::Settled(certified) => Heard::Settled(certified),
            Self::Commit(commit) => Heard::Commit(commit.verify(genesis)?),
            Self::Reveal(reveal) => Heard::Reveal(reveal.verify(genesis)?),
            Self::Transaction(transaction) => Heard::Transaction(transaction.verify(genesis)?),
            Self::Attestation(attestation) => Heard::Attestation(attestation),
            Self::Profile(profile) => Heard::Profile(profile.verify(genesis)?),
        })
    }
}

impl Heard {
    /// The height it is about, where it is about one.
    pub fn height(&self) -> Option<u64> {
        match self {
            Self::Votes(votes) | Self::Polka(votes) | Self::Skip(votes) => {
                votes.iter().map(|vote| vote.height()).max()
            }
            Self::Proposal(proposal) => Some(proposal.height()),
            Self::Draft(draft) => Some(draft.settlement.header.height),
            Self::Settled(certified) => Some(certified.settlement.header.height),
            Self::Attestation(attestation) => Some(attestation.height),
            _ => None,
        }
    }
}

impl From<Speech> for Message {
    fn from(speech: Speech) -> Self {
        match speech {
            Speech::Votes(votes) => Self::Votes(votes),
            Speech::Polka(votes) => Self::Polka(votes),
            Speech::Skip(votes) => Self::Skip(votes),
            Speech::Proposal(proposal) => Self::Proposal(proposal),
        }
    }
}

fn verify_votes(votes: Vec<Signed<Vote>>, genesis: &Hash) -> Result<Vec<Verified<Vote>>, Error> {
    if votes.len() > MAX_VOTES {
        return Err(Error::Invalid { kind: "votes", reason: "more than a settling set can cast" });
    }
    votes.into_iter().map(|vote| vote.verify(genesis)).collect()
}
