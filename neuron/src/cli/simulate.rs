//! `neuron simulate`: whole histories in memory, each from a seed.
use std::num::NonZero;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use color_eyre::eyre::{Result, eyre};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::out::{self, Out};
use crate::simulation::{Campaign, Failure, Faults, Kind, Plan, Tally};
use crate::{clock, log};

/// Run histories of a network in memory, each from a seed, and check every rule in every one
///
/// The same roles as live, on a made-up clock: messages are lost, late, doubled and cut off, decisions hidden, disks
/// busy, neurons die between any two writes and come late, stake changes hands, validators come and go; then it is calm
/// and all must settle on. Checked at every settlement: no fork, equal state roots, exact supply, certificates by an
/// independent check, nobody honest accused, who signed twice punished once, progress in time. A broken rule prints one
/// line with its seed and the command that repeats it, and exits with 1.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  neuron simulate --seeds 0..1000\n  \
    neuron simulate --seeds 17..18 --faults loss,crashes --trace 2>history.log")]
pub(super) struct Args {
    /// Which seeds, the last excluded
    #[arg(long, value_name = "A..B")]
    seeds: Seeds,
    /// Neurons that settle
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=128))]
    validators: u16,
    /// Neurons that only mine [default: some in one history of eight]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(..=128))]
    miners: Option<u16>,
    /// How many validators run twice with one key, and so sign twice; they have just under a third of the stake
    /// [default: one in one history of four]
    #[arg(long, value_name = "N")]
    twins: Option<u16>,
    /// The least height to reach
    #[arg(long, value_name = "N", default_value_t = 9)]
    settlements: u64,
    /// What goes wrong, separated by commas: loss, delay, duplicates, partitions, hidden, crashes, disks, late, skew, stakes
    /// [default: all]
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    faults: Option<Vec<Kind>>,
    /// Write everything that every neuron hears and does to stderr
    #[arg(long)]
    trace: bool,
    /// Print one JSON document at the end; progress goes to stderr
    #[arg(long)]
    json: bool,
}

/// A range of seeds.
#[derive(Clone, Debug)]
pub(super) struct Seeds(pub(super) Range<u64>);

/// What the command found.
#[derive(Serialize)]
struct Document {
    seeds: u64,
    with_twins: u64,
    with_miners: u64,
    settlements: u64,
    events: u64,
    violations: u64,
    failures: Vec<Broken>,
    contradictions: u64,
    evidence: u64,
    slashed: u64,
    set_changes: u64,
    member_changes: u64,
    worst_round: u32,
    slowest_recovery_ms: u64,
    cpu_seconds: f64,
    histories_per_cpu_second: f64,
}

/// A history that broke a rule.
#[derive(Serialize)]
struct Broken {
    seed: u64,
    command: String,
    violations: Vec<String>,
}

pub(super) async fn perform(args: &Args) -> Result<()> {
    let Args { validators, twins, .. } = *args;
    if let Some(twins) = twins.filter(|twins| *twins >= validators) {
        return Err(eyre!("--twins {twins}: of {validators} validators one must run once; name fewer"));
    }
    if args.trace {
        log::trace_simulation();
    }
    let stopped = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&stopped);
    tokio::spawn(async move {
        super::interrupted().await;
        stop.store(true, Ordering::Relaxed);
    });
    let document = tokio::task::block_in_place(|| run(args, &stopped));
    document.failures.iter().for_each(|broken| out::complain(&line(broken)));
    match args.json {
        true => out::document(&document)?,
        false => Out::People.say(&summary(&document))?,
    }
    match document.violations {
        0 if stopped.load(Ordering::Relaxed) => Err(eyre!(
            "stopped after {} of {} histories",
            document.seeds,
            args.seeds.0.end - args.seeds.0.start
        )),
        0 => Ok(()),
        failed => Err(eyre!("{failed} of {} histories broke a rule", document.seeds)),
    }
}

fn run(args: &Args, stopped: &AtomicBool) -> Document {
    let Seeds(seeds) = args.seeds.clone();
    let bar = ProgressBar::new(seeds.end - seeds.start).with_style(style());
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let progress = |tally: &Tally| {
        bar.set_message(format!("{} settlements, {} failed", tally.settlements, tally.failed));
        bar.set_position(tally.histories);
        !stopped.load(Ordering::Relaxed)
    };
    let tally = Campaign { seeds, threads }.run(|seed| args.plan(seed), progress);
    bar.finish_and_clear();
    args.document(tally)
}

fn style() -> ProgressStyle {
    let template = "{wide_bar} {pos} of {len} histories, {eta} left; {msg}";
    ProgressStyle::with_template(template).expect("the template is sound")
}

impl Args {
    fn plan(&self, seed: u64) -> Plan {
        let validators = self.validators.into();
        let (twins, miners) = Plan::company(seed, validators);
        let (twins, miners) =
            (self.twins.map_or(twins, usize::from), self.miners.map_or(miners, usize::from));
        let plan = Plan::rough(seed, validators, miners, self.settlements);
        let faults = match &self.faults {
            Some(kinds) => Faults::drawn(seed).only(kinds),
            None => plan.faults,
        };
        Plan { faults, twins, ..plan }
    }

    /// What repeats one history.
    fn command(&self, seed: u64) -> String {
        let Plan { validators, miners, twins, settlements, .. } = self.plan(seed);
        let mut command = format!(
            "neuron simulate --seeds {seed}..{} --validators {validators} --miners {miners} --twins {twins} \
             --settlements {settlements}",
            seed + 1
        );
        if let Some(kinds) = &self.faults {
            let kinds: Vec<_> = kinds.iter().map(Kind::to_string).collect();
            command.extend([" --faults ", &kinds.join(",")]);
        }
        command
    }

    fn document(&self, tally: Tally) -> Document {
        let broken = |Failure { seed, violations }: &Failure| Broken {
            seed: *seed,
            command: self.command(*seed),
            violations: violations.iter().map(|violation| format!("{violation:?}")).collect(),
        };
        let cpu_seconds = clock::cpu_seconds().unwrap_or(f64::NAN);
        Document {
            seeds: tally.histories,
            with_twins: tally.with_twins,
            with_miners: tally.with_miners,
            settlements: tally.settlements,
            events: tally.events,
            violations: tally.failed,
            failures: tally.failures.iter().map(broken).collect(),
            contradictions: tally.contradictions,
            evidence: tally.twins_accused,
            slashed: tally.twins_slashed,
            set_changes: tally.set_changes,
            member_changes: tally.member_changes,
            worst_round: tally.worst_round,
            slowest_recovery_ms: tally.slowest_recovery_ms,
            cpu_seconds,
            histories_per_cpu_second: tally.histories as f64 / cpu_seconds,
        }
    }
}

fn line(broken: &Broken) -> String {
    let violations = broken.violations.join(", ");
    format!("seed {}, commit {}: {violations}; repeat: {} --trace", broken.seed, COMMIT, broken.command)
}

fn summary(document: &Document) -> String {
    format!(
        "{} histories, {} with twins, {} with miners, {} settlements, {} events: {} broke a rule\nworst round {}, slowest recovery {:.1} virtual s, \
         {} contradictions of twins, {} proofs, {} punishments\n{} changes of the settling set, {} of its members\n{:.1} CPU seconds, {:.1} histories in each",
        document.seeds,
        document.with_twins,
        document.with_miners,
        document.settlements,
        document.events,
        document.violations,
        document.worst_round,
        document.slowest_recovery_ms as f64 / 1_000.0,
        document.contradictions,
        document.evidence,
        document.slashed,
        document.set_changes,
        document.member_changes,
        document.cpu_seconds,
        document.histories_per_cpu_second
    )
}

/// What the program was built from.
const COMMIT: &str = match option_env!("NEURON_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let range = text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
        let range = range.ok_or_else(|| "write 0..1000 for a thousand seeds from 0".to_owned())?;
        if Range::<u64>::is_empty(&range) {
            Err("no seed is in it; write 0..1000 for a thousand from 0".to_owned())
        } else {
            Ok(Self(range))
        }
    }
}
