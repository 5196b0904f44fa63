//! `neuron stake`: coins behind hotkeys.
use std::path::{Path, PathBuf};

use clap::Subcommand;
use color_eyre::eyre::Result;
use crypto::Hotkey;
use protocol::Amount;
use protocol::amount::COIN;
use protocol::parameters::BASIS_POINTS;
use protocol::transaction::{Action, Coldkey};

use super::asking::Asking;
use super::order::Sending;
use super::out::{self, Out};
use super::table::{Columns, table};
use crate::api::Account;
use crate::key;

/// Back a hotkey with coins, take them back, or list what an account has at stake
///
/// Asks and tells a neuron that runs on this machine: of the last swarm, unless --dir names another. Each takes --json.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: neuron stake add --coldkey my-swarm/spare-0/coldkey --hotkey HOTKEY --amount 10"
)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Put coins behind a hotkey; they earn a part of its dividends
    #[command(
        after_help = "Example: neuron stake add --coldkey my-swarm/spare-0/coldkey --hotkey HOTKEY --amount 10"
    )]
    Add(Backing),
    /// Take coins back; they can be spent after the unbonding time, `neuron stake list` says when
    #[command(
        after_help = "Example: neuron stake remove --coldkey my-swarm/spare-0/coldkey --hotkey HOTKEY --amount 2.5"
    )]
    Remove(Backing),
    /// Put stake behind another hotkey at once; until the unbonding time is over it stays there
    #[command(
        after_help = "Example: neuron stake move --coldkey my-swarm/spare-0/coldkey --hotkey HOTKEY --to HOTKEY --amount 1"
    )]
    Move {
        /// Behind whom it goes: 64 hexadecimal digits
        #[arg(long, value_name = "HOTKEY")]
        to: Hotkey,
        #[command(flatten)]
        what: Backing,
    },
    /// Set the part of its stakers' dividends that a hotkey keeps; it may fall at any time and rise once in a while
    #[command(after_help = "Example: neuron stake take HOTKEY 12.5 --coldkey my-swarm/validator-0/coldkey")]
    Take {
        /// Whose, one of the account's own: 64 hexadecimal digits
        #[arg(value_name = "HOTKEY")]
        hotkey: Hotkey,
        /// How much, with up to 2 digits after the point
        #[arg(value_name = "PERCENT", value_parser = basis_points)]
        take: u16,
        #[command(flatten)]
        sending: Sending,
    },
    /// Show what an account has at stake, what is on its way back, and what it can spend
    #[command(after_help = "Example: neuron stake list --coldkey my-swarm/spare-0/coldkey --json")]
    List(List),
}

#[derive(Debug, clap::Args)]
struct Backing {
    /// Behind whom: 64 hexadecimal digits, see `neuron metagraph --json`
    #[arg(long, value_name = "HOTKEY")]
    hotkey: Hotkey,
    /// How much, with up to 9 digits after the point
    #[arg(long, value_name = "COINS", allow_negative_numbers = true)]
    amount: Amount,
    #[command(flatten)]
    sending: Sending,
}

#[derive(Debug, clap::Args)]
struct List {
    /// The key of the account [default: who owns the asked neuron]
    #[arg(long, value_name = "FILE", conflicts_with = "account")]
    coldkey: Option<PathBuf>,
    /// The account by its public key, 64 hexadecimal digits
    #[arg(long, value_name = "COLDKEY")]
    account: Option<Hotkey>,
    #[command(flatten)]
    asking: Asking,
}

/// Headings, and which hold numbers.
const COLUMNS: Columns<'_> = &[("hotkey", false), ("coins", true), ("state", false)];

pub(super) async fn perform(args: Args) -> Result<()> {
    match args.command {
        Command::Add(Backing { hotkey, amount, sending }) => {
            let deed = format!("stake {amount} behind {hotkey:?}");
            sending.carry_out(sending.client()?, Action::AddStake { hotkey, amount }, &deed).await
        }
        Command::Remove(Backing { hotkey, amount, sending }) => {
            let deed = format!("take {amount} back from behind {hotkey:?}");
            sending.carry_out(sending.client()?, Action::RemoveStake { hotkey, amount }, &deed).await
        }
        Command::Move { to, what: Backing { hotkey: from, amount, sending } } => {
            let deed = format!("move {amount} from behind {from:?} to {to:?}");
            sending.carry_out(sending.client()?, Action::MoveStake { from, to, amount }, &deed).await
        }
        Command::Take { hotkey, take, sending } => {
            let deed = format!("set the take of {hotkey:?} to {}.{:02} %", take / 100, take % 100);
            sending.carry_out(sending.client()?, Action::SetTake { hotkey, take }, &deed).await
        }
        Command::List(args) => list(args).await,
    }
}

/// Per cent as the ledger counts them.
pub(super) fn basis_points(text: &str) -> Result<u16, String> {
    let fault = || "no percentage from 0 to 100 with up to 2 digits after the point".to_owned();
    let percent: Amount = text.parse().map_err(|_| fault())?;
    let points = percent.0 / (COIN / 100);
    let is_whole = percent.0.is_multiple_of(COIN / 100);
    u16::try_from(points)
        .ok()
        .filter(|points| is_whole && u64::from(*points) <= BASIS_POINTS)
        .ok_or_else(fault)
}

async fn list(args: List) -> Result<()> {
    let account = args.coldkey.as_deref().map(owner).transpose()?.or(args.account).map(Coldkey);
    let client = args.asking.client()?;
    let account = client.account(account).await?;
    if args.asking.json {
        return out::document(&account);
    }
    let Account { stamp, coldkey, balance, .. } = &account;
    let heading = format!("account {coldkey:?}  height {}  can spend {balance}\n", stamp.height);
    Out::People.say(&heading)?;
    Out::People.say(&table(COLUMNS, rows(&account)).trim_fmt())
}

fn owner(path: &Path) -> Result<Hotkey> {
    Ok(key::read(path)?.hotkey())
}

fn rows(account: &Account) -> Vec<Vec<String>> {
    let row = |hotkey: Hotkey, amount: Amount, state| vec![hotkey.short(), amount.to_string(), state];
    let stakes = account.stakes.iter().map(|stake| row(stake.hotkey, stake.amount, "at stake".to_owned()));
    let locks = account
        .locks
        .iter()
        .map(|lock| row(lock.hotkey, lock.amount, format!("on its way back, free at height {}", lock.until)));
    stakes.chain(locks).collect()
}
