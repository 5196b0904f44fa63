//! Malachite's core as a synchronous state machine: inputs in, a step out.
//!
//! Everything a step wants remembered stands in [`Step::log`] and must be on disk before any of its outputs leaves
//! the neuron. After a crash the entries of the height in progress are given back to [`Engine::start`], which derives
//! the same votes again instead of new ones.
mod hand;
#[cfg(feature = "planted-faults")]
mod planted;
mod translation;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use arc_malachitebft_core_consensus::{
    Error, Input, LocallyProposedValue, MisbehaviorEvidence, Params, State, ThresholdParams, process,
};
use arc_malachitebft_core_types::{
    LinearTimeouts, NilOrVal, Round, RoundCertificate, RoundCertificateType, SignedMessage, Timeout,
    ValuePayload, VoteType,
};
use crypto::{Hash, Hotkey, Keypair};
use serde::{Deserialize, Serialize};

use self::hand::{Hand, backed};
use self::translation::{accuse, judged, polka};
use super::context::{Candidate, Context, Height, Members, Voter};
use super::vote::{Proposal, Vote};
use super::{Evidence, ValidatorSet};
use crate::settlement::Certificate;
use crate::{Signed, Verified};

/// Heights ahead for which votes are kept until we get there.
const HEIGHTS_AHEAD: usize = 64;

/// Inputs kept for each height ahead.
const INPUTS_PER_HEIGHT: usize = 4096;

/// What is on its way to the other validators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What came in is of no use, and why.
    Refused(String),
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
    #[cfg(feature = "planted-faults")]
    ignores_locks: bool,
}

impl Engine {
    /// An engine that votes with `keypair`; call [`Engine::start`] before anything else.
    pub fn new(keypair: Keypair, genesis: Hash, set: ValidatorSet, timeouts: LinearTimeouts) -> Self {
        Self::with_thresholds(keypair, genesis, set, timeouts, ThresholdParams::default())
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
        let state =
            State::new(Context, Height(0), Members::new(set), params, HEIGHTS_AHEAD, INPUTS_PER_HEIGHT);
        Self {
            state,
            keypair,
            genesis,
            timeouts,
            #[cfg(feature = "planted-faults")]
            ignores_locks: false,
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
            inputs.into_iter().for_each(|input| self.advance(input, &mut replayed));
            self.state.reset_entries_index();
            // Replay appends what is already in the log, and rarely more.
            step.log.extend(replayed.log.into_iter().filter(|entry| !log.contains(entry)));
            step.outputs.append(&mut replayed.outputs);
        }
        step
    }

    /// Puts our draft to the vote.
    pub fn propose(&mut self, height: u64, round: u32, header: Hash) -> Step {
        let (height, round) = (Height(height), Round::new(round));
        self.step(Input::Propose(LocallyProposedValue { height, round, value: Candidate(header) }))
    }

    /// Takes in our judgement of somebody's draft, whose text must be on disk already.
    pub fn judged(&mut self, height: u64, round: u32, proposer: Hotkey, header: Hash, valid: bool) -> Step {
        self.step(judged(height, round, proposer, header, valid))
    }

    /// Takes in a vote.
    pub fn vote(&mut self, vote: Verified<Vote>) -> Step {
        self.step(Input::Vote(SignedMessage::new((*vote).clone(), vote.signed().signature())))
    }

    /// Takes in prevotes of a quorum for one header.
    pub fn polka(&mut self, votes: &[Verified<Vote>]) -> Step {
        let votes = votes.iter().map(|vote| SignedMessage::new((**vote).clone(), vote.signed().signature()));
        polka(votes.collect()).map(|polka| self.step(Input::PolkaCertificate(polka))).unwrap_or_default()
    }

    /// Takes in votes of one height and round that together may let us go to a later round.
    pub fn skip(&mut self, votes: &[Verified<Vote>]) -> Step {
        let Some(first) = votes.first() else {
            return Step::default();
        };
        let (height, round) = (first.height, first.round);
        if votes.iter().any(|vote| (vote.height, vote.round) != (height, round)) {
            return Step::default();
        }
        let precommits = votes.iter().all(|vote| vote.ballot == VoteType::Precommit);
        let voters = votes.iter().map(|vote| vote.voter);
        let quorum =
            backed(voters, self.state.validator_set(), self.state.params.threshold_params.quorum).is_ok();
        let kind =
            if precommits && quorum { RoundCertificateType::Precommit } else { RoundCertificateType::Skip };
        let votes = votes.iter().map(|vote| SignedMessage::new((**vote).clone(), vote.signed().signature()));
        self.step(Input::RoundCertificate(RoundCertificate::new_from_votes(
            height,
            round,
            kind,
            votes.collect(),
        )))
    }

    /// Takes in a proposal.
    pub fn proposal(&mut self, proposal: Verified<Proposal>) -> Step {
        self.step(Input::Proposal(SignedMessage::new((*proposal).clone(), proposal.signed().signature())))
    }

    /// Takes in that a timer ran out.
    pub fn elapsed(&mut self, timeout: Timeout) -> Step {
        self.step(Input::TimeoutElapsed(timeout))
    }

    /// The headers that more than a third of the stake voted for in one round, as far as we heard: a validator may be
    /// locked on each.
    pub fn favoured(&self) -> BTreeSet<Hash> {
        let set = &self.state.validator_set().set;
        let rounds = self.state.driver.votes().all_rounds().values();
        let favoured = rounds.flat_map(|round| {
            let mut stakes = BTreeMap::<Hash, u64>::new();
            for vote in round.received_votes().iter().map(|signed| &signed.message) {
                if let (VoteType::Prevote, NilOrVal::Val(header)) = (vote.ballot, vote.header) {
                    *stakes.entry(header.0).or_default() += set.power(&vote.voter.0).unwrap_or(0);
                }
            }
            stakes.into_iter().filter(|(_, stake)| set.has_honest(*stake)).map(|(header, _)| header)
        });
        favoured.collect()
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
        let Self { state, keypair, genesis, timeouts, .. } = self;
        let mut hand = Hand { keypair, genesis, timeouts, step };
        let done: Result<(), Error<Context>> = process!(
            input: input,
            state: state,
            metrics: &(),
            with: effect => Ok::<_, Error<Context>>(hand.carry_out(effect))
        );
        #[cfg(feature = "planted-faults")]
        self.ignore_lock();
        match done {
            Ok(()) => {}
            Err(error @ Error::ReplayDivergence(..)) => step.outputs.push(Output::Halt(error.to_string())),
            Err(error) => step.outputs.push(Output::Refused(error.to_string())),
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
