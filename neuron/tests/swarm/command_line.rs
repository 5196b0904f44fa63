//! What the program says, and with which exit code.
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::program;

/// Seconds that a command may take, which would otherwise run for ever if it did not fail as it should.
const DEADLINE: &str = "180";

pub(super) fn neuron(home: &Path, line: &[&str]) -> Output {
    let mut limited = Command::new("timeout");
    limited.arg(DEADLINE).arg(program()).args(line);
    limited.env("XDG_CACHE_HOME", home).current_dir(home).output().unwrap()
}

/// The program fails with this code, and one line that holds all of these words.
#[track_caller]
pub(super) fn check(home: &Path, line: &[&str], code: i32, words: &[&str]) {
    let output = neuron(home, line);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{line:?}: {said}");
    assert!(said.starts_with("neuron: ") && said.trim_end().lines().count() == 1, "{line:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{line:?}: {said}");
    }
    assert!(output.stdout.is_empty());
}

#[test]
fn a_bad_flag_gets_one_line() {
    let home = TempDir::new().unwrap();
    let check = |line: &[&str], words: &[&str]| check(home.path(), line, 2, words);
    check(&["swarm", "--minors", "6"], &["--minors", "neuron swarm --help"]);
    check(&["swarm", "--miners", "six"], &["'six'", "--miners"]);
    check(&["swarm", "--settlements", "0"], &["--settlements", "0"]);
    check(&["run", "--role", "miner"], &["--genesis", "--dir", "neuron run --help"]);
    check(
        &["run", "--role", "king", "--genesis", "g", "--dir", "d"],
        &["king", "miner", "validator", "light"],
    );
    let line = ["run", "--role", "light", "--genesis", "g", "--dir", "d", "--checkpoint", "12"];
    check(&line, &["'12'", "--checkpoint", "HEIGHT:HASH", "neuron run --help"]);
    check(&["mine"], &["mine", "neuron --help"]);
    check(&["simulate", "--seeds", "9..3"], &["'9..3'", "--seeds", "0..1000", "neuron simulate --help"]);
    check(&["simulate", "--seeds", "0..3", "--faults", "rain"], &["'rain'", "loss, delay", "crashes"]);
    check(&["stake", "steal"], &["steal", "neuron stake --help"]);
    check(&["swarm", "--set", "subnet.tempo"], &["'subnet.tempo'", "--set", "like subnet.tempo=5"]);
    check(&["subnet", "prefer", "1:3"], &["'1:3'", "like 1=3", "neuron subnet prefer --help"]);
    let hotkey = crypto::Keypair::from_seed([7; 32]).hotkey().to_string();
    check(&["stake", "take", &hotkey, "12.345"], &["'12.345'", "no percentage", "2 digits"]);
    check(&["light", "header", "--checkpoint", "12"], &["'12'", "HEIGHT:HASH", "neuron light header --help"]);
    check(&["settle", "maybe"], &["'maybe'", "on, off", "neuron settle --help"]);
    check(&["weights", "show", "12"], &["'12'", "64 hexadecimal digits", "neuron weights show --help"]);
}

#[test]
fn an_amount_that_is_none_gets_one_line() {
    let home = TempDir::new().unwrap();
    let key = crypto::Keypair::from_seed([7; 32]).hotkey().to_string();
    for (amount, fault) in [
        ("-1", "like 1.5"),
        ("1e3", "like 1.5"),
        ("1.0000000001", "9 digits"),
        ("18446744074", "more than 18446744073.7"),
    ] {
        let line = ["transfer", "--coldkey", "k", "--to", &key, "--amount", amount];
        check(home.path(), &line, 2, &[amount, "--amount", fault, "neuron transfer --help"]);
    }
}

#[test]
fn bad_values_and_files_get_one_line_with_a_remedy() {
    let home = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(home.path().join(name), text).unwrap();
    write("broken.toml", "name = \"x\"\ntime = soon\n");
    write("model", "no weights");
    write("open-key", &"07".repeat(32));
    write("file", "");
    let check = |line: &[&str], words: &[&str]| check(home.path(), line, 1, words);
    check(&["swarm", "--validators", "0"], &["--validators 0", "1 to 64"]);
    check(&["swarm", "--task", "chess"], &["chess", "digits, sums"]);
    check(&["swarm", "--set", "tempo=5"], &["--set tempo=5", "no such parameter", "subnet.tempo"]);
    check(
        &["swarm", "--set", "subnet.burn.start=cheap"],
        &["--set subnet.burn.start=cheap", "amount of coins"],
    );
    check(
        &["swarm", "--set", "subnet.tempo=0"],
        &["no network begins so", "subnet 1: tempo must be at least 1"],
    );
    check(&["swarm", "--task", "sums", "--model", "none"], &["model file none", "safetensors"]);
    check(
        &["swarm", "--task", "sums", "--model", "model"],
        &["model file model", "no weights for this model"],
    );
    check(&["swarm", "--task", "sums", "--dir", "file"], &["--dir file", "choose one"]);
    check(&["metagraph"], &["start one with `neuron swarm`"]);
    check(&["query", "--dir", "nowhere"], &["no neuron runs in nowhere"]);
    let run = ["run", "--role", "light", "--dir", "d", "--genesis"];
    check(&[&run[..], &["nowhere"]].concat(), &["genesis file nowhere", "genesis.toml"]);
    check(
        &[&run[..], &["broken.toml"]].concat(),
        &["genesis file broken.toml, line 2", "copy the file again"],
    );
}

/// A short swarm in `home/s`.
fn swarm(home: &Path) -> Output {
    let line = "swarm --json --settlements 2 --dir s --task sums --validators 2 --miners 2 --interval 400";
    neuron(home, &line.split(' ').collect::<Vec<_>>())
}

#[test]
fn a_swarm_with_json_prints_one_document_and_progress_beside_it() {
    let home = TempDir::new().unwrap();
    let output = swarm(home.path());
    assert!(output.status.success(), "{output:?}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["height"].as_u64().unwrap() >= 2 && document["roots_agree"] == true, "{document}");
    assert_eq!(document["neurons"].as_array().unwrap().len(), 4);
    let progress = String::from_utf8(output.stderr).unwrap();
    assert!(progress.contains("(dev)") && progress.contains("height 2 "), "{progress}");
}

#[test]
fn a_neuron_that_cannot_run_says_why_in_one_line() {
    let home = TempDir::new().unwrap();
    let home = home.path();
    assert!(swarm(home).status.success());
    fs::write(home.join("open"), "07".repeat(32)).unwrap();
    let check = |role: &str, more: &[&str], words: &[&str]| {
        let line = ["run", "--genesis", "s/genesis.toml", "--dir", "d", "--role", role];
        check(home, &[&line[..], more].concat(), 1, words);
    };
    check("light", &["--key", "open"], &["key file open", "chmod 600"]);
    check("light", &["--key", "s/genesis.toml"], &["key file s/genesis.toml"]);
    check("light", &["--netuid", "0"], &["--netuid 0", "genesis"]);
    check("light", &["--bootstrap", "here"], &["\"here\"", "/ip4/"]);
    check("miner", &["--model", "open"], &["--model open", "safetensors"]);
    check("validator", &["--model", "open"], &["--model", "--role miner"]);
    check("miner", &["--rung", "8"], &["--rung 8", "7"]);
}

/// How long a neuron may take to come up on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_second_process_on_a_directory_is_refused_in_one_line_and_harms_nothing() {
    let home = TempDir::new().unwrap();
    let home = home.path();
    assert!(swarm(home).status.success());
    let run = ["run", "--genesis", "s/genesis.toml", "--dir", "d", "--role", "light"];
    let mut first = Command::new(program())
        .args(run)
        .env("XDG_CACHE_HOME", home)
        .current_dir(home)
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let answers = || neuron(home, &["metagraph", "--dir", "d"]).status.success();
    let began = Instant::now();
    while !answers() {
        assert!(began.elapsed() < PATIENCE, "the first process does not come up");
    }
    check(home, &run, 1, &["d: in use by another neuron", "choose another directory"]);
    assert!(answers(), "the first process goes on");
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let home = TempDir::new().unwrap();
    let commands = "swarm run metagraph explain query transfer register stake settle subnet weights";
    let stake = ["stake add", "stake remove", "stake move", "stake take", "stake list"];
    let subnet = ["subnet create", "subnet list", "subnet show", "subnet set", "subnet prefer"];
    let light = ["light balance", "light stake", "light header", "light follow"];
    let parts = [&stake[..], &subnet, &light, &["weights show"]].concat();
    for command in commands.split(' ').chain(parts) {
        let line: Vec<_> = command.split(' ').chain(["--help"]).collect();
        let output = neuron(home.path(), &line);
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && help.contains("--json") && help.contains("Example"), "{help}");
    }
}
