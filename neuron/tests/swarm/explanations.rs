//! What a network that runs says of its own past.
use std::path::Path;

use neuron::swarm::Swarm;
use serde_json::Value;
use tempfile::TempDir;

use super::command_line::{check, neuron};
use super::orders::{ask, number};
use crate::small;

/// Epochs that are explained.
const EPOCHS: u64 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn reasons_sum_to_what_each_epoch_added_to_each_neurons_earnings() {
    let home = TempDir::new().unwrap();
    let mut swarm = Swarm::start(small(home.path())).await.unwrap();
    let dir = home.path();
    swarm.wait_for_emission().await.unwrap();
    swarm.wait_for_height(EPOCHS * 3).await.unwrap();

    let mut before = ask(dir, "metagraph --at 0");
    let mut paid = [false; 6];
    for epoch in 0..EPOCHS {
        let height = number(&ask(dir, &format!("explain 0 --epoch {epoch}")), "height");
        let graph = ask(dir, &format!("metagraph --at {height}"));
        for uid in 0..6 {
            let explained = ask(dir, &format!("explain {uid} --epoch {epoch}"));
            assert_eq!(
                (number(&explained, "height"), &explained["state_root"]),
                (height, &graph["state_root"])
            );
            let earned = |graph: &Value| number(&graph["neurons"][uid], "emission");
            assert_eq!(number(&explained, "paid"), earned(&graph) - earned(&before), "{explained}");
            adds_up(&explained);
            paid[uid] |= number(&explained, "paid") > 0;
        }
        before = graph;
    }
    assert_eq!(paid, [true; 6]);

    let hotkey = swarm.members()[5].hotkey().to_string();
    let miner = ask(dir, &format!("explain {} --epoch {}", &hotkey[..8], EPOCHS - 1));
    assert!(miner["hotkey"] == hotkey && miner["uid"] == 5, "{miner}");
    let queries = miner["queries"].as_array().unwrap();
    assert_eq!(queries.len(), 3, "every validator remembers: {miner}");
    for query in queries {
        let (asked, answered) = (number(&query["score"], "asked"), number(&query["score"], "answered"));
        assert!(answered > 0 && asked >= answered, "{query}");
    }
    words(dir, "5", &["queries", "scores", "consensus", "incentive", "paid", "+ ", "= "]);
    words(dir, "0", &["consensus", "bonds", "brings", "of the stake that voted", "stakers share"]);
    check(dir, &["explain", "9", "--dir", "."], 1, &["no neuron had the uid 9", "neuron metagraph"]);
    check(dir, &["explain", "0", "--epoch", "999", "--dir", "."], 1, &["epoch 999", "has not ended"]);
    check(dir, &["metagraph", "--at", "9999", "--dir", "."], 1, &["height 9999 is ahead"]);
    swarm.stop().await;
}

#[track_caller]
fn adds_up(explained: &Value) {
    let reasons = explained["reasons"].as_array().unwrap();
    let sum: i64 = reasons.iter().map(|reason| reason["units"].as_i64().unwrap()).sum();
    assert_eq!(sum, number(explained, "paid") as i64, "{explained}");
    let nothing = ["mining", "validating"].map(|side| !explained[side]["nothing"].is_null());
    assert_eq!(sum == 0, nothing == [true, true], "{explained}");
}

/// What a person reads has these words, and fits into a terminal.
#[track_caller]
fn words(dir: &Path, who: &str, words: &[&str]) {
    let output = neuron(dir, &["explain", who, "--dir", "."]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && words.iter().all(|word| text.contains(word)), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}
