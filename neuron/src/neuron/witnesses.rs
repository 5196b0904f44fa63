//! Peers who say that what comes next here is pruned, and when their word counts: then only a snapshot helps.
use std::collections::BTreeSet;

use crypto::Hotkey;
use protocol::ledger::Ledger;

use super::newcomer;

/// Peers whose word is enough, as all who settled here last may be gone.
const ENOUGH: usize = 3;

/// Intervals that nothing is settled here before their word counts: who has what comes next hands it over much sooner,
/// and a lie costs us no more than a start in that time.
const STANDSTILL: u64 = 32;

/// Starts after which that time is no longer doubled: nobody who lies may keep us from a network that stands still.
const DOUBLINGS: u32 = 10;

/// Who said so since the ledger last moved on.
#[derive(Debug)]
pub(super) struct Witnesses {
    /// Settlements between two snapshots.
    snapshots: u64,
    /// Intervals before their word counts.
    standstill: u64,
    /// Where the ledger is.
    height: u64,
    /// When it was first said there, in milliseconds since 1970.
    since: u64,
    /// At most [`ENOUGH`].
    peers: BTreeSet<Hotkey>,
}

impl Witnesses {
    /// Of a neuron that has begun anew so often: if that did not help, it waits longer.
    pub(super) fn new(snapshots: u64, begun_anew: u32) -> Self {
        let standstill = STANDSTILL << begun_anew.min(DOUBLINGS);
        Self { snapshots, standstill, height: 0, since: 0, peers: BTreeSet::new() }
    }

    /// Takes a peer's word, and says whether there is nothing left but to begin anew.
    ///
    /// Whoever is level can be told what one likes: by our own clock the network must have had the time to make a
    /// snapshot since our last settlement.
    pub(super) fn hear(&mut self, peer: Hotkey, ledger: &Ledger, now: u64) -> bool {
        if self.peers.is_empty() || self.height != ledger.height() {
            (self.height, self.since) = (ledger.height(), now);
            self.peers.clear();
        }
        if self.peers.len() < ENOUGH {
            self.peers.insert(peer);
        }
        let standstill = self.standstill.saturating_mul(ledger.parameters().interval);
        newcomer::may_be_ahead(ledger, self.snapshots, now)
            && now.saturating_sub(self.since) >= standstill
            && self.are_enough(ledger)
    }

    /// Among those with more than a third of the stake one is honest.
    fn are_enough(&self, ledger: &Ledger) -> bool {
        let (set, peers) = (ledger.validators(), self.peers.iter().copied().collect::<Vec<_>>());
        peers.len() >= ENOUGH || set.has_honest(set.stake(&peers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::bench::Bench;

    /// Heights between two snapshots.
    const SNAPSHOTS: u64 = 100;

    /// A network of four who settle and two who do not, once it may have made a snapshot.
    struct Network {
        bench: Bench,
        witnesses: Witnesses,
        now: u64,
    }

    impl Network {
        fn new() -> Self {
            let bench = Bench::new(4, 2);
            let ledger = &bench.tip.0;
            let now = ledger.time() + SNAPSHOTS * ledger.parameters().interval;
            Self { bench, witnesses: Witnesses::new(SNAPSHOTS, 0), now }
        }

        fn pass(&mut self, intervals: u64) {
            self.now += intervals * self.bench.tip.0.parameters().interval;
        }

        fn hears(&mut self, peer: usize) -> bool {
            self.witnesses.hear(self.bench.keys[peer].hotkey(), &self.bench.tip.0, self.now)
        }
    }

    #[test]
    fn more_than_a_third_of_the_stake_or_three_peers_are_believed_after_a_standstill() {
        for (peers, believed) in [(&[0, 1][..], true), (&[3, 4, 5], true), (&[0, 4], false), (&[0], false)] {
            let mut network = Network::new();
            for _ in 0..2 {
                assert!(!peers.iter().any(|peer| network.hears(*peer)), "the ledger may move on yet");
                network.pass(STANDSTILL - 1);
            }
            let heard: Vec<_> = peers.iter().map(|peer| network.hears(*peer)).collect();
            assert_eq!(heard, vec![believed; peers.len()], "{peers:?}");
        }
    }

    #[test]
    fn who_began_anew_in_vain_waits_twice_as_long_the_next_time() {
        for (begun_anew, standstill) in
            [(0, STANDSTILL), (1, 2 * STANDSTILL), (u32::MAX, STANDSTILL << DOUBLINGS)]
        {
            let mut network = Network::new();
            network.witnesses = Witnesses::new(SNAPSHOTS, begun_anew);
            assert!(!network.hears(3) && !network.hears(4));
            network.pass(standstill - 1);
            assert!(!network.hears(5), "{begun_anew}");
            network.pass(1);
            assert!(network.hears(5), "{begun_anew}");
        }
    }

    #[test]
    fn one_liar_is_never_believed_however_often_it_says_so() {
        let mut network = Network::new();
        for _ in 0..100 {
            network.pass(STANDSTILL);
            assert!(!network.hears(5));
        }
    }

    #[test]
    fn nobody_makes_a_neuron_begin_anew_that_settled_something_since_the_last_snapshot_could_be_made() {
        let mut network = Network::new();
        network.pass(1_000);
        network.now = network.bench.tip.0.time();
        (0..6).for_each(|peer| assert!(!network.hears(peer)));
        network.pass(SNAPSHOTS - 1);
        (0..6).for_each(|peer| assert!(!network.hears(peer)));
        network.pass(1);
        assert!(network.hears(0), "it may be behind by now");
    }

    #[test]
    fn a_settlement_clears_what_was_said() {
        let mut network = Network::new();
        assert!((0..3).all(|peer| !network.hears(peer)));
        network.pass(STANDSTILL);
        let said = network.bench.settle(&[]);
        assert_eq!(said.settlement.header.height, 1);
        network.pass(SNAPSHOTS);
        assert!(!network.hears(0), "the others said it of the height before");
        network.pass(STANDSTILL);
        assert!(!network.hears(0));
        assert!(network.hears(1));
    }
}
