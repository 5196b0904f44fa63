//! What came of scenarios, as documents: JSON for programs, JUnit's XML for what collects tests.
use std::fmt::Write;

use serde::Serialize;

use super::event::Moment;
use super::markup::escaped;
use super::verdict::{Conclusion, Verdict};
use super::{Expectation, Scenario};
use crate::api::Stamp;

/// What came of one run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Results {
    /// Which network, and its last state.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// The scenario's file.
    pub scenario: String,
    /// Who did what to whom.
    pub crime: String,
    /// Who described it first.
    pub source: Option<String>,
    /// Whether the design was expected to break.
    pub limit: bool,
    /// What decided everything random.
    pub seed: u64,
    /// What repeats the run.
    pub command: String,
    /// What came of it.
    pub verdict: Conclusion,
    /// When it ended.
    pub ended: Moment,
    /// What came of each expectation, in the order of the file.
    pub expectations: Vec<Finding>,
}

/// How a run went, beside its verdicts.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Which network, and its last state.
    pub stamp: Stamp,
    /// What decided everything random.
    pub seed: u64,
    /// What repeats the run.
    pub command: String,
    /// When it ended.
    pub ended: Moment,
}

/// What came of one expectation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// As it is written: "always forks == 0".
    pub expectation: String,
    /// Why it matters.
    pub why: Option<String>,
    /// What came of it.
    pub verdict: Conclusion,
    /// When it failed.
    pub at: Option<Moment>,
    /// Whose figure decided.
    pub neuron: Option<String>,
    /// The figures on both sides, or what is missing.
    pub detail: Option<String>,
}

impl Results {
    /// What came of a run of a scenario.
    pub fn new(scenario: &Scenario, ending: Ending, verdicts: &[Verdict]) -> Self {
        let Ending { stamp, seed, command, ended } = ending;
        let findings = scenario.expectations.iter().zip(verdicts);
        Self {
            stamp,
            scenario: scenario.text.file.to_string(),
            crime: scenario.crime.clone(),
            source: scenario.source.clone(),
            limit: scenario.limit,
            seed,
            command,
            verdict: Conclusion::of(verdicts),
            ended,
            expectations: findings.map(|(expected, found)| Finding::new(scenario, expected, found)).collect(),
        }
    }
}

impl Finding {
    fn new(scenario: &Scenario, expected: &Expectation, verdict: &Verdict) -> Self {
        let (at, neuron, detail) = match verdict {
            Verdict::Pass => (None, None, None),
            Verdict::Fail { at, neuron, detail } => (Some(*at), *neuron, Some(detail.clone())),
            Verdict::Unknown { why } => (None, None, Some(why.clone())),
        };
        Self {
            expectation: expected.to_string(),
            why: expected.why.clone(),
            verdict: verdict.conclusion(),
            at,
            neuron: neuron.map(|neuron| scenario.name(neuron)),
            detail,
        }
    }

    /// Where and when, in a line.
    fn place(&self) -> String {
        let who = self.neuron.iter().cloned();
        let when = self.at.map(|at| format!("height {}, {:.3} s", at.height, at.time.as_secs_f64()));
        who.chain(when).collect::<Vec<_>>().join(", ")
    }
}

/// Scenarios as suites of tests in JUnit's XML; what is unknown is an error.
pub fn junit(results: &[Results]) -> String {
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    results.iter().for_each(|run| suite(&mut xml, run));
    xml + "</testsuites>\n"
}

fn suite(xml: &mut String, run: &Results) {
    let count = |wanted| run.expectations.iter().filter(|finding| finding.verdict == wanted).count();
    let (failures, errors) = (count(Conclusion::Fail), count(Conclusion::Unknown));
    let (name, seconds) = (format!("{} seed {}", run.scenario, run.seed), run.ended.time.as_secs_f64());
    let name = escaped(&name);
    let tests = run.expectations.len();
    put(
        xml,
        format_args!(
            "<testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{seconds:.3}\">"
        ),
    );
    for finding in &run.expectations {
        let detail = escaped(finding.detail.as_deref().unwrap_or_default());
        let (test, place) = (escaped(&finding.expectation), escaped(&finding.place()));
        put(xml, format_args!("<testcase classname=\"{name}\" name=\"{test}\">"));
        match finding.verdict {
            Conclusion::Pass => {}
            Conclusion::Fail => put(xml, format_args!("<failure message=\"{detail}\">{place}</failure>")),
            Conclusion::Unknown => put(xml, format_args!("<error message=\"{detail}\"/>")),
        }
        put(xml, format_args!("</testcase>"));
    }
    put(xml, format_args!("<system-out>{}</system-out>\n</testsuite>", escaped(&run.command)));
}

fn put(xml: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(xml, "{line}").expect("a string takes any text");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crypto::Hash;
    use serde_json::json;

    use super::*;
    use crate::scenario::NeuronId;

    const FILE: &str = "crime = 'copies <weights> & \"waits\"'\nuntil = '9s'\nlimit = true\n\
        [[group]]\nname = 'honest'\nrole = 'validator'\n\
        [[expect]]\nalways = 'forks == 0'\nwhy = 'nobody may fork'\n\
        [[expect]]\nnever = 'stake < 3'\n[[expect]]\nsometimes = 'fired > 0'\n";

    fn results() -> Results {
        let scenario = Scenario::read("a.toml", FILE).unwrap();
        let at = Moment { time: Duration::from_millis(1_500), height: 3, epoch: 1 };
        let neuron = Some(NeuronId { group: 0, number: 0 });
        let verdicts = [
            Verdict::Pass,
            Verdict::Fail { at, neuron, detail: "2 < 3 is true".to_owned() },
            Verdict::Unknown { why: "the attack never fired".to_owned() },
        ];
        let stamp = Stamp { network: Hash([1; 32]), height: 9, state_root: Hash([2; 32]) };
        let command = "neuron scenario run a.toml --seed 7".to_owned();
        let ended = Moment { time: Duration::from_secs(9), height: 9, epoch: 3 };
        Results::new(&scenario, Ending { stamp, seed: 7, command, ended }, &verdicts)
    }

    #[test]
    fn a_document_says_what_was_expected_and_what_came_of_it() {
        let document = serde_json::to_value(results()).unwrap();
        assert_eq!(document["network"], json!("01".repeat(32)));
        assert_eq!((&document["verdict"], &document["limit"]), (&json!("fail"), &json!(true)));
        assert_eq!(document["ended"], json!({ "time": 9.0, "height": 9, "epoch": 3 }));
        assert_eq!(document["expectations"][0]["verdict"], json!("pass"));
        assert_eq!(document["expectations"][0]["why"], json!("nobody may fork"));
        assert_eq!(
            document["expectations"][1],
            json!({
                "expectation": "never stake < 3", "why": null, "verdict": "fail", "neuron": "honest[0]",
                "at": { "time": 1.5, "height": 3, "epoch": 1 }, "detail": "2 < 3 is true",
            })
        );
        assert_eq!(document["expectations"][2]["detail"], json!("the attack never fired"));
    }

    #[test]
    fn tests_are_written_as_junit_reads_them() {
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n\
            <testsuite name=\"a.toml seed 7\" tests=\"3\" failures=\"1\" errors=\"1\" time=\"9.000\">\n\
            <testcase classname=\"a.toml seed 7\" name=\"always forks == 0\">\n</testcase>\n\
            <testcase classname=\"a.toml seed 7\" name=\"never stake &lt; 3\">\n\
            <failure message=\"2 &lt; 3 is true\">honest[0], height 3, 1.500 s</failure>\n</testcase>\n\
            <testcase classname=\"a.toml seed 7\" name=\"sometimes fired &gt; 0\">\n\
            <error message=\"the attack never fired\"/>\n</testcase>\n\
            <system-out>neuron scenario run a.toml --seed 7</system-out>\n</testsuite>\n</testsuites>\n";
        assert_eq!(junit(&[results()]), expected);
        assert_eq!(junit(&[]).lines().count(), 3);
    }
}
