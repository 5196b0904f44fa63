//! The command line: each command is a module, its doc comments are its help.

mod asking;
mod behave;
mod children;
mod explain;
mod light;
mod live;
mod metagraph;
mod order;
mod out;
mod query;
mod register;
mod replay;
mod run;
mod scenario;
mod settle;
mod simulate;
mod stake;
mod subnet;
mod swarm;
mod table;
mod transfer;
mod weights;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{CommandFactory, Parser, Subcommand};
use color_eyre::eyre::{Report, Result, WrapErr};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use crate::clock;

/// Exit code of a command line that is none.
const USAGE: u8 = 2;

/// Mine or validate in a peer-to-peer network that pays machine-learning models for being useful
///
/// Start here: `neuron swarm` runs a whole network on this machine. Every command takes --json, explains itself with
/// --help, writes errors to stderr and exits with 0 if all went well, 1 if not, 2 if it was misspelt.
#[derive(Debug, Parser)]
#[command(name = "neuron", bin_name = "neuron", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Swarm(swarm::Args),
    Simulate(simulate::Args),
    Scenario(scenario::Args),
    Replay(replay::Args),
    Run(run::Args),
    Behave(behave::Args),
    Metagraph(metagraph::Args),
    Explain(explain::Args),
    Query(query::Args),
    Light(light::Args),
    Weights(weights::Args),
    Register(register::Args),
    Stake(stake::Args),
    Children(children::Args),
    Settle(settle::Args),
    Subnet(subnet::Args),
    Transfer(transfer::Args),
}

/// Reads the command line, does what it says, and tells in one line what went wrong.
pub fn main() -> ExitCode {
    let began = clock::process_began();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misspelt(&error),
    };
    match color_eyre::install().and_then(|()| perform(cli.command, began)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let says = if error.is::<crate::scenario::Error>() { out::point_out } else { out::complain };
            says(&format!("{error:#}"));
            let unmet = error.downcast_ref::<scenario::Unmet>();
            unmet.map_or(ExitCode::FAILURE, |unmet| ExitCode::from(unmet.exit_code()))
        }
    }
}

/// What a flag says in JSON.
fn json(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text)
}

fn perform(command: Command, began: Instant) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new().wrap_err("cannot start the program's threads")?;
    runtime.block_on(async {
        match command {
            Command::Swarm(args) => swarm::perform(args, began).await,
            Command::Simulate(args) => simulate::perform(&args).await,
            Command::Scenario(args) => scenario::perform(&args),
            Command::Replay(args) => replay::perform(&args),
            Command::Run(args) => run::perform(args).await,
            Command::Behave(args) => behave::perform(args).await,
            Command::Metagraph(args) => metagraph::perform(args).await,
            Command::Explain(args) => explain::perform(args).await,
            Command::Query(args) => query::perform(args).await,
            Command::Light(args) => light::perform(args).await,
            Command::Weights(args) => weights::perform(args).await,
            Command::Register(args) => register::perform(args).await,
            Command::Stake(args) => stake::perform(args).await,
            Command::Children(args) => children::perform(args).await,
            Command::Settle(args) => settle::perform(args).await,
            Command::Subnet(args) => subnet::perform(args).await,
            Command::Transfer(args) => transfer::perform(args).await,
        }
    })
}

/// Help and version are no errors; of an error, one line: clap's own first paragraph and where to read more.
fn misspelt(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.to_string();
    if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return ExitCode::from(USAGE);
    }
    let lines: Vec<_> = text.lines().take_while(|line| !line.trim().is_empty()).map(str::trim).collect();
    let fault = lines.join(" ");
    let command = meant(std::env::args().skip(1));
    out::complain(&format!("{}; see `{command} --help`", fault.trim_start_matches("error: ")));
    ExitCode::from(USAGE)
}

/// The command that words name, as far as they name one: "neuron stake add".
fn meant(words: impl Iterator<Item = String>) -> String {
    let mut command = Cli::command();
    let mut name = command.get_name().to_owned();
    for word in words {
        let Some(next) = command.find_subcommand(&word) else { break };
        command = next.clone();
        name.extend([" ", &*word]);
    }
    name
}

/// Whoever read our output has seen enough.
fn is_closed_pipe(error: &Report) -> bool {
    let causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.into_iter().any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// Resolves once somebody presses Ctrl-C or the system wants us to end.
async fn interrupted() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// Where swarms without a --dir live.
fn swarms() -> PathBuf {
    cache().join("swarms")
}

/// Where scenarios' runs without an --out are left.
fn runs() -> PathBuf {
    cache().join("runs")
}

/// What is ours of the user's cache.
fn cache() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::home_dir().map(|home| home.join(".cache"));
    cache.or_else(home).unwrap_or_else(std::env::temp_dir).join("neuron")
}

/// The link to the swarm that was started last.
fn latest() -> PathBuf {
    swarms().join("latest")
}
