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

/// Questions remembered while they are fresh, so that a replayed one is not answered twice; when full, new ones are
/// declined.
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
        let Model { hash: model, description } = self.model.clone()?;
        let profile = Profile { netuid: self.netuid, number: self.ledger.height(), model, description };
        let profile = Signed::author(&self.keypair, &self.genesis, profile);
        Some(Effect::tell(Message::Profile(profile.into_signed())))
    }

    fn asked(&mut self, ticket: Ticket, question: &Verified<Question>) -> Effect {
        if let Some(reason) = self.objection(question) {
            return Effect::Decline(ticket, reason);
        }
        let id = question.id();
        self.answered.insert(id, question.height);
        self.waiting.insert(ticket, id);
        Effect::Infer(ticket, question.body.clone())
    }

    /// Only validators of our subnet are served, and only fresh questions put to us, once each.
    fn objection(&self, question: &Verified<Question>) -> Option<&'static str> {
        let ours = question.netuid == self.netuid && question.miner == self.keypair.hotkey();
        let full = self.waiting.len() >= WAITING || self.answered.len() >= REMEMBERED;
        let objections = [
            (!ours, "not_ours"),
            (!self.ledger.may_vote(self.netuid, &question.signer()), "no_permit"),
            (question.height.abs_diff(self.ledger.height()) > QUESTION_AGE, "stale"),
            (self.answered.contains_key(&question.id()), "replayed"),
            (full || self.model.is_none(), "busy"),
        ];
        objections.into_iter().find(|(objects, _)| *objects).map(|(_, reason)| reason)
    }

    fn inferred(&mut self, ticket: Ticket, body: &Result<Vec<u8>, String>) -> Option<Effect> {
        let question = self.waiting.remove(&ticket)?;
        let Ok(body) = body else {
            return Some(Effect::Decline(ticket, "busy"));
        };
        let answer = Answer { question, body: body.clone() };
        Some(Effect::Answer(ticket, Signed::author(&self.keypair, &self.genesis, answer)))
    }

    fn settled(&mut self, settled: &Arc<Settled>) -> Option<Effect> {
        self.ledger = settled.ledger.clone();
        let height = self.ledger.height();
        self.answered.retain(|_, asked| asked.abs_diff(height) <= QUESTION_AGE);
        let begins = self.ledger.present_epoch(self.netuid)?.settled(height) == 0;
        begins.then(|| self.announce()).flatten()
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

#[cfg(test)]
mod tests;
