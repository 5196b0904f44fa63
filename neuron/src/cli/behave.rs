//! `neuron behave`: another behaviour for a neuron that runs.
use std::path::PathBuf;

use color_eyre::eyre::Result;
use serde_json::{Value, json};

use super::asking::Asking;
use super::out::{self, Out};
use crate::behaviour::Conduct;

/// Have a running neuron of a development network misbehave, or be honest again
///
/// Only its owner can ask it to, and only in a network for development: `neuron swarm` makes one. Scripts are read
/// from the folder that this command runs in; `neuron scenario new` writes one to begin with.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: neuron behave my_attack.star --dir my-swarm/miner-0")]
pub(super) struct Args {
    /// "honest", a built-in's name, FILE.star or "exec:COMMAND"
    #[arg(value_name = "WHAT")]
    behaviour: String,
    /// What the behaviour is given, as JSON
    #[arg(long, value_name = "JSON", value_parser = super::json, default_value = "null", hide_default_value = true)]
    with: Value,
    /// The folder of the board that colluders on this machine share
    #[arg(long, value_name = "FOLDER")]
    board: Option<PathBuf>,
    #[command(flatten)]
    asking: Asking,
}

pub(super) async fn perform(args: Args) -> Result<()> {
    let folder = std::env::current_dir()?;
    let board = args.board.as_deref().map(|board| folder.join(board));
    let client = args.asking.client()?;
    client.behave(&args.behaviour, &folder, args.with, board.as_deref()).await?;
    if args.asking.json {
        return out::document(&json!({ "behaviour": args.behaviour }));
    }
    if args.behaviour == Conduct::HONEST {
        return Out::People.say("it is honest from now on");
    }
    out::warn(&format!("NOT HONEST: it behaves as {} from now on", args.behaviour));
    Ok(())
}
