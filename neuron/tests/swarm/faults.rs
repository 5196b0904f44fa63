//! What happens to processes that die, and to those that are left behind.
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use neuron::api::Client;
use neuron::swarm::{Plan, Swarm};
use tempfile::TempDir;

use crate::{processes, program, small};

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill").args([name, &pid.to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Asks again and again until the answer is yes.
pub(super) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_is_started_again_catches_up_and_is_never_accused() {
    let dir = TempDir::new().unwrap();
    let plan = Plan { validators: 4, miners: 2, ..processes(dir.path()) };
    let mut swarm = Swarm::start(plan).await.unwrap();
    let mut height = swarm.wait_for_height(2).await.unwrap().height();
    for victim in [1, 0, 5] {
        let before = swarm.members()[victim].status().await.unwrap();
        signal("-9", before.pid);
        height += 3;
        until("the others settle and the victim catches up", async || {
            let status = swarm.members()[victim].status().await;
            status.is_some_and(|status| status.pid != before.pid && status.height >= height)
        })
        .await;
    }
    assert_eq!(swarm.news().len(), 3);
    let report = swarm.report().await.unwrap();
    assert!(report.roots_agree);
    assert_eq!(report.accusations, 0);
    swarm.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_stop_when_the_swarm_is_killed() {
    let dir = TempDir::new().unwrap();
    let mut swarm = Command::new(program())
        .args(["swarm", "--processes", "--task", "sums", "--validators", "2", "--miners", "1", "--dir"])
        .arg(dir.path())
        .env("XDG_CACHE_HOME", dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let client = Client::new(&dir.path().join("validator-1"));
    until("it settles", async || client.status().await.is_ok_and(|status| status.height > 0)).await;
    swarm.kill().unwrap();
    swarm.wait().unwrap();
    until("its processes stop", async || client.status().await.is_err()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_swarm_cleans_up_and_says_how_it_went() {
    let dir = TempDir::new().unwrap();
    let swarm = Command::new(program())
        .args(["swarm", "--task", "sums", "--validators", "2", "--miners", "1", "--dir"])
        .arg(dir.path())
        .env("XDG_CACHE_HOME", dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let client = Client::new(&dir.path().join("validator-1"));
    until("it settles", async || client.status().await.is_ok_and(|status| status.height > 0)).await;
    signal("-INT", swarm.id());
    let output = swarm.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("stopped at height"), "{said}");
    assert!(!dir.path().join("validator-1/neuron.sock").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neuron_run_by_hand_joins_buys_a_slot_earns_and_tells_when_the_others_are_gone() {
    let dir = TempDir::new().unwrap();
    let mut swarm = Swarm::start(small(dir.path())).await.unwrap();
    let at = |path: &str| dir.path().join(path);
    let mut guest = Command::new(program())
        .args(["run", "--role", "miner", "--register", "--tied", "--genesis"])
        .arg(at("genesis.toml"))
        .arg("--coldkey")
        .arg(at("spare-1/coldkey"))
        .arg("--dir")
        .arg(at("guest"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    until("it earns", async || {
        let look = swarm.look().await;
        let guest = look.neurons().into_iter().find(|neuron| neuron.uid.is_some_and(|uid| uid.0 == 6));
        guest.is_some_and(|guest| guest.emission > 0)
    })
    .await;
    swarm.stop().await;
    let lines = BufReader::new(guest.stdout.take().unwrap()).lines();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| tell.send(line)));
    while !told.recv_timeout(PATIENCE).expect("it says that the network halts").starts_with("nothing settled")
    {
    }
    drop(guest.stdin.take());
    assert!(guest.wait().unwrap().success());
}
