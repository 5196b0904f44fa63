//! What becomes of messages between two nodes, as a scenario says.
use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use rand::rngs::StdRng;

/// How messages travel from one node to another; what is not said stays as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Link {
    /// The least that a message takes, in milliseconds.
    pub latency_ms: Option<u64>,
    /// The most that is added to it, in milliseconds.
    pub jitter_ms: Option<u64>,
    /// The chance that a message is lost.
    pub loss: Option<f64>,
    /// The chance that a message comes twice.
    pub duplicate: Option<f64>,
    /// Bytes a second, if there is a limit.
    pub bandwidth: Option<u64>,
}

/// The least that a message takes where nothing is said, in milliseconds.
const LATENCY_MS: u64 = 1;

/// The most that is added to it where nothing is said of either.
const JITTER_MS: u64 = 59;

/// Who does not hear whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Those of one side hear nobody of another; who is on no side hears everybody.
    Sides(Vec<BTreeSet<usize>>),
    /// What these say is not heard by those.
    OneWay(BTreeSet<usize>, BTreeSet<usize>),
}

/// All links of a network.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    /// From whom to whom; what a later one says holds.
    pub(crate) ways: Vec<(u64, BTreeSet<usize>, BTreeSet<usize>, Link)>,
    /// By number.
    pub(crate) cuts: Vec<(u64, Cut)>,
    /// Until when each thin way is taken by what was sent, in microseconds.
    taken: BTreeMap<(usize, usize), u64>,
}

/// What would wait longer for its turn on a thin way is lost, in milliseconds: queues are finite.
pub(crate) const BACKLOG_MS: u64 = 60_000;

impl Links {
    /// What is said of the way from one to another.
    pub(crate) fn of(&self, from: usize, to: usize) -> Link {
        let ways = self.ways.iter().filter(|(_, a, b, _)| a.contains(&from) && b.contains(&to));
        ways.fold(Link::default(), |before, (.., link)| Link {
            latency_ms: link.latency_ms.or(before.latency_ms),
            jitter_ms: link.jitter_ms.or(before.jitter_ms),
            loss: link.loss.or(before.loss),
            duplicate: link.duplicate.or(before.duplicate),
            bandwidth: link.bandwidth.or(before.bandwidth),
        })
    }

    /// Whether nothing comes through.
    pub(crate) fn is_cut(&self, from: usize, to: usize) -> bool {
        self.cuts.iter().any(|(_, cut)| match cut {
            Cut::Sides(sides) => {
                let side = |node| sides.iter().position(|side| side.contains(&node));
                matches!((side(from), side(to)), (Some(a), Some(b)) if a != b)
            }
            Cut::OneWay(these, those) => these.contains(&from) && those.contains(&to),
        })
    }

    /// Undoes a change.
    pub(crate) fn mend(&mut self, number: u64) {
        self.ways.retain(|(known, ..)| *known != number);
        self.cuts.retain(|(known, _)| *known != number);
    }

    /// How long each copy of a message of so many bytes takes that leaves now, in milliseconds; none if it is lost.
    pub(super) fn delays(
        &mut self,
        rng: &mut StdRng,
        now: u64,
        (from, to): (usize, usize),
        size: usize,
    ) -> Vec<u64> {
        let link = self.of(from, to);
        if self.is_cut(from, to) || rng.random_bool(link.loss.unwrap_or(0.0)) {
            return Vec::new();
        }
        let copies = if rng.random_bool(link.duplicate.unwrap_or(0.0)) { 2 } else { 1 };
        let sending = link.bandwidth.map_or(Some(0), |bytes| self.send(now, (from, to), size, bytes));
        let Some(sending) = sending else { return Vec::new() };
        let jitter = link.jitter_ms.unwrap_or(if link.latency_ms.is_some() { 0 } else { JITTER_MS });
        let latency = link.latency_ms.unwrap_or(LATENCY_MS);
        let delay = |_| latency + rng.random_range(0..=jitter) + sending;
        (0..copies).map(delay).collect()
    }

    /// How long a message waits for its turn on a way of so many bytes a second, and for its last byte, in milliseconds.
    fn send(&mut self, now: u64, way: (usize, usize), size: usize, bandwidth: u64) -> Option<u64> {
        let now = now * 1_000;
        let free = self.taken.get(&way).copied().unwrap_or_default().max(now);
        let sent = free + size as u64 * 1_000_000 / bandwidth.max(1);
        let wait = (sent - now).div_ceil(1_000);
        (wait <= BACKLOG_MS).then(|| {
            self.taken.insert(way, sent);
            wait
        })
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn heard(links: &Links, from: usize, to: usize) -> bool {
        !links.clone().delays(&mut StdRng::seed_from_u64(1), 0, (from, to), 100).is_empty()
    }

    #[test]
    fn a_partition_cuts_its_sides_and_nobody_else() {
        let sides = Cut::Sides(vec![BTreeSet::from([0, 1]), BTreeSet::from([2])]);
        let links = Links { cuts: vec![(1, sides)], ..Links::default() };
        for (from, to, hears) in [(0, 1, true), (0, 2, false), (2, 1, false), (3, 0, true), (2, 3, true)] {
            assert_eq!(heard(&links, from, to), hears, "{from} to {to}");
        }
    }

    #[test]
    fn a_one_way_cut_is_one_way() {
        let cut = Cut::OneWay(BTreeSet::from([0]), BTreeSet::from([1, 2]));
        let links = Links { cuts: vec![(1, cut)], ..Links::default() };
        assert!(!heard(&links, 0, 1) && heard(&links, 1, 0) && heard(&links, 0, 3));
    }

    #[test]
    fn what_the_later_of_two_links_says_holds_and_a_thin_one_takes_longer_for_more() {
        let all = || (0..3).collect::<BTreeSet<_>>();
        let slow = Link { latency_ms: Some(40), ..Link::default() };
        let thin = Link { bandwidth: Some(1_000), ..Link::default() };
        let ways = vec![(0, all(), all(), slow), (1, all(), BTreeSet::from([2]), thin)];
        let mut links = Links { ways, ..Links::default() };
        let mut rng = StdRng::seed_from_u64(1);
        let mut delays = |now, to, size| links.delays(&mut rng, now, (0, to), size);
        assert_eq!((delays(0, 1, 500), delays(0, 1, 500)), (vec![40], vec![40]));
        assert_eq!(
            (delays(0, 2, 500), delays(100, 2, 500)),
            (vec![540], vec![940]),
            "one waits for the other"
        );
        assert_eq!(
            (delays(5_000, 2, 500), delays(5_000, 2, 60_000)),
            (vec![540], vec![]),
            "queues are finite"
        );
    }
}
