//! Scenarios played by real processes.
use std::fs;
use std::path::Path;

use neuron::scenario::live::{self, Site};
use neuron::scenario::{Conclusion, Scenario, Verdict};
use neuron::swarm::{Housing, Plan, Swarm};
use tempfile::TempDir;

use crate::{program, small};

/// A free rider that is found out, a validator that dies and one that is frozen, and one that turns lazy on the way.
const SCENARIO: &str = r#"
crime = "Answers without a model, while validators come and go."
until = { epoch = 7 }

[chain]
task = "sums"
interval = 500

[[group]]
name = "honest"
role = "validator"
count = 4
stake = 100

[[group]]
name = "miners"
role = "miner"
count = 2
skill = { from = 0.5, to = 0.9 }

[[group]]
name = "rider"
role = "miner"
behaviour = "rider.star"
with = { answer = 7 }

[[at]]
height = 4
kill = "honest[3]"

[[at]]
height = 7
restart = "honest[3]"

[[at]]
height = 9
for = "2s"
pause = "honest[2]"

[[at]]
height = 12
for = "4s"
partition = [["honest[0:2]"], ["honest[2:4]"]]

[[at]]
height = 16
for = "5s"
link = { from = "*", to = "*", latency = "50ms", jitter = "100ms", loss = 0.05, duplicate = 0.2 }

[[at]]
height = 3
skew = { of = "honest[0]", is = "300ms" }

[[at]]
height = 10
behaviour = { of = "honest[1]", is = "lazy.star" }

[[expect]]
never = "forks + supply_errors + root_errors + forged + honest_accused > 0"

[[expect]]
sometimes = "fired{group='rider', name='guessed'} > 0 and fired{neuron='honest[1]', name='lazy'} > 0"

[[expect]]
sometimes = "up{group='honest'} == 3"

[[expect]]
sometimes = "stall > 3"
why = "half of the stake settles nothing"

[[expect]]
at_end = "incentive{group='rider'} < 0.1 and incentive{group='miners'} > 0.8"

[[expect]]
at_end = "score{neuron='rider[0]'} < score{neuron='miners[1]'} and answers{group='miners'} > 0"

[[expect]]
at_end = "height_of{neuron='honest[3]'} >= height - 2"
"#;

const RIDER: &str =
    "def on_question(ctx, question):\n    ctx.fired(\"guessed\")\n    return [ctx.params[\"answer\"]] * 32\n";

const LAZY: &str =
    "def on_weights(ctx, honest):\n    ctx.fired(\"lazy\")\n    return {uid: 1.0 for uid in honest.keys()}\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_swarm_has_adversaries_that_say_so_and_earn_what_they_earn() {
    for housing in [Housing::Here, Housing::Processes(program())] {
        let dir = TempDir::new().unwrap();
        let adversaries = ["garbage_miner:2", "lazy_validator"].map(|it| it.parse().unwrap()).to_vec();
        let plan = Plan { adversaries, housing, ..small(dir.path()) };
        let mut swarm = Swarm::start(plan.clone()).await.unwrap();
        swarm.wait_for_emission().await.unwrap();
        let report = swarm.report().await.unwrap();
        let names: Vec<_> = report.adversaries.iter().map(|it| (&*it.name, &*it.behaviour)).collect();
        assert_eq!(
            names,
            [
                ("garbage_miner-0", "garbage_miner"),
                ("garbage_miner-1", "garbage_miner"),
                ("lazy_validator-0", "lazy_validator")
            ]
        );
        assert!(report.adversaries.iter().all(|it| !it.fired.is_empty()), "{:?}", report.adversaries);
        swarm.stop().await;
        let alone = Plan { adversaries: Vec::new(), ..plan };
        let refusal = Swarm::start(alone).await.err().unwrap().to_string();
        assert!(refusal.contains("--adversary garbage_miner:2 lazy_validator:1"), "{refusal}");
    }
}

fn play(text: &str, dir: &Path) -> Result<live::Run, live::Error> {
    let scenario = Scenario::read("it.toml", text)?;
    let site = Site { program: program(), folder: dir.to_owned(), dir: dir.join("run") };
    live::run(&scenario, 1, site, &mut |_| {})
}

#[test]
fn real_neurons_do_what_a_scenario_says_and_are_judged_by_it() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("rider.star"), RIDER).unwrap();
    fs::write(dir.path().join("lazy.star"), LAZY).unwrap();
    let run = play(SCENARIO, dir.path()).unwrap_or_else(|error| panic!("{error}"));
    assert!(run.verdicts.iter().all(|it| *it == Verdict::Pass), "{:#?} {:?}", run.verdicts, run.faults);
    assert_eq!(Conclusion::of(&run.verdicts), Conclusion::Pass);
    assert_eq!(run.end.epoch, 7);
    assert!(run.wealth[0].last() > run.wealth[0].first(), "validators are paid");
}

#[test]
fn links_between_twins_are_refused_before_anything_starts() {
    let dir = TempDir::new().unwrap();
    let twins = format!("{SCENARIO}\n[[group]]\nname = \"twin\"\ntwin_of = \"honest[0]\"\n");
    let refusal = play(&twins, dir.path()).err().unwrap().to_string();
    assert!(refusal.contains("real links know a neuron by its key, which twins share"), "{refusal}");
    assert!(!dir.path().join("run").exists());
}

#[test]
fn a_neuron_that_does_not_start_is_named_with_its_last_words() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("lazy.star"), LAZY).unwrap();
    let refusal = play(SCENARIO, dir.path()).err().unwrap().to_string();
    assert!(refusal.contains("rider-0 does not start: ") && refusal.contains("rider.star"), "{refusal}");
}
