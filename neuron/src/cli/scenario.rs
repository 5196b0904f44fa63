//! `neuron scenario`: script how a peer misbehaves, and see what that earns it.
use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use std::{fmt, fs, thread};

use clap::Subcommand;
use color_eyre::eyre::{Result, WrapErr, eyre};
use crypto::Hash;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::json;

use super::out::{self, Out};
use super::table;
use crate::scenario::simulated::{self, Run};
use crate::scenario::{Books, Conclusion, Results, Run as Went, Scenario, Template, Verdict, junit, page};

/// Script how a peer misbehaves, run it against the real roles, and get a verdict in money
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  neuron scenario run examples/scenarios/weight_copier.toml\n  \
    neuron scenario run examples/scenarios/*.toml --json")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(RunArgs),
    New(NewArgs),
}

/// Write a scenario and a script to begin with, both commented
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  neuron scenario new my_attack && neuron scenario run my_attack.toml")]
struct NewArgs {
    /// The name of both files, without an ending
    #[arg(value_name = "NAME")]
    path: PathBuf,
    /// Print what was written as a JSON document
    #[arg(long)]
    json: bool,
}

/// Run scenarios in the simulated network, and judge what was expected of them
///
/// Everything follows from the seed: the same seed gives the same events, byte for byte. Each scenario is run twice, once
/// with everybody honest, so that the difference is what the attack earned and what it cost others. Exits with 0 if all
/// expectations came true, with 1 if one did not, with 2 if one is unknown, such as an attack that never fired.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  neuron scenario run examples/scenarios/weight_copier.toml\n  \
    neuron scenario run attack.toml --seeds 0..20")]
struct RunArgs {
    /// Scenario files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Decides everything random [default: as the file says]
    #[arg(long, value_name = "S", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Run each with all of these seeds, the last excluded
    #[arg(long, value_name = "A..B")]
    seeds: Option<super::simulate::Seeds>,
    /// Where to leave a directory for each run [default: runs in the user's cache]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write what came of it to this file as JUnit's XML, too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Print one JSON document at the end
    #[arg(long)]
    json: bool,
}

/// Something is unknown: the exit code is 2.
#[derive(Debug)]
pub(super) struct Undecided(String);

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Undecided {}

/// One scenario with one seed.
struct Case {
    file: PathBuf,
    scenario: Scenario,
    seed: u64,
}

/// What came of it.
struct Ended {
    run: Run,
    books: Books,
    seconds: f64,
    directory: PathBuf,
}

/// A run as a document.
#[derive(Serialize)]
struct Document {
    #[serde(flatten)]
    results: Results,
    gain: f64,
    harm: f64,
    books: Books,
    faults: Vec<String>,
    events: Hash,
    seconds: f64,
    directory: PathBuf,
}

pub(super) fn perform(args: &Args) -> Result<()> {
    match &args.command {
        Command::Run(args) => run(args),
        Command::New(args) => new(args),
    }
}

fn new(args: &NewArgs) -> Result<()> {
    let name = args.path.file_name().unwrap_or_default().to_string_lossy();
    let template = Template::new(&name)?;
    let (file, script) =
        (args.path.with_file_name(format!("{name}.toml")), args.path.with_file_name(format!("{name}.star")));
    for (path, content) in [(&file, &template.file), (&script, &template.script)] {
        let mut new =
            fs::File::create_new(path).wrap_err_with(|| format!("cannot make {}", path.display()))?;
        new.write_all(content.as_bytes()).wrap_err_with(|| format!("cannot write {}", path.display()))?;
    }
    if args.json {
        return out::document(&json!({ "scenario": file, "script": script }));
    }
    Out::People.say(&format!("{} and {}; try `neuron scenario run {0}`", file.display(), script.display()))
}

fn run(args: &RunArgs) -> Result<()> {
    let cases = cases(args)?;
    let home = args.out.clone().unwrap_or_else(super::runs);
    let ended = all(&cases, &home);
    let out = Out::of(args.json);
    let (mut documents, mut rows, mut worst) = (Vec::new(), Vec::new(), Conclusion::Pass);
    for (case, ended) in cases.iter().zip(ended) {
        let ended = ended?;
        let conclusion = Conclusion::of(&ended.run.verdicts);
        worst = worse(worst, conclusion);
        if !args.json && (cases.len() == 1 || conclusion != Conclusion::Pass) {
            out.say(&told(case, &ended, conclusion))?;
        }
        rows.push(row(case, &ended, conclusion));
        documents.push(document(case, &ended));
    }
    if let Some(path) = &args.junit {
        let results: Vec<_> = documents.iter().map(|document| document.results.clone()).collect();
        fs::write(path, junit(&results)).wrap_err_with(|| format!("cannot write {}", path.display()))?;
    }
    if args.json {
        out::document(&json!({ "conclusion": worst, "scenarios": documents }))?;
    } else if cases.len() > 1 {
        out.say(&summary(rows))?;
    }
    match worst {
        Conclusion::Pass => Ok(()),
        Conclusion::Fail => Err(eyre!("an expectation did not come true")),
        Conclusion::Unknown => Err(Undecided("an expectation is unknown".to_owned()).into()),
    }
}

/// A failure is worse than what is unknown.
fn worse(one: Conclusion, other: Conclusion) -> Conclusion {
    match (one, other) {
        (Conclusion::Fail, _) | (_, Conclusion::Fail) => Conclusion::Fail,
        (Conclusion::Unknown, _) | (_, Conclusion::Unknown) => Conclusion::Unknown,
        _ => Conclusion::Pass,
    }
}

fn cases(args: &RunArgs) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for file in &args.files {
        let text = fs::read_to_string(file).wrap_err_with(|| format!("cannot read {}", file.display()))?;
        let scenario = Scenario::read(&file.to_string_lossy(), &text)?;
        let own = args.seed.unwrap_or(scenario.seed);
        let seeds = args.seeds.as_ref().map_or(own..own + 1, |seeds| seeds.0.clone());
        for seed in seeds {
            cases.push(Case { file: file.clone(), scenario: scenario.clone(), seed });
        }
    }
    Ok(cases)
}

fn bar(runs: u64) -> ProgressBar {
    let template = "{wide_bar} {pos} of {len} runs, {eta} left";
    ProgressBar::new(runs).with_style(ProgressStyle::with_template(template).expect("the template is sound"))
}

/// Runs all on as many threads as there are cores.
fn all(cases: &[Case], home: &Path) -> Vec<Result<Ended>> {
    crypto::remember_signatures();
    let (next, ended) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(cases.len());
    let bar = bar(cases.len() as u64);
    let work = || {
        while let Some((place, case)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, cases.get(i)?)))
        {
            let result = one(case, home);
            ended.lock().unwrap_or_else(PoisonError::into_inner).insert(place, result);
            bar.inc(1);
        }
    };
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    bar.finish_and_clear();
    ended.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

fn one(case: &Case, home: &Path) -> Result<Ended> {
    let began = Instant::now();
    let folder = case.file.parent().unwrap_or(Path::new(""));
    let run = simulated::run(&case.scenario, case.seed, simulated::makes(&case.scenario, folder)?)?;
    let honest = simulated::run(&case.scenario.without_crime(), case.seed, BTreeMap::new())?;
    let books = Books::of(&case.scenario, &run, &honest);
    let mut ended = Ended { run, books, seconds: began.elapsed().as_secs_f64(), directory: PathBuf::new() };
    ended.directory = leave(case, &ended, home)?;
    Ok(ended)
}

/// What repeats a run.
fn command(case: &Case) -> String {
    format!("neuron scenario run {} --seed {}", case.file.display(), case.seed)
}

/// Leaves a directory with all that a run was and found.
fn leave(case: &Case, ended: &Ended, home: &Path) -> Result<PathBuf> {
    let name = case.file.file_stem().unwrap_or_default().to_string_lossy();
    let directory = home.join(format!("{name}-{}", case.seed));
    let write = |name: &str, content: &str| {
        let path = directory.join(name);
        fs::write(&path, content).wrap_err_with(|| format!("cannot write {}", path.display()))
    };
    fs::create_dir_all(&directory).wrap_err_with(|| format!("cannot make {}", directory.display()))?;
    let mut events = String::new();
    for line in &ended.run.lines {
        events.push_str(&serde_json::to_string(line)?);
        events.push('\n');
    }
    write("scenario.toml", &fs::read_to_string(&case.file)?)?;
    write("events.jsonl", &events)?;
    write("results.json", &serde_json::to_string_pretty(&document(case, ended))?)?;
    write("report.html", &page(&case.scenario, &ended.run, &ended.books, &command(case)))?;
    let names: Vec<_> = case.scenario.neurons().map(|id| case.scenario.name(id)).collect();
    write("neurons.json", &serde_json::to_string(&names)?)?;
    write("command.txt", &(command(case) + "\n"))?;
    link(home, &directory);
    Ok(directory)
}

/// Points `latest` at a run; where links cannot be made, nobody misses it.
fn link(home: &Path, directory: &Path) {
    let latest = home.join("latest");
    let _ = fs::remove_file(&latest);
    let _ = std::os::unix::fs::symlink(directory.file_name().unwrap_or_default(), latest);
}

/// A run in a few lines.
fn told(case: &Case, ended: &Ended, conclusion: Conclusion) -> String {
    let Ended { run, books, seconds, directory } = ended;
    let limit = if case.scenario.limit { ", a known limit" } else { "" };
    let mut lines = vec![format!(
        "{} {}: {}{limit}\n  seed {}, height {}, {:.1} s on its clock, {seconds:.1} s on ours",
        word(conclusion),
        case.file.display(),
        case.scenario.crime,
        case.seed,
        run.end.height,
        run.end.time.as_secs_f64(),
    )];
    for (expectation, verdict) in case.scenario.expectations.iter().zip(&run.verdicts) {
        let (quantifier, text) = (expectation.quantifier.name(), expectation.expression.text());
        lines.push(match verdict {
            Verdict::Pass => format!("  pass     {quantifier} {text}"),
            Verdict::Fail { at, neuron, detail } => {
                let whose = neuron.map(|it| format!(" by {}", case.scenario.name(it))).unwrap_or_default();
                format!("  FAIL     {quantifier} {text}\n           {detail}{whose}, height {}", at.height)
            }
            Verdict::Unknown { why } => format!("  unknown  {quantifier} {text}\n           {why}"),
        });
    }
    lines.extend(run.faults.iter().map(|fault| format!("  {fault}")));
    lines.push(ledger(books));
    lines.push(format!(
        "  the attack gained {} coins, honest peers lost {}; {}",
        signed(books.gain()),
        signed(books.harm()),
        directory.join("report.html").display()
    ));
    lines.join("\n")
}

/// A run in a row of [`summary`].
fn row(case: &Case, ended: &Ended, conclusion: Conclusion) -> Vec<String> {
    let name = case.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let limit = if case.scenario.limit { " (limit)" } else { "" };
    let (earned, honest) = ended.books.attackers();
    let verdict = format!("{}{limit}", word(conclusion));
    vec![name, verdict, coins(earned), coins(honest), signed(earned - honest), signed(ended.books.harm())]
}

/// What each attack earned, in coins, beside what honesty earns, and what honest peers lost by it.
fn summary(rows: Vec<Vec<String>>) -> String {
    let columns = [
        ("attack", false),
        ("verdict", false),
        ("earned", true),
        ("if honest", true),
        ("gain", true),
        ("others lost", true),
    ];
    let table = table::table(&columns, rows).to_string();
    table.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn word(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Pass => "pass",
        Conclusion::Fail => "FAIL",
        Conclusion::Unknown => "unknown",
    }
}

fn ledger(books: &Books) -> String {
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
    table::table(&columns, rows).to_string()
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

fn document(case: &Case, ended: &Ended) -> Document {
    let Ended { run, books, seconds, directory } = ended;
    let went = Went { stamp: run.stamp, seed: case.seed, command: command(case), ended: run.end };
    Document {
        results: Results::new(&case.scenario, went, &run.verdicts),
        gain: books.gain(),
        harm: books.harm(),
        books: books.clone(),
        faults: run.faults.clone(),
        events: run.hash,
        seconds: *seconds,
        directory: directory.clone(),
    }
}
