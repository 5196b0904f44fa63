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
    /// What it serves, once it is trained.
    model: Option<Model>,
    waiting: BTreeMap<Ticket, Hash>,
    answered: BTreeMap<Hash, u64>,
}

impl Miner {
    /// A miner of one subnet, starting from the ledger it recovered.
    pub fn new(keypair: Keypair, netuid: Netuid, ledger: Ledger) -> Self {
        let genesis = ledger.genesis();
        Self {
            keypair,
            genesis,
            netuid,
            ledger,
            model: None,
            waiting: BTreeMap::new(),
            answered: BTreeMap::new(),
        }
    }

    /// Tells validators what it serves, so that they ask.
    fn announce(&self) -> Option<Effect> {
        let Model {
            hash: model,
            description,
        } = self.model.clone()?;
        let profile = Profile {
            netuid: self.netuid,
            number: self.ledger.height(),
            model,
            description,
        };
        let profile = Signed::author(&self.keypair, &self.genesis, profile);
        Some(Effect::tell(Message::Profile(profile.into_signed())))
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
        let room = self.model.is_some() && self.waiting.len() < WAITING;
        fresh && ours && room && self.ledger.has_permit(self.netuid, &question.signer())
    }

    fn inferred(&mut self, ticket: Ticket, body: &Result<Vec<u8>, String>) -> Option<Effect> {
        let question = self.waiting.remove(&ticket)?;
        let Ok(body) = body else {
            return Some(Effect::Decline(ticket));
        };
        let answer = Answer {
            question,
            body: body.clone(),
        };
        Some(Effect::Answer(
            ticket,
            Signed::author(&self.keypair, &self.genesis, answer),
        ))
    }

    fn settled(&mut self, settled: &Arc<Settled>) -> Option<Effect> {
        self.ledger = settled.ledger.clone();
        let tempo = self.ledger.hyperparameters(self.netuid)?.tempo;
        self.ledger
            .height()
            .is_multiple_of(tempo)
            .then(|| self.announce())
            .flatten()
    }

    fn forget_oldest(&mut self) {
        let oldest = self.answered.values().min().copied().unwrap_or(0);
        self.answered.retain(|_, height| *height > oldest);
    }
}

impl Role for Miner {
    fn handle(&mut self, _moment: Moment, input: &Input) -> Vec<Effect> {
        match input {
            Input::Started => vec![Effect::Train],
            Input::Trained(model) => {
                self.model = Some(model.clone());
                self.announce().into_iter().collect()
            }
            Input::Asked(ticket, question) => vec![self.asked(*ticket, question)],
            Input::Inferred(ticket, body) => self.inferred(*ticket, body).into_iter().collect(),
            Input::Settled(settled) => self.settled(settled).into_iter().collect(),
            _ => Vec::new(),
        }
    }
}
