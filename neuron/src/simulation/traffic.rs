//! Messages between the nodes of the simulated network, on their way: what is told, asked and answered.
use crypto::{Hash, Hotkey};
use protocol::Verified;
use protocol::message::{Heard, Message, Topic};
use protocol::query::Answer;
use rand::seq::IndexedRandom;

use super::node::Node;
use super::{BEGINNING, Event, PATIENCE_MS, Simulation};
use crate::role::{Delivery, Input, Range, Reply, Source, Ticket};

/// A request on its way.
pub(super) struct Ask {
    asker: usize,
    life: u64,
    wish: Wish,
}

/// What was asked for.
#[derive(Clone, Copy)]
pub(super) enum Wish {
    /// An answer to the question of this id.
    Answer(Hash),
    /// This peer's settlements from a height on.
    Settlements(Hotkey, u64),
}

impl Wish {
    pub(super) fn answered(self, answer: Verified<Answer>) -> Input {
        match self {
            Self::Answer(question) => Input::Answered(Reply { question, answer: Some(answer) }),
            Self::Settlements(..) => {
                self.delivered(Delivery::Malformed("an answer to no question".to_owned()))
            }
        }
    }

    pub(super) fn delivered(self, delivery: Delivery) -> Input {
        match self {
            Self::Answer(question) => Input::Answered(Reply { question, answer: None }),
            Self::Settlements(peer, first) => Input::Fetched(Range { peer: Some(peer), first, delivery }),
        }
    }
}

impl Simulation {
    /// Tells everyone; what may be settled is told to the node itself too, which no gossip brings it.
    pub(super) fn tell(&mut self, from: usize, message: Message) -> Option<Input> {
        let topic = message.topic();
        let Ok(heard) = message.verify(&self.genesis) else {
            let reason = "told a message that does not verify".to_owned();
            self.record.halted(from, self.nodes[from].hotkey(), reason);
            return None;
        };
        self.hide(from, &heard);
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
        if self.hides(from, to, &input) {
            return;
        }
        let copies = self.plan.faults.copies(&mut self.rng, self.now - BEGINNING, from, to);
        for _ in 0..copies {
            let delay = self.plan.faults.delay(&mut self.rng, self.now - BEGINNING);
            let life = self.nodes[to].life();
            self.at(self.now + delay, to, Event::Hear { life, input: Box::new(input.clone()) });
        }
    }

    pub(super) fn fetch(&mut self, node: usize, source: &Source, first: u64) {
        let peer = match source {
            Source::Peer(peer) => Some(*peer),
            Source::AnyoneBut(avoided) => {
                let others = self.nodes.iter().map(Node::hotkey);
                let others: Vec<_> = others.filter(|other| !avoided.contains(other)).collect();
                others.choose(&mut self.rng).copied()
            }
        };
        if let Some(peer) = peer {
            let ticket = self.ask(node, Wish::Settlements(peer, first));
            self.request(node, peer, Input::Wanted(ticket, first));
        }
    }

    pub(super) fn request(&mut self, from: usize, hotkey: Hotkey, input: Input) {
        if let Some(to) = self.nodes.iter().position(|node| node.hotkey() == hotkey) {
            self.send(from, to, input);
        }
    }

    pub(super) fn ask(&mut self, asker: usize, wish: Wish) -> Ticket {
        let ticket = Ticket(self.sequence + 1);
        self.at(self.now + PATIENCE_MS, asker, Event::GiveUp(ticket));
        self.asks.insert(ticket, Ask { asker, life: self.nodes[asker].life(), wish });
        ticket
    }

    pub(super) fn reply(&mut self, from: usize, ticket: Ticket, input: impl FnOnce(Wish) -> Input) {
        if let Some(ask) = self.asks.remove(&ticket) {
            self.send(from, ask.asker, input(ask.wish));
        }
    }

    pub(super) fn no_answer(&mut self, ticket: Ticket) {
        if let Some(Ask { asker, life, wish }) = self.asks.remove(&ticket) {
            let input = Box::new(wish.delivered(Delivery::Nothing));
            self.at(self.now, asker, Event::Hear { life, input });
        }
    }

    pub(super) fn soon(&mut self, node: usize, wait: u64, input: impl FnOnce(&mut Node) -> Input) {
        let input = Box::new(input(&mut self.nodes[node]));
        let life = self.nodes[node].life();
        self.at(self.now + wait, node, Event::Hear { life, input });
    }
}
