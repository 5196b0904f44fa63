//! `neuron scenario list`: what comes with the program.
use color_eyre::eyre::Result;
use serde::Serialize;
use serde_json::json;

use crate::cli::out::{self, Out};
use crate::cli::table::table;
use crate::scenario::{Scenario, bundled};

/// List the scenarios that come with the program: who attacks how, and how long a run takes
///
/// Run one with `neuron scenario run NAME`. A limit is a scenario in which the design is expected to break.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  neuron scenario list\n  neuron scenario run weight_copier")]
pub(super) struct Args {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// A scenario, as the list shows it.
#[derive(Serialize)]
struct Entry {
    name: &'static str,
    crime: String,
    source: Option<String>,
    limit: bool,
    seconds: f64,
}

pub(super) fn perform(args: &Args) -> Result<()> {
    let entries = bundled().map(|(name, text)| entry(name, text)).collect::<Result<Vec<_>>>()?;
    if args.json {
        return out::document(&json!({ "scenarios": entries }));
    }
    let columns = [("name", false), ("limit", false), ("takes", true), ("crime", false)];
    let rows = entries.into_iter().map(|it| {
        let limit = if it.limit { "limit" } else { "" };
        vec![it.name.to_owned(), limit.to_owned(), format!("{:.1} s", it.seconds), it.crime]
    });
    Out::People.say(&table(&columns, rows).trim_fmt())
}

fn entry(name: &'static str, text: &str) -> Result<Entry> {
    let scenario = Scenario::read(name, text)?;
    let seconds = scenario.cost();
    let Scenario { crime, source, limit, .. } = scenario;
    Ok(Entry { name, crime, source, limit, seconds })
}
