//! Between the network and the roles: decodes, verifies, judges, and lets in.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crypto::{Hash, Hotkey};
use protocol::consensus::ValidatorSet;
use protocol::message::{Heard, Message};
use protocol::query::{Answer, Question};
use protocol::settlement::{self, Certified, Settlement};
use protocol::{Error, Signed, codec};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};

use super::View;
use super::disk::BATCH;
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

/// How far from our height a message may be to be passed on (DESIGN section 14).
const HEIGHT_WINDOW: u64 = 64;

/// How often something was not let in, by reason.
#[derive(Clone, Default)]
pub(super) struct Tally(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl Tally {
    pub(super) fn count(&self, reason: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(reason).or_default() += 1;
    }

    pub(super) fn snapshot(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Lets in what is sound, and counts the rest.
pub(super) struct Gate {
    genesis: Hash,
    network: Network,
    arrivals: mpsc::Sender<Arrival>,
    pending: Pending,
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
        genesis: Hash,
        network: Network,
        arrivals: mpsc::Sender<Arrival>,
        refused: Tally,
    ) -> (Self, Pending) {
        let pending = Pending::default();
        (Self { genesis, network, arrivals, pending: Arc::clone(&pending), refused }, pending)
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
                    let verdict = match heard {
                        Ok(heard) => self.hear(heard, &view.borrow()),
                        Err(error) => self.refuse(error.reason(), Verdict::Reject),
                    };
                    let _ = self.network.judge(id, verdict);
                }
                Event::Asked { ticket, bytes, .. } => self.asked(ticket, &bytes),
                Event::Responded { ticket, result } => self.responded(Ticket(ticket), result),
            }
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

    fn asked(&self, ticket: u64, bytes: &[u8]) {
        let input = match codec::decode("request", bytes, REQUEST_LIMIT) {
            Ok(Request::Settlements(height)) => Ok(Input::Wanted(Ticket(ticket), height)),
            Ok(Request::Question(question)) => {
                question.verify(&self.genesis).map(|question| Input::Asked(Ticket(ticket), question))
            }
            Err(error) => Err(error),
        };
        let entered = match input {
            Ok(input) => self.enter(input),
            Err(error) => {
                self.refused.count(error.reason());
                false
            }
        };
        if !entered {
            let _ = self.network.respond(ticket, codec::encode(&Response::Declined));
        }
    }

    fn responded(&self, ticket: Ticket, result: Result<Vec<u8>, Failure>) {
        let asked = self.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&ticket);
        let (Some(question), Ok(bytes)) = (asked, &result) else {
            if let Some(question) = asked {
                self.enter(nothing(question));
            }
            return;
        };
        let input = self.response(question, bytes).unwrap_or_else(|error| {
            self.refused.count(error.reason());
            nothing(question)
        });
        self.enter(input);
    }

    fn response(&self, asked: Option<Hash>, bytes: &[u8]) -> Result<Input, Error> {
        let response = codec::decode("response", bytes, RESPONSE_LIMIT)?;
        Ok(match (asked, response) {
            (Some(question), Response::Answer(answer)) => {
                Input::Answered(Reply { question, answer: Some(answer.verify(&self.genesis)?) })
            }
            (None, Response::Settlements(batch)) if batch.len() <= BATCH => {
                let decoded =
                    batch.iter().map(|bytes| codec::decode("settlement", bytes, settlement::MAX_BYTES));
                Input::Fetched(decoded.collect::<Result<_, _>>()?)
            }
            (asked, _) => nothing(asked),
        })
    }

    /// Hands an input to the roles; a full queue loses it, the loop does not wait.
    fn enter(&self, input: Input) -> bool {
        let entered = self.arrivals.try_send(Arrival::Input(input)).is_ok();
        if !entered {
            self.refused.count("queue_full");
        }
        entered
    }
}

/// What state can tell of a message: whether it goes further, or why not even in.
fn judge(heard: &Heard, view: &View) -> Result<Verdict, (&'static str, Verdict)> {
    if heard.height().is_some_and(|about| about.abs_diff(view.height) > HEIGHT_WINDOW) {
        return Err(("out_of_window", Verdict::Ignore));
    }
    if heard.height() != Some(view.height + 1) {
        // Whether a later settlement is certified we cannot tell yet, so it goes no further than us.
        let later = matches!(heard, Heard::Settled(_)) && heard.height() > Some(view.height);
        return Ok(if later { Verdict::Ignore } else { Verdict::Accept });
    }
    match heard {
        Heard::Settled(certified) if !is_certified(certified, view) => Err(("forged", Verdict::Reject)),
        heard if !has_say(heard, view.ledger.validators()) => Err(("no_say", Verdict::Ignore)),
        _ => Ok(Verdict::Accept),
    }
}

fn is_certified(certified: &Certified, view: &View) -> bool {
    let Settlement { header, body } = &certified.settlement;
    let proven = certified.certificate.check(&view.ledger.genesis(), header, view.ledger.validators());
    proven.is_ok() && body.root() == header.input_root
}

/// Only who settles has a say in the next settlement.
fn has_say(heard: &Heard, set: &ValidatorSet) -> bool {
    let settles = |signer: Hotkey| set.power(&signer).is_some();
    match heard {
        Heard::Votes(votes) | Heard::Polka(votes) | Heard::Skip(votes) => {
            votes.iter().all(|vote| settles(vote.signer()))
        }
        Heard::Proposal(proposal) => settles(proposal.signer()),
        Heard::Draft(draft) => settles(draft.signer()),
        _ => true,
    }
}

/// What we hear when no answer comes.
fn nothing(asked: Option<Hash>) -> Input {
    match asked {
        Some(question) => Input::Answered(Reply { question, answer: None }),
        None => Input::Fetched(Vec::new()),
    }
}
