//! A settler that was away for longer than those who settled when it left are believed.
use crypto::Hash;
use protocol::message::Heard;
use protocol::settlement::Certified;

use super::*;
use crate::role::bench::{Bench, flat, settled};
use crate::role::{Input, Recovered, Role, Timer};

/// What it says when it stops.
fn halted(effects: &[Effect]) -> Option<String> {
    flat(effects.to_vec()).into_iter().find_map(|effect| match effect {
        Effect::Halt(reason) => Some(reason),
        _ => None,
    })
}

fn told(settler: &mut Settler, bench: &Bench, certified: &Certified) -> Vec<Effect> {
    settler.handle(bench.moment(), &Input::Told(Heard::Settled(Box::new(certified.clone()))))
}

#[test]
fn who_was_away_for_too_long_stops_and_asks_for_a_checkpoint() {
    let mut bench = Bench::new(4, 2);
    bench.settle(&[]);
    let time = bench.tip.0.time();
    for (period, vouched, believes) in
        [(Some(99_999), 0, false), (Some(100_000), 0, true), (Some(99_999), time + 1, true), (None, 0, true)]
    {
        let moment = Moment { now: time + 100_000, ..bench.moment() };
        let trust = Trust { period, vouched, checkpoint: None };
        for input in [Input::Started, Input::Elapsed(Timer::CatchUp)] {
            let (ledger, tip) = bench.tip.clone();
            let recovered = Recovered { ledger: Some(ledger), tip, trust, ..Recovered::default() };
            let reason = halted(&bench.recovered(4, recovered).handle(moment, &input));
            assert_eq!(reason.is_none(), believes, "{trust:?}: {reason:?}");
            let remedy = "name a recent --checkpoint HEIGHT:HASH";
            assert!(reason.is_none_or(|reason| reason.contains(remedy)));
        }
    }
}

/// A network's first settlements, and a validator that has none of them but a checkpoint.
fn away(checkpoint: impl Fn(&[Certified]) -> Checkpoint) -> (Bench, Vec<Certified>, Settler) {
    let mut bench = Bench::new(4, 2);
    let chain: Vec<_> = (0..4).map(|_| bench.settle(&[])).collect();
    let trust = Trust { checkpoint: Some(checkpoint(&chain)), period: Some(1), vouched: 0 };
    let settler = bench.recovered(1, Recovered { trust, ..Recovered::default() });
    (bench, chain, settler)
}

#[test]
fn a_checkpoint_is_followed_without_a_vote_and_counts_once_it_is_reached() {
    let named = |chain: &[Certified]| Checkpoint { height: 3, hash: chain[2].settlement.header.hash() };
    let (bench, chain, mut settler) = away(named);
    let begins = |settler: &mut Settler| {
        !settler.handle(bench.moment(), &Input::Elapsed(Timer::NextHeight)).is_empty()
    };
    assert!(halted(&settler.handle(bench.moment(), &Input::Started)).is_none());
    for certified in &chain[..3] {
        assert!(!begins(&mut settler), "a vote before {certified:?}");
        assert!(settled(&told(&mut settler, &bench, certified)).is_some());
    }
    assert!(begins(&mut settler));
}

#[test]
fn what_leads_to_another_header_is_written_and_stops_the_neuron() {
    let lied = Checkpoint { height: 2, hash: Hash([9; 32]) };
    let (bench, chain, mut settler) = away(|_| lied);
    assert!(settled(&told(&mut settler, &bench, &chain[0])).is_some());
    let effects = told(&mut settler, &bench, &chain[1]);
    let [Effect::Persist(Persist { entries, .. })] = &effects[..] else { panic!("{effects:?}") };
    assert!(matches!(&entries[..], [Entry::Settled(settled)] if settled.certified == chain[1]));
    let found = Checkpoint { hash: chain[1].settlement.header.hash(), ..lied };
    let reason = halted(&effects).expect("it stops");
    assert!(reason.contains(&found.to_string()) && reason.contains(&lied.to_string()), "{reason}");
    assert!(settled(&told(&mut settler, &bench, &chain[2])).is_none(), "nothing after it counts");
}
