//! `neuron scenario metrics`: what can be expected.
use color_eyre::eyre::Result;
use serde_json::json;

use crate::cli::out::{self, Out};
use crate::cli::table::table;
use crate::scenario::{Kind, Metric, Scope};

/// List the figures that expectations are about, and what each means
///
/// A figure of neurons is that of all, or of those that a label picks: {group='miners'}, {neuron='miners[2]'}. What several
/// have together follows from its kind: the sum of amounts and counts, the ratio of both sums of a ratio, and of a state only
/// what `sum`, `mean`, `min` or `max` makes of it: mean(score{group='miners'}).
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  neuron scenario metrics")]
pub(super) struct Args {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub(super) fn perform(args: &Args) -> Result<()> {
    let metrics = Metric::ALL.iter().map(|metric| {
        let scope = if metric.scope() == Scope::Network { "network" } else { "neuron" };
        (metric.name(), scope, kind(metric.kind()), metric.meaning())
    });
    if args.json {
        let shown = |(name, scope, kind, meaning)| json!({ "name": name, "scope": scope, "kind": kind, "meaning": meaning });
        return out::document(&json!({ "metrics": metrics.map(shown).collect::<Vec<_>>() }));
    }
    let columns = [("metric", false), ("of", false), ("kind", false), ("meaning", false)];
    let rows =
        metrics.map(|(name, scope, kind, meaning)| [name, scope, kind, meaning].map(str::to_owned).to_vec());
    Out::People.say(&table(&columns, rows).trim_fmt())
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Amount => "amount",
        Kind::Counter => "count",
        Kind::Ratio => "ratio",
        Kind::State => "state",
    }
}
