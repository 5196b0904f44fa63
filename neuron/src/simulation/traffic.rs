//! Messages between the nodes of the simulated network, on their way: what is told, asked and answered.
use crypto::{Hash, Hotkey};
use protocol::message::{Heard, Message, Topic};

use super::node::Node;
use super::{Ask, BEGINNING, Event, PATIENCE_MS, Simulation};
use crate::role::{Input, Reply, Ticket};

impl Simulation {
    /// Tells everyone; what may be settled is told to the node itself too, which no gossip brings it.
    pub(super) fn tell(&mut self, from: usize, message: Message) -> Option<Input> {
        let topic = message.topic();
        let Ok(heard) = message.verify(&self.genesis) else {
            let reason = "told a message that does not verify".to_owned();
            self.record.halted(from, self.nodes[from].hotkey(), reason);
            return None;
        };
        for to in 0..self.nodes.len() {
            let listens = Topic::FOLLOWING.contains(&topic) || self.nodes[to].is_validator();
            if to != from && listens {
                self.send(from, to, Input::Told(Heard::clone(&heard)));
            }
        }
        (topic == Topic::Inputs).then_some(Input::Told(heard))
    }

    /// Puts an input on its way: once, twice, late, or never.
    fn send(&mut self, from: usize, to: usize, input: Input) {
        let copies = self.plan.faults.copies(&mut self.rng, self.now - BEGINNING, from, to);
        for _ in 0..copies {
            let delay = self.plan.faults.delay(&mut self.rng, self.now - BEGINNING);
            let life = self.nodes[to].life();
            self.at(self.now + delay, to, Event::Hear { life, input: Box::new(input.clone()) });
        }
    }

    pub(super) fn request(&mut self, from: usize, hotkey: Hotkey, input: Input) {
        if let Some(to) = self.nodes.iter().position(|node| node.hotkey() == hotkey) {
            self.send(from, to, input);
        }
    }

    pub(super) fn ask(&mut self, asker: usize, question: Option<Hash>) -> Ticket {
        let ticket = Ticket(self.sequence + 1);
        self.at(self.now + PATIENCE_MS, asker, Event::GiveUp(ticket));
        self.asks.insert(ticket, Ask { asker, life: self.nodes[asker].life(), question });
        ticket
    }

    pub(super) fn reply(&mut self, from: usize, ticket: Ticket, input: impl FnOnce(Option<Hash>) -> Input) {
        if let Some(ask) = self.asks.remove(&ticket) {
            self.send(from, ask.asker, input(ask.question));
        }
    }

    pub(super) fn no_answer(&mut self, ticket: Ticket) {
        let Some(Ask { asker, life, question }) = self.asks.remove(&ticket) else {
            return;
        };
        let input = match question {
            Some(question) => Input::Answered(Reply { question, answer: None }),
            None => Input::Fetched(Vec::new()),
        };
        self.at(self.now, asker, Event::Hear { life, input: Box::new(input) });
    }

    pub(super) fn soon(&mut self, node: usize, wait: u64, input: impl FnOnce(&mut Node) -> Input) {
        let input = Box::new(input(&mut self.nodes[node]));
        let life = self.nodes[node].life();
        self.at(self.now + wait, node, Event::Hear { life, input });
    }
}
