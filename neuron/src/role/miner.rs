//! Answers what validators ask.
use std::collections::BTreeMap;
use std::sync::Arc;

use crypto::{Hash, Keypair};
use protocol::announcement::Profile;
use protocol::ledger::Ledger;
use protocol::message::Message;
use protocol::query::{Answer, Question};
use protocol::subnet::Netuid;
use protocol::{Signed, Verified};

use super::{Effect, Input, Model, Moment, Role, Settled, Ticket};

/// Questions that may wait for the model; when full, new ones are declined.
const WAITING: usize = 64;

/// Questions remembered so that a replayed one is not answered twice.
const REMEMBERED: usize = 4096;

/// How many heights old a question may be.
const QUESTION_AGE: u64 = 8;

/// Answers what validators ask.
pub struct Miner {
    keypair: Keypair,
    genesis: Hash,
    netuid: Netuid,
    ledger: Ledger,
    ready: bool,
    waiting: BTreeMap<Ticket, Hash>,
    answered: BTreeMap<Hash, u64>,
}

impl Miner {
    /// A miner of one subnet, starting from the ledger it recovered.
    pub fn new(keypair: Keypair, netuid: Netuid, ledger: Ledger) -> Self {
        let genesis = ledger.genesis();
        Self { keypair, genesis, netuid, ledger, ready: false, waiting: BTreeMap::new(), answered: BTreeMap::new() }
    }

    fn announce(&mut self, moment: Moment, model: &Model) -> Vec<Effect> {
        self.ready = true;
        let (hash, description) = (model.hash, model.description.clone());
        let profile = Profile { netuid: self.netuid, number: moment.now, model: hash, description };
        let profile = Signed::author(&self.keypair, &self.genesis, profile);
        vec![Effect::tell(Message::Profile(profile.into_signed()))]
    }

    fn asked(&mut self, ticket: Ticket, question: &Verified<Question>) -> Effect {
        let id = question.id();
        if !self.accepts(question) || self.answered.insert(id, question.height).is_some() {
            return Effect::Decline(ticket);
        }
        if self.answered.len() > REMEMBERED {
            self.forget_oldest();
        }
        self.waiting.insert(ticket, id);
        Effect::Infer(ticket, question.body.clone())
    }

    /// Only validators of our subnet are served, and only fresh questions put to us.
    fn accepts(&self, question: &Verified<Question>) -> bool {
        let fresh = question.height.abs_diff(self.ledger.height()) <= QUESTION_AGE;
        let ours = question.netuid == self.netuid && question.miner == self.keypair.hotkey();
        let room = self.ready && self.waiting.len() < WAITING;
        fresh && ours && room && self.ledger.has_permit(self.netuid, &question.signer())
    }

    fn inferred(&mut self, ticket: Ticket, body: &Result<Vec<u8>, String>) -> Option<Effect> {
        let question = self.waiting.remove(&ticket)?;
        let Ok(body) = body else { return Some(Effect::Decline(ticket)) };
        let answer = Answer { question, body: body.clone() };
        Some(Effect::Answer(ticket, Signed::author(&self.keypair, &self.genesis, answer)))
    }

    fn settled(&mut self, settled: &Arc<Settled>) {
        self.ledger = settled.ledger.clone();
    }

    fn forget_oldest(&mut self) {
        let oldest = self.answered.values().min().copied().unwrap_or(0);
        self.answered.retain(|_, height| *height > oldest);
    }
}

impl Role for Miner {
    fn handle(&mut self, moment: Moment, input: &Input) -> Vec<Effect> {
        match input {
            Input::Started => vec![Effect::Train],
            Input::Trained(model) => self.announce(moment, model),
            Input::Asked(ticket, question) => vec![self.asked(*ticket, question)],
            Input::Inferred(ticket, body) => self.inferred(*ticket, body).into_iter().collect(),
            Input::Settled(settled) => {
                self.settled(settled);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }
}
