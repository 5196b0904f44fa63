//! Our types in Malachite's words.
use std::fmt;

use arc_malachitebft_core_types::{self as malachite, LinearTimeouts, NilOrVal, Round, SigningScheme};
use crypto::{Hash, Hotkey, Signature};
use serde::{Deserialize, Serialize};

use super::ValidatorSet;
use super::vote::{Ballot, Proposal, Vote};

/// Ties our types together for Malachite.
#[derive(Clone, Copy, Debug)]
pub struct Context;

/// A settlement's height.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Height(pub(crate) u64);

/// The hash of a header put to the vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Candidate(pub Hash);

/// A validator's hotkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Voter(pub(crate) Hotkey);

/// A validator with its stake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    voter: Voter,
    power: u64,
}

/// Malachite's view of a [`ValidatorSet`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members {
    pub(super) set: ValidatorSet,
    members: Vec<Member>,
}

/// No vote extensions, no streamed parts: drafts travel as messages of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unused;

/// ed25519 over our signing bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ed25519;

impl malachite::Context for Context {
    type Address = Voter;
    type Height = Height;
    type ProposalPart = Unused;
    type Proposal = Proposal;
    type Validator = Member;
    type ValidatorSet = Members;
    type Timeouts = LinearTimeouts;
    type Value = Candidate;
    type Vote = Vote;
    type Extension = Unused;
    type SigningScheme = Ed25519;

    fn select_proposer<'a>(&self, members: &'a Members, height: Height, round: Round) -> &'a Member {
        let proposer = members.set.proposer(height.0, round.as_u32().unwrap_or(0));
        members.members.iter().find(|member| member.voter.0 == proposer).expect("the proposer is a member")
    }

    fn new_proposal(
        &self,
        height: Height,
        round: Round,
        header: Candidate,
        pol: Round,
        proposer: Voter,
    ) -> Proposal {
        Proposal { height, round, header, locked_in: pol, proposer }
    }

    fn new_prevote(&self, height: Height, round: Round, header: NilOrVal<Candidate>, voter: Voter) -> Vote {
        Vote { ballot: Ballot::Prevote, height, round, header, voter }
    }

    fn new_precommit(&self, height: Height, round: Round, header: NilOrVal<Candidate>, voter: Voter) -> Vote {
        Vote { ballot: Ballot::Precommit, height, round, header, voter }
    }
}

impl Members {
    pub(super) fn new(set: ValidatorSet) -> Self {
        let members =
            set.members().iter().map(|(hotkey, power)| Member { voter: Voter(*hotkey), power: *power });
        Self { members: members.collect(), set }
    }
}

impl malachite::ValidatorSet<Context> for Members {
    fn count(&self) -> usize {
        self.members.len()
    }

    fn total_voting_power(&self) -> u64 {
        self.set.total()
    }

    fn get_by_address(&self, address: &Voter) -> Option<&Member> {
        self.members.iter().find(|member| member.voter == *address)
    }

    fn get_by_index(&self, index: usize) -> Option<&Member> {
        self.members.get(index)
    }
}

impl malachite::Validator<Context> for Member {
    fn address(&self) -> &Voter {
        &self.voter
    }

    fn public_key(&self) -> &Hotkey {
        &self.voter.0
    }

    fn voting_power(&self) -> u64 {
        self.power
    }
}

impl malachite::Height for Height {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);

    fn increment_by(&self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

impl malachite::Value for Candidate {
    type Id = Self;

    fn id(&self) -> Self {
        *self
    }
}

impl malachite::Address for Voter {}

impl malachite::ProposalPart<Context> for Unused {
    fn is_first(&self) -> bool {
        false
    }

    fn is_last(&self) -> bool {
        false
    }
}

impl malachite::Extension for Unused {
    fn size_bytes(&self) -> usize {
        0
    }
}

impl SigningScheme for Ed25519 {
    type DecodingError = &'static str;
    type Signature = Signature;
    type PublicKey = Hotkey;
    type PrivateKey = ();

    fn decode_signature(bytes: &[u8]) -> Result<Signature, &'static str> {
        bytes.try_into().map(Signature).map_err(|_| "a signature has 64 bytes")
    }

    fn encode_signature(signature: &Signature) -> Vec<u8> {
        signature.0.to_vec()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<Hotkey, &'static str> {
        bytes.try_into().map(Hotkey).map_err(|_| "a public key has 32 bytes")
    }

    fn encode_public_key(key: &Hotkey) -> Vec<u8> {
        key.0.to_vec()
    }
}

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.short())
    }
}

impl fmt::Display for Voter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.short())
    }
}
