//! Requests under way: our own until their outcome, those of others until we answer.
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use libp2p::PeerId;
use libp2p::request_response::{OutboundRequestId, ResponseChannel};
use tokio::sync::mpsc::OwnedPermit;

use super::behaviour::ASK_TIMEOUT;
use super::directory::Backoff;
use super::{Event, Failure, address};

/// Our own requests under way: a question to every neuron of a full subnet. Their outcomes fit the event queue.
const ASKS: usize = 256;
/// How long a peer without a known address is sought: at start nobody is known yet.
const PATIENCE: Duration = Duration::from_secs(3);
/// The pause after the first search that found nothing.
const FIRST_SEARCH: Duration = Duration::from_millis(200);
/// Requests of others that wait for our answer.
const TICKETS: usize = 256;

/// A request of ours; the place for its outcome in the event queue is taken beforehand.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) peer: PeerId,
    pub(super) ticket: u64,
    pub(super) bytes: Vec<u8>,
    /// Since when the peer's addresses are sought.
    pub(super) since: Instant,
    /// The addresses that we knew did not serve, and newer ones were sought.
    pub(super) located: bool,
    pub(super) outcome: OwnedPermit<Event>,
}

impl Ask {
    /// Tells the asker.
    pub(super) fn end(self, result: Result<Vec<u8>, Failure>) {
        let from = address::hotkey(&self.peer);
        self.outcome.send(Event::Responded { from, ticket: self.ticket, result });
    }
}

/// Our own requests.
#[derive(Debug, Default)]
pub(super) struct Asks {
    sent: HashMap<OutboundRequestId, Ask>,
    waiting: HashMap<PeerId, (Backoff, Vec<Ask>)>,
}

impl Asks {
    /// No further request may start.
    pub(super) fn full(&self) -> bool {
        self.sent.len() + self.waiting.values().map(|(_, asks)| asks.len()).sum::<usize>() >= ASKS
    }

    pub(super) fn sent(&mut self, id: OutboundRequestId, ask: Ask) {
        self.sent.insert(id, ask);
    }

    pub(super) fn returned(&mut self, id: OutboundRequestId) -> Option<Ask> {
        self.sent.remove(&id)
    }

    /// Waits for the peer's addresses.
    pub(super) fn wait(&mut self, ask: Ask) {
        self.waiting.entry(ask.peer).or_insert_with(|| (Backoff::new(FIRST_SEARCH), Vec::new())).1.push(ask);
    }

    /// Whatever waited for `peer`.
    pub(super) fn waiting(&mut self, peer: &PeerId) -> Vec<Ask> {
        self.waiting.remove(peer).map(|(_, asks)| asks).unwrap_or_default()
    }

    /// Ends what has waited too long.
    pub(super) fn expire(&mut self, now: Instant) {
        for (_, asks) in self.waiting.values_mut() {
            for ask in asks.extract_if(.., |ask| now.duration_since(ask.since) > PATIENCE) {
                ask.end(Err(Failure::NotFound));
            }
        }
        self.waiting.retain(|_, (_, asks)| !asks.is_empty());
    }

    /// The peers whose addresses should be sought now.
    pub(super) fn seek(&mut self, now: Instant) -> Vec<PeerId> {
        let due = self
            .waiting
            .iter_mut()
            .filter_map(|(peer, (again, _))| again.due(now, PATIENCE).then_some(*peer));
        due.collect()
    }
}

/// The way back to somebody who asked.
type Channel = ResponseChannel<Vec<u8>>;

/// Requests of others, by ticket. A channel that is dropped refuses its request.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    next: u64,
    open: BTreeMap<u64, (Instant, Channel)>,
}

impl Tickets {
    /// No further request may wait.
    pub(super) fn full(&self) -> bool {
        self.open.len() >= TICKETS
    }

    /// The ticket that the next [`open`](Self::open) gives out.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn open(&mut self, now: Instant, channel: Channel) {
        self.open.insert(self.next, (now, channel));
        self.next += 1;
    }

    pub(super) fn close(&mut self, ticket: u64) -> Option<Channel> {
        self.open.remove(&ticket).map(|(_, channel)| channel)
    }

    /// Drops tickets whose asker has given up; returns how many.
    pub(super) fn expire(&mut self, now: Instant) -> usize {
        let before = self.open.len();
        self.open.retain(|_, (since, _)| now.duration_since(*since) < ASK_TIMEOUT);
        before - self.open.len()
    }
}
