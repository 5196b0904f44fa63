//! What the program proves of a network that runs, without a ledger of its own.
use neuron::swarm::Swarm;
use protocol::checker;
use protocol::light::Skip;
use serde_json::Value;
use tempfile::TempDir;

use super::command_line::{check, neuron};
use super::orders::{ask, number};
use crate::small;

#[tokio::test(flavor = "multi_thread")]
async fn balances_and_stakes_are_proven_as_the_ledger_has_them() {
    let home = TempDir::new().unwrap();
    let dir = home.path();
    let mut swarm = Swarm::start(small(dir)).await.unwrap();
    swarm.wait_for_height(4).await.unwrap();
    let prove = |line: &str| -> Value {
        let line = format!("light {line} --genesis genesis.toml --json");
        let output = neuron(dir, &line.split(' ').collect::<Vec<_>>());
        assert!(output.status.success(), "{line}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };

    let spare = swarm.genesis().accounts[1].0.0;
    let account = &prove(&format!("balance {spare}"))["account"];
    let told = ask(dir, &format!("stake list --account {spare}"));
    assert_eq!((&account["balance"], &account["nonce"]), (&told["balance"], &told["nonce"]), "{account}");
    assert!(account["exists"] == true && number(account, "balance") > 0, "{account}");
    let nobody = swarm.members()[5].hotkey();
    assert_eq!(prove(&format!("balance {nobody}"))["account"]["exists"], false);

    let validator = swarm.members()[0].hotkey();
    let proven = prove(&format!("stake {validator} --of {spare}"));
    swarm.wait_for_height(number(&proven, "height") + 1).await.unwrap();
    let then = ask(dir, &format!("metagraph --at {}", number(&proven, "height")));
    let row = then["neurons"].as_array().unwrap().iter().find(|row| row["hotkey"] == validator.to_string());
    assert_eq!(proven["stake"]["stake"], row.unwrap()["stake"], "{proven}");
    assert_eq!(proven["state_root"], then["state_root"]);
    assert_eq!(proven["stake"]["part"]["stake"], 0);

    let header = prove("header");
    let skip: Skip = serde_json::from_value(header["proof"].clone()).unwrap();
    let network = swarm.genesis().hash();
    let settled = checker::check(&network, &skip.header, &skip.certificate, skip.validators.members());
    assert_eq!(settled, Ok(()));

    let checkpoint = header["checkpoint"].as_str().unwrap();
    swarm.wait_for_height(number(&header, "height") + 3).await.unwrap();
    let later = prove(&format!("header --checkpoint {checkpoint}"));
    assert!(number(&later, "height") >= number(&header, "height") + 3, "{later}");
    assert!(ask(dir, "metagraph")["checkpoint"].is_string());
    let line = ["light", "header", "--genesis", "genesis.toml", "--checkpoint"];
    let wrong = format!("1:{}", "0".repeat(64));
    check(dir, &[&line[..], &[&wrong]].concat(), 1, &["the checkpoint says 1:0", &validator.to_string()]);
    let run = ["run", "--genesis", "genesis.toml", "--role", "light", "--dir", "new", "--checkpoint", &wrong];
    let run = neuron(dir, &run);
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(run.status.code() == Some(1) && said.contains("leads to 1:") && said.contains(&wrong), "{said}");
    swarm.stop().await;
    check(dir, &line[..4], 1, &["nobody proves it", &validator.to_string(), "--bootstrap"]);
}
