//! `neuron settle`: whether a hotkey is willing to settle.
use clap::ValueEnum;
use color_eyre::eyre::Result;
use crypto::Hotkey;
use protocol::transaction::Action;

use super::order::Sending;

/// Say whether a hotkey is willing to settle
///
/// Of the willing with enough stake of their own, those with the most stake settle: they agree on what happened and
/// sign it. Who is willing must be there, or its dividends shrink. Who was jailed for signing twice settles again once
/// its owner says so. Asks and tells a neuron that runs on this machine.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: neuron settle off --hotkey HOTKEY --coldkey my-swarm/validator-0/coldkey --dry-run"
)]
pub(super) struct Args {
    /// Whether it is
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
    /// It is.
    On,
    /// It is not, any more.
    Off,
    /// It is released, and so willing again, after it was jailed for signing two things where one is allowed.
    Again,
}

pub(super) async fn perform(args: Args) -> Result<()> {
    let Args { will, hotkey, sending } = args;
    let (action, deed) = match will {
        Will::On => (Action::Settle { hotkey, settles: true }, "is willing to settle"),
        Will::Off => (Action::Settle { hotkey, settles: false }, "refuses to settle"),
        Will::Again => (Action::Unjail { hotkey }, "is released"),
    };
    sending.carry_out(sending.client()?, action, &format!("{hotkey:?} {deed}")).await
}
