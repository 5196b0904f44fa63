//! What goes wrong in a history, drawn from its seed.
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Copies that a message may arrive in.
const DUPLICATES: f64 = 0.05;

/// The longest an ordinary write to disk takes, in virtual milliseconds.
const SYNC_MS: u64 = 30;

/// The chance that a disk is busy for a span of time before calm.
const BUSY_DISK: f64 = 0.25;

/// The longest an ordinary message travels, in virtual milliseconds.
const DELAY_MS: u64 = 60;

/// How often the network is cut anew, and other disks are busy, in virtual milliseconds.
const SPAN_MS: u64 = 4_000;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Faults {
    /// From here on messages arrive, and soon; in virtual milliseconds.
    pub calm_after_ms: u64,
    /// The chance that a message is lost.
    pub loss: f64,
    /// The chance that a message is a slow one before calm.
    pub slow: f64,
    /// The longest a slow message travels, in milliseconds.
    pub delay_ms: u64,
    /// The chance that a span of time sees the network cut in two.
    pub partition: f64,
    /// How many times a node is stopped from outside.
    pub crashes: usize,
    /// The longest a write to a busy disk takes, in milliseconds.
    pub sync_ms: u64,
    /// The chance of dying at any write to disk.
    pub crash_at_sync: f64,
    /// Where the cuts go.
    pub seed: u64,
}

/// A rule broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Half of the stake decides.
    #[cfg(feature = "planted-faults")]
    HalfIsQuorum,
    /// A restart does not see the vote log.
    VotesForgotten,
    /// A restart does not see the drafts that were voted on.
    DraftsForgotten,
    /// What must wait for a write leaves before it is synced.
    SyncsIgnored,
}

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self {
            calm_after_ms: 0,
            loss: 0.0,
            slow: 0.0,
            delay_ms: DELAY_MS,
            partition: 0.0,
            crashes: 0,
            sync_ms: SYNC_MS,
            crash_at_sync: 0.0,
            seed: 0,
        }
    }

    /// A mix of its own for every seed.
    pub fn drawn(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed ^ 0xfa17);
        Self {
            calm_after_ms: 40_000,
            loss: rng.random_range(0.0..0.3) * rng.random_range(0.0..1.0),
            slow: rng.random_range(0.0..1.0) * rng.random_range(0.0..0.5),
            delay_ms: 100 << rng.random_range(0..7),
            partition: rng.random_range(0.0..0.6) * rng.random_range(0.0..1.0),
            crashes: 12,
            sync_ms: rng.random_range(100..800),
            crash_at_sync: 0.01,
            seed,
        }
    }

    /// When which node goes down and comes back, in absolute milliseconds.
    pub(super) fn crashes(&self, nodes: usize, beginning: u64) -> Vec<(usize, u64, u64)> {
        let mut rng = StdRng::seed_from_u64(self.seed ^ 0xdead);
        let mut draw = || {
            let down = beginning + rng.random_range(500..self.calm_after_ms.max(501));
            (rng.random_range(0..nodes), down, down + rng.random_range(50..8_000))
        };
        (0..self.crashes).map(|_| draw()).collect()
    }

    /// How many copies of a message arrive. Twins stand on opposite sides of every cut.
    pub(super) fn copies(&self, rng: &mut StdRng, elapsed: u64, from: usize, to: usize) -> usize {
        if elapsed >= self.calm_after_ms {
            return 1;
        }
        if self.is_cut(elapsed, from, to) || rng.random_bool(self.loss) {
            return 0;
        }
        if rng.random_bool(DUPLICATES) { 2 } else { 1 }
    }

    /// How long a message travels, in milliseconds.
    pub(super) fn delay(&self, rng: &mut StdRng, elapsed: u64) -> u64 {
        let slow = elapsed < self.calm_after_ms && rng.random_bool(self.slow);
        rng.random_range(1..=if slow { self.delay_ms } else { DELAY_MS })
    }

    /// How long a node's disk takes to sync a write, in milliseconds.
    pub(super) fn sync(&self, rng: &mut StdRng, elapsed: u64, node: usize) -> u64 {
        let busy = elapsed < self.calm_after_ms && self.is_busy(elapsed, node);
        rng.random_range(0..=if busy { self.sync_ms } else { SYNC_MS })
    }

    fn is_busy(&self, elapsed: u64, node: usize) -> bool {
        self.span(0xd15c ^ (node as u64) << 48, elapsed).random_bool(BUSY_DISK)
    }

    fn is_cut(&self, elapsed: u64, from: usize, to: usize) -> bool {
        let mut rng = self.span(0xc07, elapsed);
        let cut = rng.random_bool(self.partition);
        let sides: u64 = rng.random();
        cut && (sides >> (from % 64) ^ sides >> (to % 64)) & 1 == 1
    }

    /// What is drawn once for a whole span of time.
    fn span(&self, what: u64, elapsed: u64) -> StdRng {
        StdRng::seed_from_u64(self.seed ^ what ^ (elapsed / SPAN_MS) << 20)
    }
}
