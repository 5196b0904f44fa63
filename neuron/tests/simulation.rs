//! Whole histories in memory: the same roles as live, faults from a seed, rules checked at every settlement.
use std::io::Write;

use neuron::simulation::{Campaign, Faults, Kind, Outcome, Plan, Simulation, Tally, Violation};
use protocol::Fault;
use protocol::subnet::Netuid;

/// How far a rough history goes.
const SETTLEMENTS: u64 = 9;

#[test]
fn the_same_seed_gives_the_same_settlements() {
    let run = |seed| sound(Plan::rough(seed, 4, 3, SETTLEMENTS)).settlements;
    assert_eq!(run(7), run(7));
}

#[test]
fn two_seeds_of_faults_give_different_settlements_to_the_same_neurons() {
    let run = |seed| sound(Plan { faults: Faults::drawn(seed), ..Plan::calm(7, 4, 3, 3) }).settlements;
    assert_ne!(run(1)[2], run(2)[2]);
}

#[test]
fn better_miners_earn_more_and_every_validator_is_paid() {
    let outcome = sound(Plan::calm(1, 4, 4, 30));
    let graph = outcome.ledger.expect("settled").metagraph(Netuid(1)).expect("the subnet exists");
    let (validators, miners): (Vec<_>, Vec<_>) = graph.neurons.iter().partition(|neuron| neuron.permit);
    assert!(miners.is_sorted_by_key(|miner| miner.incentive), "{miners:#?}");
    assert!(miners.iter().all(|miner| miner.emission.0 > 0), "{miners:#?}");
    assert!(validators.iter().all(|validator| validator.emission.0 > 0), "{validators:#?}");
}

#[test]
fn who_signs_a_little_later_loses_no_dividends() {
    let outcome = sound(Plan::calm(3, 7, 3, 30));
    let payout = outcome.ledger.expect("settled").metagraph(Netuid(1)).expect("the subnet exists").payout;
    let share = payout.validators.0 as f64 / payout.miners.0 as f64;
    assert!(share > 0.999, "{payout:?}");
}

#[test]
fn two_hundred_rough_histories_hold_every_rule() {
    let tally = all_sound(0..200, plan);
    assert!(tally.set_changes > 400, "stakes change in every history: {}", tally.set_changes);
    assert!(tally.member_changes > 200, "and who settles: {}", tally.member_changes);
}

#[test]
fn a_twin_with_less_than_a_third_of_the_stake_cannot_fork_the_ledger() {
    let tally = all_sound(0..40, |seed| Plan { twins: 1, ..plan(seed) });
    assert!(tally.twins_slashed >= 20, "in most histories: {}", tally.twins_slashed);
}

#[test]
fn three_twins_that_share_less_than_a_third_of_the_stake_cannot_fork_or_stop_the_ledger() {
    all_sound(0..20, |seed| Plan { twins: 3, ..plan(seed) });
}

#[test]
fn faults_that_are_not_named_do_not_happen() {
    let calm = Faults { calm_after_ms: 40_000, seed: 7, ..Faults::none() };
    assert_eq!(Faults::drawn(7).only(&[]), Faults { delay_ms: Faults::drawn(7).delay_ms, ..calm });
    assert_eq!(Faults::drawn(7).only(&Kind::ALL), Faults::drawn(7));
}

#[test]
fn a_quorum_of_one_half_shows_as_a_certificate_that_convinces_nobody() {
    found_out(Fault::HalfIsQuorum, plan, |violation| matches!(violation, Violation::Certificate { .. }));
}

#[test]
fn forgetting_the_vote_log_shows_as_an_honest_validator_that_signs_twice() {
    found_out(Fault::VotesForgotten, plan, |violation| matches!(violation, Violation::HonestAccused(_)));
}

#[test]
fn an_epoch_that_follows_the_order_of_a_map_shows_as_neurons_that_cannot_agree() {
    let mining = |seed| Plan::rough(seed, 4, 3, 15);
    let parted =
        |violation: &Violation| matches!(violation, Violation::Stuck { .. } | Violation::Halted { .. });
    found_out(Fault::MapOrder, mining, parted);
}

#[test]
fn counting_evidence_twice_shows_as_a_slash_that_is_too_large() {
    let twin = |seed| Plan { twins: 1, ..plan(seed) };
    found_out(Fault::EvidenceTwice, twin, |violation| matches!(violation, Violation::Slashed { .. }));
}

#[test]
fn speaking_before_the_sync_shows_as_an_honest_validator_that_signs_twice() {
    found_out(Fault::LogUnsynced, plan, |violation| matches!(violation, Violation::HonestAccused(_)));
}

#[test]
fn forgetting_drafts_shows_as_a_network_that_cannot_go_on() {
    found_out(Fault::BodyForgotten, plan, |violation| matches!(violation, Violation::Stuck { .. }));
}

/// A rough history as most tests have it.
fn plan(seed: u64) -> Plan {
    Plan::rough(seed, 7, 0, SETTLEMENTS)
}

/// A history in which the fault breaks something `expected`, and that is sound without it.
#[track_caller]
fn found_out(fault: Fault, plan: impl Fn(u64) -> Plan, expected: impl Fn(&Violation) -> bool) {
    let violations = |seed| Simulation::new(Plan { fault: Some(fault), ..plan(seed) }).run().violations;
    let found = (0..500).find(|&seed| violations(seed).iter().any(&expected));
    let Some(seed) = found else { panic!("500 histories did not show {fault:?}") };
    drop(writeln!(std::io::stdout(), "{fault:?}: found in seed {seed}"));
    sound(plan(seed));
}

#[track_caller]
fn sound(plan: Plan) -> Outcome {
    let outcome = Simulation::new(plan).run();
    assert_eq!(outcome.violations, []);
    outcome
}

#[track_caller]
fn all_sound(seeds: std::ops::Range<u64>, plan: impl Fn(u64) -> Plan + Sync) -> Tally {
    let tally = Campaign { seeds, threads: 2 }.run(plan, |_| {});
    assert!(tally.failures.is_empty(), "{} failed, the first {:#?}", tally.failed, tally.failures.first());
    tally
}
