//! What came of what was expected, and with which exit code.
use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::neuron;

/// A validator that behaves as a script says.
fn scenario(expected: &str) -> String {
    format!(
        "crime = 'x'\nuntil = {{ height = 3 }}\n[[group]]\nname = 'honest'\nrole = 'validator'\ncount = 3\n\
         [[group]]\nname = 'crook'\nrole = 'validator'\nbehaviour = 'a.star'\n\
         [[expect]]\nalways = 'forks == 0'\n[[expect]]\n{expected}\n"
    )
}

/// Strikes at a height.
fn script(height: u64) -> String {
    format!("def on_settled(ctx):\n    if ctx.height == {height}:\n        ctx.fired('struck')\n")
}

/// The exit code, the whole verdict, and that of each expectation.
#[track_caller]
fn check(expected: &str, height: u64, code: i32, verdicts: [&str; 3]) {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("a.toml"), scenario(expected)).unwrap();
    fs::write(home.path().join("a.star"), script(height)).unwrap();
    let output = neuron(home.path(), &["scenario", "run", "a.toml", "--json", "--junit", "a.xml"]);
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = &document["scenarios"][0];
    let each =
        [&found["verdict"], &found["expectations"][0]["verdict"], &found["expectations"][1]["verdict"]];
    assert_eq!(each, verdicts, "{document}");
    assert_eq!(document["conclusion"], verdicts[0]);
    let junit = fs::read_to_string(home.path().join("a.xml")).unwrap();
    let count = |verdict| verdicts[1..].iter().filter(|it| **it == verdict).count();
    let counts = format!("tests=\"2\" failures=\"{}\" errors=\"{}\"", count("fail"), count("unknown"));
    assert!(junit.contains(&counts), "{junit}");
}

#[test]
fn what_came_true_is_a_pass() {
    check("sometimes = 'fired > 0'", 2, 0, ["pass", "pass", "pass"]);
}

#[test]
fn what_did_not_come_true_is_a_failure() {
    check("at_end = 'fired == 0'", 2, 1, ["fail", "pass", "fail"]);
}

#[test]
fn an_attack_that_never_fires_is_unknown_and_so_is_all_that_would_have_passed() {
    check("sometimes = 'fired > 0'", 99, 2, ["unknown", "unknown", "unknown"]);
}

#[test]
fn an_attack_that_marks_nothing_is_unknown_whatever_was_expected() {
    check("always = 'height < 9'", 99, 2, ["unknown", "unknown", "unknown"]);
}

#[test]
fn a_run_that_ends_before_all_has_happened_is_unknown() {
    let later = "sometimes = 'fired > 0'\n[[at]]\ntime = \"500s\"\nkill = \"honest[0]\"";
    check(later, 2, 2, ["unknown", "unknown", "unknown"]);
    let halted = "sometimes = 'fired > 0'\n[[at]]\nheight = 2\nkill = [\"honest[0]\", \"honest[1]\"]";
    check(halted, 2, 2, ["unknown", "unknown", "unknown"]);
}

#[test]
fn a_bundled_scenario_is_listed_and_runs_by_its_name() {
    let home = TempDir::new().unwrap();
    let list = neuron(home.path(), &["scenario", "list", "--json"]);
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    let names: Vec<_> = list["scenarios"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert!(names.len() >= 28 && names.contains(&&Value::from("double_voter")), "{names:?}");
    let output = neuron(home.path(), &["scenario", "run", "double_voter", "--out", "runs"]);
    assert!(output.status.success(), "{output:?}");
    for file in ["double_voter.toml", "double_voter.star", "events.jsonl"] {
        assert!(home.path().join("runs/double_voter-1").join(file).is_file(), "{file}");
    }
}

#[test]
fn a_frontier_is_found_where_a_verdict_flips() {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("a.toml"), scenario("at_end = \"stake{group='crook'} < 140\"")).unwrap();
    fs::write(home.path().join("a.star"), script(1)).unwrap();
    let line =
        "scenario frontier a.toml --vary stake=100..200 --tolerance 5 --steps 2 --svg a.svg --json --metric";
    let line: Vec<_> = line.split(' ').chain(["stake{group='crook'}"]).collect();
    let output = neuron(home.path(), &line);
    assert!(output.status.success(), "{output:?}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let flip = &document["flips"][0];
    let (below, above) = (flip["below"].as_f64().unwrap(), flip["above"].as_f64().unwrap());
    assert!(below < 140.0 && above >= 139.9 && above - below <= 5.0, "{document}");
    assert_eq!((&flip["from"], &flip["to"]), (&"pass".into(), &"fail".into()));
    assert_eq!(flip["expectations"], serde_json::json!(["at_end stake{group='crook'} < 140"]));
    assert_eq!(document["vary"], "stake of crook");
    assert!(fs::read_to_string(home.path().join("a.svg")).unwrap().starts_with("<svg "));
}
