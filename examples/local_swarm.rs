//! A small swarm from Rust: two validators question three miners, settle, and everyone is paid.
//!
//! ```text
//! cargo run --example local_swarm
//! ```
#![allow(clippy::print_stdout)]
use std::error::Error;

use neuron::swarm::{Plan, Report, Swarm};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    // "sums" needs no libtorch; leave it out and the miners learn to read digits.
    let plan = Plan {
        validators: 2,
        miners: 3,
        task: "sums".to_owned(),
        ..Plan::new(dir.path())
    };
    let mut swarm = Swarm::start(plan).await?;
    println!("five neurons are up, the others join at {}", swarm.bootstrap()[0]);

    let first = swarm.wait_for_emission().await?;
    println!(
        "a miner and a validator were paid after {:.1} s",
        first.as_secs_f64()
    );

    let poll = swarm.members()[0].client().poll().await?;
    for voice in &poll.voices {
        let uid = voice.uid.unwrap_or_default();
        println!(
            "miner {uid} answered in {} ms: {:?} right",
            voice.latency_ms, voice.score
        );
    }

    swarm.wait_for_height(9).await?;
    print(&swarm.report().await?);
    swarm.stop().await;
    Ok(())
}

fn print(report: &Report) {
    println!(
        "\nat height {}, state roots agree: {}",
        report.height, report.roots_agree
    );
    for neuron in &report.neurons {
        let share = 100.0 * neuron.incentive.max(neuron.dividends);
        println!(
            "{:9} {}  stake {:14}  share {share:4.1} %  earned {:9}",
            neuron.role,
            neuron.hotkey.short(),
            neuron.stake,
            neuron.emission
        );
    }
}
