//! Bad links on purpose: what peers send is held back, doubled or lost, as a scenario says.
//!
//! It happens where messages come in, whatever transport they took, so that it needs no rights and no other program. A way
//! is told by the peer that a message came from last: what a third one passed on comes by that one's way, and of gossip only
//! the first copy counts. Only networks for development have it.
use std::collections::BTreeMap;
use std::time::Duration;

use crypto::Hotkey;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::time::DelayQueue;

use super::{EVENTS, Event, Failure};

/// Messages that may be on their way; further ones are lost.
const ON_THEIR_WAY: usize = 4_096;

/// The longest that anything is on its way: an hour, in milliseconds.
const LONGEST_MS: u64 = 3_600_000;

/// What would wait longer for its turn on a thin way is lost: queues are finite.
const BACKLOG: Duration = Duration::from_secs(60);

/// What chances are parts of.
pub const MILLION: u32 = 1_000_000;

/// What messages of a peer meet on their way to us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// Nothing comes through.
    pub cut: bool,
    /// How long each takes, in milliseconds.
    pub latency_ms: u64,
    /// Up to how much longer, in milliseconds.
    pub jitter_ms: u64,
    /// Of a million, how many are lost.
    pub lost: u32,
    /// Of a million, how many come twice.
    pub doubled: u32,
    /// Bytes a second, if there is a limit.
    pub bandwidth: Option<u64>,
}

/// Ways by whom they lead from; from others everything comes at once.
pub type Ways = BTreeMap<Hotkey, Way>;

/// Passes events on as the way from each peer says, until nobody hears them any more; what is random follows from the seed.
pub(crate) fn impede(
    mut events: mpsc::Receiver<Event>,
    way: impl Fn(&Hotkey) -> Option<Way> + Send + 'static,
    seed: u64,
) -> mpsc::Receiver<Event> {
    let (pass, passed) = mpsc::channel(EVENTS);
    tokio::spawn(async move {
        let (mut rng, mut late) = (StdRng::seed_from_u64(seed), DelayQueue::new());
        // Until when each peer's way is taken by what it sent.
        let mut taken = BTreeMap::new();
        loop {
            let event = tokio::select! {
                event = events.recv() => match event {
                    Some(event) => {
                        let way = event.from().and_then(|from| way(&from));
                        let (Some(way), Some(from)) = (way, event.from()) else {
                            if pass.send(event).await.is_err() { return };
                            continue;
                        };
                        let taken = taken.entry(from).or_insert_with(Instant::now);
                        for (delay, event) in way.fate(&mut rng, taken, event) {
                            if late.len() < ON_THEIR_WAY {
                                late.insert(event, delay);
                            } else if let Some(event) = event.lost() && pass.send(event).await.is_err() {
                                return;
                            }
                        }
                        continue;
                    }
                    None => return,
                },
                event = next(&mut late) => event,
            };
            if pass.send(event).await.is_err() {
                return;
            }
        }
    });
    passed
}

/// What has waited long enough.
async fn next(late: &mut DelayQueue<Event>) -> Event {
    match std::future::poll_fn(|context| late.poll_expired(context)).await {
        Some(expired) => expired.into_inner(),
        None => std::future::pending().await,
    }
}

impl Way {
    /// When each copy of an event comes, if any does; `taken` tells until when the way is. A response that is lost is one
    /// that never came.
    fn fate(self, rng: &mut StdRng, taken: &mut Instant, event: Event) -> Vec<(Duration, Event)> {
        let turn = self.turn(taken, event.size());
        let lost = self.cut || rng.random_ratio(self.lost.min(MILLION), MILLION) || turn.is_none();
        let mut delay = || {
            let all = self.latency_ms.saturating_add(rng.random_range(0..=self.jitter_ms));
            turn.unwrap_or_default() + Duration::from_millis(all.min(LONGEST_MS))
        };
        let first = delay();
        match event {
            event if lost => event.lost().map(|event| (first, event)).into_iter().collect(),
            Event::Gossip { topic, from, id, bytes } => {
                let second = delay();
                let twice = rng.random_ratio(self.doubled.min(MILLION), MILLION);
                let copy = Event::Gossip { topic, from, id, bytes: bytes.clone() };
                let copy = twice.then_some((second, copy));
                [(first, Event::Gossip { topic, from, id, bytes })].into_iter().chain(copy).collect()
            }
            event => vec![(first, event)],
        }
    }
}

impl Way {
    /// How long so many bytes wait for their turn and take to be sent; nothing if the queue is full.
    fn turn(self, taken: &mut Instant, size: usize) -> Option<Duration> {
        let Some(bandwidth) = self.bandwidth else { return Some(Duration::ZERO) };
        let sending = Duration::from_micros(size as u64 * 1_000_000 / bandwidth.max(1));
        let now = Instant::now();
        let sent = now.max(*taken) + sending;
        (sent - now <= BACKLOG).then(|| {
            *taken = sent;
            sent - now
        })
    }
}

impl Event {
    /// What is heard of it once it is lost: whoever asked is told that nothing came.
    fn lost(self) -> Option<Self> {
        match self {
            Self::Responded { from, ticket, .. } => {
                Some(Self::Responded { from, ticket, result: Err(Failure::Timeout) })
            }
            _ => None,
        }
    }

    fn from(&self) -> Option<Hotkey> {
        match self {
            Self::Gossip { from, .. } | Self::Asked { from, .. } => Some(*from),
            Self::Responded { from, .. } => *from,
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Gossip { bytes, .. } | Self::Asked { bytes, .. } => bytes.len(),
            Self::Responded { result, .. } => result.as_ref().map_or(0, Vec::len),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(from: u8, ticket: u64) -> Event {
        Event::Asked { from: Hotkey([from; 32]), ticket, bytes: vec![0; 100] }
    }

    /// Of what two peers send in turn, the first over a good way: what comes first, so many, and in which order.
    async fn come(way: Way, many: usize) -> Vec<u64> {
        let (send, events) = mpsc::channel(16);
        let ways = Ways::from([(Hotkey([1; 32]), way)]);
        let mut passed = impede(events, move |from| ways.get(from).copied(), 7);
        for ticket in 0..6 {
            send.send(asked((ticket % 2) as u8, ticket)).await.unwrap();
        }
        let mut tickets = Vec::new();
        while tickets.len() < many {
            let Some(Event::Asked { ticket, .. }) = passed.recv().await else {
                panic!("too few: {tickets:?}")
            };
            tickets.push(ticket);
        }
        drop(send);
        assert!(passed.recv().await.is_none(), "more came");
        tickets
    }

    #[tokio::test]
    async fn only_the_way_that_is_bad_is_bad() {
        let slow = Way { latency_ms: 1_000, ..Way::default() };
        assert_eq!(come(slow, 6).await, [0, 2, 4, 1, 3, 5]);
        let thin = Way { bandwidth: Some(100), ..Way::default() };
        assert_eq!(come(thin, 6).await, [0, 2, 4, 1, 3, 5]);
        for gone in [Way { cut: true, ..Way::default() }, Way { lost: MILLION, ..Way::default() }] {
            assert_eq!(come(gone, 3).await, [0, 2, 4]);
        }
    }

    #[test]
    fn a_response_that_is_lost_never_came() {
        let from = Some(Hotkey([1; 32]));
        let response = Event::Responded { from, ticket: 3, result: Ok(vec![1]) };
        let cut = Way { cut: true, ..Way::default() };
        let fate = cut.fate(&mut StdRng::seed_from_u64(1), &mut Instant::now(), response);
        let [(_, Event::Responded { ticket: 3, result: Err(Failure::Timeout), .. })] = &fate[..] else {
            panic!("{fate:?}")
        };
    }
}
