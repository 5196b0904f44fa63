//! What came of runs, for people.
use super::run::{Case, Ended};
use crate::cli::table::table;
use crate::scenario::{Books, Scenario, Verdict};

/// A run in a few lines.
pub(super) fn run(case: &Case, ended: &Ended) -> String {
    let Ended { run, books, seconds, directory } = ended;
    let mut lines = vec![format!(
        "{}{} {}: {}\n  seed {}, height {}, {:.1} s on its clock, {seconds:.1} s on ours",
        ended.conclusion().name(),
        limit(&case.scenario),
        case.file.display(),
        case.scenario.crime,
        case.seed,
        run.end.height,
        run.end.time.as_secs_f64(),
    )];
    for (expectation, verdict) in case.scenario.expectations.iter().zip(&run.verdicts) {
        let (quantifier, text) = (expectation.quantifier.name(), expectation.expression.text());
        lines.push(format!("  {:<7}  {quantifier} {text}", verdict.conclusion().name()));
        let reason = reason(&case.scenario, verdict);
        let why = expectation.why.as_ref().filter(|_| reason.is_some());
        lines.extend(reason.iter().chain(why).map(|reason| format!("           {reason}")));
    }
    lines.push(accounts(books));
    let report = directory.join("report.html");
    let (gain, harm, report) = (signed(books.gain()), signed(books.harm()), report.display());
    lines.push(match run.faults.is_empty() {
        true => format!("  the attack gained {gain} coins, honest peers lost {harm}; {report}"),
        false => format!("  a behaviour could not go on: what it would have earned is not known; {report}"),
    });
    lines.join("\n")
}

fn limit(scenario: &Scenario) -> &'static str {
    if scenario.limit { " (limit)" } else { "" }
}

/// Why an expectation did not come true.
fn reason(scenario: &Scenario, verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Pass => None,
        Verdict::Fail { at, neuron, detail } => {
            let whose = neuron.map(|it| format!(", {} above all", scenario.name(it))).unwrap_or_default();
            Some(format!("{detail}{whose}, height {}", at.height))
        }
        Verdict::Unknown { why } => Some(brief(why).to_owned()),
    }
}

/// The line of a message that says what is wrong.
fn brief(why: &str) -> &str {
    let fault = why.lines().find(|line| line.starts_with("error: "));
    fault.or_else(|| why.lines().next()).unwrap_or_default()
}

/// What each group earned, in coins.
fn accounts(books: &Books) -> String {
    let columns = [
        ("  group", false),
        ("earned", true),
        ("if honest", true),
        ("gain", true),
        ("per stake", true),
        ("per work", true),
    ];
    let some = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.4}"));
    let rows = books.accounts.iter().map(|it| {
        vec![
            format!("  {}", it.group),
            coins(it.earned),
            coins(it.honest),
            signed(it.gain()),
            some(it.per_stake),
            some(it.per_work),
        ]
    });
    table(&columns, rows).trim_fmt()
}

/// What each attack earned, in coins, beside what honesty earns, and what honest peers lost by it.
pub(super) fn summary<'a>(runs: impl Iterator<Item = (&'a Case, &'a Ended)>, seeds: bool) -> String {
    let columns = [
        (if seeds { "attack and seed" } else { "attack" }, false),
        ("verdict", false),
        ("earned", true),
        ("if honest", true),
        ("gain", true),
        ("others lost", true),
    ];
    let rows = runs.map(|(case, ended)| {
        let (earned, honest) = ended.books.attackers();
        let verdict = format!("{}{}", ended.conclusion().name(), limit(&case.scenario));
        let (gain, harm) = (signed(earned - honest), signed(ended.books.harm()));
        let name = if seeds { format!("{} {}", case.name(), case.seed) } else { case.name() };
        vec![name, verdict, coins(earned), coins(honest), gain, harm]
    });
    table(&columns, rows).trim_fmt()
}

/// Coins to three digits; what rounds to nothing has no sign.
fn coins(amount: f64) -> String {
    let rounded = (amount * 1_000.0).round() / 1_000.0;
    format!("{:.3}", rounded + 0.0)
}

fn signed(amount: f64) -> String {
    let text = coins(amount);
    if text.starts_with('-') { text } else { format!("+{text}") }
}
