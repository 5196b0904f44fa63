//! A settler that was away, among peers of which some are slow, some behind, and some lie.
use std::collections::BTreeSet;

use super::*;
use crate::role::bench::{Bench, flat, settled};
use crate::role::{BATCH, Input, Recovered, Role};

/// Two batches, and some more.
const CHAIN: u64 = 2 * BATCH as u64 + 12;

/// A network with its settlements from height 1 on.
struct Network {
    bench: Bench,
    chain: Vec<Certified>,
}

impl Network {
    fn new(heights: u64) -> Self {
        let mut bench = Bench::new(4, 2);
        let chain = (0..heights).map(|_| bench.settle(&[])).collect();
        Self { bench, chain }
    }

    fn peer(&self, key: usize) -> Hotkey {
        self.bench.keys[key].hotkey()
    }

    /// A neuron that has nothing; its key is a miner's.
    fn late(&self) -> Settler {
        self.bench.recovered(4, Recovered::default())
    }

    /// What an honest peer hands over.
    fn honest(&self, first: u64) -> Delivery {
        let rest = self.chain.iter().skip(first as usize - 1);
        Delivery::Settlements(rest.take(BATCH).cloned().collect(), self.chain.len() as u64)
    }

    fn moment(&self, step: u64) -> Moment {
        let seed = crypto::hash("late tests", &[&step.to_le_bytes()]);
        Moment { now: self.bench.moment().now + step, seed }
    }

    /// Hands `delivery` to `late` in the name of `key`, who was asked for what follows `first`.
    fn hand(&self, late: &mut Settler, key: usize, first: u64, delivery: Delivery) -> Vec<Effect> {
        let range = Range { peer: Some(self.peer(key)), first, delivery };
        late.handle(self.moment(0), &Input::Fetched(range))
    }
}

fn shunned(effects: &[Effect]) -> Vec<(Hotkey, String)> {
    let shunned = effects.iter().filter_map(|effect| match effect {
        Effect::Shun(peer, fault) => Some((*peer, fault.clone())),
        _ => None,
    });
    shunned.collect()
}

fn asked(effects: &[Effect]) -> Vec<(Source, u64)> {
    let asked = effects.iter().filter_map(|effect| match effect {
        Effect::Fetch(source, first) => Some((source.clone(), *first)),
        _ => None,
    });
    asked.collect()
}

type Lie = (&'static str, fn(&mut Vec<Certified>), &'static str, u64);

/// What is wrong with a range of three, what the dropped peer is told of, and the height that was reached before.
const LIES: [Lie; 7] = [
    ("nobody signed", |range| range[1].certificate.signatures.clear(), "more than two thirds", 1),
    (
        "a signature is forged",
        |range| range[1].certificate.signatures[2].1 = range[0].certificate.signatures[2].1,
        "bad precommit",
        1,
    ),
    ("reordered", |range| range.swap(0, 2), "settlement 3 in the place of 1", 0),
    ("the first is missing", |range| drop(range.remove(0)), "settlement 2 in the place of 1", 0),
    ("another network's", |range| range[2].settlement.header.genesis = Hash([7; 32]), "another network", 0),
    ("another parent", |range| range[1].settlement.header.parent = Hash([7; 32]), "does not follow", 0),
    ("another body", |range| range[1].settlement.body.parent_certificate = None, "the body is another's", 0),
];

#[test]
fn who_sends_what_no_honest_peer_sends_is_dropped_and_named() {
    let network = Network::new(3);
    for (what, lie, told, reached) in LIES {
        let mut late = network.late();
        let mut range = network.chain.clone();
        lie(&mut range);
        let effects = network.hand(&mut late, 1, 1, Delivery::Settlements(range, 3));
        let [(peer, fault)] = &shunned(&effects)[..] else { panic!("{what}: {effects:?}") };
        assert!(*peer == network.peer(1) && fault.contains(told), "{what}: {fault}");
        assert_eq!(late.head.ledger.height(), reached, "{what}");
        let effects = network.hand(&mut late, 1, reached + 1, network.honest(reached + 1));
        assert!(settled(&effects).is_none(), "{what}: it is not listened to");
        network.hand(&mut late, 2, reached + 1, network.honest(reached + 1));
        assert_eq!(late.head.ledger.height(), 3, "{what}");
    }
    let effects = network.hand(&mut network.late(), 1, 1, Delivery::Malformed("gibberish".to_owned()));
    assert_eq!(shunned(&effects), [(network.peer(1), "gibberish".to_owned())]);
}

#[test]
fn nobody_is_blamed_for_being_busy_behind_short_or_twice_asked() {
    let network = Network::new(3);
    let mut late = network.late();
    let short = |from: usize| Delivery::Settlements(vec![network.chain[from].clone()], 3);
    for (first, delivery) in [
        (1, Delivery::Nothing),
        (1, Delivery::Settlements(Vec::new(), 0)),
        (1, Delivery::Settlements(Vec::new(), 3)),
        (3, short(2)),
        (1, short(0)),
        (1, network.honest(1)),
        (1, network.honest(1)),
    ] {
        let effects = network.hand(&mut late, 1, first, delivery);
        assert!(shunned(&effects).is_empty(), "{effects:?}");
    }
    assert_eq!(late.head.ledger.height(), 3);
}

#[test]
fn a_range_is_written_at_once() {
    let network = Network::new(3);
    let effects = network.hand(&mut network.late(), 1, 1, network.honest(1));
    let writes = effects.iter().filter_map(|effect| match effect {
        Effect::Persist(persist) => Some(persist.entries.len()),
        _ => None,
    });
    assert_eq!(writes.collect::<Vec<_>>(), [3]);
    assert_eq!(flat(effects).iter().filter(|effect| matches!(effect, Effect::Settle(_))).count(), 3);
}

#[test]
fn several_ranges_are_asked_for_each_of_another_peer() {
    let network = Network::new(1);
    for step in 0..20 {
        let mut late = network.late();
        let delivery = Delivery::Settlements(network.chain.clone(), 1_000);
        let range = Range { peer: Some(network.peer(1)), first: 1, delivery };
        let asked = asked(&late.handle(network.moment(step), &Input::Fetched(range)));
        assert_eq!(asked.iter().map(|(_, first)| *first).collect::<Vec<_>>(), [2, 66, 130]);
        let mut peers = BTreeSet::new();
        for (source, _) in &asked {
            match source {
                Source::Peer(peer) => assert!(peers.insert(*peer), "{asked:?}"),
                Source::AnyoneBut(avoided) => assert!(peers.iter().all(|peer| avoided.contains(peer))),
            }
        }
    }
}

#[test]
fn what_a_slow_peer_was_asked_for_is_asked_for_again() {
    let network = Network::new(3);
    let mut late = network.late();
    let look = |late: &mut Settler, step| {
        asked(&late.handle(network.moment(step), &Input::Elapsed(Timer::CatchUp))).len()
    };
    assert_eq!([0, 1_000, 2_999, 3_000, 3_001].map(|step| look(&mut late, step)), [1, 0, 0, 1, 0]);
}

#[test]
fn who_boasts_of_heights_that_do_not_exist_costs_a_few_requests() {
    let network = Network::new(3);
    let mut late = network.late();
    let boast = Delivery::Settlements(network.chain.clone(), u64::MAX);
    let mut asked = asked(&network.hand(&mut late, 1, 1, boast));
    assert_eq!(asked.len(), 3);
    let mut more = 0;
    while let Some((_, first)) = asked.pop() {
        more += self::asked(&network.hand(&mut late, 2, first, Delivery::Settlements(Vec::new(), 3))).len();
    }
    assert_eq!((more, late.late.ahead), (0, 3));
}

/// What each peer does with what it would hand over: the first two validators and one miner lie as told.
fn serve(
    network: &Network,
    liars: &[usize],
    lie: fn(&mut Vec<Certified>),
    key: usize,
    first: u64,
) -> Delivery {
    match network.honest(first) {
        Delivery::Settlements(mut range, tip) if liars.contains(&key) && range.len() >= 3 => {
            lie(&mut range);
            Delivery::Settlements(range, tip)
        }
        honest => honest,
    }
}

#[test]
fn among_many_liars_a_late_node_arrives_and_drops_none_but_them() {
    let network = Network::new(CHAIN);
    let liars = [1, 2, 5];
    for (what, lie, ..) in LIES {
        let (mut late, mut named) = (network.late(), BTreeSet::new());
        let mut effects = late.handle(network.moment(0), &Input::Elapsed(Timer::CatchUp));
        let mut step = 0;
        while late.head.ledger.height() < CHAIN {
            step += 1;
            assert!(step < 500, "{what}: it is at {} of {CHAIN}", late.head.ledger.height());
            let peers = |source: &Source| match source {
                Source::Peer(peer) => Some(*peer),
                Source::AnyoneBut(avoided) => {
                    [5, 0, 3].map(|key| network.peer(key)).into_iter().find(|peer| !avoided.contains(peer))
                }
            };
            // The last that was asked answers first.
            let next = asked(&effects).pop().and_then(|(source, first)| Some((peers(&source)?, first)));
            effects.retain(
                |effect| !matches!(effect, Effect::Fetch(_, first) if Some(*first) == next.map(|n| n.1)),
            );
            let moment = network.moment(step * 100);
            let heard = match next {
                Some((peer, first)) => {
                    let key = network.bench.keys.iter().position(|key| key.hotkey() == peer).unwrap();
                    let delivery = serve(&network, &liars, lie, key, first);
                    Input::Fetched(Range { peer: Some(peer), first, delivery })
                }
                None => Input::Elapsed(Timer::CatchUp),
            };
            effects.extend(late.handle(moment, &heard));
            named.extend(shunned(&effects).into_iter().map(|(peer, _)| peer));
        }
        assert!(!named.is_empty() && named.is_subset(&liars.map(|key| network.peer(key)).into()), "{what}");
    }
}
