//! `neuron scenario run`: scenarios in the simulated network, and what came of what was expected.
use std::collections::BTreeMap;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use std::{fs, path, thread};

use color_eyre::eyre::{Result, WrapErr, eyre};
use crypto::Hash;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::json;

use super::directory::{self, Directory};
use super::told;
use crate::behaviour::Make;
use crate::cli::out::{self, Out};
use crate::cli::simulate::Seeds;
use crate::log;
use crate::scenario::live::{self, Site};
use crate::scenario::simulated::{self, Run};
use crate::scenario::{
    Books, Conclusion, Ending, Moment, Results, Scenario, bundled, instead_of, junit, unpack,
};
use crate::simulation::share;

/// Where a live run's neurons live, in its directory.
const NEURONS: &str = "neurons";

/// All runs are kept until the last has ended: fewer than so many.
const MAX_RUNS: usize = 10_000;

/// Run scenarios, and judge what was expected of them
///
/// In the simulated network everything follows from the seed: the same seed gives the same events, byte for byte. With
/// --live real neurons play. Each scenario is run twice, once
/// with everybody honest, so that the difference is what the attack earned and what it cost others. Exits with 0 if all
/// expectations came true, with 1 if one did not or a scenario cannot be run, with 2 if one is unknown, such as an
/// attack that never fired.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  neuron scenario run weight_copier\n  \
    neuron scenario run attack.toml --seeds 0..20")]
pub(super) struct Args {
    /// Scenario files, or names of scenarios that come with the program
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Decides everything random [default: as the file says]
    #[arg(long, value_name = "S", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Run each with all of these seeds, the last excluded
    #[arg(long, value_name = "A..B")]
    seeds: Option<Seeds>,
    /// Give each neuron a process of its own on this machine, with its sockets, disk and libtorch model, in real time
    #[arg(long)]
    live: bool,
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

/// Not all that was expected came true.
#[derive(Debug, thiserror::Error)]
#[error("an expectation {}", if matches!(.0, Conclusion::Fail) { "did not come true" } else { "is unknown" })]
pub(in crate::cli) struct Unmet(Conclusion);

impl Unmet {
    pub(super) fn new(conclusion: Conclusion) -> Self {
        Self(conclusion)
    }

    /// What the program exits with.
    pub(in crate::cli) fn exit_code(&self) -> u8 {
        self.0.exit_code()
    }
}

/// One scenario with one seed.
pub(super) struct Case {
    /// As it was named.
    pub(super) file: PathBuf,
    /// Where it is.
    pub(super) path: PathBuf,
    pub(super) scenario: Scenario,
    pub(super) seed: u64,
    makes: BTreeMap<usize, Make>,
    /// The program that its neurons run, if they are to be real.
    live: Option<PathBuf>,
}

/// What came of it.
pub(super) struct Ended {
    pub(super) run: Run,
    pub(super) books: Books,
    pub(super) seconds: f64,
    pub(super) directory: PathBuf,
}

/// A run as a document.
#[derive(Serialize)]
pub(super) struct Document {
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
    log::show_scripts();
    let cases = cases(args)?;
    let home = args.out.clone().unwrap_or_else(crate::cli::runs);
    let ended = all(&cases, &home).into_iter().collect::<Result<Vec<_>>>()?;
    let pairs = || cases.iter().zip(&ended);
    let documents: Vec<_> = pairs().map(|(case, ended)| Document::of(case, ended)).collect();
    if let Some(path) = &args.junit {
        let results: Vec<_> = documents.iter().map(|document| document.results.clone()).collect();
        fs::write(path, junit(&results)).wrap_err_with(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(last) = ended.last() {
        directory::link(&home, &last.directory);
    }
    let worst = ended.iter().map(Ended::conclusion).max().unwrap_or(Conclusion::Pass);
    if args.json {
        out::document(&json!({ "conclusion": worst, "scenarios": documents }))?;
    } else {
        for (case, ended) in pairs().filter(|it| cases.len() == 1 || it.1.conclusion() != Conclusion::Pass) {
            Out::People.say(&told::run(case, ended))?;
        }
        if cases.len() > 1 {
            Out::People.say(&told::summary(pairs(), args.seeds.is_some()))?;
        }
    }
    for (case, ended) in pairs() {
        let faults = ended.run.faults.iter();
        faults.for_each(|fault| out::point_out(&format!("{}: {}", case.file.display(), fault.trim_end())));
    }
    if worst == Conclusion::Pass { Ok(()) } else { Err(Unmet(worst).into()) }
}

fn cases(args: &Args) -> Result<Vec<Case>> {
    let program = || std::env::current_exe().wrap_err("--live: cannot find this program");
    let live = args.live.then(program).transpose()?;
    let mut cases = Vec::new();
    for file in &args.files {
        let (path, text) = find(file)?;
        let scenario = Scenario::read(&file.to_string_lossy(), &text)?;
        let makes = simulated::makes(&scenario, folder(&path))?;
        let own = || args.seed.unwrap_or(scenario.seed);
        let seeds =
            args.seeds.as_ref().map_or_else(|| vec![own()], |seeds| seeds.0.clone().take(MAX_RUNS).collect());
        for seed in seeds {
            let (file, path, scenario) = (file.clone(), path.clone(), scenario.clone());
            let (makes, live) = (makes.clone(), live.clone());
            cases.push(Case { file, path, scenario, seed, makes, live });
        }
    }
    let mut folders = BTreeMap::new();
    for case in &cases {
        if let Some(other) = folders.insert(case.directory(), &case.file) {
            let (file, other) = (case.file.display(), other.display());
            return Err(eyre!(
                "{other} and {file} would be run into one folder: rename one, or run them in turn"
            ));
        }
    }
    match cases.len() {
        ..MAX_RUNS => Ok(cases),
        _ => Err(eyre!("{MAX_RUNS} runs or more at once; name fewer files or --seeds")),
    }
}

/// Where a scenario is and what it says: a file, or else one that comes with the program.
pub(super) fn find(file: &Path) -> Result<(PathBuf, String)> {
    let name = file.to_string_lossy();
    if !file.exists() && bundled().any(|(known, _)| *known == *name) {
        let folder = crate::cli::cache().join("scenarios");
        unpack(&folder).wrap_err_with(|| format!("cannot unpack scenarios to {}", folder.display()))?;
        return find(&folder.join(format!("{name}.toml")));
    }
    let instead = || if file.exists() { String::new() } else { instead_of(&name) };
    let text = fs::read_to_string(file);
    let text = text.map_err(|error| eyre!("cannot read {}: {error}{}", file.display(), instead()))?;
    Ok((file.to_owned(), text))
}

/// Runs all on as many threads as there are cores; real neurons share these, so that live ones run one by one.
fn all(cases: &[Case], home: &Path) -> Vec<Result<Ended>> {
    let ended = Mutex::new(BTreeMap::new());
    let live = cases.iter().any(|case| case.live.is_some());
    let cores = if live { 1 } else { thread::available_parallelism().map_or(1, NonZero::get) };
    let threads = cores.min(cases.len());
    let bar = bar(cases.len() as u64);
    share(0..cases.len() as u64, threads, |place| {
        let result = cases[place as usize].run(home, &bar);
        ended.lock().unwrap_or_else(PoisonError::into_inner).insert(place, result);
        bar.inc(1);
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    ended.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

fn bar(runs: u64) -> ProgressBar {
    let template = "{wide_bar} {msg}{pos} of {len} runs, {eta} left";
    ProgressBar::new(runs).with_style(ProgressStyle::with_template(template).expect("the template is sound"))
}

impl Case {
    /// The file's name without its ending.
    pub(super) fn name(&self) -> String {
        self.file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The folder of its run.
    pub(super) fn directory(&self) -> String {
        let live = if self.live.is_some() { "-live" } else { "" };
        format!("{}-{}{live}", self.name(), self.seed)
    }

    /// What repeats it, given where its file is.
    pub(super) fn command(&self, file: &Path) -> String {
        let live = if self.live.is_some() { " --live" } else { "" };
        format!("neuron scenario run {} --seed {}{live}", file.display(), self.seed)
    }

    /// Runs it, and once more with everybody honest, simulated if only to compare, and leaves a directory.
    fn run(&self, home: &Path, bar: &ProgressBar) -> Result<Ended> {
        let began = Instant::now();
        let directory = Directory::make(home, self)?;
        // Where nobody does wrong and nothing goes wrong, it would be the same run.
        let sound = self.scenario.without_crime();
        let again = self.live.is_some() || sound != self.scenario;
        let honest =
            || again.then(|| simulated::run_silently(&sound, self.seed, BTreeMap::new())).transpose();
        let (run, honest) = match &self.live {
            None => beside(|| simulated::run(&self.scenario, self.seed, self.makes.clone()), honest),
            // Real neurons have the machine to themselves.
            Some(program) => (Ok(self.play(program, &directory.path.join(NEURONS), bar)?), honest()),
        };
        let (run, honest) = (run?, honest?);
        let books = Books::of(&self.scenario, &run, honest.as_ref().unwrap_or(&run));
        let seconds = began.elapsed().as_secs_f64();
        let mut ended = Ended { run, books, seconds, directory: directory.path.clone() };
        directory.keep(self, &ended)?;
        // What happened is on disk, and may be much.
        ended.run.lines = Vec::new();
        Ok(ended)
    }

    /// Runs it with real neurons, which live in `dir`.
    fn play(&self, program: &Path, dir: &Path, bar: &ProgressBar) -> Result<Run> {
        if dir.exists() {
            fs::remove_dir_all(dir).wrap_err_with(|| format!("cannot empty {}", dir.display()))?;
        }
        let absolute = |path: &Path| path::absolute(path).wrap_err("where are we?");
        let folder = absolute(folder(&self.path))?;
        let site = Site { program: program.to_owned(), folder, dir: absolute(dir)? };
        let name = self.name();
        let mut watch = |now: Moment| {
            let Moment { time, height, epoch } = now;
            bar.set_message(format!("{name} at {} s, height {height}, epoch {epoch}; ", time.as_secs()));
        };
        let run = live::run(&self.scenario, self.seed, site, &mut watch);
        bar.set_message("");
        Ok(run?)
    }
}

/// Does two things at once.
fn beside<A, B: Send>(one: impl FnOnce() -> A, other: impl FnOnce() -> B + Send) -> (A, B) {
    thread::scope(|scope| {
        let other = scope.spawn(other);
        let one = one();
        (one, other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Where a scenario's scripts lie.
pub(super) fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl Ended {
    pub(super) fn conclusion(&self) -> Conclusion {
        Conclusion::of(&self.run.verdicts)
    }
}

impl Document {
    pub(super) fn of(case: &Case, ended: &Ended) -> Self {
        let Ended { run, books, seconds, directory } = ended;
        let command = case.command(&case.file);
        let ending = Ending { stamp: run.stamp, seed: case.seed, command, ended: run.end };
        Self {
            results: Results::new(&case.scenario, ending, &run.verdicts),
            gain: books.gain(),
            harm: books.harm(),
            books: books.clone(),
            faults: run.faults.clone(),
            events: run.hash,
            seconds: *seconds,
            directory: directory.clone(),
        }
    }
}
