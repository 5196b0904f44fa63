//! `neuron query`: one question to the whole swarm.

use color_eyre::eyre::Result;
use crypto::Hash;
use serde::Serialize;

use super::asking::Asking;
use super::out::{self, Out};
use super::table::{measure, number, table};
use crate::role::{Poll, Voice};

/// Ask the swarm one question and show who answered, how fast and how well
///
/// A validator puts a fresh question to every miner of its subnet and judges what comes back; such answers are not
/// paid. Asks a validator that runs on this machine: of the last swarm, unless --dir names another.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: neuron query --dir ~/my-swarm/validator-1")]
pub(super) struct Args {
    #[command(flatten)]
    asking: Asking,
}

/// A poll with what every document carries.
#[derive(Serialize)]
struct Document {
    network: Hash,
    height: u64,
    state_root: Hash,
    #[serde(flatten)]
    poll: Poll,
}

/// Headings, and which hold numbers.
const COLUMNS: [(&str, bool); 4] =
    [("uid", true), ("hotkey", false), ("milliseconds", true), ("score", true)];

pub(super) async fn perform(args: Args) -> Result<()> {
    let client = args.asking.client()?;
    let mut poll = client.poll().await?;
    poll.voices.sort_by(|a, b| b.score.unwrap_or(-1.0).total_cmp(&a.score.unwrap_or(-1.0)));
    if args.asking.json {
        let status = client.status().await?;
        let (network, height, state_root) = (status.network, status.height, status.state_root);
        return out::document(&Document { network, height, state_root, poll });
    }
    let answered = poll.voices.iter().filter(|voice| voice.score.is_some()).count();
    let Poll { task, asked, .. } = &poll;
    Out::People.say(&format!("{answered} of {asked} miners answered a question of {task}\n"))?;
    Out::People.say(&table(&COLUMNS, poll.voices.iter().map(cells)).trim_fmt())
}

fn cells(voice: &Voice) -> Vec<String> {
    let score = voice.score.map_or_else(|| "no answer".to_owned(), |score| measure(Some(score)));
    vec![number(voice.uid), voice.miner.short(), voice.latency_ms.to_string(), score]
}
