//! `neuron swarm`: a whole network on this machine.
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use color_eyre::eyre::{Result, WrapErr, eyre};

use super::live::Screen;
use super::out::{self, Out};
use crate::swarm::{Adversary, Housing, Look, Plan, Report, Swarm};
use crate::{api, clock, key};

/// How often the view is renewed.
const RENEW_EVERY: Duration = Duration::from_millis(200);

/// Directories of swarms that died without cleaning up are removed after this.
const LEFTOVER_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Run miners and validators on this machine, as real peers that settle and get paid
///
/// Needs no set-up: makes keys, a genesis and a directory, starts every neuron, and shows what they earn. The first
/// neuron's address is all that the others know; they find each other. Ctrl-C stops everything. Exits with 1 if
/// within a minute or so no settlement paid a miner and a validator, and says what was missing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  neuron swarm\n  neuron swarm --miners 8 --settlements 40 --json\n  \
    neuron swarm --set subnet.tempo=5 --set subnet.burn.start=0.5 --set founding.lock=10\n  \
    neuron swarm --dir my-swarm     # keeps everything; the same command later goes on")]
pub(super) struct Args {
    /// Neurons that question miners and settle [default: 4]
    #[arg(long, value_name = "N")]
    validators: Option<usize>,
    /// Neurons that serve models, from poor to good [default: 6]
    #[arg(long, value_name = "N")]
    miners: Option<usize>,
    /// Stop after so many settlements, or later if nobody is paid by then
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    settlements: Option<u64>,
    /// Give each neuron a process of its own, started again when it dies
    #[arg(long)]
    processes: bool,
    /// What the models do: digits, or sums (needs no libtorch) [default: digits]
    #[arg(long, value_name = "NAME")]
    task: Option<String>,
    /// Decides keys, data shards, questions and skills, but no timing [default: 1]
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Milliseconds between settlements [default: 1000]
    #[arg(long, value_name = "MS")]
    interval: Option<u64>,
    /// Any other parameter by its name in the genesis file, or of the subnet; amounts in coins; repeat at will
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
    /// Add neurons that misbehave as in a scenario of `neuron scenario list`; repeat at will
    #[arg(long, value_name = "NAME:COUNT")]
    adversary: Vec<Adversary>,
    /// Keep everything here; a directory of an earlier run is resumed [default: one that is removed at the end]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Weights (safetensors) that the last miner serves instead of training
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Print one JSON document at the end; progress goes to stderr
    #[arg(long)]
    json: bool,
}

/// Epochs within which a swarm on a fast machine pays: one to commit, one to reveal, and one more.
const FIRST_PAY: u64 = 3;

pub(super) async fn perform(args: Args, began: Instant) -> Result<()> {
    let plan = plan(&args, began)?;
    let dir = plan.dir.clone();
    let result = live(&args, plan).await;
    if args.dir.is_none() {
        clean_up(&dir, result.is_ok());
    }
    result
}

/// Removes a directory that nobody asked to keep; after a failure only if nothing is in it to read.
fn clean_up(dir: &Path, all: bool) {
    // What cannot be removed now is swept later.
    if all {
        let _ = fs::remove_dir_all(dir);
        let _ = fs::remove_file(super::latest());
    } else {
        let _ = fs::remove_dir(dir);
    }
}

fn plan(args: &Args, began: Instant) -> Result<Plan> {
    let dir = directory(args.dir.as_deref())?;
    let known = Plan::read(&dir)?.unwrap_or_else(|| Plan::new(&dir));
    let housing = match args.processes {
        true => {
            Housing::Processes(std::env::current_exe().wrap_err("--processes: cannot find this program")?)
        }
        false => Housing::Here,
    };
    Ok(Plan {
        validators: args.validators.unwrap_or(known.validators),
        miners: args.miners.unwrap_or(known.miners),
        task: args.task.clone().unwrap_or(known.task),
        seed: args.seed.unwrap_or(known.seed),
        interval_ms: args.interval.unwrap_or(known.interval_ms),
        settings: if args.set.is_empty() { known.settings } else { args.set.iter().cloned().collect() },
        adversaries: if args.adversary.is_empty() { known.adversaries } else { args.adversary.clone() },
        model: args.model.clone(),
        dir,
        housing,
        began,
    })
}

fn setting(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
    pair.ok_or_else(|| "no name and value, like subnet.tempo=5".to_owned())
}

async fn live(args: &Args, plan: Plan) -> Result<()> {
    let fresh = args.dir.is_none();
    let mut swarm = tokio::select! {
        started = Swarm::start(plan) => started?,
        () = super::interrupted() => return Ok(()),
    };
    point_latest(&swarm.plan().dir);
    let look = swarm.look().await;
    let mut screen = Screen::open(Out::of(args.json), &swarm, &look, fresh)?;
    let result = watch(&mut swarm, &mut screen, look.height(), args.settlements).await;
    let report = match result {
        Ok(()) => Ok(swarm.report().await?),
        Err(error) => Err(error),
    };
    screen.close();
    tokio::select! {
        () = swarm.stop() => {}
        () = super::interrupted() => {}
    }
    let report = report?;
    Out::of(args.json).say(&summary(&report))?;
    if args.json { out::document(&report) } else { Ok(()) }
}

/// Shows the swarm until it settled as often as was asked for, somebody stops it, or it does not pay. Where pay could be
/// expected the end waits for it.
async fn watch(swarm: &mut Swarm, screen: &mut Screen, from: u64, settlements: Option<u64>) -> Result<()> {
    let enough = |swarm: &Swarm, look: &Look| {
        settlements.is_some_and(|settlements| {
            let paid = swarm.first_emission().is_some() || settlements < FIRST_PAY * swarm.tempo();
            paid && look.height() >= from + settlements
        })
    };
    let mut interrupted = std::pin::pin!(super::interrupted());
    loop {
        let look = swarm.look().await;
        screen.show(swarm, &look)?;
        if enough(swarm, &look) {
            return Ok(());
        }
        if let Some(fault) = swarm.fault(&look) {
            return Err(fault.into());
        }
        tokio::select! {
            () = tokio::time::sleep(RENEW_EVERY) => {}
            () = &mut interrupted => return Ok(()),
        }
    }
}

fn summary(report: &Report) -> String {
    let coins = |amount: u64| super::table::coins(amount);
    let first = report.first_emission_s.map_or_else(
        || "no settlement paid a miner and a validator yet".to_owned(),
        |seconds| format!("a miner and a validator were first paid after {seconds:.1} s"),
    );
    let schedule = if report.issued == report.scheduled { "as scheduled" } else { "NOT AS SCHEDULED" };
    let roots = if report.roots_agree { "all state roots agree" } else { "STATE ROOTS DIFFER" };
    let culprits =
        report.adversaries.iter().map(|it| format!("{it}; it earned {} coins\n", coins(it.emission)));
    format!(
        "{}stopped at height {}; {first}; {} coins issued, {schedule}, {} burned; {roots}",
        culprits.collect::<String>(),
        report.height,
        coins(report.issued),
        coins(report.burned)
    )
}

/// The directory named, or a fresh one in the user's cache; absolute, since processes get it too.
fn directory(named: Option<&Path>) -> Result<PathBuf> {
    let dir = match named {
        Some(dir) => dir.to_owned(),
        None => {
            sweep(&super::swarms());
            super::swarms().join(clock::now_ms().to_string())
        }
    };
    let made = key::private_dir(&dir).and_then(|()| fs::canonicalize(&dir));
    made.map_err(|cause| eyre!("--dir {}: {cause}; choose one that you may write", dir.display()))
}

/// Removes what swarms left that died without cleaning up.
fn sweep(swarms: &Path) {
    let entries = fs::read_dir(swarms).into_iter().flatten().flatten();
    for dir in entries.map(|entry| entry.path()).filter(|path| !path.is_symlink()) {
        let age =
            fs::metadata(&dir).and_then(|data| data.modified()).ok().and_then(|then| then.elapsed().ok());
        let is_dead = UnixStream::connect(dir.join("validator-0").join(api::SOCKET)).is_err();
        if is_dead && age.is_some_and(|age| age > LEFTOVER_AGE) {
            let _ = fs::remove_dir_all(dir);
        }
    }
}

/// Lets `neuron metagraph` and `neuron query` find this swarm. A convenience: without it they need --dir.
fn point_latest(dir: &Path) {
    let (latest, fresh) = (super::latest(), super::swarms().join(format!(".{}", std::process::id())));
    let _ = key::private_dir(&super::swarms())
        .and_then(|()| symlink(dir, &fresh))
        .and_then(|()| fs::rename(&fresh, &latest));
}
