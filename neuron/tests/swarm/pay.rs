//! What a swarm earns, as the library tells it.
use neuron::swarm::{Error, Plan, Swarm};
use serde_json::Value;
use tempfile::TempDir;

use crate::small;

#[tokio::test(flavor = "multi_thread")]
async fn a_swarm_pays_miners_and_validators_and_every_coin_is_accounted_for() {
    let dir = TempDir::new().unwrap();
    let mut swarm = Swarm::start(small(dir.path())).await.unwrap();
    swarm.wait_for_emission().await.unwrap();
    swarm.wait_for_height(9).await.unwrap();
    let report = swarm.report().await.unwrap();
    swarm.stop().await;

    assert!(report.roots_agree);
    assert_eq!(report.accusations, 0);
    assert_eq!(report.issued, report.scheduled);
    assert!(report.supply.check(), "{:?}", report.supply);
    let document = serde_json::to_value(&report).unwrap();
    let supply = |place: &str| document["supply"][place].as_u64().unwrap();
    let found = ["balances", "stakes", "locks", "pools"].map(supply).iter().sum::<u64>();
    assert_eq!(document["issued"].as_u64().unwrap(), found + document["burned"].as_u64().unwrap());
    assert!(document["first_emission_s"].as_f64().unwrap() > 0.0);
    let neurons = document["neurons"].as_array().unwrap();
    assert_eq!(neurons.len(), 6);
    neurons.iter().for_each(|neuron| check(neuron, &document));
    let earned = |uid: usize| neurons[uid]["incentive"].as_f64().unwrap();
    assert!(earned(5) > earned(3), "the better miner earns less: {document}");
}

/// Every field that a neuron's row promises is there, with a value of its kind.
fn check(neuron: &Value, document: &Value) {
    for name in ["netuid", "uid", "stake", "balance", "emission", "height"] {
        assert!(neuron[name].is_u64(), "{name} in {neuron}");
    }
    let is_miner = neuron["role"] == "miner";
    for name in ["accuracy", "score"] {
        assert_eq!(neuron[name].is_f64(), is_miner, "{name} in {neuron}");
    }
    assert!(neuron["incentive"].is_f64() && neuron["dividends"].is_f64());
    assert_eq!(neuron["hotkey"].as_str().unwrap().len(), 64);
    assert_eq!(neuron["height"], document["height"]);
    assert_eq!(neuron["state_root"], document["state_root"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swarm_goes_on_where_it_stopped() {
    let dir = TempDir::new().unwrap();
    let mut swarm = Swarm::start(small(dir.path())).await.unwrap();
    let network = swarm.genesis().hash();
    let height = swarm.wait_for_height(4).await.unwrap().lowest();
    swarm.stop().await;

    let plan = Plan::read(dir.path()).unwrap().unwrap();
    let mut swarm = Swarm::start(plan).await.unwrap();
    assert_eq!(swarm.genesis().hash(), network);
    assert!(swarm.look().await.lowest() >= height);
    swarm.wait_for_height(height + 2).await.unwrap();
    let report = swarm.report().await.unwrap();
    assert!(report.roots_agree);
    assert_eq!(report.accusations, 0);
    swarm.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_swarm_does_not_start_in_a_directory_that_is_taken() {
    let dir = TempDir::new().unwrap();
    let swarm = Swarm::start(small(dir.path())).await.unwrap();
    swarm.stop().await;
    let other = Plan { miners: 4, ..small(dir.path()) };
    let refused = Swarm::start(other).await.err().unwrap();
    assert!(matches!(refused, Error::Differs { what: "--miners", .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_neuron_has_a_log_of_its_own() {
    let dir = TempDir::new().unwrap();
    let mut swarm = Swarm::start(small(dir.path())).await.unwrap();
    swarm.wait_for_height(2).await.unwrap();
    let dirs: Vec<_> = swarm.members().iter().map(|member| member.dir().to_owned()).collect();
    swarm.stop().await;
    for dir in dirs {
        let log = std::fs::read_to_string(dir.join(neuron::log::FILE)).unwrap();
        let first = log.lines().filter(|line| line.contains("settled height=1 ")).count();
        assert_eq!(first, 1, "{}:\n{log}", dir.display());
    }
}
