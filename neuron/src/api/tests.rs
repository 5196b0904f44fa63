//! The socket, from both ends.
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crypto::Keypair;
use protocol::message::Message;
use protocol::subnet::Netuid;
use protocol::transaction::{Action, Coldkey, Transaction};
use protocol::{Amount, Signed, Verified};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::socket::Door;
use super::*;
use crate::behaviour::Conduct;
use crate::host::Host;
use crate::network::Listen;
use crate::neuron::{Conditions, Config, Duty, History};
use crate::swarm::Plan;

/// A neuron that follows a network of its own.
async fn light(dir: &Path) -> Host {
    Host::start(follower(dir, "dev")).await.unwrap()
}

fn follower(dir: &Path, network: &str) -> Config {
    let plan = Plan { validators: 1, miners: 1, task: "sums".to_owned(), ..Plan::new(dir) };
    let mut genesis = plan.genesis(1_000).unwrap();
    genesis.accounts.push((Coldkey(payer().hotkey()), Amount::coins(5)));
    genesis.name = network.to_owned();
    Config {
        dir: dir.to_owned(),
        genesis,
        keypair: Keypair::from_seed([3; 32]),
        duty: Duty::Follow,
        netuid: Netuid(1),
        listen: Listen { ip: Ipv4Addr::LOCALHOST.into(), port: 0 },
        bootstrap: Vec::new(),
        checkpoint: None,
        vote_anew: false,
        begun_anew: 0,
        seed: 1,
        history: History::default(),
        conduct: None,
        conditions: Conditions::default(),
        coldkey: None,
    }
}

/// Who owns five coins.
fn payer() -> Keypair {
    Keypair::from_seed([4; 32])
}

/// Gives so many coins away, as the account's transaction of this nonce.
fn order(host: &Host, nonce: u64, amount: Amount) -> Verified<Transaction> {
    let to = Coldkey(Keypair::from_seed([5; 32]).hotkey());
    let transaction = Transaction { nonce, action: Action::Transfer { to, amount } };
    Signed::author(&payer(), &host.handle().view().ledger.genesis(), transaction)
}

async fn reply(dir: &Path, request: &[u8]) -> String {
    let mut stream = UnixStream::connect(Door::of(dir).unwrap().path()).await.unwrap();
    // A server that has read enough may close while we still write.
    let _ = stream.write_all(request).await;
    let _ = stream.shutdown().await;
    let mut reply = String::new();
    BufReader::new(stream).read_line(&mut reply).await.unwrap();
    reply
}

#[tokio::test]
async fn malformed_and_oversized_requests_are_refused_and_the_neuron_goes_on() {
    let dir = TempDir::new().unwrap();
    let host = light(dir.path()).await;
    for (request, fault) in [
        (&b"hello\n"[..], "not a request"),
        (b"{}\n", "not a request"),
        (b"{\"ask\":\"coins\"}\n", "not a request"),
        (b"{\"ask\":\"status\",\"of\":3}\n", "not a request"),
        (b"\xff\xfe\n", "not a request"),
        (&vec![b'['; 100_000], "exceeds 65536 bytes"),
        (b"{\"ask\":\"metagraph\",\"netuid\":9}\n", "there is no subnet 9"),
        (b"{\"ask\":\"metagraph\",\"at\":1}\n", "height 1 is ahead: this neuron is at height 0"),
        (b"{\"ask\":\"metagraph\",\"netuid\":9,\"at\":0}\n", "there is no subnet 9"),
        (b"{\"ask\":\"explain\",\"who\":\"0\"}\n", "no epoch of subnet 1 has ended yet"),
        (b"{\"ask\":\"explain\",\"who\":\"0\",\"netuid\":9}\n", "there is no subnet 9"),
        (
            b"{\"ask\":\"explain\",\"who\":\"0\",\"epoch\":3}\n",
            "epoch 3 of subnet 1 has not ended by height 0",
        ),
        (b"{\"ask\":\"submit\",\"transaction\":\"xyz\"}\n", "not in hexadecimal"),
        (b"{\"ask\":\"submit\",\"transaction\":\"93\"}\n", "malformed"),
        (b"{\"ask\":\"try\",\"transaction\":\"xyz\"}\n", "not in hexadecimal"),
        (b"{\"ask\":\"votes\",\"netuid\":9}\n", "there is no subnet 9"),
        (b"{\"ask\":\"account\",\"coldkey\":\"12\"}\n", "not 64 hexadecimal digits"),
        (b"{\"ask\":\"account\"}\n", "never registered"),
        (b"{\"ask\":\"poll\"}\n", "only validators ask"),
    ] {
        let reply = reply(dir.path(), request).await;
        assert!(reply.starts_with("{\"error\":") && reply.contains(fault), "{reply}");
    }
    assert_eq!(Client::new(dir.path()).status().await.unwrap().neuron.role, "light");
    host.stop().await.unwrap();
}

#[tokio::test]
async fn a_running_neuron_misbehaves_and_is_honest_again_at_its_owners_word() {
    let (dir, scripts) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    fs::write(scripts.path().join("mark.star"), "def on_start(ctx):\n    ctx.fired(ctx.params)\n").unwrap();
    let host = light(dir.path()).await;
    let client = Client::new(dir.path());
    let behave = async |behaviour: &str| client.behave(behaviour, scripts.path(), "here".into(), None).await;
    let shows = async |behaviour: &str| {
        let shown = host.handle().view();
        assert_eq!((&*client.status().await.unwrap().behaviour, &*shown.behaviour), (behaviour, behaviour));
    };
    shows("honest").await;
    behave("mark.star").await.unwrap();
    let mut handle = host.handle();
    while handle.view().doings.fired.is_empty() {
        assert!(handle.changed().await);
    }
    shows("mark").await;
    assert_eq!(client.status().await.unwrap().doings.fired, [("here".to_owned(), 1)].into());
    let refusal = behave("none.star").await.unwrap_err().to_string();
    assert!(refusal.contains("none.star"), "{refusal}");
    shows("mark").await;
    behave("honest").await.unwrap();
    while handle.view().behaviour != "honest" {
        assert!(handle.changed().await);
    }
    host.stop().await.unwrap();
}

#[tokio::test]
async fn nobody_misbehaves_in_a_network_that_is_no_game() {
    let dir = TempDir::new().unwrap();
    let mut config = follower(dir.path(), "testnet");
    config.genesis.time = crate::clock::now_ms();
    let crook = Conduct { name: "forger".to_owned(), ..Conduct::honest() };
    let refusal =
        Host::start(Config { conduct: Some(crook), ..config.clone() }).await.err().unwrap().to_string();
    let why = "this network does not allow a neuron to behave as forger";
    assert!(refusal.starts_with(why), "{refusal}");
    let host = Host::start(config).await.unwrap();
    let client = Client::new(dir.path());
    let refusal =
        client.behave("forger", dir.path(), serde_json::Value::Null, None).await.unwrap_err().to_string();
    assert!(refusal.starts_with(why), "{refusal}");
    let refusal = client.behave("exec:touch began", dir.path(), serde_json::Value::Null, None).await;
    assert!(refusal.is_err() && !dir.path().join("began").exists(), "what may not be is not even started");
    let refusal = client.impede(Conditions::default()).await.unwrap_err().to_string();
    assert!(refusal.contains("only in a network for development"), "{refusal}");
    client.behave("honest", dir.path(), serde_json::Value::Null, None).await.unwrap();
    host.stop().await.unwrap();
}

#[tokio::test]
async fn only_the_owner_may_open_the_socket_and_it_goes_with_the_neuron() {
    let dir = TempDir::new().unwrap();
    let host = light(dir.path()).await;
    let mode = fs::metadata(dir.path().join(SOCKET)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    host.stop().await.unwrap();
    assert!(!dir.path().join(SOCKET).exists());
    let gone = Client::new(dir.path()).status().await.unwrap_err();
    assert!(matches!(gone, Error::NotRunning(_)), "{gone}");
}

#[tokio::test]
async fn a_path_that_is_too_long_for_a_socket_does_not_matter() {
    let dir = TempDir::new().unwrap();
    let deep = dir.path().join("d".repeat(120));
    let host = light(&deep).await;
    assert_eq!(Client::new(&deep).status().await.unwrap().height, 0);
    host.stop().await.unwrap();
}

#[tokio::test]
async fn one_connection_too_many_is_told_to_come_back() {
    let dir = TempDir::new().unwrap();
    let host = light(dir.path()).await;
    let mut idle = Vec::new();
    let refused = loop {
        let mut stream = UnixStream::connect(dir.path().join(SOCKET)).await.unwrap();
        // It may be refused before it has asked.
        let _ = stream.write_all(b"{\"ask\":\"status\"}\n").await;
        let mut line = vec![0; 64];
        let read = stream.read(&mut line).await.unwrap();
        if line[..read].starts_with(b"{\"error\"") {
            break String::from_utf8_lossy(&line[..read]).into_owned();
        }
        idle.push(stream);
    };
    assert!(idle.len() == 32 && refused.contains("others are asking"), "{} {refused}", idle.len());
    host.stop().await.unwrap();
}

#[tokio::test]
async fn a_neuron_stops_when_asked_to() {
    let dir = TempDir::new().unwrap();
    let mut host = light(dir.path()).await;
    Client::new(dir.path()).stop().await.unwrap();
    host.ended().await.unwrap();
}

#[tokio::test]
async fn a_transaction_of_another_network_is_not_told() {
    let dir = TempDir::new().unwrap();
    let host = light(dir.path()).await;
    let (key, to) = (Keypair::from_seed([4; 32]), Coldkey(Keypair::from_seed([5; 32]).hotkey()));
    let transaction = Transaction { nonce: 0, action: Action::Transfer { to, amount: Amount::coins(1) } };
    let ours = host.handle().view().ledger.genesis();
    let sign = |genesis| Signed::author(&key, genesis, transaction.clone());
    let client = Client::new(dir.path());
    client.submit(&sign(&ours)).await.unwrap();
    let refused = client.submit(&sign(&crypto::Hash([9; 32]))).await.unwrap_err();
    assert!(matches!(refused, Error::Refused(_)), "{refused}");
    let forged = Message::Transaction(sign(&crypto::Hash([9; 32])).into_signed());
    assert!(host.handle().tell(forged).await.is_err());
    host.stop().await.unwrap();
}

#[tokio::test]
async fn an_account_shows_what_it_can_spend_and_what_it_has_at_stake() {
    let dir = TempDir::new().unwrap();
    let host = light(dir.path()).await;
    let (client, ledger) = (Client::new(dir.path()), host.handle().view().ledger);
    let account = client.account(Some(Coldkey(payer().hotkey()))).await.unwrap();
    assert_eq!((account.balance, account.nonce), (Amount::coins(5), 0));
    assert!(account.stakes.is_empty() && account.locks.is_empty());
    assert_eq!(account.stamp.state_root, host.handle().view().state_root);

    let validator = ledger.metagraph(Netuid(1)).unwrap().neurons[0].clone();
    let owner = client.account(Some(validator.coldkey)).await.unwrap();
    let [Stake { hotkey, amount }] = owner.stakes[..] else { panic!("{owner:?}") };
    assert_eq!((hotkey, amount), (validator.hotkey, ledger.stake_of(&validator.hotkey)));
    host.stop().await.unwrap();
}

#[tokio::test]
async fn a_trial_tells_fee_and_balance_and_changes_nothing() {
    let dir = TempDir::new().unwrap();
    let host = light(dir.path()).await;
    let client = Client::new(dir.path());
    for _ in 0..2 {
        let trial = client.attempt(&order(&host, 0, Amount::coins(2))).await.unwrap();
        assert!(trial.fee > Amount::ZERO);
        assert_eq!(trial.cost, Amount::coins(2));
        assert_eq!(Some(trial.balance), Amount::coins(3).checked_sub(trial.fee));
    }
    for (nonce, coins, reason) in [(0, 5, "has 5.000000000 of 5.00000"), (1, 1, "its next is 0")] {
        let refused = client.attempt(&order(&host, nonce, Amount::coins(coins))).await.unwrap_err();
        assert!(matches!(&refused, Error::Refused(text) if text.contains(reason)), "{refused}");
    }
    host.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_told_and_not_settled_is_not_found() {
    let dir = TempDir::new().unwrap();
    let host = light(dir.path()).await;
    let client = Client::new(dir.path());
    let order = order(&host, 0, Amount::coins(1));
    client.submit(&order).await.unwrap();
    for from in [0, 1, u64::MAX] {
        assert_eq!(client.find(order.id(), from).await.unwrap(), None);
    }
    host.stop().await.unwrap();
}

#[tokio::test]
async fn votes_are_those_of_a_subnet_or_of_one_neuron_in_it() {
    let dir = TempDir::new().unwrap();
    let host = light(dir.path()).await;
    let client = Client::new(dir.path());
    let validator = host.handle().view().ledger.metagraph(Netuid(1)).unwrap().neurons[0].hotkey;
    for voter in [None, Some(validator)] {
        let votes = client.votes(None, voter).await.unwrap();
        assert_eq!((votes.netuid, votes.epoch, votes.rows.len()), (Netuid(1), 0, 0));
    }
    let refused = client.votes(None, Some(payer().hotkey())).await.unwrap_err();
    assert!(refused.to_string().contains("has no slot in subnet 1"), "{refused}");
    host.stop().await.unwrap();
}

#[tokio::test]
async fn subnets_are_shown_with_their_rules_and_the_first_state_can_be_had_again() {
    let dir = TempDir::new().unwrap();
    let host = light(dir.path()).await;
    let (client, ledger) = (Client::new(dir.path()), host.handle().view().ledger);
    let Subnets { lock_price, subnets, .. } = client.subnets().await.unwrap();
    let [subnet] = &subnets[..] else { panic!("{subnets:?}") };
    assert_eq!((subnet.netuid, &*subnet.task, subnet.neurons), (Netuid(1), "sums", 2));
    assert_eq!(Some(&subnet.rules), ledger.hyperparameters(Netuid(1)));
    assert_eq!((subnet.share, lock_price), (1.0, ledger.parameters().founding.lock));
    let past = client.metagraph(None, Some(0)).await.unwrap();
    let present = client.metagraph(None, None).await.unwrap();
    assert_eq!(past, Metagraph { consensus: None, ..present });
    host.stop().await.unwrap();
}

#[tokio::test]
async fn who_is_no_validator_remembers_nothing_of_a_miner() {
    let dir = TempDir::new().unwrap();
    let host = light(dir.path()).await;
    let remembered = Client::new(dir.path()).remember(payer().hotkey()).await.unwrap();
    assert_eq!((remembered.uid, remembered.score), (None, None));
    assert_eq!(remembered.validator, host.handle().view().hotkey);
    host.stop().await.unwrap();
}
