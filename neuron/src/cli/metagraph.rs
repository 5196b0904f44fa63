//! `neuron metagraph`: a subnet as a table.

use color_eyre::eyre::Result;
use protocol::subnet::Netuid;

use super::asking::Asking;
use super::out::{self, Out};
use super::table::{coins, measure, number, percent, table};
use crate::api::{Metagraph, Neuron};

/// Show a subnet: who is in it, what each has at stake and earns
///
/// Asks a neuron that runs on this machine: of the last swarm, unless --dir names another. Incentive is a miner's
/// share of the miners' pay in the last epoch, dividends a validator's of the validators' pay; emission is what
/// was earned in all.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: neuron metagraph --json | jq '.neurons[] | {uid, role, incentive}'")]
pub(super) struct Args {
    /// The subnet; the neuron's own if left out
    #[arg(long, value_name = "N")]
    netuid: Option<u16>,
    /// As it was after this height; the neuron replays its log to there
    #[arg(long, value_name = "HEIGHT")]
    at: Option<u64>,
    #[command(flatten)]
    asking: Asking,
}

/// Headings, and which hold numbers.
const COLUMNS: [(&str, bool); 9] = [
    ("uid", true),
    ("role", false),
    ("hotkey", false),
    ("stake", true),
    ("balance", true),
    ("score", true),
    ("incentive", true),
    ("dividends", true),
    ("emission", true),
];

pub(super) async fn perform(args: Args) -> Result<()> {
    let client = args.asking.client()?;
    let graph = client.metagraph(args.netuid.map(Netuid), args.at).await?;
    if args.asking.json {
        return out::document(&graph);
    }
    Out::People.say(&heading(&graph))?;
    Out::People.say(&table(&COLUMNS, graph.neurons.iter().map(cells)).trim_fmt())
}

fn heading(graph: &Metagraph) -> String {
    format!(
        "subnet {} ({})  height {}  epoch {}  a slot costs {} coins  root {}{}\n",
        graph.netuid,
        graph.task,
        graph.height,
        graph.epoch,
        coins(graph.price),
        graph.state_root.short(),
        graph.consensus.as_ref().map_or_else(String::new, |consensus| format!("\n{consensus}"))
    )
}

fn cells(neuron: &Neuron) -> Vec<String> {
    vec![
        number(neuron.uid),
        neuron.role.clone(),
        neuron.hotkey.short(),
        coins(neuron.stake),
        coins(neuron.balance),
        measure(neuron.score),
        percent(neuron.incentive),
        percent(neuron.dividends),
        coins(neuron.emission),
    ]
}
