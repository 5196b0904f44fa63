//! `neuron subnet`: subnets, their rules, and what each gets of emission.

use clap::Subcommand;
use color_eyre::eyre::{Result, eyre};
use crypto::Hotkey;
use protocol::Amount;
use protocol::subnet::Netuid;
use protocol::transaction::{Action, Coldkey};
use serde::Serialize;

use super::asking::Asking;
use super::order::Sending;
use super::out::{self, Out};
use super::table::{Columns, coins, percent, table};
use crate::api::{Stamp, Subnet, Subnets};
use crate::setting;
use crate::word;

/// Found a subnet, look at subnets, and change their rules
///
/// Asks and tells a neuron that runs on this machine: of the last swarm, unless --dir names another. Each takes --json.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: neuron subnet list --json | jq '.subnets[] | {netuid, task, share}'")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Found a subnet of one's own; the coins that this locks come back when it ends
    #[command(after_help = "Example: neuron subnet create sums --coldkey my-swarm/spare-0/coldkey --dry-run")]
    Create {
        /// The name of what it is about; neurons that know no task of that name cannot work there
        #[arg(value_name = "TASK")]
        task: String,
        /// Refuse to lock more than this: the price doubles with every subnet
        #[arg(long, value_name = "COINS", allow_negative_numbers = true)]
        limit: Option<Amount>,
        #[command(flatten)]
        sending: Sending,
    },
    /// Show every subnet: task, owner, share of emission, what a slot costs
    #[command(after_help = "Example: neuron subnet list --json | jq '.subnets[] | {netuid, task, share}'")]
    List(Asking),
    /// Show the rules of a subnet
    #[command(after_help = "Example: neuron subnet show 1 --json | jq .rules.tempo")]
    Show {
        /// Its number
        #[arg(value_name = "N")]
        netuid: u16,
        #[command(flatten)]
        asking: Asking,
    },
    /// Change a rule of a subnet of one's own; to a wrong name it answers with all of them
    #[command(
        after_help = "Example: neuron subnet set 2 minimum-burn 0.5 --coldkey my-swarm/spare-0/coldkey"
    )]
    Set {
        /// Its number
        #[arg(value_name = "N")]
        netuid: u16,
        /// Which rule, like minimum-burn
        #[arg(value_name = "RULE")]
        rule: String,
        /// Its new value; amounts in coins
        #[arg(value_name = "VALUE")]
        value: String,
        #[command(flatten)]
        sending: Sending,
    },
    /// Have a subnet of one's own begin to earn; a new one does not until its owner says so
    #[command(after_help = "Example: neuron subnet start 2 --coldkey my-swarm/spare-0/coldkey")]
    Start {
        /// Its number
        #[arg(value_name = "N")]
        netuid: u16,
        #[command(flatten)]
        sending: Sending,
    },
    /// Say how emission should be divided between subnets, in the name of a hotkey that settles
    #[command(
        after_help = "Example: neuron subnet prefer 1=3 2=1 --hotkey HOTKEY --coldkey my-swarm/validator-0/coldkey"
    )]
    Prefer {
        /// What each subnet should have in proportion to the others; none to say nothing any more
        #[arg(value_name = "N=WEIGHT", value_parser = preference)]
        row: Vec<(Netuid, u16)>,
        /// In whose name: 64 hexadecimal digits
        #[arg(long, value_name = "HOTKEY")]
        hotkey: Hotkey,
        #[command(flatten)]
        sending: Sending,
    },
}

/// One subnet with what every document carries.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    stamp: Stamp,
    #[serde(flatten)]
    subnet: &'a Subnet,
}

/// Headings, and which hold numbers.
const COLUMNS: Columns<'_> = &[
    ("netuid", true),
    ("task", false),
    ("owner", false),
    ("emission", true),
    ("neurons", true),
    ("slot price", true),
    ("lock", true),
    ("epoch", true),
];

/// The same, of rules.
const RULES: Columns<'_> = &[("rule", false), ("value", true)];

pub(super) async fn perform(args: Args) -> Result<()> {
    match args.command {
        Command::Create { task, limit, sending } => {
            let deed = format!("found a subnet of {task}");
            sending.carry_out(sending.client()?, Action::Found { task, limit }, &deed).await
        }
        Command::List(asking) => list(&asking).await,
        Command::Show { netuid, asking } => show(Netuid(netuid), &asking).await,
        Command::Set { netuid, rule, value, sending } => {
            let words = format!("{rule} {value}");
            let rule = word::read(&words).map_err(|fault| eyre!("{words}: {fault}"))?;
            let deed = format!("set {words} in subnet {netuid}");
            sending
                .carry_out(sending.client()?, Action::SetRule { netuid: Netuid(netuid), rule }, &deed)
                .await
        }
        Command::Start { netuid, sending } => {
            let (action, deed) = (Action::Start { netuid: Netuid(netuid) }, format!("start subnet {netuid}"));
            sending.carry_out(sending.client()?, action, &deed).await
        }
        Command::Prefer { mut row, hotkey, sending } => {
            row.sort_unstable();
            let deed = format!("prefer {} in the name of {hotkey:?}", preferred(&row));
            sending.carry_out(sending.client()?, Action::Prefer { hotkey, row }, &deed).await
        }
    }
}

async fn list(asking: &Asking) -> Result<()> {
    let subnets = ask(asking).await?;
    if asking.json {
        return out::document(&subnets);
    }
    let price = subnets.lock_price;
    Out::People.say(&format!("height {}  one more subnet locks {price}\n", subnets.stamp.height))?;
    Out::People.say(&table(COLUMNS, subnets.subnets.iter().map(cells)).trim_fmt())
}

async fn show(netuid: Netuid, asking: &Asking) -> Result<()> {
    let Subnets { stamp, subnets, .. } = ask(asking).await?;
    let subnet = subnets.iter().find(|subnet| subnet.netuid == netuid);
    let subnet = subnet
        .ok_or_else(|| eyre!("there is no subnet {netuid}; see `neuron subnet list` for those there are"))?;
    if asking.json {
        return out::document(&Document { stamp, subnet });
    }
    let Subnet { task, founded, epoch, .. } = subnet;
    let owner = owner(subnet, |owner| format!("{owner:?}"));
    Out::People
        .say(&format!("subnet {netuid} ({task})  owner {owner}  founded at {founded}  epoch {epoch}\n"))?;
    let rules = setting::list(&subnet.rules).into_iter().map(|(name, value)| vec![name, value]);
    Out::People.say(&table(RULES, rules).trim_fmt())
}

async fn ask(asking: &Asking) -> Result<Subnets> {
    Ok(asking.client()?.subnets().await?)
}

fn cells(subnet: &Subnet) -> Vec<String> {
    vec![
        subnet.netuid.to_string(),
        subnet.task.clone(),
        owner(subnet, |owner| owner.0.short()),
        percent(subnet.share),
        subnet.neurons.to_string(),
        coins(subnet.price.0),
        coins(subnet.lock.0),
        subnet.epoch.to_string(),
    ]
}

fn owner(subnet: &Subnet, show: impl Fn(Coldkey) -> String) -> String {
    subnet.owner.map_or_else(|| "nobody".to_owned(), show)
}

fn preference(text: &str) -> Result<(Netuid, u16), String> {
    let pair = text
        .split_once('=')
        .and_then(|(netuid, weight)| Some((Netuid(netuid.parse().ok()?), weight.parse().ok()?)));
    pair.ok_or_else(|| "no netuid and weight, each at most 65535, like 1=3".to_owned())
}

fn preferred(row: &[(Netuid, u16)]) -> String {
    let pairs: Vec<_> = row.iter().map(|(netuid, weight)| format!("{netuid}={weight}")).collect();
    if pairs.is_empty() { "no subnet".to_owned() } else { pairs.join(" ") }
}
