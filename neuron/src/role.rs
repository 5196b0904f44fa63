//! What a neuron does, as a pure function of what it hears.
//!
//! A role hears an [`Input`] and answers with [`Effect`]s. It never asks the time, never waits and holds no handle:
//! the same roles run over libp2p and libtorch, and over a network in memory on a made-up clock.

#[cfg(test)]
pub(crate) mod bench;
mod miner;
mod pool;
mod settler;
mod validator;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crypto::{Hash, Hotkey};
use protocol::Verified;
use protocol::amount::Amount;
use protocol::consensus::{Evidence, LogEntry, Timeout};
use protocol::head::{Head, Judged};
use protocol::ledger::{Change, Ledger};
use protocol::message::{Heard, Message};
use protocol::query::{Answer, Question};
use protocol::settlement::{Certified, Settlement};

pub use miner::Miner;
pub(crate) use pool::is_welcome;
pub use settler::{Findings, Pace, Recovered, Settler, Steps, Trust};
pub(crate) use validator::question_seed;
pub use validator::{Memory, Poll, Score, Validator, Voice};

/// The most settlements handed over at once.
pub const BATCH: usize = 64;

/// One of the things a neuron is.
pub trait Role: Send {
    /// Takes in one input and says what to do about it.
    fn handle(&mut self, moment: Moment, input: &Input) -> Vec<Effect>;
}

/// When an input is heard, and the randomness to meet it with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since 1970.
    pub now: u64,
    /// Fresh for every input.
    pub seed: Hash,
}

/// Something that happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// The neuron is up: its storage is read, its network listens.
    Started,
    /// A timer set by [`Effect::Schedule`] ran out.
    Elapsed(Timer),
    /// A message was gossiped.
    Told(Heard),
    /// A peer asks us something; answer under the ticket.
    Asked(Ticket, Verified<Question>),
    /// A miner answered our question, or did not.
    Answered(Reply),
    /// The same, and what a behaviour says that the answer is worth, whatever it says: 0 to 1.
    Scored(Reply, f64),
    /// Our model is ready.
    Trained(Model),
    /// Our model answered, or could not.
    Inferred(Ticket, Result<Vec<u8>, String>),
    /// A peer wants settlements from a height on.
    Wanted(Ticket, u64),
    /// What came of [`Effect::Fetch`].
    Fetched(Range),
    /// The ledger moved on.
    Settled(Arc<Settled>),
    /// The person at this neuron wants the swarm asked one question.
    Polled(Ticket),
}

/// Something to be done outside.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Gossip a message.
    Tell(Box<Message>),
    /// Tell a message to these alone: no honest role does.
    Whisper(Vec<Hotkey>, Box<Message>),
    /// Send a question to its miner, then hear [`Input::Answered`].
    Ask(Verified<Question>),
    /// Send an answer to whoever asked.
    Answer(Ticket, Verified<Answer>),
    /// Tell whoever asked that no answer will come; the word counts why.
    Decline(Ticket, &'static str),
    /// Train the model, then hear [`Input::Trained`].
    Train,
    /// Let the model answer, then hear [`Input::Inferred`].
    Infer(Ticket, Vec<u8>),
    /// Ask for settlements from a height on, then hear [`Input::Fetched`].
    Fetch(Source, u64),
    /// A peer sent what no honest one sends, which the words tell: name it, and think less of it.
    Shun(Hotkey, String),
    /// Send settlements from a height on to whoever wants them.
    Serve(Ticket, u64),
    /// Send these settlements, whatever there is, and say how far one is: no honest role does.
    Deliver(Ticket, Vec<Certified>, u64),
    /// Write to disk, and when it is synced carry out the rest.
    Persist(Persist),
    /// Make everyone here hear [`Input::Settled`].
    Settle(Arc<Settled>),
    /// Set a timer, in milliseconds from now; it replaces one of the same name.
    Schedule(Timer, u64),
    /// Forget a timer.
    Cancel(Timer),
    /// A hotkey is proven to have this much at stake.
    Vouch(Hotkey, Amount),
    /// Show the running scores of miners.
    Score(BTreeMap<Hotkey, Score>),
    /// Show how settling goes.
    Pace(Box<Pace>),
    /// Validators are caught misbehaving.
    Accuse(Vec<Evidence>),
    /// Show what a poll found.
    Report(Ticket, Poll),
    /// Say what a behaviour did.
    Note(Note),
    /// Stop this neuron: going on could harm.
    Halt(String),
}

/// What a behaviour says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Its attack took place; the word names it.
    Fired(String),
    /// It cannot go on, and why: from here on it is honest.
    Fault(String),
}

/// Connects an answer with who waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Writes that must be durable before anything else happens.
#[derive(Clone, Debug)]
pub struct Persist {
    /// What to write, in order, with one sync.
    pub entries: Vec<Entry>,
    /// What to do once it is on disk.
    pub then: Vec<Effect>,
}

/// Something written to disk.
#[derive(Clone, Debug)]
pub enum Entry {
    /// To the vote log: what consensus took in at a height.
    Vote(u64, LogEntry),
    /// To the vote log: the text of a settlement before it matters.
    Draft(Box<Settlement>),
    /// To the settlement log, and from there to the index.
    Settled(Arc<Settled>),
    /// What a validator must know again after a restart, in place of what it wrote before.
    Memory(Box<Memory>),
}

/// What woke us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Consensus waited long enough in this height.
    Vote(u64, Timeout),
    /// Time for the next height.
    NextHeight,
    /// Time to see whether others are ahead.
    CatchUp,
    /// A poll has waited long enough.
    Poll(Ticket),
    /// An interval has passed for a behaviour.
    Tick,
    /// What a behaviour put off is due.
    Later(u64),
}

/// Whom to ask for settlements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// This peer.
    Peer(Hotkey),
    /// Whoever is connected, but none of these.
    AnyoneBut(Vec<Hotkey>),
}

/// Settlements that were asked for.
#[derive(Clone, Debug)]
pub struct Range {
    /// Who was asked; `None` if nobody could be.
    pub peer: Option<Hotkey>,
    /// From which height on.
    pub first: u64,
    /// What came back.
    pub delivery: Delivery,
}

/// What a peer hands over when it is asked for settlements.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// As many as fit, in order, at most [`BATCH`]; and the height of the last that it has.
    Settlements(Vec<Certified>, u64),
    /// Nothing in time, for which it need not be to blame.
    Nothing,
    /// Something else, which is its fault; the words tell what.
    Malformed(String),
}

/// A settlement and the ledger it leads to.
pub struct Settled {
    /// What was decided.
    pub certified: Certified,
    /// The ledger after it.
    pub ledger: Ledger,
    /// What it changed, for the index.
    pub changes: Arc<[Change]>,
}

/// What came back for a question.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The id of the signed question.
    pub question: Hash,
    /// The answer, if one came in time.
    pub answer: Option<Verified<Answer>>,
}

/// A trained model.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The hash of its weights.
    pub hash: Hash,
    /// What it is, in a few words.
    pub description: String,
}

impl Settled {
    /// What was decided after `head`, judged there.
    fn after(head: &Head, certified: Certified, judged: &Judged) -> Self {
        let changes = judged.ledger.changes_since(&head.ledger).into();
        Self { certified, ledger: judged.ledger.clone(), changes }
    }
}

/// In a trace nobody wants to read a whole ledger.
impl fmt::Debug for Settled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { certified, changes, .. } = self;
        let mut shown = f.debug_struct("Settled");
        shown.field("header", &certified.settlement.header).field("round", &certified.certificate.round);
        shown.field("changes", &changes.len()).finish_non_exhaustive()
    }
}

impl Effect {
    /// Gossips a message.
    fn tell(message: Message) -> Self {
        Self::Tell(Box::new(message))
    }
}
