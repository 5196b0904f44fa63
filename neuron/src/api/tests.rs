//! The socket, from both ends.
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crypto::Keypair;
use protocol::message::Message;
use protocol::subnet::Netuid;
use protocol::transaction::{Action, Coldkey, Transaction};
use protocol::{Amount, Signed};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::socket::Door;
use super::*;
use crate::host::Host;
use crate::network::Listen;
use crate::neuron::{Config, Duty};
use crate::swarm::Plan;

/// A neuron that follows a network of its own.
async fn light(dir: &Path) -> Host {
    let plan = Plan { validators: 1, miners: 1, task: "sums".to_owned(), ..Plan::new(dir) };
    let config = Config {
        dir: dir.to_owned(),
        genesis: plan.genesis(1_000),
        keypair: Keypair::from_seed([3; 32]),
        duty: Duty::Follow,
        netuid: Netuid(1),
        listen: Listen { ip: Ipv4Addr::LOCALHOST.into(), port: 0 },
        bootstrap: Vec::new(),
        seed: 1,
    };
    Host::start(config).await.unwrap()
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
        (b"{\"ask\":\"submit\",\"transaction\":\"xyz\"}\n", "not in hexadecimal"),
        (b"{\"ask\":\"submit\",\"transaction\":\"93\"}\n", "malformed"),
        (b"{\"ask\":\"poll\"}\n", "only validators ask"),
    ] {
        let reply = reply(dir.path(), request).await;
        assert!(reply.starts_with("{\"error\":") && reply.contains(fault), "{reply}");
    }
    assert_eq!(Client::new(dir.path()).status().await.unwrap().neuron.role, "light");
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
        stream.write_all(b"{\"ask\":\"status\"}\n").await.unwrap();
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
    let transaction = Transaction { nonce: 0, action: Action::Transfer { to, amount: Amount(1) } };
    let ours = host.handle().view().ledger.genesis();
    let sign = |genesis| Signed::author(&key, genesis, transaction.clone());
    let client = Client::new(dir.path());
    client.submit(sign(&ours)).await.unwrap();
    let refused = client.submit(sign(&crypto::Hash([9; 32]))).await.unwrap_err();
    assert!(matches!(refused, Error::Refused(_)), "{refused}");
    let forged = Message::Transaction(sign(&crypto::Hash([9; 32])).into_signed());
    assert!(host.handle().tell(forged).await.is_err());
    host.stop().await.unwrap();
}
