//! `neuron children`: hotkeys that vote with another's stake.

use clap::Subcommand;
use color_eyre::eyre::Result;
use crypto::Hotkey;
use protocol::parameters::BASIS_POINTS;
use protocol::subnet::Netuid;
use protocol::transaction::Action;

use super::asking::Asking;
use super::order::Sending;
use super::out::{self, Out};
use super::stake::basis_points;
use super::table::{Columns, percent, table};
use crate::api::{Child, Children};

/// Lend parts of a hotkey's stake in a subnet to others, which vote on weights with it and share what that earns
///
/// Only votes are lent: the stake stays where it is, settles and unbonds there. Asks and tells a neuron that runs on
/// this machine: of the last swarm, unless --dir names another. Each takes --json.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: neuron children show HOTKEY --json")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Name those to whom a hotkey lends, and what part to each; in force after a while, at the end of an epoch
    #[command(
        after_help = "Example: neuron children set HOTKEY CHILD=25 OTHER=12.5 --netuid 1 --coldkey my-swarm/spare-0/coldkey"
    )]
    Set {
        /// Who lends, one of the account's own: 64 hexadecimal digits
        #[arg(value_name = "HOTKEY")]
        hotkey: Hotkey,
        /// To whom, and how much of the stake; none to lend nothing any more
        #[arg(value_name = "CHILD=PERCENT", value_parser = child)]
        children: Vec<(Hotkey, u64)>,
        /// In which subnet
        #[arg(long, value_name = "N")]
        netuid: u16,
        #[command(flatten)]
        sending: Sending,
    },
    /// Set the part that a hotkey keeps of what borrowed stake earns; it may fall at any time and rise once in a while
    #[command(
        after_help = "Example: neuron children take HOTKEY 9 --netuid 1 --coldkey my-swarm/validator-0/coldkey"
    )]
    Take {
        /// Who borrows, one of the account's own: 64 hexadecimal digits
        #[arg(value_name = "HOTKEY")]
        hotkey: Hotkey,
        /// How much, with up to 2 digits after the point
        #[arg(value_name = "PERCENT", value_parser = basis_points)]
        take: u16,
        /// In which subnet
        #[arg(long, value_name = "N")]
        netuid: u16,
        #[command(flatten)]
        sending: Sending,
    },
    /// Show to whom a hotkey lends and is about to lend, what it keeps, and what it votes with
    #[command(after_help = "Example: neuron children show HOTKEY --netuid 1")]
    Show {
        /// Who: 64 hexadecimal digits
        #[arg(value_name = "HOTKEY")]
        hotkey: Hotkey,
        /// In which subnet; the asked neuron's own if left out
        #[arg(long, value_name = "N")]
        netuid: Option<u16>,
        #[command(flatten)]
        asking: Asking,
    },
}

/// Headings, and which hold numbers.
const COLUMNS: Columns<'_> = &[("child", false), ("part", true), ("state", false)];

pub(super) async fn perform(args: Args) -> Result<()> {
    match args.command {
        Command::Set { hotkey, mut children, netuid, sending } => {
            children.sort_unstable();
            let deed = format!("{hotkey:?} lends to {} in subnet {netuid}", children.len());
            let action = Action::SetChildren { netuid: Netuid(netuid), hotkey, children };
            sending.carry_out(sending.client()?, action, &deed).await
        }
        Command::Take { hotkey, take, netuid, sending } => {
            let deed = format!(
                "{hotkey:?} keeps {}.{:02} % of what it borrows in subnet {netuid}",
                take / 100,
                take % 100
            );
            let action = Action::SetChildTake { netuid: Netuid(netuid), hotkey, take };
            sending.carry_out(sending.client()?, action, &deed).await
        }
        Command::Show { hotkey, netuid, asking } => {
            let children = asking.client()?.children(netuid.map(Netuid), hotkey).await?;
            if asking.json { out::document(&children) } else { show(&children) }
        }
    }
}

fn show(of: &Children) -> Result<()> {
    let Children { stamp, netuid, hotkey, votes, take, .. } = of;
    let (who, height, take) = (hotkey.short(), stamp.height, take * 100.0);
    Out::People.say(&format!(
        "{who} in subnet {netuid}  height {height}  votes with {votes}  keeps {take:.2} % of what borrowed stake earns"
    ))?;
    if of.children.is_empty() && of.planned.is_none() {
        return Out::People.say("it lends to nobody");
    }
    let row = |child: &Child, state: String| vec![child.hotkey.short(), percent(child.part), state];
    let now = of.children.iter().map(|child| row(child, "in force".to_owned()));
    let planned = of.planned.iter().flat_map(|plan| {
        let state = format!("from the first epoch that ends at height {} or later", plan.from);
        plan.children.iter().map(move |child| row(child, state.clone()))
    });
    Out::People.say(&format!("\n{}", table(COLUMNS, now.chain(planned)).trim_fmt()))
}

fn child(text: &str) -> Result<(Hotkey, u64), String> {
    let pair = text.split_once('=').ok_or("no hotkey and percentage, like HOTKEY=12.5")?;
    let hotkey = pair.0.parse().map_err(|_| "before the = stands no hotkey of 64 hexadecimal digits")?;
    let points = u128::from(basis_points(pair.1)?);
    // At most a hundred per cent of 64 bits.
    Ok((hotkey, (u128::from(u64::MAX) * points / u128::from(BASIS_POINTS)) as u64))
}
