//! The core's messages as ours, and ours as the core's.
use arc_malachitebft_core_consensus::{
    Input, LivenessMsg, MisbehaviorEvidence, ProposedValue, SignedConsensusMsg,
};
use arc_malachitebft_core_types::{
    CommitCertificate, NilOrVal, PolkaCertificate, Round, SignedMessage, Validity, ValueOrigin,
};
use crypto::{Hash, Hotkey};

use super::{LogEntry, Output, Speech, Step};
use crate::consensus::Evidence;
use crate::consensus::context::{Candidate, Context, Height, Voter};
use crate::consensus::vote::Vote;
use crate::settlement::Certificate;
use crate::{Payload, Signed};

impl LogEntry {
    /// `None` for an entry that no engine wrote.
    pub(super) fn to_input(&self, height: u64) -> Option<Input<Context>> {
        Some(match self {
            Self::Vote(vote) => Input::Vote(SignedMessage::new(vote.decode().ok()?, vote.signature())),
            Self::Proposal(p) => Input::Proposal(SignedMessage::new(p.decode().ok()?, p.signature())),
            Self::Polka(votes) => {
                let vote =
                    |vote: &Signed<Vote>| Some(SignedMessage::new(vote.decode().ok()?, vote.signature()));
                Input::PolkaCertificate(polka(votes.iter().map(vote).collect::<Option<_>>()?)?)
            }
            Self::Elapsed(timeout) => Input::TimeoutElapsed(*timeout),
            Self::Judged { round, proposer, header, valid } => {
                judged(height, *round, *proposer, *header, *valid)
            }
        })
    }

    /// What the core asks to be remembered.
    pub(super) fn of(input: Input<Context>) -> Option<Self> {
        match input {
            Input::Vote(vote) => Some(Self::Vote(signed(&vote.message, vote.message.voter, vote.signature))),
            Input::Proposal(p) => Some(Self::Proposal(signed(&p.message, p.message.proposer, p.signature))),
            Input::PolkaCertificate(polka) => Some(Self::Polka(wire(polka.votes(&Context)))),
            Input::TimeoutElapsed(timeout) => Some(Self::Elapsed(timeout)),
            Input::ProposedValue(value, _) => Some(Self::Judged {
                round: value.round.as_u32().unwrap_or(0),
                proposer: value.proposer.0,
                header: value.value.0,
                valid: value.validity.is_valid(),
            }),
            _ => None,
        }
    }
}

pub(super) fn said(message: SignedConsensusMsg<Context>) -> Speech {
    match message {
        SignedConsensusMsg::Vote(vote) => repeated(LivenessMsg::Vote(vote)),
        SignedConsensusMsg::Proposal(p) => {
            Speech::Proposal(signed(&p.message, p.message.proposer, p.signature))
        }
    }
}

/// Certificates travel as the votes they are made of, so that each is verified like any other.
pub(super) fn repeated(message: LivenessMsg<Context>) -> Speech {
    match message {
        LivenessMsg::Vote(vote) => Speech::Votes(wire([vote])),
        LivenessMsg::PolkaCertificate(polka) => Speech::Polka(wire(polka.votes(&Context))),
        LivenessMsg::SkipRoundCertificate(skip) => Speech::Skip(wire(skip.votes(&Context))),
    }
}

pub(super) fn wire(votes: impl IntoIterator<Item = SignedMessage<Context, Vote>>) -> Vec<Signed<Vote>> {
    votes.into_iter().map(|vote| signed(&vote.message, vote.message.voter, vote.signature)).collect()
}

/// The polka that votes make, if all are prevotes of one height and round for one header.
pub(super) fn polka(votes: Vec<SignedMessage<Context, Vote>>) -> Option<PolkaCertificate<Context>> {
    let first = &votes.first()?.message;
    let (height, round, NilOrVal::Val(header)) = (first.height, first.round, first.header) else {
        return None;
    };
    let count = votes.len();
    let polka = PolkaCertificate::new(height, round, header, votes);
    (polka.polka_signatures.len() == count).then_some(polka)
}

pub(super) fn decided(certificate: CommitCertificate<Context>) -> Certificate {
    let mut signatures: Vec<_> =
        certificate.commit_signatures.iter().map(|s| (s.address.0, s.signature)).collect();
    signatures.sort_unstable();
    signatures.dedup_by_key(|(signer, _)| *signer);
    Certificate {
        height: certificate.height.0,
        round: certificate.round.as_u32().unwrap_or(0),
        header: certificate.value_id.0,
        signatures,
    }
}

pub(super) fn accuse(evidence: &MisbehaviorEvidence<Context>, step: &mut Step) {
    let votes = evidence.votes.iter().flat_map(|(voter, pairs)| {
        pairs.iter().map(|(a, b)| {
            Evidence::votes(signed(&a.message, *voter, a.signature), signed(&b.message, *voter, b.signature))
        })
    });
    let proposals = evidence.proposals.iter().flat_map(|(voter, pairs)| {
        pairs.iter().map(|(a, b)| {
            Evidence::proposals(
                signed(&a.message, *voter, a.signature),
                signed(&b.message, *voter, b.signature),
            )
        })
    });
    let all: Vec<_> = votes.chain(proposals).collect();
    if !all.is_empty() {
        step.outputs.push(Output::Accuse(all));
    }
}

pub(super) fn signed<T: Payload>(value: &T, signer: Voter, signature: crypto::Signature) -> Signed<T> {
    Signed::assemble(signer.0, value, signature)
}

pub(super) fn judged(height: u64, round: u32, proposer: Hotkey, header: Hash, valid: bool) -> Input<Context> {
    let value = ProposedValue {
        height: Height(height),
        round: Round::new(round),
        valid_round: Round::Nil,
        proposer: Voter(proposer),
        value: Candidate(header),
        validity: Validity::from_bool(valid),
    };
    Input::ProposedValue(value, ValueOrigin::Consensus)
}
