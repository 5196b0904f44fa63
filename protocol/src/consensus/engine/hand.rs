//! Carries out what the core asks for while it takes a step.
use arc_malachitebft_core_consensus::{Effect, LivenessMsg, Resumable, Resume};
use arc_malachitebft_core_types::{
    CertificateError, LinearTimeouts, RoundCertificateType, SignedMessage, ThresholdParam, Timeout,
};
use crypto::{Hash, Keypair};

use super::translation::{accuse, decided, repeated, said};
use super::{LogEntry, Output, Speech, Step};
use crate::consensus::context::{Context, Members, Voter};
use crate::{Payload, Signed};

/// Ours to the core: what it needs to sign, to wait and to write.
pub(super) struct Hand<'a> {
    pub(super) keypair: &'a Keypair,
    pub(super) genesis: &'a Hash,
    pub(super) timeouts: &'a LinearTimeouts,
    pub(super) step: &'a mut Step,
}

impl Hand<'_> {
    pub(super) fn carry_out(&mut self, effect: Effect<Context>) -> Resume<Context> {
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
            Effect::GetValue(_, round, _, r) => {
                self.output(Output::Build { round: round.as_u32().unwrap_or(0) }, r)
            }
            Effect::RestreamProposal(_, round, _, _, header, r) => {
                self.output(Output::Restream { round: round.as_u32().unwrap_or(0), header: header.0 }, r)
            }
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
                r.resume_with(backed(skip.round_signatures.iter().map(|s| s.address), &set, threshold))
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
        self.output(Output::StartTimer(timeout, self.timeouts.duration_for(timeout)), resume)
    }

    fn sign<T: Payload + Clone>(&self, value: T) -> SignedMessage<Context, T> {
        let signature = Signed::author(self.keypair, self.genesis, value.clone()).signed().signature();
        SignedMessage::new(value, signature)
    }
}

/// Whether enough stake stands behind a certificate, each member's once; its signatures are proven by type.
#[expect(clippy::result_large_err, reason = "the core wants its own error")]
pub(super) fn backed(
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
    let signed = powers.unwrap_or_default().into_iter().fold(0, u64::saturating_add);
    let total = members.set.total();
    if threshold.is_met(signed, total) {
        Ok(())
    } else {
        let expected = threshold.min_expected(total);
        Err(CertificateError::NotEnoughVotingPower { signed, total, expected })
    }
}
