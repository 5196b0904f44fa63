//! Who is silent, and what becomes of settlement meanwhile.
mod power;

use protocol::ledger::Ledger;

use super::*;

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
