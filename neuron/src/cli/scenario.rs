//! `neuron scenario`: script how a peer misbehaves, and see what that earns it.
mod directory;
mod frontier;
mod list;
mod metrics;
mod new;
mod run;
mod told;

use clap::Subcommand;
use color_eyre::eyre::Result;

pub(super) use self::run::Unmet;

/// Script how a peer misbehaves, run it against the real roles, and get a verdict in money
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  neuron scenario list\n  neuron scenario run weight_copier\n  \
    neuron scenario run examples/scenarios/*.toml --json")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    List(list::Args),
    Metrics(metrics::Args),
    Frontier(frontier::Args),
    New(new::Args),
}

pub(super) fn perform(args: &Args) -> Result<()> {
    match &args.command {
        Command::Run(args) => run::perform(args),
        Command::List(args) => list::perform(args),
        Command::Metrics(args) => metrics::perform(args),
        Command::Frontier(args) => frontier::perform(args),
        Command::New(args) => new::perform(args),
    }
}
