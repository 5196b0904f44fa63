//! The least types that Malachite's core takes; hashes and signatures are ours.
use std::fmt;

use arc_malachitebft_core_types::{
    Address, Context, Extension, Height, LinearTimeouts, NilOrVal, Proposal, ProposalPart, Round,
    SignedExtension, Validator, ValidatorSet, Vote, VoteType,
};
use crypto::Hotkey;
use protocol::consensus::{Candidate, Ed25519};
use serde::{Deserialize, Serialize};

/// Ties these types together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain;

/// A height.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct At(pub(crate) u64);

/// Who votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Id(pub(crate) Hotkey);

/// A member, with a power of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct One(pub(crate) Id);

/// Who settles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Set(pub(crate) Vec<One>);

/// A vote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ballot {
    pub(crate) precommit: bool,
    pub(crate) height: At,
    pub(crate) round: Round,
    pub(crate) value: NilOrVal<Candidate>,
    pub(crate) voter: Id,
}

/// A proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Offer {
    height: At,
    round: Round,
    value: Candidate,
    locked_in: Round,
    proposer: Id,
}

/// No parts, no extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unused;

impl Context for Plain {
    type Address = Id;
    type Height = At;
    type ProposalPart = Unused;
    type Proposal = Offer;
    type Validator = One;
    type ValidatorSet = Set;
    type Timeouts = LinearTimeouts;
    type Value = Candidate;
    type Vote = Ballot;
    type Extension = Unused;
    type SigningScheme = Ed25519;

    fn select_proposer<'a>(&self, set: &'a Set, height: At, round: Round) -> &'a One {
        let turn = height.0 + u64::from(round.as_u32().unwrap_or(0));
        &set.0[turn as usize % set.0.len()]
    }

    fn new_proposal(
        &self,
        height: At,
        round: Round,
        value: Candidate,
        locked_in: Round,
        proposer: Id,
    ) -> Offer {
        Offer { height, round, value, locked_in, proposer }
    }

    fn new_prevote(&self, height: At, round: Round, value: NilOrVal<Candidate>, voter: Id) -> Ballot {
        Ballot { precommit: false, height, round, value, voter }
    }

    fn new_precommit(&self, height: At, round: Round, value: NilOrVal<Candidate>, voter: Id) -> Ballot {
        Ballot { precommit: true, height, round, value, voter }
    }
}

impl ValidatorSet<Plain> for Set {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn total_voting_power(&self) -> u64 {
        self.0.len() as u64
    }

    fn get_by_address(&self, address: &Id) -> Option<&One> {
        self.0.iter().find(|one| one.0 == *address)
    }

    fn get_by_index(&self, index: usize) -> Option<&One> {
        self.0.get(index)
    }
}

impl Validator<Plain> for One {
    fn address(&self) -> &Id {
        &self.0
    }

    fn public_key(&self) -> &Hotkey {
        &self.0.0
    }

    fn voting_power(&self) -> u64 {
        1
    }
}

impl Vote<Plain> for Ballot {
    fn height(&self) -> At {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<Candidate> {
        &self.value
    }

    fn take_value(self) -> NilOrVal<Candidate> {
        self.value
    }

    fn vote_type(&self) -> VoteType {
        if self.precommit { VoteType::Precommit } else { VoteType::Prevote }
    }

    fn validator_address(&self) -> &Id {
        &self.voter
    }

    fn extension(&self) -> Option<&SignedExtension<Plain>> {
        None
    }

    fn take_extension(&mut self) -> Option<SignedExtension<Plain>> {
        None
    }

    fn extend(self, _: SignedExtension<Plain>) -> Self {
        self
    }
}

impl Proposal<Plain> for Offer {
    fn height(&self) -> At {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &Candidate {
        &self.value
    }

    fn take_value(self) -> Candidate {
        self.value
    }

    fn pol_round(&self) -> Round {
        self.locked_in
    }

    fn validator_address(&self) -> &Id {
        &self.proposer
    }
}

impl Height for At {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);

    fn increment_by(&self, n: u64) -> Self {
        Self(self.0 + n)
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

impl Address for Id {}

impl ProposalPart<Plain> for Unused {
    fn is_first(&self) -> bool {
        false
    }

    fn is_last(&self) -> bool {
        false
    }
}

impl Extension for Unused {
    fn size_bytes(&self) -> usize {
        0
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
