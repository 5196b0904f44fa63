//! `neuron transfer`: coins from one account to another.
use color_eyre::eyre::Result;
use crypto::Hotkey;
use protocol::Amount;
use protocol::transaction::{Action, Coldkey};

use super::order::Sending;

/// Give coins of an account to another account
///
/// Asks and tells a neuron that runs on this machine: of the last swarm, unless --dir names another. Exits with 1
/// and the ledger's reason if it is refused.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: neuron transfer --coldkey my-swarm/spare-0/coldkey --to COLDKEY --amount 1.5 --dry-run"
)]
pub(super) struct Args {
    /// Who receives: the public key of an account, 64 hexadecimal digits
    #[arg(long, value_name = "COLDKEY")]
    to: Hotkey,
    /// How much, with up to 9 digits after the point
    #[arg(long, value_name = "COINS", allow_negative_numbers = true)]
    amount: Amount,
    #[command(flatten)]
    sending: Sending,
}

pub(super) async fn perform(args: Args) -> Result<()> {
    let Args { to, amount, sending } = args;
    let deed = format!("transfer {amount} to {to:?}");
    sending.carry_out(sending.client()?, Action::Transfer { to: Coldkey(to), amount }, &deed).await
}
