//! `neuron register`: a slot for a hotkey.
use color_eyre::eyre::Result;
use crypto::Hotkey;
use protocol::Amount;
use protocol::subnet::Netuid;
use protocol::transaction::Action;

use super::order::Sending;

/// Buy a hotkey a slot in a subnet
///
/// The price is burned; `neuron metagraph` shows it, and the slot once it is bought. A hotkey that is new belongs to
/// this account from then on. `neuron run --register` does the same for the neuron that it runs.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: neuron register --coldkey my-swarm/spare-0/coldkey --hotkey HOTKEY --dry-run"
)]
pub(super) struct Args {
    /// Who gets the slot: 64 hexadecimal digits
    #[arg(long, value_name = "HOTKEY")]
    hotkey: Hotkey,
    /// The subnet [default: the asked neuron's own]
    #[arg(long, value_name = "N")]
    netuid: Option<u16>,
    /// Refuse to pay more than this
    #[arg(long, value_name = "COINS", allow_negative_numbers = true)]
    limit: Option<Amount>,
    #[command(flatten)]
    sending: Sending,
}

pub(super) async fn perform(args: Args) -> Result<()> {
    let Args { hotkey, netuid, limit, sending } = args;
    let client = sending.client()?;
    let netuid = match netuid {
        Some(netuid) => Netuid(netuid),
        None => client.status().await?.neuron.netuid,
    };
    let deed = format!("register {hotkey:?} in subnet {netuid}");
    sending.carry_out(client, Action::Register { netuid, hotkey, limit }, &deed).await
}
