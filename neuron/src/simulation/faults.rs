//! What goes wrong in a history, drawn from its seed.
use std::fmt;
use std::str::FromStr;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The chance that a message arrives twice before calm.
const DUPLICATES: f64 = 0.05;

/// The furthest that clocks run apart, in milliseconds: a little less than what a voter tolerates.
const SKEW_MS: u64 = 1_900;

/// How long before calm the last node has come, in virtual milliseconds.
const LAST_COMER_MS: u64 = 5_000;

/// The longest an ordinary write to disk takes, in virtual milliseconds.
const SYNC_MS: u64 = 30;

/// The chance that a disk is busy for a span of time before calm.
const BUSY_DISK: f64 = 0.25;

/// The longest an ordinary message travels, in virtual milliseconds.
const DELAY_MS: u64 = 60;

/// Orders that owners of stake give in a rough history.
pub(super) const ORDERS: usize = 20;

/// How long after calm the last of them is given, in virtual milliseconds.
const LAST_ORDER_MS: u64 = 5_000;

/// One of so many nodes is the one that is cut off one way.
const ONE_WAY_NODES: usize = 8;

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
    /// The chance that a span of time sees a node that speaks and hears nothing, or hears and is not heard.
    pub one_way: f64,
    /// The chance that a draft's decision is seen by one node alone, which is not heard for a while.
    pub hidden: f64,
    /// How many nodes come late, with nothing.
    pub late: usize,
    /// How many times a node is stopped from outside.
    pub crashes: usize,
    /// The longest a write to a busy disk takes, in milliseconds.
    pub sync_ms: u64,
    /// The chance of dying at any write to disk.
    pub crash_at_sync: f64,
    /// How far clocks run apart, in milliseconds.
    pub skew_ms: u64,
    /// The chance that a message arrives twice before calm.
    pub duplicates: f64,
    /// How many orders owners of stake give: who settles and with how much changes.
    pub orders: usize,
    /// Where the cuts go.
    pub seed: u64,
}

/// A family of faults that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Messages are lost.
    Loss,
    /// Messages are late, and overtake each other.
    Delay,
    /// Messages arrive twice.
    Duplicates,
    /// The network is cut in two, or one way.
    Partitions,
    /// One node alone sees a decision, and is not heard for a while.
    Hidden,
    /// Nodes die and come back.
    Crashes,
    /// Disks are busy.
    Disks,
    /// Nodes come late, with nothing.
    Late,
    /// Clocks run apart.
    Skew,
    /// Stakes and those who settle change.
    Stakes,
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
            one_way: 0.0,
            hidden: 0.0,
            late: 0,
            crashes: 0,
            sync_ms: SYNC_MS,
            crash_at_sync: 0.0,
            skew_ms: 0,
            duplicates: 0.0,
            orders: 0,
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
            one_way: rng.random_range(0.0..0.3),
            late: rng.random_range(0..3),
            duplicates: DUPLICATES,
            orders: ORDERS,
            hidden: rng.random_range(0.0..0.3),
            skew_ms: rng.random_range(0..=SKEW_MS),
            seed,
        }
    }

    /// The same without the kinds of faults that are not named.
    pub fn only(mut self, kinds: &[Kind]) -> Self {
        let none = Self::none();
        for kind in Kind::ALL.into_iter().filter(|kind| !kinds.contains(kind)) {
            match kind {
                Kind::Loss => self.loss = none.loss,
                Kind::Delay => self.slow = none.slow,
                Kind::Duplicates => self.duplicates = none.duplicates,
                Kind::Partitions => (self.partition, self.one_way) = (none.partition, none.one_way),
                Kind::Hidden => self.hidden = none.hidden,
                Kind::Crashes => (self.crashes, self.crash_at_sync) = (none.crashes, none.crash_at_sync),
                Kind::Disks => self.sync_ms = none.sync_ms,
                Kind::Late => self.late = none.late,
                Kind::Skew => self.skew_ms = none.skew_ms,
                Kind::Stakes => self.orders = none.orders,
            }
        }
        self
    }

    /// How far the clock of the node of this number runs ahead, in milliseconds.
    pub(super) fn skew(&self, number: usize) -> u64 {
        StdRng::seed_from_u64(self.seed ^ 0xc10c ^ (number as u64) << 48).random_range(0..=self.skew_ms)
    }

    /// When each node begins, in virtual milliseconds.
    pub(super) fn begins(&self, nodes: usize) -> Vec<u64> {
        let mut rng = StdRng::seed_from_u64(self.seed ^ 0x1a7e);
        let mut begins = vec![0; nodes];
        let latest = self.calm_after_ms.saturating_sub(LAST_COMER_MS).max(1);
        (0..self.late.min(nodes))
            .for_each(|_| begins[rng.random_range(0..nodes)] = rng.random_range(0..latest));
        begins
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

    /// When which node is told an order, in absolute milliseconds.
    pub(super) fn orders(&self, nodes: usize, beginning: u64) -> Vec<(usize, u64)> {
        let mut rng = StdRng::seed_from_u64(self.seed ^ 0x57a4e);
        let last = self.calm_after_ms + LAST_ORDER_MS;
        let mut draw = || (rng.random_range(0..nodes), beginning + rng.random_range(0..last));
        (0..self.orders).map(|_| draw()).collect()
    }

    /// How many copies of a message arrive. Twins stand on opposite sides of every cut.
    pub(super) fn copies(&self, rng: &mut StdRng, elapsed: u64, from: usize, to: usize) -> usize {
        if elapsed >= self.calm_after_ms {
            return 1;
        }
        if self.is_cut(elapsed, from, to) || rng.random_bool(self.loss) {
            return 0;
        }
        if rng.random_bool(self.duplicates) { 2 } else { 1 }
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
        let apart = cut && (sides >> (from % 64) ^ sides >> (to % 64)) & 1 == 1;
        let one_way = rng.random_bool(self.one_way);
        let (mute, side) = (rng.random_range(0..ONE_WAY_NODES), rng.random());
        apart || one_way && mute == if side { from } else { to }
    }

    /// What is drawn once for a whole span of time.
    fn span(&self, what: u64, elapsed: u64) -> StdRng {
        StdRng::seed_from_u64(self.seed ^ what ^ (elapsed / SPAN_MS) << 20)
    }
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Loss,
        Self::Delay,
        Self::Duplicates,
        Self::Partitions,
        Self::Hidden,
        Self::Crashes,
        Self::Disks,
        Self::Late,
        Self::Skew,
        Self::Stakes,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", format!("{self:?}").to_lowercase())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(|kind| kind.to_string()).join(", ");
        let found = Self::ALL.into_iter().find(|kind| kind.to_string() == name);
        found.ok_or_else(|| format!("there are {}", known()))
    }
}
