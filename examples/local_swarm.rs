//! A network on this machine from a program of one's own: real peers that train, judge, settle and get paid.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]
use std::time::Instant;

use neuron::swarm::{Plan, Swarm};

/// Settlements to wait for: five epochs, of which the second is the first to pay.
const SETTLEMENTS: u64 = 15;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let plan = Plan { validators: 3, miners: 3, began: Instant::now(), ..Plan::new(dir.path()) };
    let mut swarm = Swarm::start(plan).await?;

    let first = swarm.wait_for_emission().await?;
    println!("a miner and a validator were paid after {:.1} s", first.as_secs_f64());
    swarm.wait_for_height(SETTLEMENTS).await?;

    let report = swarm.report().await?;
    for neuron in &report.neurons {
        let accuracy =
            neuron.accuracy.map_or_else(String::new, |accuracy| format!("  accuracy {accuracy:.3}"));
        println!(
            "{:9}  {}  earned {:.4} coins{accuracy}",
            neuron.role,
            neuron.hotkey.short(),
            neuron.emission as f64 / 1e9
        );
    }
    println!("issued as scheduled: {}", report.issued == report.scheduled);
    println!("all state roots agree: {}", report.roots_agree);
    swarm.stop().await;
    Ok(())
}
