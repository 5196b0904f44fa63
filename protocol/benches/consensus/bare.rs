//! A validator that is Malachite's core and nothing else: the least types it takes, the same signatures, every check it
//! asks for.
mod context;

use arc_malachitebft_core_consensus::{
    ConsensusMsg, Effect, Error, Input, LocallyProposedValue, Params, Resumable, Resume, SignedConsensusMsg,
    State, ThresholdParams, process,
};
use arc_malachitebft_core_types::{
    CertificateError, CommitCertificate, NilOrVal, Round, SignedMessage, ValidatorSet, ValuePayload,
};
use crypto::{Hash, Hotkey, Keypair, Signature, hash};
use ed25519_dalek::VerifyingKey;
use protocol::codec::{decode, encode};
use protocol::consensus::Candidate;
use protocol::message::Topic;
use serde::{Deserialize, Serialize};

use self::context::{At, Ballot, Id, Offer, One, Plain, Set};
use super::network::{Packet, Validator};

/// Room in the core's queue of heights ahead, as ours has.
const QUEUE: (usize, usize) = (64, 4096);

/// A validator of the core's network.
pub(crate) struct Bare {
    keypair: Keypair,
    set: Set,
    state: State<Plain>,
    settled: u64,
}

/// All validators of a network.
pub(crate) fn network(keys: &[Keypair]) -> Vec<Bare> {
    let set = Set(keys.iter().map(|key| One(Id(key.hotkey()))).collect());
    keys.iter().map(|key| Bare::new(key, set.clone())).collect()
}

/// What a step leads to.
enum Output {
    Send(SignedConsensusMsg<Plain>),
    Build(At, Round),
    Decided,
}

impl Bare {
    fn new(keypair: &Keypair, set: Set) -> Self {
        let params = Params {
            address: Id(keypair.hotkey()),
            threshold_params: ThresholdParams::default(),
            value_payload: ValuePayload::ProposalOnly,
            enabled: true,
        };
        let state = State::new(Plain, At(0), set.clone(), params, QUEUE.0, QUEUE.1);
        Self { keypair: keypair.clone(), set, state, settled: 0 }
    }

    fn step(&mut self, input: Input<Plain>) -> Vec<Packet> {
        let Self { keypair, state, .. } = self;
        let mut outputs = Vec::new();
        let done: Result<(), Error<Plain>> = process!(
            input: input,
            state: state,
            metrics: &(),
            with: effect => Ok::<_, Error<Plain>>(answer(effect, keypair, &mut outputs))
        );
        done.expect("nothing is wrong here");
        outputs.into_iter().flat_map(|output| self.carry_out(output)).collect()
    }

    fn carry_out(&mut self, output: Output) -> Vec<Packet> {
        match output {
            Output::Send(message) => vec![packet(&message)],
            Output::Build(height, round) => {
                let value = Candidate(hash("neuron v1 bench", &[&height.0.to_le_bytes()]));
                self.step(Input::Propose(LocallyProposedValue { height, round, value }))
            }
            Output::Decided => {
                self.settled += 1;
                Vec::new()
            }
        }
    }
}

impl Validator for Bare {
    fn begin(&mut self) -> Vec<Packet> {
        let height = At(self.settled + 1);
        self.step(Input::StartHeight(height, self.set.clone(), false, None, Default::default()))
    }

    fn hear(&mut self, (_, bytes): &Packet) -> Vec<Packet> {
        let message: Wire = decode("message", bytes, 1024).expect("encoded by us");
        self.step(match message {
            Wire::Vote(vote, signature) => Input::Vote(SignedMessage::new(vote, signature)),
            Wire::Proposal(proposal, signature) => Input::Proposal(SignedMessage::new(proposal, signature)),
        })
    }

    fn settled(&self) -> u64 {
        self.settled
    }
}

/// Carries out what the core asks for.
fn answer(effect: Effect<Plain>, keypair: &Keypair, outputs: &mut Vec<Output>) -> Resume<Plain> {
    match effect {
        Effect::PublishConsensusMsg(message, r) => {
            outputs.push(Output::Send(message));
            r.resume_with(())
        }
        Effect::GetValue(height, round, _, r) => {
            outputs.push(Output::Build(height, round));
            r.resume_with(())
        }
        Effect::Finalize(_, _, _, r) => {
            outputs.push(Output::Decided);
            r.resume_with(())
        }
        Effect::SignVote(vote, r) => r.resume_with(sign(keypair, vote)),
        Effect::SignProposal(proposal, r) => r.resume_with(sign(keypair, proposal)),
        Effect::VerifySignature(message, key, r) => {
            let bytes = match &message.message {
                ConsensusMsg::Vote(vote) => signing_bytes(vote),
                ConsensusMsg::Proposal(proposal) => signing_bytes(proposal),
            };
            r.resume_with(is_signed(&key, bytes, &message.signature))
        }
        Effect::VerifyCommitCertificate(certificate, set, thresholds, r) => {
            r.resume_with(verify(&certificate, &set, thresholds))
        }
        Effect::CancelAllTimeouts(r) => r.resume_with(()),
        Effect::CancelTimeout(_, r) | Effect::ScheduleTimeout(_, r) => r.resume_with(()),
        Effect::WalAppend(_, _, r) => r.resume_with(()),
        Effect::Decide(_, _, r) => r.resume_with(()),
        Effect::StartRound(_, _, _, _, r) => r.resume_with(()),
        Effect::ExtendVote(_, _, _, _, r) => r.resume_with(None),
        effect => panic!("nobody is late here: {effect:?}"),
    }
}

#[expect(clippy::result_large_err, reason = "the core wants its own error")]
fn verify(
    certificate: &CommitCertificate<Plain>,
    set: &Set,
    thresholds: ThresholdParams,
) -> Result<(), CertificateError<Plain>> {
    let mut signed = 0;
    for commit in &certificate.commit_signatures {
        let vote = Ballot {
            precommit: true,
            height: certificate.height,
            round: certificate.round,
            value: NilOrVal::Val(certificate.value_id),
            voter: commit.address,
        };
        signed += u64::from(is_signed(&commit.address.0, signing_bytes(&vote), &commit.signature));
    }
    let (total, quorum) = (set.total_voting_power(), thresholds.quorum);
    match quorum.is_met(signed, total) {
        true => Ok(()),
        false => Err(CertificateError::NotEnoughVotingPower {
            signed,
            total,
            expected: quorum.min_expected(total),
        }),
    }
}

/// The strict rule by itself: ours remembers.
fn is_signed(by: &Hotkey, bytes: Hash, signature: &Signature) -> bool {
    let key = VerifyingKey::from_bytes(&by.0).expect("a key of ours");
    key.verify_strict(&bytes.0, &ed25519_dalek::Signature::from_bytes(&signature.0)).is_ok()
}

fn sign<T: Serialize>(keypair: &Keypair, message: T) -> SignedMessage<Plain, T> {
    let signature = keypair.sign(&signing_bytes(&message).0);
    SignedMessage::new(message, signature)
}

fn signing_bytes(message: &impl Serialize) -> Hash {
    hash("neuron v1 bench", &[&encode(message)])
}

fn packet(message: &SignedConsensusMsg<Plain>) -> Packet {
    let message = match message.clone() {
        SignedConsensusMsg::Vote(vote) => Wire::Vote(vote.message, vote.signature),
        SignedConsensusMsg::Proposal(proposal) => Wire::Proposal(proposal.message, proposal.signature),
    };
    (Topic::Consensus, encode(&message).into())
}

/// What travels.
#[derive(Serialize, Deserialize)]
enum Wire {
    Vote(Ballot, Signature),
    Proposal(Offer, Signature),
}
