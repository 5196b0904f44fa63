//! What was refused or dropped, counted by reason.
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// A reason to refuse or drop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// A command found the queue full or the task gone.
    CommandRefused,
    /// A command's bytes exceed what peers accept.
    CommandTooLarge,
    /// Gossip found the event queue full.
    GossipDropped,
    /// A peer relays more than its share.
    GossipFlood,
    /// Gossip exceeds its topic's limit.
    GossipTooLarge,
    /// Gossip was judged after it had left the cache.
    GossipJudgedLate,
    /// Gossip of ours found nobody to hear it in time.
    GossipExpired,
    /// Gossip of ours was not sent: known already, or all links are full.
    GossipUnsent,
    /// A request found the event queue or the table of tickets full.
    RequestRefused,
    /// A peer asks more than its share.
    RequestFlood,
    /// A request was malformed, oversized or cut off.
    RequestMalformed,
    /// The way back to a peer was lost before our answer was sent, or we refused to answer.
    RequestUnanswered,
    /// A ticket was answered too late or twice, or never.
    AnswerLate,
    /// A request of ours was not sent: too many under way, or no place for its outcome.
    AskRefused,
    /// A connection did not come about: garbage, limits, a failed handshake.
    ConnectionRefused,
    /// A peer of another network, or one whose key is no hotkey, was sent away.
    WrongNetwork,
    /// A dial failed.
    DialFailed,
    /// A link carried gossip too slowly, which was dropped.
    SlowPeer,
}

impl Counter {
    const ALL: [(Self, &'static str); 18] = [
        (Self::CommandRefused, "command_refused"),
        (Self::CommandTooLarge, "command_too_large"),
        (Self::GossipDropped, "gossip_dropped"),
        (Self::GossipFlood, "gossip_flood"),
        (Self::GossipTooLarge, "gossip_too_large"),
        (Self::GossipJudgedLate, "gossip_judged_late"),
        (Self::GossipExpired, "gossip_expired"),
        (Self::GossipUnsent, "gossip_unsent"),
        (Self::RequestRefused, "request_refused"),
        (Self::RequestFlood, "request_flood"),
        (Self::RequestMalformed, "request_malformed"),
        (Self::RequestUnanswered, "request_unanswered"),
        (Self::AnswerLate, "answer_late"),
        (Self::AskRefused, "ask_refused"),
        (Self::ConnectionRefused, "connection_refused"),
        (Self::WrongNetwork, "wrong_network"),
        (Self::DialFailed, "dial_failed"),
        (Self::SlowPeer, "slow_peer"),
    ];
}

/// One number for each [`Counter`], shared between the task and its readers.
#[derive(Debug, Default)]
pub struct Counters([AtomicU64; Counter::ALL.len()]);

impl Counters {
    /// Counts one.
    pub fn add(&self, counter: Counter) {
        self.add_many(counter, 1);
    }

    /// Counts several at once.
    pub fn add_many(&self, counter: Counter, times: usize) {
        self.0[counter as usize].fetch_add(times as u64, Ordering::Relaxed);
    }

    /// How many so far.
    pub fn get(&self, counter: Counter) -> u64 {
        self.0[counter as usize].load(Ordering::Relaxed)
    }

    /// All of them by name.
    pub fn snapshot(&self) -> BTreeMap<&'static str, u64> {
        Counter::ALL.iter().map(|(counter, name)| (*name, self.get(*counter))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_counts_under_its_own_name() {
        for (at, (counter, name)) in Counter::ALL.into_iter().enumerate() {
            assert_eq!(counter as usize, at, "{name}");
            let counters = Counters::default();
            counters.add(counter);
            assert_eq!(counters.snapshot().values().sum::<u64>(), 1);
            assert_eq!(counters.snapshot()[name], 1);
        }
    }
}
