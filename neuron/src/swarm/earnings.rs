//! When the first settlement paid a miner and a validator.
use std::time::{Duration, Instant};

use super::Look;

/// What was earned since the swarm started.
#[derive(Debug, Default)]
pub(super) struct Earnings {
    /// What miners and validators had earned when first looked at: an earlier run may have paid them.
    before: Option<[u64; 2]>,
    /// When both had more.
    pub(super) first: Option<Duration>,
}

impl Earnings {
    pub(super) fn note(&mut self, look: &Look, began: Instant) {
        if look.graph.is_none() || self.first.is_some() {
            return;
        }
        let now = ["miner", "validator"].map(|role| earned(look, role));
        let before = *self.before.get_or_insert(now);
        if now[0] > before[0] && now[1] > before[1] {
            self.first = Some(began.elapsed());
        }
    }
}

fn earned(look: &Look, role: &str) -> u64 {
    let rows = look.graph.iter().flat_map(|graph| &graph.neurons);
    rows.filter(|row| row.role == role).map(|row| row.emission).sum()
}
