//! Defences taken away one at a time: the scenario that claims one fails without it.
#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::thread;

use neuron::scenario::simulated::{self, Run};
use neuron::scenario::{Conclusion, Scenario, Verdict};
use protocol::{Defence, Fault};

/// A defence, the scenario that claims it, and how to do without.
const CLAIMS: [(&str, &str, Without); 7] = [
    ("rows are hidden first", "reveal_copier", Without::Defence(Defence::HiddenRows)),
    ("clipping", "selfish_cabal", Without::Rule("subnet.kappa = 1")),
    ("a commitment counts once", "echoer", Without::Defence(Defence::OwnCommitments)),
    ("an order counts once", "replayer", Without::Defence(Defence::OrdersOnce)),
    ("own questions per miner", "shared_answers", Without::Defence(Defence::OwnQuestions)),
    ("equivocation is slashed", "double_voter", Without::Rule("slash = 0")),
    ("room for votes", "flooder", Without::Defence(Defence::RoomForVotes)),
];

/// How a network does without a defence.
#[derive(Clone, Copy)]
enum Without {
    /// By a parameter that every network has.
    Rule(&'static str),
    /// By a fault.
    Defence(Defence),
}

#[test]
fn every_scenario_that_claims_a_defence_fails_without_it() {
    let rows = thread::scope(|scope| {
        let runs = CLAIMS.map(|claim| scope.spawn(move || check(claim)));
        runs.map(|run| run.join().expect("the defence is what it is said to be"))
    });
    let mut table = format!("{:26}{:16}without it\n", "defence", "scenario");
    for ((defence, name, _), failure) in CLAIMS.iter().zip(rows) {
        writeln!(table, "{defence:26}{name:16}{failure}").unwrap();
    }
    drop(write!(std::io::stdout(), "\n{table}"));
}

/// The first expectation that fails without the defence, and the figures; with it all come true.
fn check((defence, name, without): (&str, &str, Without)) -> String {
    let (rule, with, less) = match without {
        Without::Rule(rule) => (rule, None, None),
        // Nobody fills a body of full size in a minute, so it is a small one in both runs.
        Without::Defence(Defence::RoomForVotes) => {
            ("", Some(Fault::Cramped), Some(Fault::Without(Defence::RoomForVotes)))
        }
        Without::Defence(defence) => ("", None, Some(Fault::Without(defence))),
    };
    let (scenario, sound) = run(name, "", with);
    assert_eq!(Conclusion::of(&sound.verdicts), Conclusion::Pass, "{name}: {:#?}", sound.verdicts);
    let (_, broken) = run(name, rule, less);
    let failure =
        scenario.expectations.iter().zip(&broken.verdicts).find_map(|(expected, verdict)| match verdict {
            Verdict::Fail { detail, .. } => Some(format!("{} fails: {detail}", expected.quantifier.name())),
            _ => None,
        });
    failure.unwrap_or_else(|| panic!("{name} does not need {defence}: {:#?}", broken.verdicts))
}

fn run(name: &str, rule: &str, fault: Option<Fault>) -> (Scenario, Run) {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/scenarios"));
    let file = format!("{name}.toml");
    let mut text = fs::read_to_string(folder.join(&file)).unwrap();
    if !rule.is_empty() {
        writeln!(text, "\n[chain]\n{rule}").unwrap();
    }
    let scenario = Scenario::read(&file, &text).unwrap_or_else(|error| panic!("{error}"));
    let makes = simulated::makes(&scenario, folder).unwrap_or_else(|error| panic!("{error}"));
    let run = match fault {
        Some(fault) => simulated::run_with(&scenario, scenario.seed, makes, fault),
        None => simulated::run(&scenario, scenario.seed, makes),
    };
    (scenario, run.unwrap_or_else(|error| panic!("{error}")))
}
