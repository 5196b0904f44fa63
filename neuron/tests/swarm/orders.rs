//! What owners of accounts ask of a network that runs, as the program does it.
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use neuron::api::{Client, Status};
use neuron::swarm::{Plan, Swarm};
use serde_json::Value;
use tempfile::TempDir;

use super::command_line::{check, neuron};
use super::faults::until;
use crate::{program, small};

const COIN: u64 = 1_000_000_000;

/// The one document that a command prints.
#[track_caller]
pub(super) fn ask(dir: &Path, line: &str) -> Value {
    let words: Vec<_> = line.split(' ').chain(["--json", "--dir", "."]).collect();
    let output = neuron(dir, &words);
    assert!(output.status.success(), "{line}: {output:?}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    for name in ["network", "state_root"] {
        assert_eq!(document[name].as_str().unwrap().len(), 64, "{name} in {document}");
    }
    assert!(document["height"].is_u64(), "{document}");
    document
}

#[track_caller]
pub(super) fn number(document: &Value, name: &str) -> u64 {
    document[name].as_u64().unwrap_or_else(|| panic!("{name} in {document}"))
}

/// Has an order settled and returns its fee and the balance it leaves.
#[track_caller]
fn settle(dir: &Path, line: &str) -> (u64, u64) {
    let receipt = ask(dir, line);
    assert!(
        receipt["sent"] == true && number(&receipt, "settled") <= number(&receipt, "height"),
        "{receipt}"
    );
    (number(&receipt, "fee"), number(&receipt, "balance"))
}

/// The only entry of a list: its coins, and all of it.
#[track_caller]
fn only<'a>(account: &'a Value, list: &str) -> (u64, &'a Value) {
    let [entry] = &account[list].as_array().unwrap()[..] else { panic!("{list} in {account}") };
    (number(entry, "amount"), entry)
}

#[tokio::test(flavor = "multi_thread")]
async fn coins_are_given_staked_and_taken_back_and_none_is_lost() {
    let home = TempDir::new().unwrap();
    let mut swarm = Swarm::start(small(home.path())).await.unwrap();
    let validator = swarm.members()[0].hotkey();
    let dir = home.path();
    let other = ask(dir, "stake list --coldkey spare-1/coldkey");
    let to = other["coldkey"].as_str().unwrap();

    let transfer = format!("transfer --coldkey spare-0/coldkey --to {to} --amount 2.5");
    let trial = ask(dir, &format!("{transfer} --dry-run"));
    assert!(trial["sent"] == false && number(&trial, "cost") == 5 * COIN / 2, "{trial}");
    let (fee, balance) = settle(dir, &transfer);
    assert_eq!((fee, balance), (number(&trial, "fee"), number(&trial, "balance")));
    assert_eq!(balance, 195 * COIN / 2 - fee);
    let receiver = ask(dir, &format!("stake list --account {to}"));
    assert_eq!(number(&receiver, "balance"), number(&other, "balance") + 5 * COIN / 2);

    let stake = |what: &str, coins: &str| {
        settle(dir, &format!("stake {what} --coldkey spare-0/coldkey --hotkey {validator} --amount {coins}"))
    };
    let (fee, left) = stake("add", "10");
    assert_eq!(left, balance - 10 * COIN - fee);
    let (fee, after) = stake("remove", "4.000000001");
    assert_eq!(after, left - fee, "the coins are on their way");
    let account = ask(dir, "stake list --coldkey spare-0/coldkey");
    let (behind, entry) = only(&account, "stakes");
    assert_eq!(entry["hotkey"], validator.to_string());
    // Rounding takes a unit or two, dividends give some.
    assert!((6 * COIN - 3..7 * COIN).contains(&behind), "{account}");
    let (back, entry) = only(&account, "locks");
    assert_eq!(back, 4 * COIN + 1);
    assert!(number(entry, "until") > number(&account, "height"), "{account}");

    let newcomer = swarm.genesis().accounts[1].0.0;
    settle(dir, &format!("register --coldkey spare-1/coldkey --hotkey {newcomer}"));
    let graph = ask(dir, "metagraph");
    assert_eq!(graph["neurons"][6]["hotkey"], newcomer.to_string());

    let report = swarm.report().await.unwrap();
    swarm.stop().await;
    assert!(report.roots_agree && report.supply.check(), "{:?}", report.supply);
    assert!(report.supply.locks.0 >= back && report.issued == report.scheduled);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_ledger_refuses_is_told_in_one_line() {
    let home = TempDir::new().unwrap();
    let mut swarm = Swarm::start(small(home.path())).await.unwrap();
    swarm.wait_for_height(1).await.unwrap();
    let validator = swarm.members()[0].hotkey();
    let stranger = swarm.genesis().accounts[1].0.0;
    let refused = |line: &str, words: &[&str]| {
        for more in [&["--dir", "."][..], &["--dir", ".", "--dry-run"]] {
            let line: Vec<_> = line.split(' ').chain(more.iter().copied()).collect();
            check(home.path(), &line, 1, words);
        }
    };
    let from = "--coldkey spare-0/coldkey";
    refused(
        &format!("transfer {from} --to {stranger} --amount 100"),
        &["has 100.000000000 of 100.00000", "missing)", "the fee of 0.00000"],
    );
    refused(&format!("stake add {from} --hotkey {stranger} --amount 1"), &["unknown", "register it"]);
    refused(
        &format!("stake add {from} --hotkey {validator} --amount 0"),
        &["moves 0.000000000 of 0.1", "the least"],
    );
    refused(
        &format!("stake remove {from} --hotkey {validator} --amount 1"),
        &["has 0.000000000 of 1.000000000 coins", "behind"],
    );
    refused(&format!("register {from} --hotkey {validator}"), &["belongs to", "sign with its owner's key"]);
    refused(&format!("register {from} --hotkey {stranger} --netuid 9"), &["no subnet 9"]);
    refused(&format!("transfer --coldkey none --to {stranger} --amount 1"), &["key file none"]);
    check(
        home.path(),
        &["weights", "show", "--dir", ".", &stranger.to_string()],
        1,
        &["has no slot in subnet 1", "neuron metagraph"],
    );
    swarm.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_are_sealed_in_one_epoch_and_shown_in_the_next() {
    let home = TempDir::new().unwrap();
    let mut swarm = Swarm::start(small(home.path())).await.unwrap();
    swarm.wait_for_emission().await.unwrap();
    let validator = swarm.members()[0].hotkey().to_string();
    let deadline = Instant::now() + Duration::from_secs(60);
    let (mut sealed, mut shown) = (None, None);
    while sealed.is_none() || shown.is_none() {
        assert!(Instant::now() < deadline, "sealed {sealed:?}, shown {shown:?}");
        let votes = ask(home.path(), &format!("weights show {validator}"));
        let epoch = number(&votes, "epoch");
        let find = |list: &str| votes[list].as_array().unwrap().first().cloned();
        if let Some(commit) = find("commits") {
            assert!(number(&commit, "epoch") <= epoch && commit["commitment"].as_str().unwrap().len() == 64);
            sealed = Some(commit);
        }
        if let Some(row) = find("rows") {
            assert!(row["hotkey"] == validator && row["uid"] == 0, "{row}");
            assert!(!row["weights"].as_array().unwrap().is_empty(), "{row}");
            shown = Some(row);
        }
    }
    swarm.stop().await;
}

/// Gives the owner of a validator what it needs for fees.
#[track_caller]
fn fund(dir: &Path, validator: usize) {
    let owner = ask(dir, &format!("stake list --coldkey validator-{validator}/coldkey"));
    let to = owner["coldkey"].as_str().unwrap();
    settle(dir, &format!("transfer --coldkey spare-1/coldkey --to {to} --amount 1"));
}

/// A swarm in which subnets are cheap and their rules change at any time.
fn permissive(dir: &Path) -> Plan {
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let settings = [
        ("founding.lock", "10"),
        ("founding.change_epochs", "0"),
        ("founding.freeze", "0"),
        ("founding.start_delay", "0"),
    ]
    .map(own);
    Plan { settings: settings.into(), ..small(dir) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subnet_is_founded_ruled_and_preferred() {
    let home = TempDir::new().unwrap();
    let swarm = Swarm::start(permissive(home.path())).await.unwrap();
    let dir = home.path();
    let founder = "--coldkey spare-0/coldkey";
    let (fee, balance) = settle(dir, &format!("subnet create sums {founder} --limit 15"));
    assert_eq!(balance, 90 * COIN - fee);
    let list = ask(dir, "subnet list");
    let subnet = &list["subnets"][1];
    assert_eq!((number(subnet, "netuid"), number(subnet, "lock")), (2, 10 * COIN), "{list}");
    assert_eq!(subnet["owner"], ask(dir, &format!("stake list {founder}"))["coldkey"]);
    assert!(number(&list, "lock_price") > 19 * COIN, "{list}");

    settle(dir, &format!("subnet set 2 minimum-burn 0.25 {founder}"));
    let rules = &ask(dir, "subnet show 2")["rules"];
    assert_eq!(number(&rules["burn"], "minimum"), COIN / 4, "{rules}");

    let mut members = swarm.members().iter();
    for number in 0..2 {
        let hotkey = members.next().unwrap().hotkey();
        fund(dir, number);
        let owner = format!("--hotkey {hotkey} --coldkey validator-{number}/coldkey");
        settle(dir, &format!("subnet prefer 1=1 2=3 {owner}"));
    }
    settle(dir, &format!("subnet start 2 {founder}"));
    let deadline = Instant::now() + Duration::from_secs(60);
    while ask(dir, "subnet list")["subnets"][1]["share"].as_f64().unwrap() < 0.2 {
        assert!(Instant::now() < deadline, "{}", ask(dir, "subnet list"));
    }
    let refused = |line: &str, words: &[&str]| {
        let line: Vec<_> = line.split(' ').chain(["--dir", ".", "--dry-run"]).collect();
        check(dir, &line, 1, words);
    };
    refused(&format!("subnet create sums {founder} --limit 15"), &["the limit covers 15.0"]);
    refused(&format!("subnet set 2 colour 3 {founder}"), &["colour 3", "none of", "minimum-burn", "permits"]);
    refused(&format!("subnet set 1 permits 3 {founder}"), &["subnet 1 is not", "sign with its owner's key"]);
    check(dir, &["subnet", "show", "9", "--dir", "."], 1, &["no subnet 9", "neuron subnet list"]);
    swarm.stop().await;
}

/// A neuron of subnet 2, started by hand, until it is dropped.
fn guest(dir: &Path, role: &str, spare: usize) -> Child {
    let coldkey = format!("spare-{spare}/coldkey");
    let line =
        "run --json --tied --genesis genesis.toml --netuid 2 --role".split(' ').chain([role, "--dir", role]);
    let mut run = Command::new(program());
    run.args(line).args(["--register", "--coldkey", &coldkey]).current_dir(dir);
    run.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn neurons_wait_for_a_subnet_and_earn_in_it_once_it_is_founded() {
    let home = TempDir::new().unwrap();
    let dir = home.path();
    let swarm = Swarm::start(permissive(dir)).await.unwrap();
    let mut guests = [("validator", 0), ("miner", 1)].map(|(role, spare)| guest(dir, role, spare));
    for role in ["validator", "miner"] {
        let client = Client::new(&dir.join(role));
        until(&format!("the {role} waits"), async || {
            client.status().await.is_ok_and(|it| it.activity == "waiting until subnet 2 is founded")
        })
        .await;
    }
    settle(dir, "subnet create sums --coldkey spare-0/coldkey");
    let neurons = || ask(dir, "metagraph --netuid 2")["neurons"].as_array().unwrap().clone();
    until("both have a slot", async || neurons().len() == 2).await;
    let validator = Client::new(&dir.join("validator")).status().await.unwrap().neuron.hotkey;
    settle(dir, &format!("stake add --hotkey {validator} --amount 20 --coldkey spare-0/coldkey"));
    for place in 0..2 {
        let hotkey = swarm.members()[place].hotkey();
        fund(dir, place);
        settle(dir, &format!("subnet prefer 1=1 2=3 --hotkey {hotkey} --coldkey validator-{place}/coldkey"));
    }
    settle(dir, "subnet start 2 --coldkey spare-0/coldkey");
    let earns = |neuron: &Value| number(neuron, "emission") > 0;
    until("both earn", async || neurons().iter().all(earns)).await;
    for guest in &mut guests {
        drop(guest.stdin.take());
        assert!(guest.wait().unwrap().success());
    }
    swarm.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subnet_of_an_unknown_task_stops_nobody_who_waited_for_it() {
    let home = TempDir::new().unwrap();
    let dir = home.path();
    let mut swarm = Swarm::start(permissive(dir)).await.unwrap();
    swarm.wait_for_height(1).await.unwrap();
    let mut guest = guest(dir, "validator", 0);
    settle(dir, "subnet create riddles --coldkey spare-1/coldkey");
    let client = Client::new(&dir.join("validator"));
    until("it follows and says why", async || {
        let idles = |it: Status| it.activity.starts_with("no work in subnet 2: ") && it.height >= 20;
        client.status().await.is_ok_and(idles)
    })
    .await;
    drop(guest.stdin.take());
    assert!(guest.wait().unwrap().success());
    swarm.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_sets_the_take_of_its_hotkey_and_whether_it_settles() {
    let home = TempDir::new().unwrap();
    let swarm = Swarm::start(small(home.path())).await.unwrap();
    let (dir, hotkey) = (home.path(), swarm.members()[2].hotkey());
    let owner = "--coldkey validator-2/coldkey";
    fund(dir, 2);
    settle(dir, &format!("stake take {hotkey} 12.5 {owner}"));
    let raised = format!("stake take {hotkey} 12.51 {owner} --dir .");
    check(dir, &raised.split(' ').collect::<Vec<_>>(), 1, &["stays at 1250 basis points", "raise it then"]);
    settle(dir, &format!("settle off --hotkey {hotkey} {owner}"));
    let released = format!("settle again --hotkey {hotkey} {owner} --dir .");
    check(dir, &released.split(' ').collect::<Vec<_>>(), 1, &["is not jailed"]);
    swarm.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hotkey_lends_its_votes_to_another_which_keeps_a_part() {
    let home = TempDir::new().unwrap();
    let settings = ["child_delay", "child_change"].map(|name| (name.to_owned(), "1".to_owned()));
    let swarm = Swarm::start(Plan { settings: settings.into(), ..small(home.path()) }).await.unwrap();
    let (dir, lender, child) = (home.path(), swarm.members()[0].hotkey(), swarm.members()[1].hotkey());
    (0..2).for_each(|validator| fund(dir, validator));
    let before = ask(dir, &format!("children show {child}"));
    assert!(before["children"].as_array().unwrap().is_empty() && before["planned"].is_null(), "{before}");

    let owner = "--netuid 1 --coldkey validator-0/coldkey";
    settle(dir, &format!("children set {lender} {child}=25 {owner}"));
    settle(dir, &format!("children take {child} 9 --netuid 1 --coldkey validator-1/coldkey"));
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut loans = ask(dir, &format!("children show {lender}"));
    while loans["children"].as_array().unwrap().is_empty() {
        assert!(Instant::now() < deadline, "{loans}");
        loans = ask(dir, &format!("children show {lender}"));
    }
    assert_eq!(loans["children"][0]["hotkey"], child.to_string());
    assert!((loans["children"][0]["part"].as_f64().unwrap() - 0.25).abs() < 1e-9, "{loans}");
    let after = ask(dir, &format!("children show {child}"));
    assert_eq!(after["take"].as_f64(), Some(0.09));
    // A quarter of the 1,000 coins and more behind the first.
    assert!(number(&after, "votes") > number(&before, "votes") + 250 * COIN, "{before} {after}");
    let refused = format!("children set {lender} {lender}=25 {owner} --dir .");
    check(dir, &refused.split(' ').collect::<Vec<_>>(), 1, &["cannot lend", "its own children"]);
    swarm.stop().await;
}
