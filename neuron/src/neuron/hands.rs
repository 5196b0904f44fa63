//! Carries out effects: the only place that sees network, model and storage at once.
use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crypto::{Hash, Hotkey};
use protocol::amount::COIN;
use protocol::codec;
use protocol::consensus::{Evidence, ValidatorSet};
use protocol::ledger::Ledger;
use protocol::message::{Message, Topic};
use protocol::settlement::Certified;
use storage::Blobs;
use tokio::sync::{oneshot, watch};
use tokio_util::time::{DelayQueue, delay_queue};

use super::disk::{Disk, Synced, Wanted};
use super::gate::{Arrival, Asked, Pending, REQUEST_LIMIT, Request, Response, Tally};
use super::{Duty, Error, View};
use crate::behaviour::Conduct;
use crate::model::{self, Model};
use crate::network::Network;
use crate::role::{Delivery, Effect, Input, Note, Poll, Range, Reply, Settled, Source, Ticket, Timer};

/// Polls that may wait for their answers.
const POLLS: usize = 64;

/// Requests that may wait for their response; the network gives up on fewer much sooner.
const PENDING: usize = 4096;

/// Settlements between two notes of who our peers are.
const PEERS_EVERY: u64 = 8;

/// What comes from our own hands.
pub(super) enum Next {
    /// Effects whose writes are synced.
    Effects(Vec<Effect>),
    /// A timer ran out.
    Input(Input),
}

/// What carries out effects.
pub(super) struct Hands {
    genesis: Hash,
    network: Network,
    disk: Disk,
    synced: Synced,
    model: Option<Model>,
    description: String,
    weights: Option<Vec<u8>>,
    pending: Pending,
    refused: Tally,
    show: watch::Sender<View>,
    timers: DelayQueue<Timer>,
    set: HashMap<Timer, delay_queue::Key>,
    polls: BTreeMap<Ticket, oneshot::Sender<Poll>>,
    tickets: u64,
    /// The settling set that the network keeps us connected to.
    close: Vec<Hotkey>,
}

impl Hands {
    pub(super) fn new(
        genesis: Hash,
        duty: Duty,
        network: Network,
        (disk, synced): (Disk, Synced),
        model: Option<(String, Model)>,
        (pending, refused): (Pending, Tally),
        show: watch::Sender<View>,
    ) -> Self {
        let (description, model) = model.map_or((String::new(), None), |(words, model)| (words, Some(model)));
        let weights = match duty {
            Duty::Mine { weights, .. } => weights,
            _ => None,
        };
        let (timers, set, polls) = (DelayQueue::new(), HashMap::new(), BTreeMap::new());
        Self {
            genesis,
            network,
            disk,
            synced,
            model,
            description,
            weights,
            pending,
            refused,
            show,
            timers,
            set,
            polls,
            tickets: 0,
            close: Vec::new(),
        }
    }

    /// What the disk or a timer brings next; the disk goes first, since others wait for what we wrote.
    pub(super) async fn next(&mut self) -> Result<Next, Error> {
        tokio::select! {
            biased;
            synced = self.synced.recv() => match synced {
                Some(effects) => effects.map(Next::Effects),
                None => Err(Error::Disk("its thread is gone".to_owned())),
            },
            timer = expired(&mut self.timers) => {
                self.set.remove(&timer);
                Ok(Next::Input(Input::Elapsed(timer)))
            }
        }
    }

    /// What an arrival is to the roles.
    pub(super) fn receive(&mut self, arrival: Arrival) -> Result<Option<Input>, Error> {
        match arrival {
            Arrival::Input(input) => Ok(Some(input)),
            Arrival::Wanted(ticket, wanted) => {
                self.serve(ticket, wanted);
                Ok(None)
            }
            Arrival::Model(event) => self.modelled(event),
            Arrival::Pruned(first) => {
                let height = self.show.borrow().height;
                Err(Error::TooFarBehind { height, first })
            }
            Arrival::Poll(answer) => {
                let ticket = self.ticket();
                if self.polls.len() < POLLS {
                    self.polls.insert(ticket, answer);
                }
                Ok(Some(Input::Polled(ticket)))
            }
            Arrival::Tell(message) => Ok(self.tell(*message)),
            // The neuron's own: its roles are not ours.
            Arrival::Turn(_) => Ok(None),
        }
    }

    /// Does what a role asked for; what comes back at once is returned.
    pub(super) fn carry_out(&mut self, effect: Effect) -> Result<Option<Input>, Error> {
        match effect {
            Effect::Tell(message) => return Ok(self.tell(*message)),
            Effect::Whisper(peers, message) => self.whisper(&peers, &message),
            Effect::Note(note) => self.note(note),
            Effect::Ask(question) => {
                self.show.send_modify(|view| view.doings.questions += 1);
                let id = question.id();
                let request = Request::Question(question.signed().clone());
                if !self.ask(Source::Peer(question.miner), &request, Asked::Question(id)) {
                    return Ok(Some(Input::Answered(Reply { question: id, answer: None })));
                }
            }
            Effect::Answer(ticket, answer) => {
                self.show.send_modify(|view| view.doings.answers += 1);
                self.respond(ticket, &Response::Answer(answer.into_signed()));
            }
            Effect::Decline(ticket, reason) => {
                self.show.send_modify(|view| view.doings.declined += 1);
                self.refused.count(reason);
                self.respond(ticket, &Response::Declined);
            }
            Effect::Train => self.train(),
            Effect::Infer(ticket, body) => return Ok(self.infer(ticket, body)),
            Effect::Fetch(source, first) => {
                if !self.ask(source, &Request::Settlements(first), Asked::Settlements(first)) {
                    let nothing = Range { peer: None, first, delivery: Delivery::Nothing };
                    return Ok(Some(Input::Fetched(nothing)));
                }
            }
            Effect::Shun(peer, fault) => {
                tracing::warn!(?peer, fault, "dropped a peer: it is not asked for settlements for a while");
                self.refused.count("shunned");
                let _ = self.network.shun(peer);
            }
            Effect::Serve(ticket, height) => self.serve(ticket, Wanted::Settlements(height)),
            Effect::Deliver(ticket, settlements, tip) => {
                let first = settlements.first().map_or(0, |it| it.settlement.header.height);
                let encoded = settlements.iter().map(|it| codec::encode(it).into());
                self.respond(ticket, &Response::Settlements { batch: encoded.collect(), first, tip });
            }
            Effect::Persist(persist) => self.disk.write(persist)?,
            Effect::Settle(settled) => return Ok(Some(self.settled(settled))),
            Effect::Schedule(timer, wait) => self.schedule(timer, wait),
            Effect::Cancel(timer) => self.cancel(timer),
            Effect::Vouch(hotkey, stake) => {
                let _ = self.network.vouch(hotkey, stake.0 / COIN);
            }
            Effect::Score(scores) => self.show.send_modify(|view| view.scores = scores),
            Effect::Pace(pace) => self.show.send_modify(|view| view.pace = Some(*pace)),
            Effect::Accuse(evidence) => self.accuse(&evidence),
            Effect::Report(ticket, poll) => {
                if let Some(answer) = self.polls.remove(&ticket) {
                    let _ = answer.send(poll);
                }
            }
            Effect::Halt(reason) => return Err(Error::Halted(reason)),
        }
        Ok(None)
    }

    /// Tells everyone; what may be settled is told to our own settler too, which no gossip brings it.
    fn tell(&self, message: Message) -> Option<Input> {
        if let Err(refused) = self.network.publish(message.topic(), codec::encode(&message)) {
            tracing::debug!(kind = message.kind(), %refused, "not told");
        }
        let own = message.topic() == Topic::Inputs;
        own.then(|| message.verify(&self.genesis).ok()).flatten().map(Input::Told)
    }

    /// Shows how it behaves from now on.
    pub(super) fn behave(&self, conduct: &Conduct) {
        tracing::warn!(behaviour = conduct.name, "behaves so from now on");
        self.show.send_modify(|view| view.behaviour.clone_from(&conduct.name));
    }

    /// Hands a message to some alone. Gossip cannot do that: it goes as a request, and is heard as gossip is.
    fn whisper(&mut self, peers: &[Hotkey], message: &Message) {
        let request = Request::Tell(Box::new(message.clone()));
        let bytes = codec::encode(&request).len();
        if bytes > REQUEST_LIMIT {
            let kind = message.kind();
            let fault =
                format!("a {kind} of {bytes} bytes was told to some alone: {REQUEST_LIMIT} is the most");
            return self.note(Note::Fault(fault));
        }
        for peer in peers {
            self.ask(Source::Peer(*peer), &request, Asked::Ear);
        }
    }

    /// Hears what a behaviour says of itself.
    fn note(&self, note: Note) {
        match note {
            Note::Fired(name) => {
                tracing::warn!(name, "the attack took place");
                self.show.send_modify(|view| view.doings.fire(name));
            }
            Note::Fault(fault) => {
                tracing::error!(fault, "the behaviour cannot go on: it is honest from here on");
                self.show.send_modify(|view| view.doings.fail(fault));
            }
        }
    }

    /// Shows whom it accuses.
    fn accuse(&self, evidence: &[Evidence]) {
        for offence in evidence {
            tracing::warn!(offender = ?offence.offender(), "signed two things where one is allowed");
        }
        self.show.send_modify(|view| {
            view.accusations += evidence.len() as u64;
            view.accused.extend(evidence.iter().map(Evidence::offender));
        });
    }

    fn ask(&mut self, source: Source, request: &Request, asked: Asked) -> bool {
        let ticket = self.ticket();
        let pending = || self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        // Before it leaves: the response may be quick. What the network never answers must not pile up.
        pending().insert(ticket, asked);
        if pending().len() > PENDING {
            pending().pop_first();
        }
        let bytes = codec::encode(request);
        let sent = match source {
            Source::Peer(peer) => self.network.ask(peer, ticket.0, bytes),
            Source::AnyoneBut(avoided) => self.network.ask_anyone(avoided, ticket.0, bytes),
        };
        if sent.is_err() {
            pending().remove(&ticket);
        }
        sent.is_ok()
    }

    fn serve(&self, ticket: Ticket, wanted: Wanted) {
        if !self.disk.serve(ticket, wanted) {
            self.refused.count("disk_busy");
            self.respond(ticket, &Response::Busy);
        }
    }

    fn respond(&self, ticket: Ticket, response: &Response) {
        let _ = self.network.respond(ticket.0, codec::encode(response));
    }

    fn train(&mut self) {
        let Some(model) = &self.model else { return };
        let started = match self.weights.take() {
            Some(weights) => model.load(weights),
            None => model.train(),
        };
        if let Err(busy) = started {
            tracing::warn!(%busy, "training did not start");
        }
    }

    fn infer(&self, ticket: Ticket, body: Vec<u8>) -> Option<Input> {
        let busy = self.model.as_ref().is_none_or(|model| model.infer(ticket.0, body).is_err());
        busy.then(|| Input::Inferred(ticket, Err("the model is busy".to_owned())))
    }

    fn modelled(&mut self, event: model::Event) -> Result<Option<Input>, Error> {
        match event {
            model::Event::Progress(progress) => {
                let activity = format!("training {}/{}", progress.step, progress.steps);
                self.show.send_modify(|view| view.activity = activity);
                Ok(None)
            }
            model::Event::Ready(ready) => {
                let hash = Blobs::hash(&ready.weights);
                self.disk.keep(ready.weights);
                self.show.send_modify(|view| {
                    view.accuracy = Some(ready.accuracy);
                    view.model = Some(hash);
                    view.activity = "serving".to_owned();
                });
                let description = self.description.clone();
                Ok(Some(Input::Trained(crate::role::Model { hash, description })))
            }
            model::Event::Failed(error) => Err(Error::Training(error.to_string())),
            model::Event::Inferred(inferred) => {
                let body = inferred.answer.map_err(|error| error.to_string());
                Ok(Some(Input::Inferred(Ticket(inferred.ticket), body)))
            }
        }
    }

    fn settled(&mut self, settled: Arc<Settled>) -> Input {
        let header = &settled.certified.settlement.header;
        self.stay_close(settled.ledger.validators());
        if header.height.is_multiple_of(PEERS_EVERY) {
            self.disk.keep_peers(self.network.status().known);
        }
        report(&settled, &self.show.borrow().ledger);
        self.show.send_modify(|view| {
            view.height = header.height;
            view.tip = header.hash();
            view.state_root = header.state_root.hash;
            let window = settled.ledger.parameters().gossip_window;
            view.roots.insert(header.height, header.state_root);
            view.roots.retain(|height, _| height + window > header.height);
            view.ledger = Arc::new(settled.ledger.clone());
        });
        Input::Settled(settled)
    }

    /// Those who settle stay connected to each other, whatever else comes and goes.
    pub(super) fn stay_close(&mut self, set: &ValidatorSet) {
        let members = set.members().iter().map(|(hotkey, _)| *hotkey);
        let peers: Vec<_> = members.filter(|member| *member != self.network.hotkey()).collect();
        let settles = peers.len() < set.members().len();
        if settles && peers != self.close && self.network.keep(peers.clone()).is_ok() {
            self.close = peers;
        }
    }

    fn schedule(&mut self, timer: Timer, wait: u64) {
        self.cancel(timer);
        let key = self.timers.insert(timer, Duration::from_millis(wait));
        self.set.insert(timer, key);
    }

    fn cancel(&mut self, timer: Timer) {
        if let Some(key) = self.set.remove(&timer) {
            self.timers.remove(&key);
        }
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }
}

/// One line for every settlement: `before` is the ledger that it changed.
fn report(settled: &Settled, before: &Ledger) {
    let Certified { settlement, certificate } = &settled.certified;
    let (header, set) = (&settlement.header, before.validators());
    let share = set.stake(&certificate.signers()) as f64 / set.total() as f64;
    tracing::info!(
        height = header.height,
        round = certificate.round,
        signers = certificate.signatures.len(),
        stake = format_args!("{:.1}%", 100.0 * share),
        transactions = settlement.body.transactions.len(),
        after_ms = header.time.saturating_sub(before.time()),
        root = ?header.state_root.hash,
        "settled"
    );
}

async fn expired(timers: &mut DelayQueue<Timer>) -> Timer {
    match poll_fn(|context| timers.poll_expired(context)).await {
        Some(expired) => expired.into_inner(),
        // An empty queue never expires.
        None => std::future::pending().await,
    }
}
