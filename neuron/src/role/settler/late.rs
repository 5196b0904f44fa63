//! How a settler learns that it is late, and whom it asks.
use protocol::message::Heard;
use protocol::settlement::Certified;

use super::Settler;
use crate::role::{Effect, Moment, Timer};

impl Settler {
    /// Words about a later height by somebody with a say mean that we are late; so may a later settlement.
    pub(super) fn notice(&mut self, heard: &Heard, height: u64) {
        let credible = match heard {
            Heard::Telling(words) => words.authors().iter().any(|author| self.has_say(author)),
            // Not proven, but it costs one fetch at most to find out.
            Heard::Settled(_) => true,
            _ => false,
        };
        if credible && height <= self.head.ledger.height() + 1 + self.head.ledger.parameters().gossip_window {
            self.ahead = self.ahead.max(height.saturating_sub(1));
        }
    }

    /// Asks a peer for what we miss, if others are ahead or nothing was settled for a while.
    pub(super) fn catch_up(&mut self, moment: Moment) -> Vec<Effect> {
        let interval = self.head.ledger.parameters().interval;
        let quiet = moment.now.saturating_sub(self.head.ledger.time()) > 3 * interval;
        let mut effects = vec![Effect::Schedule(Timer::CatchUp, interval)];
        if quiet || self.ahead > self.head.ledger.height() {
            effects.push(self.fetch(moment));
        }
        effects
    }

    /// Asks one of those who settle, or whoever is connected: the set that we know may be long gone.
    pub(super) fn fetch(&self, moment: Moment) -> Effect {
        let members = self.head.ledger.validators().members().iter().map(|(hotkey, _)| *hotkey);
        let peers: Vec<_> = members.filter(|member| *member != self.keypair.hotkey()).collect();
        let draw = moment.seed.to_u64() as usize;
        let settles = peers.get(draw / 2 % peers.len().max(1)).filter(|_| draw.is_multiple_of(2));
        Effect::Fetch(settles.copied(), self.head.ledger.height() + 1)
    }

    pub(super) fn fetched(&mut self, moment: Moment, settlements: &[Certified]) -> Vec<Effect> {
        if settlements.is_empty() {
            self.ahead = self.head.ledger.height();
        }
        settlements.iter().flat_map(|certified| self.enter(moment, certified.clone())).collect()
    }
}
