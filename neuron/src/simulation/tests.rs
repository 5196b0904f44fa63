//! Who is silent, and what becomes of settlement meanwhile; and that the checks see what they are for.
mod power;

use std::sync::Arc;

use protocol::consensus::Evidence;
use protocol::consensus::vote::{Ballot, Vote};
use protocol::ledger::Ledger;
use protocol::message::Heard;
use protocol::telling::Words;
use protocol::{Signed, Verified};

use super::disk::Disk;
use super::*;
use crate::role::Settled;

/// When some fall silent, after the beginning, and for how long, in virtual milliseconds.
const SILENCE: (u64, u64) = (5_000, 30_000);

/// The longest time between two settlements if some of seven are silent for a while, in virtual milliseconds.
fn longest_wait(silent: &[usize]) -> u64 {
    let mut simulation = Simulation::new(Plan::calm(5, 7, 0, 20));
    for node in silent {
        simulation.at(BEGINNING + SILENCE.0, *node, Event::Crash);
        simulation.at(BEGINNING + SILENCE.0 + SILENCE.1, *node, Event::Restart);
    }
    simulation.play();
    assert!(!simulation.record.is_broken() && simulation.arrived(20), "they settle on");
    let times: Vec<_> = simulation.record.ledgers().iter().map(Ledger::time).collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).max().expect("something settled")
}

#[test]
fn settlement_goes_on_without_less_than_a_third_of_the_stake() {
    assert!(longest_wait(&[0, 3]) < SILENCE.1 / 2);
}

#[test]
fn settlement_halts_without_more_than_a_third_of_the_stake_until_they_return() {
    let halted = longest_wait(&[1, 4]);
    assert!((SILENCE.1 - 5_000..SILENCE.1 + 15_000).contains(&halted), "{halted}");
}

/// A network without faults whose first node has settled so many heights.
fn settled(height: u64) -> Simulation {
    let mut simulation = Simulation::new(Plan::calm(5, 4, 0, height));
    simulation.play();
    assert!(!simulation.record.is_broken());
    simulation
}

#[test]
fn every_node_is_held_to_its_own_certificate_and_its_own_ledger() {
    let forge = |harm: fn(&mut Settled, &[Ledger])| {
        let mut simulation = settled(4);
        let certified = simulation.nodes[1].disk.from(3, 1).remove(0);
        let ledger = simulation.record.ledgers()[3].clone();
        let mut settled = Settled { certified, ledger, changes: [].into() };
        harm(&mut settled, simulation.record.ledgers());
        simulation.record.settled(1, &Arc::new(settled));
        simulation.record.outcome(0, 0, 0).violations
    };
    assert_eq!(forge(|_, _| ()), []);
    let certificate = Violation::Certificate { height: 3, node: 1 };
    assert_eq!(forge(|settled, _| settled.certified.certificate.signatures.truncate(1)), [certificate]);
    let root = Violation::Root { height: 3, node: 1 };
    assert_eq!(forge(|settled, ledgers| settled.ledger = ledgers[2].clone()), [root]);
}

#[test]
fn a_history_in_which_everything_stops_is_stuck() {
    let mut simulation = Simulation::new(Plan::calm(5, 4, 0, 20));
    (0..4).for_each(|node| simulation.at(BEGINNING + SILENCE.0, node, Event::Crash));
    let outcome = simulation.run();
    assert!(matches!(outcome.violations[..], [Violation::Stuck { .. }]), "{:?}", outcome.violations);
}

/// What comes of it when a node that votes hears two votes of a twin, for other headers or the same.
fn hear_twice(headers: [u8; 2], accused: bool) -> Vec<Violation> {
    let mut simulation = Simulation::new(Plan { twins: 1, ..Plan::calm(5, 4, 0, 20) });
    while simulation.nodes[1].round().is_none() {
        simulation.step();
    }
    let (node, twin) = (1, simulation.plan.keypair(0));
    let sign = |header| {
        let vote = Vote::of(Ballot::Prevote, 1, 7, Some(Hash([header; 32])), twin.hotkey());
        Signed::author(&twin, &simulation.genesis, vote)
    };
    let votes = headers.map(sign);
    for vote in votes.clone() {
        simulation.witness(node, &Input::Told(Heard::Telling(Words::Votes(vec![vote]))));
    }
    if accused {
        let [one, other] = votes.map(Verified::into_signed);
        simulation.accuse(node, &[Evidence::votes(one, other)]);
    }
    simulation.goes_on(node, 2);
    simulation.record.outcome(0, 0, 0).violations
}

#[test]
fn whoever_hears_a_validator_contradict_itself_must_accuse_it() {
    let offender = Plan::calm(5, 4, 0, 20).keypair(0).hotkey();
    assert_eq!(hear_twice([1, 2], false), [Violation::Unaccused { node: 1, offender, height: 1 }]);
    assert_eq!(hear_twice([1, 2], true), []);
    assert_eq!(hear_twice([1, 1], false), []);
}

/// Nobody accuses a validator that lost all it had on disk while it voted on a height that waits for it, once it was
/// seen to have voted before; and everybody settles on.
#[track_caller]
fn lose_a_disk(seed: u64, settled: u64) {
    let mut simulation = Simulation::new(Plan::calm(seed, 7, 0, settled + 10));
    let victim = seed as usize % 7;
    let hotkey = simulation.nodes[victim].hotkey();
    while simulation.nodes[victim].height() < settled || simulation.record.ledger().has_never_signed(&hotkey)
    {
        simulation.step();
    }
    let then = simulation.now + seed * 37 % 1_000;
    while simulation.now < then {
        simulation.step();
    }
    for other in [1, 2].map(|place| (victim + place) % 7) {
        simulation.at(then, other, Event::Crash);
        simulation.at(then + SILENCE.1, other, Event::Restart);
    }
    while simulation.now < then + SILENCE.0 {
        simulation.step();
    }
    simulation.stop(victim);
    simulation.nodes[victim].disk = Disk::default();
    simulation.restart(victim);
    let outcome = simulation.run();
    assert_eq!(outcome.violations, [], "seed {seed}, after {settled}");
}

#[test]
fn a_validator_that_lost_its_disk_votes_twice_at_no_height() {
    // More settlements than come at once: on its way it sees ledgers in which it never signed.
    for (settled, seeds) in [(1, 0..20), (2, 0..20), (70, 0..5)] {
        seeds.for_each(|seed| lose_a_disk(seed, settled));
    }
}
