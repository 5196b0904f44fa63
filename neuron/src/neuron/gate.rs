//! Between the network and the roles: decodes, verifies, judges, and lets in.
mod tally;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crypto::{Hash, Hotkey};
use protocol::ledger::Ledger;
use protocol::light::{Inquiry, Testimony};
use protocol::message::{Heard, Message};
use protocol::query::{Answer, Question};
use protocol::settlement::{self, Certified};
use protocol::{Error, Signed, Verified, codec};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};

use super::View;
use super::disk::Wanted;
use super::prover::Prover;
use super::witnesses::Witnesses;
use crate::behaviour::Conduct;
use crate::network::{Event, Failure, Network, Verdict};
use crate::role::{BATCH, Delivery, Input, Poll, Range, Reply, Ticket, is_welcome};
use crate::{clock, model};

pub(super) use self::tally::Tally;

/// The longest request, in bytes: a signed question, framed.
pub(super) const REQUEST_LIMIT: usize = 48 * 1024;

/// The longest response, in bytes: a batch of settlements.
pub(super) const RESPONSE_LIMIT: usize = settlement::MAX_BYTES + 1024 * 1024;

/// The word for what a peer has no longer.
const PRUNED: &str = "pruned";

/// What one neuron asks another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Request {
    /// To be answered by the model.
    Question(Signed<Question>),
    /// Settlements from this height on.
    Settlements(u64),
    /// What leads to a header, and what the ledger after it says.
    Inquiry(Inquiry),
    /// The anchor of the last snapshot.
    Snapshot,
    /// Of the snapshot of a height, the chunk of this number.
    Chunk(u64, u64),
    /// To be heard as gossip is, and passed on: who says it chooses whom to tell first. Nothing comes back, and only networks
    /// for development hear it.
    Tell(Box<Message>),
}

/// What it hears back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Response {
    /// What the model says.
    Answer(Signed<Answer>),
    /// Settlements, one after the other, each in its encoding.
    Settlements {
        /// As many as fit.
        batch: Vec<serde_bytes::ByteBuf>,
        /// The height of the first there is: what was before is pruned.
        first: u64,
        /// The height of the last there is.
        tip: u64,
    },
    /// A header and what stands under it, with the proofs.
    Testimony(Box<Testimony>),
    /// The last snapshot.
    Anchor {
        /// Its anchor, encoded.
        anchor: serde_bytes::ByteBuf,
        /// The height of the first settlement there is.
        first: u64,
    },
    /// A chunk of a snapshot, encoded.
    Chunk(serde_bytes::ByteBuf),
    /// No answer will come.
    Declined,
    /// None comes now: it may be asked again.
    Busy,
}

/// What comes to the neuron's loop from outside.
pub(super) enum Arrival {
    /// For the roles.
    Input(Input),
    /// A peer wants part of a snapshot.
    Wanted(Ticket, Wanted),
    /// From the model's thread.
    Model(model::Event),
    /// What comes next is to be had from nobody: peers' logs begin at this height.
    Pruned(u64),
    /// A person wants a poll.
    Poll(oneshot::Sender<Poll>),
    /// A person wants this told.
    Tell(Box<Message>),
    /// A person wants it to behave so.
    Turn(Box<Conduct>),
}

/// What we asked for under a ticket.
pub(super) type Pending = Arc<Mutex<BTreeMap<Ticket, Asked>>>;

/// What we asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    /// An answer to the question of this id.
    Question(Hash),
    /// Settlements from this height on.
    Settlements(u64),
    /// That it hear a message.
    Ear,
}

/// Lets in what is sound, and counts the rest.
pub(super) struct Gate {
    genesis: Hash,
    /// What a peer tells us alone is heard where neurons may misbehave: it knows no limit of gossip's.
    hears_whispers: bool,
    network: Network,
    arrivals: mpsc::Sender<Arrival>,
    pending: Pending,
    prover: Prover,
    witnesses: Witnesses,
    refused: Tally,
}

/// The input for the roles that the model's events become.
pub(super) fn model_events(arrivals: mpsc::Sender<Arrival>) -> impl Fn(model::Event) + Send + 'static {
    move |event| match event {
        event @ model::Event::Progress(_) => {
            let _ = arrivals.try_send(Arrival::Model(event));
        }
        // Runs on the model's own thread, which may wait; these must not get lost.
        event => {
            let _ = arrivals.blocking_send(Arrival::Model(event));
        }
    }
}

impl Gate {
    pub(super) fn new(
        (genesis, hears_whispers): (Hash, bool),
        network: Network,
        arrivals: mpsc::Sender<Arrival>,
        prover: Prover,
        (witnesses, refused): (Witnesses, Tally),
    ) -> (Self, Pending) {
        let pending = Pending::default();
        let asked = Arc::clone(&pending);
        let gate =
            Self { genesis, hears_whispers, network, arrivals, pending: asked, prover, witnesses, refused };
        (gate, pending)
    }

    /// Watches the network until it or the neuron's loop is gone.
    pub(super) async fn watch(mut self, mut events: mpsc::Receiver<Event>, view: watch::Receiver<View>) {
        while let Some(event) = events.recv().await {
            if self.arrivals.is_closed() {
                return;
            }
            match event {
                Event::Gossip { topic, id, bytes, .. } => {
                    let verdict = match Message::decode(topic, &bytes) {
                        Ok(message) => self.gossiped(message, &view.borrow()),
                        Err(error) => self.refuse(error.reason(), Verdict::Reject),
                    };
                    let _ = self.network.judge(id, verdict);
                }
                Event::Asked { ticket, bytes, .. } => self.asked(ticket, &bytes, &view),
                Event::Responded { from, ticket, result } => {
                    let ledger = Arc::clone(&view.borrow().ledger);
                    self.responded(from, Ticket(ticket), &result, &ledger);
                }
            }
        }
    }

    /// Hears what a peer says to us alone, and passes it on if it would be passed on as gossip.
    fn told(&self, message: Message, view: &View) {
        let (topic, bytes) = (message.topic(), codec::encode(&message));
        if bytes.len() <= topic.limit() && self.gossiped(message, view) == Verdict::Accept {
            let _ = self.network.publish(topic, bytes);
        }
    }

    /// Signatures cost time: none is checked for a stranger who would not be heard anyway.
    fn gossiped(&self, message: Message, view: &View) -> Verdict {
        if message.speaker().is_some_and(|speaker| !has_say(&view.ledger, &speaker)) {
            return self.refuse("no_say", Verdict::Ignore);
        }
        match message.verify(&self.genesis) {
            Ok(heard) => self.hear(heard, view),
            Err(error) => self.refuse(error.reason(), Verdict::Reject),
        }
    }

    /// Reject what its relayer could know to be bad; ignore what is of no use to us now.
    fn hear(&self, heard: Heard, view: &View) -> Verdict {
        let verdict = match judge(&heard, view) {
            Ok(verdict) => verdict,
            Err((reason, verdict)) => return self.refuse(reason, verdict),
        };
        if self.enter(Input::Told(heard)) { verdict } else { Verdict::Ignore }
    }

    fn refuse(&self, reason: &'static str, verdict: Verdict) -> Verdict {
        tracing::debug!(reason, ?verdict, "refused gossip");
        self.refused.count(reason);
        verdict
    }

    fn asked(&self, ticket: u64, bytes: &[u8], view: &watch::Receiver<View>) {
        let refusal = match self.take(ticket, bytes, view) {
            Ok(true) => return,
            Ok(false) => Response::Busy,
            Err(error) => {
                self.refused.count(error.reason());
                Response::Declined
            }
        };
        let _ = self.network.respond(ticket, codec::encode(&refusal));
    }

    /// Whether somebody sees to a request.
    fn take(&self, ticket: u64, bytes: &[u8], view: &watch::Receiver<View>) -> Result<bool, Error> {
        Ok(match codec::decode("request", bytes, REQUEST_LIMIT)? {
            Request::Settlements(height) => self.enter(Input::Wanted(Ticket(ticket), height)),
            Request::Snapshot => self.arrive(Arrival::Wanted(Ticket(ticket), Wanted::Snapshot)),
            Request::Chunk(height, number) => {
                self.arrive(Arrival::Wanted(Ticket(ticket), Wanted::Chunk(height, number)))
            }
            Request::Question(question) => {
                self.enter(Input::Asked(Ticket(ticket), question.verify(&self.genesis)?))
            }
            Request::Tell(message) => {
                if self.hears_whispers {
                    self.told(*message, &view.borrow());
                } else {
                    self.refused.count("whisper");
                }
                let _ = self.network.respond(ticket, codec::encode(&Response::Declined));
                true
            }
            Request::Inquiry(inquiry) => {
                let ledger = Arc::clone(&view.borrow().ledger);
                self.prover.show(ticket, inquiry, ledger)
            }
        })
    }

    fn responded(
        &mut self,
        peer: Option<Hotkey>,
        ticket: Ticket,
        result: &Result<Vec<u8>, Failure>,
        ledger: &Ledger,
    ) {
        let asked = self.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&ticket);
        match asked {
            Some(Asked::Question(question)) => {
                let answer = result.as_ref().ok().and_then(|bytes| self.answer(bytes));
                self.enter(Input::Answered(Reply { question, answer }));
            }
            Some(Asked::Settlements(first)) => {
                let delivered = result.as_ref().map(|bytes| self.delivery(bytes));
                let (delivery, begins) = delivered.unwrap_or((Delivery::Nothing, 0));
                self.enter(Input::Fetched(Range { peer, first, delivery }));
                if let Some(peer) = peer.filter(|_| begins > ledger.height() + 1) {
                    self.pruned(peer, begins, ledger);
                }
            }
            Some(Asked::Ear) | None => {}
        }
    }

    fn answer(&self, bytes: &[u8]) -> Option<Verified<Answer>> {
        let answer = match codec::decode("response", bytes, RESPONSE_LIMIT) {
            Ok(Response::Answer(answer)) => answer.verify(&self.genesis),
            Ok(_) => return None,
            Err(error) => Err(error),
        };
        answer.inspect_err(|error| self.refused.count(error.reason())).ok()
    }

    /// What was handed over, and the first height that the sender has.
    fn delivery(&self, bytes: &[u8]) -> (Delivery, u64) {
        settlements(bytes).unwrap_or_else(|error| {
            self.refused.count(error.reason());
            (Delivery::Malformed(error.to_string()), 0)
        })
    }

    /// It may be a lie, and others may have what it has not: one peer's word stops nobody.
    fn pruned(&mut self, peer: Hotkey, first: u64, ledger: &Ledger) {
        if !self.refused.snapshot().contains_key(PRUNED) {
            tracing::warn!(height = ledger.height(), first, "a peer has pruned what is next here");
        }
        self.refused.count(PRUNED);
        if self.witnesses.hear(peer, ledger, clock::now_ms()) {
            self.arrive(Arrival::Pruned(first));
        }
    }

    /// Hands an input to the roles.
    fn enter(&self, input: Input) -> bool {
        self.arrive(Arrival::Input(input))
    }

    /// Hands something to the loop; a full queue loses it, the loop does not wait.
    fn arrive(&self, arrival: Arrival) -> bool {
        let entered = self.arrivals.try_send(arrival).is_ok();
        if !entered {
            self.refused.count("queue_full");
        }
        entered
    }
}

/// What state can tell of a message: whether it goes further, or why not even in.
fn judge(heard: &Heard, view: &View) -> Result<Verdict, Refused> {
    let window = view.ledger.parameters().gossip_window;
    if heard.height().is_some_and(|about| about.abs_diff(view.height) > window) {
        return ignore("out_of_window");
    }
    match heard {
        Heard::Settled(certified) => judge_settled(certified, view),
        Heard::Telling(words) if !words.authors().iter().all(|author| has_say(&view.ledger, author)) => {
            ignore("no_say")
        }
        // Votes for what was settled last still count towards who attended.
        Heard::Telling(words) if words.height() < view.height => ignore("stale"),
        Heard::Draft(draft) if draft.settlement.header.height <= view.height => ignore("stale"),
        Heard::Telling(_) | Heard::Draft(_) => Ok(Verdict::Accept),
        Heard::Attestation(attestation) => match view.roots.get(&attestation.height) {
            Some(root) if attestation.stake(root).is_some() => Ok(Verdict::Accept),
            Some(_) => Err(("unproven", Verdict::Reject)),
            None => ignore("unknown_height"),
        },
        input if !is_welcome(&view.ledger, input) => ignore("unwelcome"),
        _ => Ok(Verdict::Accept),
    }
}

/// A settlement goes further once it is proven, which takes the set of its height.
fn judge_settled(certified: &Certified, view: &View) -> Result<Verdict, Refused> {
    let header = &certified.settlement.header;
    let set = match header.height.checked_sub(view.height) {
        Some(0) if header.hash() == view.tip => view.ledger.previous_validators(),
        Some(1) => view.ledger.validators(),
        // It may show that we are late.
        Some(2..) => return Ok(Verdict::Ignore),
        _ => return ignore("stale"),
    };
    match certified.check(&view.ledger.genesis(), set) {
        Ok(()) => Ok(Verdict::Accept),
        Err(_) => Err(("forged", Verdict::Reject)),
    }
}

/// Why a message is not let in, and what that says of its relayer.
type Refused = (&'static str, Verdict);

fn ignore(reason: &'static str) -> Result<Verdict, Refused> {
    Err((reason, Verdict::Ignore))
}

/// Only who settles, or did so last, has a say.
fn has_say(ledger: &Ledger, hotkey: &Hotkey) -> bool {
    [ledger.validators(), ledger.previous_validators()].iter().any(|set| set.power(hotkey).is_some())
}

/// The settlements in a response, and the first height that its sender has.
fn settlements(bytes: &[u8]) -> Result<(Delivery, u64), Error> {
    Ok(match codec::decode("response", bytes, RESPONSE_LIMIT)? {
        Response::Settlements { batch, .. } if batch.len() > BATCH => {
            let fault = format!("it sent {} settlements: at most {BATCH} are asked for", batch.len());
            (Delivery::Malformed(fault), 0)
        }
        Response::Settlements { batch, first, tip } => {
            let decoded = batch.iter().map(|bytes| Certified::decode(bytes));
            (Delivery::Settlements(decoded.collect::<Result<_, _>>()?, tip), first)
        }
        Response::Declined | Response::Busy => (Delivery::Nothing, 0),
        _ => (Delivery::Malformed("it answered what was not asked".to_owned()), 0),
    })
}

#[cfg(test)]
mod tests;
