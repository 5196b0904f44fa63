//! A run as one page to look at: verdicts, what everybody earned, and who told whom what.
use std::fmt::Write;

use serde_json::Value;

use super::markup::escaped;
use super::plot::Plot;
use super::simulated::Run;
use super::{Books, Scenario, Verdict};
use crate::simulation::Line;

/// Width of the diagram, in pixels.
const WIDTH: f64 = 720.0;

/// Room around the diagram for names, in pixels.
const MARGIN: f64 = 48.0;

/// Room at the right of the diagram for what the last neuron tells, in pixels.
const WORDS: f64 = 150.0;

/// Lines of the message diagram.
const ARROWS: usize = 60;

/// Between two lines of the diagram, in pixels.
const STEP: f64 = 18.0;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
    color:#222;background:#fff}h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse}\
    td,th{padding:.25rem .75rem;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}\
    td.d{white-space:pre-wrap}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}code{background:#f3f3f3;padding:.1rem .3rem}\
    .pass{color:#1a7f37}.fail{color:#c1121f;font-weight:600}.unknown{color:#9a6700}svg{max-width:100%;height:auto}\
    svg text{font:11px system-ui,sans-serif;fill:#444}";

/// The page. `command` repeats the run.
pub fn page(scenario: &Scenario, run: &Run, books: &Books, command: &str) -> String {
    let mut page = String::from("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">");
    let crime = escaped(&scenario.crime);
    let _ = write!(page, "<title>{crime}</title><style>{STYLE}</style><h1>{crime}</h1>");
    let _ = write!(page, "<p>Ended at height {}, after {:.1} s.", run.end.height, run.end.time.as_secs_f64());
    if scenario.limit {
        page.push_str(" A known limit: here the design is expected to break.");
    }
    let _ = write!(page, " Repeat it: <code>{}</code></p>", escaped(command));
    page.push_str(&verdicts(scenario, run));
    page.push_str(&accounts(books));
    page.push_str(&earnings(scenario, run));
    page.push_str(&diagram(scenario, run));
    page
}

fn verdicts(scenario: &Scenario, run: &Run) -> String {
    let mut table = String::from("<h2>Expectations</h2><table>");
    for (expectation, verdict) in scenario.expectations.iter().zip(&run.verdicts) {
        let (word, detail) = match verdict {
            Verdict::Pass => ("pass", String::new()),
            Verdict::Fail { at, neuron, detail } => {
                let whose = neuron.map(|neuron| format!(", {}", scenario.name(neuron))).unwrap_or_default();
                ("fail", format!("{detail} (height {}, {:.1} s{whose})", at.height, at.time.as_secs_f64()))
            }
            Verdict::Unknown { why } => ("unknown", why.clone()),
        };
        let (quantifier, text) = (expectation.quantifier.name(), escaped(expectation.expression.text()));
        let why = expectation.why.as_deref().map(escaped).unwrap_or_default();
        let _ = write!(
            table,
            "<tr><td class=\"{word}\">{word}</td><td>{quantifier} <code>{text}</code><br>{why}</td><td class=\"d\">{}</td></tr>",
            escaped(&detail)
        );
    }
    table + "</table>"
}

fn accounts(books: &Books) -> String {
    let mut table = String::from(
        "<h2>What it earned</h2><table><tr><th>group</th><th>behaviour</th><th class=\"n\">earned</th><th class=\"n\">if all were honest</th>\
         <th class=\"n\">gain</th><th class=\"n\">slashed</th><th class=\"n\">for each coin at stake</th><th class=\"n\">for each piece of work</th></tr>",
    );
    for it in &books.accounts {
        let some = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.4}"));
        let _ = write!(
            table,
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{:.3}</td><td class=\"n\">{:.3}</td><td class=\"n\">{:+.3}</td>\
             <td class=\"n\">{:.3}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            escaped(&it.group),
            escaped(&it.behaviour),
            it.earned,
            it.honest,
            it.gain(),
            it.slashed,
            some(it.per_stake),
            some(it.per_work)
        );
    }
    let (gain, harm) = (books.gain(), books.harm());
    let _ = write!(table, "</table><p>The attack gained {gain:+.3} coins; honest peers lost {harm:+.3}.</p>");
    table
}

/// What each group's owners have earned, settlement by settlement.
fn earnings(scenario: &Scenario, run: &Run) -> String {
    let ids: Vec<_> = scenario.neurons().collect();
    let series = |group: usize| -> Vec<f64> {
        let of = ids.iter().enumerate().filter(|(_, id)| id.group == group);
        let members: Vec<_> = of.map(|(place, _)| &run.wealth[place]).filter(|it| !it.is_empty()).collect();
        let length = members.iter().map(|it| it.len()).min().unwrap_or_default();
        (0..length)
            .map(|at| members.iter().map(|it| it[at] - it[0]).sum::<f64>() / members.len() as f64)
            .collect()
    };
    let points = |values: Vec<f64>| -> Vec<_> {
        values.into_iter().enumerate().map(|(at, value)| (at as f64, value)).collect()
    };
    let groups = scenario.groups.iter().enumerate();
    let lines = groups.map(|(place, group)| (&*group.name, points(series(place))));
    let lines = lines.filter(|(_, points)| !points.is_empty()).collect();
    let plot = Plot { across: "settlements", up: "coins", lines, ..Plot::default() };
    format!("<h2>Earned by one of each group</h2>{}", plot.svg())
}

/// What was told around the first failure, or when the attack first struck.
fn diagram(scenario: &Scenario, run: &Run) -> String {
    let failed = run.verdicts.iter().find_map(|verdict| match verdict {
        Verdict::Fail { at, .. } => Some(at.time.as_millis() as u64),
        _ => None,
    });
    let struck = || run.lines.iter().find(|line| line.event == "fired").map(|line| line.at);
    let until = failed.or_else(struck).unwrap_or_default();
    let middle = run.lines.partition_point(|line| line.at < until);
    let before = run.lines[..middle].iter().rev().filter(|line| is_shown(line)).take(ARROWS / 2);
    let mut shown: Vec<_> = before.collect();
    shown.reverse();
    shown.extend(run.lines[middle..].iter().filter(|line| is_shown(line)).take(ARROWS - shown.len()));
    let names: Vec<_> = scenario.neurons().map(|id| scenario.name(id)).collect();
    let height = MARGIN + shown.len() as f64 * STEP;
    let column = |node: usize| MARGIN + (node as f64 + 0.5) * (WIDTH - MARGIN - WORDS) / names.len() as f64;
    let mut plot = format!("<h2>Who told what when it struck</h2><svg viewBox=\"0 0 {WIDTH} {height}\">");
    for (node, name) in names.iter().enumerate() {
        let at = column(node);
        let _ = write!(
            plot,
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{MARGIN}\" y2=\"{height}\" stroke=\"#ddd\"/><text \
             transform=\"translate({at:.1} {}) rotate(-35)\">{}</text>",
            MARGIN - 6.0,
            escaped(name)
        );
    }
    for (row, line) in shown.iter().enumerate() {
        let (at, x) = (MARGIN + (row as f64 + 0.7) * STEP, column(line.node));
        let colour =
            if matches!(line.event, "fired" | "accuse" | "whisper" | "halt") { "#c1121f" } else { "#444" };
        let _ = write!(
            plot,
            "<text x=\"2\" y=\"{at:.1}\">{:.2}</text><circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{at:.1}\" style=\"fill:{colour}\">{}</text>",
            line.at as f64 / 1_000.0,
            at - 4.0,
            x + 6.0,
            escaped(&brief(line.event, &line.what))
        );
    }
    plot + "</svg>"
}

/// Questions and answers are many, and say little.
fn is_shown(line: &Line) -> bool {
    !matches!(line.event, "ask" | "answer")
}

/// What happened in a few words: "vote 12/0 3fa01bc2".
pub fn brief(event: &str, what: &Value) -> String {
    let word =
        |key: &str| what.get(key).and_then(Value::as_str).map(|it| it.chars().take(8).collect::<String>());
    let number = |key: &str| what.get(key).and_then(Value::as_u64);
    let mut brief = what.get("kind").and_then(Value::as_str).unwrap_or(event).to_owned();
    if let Some(height) = number("height").or_else(|| number("epoch")) {
        let _ = write!(brief, " {height}");
    }
    if let Some(round) = number("round") {
        let _ = write!(brief, "/{round}");
    }
    let short = || what.as_str().map(|it| it.chars().take(24).collect());
    let names = ["header", "miner", "peer", "fault"].into_iter().filter_map(word);
    for name in names.chain(short()) {
        let _ = write!(brief, " {name}");
    }
    brief
}
