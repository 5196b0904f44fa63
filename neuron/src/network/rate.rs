//! How much one peer may send: a token bucket each, kept as the time at which it is full again.
use std::collections::HashMap;
use std::time::{Duration, Instant};

use libp2p::PeerId;

/// A bucket for each peer that sent something lately.
#[derive(Debug)]
pub(super) struct Rate {
    interval: Duration,
    burst: u32,
    full_again: HashMap<PeerId, Instant>,
}

impl Rate {
    /// `burst` tokens at once and `per_second` more each second.
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        Self { interval: Duration::from_secs(1) / per_second, burst, full_again: HashMap::new() }
    }

    /// Takes `tokens` from the bucket of `peer`; false, and nothing taken, if it holds fewer.
    pub(super) fn take(&mut self, peer: PeerId, tokens: u32, now: Instant) -> bool {
        let full_again = self.full_again.get(&peer).map_or(now, |at| (*at).max(now)) + self.interval * tokens;
        let allowed = full_again - now <= self.interval * self.burst;
        if allowed {
            self.full_again.insert(peer, full_again);
        }
        allowed
    }

    /// Forgets full buckets: a peer that is not listed has one.
    pub(super) fn forget_full(&mut self, now: Instant) {
        self.full_again.retain(|_, at| *at > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_rate_and_no_more() {
        let (mut rate, peer, now) = (Rate::new(10, 3), PeerId::random(), Instant::now());
        let allowed = |rate: &mut Rate, ms| rate.take(peer, 1, now + Duration::from_millis(ms));
        assert_eq!([0, 0, 0, 0].map(|ms| allowed(&mut rate, ms)), [true, true, true, false]);
        assert_eq!([50, 100, 101, 200].map(|ms| allowed(&mut rate, ms)), [false, true, false, true]);
        assert!(rate.take(PeerId::random(), 3, now));
        rate.forget_full(now + Duration::from_secs(1));
        assert!(rate.full_again.is_empty());
    }
}
