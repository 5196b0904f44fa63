//! Everything neurons gossip: decoded, then verified, and only then heard.
use crypto::merkle::{self, Root};
use crypto::{Hash, Hotkey};
use serde::{Deserialize, Serialize};

use crate::announcement::Profile;
use crate::consensus::vote::Draft;
use crate::consensus::{Evidence, Proven};
use crate::settlement::{self, Certified};
use crate::telling::{Telling, Words};
use crate::transaction::Transaction;
use crate::weights::{Commit, Reveal};
use crate::{Amount, Error, Ledger, Signed, Verified, codec};

/// Room for the signature and framing of a telling, in bytes.
const ENVELOPE: usize = 256;

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
    /// Votes and proposals.
    Telling(Box<Signed<Telling>>),
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
    /// Who signed two things where one is allowed.
    Evidence(Box<Evidence>),
}

/// What is gossiped, its authors certain.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// Votes and proposals.
    Telling(Words),
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
    /// Who signed two things where one is allowed.
    Evidence(Box<Proven>),
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
            Self::Consensus => Telling::MAX_BYTES + ENVELOPE,
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
            Self::Telling(_) => Topic::Consensus,
            Self::Draft(_) => Topic::Proposals,
            Self::Settled(_) => Topic::Settlements,
            _ => Topic::Inputs,
        }
    }

    /// The word for it in counters and logs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Telling(_) => "telling",
            Self::Draft(_) => "draft",
            Self::Settled(_) => "settlement",
            Self::Commit(_) => "commit",
            Self::Reveal(_) => "reveal",
            Self::Transaction(_) => "transaction",
            Self::Attestation(_) => "attestation",
            Self::Profile(_) => "profile",
            Self::Evidence(_) => "evidence",
        }
    }

    /// Who claims to speak, where only some may: to be asked before any signature is checked, of which these messages
    /// hold hundreds.
    pub fn speaker(&self) -> Option<Hotkey> {
        match self {
            Self::Telling(telling) => Some(telling.signer),
            Self::Draft(draft) => Some(draft.signer),
            _ => None,
        }
    }

    /// Checks every signature that needs no state.
    pub fn verify(self, genesis: &Hash) -> Result<Heard, Error> {
        Ok(match self {
            Self::Telling(telling) => {
                Heard::Telling(Words::verify(telling.verify(genesis)?.speech.clone(), genesis)?)
            }
            Self::Draft(draft) => Heard::Draft(Box::new(draft.verify(genesis)?)),
            Self::Settled(certified) => Heard::Settled(certified),
            Self::Commit(commit) => Heard::Commit(commit.verify(genesis)?),
            Self::Reveal(reveal) => Heard::Reveal(reveal.verify(genesis)?),
            Self::Transaction(transaction) => Heard::Transaction(transaction.verify(genesis)?),
            Self::Attestation(attestation) => Heard::Attestation(attestation),
            Self::Profile(profile) => Heard::Profile(profile.verify(genesis)?),
            Self::Evidence(evidence) => Heard::Evidence(Box::new(evidence.verify(genesis)?)),
        })
    }
}

impl Heard {
    /// The height it is about, where it is about one.
    pub fn height(&self) -> Option<u64> {
        match self {
            Self::Telling(words) => Some(words.height()),
            Self::Draft(draft) => Some(draft.settlement.header.height),
            Self::Settled(certified) => Some(certified.settlement.header.height),
            Self::Attestation(attestation) => Some(attestation.height),
            _ => None,
        }
    }
}

impl Attestation {
    /// Whose stake it shows and how much, if its proof leads to `root`.
    pub fn stake(&self, root: &Root) -> Option<(Hotkey, Amount)> {
        self.proof.verify(root, &self.leaf).then(|| Ledger::stake_in_leaf(&self.leaf)).flatten()
    }
}
