//! Malachite's core as a synchronous state machine: inputs in, a step out.
//!
//! Everything a step wants remembered stands in [`Step::log`] and must be on disk before any of its outputs leaves
//! the neuron. After a crash the entries of the height in progress are given back to [`Engine::start`], which derives
//! the same votes again instead of new ones.
use std::time::Duration;

use arc_malachitebft_core_consensus::{
    Effect, Error, Input, LivenessMsg, LocallyProposedValue, MisbehaviorEvidence, Params, ProposedValue,
    Resumable, Resume, SignedConsensusMsg, State, ThresholdParams, process,
};
use arc_malachitebft_core_types::{
    CertificateError, CommitCertificate, LinearTimeouts, NilOrVal, PolkaCertificate, Round, RoundCertificate,
    RoundCertificateType, SignedMessage, ThresholdParam, Timeout, Validity, ValueOrigin, ValuePayload,
    VoteType,
};
use crypto::{Hash, Hotkey, Keypair};
use serde::{Deserialize, Serialize};

use super::context::{Candidate, Context, Height, Members, Voter};
use super::vote::{Proposal, Vote};
use super::{Evidence, ValidatorSet};
use crate::settlement::Certificate;
use crate::{Payload, Signed, Verified};

/// Heights ahead for which votes are kept until we get there.
const HEIGHTS_AHEAD: usize = 64;

/// Inputs kept for each height ahead.
const INPUTS_PER_HEIGHT: usize = 4096;

/// What is on its way to the other validators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Speech {
    /// A vote of ours, or votes of others that somebody may lack.
    Votes(Vec<Signed<Vote>>),
    /// Prevotes of a quorum for one header: one is free to vote for it, whatever its authors said elsewhere.
    Polka(Vec<Signed<Vote>>),
    /// Votes that together show that a round is over or under way, however far ahead of it somebody else is.
    Skip(Vec<Signed<Vote>>),
    /// A proposal of ours.
    Proposal(Signed<Proposal>),
}

/// What the engine wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Tell the other validators.
    Send(Speech),
    /// Call [`Engine::elapsed`] after a while, unless stopped.
    StartTimer(Timeout, Duration),
    /// Forget a timer.
    StopTimer(Timeout),
    /// Forget every timer.
    StopAllTimers,
    /// Draft a settlement and call [`Engine::propose`].
    Build {
        /// The round to propose in.
        round: u32,
    },
    /// Send the draft of a settlement again, for another round.
    Restream {
        /// The round it is proposed in now.
        round: u32,
        /// Which settlement.
        header: Hash,
    },
    /// More than two thirds of the stake agreed.
    Decided(Certificate),
    /// Validators that signed two things where one is allowed.
    Accuse(Vec<Evidence>),
    /// The log contradicts what we would do now: go no further.
    Halt(String),
}

/// One step's result.
#[derive(Debug, Default)]
pub struct Step {
    /// To be remembered before any output leaves.
    pub log: Vec<LogEntry>,
    /// What to do.
    pub outputs: Vec<Output>,
}

/// Something the engine took in, remembered to survive a crash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogEntry {
    /// A vote, ours or another's.
    Vote(Signed<Vote>),
    /// A proposal, ours or another's.
    Proposal(Signed<Proposal>),
    /// Prevotes of a quorum for one header.
    Polka(Vec<Signed<Vote>>),
    /// A timer that ran out.
    Elapsed(Timeout),
    /// A settlement we judged.
    Judged {
        /// The round it was proposed in.
        round: u32,
        /// Who proposed it.
        proposer: Hotkey,
        /// Which settlement.
        header: Hash,
        /// Whether it is valid.
        valid: bool,
    },
}

/// A validator's vote keeping and voting.
pub struct Engine {
    state: State<Context>,
    keypair: Keypair,
    genesis: Hash,
    timeouts: LinearTimeouts,
}

impl Engine {
    /// An engine that votes with `keypair`; call [`Engine::start`] before anything else.
    pub fn new(keypair: Keypair, genesis: Hash, set: ValidatorSet, timeouts: LinearTimeouts) -> Self {
        Self::with_thresholds(keypair, genesis, set, timeouts, ThresholdParams::default())
    }

    /// An engine that is content with half of the stake: the simulator must find it out.
    #[cfg(feature = "planted-faults")]
    pub fn with_half_quorum(
        keypair: Keypair,
        genesis: Hash,
        set: ValidatorSet,
        timeouts: LinearTimeouts,
    ) -> Self {
        let quorum = ThresholdParam::new(1, 2);
        let thresholds = ThresholdParams {
            quorum,
            ..ThresholdParams::default()
        };
        Self::with_thresholds(keypair, genesis, set, timeouts, thresholds)
    }

    fn with_thresholds(
        keypair: Keypair,
        genesis: Hash,
        set: ValidatorSet,
        timeouts: LinearTimeouts,
        threshold_params: ThresholdParams,
    ) -> Self {
        let params = Params {
            address: Voter(keypair.hotkey()),
            threshold_params,
            // Drafts travel beside proposals and are judged by us: the core must not take them for valid.
            value_payload: ValuePayload::ProposalAndParts,
            enabled: true,
        };
        // Before the first height, so that whatever comes early is kept until its height starts.
        let state = State::new(
            Context,
            Height(0),
            Members::new(set),
            params,
            HEIGHTS_AHEAD,
            INPUTS_PER_HEIGHT,
        );
        Self {
            state,
            keypair,
            genesis,
            timeouts,
        }
    }

    /// Begins a height, going again through what was logged in it before a crash.
    pub fn start(&mut self, height: u64, set: ValidatorSet, log: &[LogEntry]) -> Step {
        let mut step = Step::default();
        self.accuse_stragglers(&mut step);
        self.advance(
            Input::StartHeight(Height(height), Members::new(set), false, None, Default::default()),
            &mut step,
        );
        if !log.is_empty() {
            let inputs: Vec<_> = log.iter().filter_map(|entry| entry.to_input(height)).collect();
            self.state.index_wal_entries(&inputs);
            let mut replayed = Step::default();
            inputs
                .into_iter()
                .for_each(|input| self.advance(input, &mut replayed));
            self.state.reset_entries_index();
            // Replay appends what is already in the log: only its outputs count.
            step.outputs.append(&mut replayed.outputs);
        }
        step
    }

    /// Puts our draft to the vote.
    pub fn propose(&mut self, height: u64, round: u32, header: Hash) -> Step {
        let (height, round) = (Height(height), Round::new(round));
        self.step(Input::Propose(LocallyProposedValue {
            height,
            round,
            value: Candidate(header),
        }))
    }

    /// Takes in our judgement of somebody's draft, whose text must be on disk already.
    pub fn judged(&mut self, height: u64, round: u32, proposer: Hotkey, header: Hash, valid: bool) -> Step {
        self.step(judged(height, round, proposer, header, valid))
    }

    /// Takes in a vote.
    pub fn vote(&mut self, vote: Verified<Vote>) -> Step {
        self.step(Input::Vote(SignedMessage::new(
            (*vote).clone(),
            vote.signed().signature(),
        )))
    }

    /// Takes in prevotes of a quorum for one header.
    pub fn polka(&mut self, votes: &[Verified<Vote>]) -> Step {
        let votes = votes
            .iter()
            .map(|vote| SignedMessage::new((**vote).clone(), vote.signed().signature()));
        polka(votes.collect())
            .map(|polka| self.step(Input::PolkaCertificate(polka)))
            .unwrap_or_default()
    }

    /// Takes in votes of one height and round that together may let us go to a later round.
    pub fn skip(&mut self, votes: &[Verified<Vote>]) -> Step {
        let Some(first) = votes.first() else {
            return Step::default();
        };
        let (height, round) = (first.height, first.round);
        if votes
            .iter()
            .any(|vote| (vote.height, vote.round) != (height, round))
        {
            return Step::default();
        }
        let precommits = votes.iter().all(|vote| vote.ballot == VoteType::Precommit);
        let voters = votes.iter().map(|vote| vote.voter);
        let quorum = backed(
            voters,
            self.state.validator_set(),
            self.state.params.threshold_params.quorum,
        )
        .is_ok();
        let kind = if precommits && quorum {
            RoundCertificateType::Precommit
        } else {
            RoundCertificateType::Skip
        };
        let votes = votes
            .iter()
            .map(|vote| SignedMessage::new((**vote).clone(), vote.signed().signature()));
        self.step(Input::RoundCertificate(RoundCertificate::new_from_votes(
            height,
            round,
            kind,
            votes.collect(),
        )))
    }

    /// Takes in a proposal.
    pub fn proposal(&mut self, proposal: Verified<Proposal>) -> Step {
        self.step(Input::Proposal(SignedMessage::new(
            (*proposal).clone(),
            proposal.signed().signature(),
        )))
    }

    /// Takes in that a timer ran out.
    pub fn elapsed(&mut self, timeout: Timeout) -> Step {
        self.step(Input::TimeoutElapsed(timeout))
    }

    /// The height being decided.
    pub fn height(&self) -> u64 {
        self.state.height().0
    }

    /// The round being voted in; 0 before the first.
    pub fn round(&self) -> u32 {
        self.state.round().as_u32().unwrap_or(0)
    }

    fn step(&mut self, input: Input<Context>) -> Step {
        let mut step = Step::default();
        self.advance(input, &mut step);
        step
    }

    fn advance(&mut self, input: Input<Context>, step: &mut Step) {
        let Self {
            state,
            keypair,
            genesis,
            timeouts,
        } = self;
        let mut hand = Hand {
            keypair,
            genesis,
            timeouts,
            step,
        };
        let done: Result<(), Error<Context>> = process!(
            input: input,
            state: state,
            metrics: &(),
            with: effect => Ok::<_, Error<Context>>(hand.carry_out(effect))
        );
        if let Err(error @ Error::ReplayDivergence(..)) = done {
            step.outputs.push(Output::Halt(error.to_string()));
        }
    }

    /// Votes that came in after the decision can still show misbehaviour.
    fn accuse_stragglers(&mut self, step: &mut Step) {
        let late = MisbehaviorEvidence {
            votes: self.state.driver.take_vote_evidence(),
            proposals: self.state.driver.take_proposal_evidence(),
        };
        accuse(&late, step);
    }
}

impl LogEntry {
    /// `None` for an entry that no engine wrote.
    fn to_input(&self, height: u64) -> Option<Input<Context>> {
        Some(match self {
            Self::Vote(vote) => Input::Vote(SignedMessage::new(vote.decode().ok()?, vote.signature())),
            Self::Proposal(p) => Input::Proposal(SignedMessage::new(p.decode().ok()?, p.signature())),
            Self::Polka(votes) => {
                let vote =
                    |vote: &Signed<Vote>| Some(SignedMessage::new(vote.decode().ok()?, vote.signature()));
                Input::PolkaCertificate(polka(votes.iter().map(vote).collect::<Option<_>>()?)?)
            }
            Self::Elapsed(timeout) => Input::TimeoutElapsed(*timeout),
            Self::Judged {
                round,
                proposer,
                header,
                valid,
            } => judged(height, *round, *proposer, *header, *valid),
        })
    }

    /// What the core asks to be remembered.
    fn of(input: Input<Context>) -> Option<Self> {
        match input {
            Input::Vote(vote) => Some(Self::Vote(signed(
                &vote.message,
                vote.message.voter,
                vote.signature,
            ))),
            Input::Proposal(p) => Some(Self::Proposal(signed(
                &p.message,
                p.message.proposer,
                p.signature,
            ))),
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

/// Carries out what the core asks for while it takes a step.
struct Hand<'a> {
    keypair: &'a Keypair,
    genesis: &'a Hash,
    timeouts: &'a LinearTimeouts,
    step: &'a mut Step,
}

impl Hand<'_> {
    fn carry_out(&mut self, effect: Effect<Context>) -> Resume<Context> {
        match effect {
            Effect::CancelAllTimeouts(r) => self.output(Output::StopAllTimers, r),
            Effect::CancelTimeout(timeout, r) => self.output(Output::StopTimer(timeout), r),
            Effect::ScheduleTimeout(timeout, r) => self.start_timer(timeout, r),
            Effect::PublishConsensusMsg(message, r) => self.send(said(message), r),
            Effect::PublishLivenessMsg(message, r) => self.send(repeated(message), r),
            Effect::RepublishVote(vote, r) => self.send(repeated(LivenessMsg::Vote(vote)), r),
            Effect::RepublishRoundCertificate(c, r) => {
                self.send(repeated(LivenessMsg::SkipRoundCertificate(c)), r)
            }
            Effect::GetValue(_, round, _, r) => self.output(
                Output::Build {
                    round: round.as_u32().unwrap_or(0),
                },
                r,
            ),
            Effect::RestreamProposal(_, round, _, _, header, r) => self.output(
                Output::Restream {
                    round: round.as_u32().unwrap_or(0),
                    header: header.0,
                },
                r,
            ),
            Effect::SignVote(vote, r) => r.resume_with(self.sign(vote)),
            Effect::SignProposal(proposal, r) => r.resume_with(self.sign(proposal)),
            // Only `Verified` messages and our own log come in: the type has proven the signature.
            Effect::VerifySignature(_, _, r) => r.resume_with(true),
            Effect::WalAppend(_, input, r) => {
                self.step.log.extend(LogEntry::of(input));
                r.resume_with(())
            }
            Effect::Finalize(certificate, _, evidence, r) => {
                accuse(&evidence, self.step);
                self.output(Output::Decided(decided(certificate)), r)
            }
            Effect::Decide(_, _, r) | Effect::StartRound(_, _, _, _, r) => r.resume_with(()),
            // The core looks again at what it made of verified votes; we check the whole on entering the ledger.
            Effect::VerifyCommitCertificate(_, _, _, r)
            | Effect::VerifyExtendedCommitCertificate(_, _, _, _, r) => r.resume_with(Ok(())),
            Effect::VerifyPolkaCertificate(polka, set, thresholds, r) => {
                let voters = polka.polka_signatures.iter().map(|s| s.address);
                r.resume_with(backed(voters, &set, thresholds.quorum))
            }
            Effect::VerifyRoundCertificate(skip, set, thresholds, r) => {
                let threshold = match skip.cert_type {
                    RoundCertificateType::Precommit => thresholds.quorum,
                    RoundCertificateType::Skip => thresholds.honest,
                };
                r.resume_with(backed(
                    skip.round_signatures.iter().map(|s| s.address),
                    &set,
                    threshold,
                ))
            }
            // Late neurons catch up outside, extensions are off.
            Effect::CertVerifiedSyncValue(_, _, r) | Effect::CertRejectedSyncValue(_, _, _, r) => {
                r.resume_with(())
            }
            Effect::ExtendVote(_, _, _, _, r) => r.resume_with(None),
            Effect::VerifyVoteExtension(_, _, _, _, _, _, r) => r.resume_with(Ok(())),
        }
    }

    fn output<R: Resumable<Context, Value = ()>>(&mut self, output: Output, resume: R) -> Resume<Context> {
        self.step.outputs.push(output);
        resume.resume_with(())
    }

    fn send<R: Resumable<Context, Value = ()>>(&mut self, speech: Speech, resume: R) -> Resume<Context> {
        self.output(Output::Send(speech), resume)
    }

    fn start_timer<R: Resumable<Context, Value = ()>>(
        &mut self,
        timeout: Timeout,
        resume: R,
    ) -> Resume<Context> {
        self.output(
            Output::StartTimer(timeout, self.timeouts.duration_for(timeout)),
            resume,
        )
    }

    fn sign<T: Payload + Clone>(&self, value: T) -> SignedMessage<Context, T> {
        let signature = Signed::author(self.keypair, self.genesis, value.clone())
            .signed()
            .signature();
        SignedMessage::new(value, signature)
    }
}

fn said(message: SignedConsensusMsg<Context>) -> Speech {
    match message {
        SignedConsensusMsg::Vote(vote) => repeated(LivenessMsg::Vote(vote)),
        SignedConsensusMsg::Proposal(p) => {
            Speech::Proposal(signed(&p.message, p.message.proposer, p.signature))
        }
    }
}

/// Certificates travel as the votes they are made of, so that each is verified like any other.
fn repeated(message: LivenessMsg<Context>) -> Speech {
    match message {
        LivenessMsg::Vote(vote) => Speech::Votes(wire([vote])),
        LivenessMsg::PolkaCertificate(polka) => Speech::Polka(wire(polka.votes(&Context))),
        LivenessMsg::SkipRoundCertificate(skip) => Speech::Skip(wire(skip.votes(&Context))),
    }
}

fn wire(votes: impl IntoIterator<Item = SignedMessage<Context, Vote>>) -> Vec<Signed<Vote>> {
    votes
        .into_iter()
        .map(|vote| signed(&vote.message, vote.message.voter, vote.signature))
        .collect()
}

/// The polka that votes make, if all are prevotes of one height and round for one header.
fn polka(votes: Vec<SignedMessage<Context, Vote>>) -> Option<PolkaCertificate<Context>> {
    let first = &votes.first()?.message;
    let (height, round, NilOrVal::Val(header)) = (first.height, first.round, first.header) else {
        return None;
    };
    let count = votes.len();
    let polka = PolkaCertificate::new(height, round, header, votes);
    (polka.polka_signatures.len() == count).then_some(polka)
}

/// Whether enough stake stands behind a certificate, each member's once; its signatures are proven by type.
#[expect(clippy::result_large_err, reason = "the core wants its own error")]
fn backed(
    voters: impl Iterator<Item = Voter>,
    members: &Members,
    threshold: ThresholdParam,
) -> Result<(), CertificateError<Context>> {
    let mut voters: Vec<_> = voters.collect();
    voters.sort_unstable();
    if let Some(twice) = voters.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(CertificateError::DuplicateVote(twice[0]));
    }
    let powers: Option<Vec<_>> = voters.iter().map(|voter| members.set.power(&voter.0)).collect();
    let signed = powers
        .unwrap_or_default()
        .into_iter()
        .fold(0, u64::saturating_add);
    let total = members.set.total();
    if threshold.is_met(signed, total) {
        Ok(())
    } else {
        let expected = threshold.min_expected(total);
        Err(CertificateError::NotEnoughVotingPower {
            signed,
            total,
            expected,
        })
    }
}

fn decided(certificate: CommitCertificate<Context>) -> Certificate {
    let mut signatures: Vec<_> = certificate
        .commit_signatures
        .iter()
        .map(|s| (s.address.0, s.signature))
        .collect();
    signatures.sort_unstable();
    signatures.dedup_by_key(|(signer, _)| *signer);
    Certificate {
        height: certificate.height.0,
        round: certificate.round.as_u32().unwrap_or(0),
        header: certificate.value_id.0,
        signatures,
    }
}

fn accuse(evidence: &MisbehaviorEvidence<Context>, step: &mut Step) {
    let votes = evidence.votes.iter().flat_map(|(voter, pairs)| {
        pairs.iter().map(|(a, b)| {
            Evidence::Votes(Box::new((
                signed(&a.message, *voter, a.signature),
                signed(&b.message, *voter, b.signature),
            )))
        })
    });
    let proposals = evidence.proposals.iter().flat_map(|(voter, pairs)| {
        pairs.iter().map(|(a, b)| {
            Evidence::Proposals(Box::new((
                signed(&a.message, *voter, a.signature),
                signed(&b.message, *voter, b.signature),
            )))
        })
    });
    let all: Vec<_> = votes.chain(proposals).collect();
    if !all.is_empty() {
        step.outputs.push(Output::Accuse(all));
    }
}

fn signed<T: Payload>(value: &T, signer: Voter, signature: crypto::Signature) -> Signed<T> {
    Signed::assemble(signer.0, value, signature)
}

fn judged(height: u64, round: u32, proposer: Hotkey, header: Hash, valid: bool) -> Input<Context> {
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
