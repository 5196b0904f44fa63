//! Between the network and the roles: decodes, verifies, judges, and lets in.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crypto::Hash;
use protocol::message::{Heard, Message};
use protocol::query::{Answer, Question};
use protocol::settlement::{self, Certified};
use protocol::{Error, Signed, Verified, codec};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};

use super::View;
use crate::model;
use crate::network::{Event, Failure, Network, Verdict};
use crate::role::{Input, Poll, Reply, Ticket};

/// The longest request, in bytes: a signed question, framed.
const REQUEST_LIMIT: usize = 48 * 1024;

/// The longest response, in bytes: a batch of settlements.
pub(super) const RESPONSE_LIMIT: usize = settlement::MAX_BYTES + 1024 * 1024;

/// What one neuron asks another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Request {
    /// To be answered by the model.
    Question(Signed<Question>),
    /// Settlements from this height on.
    Settlements(u64),
}

/// What it hears back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Response {
    /// What the model says.
    Answer(Signed<Answer>),
    /// Settlements, one after the other, each in its encoding.
    Settlements(Vec<serde_bytes::ByteBuf>),
    /// No answer will come.
    Declined,
}

/// What comes to the neuron's loop from outside.
pub(super) enum Arrival {
    /// For the roles.
    Input(Input),
    /// From the model's thread.
    Model(model::Event),
    /// A person wants a poll.
    Poll(oneshot::Sender<Poll>),
    /// A person wants this told.
    Tell(Box<Message>),
}

/// What we asked for under a ticket: a question's id, or settlements.
pub(super) type Pending = Arc<Mutex<BTreeMap<Ticket, Option<Hash>>>>;

/// Lets in what is sound.
pub(super) struct Gate {
    genesis: Hash,
    network: Network,
    arrivals: mpsc::Sender<Arrival>,
    pending: Pending,
}

/// The input for the roles that the model's events become.
pub(super) fn model_events(arrivals: mpsc::Sender<Arrival>) -> impl Fn(model::Event) + Send + 'static {
    move |event| match event {
        // Runs on the model's own thread, which may wait; these must not get lost.
        event @ (model::Event::Ready(_) | model::Event::Failed(_)) => {
            let _ = arrivals.blocking_send(Arrival::Model(event));
        }
        event => {
            let _ = arrivals.try_send(Arrival::Model(event));
        }
    }
}

impl Gate {
    pub(super) fn new(genesis: Hash, network: Network, arrivals: mpsc::Sender<Arrival>) -> (Self, Pending) {
        let pending = Pending::default();
        (
            Self {
                genesis,
                network,
                arrivals,
                pending: Arc::clone(&pending),
            },
            pending,
        )
    }

    /// Watches the network until it or the neuron's loop is gone.
    pub(super) async fn watch(self, mut events: mpsc::Receiver<Event>, view: watch::Receiver<View>) {
        while let Some(event) = events.recv().await {
            if self.arrivals.is_closed() {
                return;
            }
            match event {
                Event::Gossip { topic, id, bytes, .. } => {
                    let heard =
                        Message::decode(topic, &bytes).and_then(|message| message.verify(&self.genesis));
                    let verdict = self.judge(heard, view.borrow().height);
                    let _ = self.network.judge(id, verdict);
                }
                Event::Asked { ticket, bytes, .. } => self.asked(ticket, &bytes),
                Event::Responded { ticket, result } => self.responded(Ticket(ticket), result),
            }
        }
    }

    /// Reject what its relayer could know to be bad; ignore what is of no use to us now.
    fn judge(&self, heard: Result<Heard, Error>, height: u64) -> Verdict {
        let heard = match heard {
            Ok(heard) => heard,
            Err(error) => {
                tracing::debug!(%error, "rejected gossip");
                return Verdict::Reject;
            }
        };
        if heard
            .height()
            .is_some_and(|about| about.abs_diff(height) > HEIGHT_WINDOW)
        {
            return Verdict::Ignore;
        }
        match self.arrivals.try_send(Arrival::Input(Input::Told(heard))) {
            Ok(()) => Verdict::Accept,
            Err(_) => Verdict::Ignore,
        }
    }

    fn asked(&self, ticket: u64, bytes: &[u8]) {
        let input = match codec::decode("request", bytes, REQUEST_LIMIT) {
            Ok(Request::Settlements(height)) => Ok(Input::Wanted(Ticket(ticket), height)),
            Ok(Request::Question(question)) => question
                .verify(&self.genesis)
                .map(|question| Input::Asked(Ticket(ticket), question)),
            Err(error) => Err(error),
        };
        let sent = input.is_ok_and(|input| self.arrivals.try_send(Arrival::Input(input)).is_ok());
        if !sent {
            let _ = self.network.respond(ticket, codec::encode(&Response::Declined));
        }
    }

    fn responded(&self, ticket: Ticket, result: Result<Vec<u8>, Failure>) {
        let asked = self
            .pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&ticket);
        let Some(question) = asked else { return };
        let response = result
            .ok()
            .and_then(|bytes| codec::decode("response", &bytes, RESPONSE_LIMIT).ok());
        let input = match question {
            Some(question) => Input::Answered(Reply {
                question,
                answer: self.answer(response),
            }),
            None => Input::Fetched(settlements(response)),
        };
        // A full queue loses the reply: the asker's score suffers, the loop does not.
        let _ = self.arrivals.try_send(Arrival::Input(input));
    }

    fn answer(&self, response: Option<Response>) -> Option<Verified<Answer>> {
        match response {
            Some(Response::Answer(answer)) => answer.verify(&self.genesis).ok(),
            _ => None,
        }
    }
}

/// How far from our height a message may be to be passed on (DESIGN section 14).
const HEIGHT_WINDOW: u64 = 64;

fn settlements(response: Option<Response>) -> Vec<Certified> {
    let Some(Response::Settlements(batch)) = response else {
        return Vec::new();
    };
    let decoded = batch
        .iter()
        .map(|bytes| codec::decode("settlement", bytes, settlement::MAX_BYTES));
    decoded.map_while(Result::ok).collect()
}
