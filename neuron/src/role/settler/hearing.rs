//! What others say, and whether it counts here.
use crypto::Hotkey;
use protocol::Verified;
use protocol::consensus::vote::Vote;
use protocol::message::{Attestation, Heard};
use protocol::telling::Words;

use super::Settler;
use crate::role::pool::is_welcome;
use crate::role::{Effect, Moment};

/// Votes and proposals of one author taken in for a height that is not begun: those of some rounds, told several times.
const FORETOLD: u16 = 24;

impl Settler {
    pub(super) fn told(&mut self, moment: Moment, heard: &Heard) -> Vec<Effect> {
        if let Some(height) = heard.height() {
            self.notice(heard, height);
        }
        match heard {
            Heard::Telling(words) => self.spoken(moment, words),
            Heard::Draft(draft) => self.drafted(moment, draft),
            Heard::Settled(certified) => self.settled(moment, certified),
            Heard::Attestation(attestation) => self.vouch(attestation).into_iter().collect(),
            // Of no use to a ledger.
            Heard::Profile(_) => Vec::new(),
            input => {
                if is_welcome(&self.head.ledger, input) {
                    self.pool.keep(self.head.ledger.height(), input);
                }
                Vec::new()
            }
        }
    }

    fn spoken(&mut self, moment: Moment, words: &Words) -> Vec<Effect> {
        if let Words::Votes(votes) = words {
            return votes.iter().flat_map(|vote| self.voted(moment, vote)).collect();
        }
        let ahead = words.height() > self.head.ledger.height();
        if !ahead || !words.authors().iter().all(|author| self.has_say(author)) {
            return Vec::new();
        }
        let now = words.height() == self.engine.height();
        let step = match words {
            Words::Polka(votes) if now => self.engine.polka(votes),
            Words::Skip(votes) if now => self.engine.skip(votes),
            Words::Proposal(proposal) if self.may_foretell(words.height(), proposal.signer()) => {
                self.engine.proposal((**proposal).clone())
            }
            _ => return Vec::new(),
        };
        self.follow(moment, Vec::new(), step)
    }

    /// Votes on what is settled must not reach the log of the next height.
    fn voted(&mut self, moment: Moment, vote: &Verified<Vote>) -> Vec<Effect> {
        if vote.height() <= self.head.ledger.height() {
            self.attend(vote);
            return Vec::new();
        }
        if !self.has_say(&vote.signer()) || !self.may_foretell(vote.height(), vote.signer()) {
            return Vec::new();
        }
        if vote.height() == self.head.ledger.height() + 1 {
            self.watch.heard(vote.signer(), vote);
        }
        let step = self.engine.vote(vote.clone());
        self.follow(moment, Vec::new(), step)
    }

    /// What comes before its height is begun waits in the core, which keeps so much and no more: nobody may fill it.
    fn may_foretell(&mut self, height: u64, author: Hotkey) -> bool {
        if height <= self.engine.height() {
            return true;
        }
        let told = self.foretold.entry((height, author)).or_default();
        *told += 1;
        *told <= FORETOLD
    }

    /// A certificate is made of the first precommits; the next proposer also shows who came a little later, or the
    /// slower ones would lose dividends for nothing.
    fn attend(&mut self, vote: &Verified<Vote>) {
        if let Some(tip) = &mut self.head.tip
            && self.head.ledger.previous_validators().power(&vote.signer()).is_some()
        {
            tip.certificate.add(vote);
        }
    }

    /// Whether a hotkey settles. Nobody else's word is kept, or strangers could fill what is kept for later heights.
    pub(super) fn has_say(&self, hotkey: &Hotkey) -> bool {
        self.head.ledger.validators().power(hotkey).is_some()
    }

    fn vouch(&self, attestation: &Attestation) -> Option<Effect> {
        let (hotkey, stake) = attestation.stake(self.roots.get(&attestation.height)?)?;
        Some(Effect::Vouch(hotkey, stake))
    }
}
