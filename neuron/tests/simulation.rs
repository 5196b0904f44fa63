//! Whole histories in memory: the same roles as live, faults from a seed, rules checked at every settlement.
mod simulation {
    mod defences;
}

use std::io::Write;
use std::thread;

use neuron::simulation::{Campaign, Faults, Kind, Outcome, Plan, Simulation, Tally, Violation};
use protocol::Fault;
use protocol::subnet::Netuid;

/// How far a rough history goes.
const SETTLEMENTS: u64 = 9;

/// Histories within which a broken rule must show.
const SEARCHED: u64 = 500;

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
    assert!(tally.contradictions >= 40, "they are heard: {}", tally.contradictions);
}

#[test]
fn some_histories_have_a_twin_and_some_have_miners_if_nothing_is_said() {
    let with = |validators, has: fn((usize, usize)) -> bool| {
        (0..1_000).filter(|seed| has(Plan::company(*seed, validators))).count()
    };
    assert!((200..300).contains(&with(7, |(twins, _)| twins > 0)));
    assert!((90..160).contains(&with(7, |(_, miners)| miners > 0)));
    assert_eq!(with(1, |(twins, _)| twins > 0), 0, "one must run once");
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
fn every_rule_broken_on_purpose_is_found_out() {
    let found = thread::scope(|scope| {
        let searches = Fault::ALL.map(|fault| scope.spawn(move || find_out(fault)));
        searches.map(|search| search.join().expect("every fault is found"))
    });
    let mut table = format!("{:16}{:>4}  violation\n", "fault", "seed");
    for (fault, (seed, violation)) in Fault::ALL.iter().zip(found) {
        table += &format!("{:16}{seed:>4}  {violation:?}\n", format!("{fault:?}"));
    }
    drop(write!(std::io::stdout(), "\n{table}"));
}

/// A rough history as most tests have it.
fn plan(seed: u64) -> Plan {
    Plan::rough(seed, 7, 0, SETTLEMENTS)
}

/// The first seed whose history a fault breaks as it must, and how; without the fault that history is sound.
fn find_out(fault: Fault) -> (u64, Violation) {
    let found = (0..SEARCHED).find_map(|seed| {
        let violations = Simulation::new(Plan { fault: Some(fault), ..bait(fault, seed) }).run().violations;
        Some((seed, violations.into_iter().find(|violation| shows(fault, violation))?))
    });
    let (seed, violation) = found.unwrap_or_else(|| panic!("{SEARCHED} histories did not show {fault:?}"));
    sound(bait(fault, seed));
    (seed, violation)
}

/// A history in which a fault can do harm.
fn bait(fault: Fault, seed: u64) -> Plan {
    match fault {
        Fault::MapOrder => Plan::rough(seed, 4, 3, 15),
        Fault::EvidenceTwice => Plan { twins: 1, ..plan(seed) },
        _ => plan(seed),
    }
}

/// Whether it is this harm that a fault does.
fn shows(fault: Fault, violation: &Violation) -> bool {
    use Violation::{Certificate, Fork, Halted, HonestAccused, Slashed, Stuck};
    match fault {
        Fault::HalfIsQuorum => matches!(violation, Certificate { .. }),
        Fault::VotesForgotten | Fault::LogUnsynced => matches!(violation, HonestAccused(_)),
        Fault::LockIgnored => matches!(violation, Fork { .. }),
        Fault::MapOrder => matches!(violation, Stuck { .. } | Halted { .. }),
        Fault::EvidenceTwice => matches!(violation, Slashed { .. }),
        Fault::BodyForgotten => matches!(violation, Stuck { .. }),
        Fault::Cramped | Fault::Without(_) => unreachable!("all agree on what these lead to"),
    }
}

#[track_caller]
fn sound(plan: Plan) -> Outcome {
    let outcome = Simulation::new(plan).run();
    assert_eq!(outcome.violations, []);
    outcome
}

#[track_caller]
fn all_sound(seeds: std::ops::Range<u64>, plan: impl Fn(u64) -> Plan + Sync) -> Tally {
    let tally = Campaign { seeds, threads: 2 }.run(plan, |_| true);
    assert!(tally.failures.is_empty(), "{} failed, the first {:#?}", tally.failed, tally.failures.first());
    tally
}
