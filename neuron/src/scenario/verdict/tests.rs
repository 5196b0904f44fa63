//! Runs of a few looks, and what comes of what was expected.
use std::time::Duration;

use super::*;
use crate::scenario::{Metric, Sample};

/// What a run shows at one look: the height, and how often the attack struck if that is known.
#[derive(Clone, Copy)]
struct Look {
    height: u64,
    fired: Option<f64>,
}

impl Source for Look {
    fn samples(&self, metric: Metric, _: Option<&str>) -> Vec<Sample> {
        match metric {
            Metric::Height => vec![Sample { neuron: None, value: self.height as f64, per: 1.0 }],
            Metric::Fired => {
                let copier = Some(NeuronId { group: 1, number: 0 });
                self.fired.iter().map(|value| Sample { neuron: copier, value: *value, per: 1.0 }).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn scenario(expectations: &str) -> Scenario {
    let file = format!(
        "crime = \"copies\"\nuntil = {{ height = 100 }}\n\
         [[group]]\nname = \"honest\"\nrole = \"validator\"\n\
         [[group]]\nname = \"copier\"\nrole = \"miner\"\n{expectations}"
    );
    Scenario::read("a.toml", &file).unwrap_or_else(|error| panic!("{error}"))
}

/// One look at each height, two seconds apart; the last is the end.
fn moment(height: u64) -> Moment {
    Moment { time: Duration::from_secs(2 * height), height, epoch: height / 5 }
}

fn run(expectations: &str, heights: u64, fired: impl Fn(u64) -> Option<f64>) -> Vec<Verdict> {
    let scenario = scenario(expectations);
    let mut judge = Judge::new(&scenario);
    let look = |height| Look { height, fired: fired(height) };
    (0..heights).for_each(|height| judge.look(moment(height), &look(height)));
    judge.end(moment(heights), &look(heights))
}

#[track_caller]
fn check(expectation: &str, expected: &Verdict) {
    let verdicts =
        run(&format!("[[expect]]\n{expectation}"), 10, |height| (height >= 4).then_some(height as f64));
    assert_eq!(verdicts, std::slice::from_ref(expected), "{expectation}");
}

fn fails(height: u64, neuron: bool, detail: &str) -> Verdict {
    let neuron = neuron.then_some(NeuronId { group: 1, number: 0 });
    Verdict::Fail { at: moment(height), neuron, detail: detail.to_owned() }
}

#[test]
fn what_must_always_or_never_hold_fails_at_the_first_look_at_which_it_does_not() {
    check("always = 'height < 11'", &Verdict::Pass);
    check("always = 'height < 7'", &fails(7, false, "7 < 7 is false"));
    check("never = 'height > 10'", &Verdict::Pass);
    check("never = 'fired > 5'", &fails(6, true, "6 > 5 is true"));
    check("never = 'fired > 50'", &Verdict::Pass);
    check("always = 'height > 3'\nafter = { height = 4 }", &Verdict::Pass);
    check("always = 'height > 3'\nafter = '6s'", &fails(3, false, "3 > 3 is false"));
}

#[test]
fn what_must_hold_eventually_has_until_its_time_is_up() {
    check("eventually = 'height >= 5'", &Verdict::Pass);
    check("eventually = 'height >= 5'\nwithin = '10s'", &Verdict::Pass);
    check("eventually = 'height >= 5'\nwithin = '9s'", &fails(5, false, "not in time: 5 >= 5 is true"));
    check("eventually = 'height >= 9'\nwithin = { height = 5 }\nafter = { height = 4 }", &Verdict::Pass);
    check("eventually = 'height < 4'\nafter = { epoch = 1 }", &fails(10, false, "never: 10 < 4 is false"));
    check(
        "eventually = 'height > 50'\nwithin = { epoch = 1 }",
        &fails(10, false, "not in time: 10 > 50 is false"),
    );
}

#[test]
fn the_end_is_the_last_look() {
    check("at_end = 'height == 10 and fired == 10'", &Verdict::Pass);
    check("at_end = 'fired < 10'", &fails(10, true, "10 < 10 is false"));
}

#[test]
fn what_nobody_could_see_is_unknown() {
    let unknown = |why: &str| because(why);
    check("always = 'balance >= 0'", &unknown("nobody has `balance` yet"));
    check("eventually = 'balance >= 0'\nwithin = '4s'", &unknown("nobody has `balance` yet"));
    check("at_end = 'height / (height - 10) > 1'", &unknown("10 / (10 - 10) is unknown"));
    check("always = 'height >= 0'\nafter = { height = 11 }", &unknown("the run ended before `after`"));
    check("eventually = 'height > 50'\nwithin = '90s'", &unknown("the run ended before its time was up"));
    check("sometimes = 'height > 50'", &unknown("it never came true: 10 > 50 is false"));
}

#[test]
fn an_attack_that_never_fires_makes_unknown_what_would_pass() {
    let expectations = "[[expect]]\nalways = 'height >= 0'\n[[expect]]\nsometimes = 'fired > 0'\n\
                        [[expect]]\nnever = 'height > 5'";
    let fired = run(expectations, 10, |_| Some(1.0));
    assert_eq!(
        fired.iter().map(Verdict::conclusion).collect::<Vec<_>>(),
        [Conclusion::Pass, Conclusion::Pass, Conclusion::Fail,]
    );
    for count in [Some(0.0), None] {
        let asleep = run(expectations, 10, |_| count);
        assert_eq!(asleep[0], because("the attack never fired"));
        assert_eq!(asleep[2], fails(6, false, "6 > 5 is true"), "what failed has failed");
    }
    let other = "[[expect]]\nalways = 'height >= 0'\n[[expect]]\nsometimes = 'height > 50'";
    assert_eq!(run(other, 10, |_| None)[0], Verdict::Pass, "that was no attack");
}

#[test]
fn a_doubt_makes_unknown_what_would_pass() {
    let scenario = scenario("[[expect]]\nalways = 'height >= 0'\n[[expect]]\nnever = 'height >= 0'");
    let mut judge = Judge::new(&scenario);
    judge.doubt("copier[0] did not answer in time");
    judge.doubt("something later");
    let verdicts = judge.end(moment(1), &Look { height: 1, fired: None });
    assert_eq!(verdicts, [because("copier[0] did not answer in time"), fails(1, false, "1 >= 0 is true")]);
}

#[test]
fn a_scenario_fails_if_anything_does_and_passes_if_everything_does() {
    let unknown = || because("x");
    for (verdicts, conclusion, code) in [
        (vec![Verdict::Pass, Verdict::Pass], Conclusion::Pass, 0),
        (vec![Verdict::Pass, unknown(), fails(1, false, "x")], Conclusion::Fail, 1),
        (vec![Verdict::Pass, unknown()], Conclusion::Unknown, 2),
    ] {
        let found = Conclusion::of(&verdicts);
        assert_eq!((found, found.exit_code()), (conclusion, code));
    }
}
