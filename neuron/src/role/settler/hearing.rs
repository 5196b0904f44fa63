//! What others say, and whether it counts here.
use crypto::Hotkey;
use protocol::Verified;
use protocol::consensus::vote::Vote;
use protocol::ledger::Ledger;
use protocol::message::{Attestation, Heard};
use protocol::transaction::Coldkey;

use super::Settler;
use crate::role::{Effect, Moment};

impl Settler {
    pub(super) fn told(&mut self, moment: Moment, heard: &Heard) -> Vec<Effect> {
        if let Some(height) = heard.height() {
            self.notice(heard, height);
        }
        match heard {
            Heard::Votes(votes) => votes.iter().flat_map(|vote| self.voted(moment, vote)).collect(),
            Heard::Polka(votes) if self.is_ahead(votes) => {
                let step = self.engine.polka(votes);
                self.follow(moment, Vec::new(), step)
            }
            Heard::Skip(votes) if self.is_ahead(votes) => {
                let step = self.engine.skip(votes);
                self.follow(moment, Vec::new(), step)
            }
            Heard::Proposal(proposal)
                if proposal.height() > self.ledger.height() && self.has_say(&proposal.signer()) =>
            {
                let step = self.engine.proposal(proposal.clone());
                self.follow(moment, Vec::new(), step)
            }
            Heard::Polka(_) | Heard::Skip(_) | Heard::Proposal(_) => Vec::new(),
            Heard::Draft(draft) => self.drafted(moment, draft),
            Heard::Settled(certified) => self.enter(moment, (**certified).clone()),
            Heard::Attestation(attestation) => self.vouch(attestation).into_iter().collect(),
            inputs => {
                if self.is_welcome(inputs) {
                    self.pool.keep(self.ledger.height(), inputs);
                }
                Vec::new()
            }
        }
    }

    /// Room is kept for those who may vote and those who can pay, or free keys would take it all.
    fn is_welcome(&self, heard: &Heard) -> bool {
        match heard {
            Heard::Commit(commit) => self.ledger.has_permit(commit.netuid, &commit.signer()),
            Heard::Reveal(reveal) => self.ledger.has_permit(reveal.netuid, &reveal.signer()),
            Heard::Transaction(order) => {
                let account = Coldkey(order.signer());
                let fee = self.ledger.fee(order.signed().size());
                order.nonce >= self.ledger.nonce(&account) && self.ledger.balance(&account) >= fee
            }
            _ => false,
        }
    }

    fn is_ahead(&self, votes: &[Verified<Vote>]) -> bool {
        votes.iter().all(|vote| vote.height() > self.ledger.height() && self.has_say(&vote.signer()))
    }

    /// Votes on what is settled must not reach the log of the next height.
    fn voted(&mut self, moment: Moment, vote: &Verified<Vote>) -> Vec<Effect> {
        if vote.height() <= self.ledger.height() {
            self.attend(vote);
            return Vec::new();
        }
        if !self.has_say(&vote.signer()) {
            return Vec::new();
        }
        let step = self.engine.vote(vote.clone());
        self.follow(moment, Vec::new(), step)
    }

    /// A certificate is made of the first precommits; the next proposer also shows who came a little later, or the
    /// slower ones would lose dividends for nothing.
    fn attend(&mut self, vote: &Verified<Vote>) {
        if let Some(tip) = &mut self.tip
            && self.ledger.previous_validators().power(&vote.signer()).is_some()
        {
            tip.certificate.add(vote);
        }
    }

    /// Whether a hotkey settles. Nobody else's word is kept, or strangers could fill what is kept for later heights.
    pub(super) fn has_say(&self, hotkey: &Hotkey) -> bool {
        self.ledger.validators().power(hotkey).is_some()
    }

    fn vouch(&self, attestation: &Attestation) -> Option<Effect> {
        let root = self.roots.get(&attestation.height)?;
        let (hotkey, stake) = Ledger::stake_in_leaf(&attestation.leaf)?;
        attestation.proof.verify(root, &attestation.leaf).then_some(Effect::Vouch(hotkey, stake))
    }
}
