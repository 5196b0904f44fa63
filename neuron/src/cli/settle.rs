//! `neuron settle`: whether a hotkey is willing to settle.
use clap::ValueEnum;
use color_eyre::eyre::Result;
use crypto::Hotkey;
use protocol::transaction::Action;

use super::order::Sending;

/// Say whether a hotkey is willing to settle
///
/// Of the willing with enough stake of their own, those with the most stake settle: they agree on what happened and
/// sign it. Who is willing must be there, or its dividends shrink. Asks and tells a neuron that runs on this machine.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: neuron settle off --hotkey HOTKEY --coldkey my-swarm/validator-0/coldkey --dry-run"
)]
pub(super) struct Args {
    /// Willing or not
    #[arg(value_enum)]
    will: Will,
    /// Who, one of the account's own: 64 hexadecimal digits
    #[arg(long, value_name = "HOTKEY")]
    hotkey: Hotkey,
    #[command(flatten)]
    sending: Sending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Will {
    On,
    Off,
}

pub(super) async fn perform(args: Args) -> Result<()> {
    let Args { will, hotkey, sending } = args;
    let settles = will == Will::On;
    let deed = format!("{hotkey:?} {} to settle", if settles { "is willing" } else { "refuses" });
    sending.carry_out(sending.client()?, Action::Settle { hotkey, settles }, &deed).await
}
