//! `neuron weights`: what validators think of miners.

use clap::Subcommand;
use color_eyre::eyre::Result;
use crypto::Hotkey;
use protocol::subnet::Netuid;

use super::asking::Asking;
use super::out::{self, Out};
use super::table::{Columns, number, table};
use crate::api::{Sealed, Vote, Votes};

/// Show what validators think of miners
///
/// Asks a neuron that runs on this machine: of the last swarm, unless --dir names another. Takes --json.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: neuron weights show --json | jq '.rows[] | {uid, weights}'")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the rows that count in the present epoch, and the commits whose rows are not revealed yet
    #[command(after_help = "Example: neuron weights show --json | jq '.rows[] | {uid, weights}'")]
    Show(Show),
}

#[derive(Debug, clap::Args)]
struct Show {
    /// Only this validator's: 64 hexadecimal digits
    #[arg(value_name = "HOTKEY")]
    hotkey: Option<Hotkey>,
    /// The subnet [default: the asked neuron's own]
    #[arg(long, value_name = "N")]
    netuid: Option<u16>,
    #[command(flatten)]
    asking: Asking,
}

/// Headings, and which hold numbers.
const ROWS: Columns<'_> = &[("uid", true), ("hotkey", false), ("committed", true), ("uid:weight", false)];

/// The same, of commits.
const COMMITS: Columns<'_> =
    &[("uid", true), ("hotkey", false), ("epoch", true), ("committed", true), ("commitment", false)];

pub(super) async fn perform(args: Args) -> Result<()> {
    let Command::Show(args) = args.command;
    let client = args.asking.client()?;
    let votes = client.votes(args.netuid.map(Netuid), args.hotkey).await?;
    if args.asking.json {
        return out::document(&votes);
    }
    let Votes { stamp, netuid, epoch, rows, commits } = &votes;
    let (height, shown, sealed) = (stamp.height, rows.len(), commits.len());
    Out::People.say(&format!("subnet {netuid}  height {height}  epoch {epoch}\n"))?;
    Out::People.say(&format!("rows that count when the epoch ends: {shown}"))?;
    Out::People.say(&table(ROWS, rows.iter().map(row)).trim_fmt())?;
    Out::People.say(&format!("\ncommits that wait to be revealed: {sealed}"))?;
    Out::People.say(&table(COMMITS, commits.iter().map(commit)).trim_fmt())
}

fn row(vote: &Vote) -> Vec<String> {
    let weights: Vec<_> = vote.weights.0.iter().map(|(uid, weight)| format!("{uid}:{weight}")).collect();
    vec![number(vote.uid), vote.hotkey.short(), vote.committed.to_string(), weights.join(" ")]
}

fn commit(sealed: &Sealed) -> Vec<String> {
    vec![
        number(sealed.uid),
        sealed.hotkey.short(),
        sealed.epoch.to_string(),
        sealed.committed.to_string(),
        sealed.commitment.short(),
    ]
}
