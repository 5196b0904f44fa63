//! Messages between the nodes of the simulated network, on their way: what is told, asked and answered.
use std::sync::Arc;

use crypto::{Hash, Hotkey};
use protocol::Verified;
use protocol::message::{Heard, Message, Topic};
use protocol::query::Answer;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};

use super::node::Node;
use super::{BEGINNING, Event, PATIENCE_MS, Simulation};
use crate::role::{Delivery, Input, Range, Reply, Source, Ticket};

/// What a message has that is not large, in bytes.
const SMALL: usize = 256;

/// An input on its way, to one or to many.
struct Parcel {
    input: Arc<Input>,
    /// In bytes, as far as it counts.
    size: usize,
}

impl Parcel {
    fn of(input: Input) -> Self {
        Self { size: size(&input), input: Arc::new(input) }
    }
}

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
    pub(super) fn tell(&mut self, from: usize, message: Message) -> Option<Arc<Input>> {
        let topic = message.topic();
        self.log_message(from, "tell", &message, Value::Null);
        let Ok(heard) = message.verify(&self.genesis) else {
            if self.stage.is_some() {
                self.refuse(from, "signature");
                return None;
            }
            let reason = "told a message that does not verify".to_owned();
            self.record.halted(from, self.nodes[from].hotkey(), reason);
            return None;
        };
        self.hide(from, &heard);
        let parcel = Parcel::of(Input::Told(heard));
        for to in 0..self.nodes.len() {
            let listens = Topic::FOLLOWING.contains(&topic) || self.nodes[to].is_validator();
            if to != from && listens {
                self.send(from, to, &parcel);
            }
        }
        (topic == Topic::Inputs).then_some(parcel.input)
    }

    /// Tells some alone. They are honest enough to pass it on, so that the others hear it a hop later.
    pub(super) fn whisper(&mut self, from: usize, peers: &[Hotkey], message: Message) {
        let topic = message.topic();
        self.log_message(from, "whisper", &message, json!(peers));
        let Ok(heard) = message.verify(&self.genesis) else { return self.refuse(from, "signature") };
        let told = |node: &Node| peers.contains(&node.hotkey());
        let parcel = Parcel::of(Input::Told(heard));
        let relay = (0..self.nodes.len()).find(|to| *to != from && told(&self.nodes[*to]));
        let listens = |node: &Node| Topic::FOLLOWING.contains(&topic) || node.is_validator();
        for to in (0..self.nodes.len()).filter(|to| *to != from) {
            match relay {
                _ if told(&self.nodes[to]) => self.send(from, to, &parcel),
                Some(relay) if listens(&self.nodes[to]) => self.pass_on((from, relay, to), &parcel),
                _ => {}
            }
        }
    }

    /// Puts a message on its way over another node.
    fn pass_on(&mut self, (from, relay, to): (usize, usize, usize), parcel: &Parcel) {
        let Some(stage) = &mut self.stage else { return };
        let mut hop = |now, way| stage.links.delays(&mut self.rng, now, way, parcel.size).first().copied();
        let first = hop(self.now, (from, relay));
        if let Some(second) = first.and_then(|first| Some(first + hop(self.now + first, (relay, to))?)) {
            self.arrive(self.now + second, to, &parcel.input);
        }
    }

    /// Others refuse what a node sent.
    pub(super) fn refuse(&mut self, from: usize, why: &'static str) {
        self.log(from, "refused", || json!(why));
        self.count(from, |it| it.refused += 1);
    }

    /// Puts an input on its way: once, twice, late, or never.
    fn send(&mut self, from: usize, to: usize, Parcel { input, size }: &Parcel) {
        if self.hides(from, to, input) {
            return;
        }
        if let Some(stage) = &mut self.stage {
            for delay in stage.links.delays(&mut self.rng, self.now, (from, to), *size) {
                self.arrive(self.now + delay, to, input);
            }
            return;
        }
        let copies = self.plan.faults.copies(&mut self.rng, self.now - BEGINNING, from, to);
        for _ in 0..copies {
            let delay = self.plan.faults.delay(&mut self.rng, self.now - BEGINNING);
            self.arrive(self.now + delay, to, input);
        }
    }

    fn arrive(&mut self, time: u64, to: usize, input: &Arc<Input>) {
        let life = self.nodes[to].life();
        self.at(time, to, Event::Hear { life, input: Arc::clone(input) });
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
        if let Some(to) = self.nodes.iter().position(|node| node.is_known_as(&hotkey)) {
            self.send(from, to, &Parcel::of(input));
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
            self.send(from, ask.asker, &Parcel::of(input(ask.wish)));
        }
    }

    pub(super) fn no_answer(&mut self, ticket: Ticket) {
        if let Some(Ask { asker, life, wish }) = self.asks.remove(&ticket) {
            let input = Arc::new(wish.delivered(Delivery::Nothing));
            self.at(self.now, asker, Event::Hear { life, input });
        }
    }

    pub(super) fn soon(&mut self, node: usize, wait: u64, input: impl FnOnce(&mut Node) -> Input) {
        let input = Arc::new(input(&mut self.nodes[node]));
        let life = self.nodes[node].life();
        self.at(self.now + wait, node, Event::Hear { life, input });
    }
}

/// About how long an input is on the wire, in bytes: what is large counts.
fn size(input: &Input) -> usize {
    match input {
        Input::Told(Heard::Draft(draft)) => protocol::codec::encode(draft.signed()).len(),
        Input::Told(Heard::Settled(certified)) => protocol::codec::encode(certified).len(),
        Input::Told(Heard::Reveal(reveal)) => reveal.signed().size(),
        Input::Asked(_, question) => question.signed().size(),
        Input::Answered(Reply { answer: Some(answer), .. }) => answer.signed().size(),
        _ => SMALL,
    }
}
