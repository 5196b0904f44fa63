//! What validators sign while they decide a height.
use arc_malachitebft_core_types::{NilOrVal, Round, SignedExtension, VoteType};
use crypto::{Hash, Hotkey};
use serde::{Deserialize, Serialize};

use super::context::{Candidate, Context, Height, Voter};
use crate::settlement::Settlement;
use crate::{Error, Payload};

pub use arc_malachitebft_core_types::VoteType as Ballot;

/// A prevote or precommit, for a header or for nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Vote {
    pub(super) ballot: Ballot,
    pub(super) height: Height,
    pub(super) round: Round,
    pub(super) header: NilOrVal<Candidate>,
    pub(super) voter: Voter,
}

/// A header's hash put to the vote.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Proposal {
    pub(super) height: Height,
    pub(super) round: Round,
    pub(super) header: Candidate,
    pub(super) locked_in: Round,
    pub(super) proposer: Voter,
}

/// The settlement behind a proposal, sent beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The round it is proposed in now; later than the header's when a locked settlement is proposed again.
    pub round: u32,
    /// The whole of it.
    pub settlement: Settlement,
}

impl Vote {
    /// A vote for a header, or for nothing.
    pub fn of(ballot: Ballot, height: u64, round: u32, header: Option<Hash>, voter: Hotkey) -> Self {
        let header = header.map_or(NilOrVal::Nil, |hash| NilOrVal::Val(Candidate(hash)));
        Self { ballot, height: Height(height), round: Round::new(round), header, voter: Voter(voter) }
    }

    /// Prevote or precommit.
    pub fn ballot(&self) -> Ballot {
        self.ballot
    }

    /// The height it is about.
    pub fn height(&self) -> u64 {
        self.height.0
    }

    /// The round it is about.
    pub fn round(&self) -> Option<u32> {
        self.round.as_u32()
    }

    /// What it is for; `None` for nothing.
    pub fn header(&self) -> Option<Hash> {
        match self.header {
            NilOrVal::Val(Candidate(header)) => Some(header),
            NilOrVal::Nil => None,
        }
    }

    /// Whether it would stand in a certificate for this header, decided in this round.
    pub fn certifies(&self, header: Hash, round: u32) -> bool {
        let precommit = self.ballot == Ballot::Precommit && self.round == Round::new(round);
        precommit && self.header == NilOrVal::Val(Candidate(header))
    }
}

impl Proposal {
    /// The height it is about.
    pub fn height(&self) -> u64 {
        self.height.0
    }

    /// The round it is about.
    pub fn round(&self) -> Option<u32> {
        self.round.as_u32()
    }

    /// What is put to the vote.
    pub fn header(&self) -> Hash {
        self.header.0
    }

    /// The same proposal of another header.
    pub fn of_header(self, header: Hash) -> Self {
        Self { header: Candidate(header), ..self }
    }
}

impl Payload for Vote {
    const KIND: &'static str = "neuron v1 vote";
    const MAX_BYTES: usize = 256;

    fn check(&self, signer: &Hotkey) -> Result<(), Error> {
        in_own_name(self.voter, signer)
    }
}

impl Payload for Proposal {
    const KIND: &'static str = "neuron v1 proposal";
    const MAX_BYTES: usize = 256;

    fn check(&self, signer: &Hotkey) -> Result<(), Error> {
        in_own_name(self.proposer, signer)
    }
}

impl Payload for Draft {
    const KIND: &'static str = "neuron v1 draft";
    const MAX_BYTES: usize = crate::settlement::MAX_BYTES;
}

fn in_own_name(claimed: Voter, signer: &Hotkey) -> Result<(), Error> {
    if claimed.0 == *signer {
        Ok(())
    } else {
        Err(Error::WrongSigner { signer: *signer, claimed: claimed.0 })
    }
}

impl arc_malachitebft_core_types::Vote<Context> for Vote {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<Candidate> {
        &self.header
    }

    fn take_value(self) -> NilOrVal<Candidate> {
        self.header
    }

    fn vote_type(&self) -> VoteType {
        self.ballot
    }

    fn validator_address(&self) -> &Voter {
        &self.voter
    }

    // Vote extensions are off.
    fn extension(&self) -> Option<&SignedExtension<Context>> {
        None
    }

    fn take_extension(&mut self) -> Option<SignedExtension<Context>> {
        None
    }

    fn extend(self, _: SignedExtension<Context>) -> Self {
        self
    }
}

impl arc_malachitebft_core_types::Proposal<Context> for Proposal {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &Candidate {
        &self.header
    }

    fn take_value(self) -> Candidate {
        self.header
    }

    fn pol_round(&self) -> Round {
        self.locked_in
    }

    fn validator_address(&self) -> &Voter {
        &self.proposer
    }
}
