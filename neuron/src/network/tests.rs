//! Neurons on loopback, with real sockets.
mod hostile;
mod swarm;

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use futures::StreamExt;
use libp2p::request_response;
use libp2p::swarm::SwarmEvent;

use super::behaviour::BehaviourEvent;
use super::*;

const GENESIS: Hash = Hash([7; 32]);
/// Whatever takes longer has failed, even on a busy machine.
const DEADLINE: Duration = Duration::from_secs(15);

/// A neuron's network and what it hears.
struct Node {
    network: Network,
    events: mpsc::Receiver<Event>,
}

impl Node {
    fn config(seed: u8, bootstrap: &[String]) -> Config {
        Config {
            keypair: Keypair::from_seed([seed; 32]),
            genesis: GENESIS,
            listen: Listen { ip: Ipv4Addr::LOCALHOST.into(), port: 0 },
            bootstrap: bootstrap.to_vec(),
            known: Vec::new(),
            topics: Topic::ALL.to_vec(),
        }
    }

    fn start(config: Config) -> Self {
        let (network, events) = spawn(config).unwrap();
        Self { network, events }
    }

    fn new(seed: u8, bootstrap: &[String]) -> Self {
        Self::start(Self::config(seed, bootstrap))
    }

    async fn next(&mut self) -> Event {
        within(self.events.recv()).await.expect("the network runs while its handle lives")
    }

    /// The next gossip's bytes, judged by `verdict`.
    async fn hear(&mut self, verdict: Verdict) -> Vec<u8> {
        let Event::Gossip { id, bytes, .. } = self.next().await else { panic!("expected gossip") };
        self.network.judge(id, verdict).unwrap();
        bytes
    }

    async fn ask(&mut self, peer: &Network, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
        self.network.ask(peer.hotkey(), 5, bytes.to_vec()).unwrap();
        match self.next().await {
            Event::Responded { ticket: 5, result, .. } => result,
            event => panic!("expected a response, got {event:?}"),
        }
    }

    /// Answers every question with its own bytes from now on.
    fn echo(mut self) -> Network {
        let network = self.network.clone();
        let answering = network.clone();
        tokio::spawn(async move {
            while let Some(event) = self.events.recv().await {
                if let Event::Asked { ticket, bytes, .. } = event {
                    answering.respond(ticket, bytes).unwrap();
                }
            }
        });
        network
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.expect("in time")
}

async fn until(condition: impl Fn() -> bool) {
    within(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[test]
fn a_port_that_is_kept_is_none_that_systems_hand_out() {
    for _ in 0..100 {
        let port = Listen::on_loopback().unwrap().port;
        assert!((1_024..32_768).contains(&port), "{port}");
    }
}

#[tokio::test]
async fn two_neurons_that_share_a_bootstrap_address_find_and_ask_each_other() {
    let first = Node::new(1, &[]);
    let known = first.network.listening().await;
    let echo = Node::new(2, &known[..1]).echo();
    let mut asker = Node::new(3, &known[1..]);
    let big = vec![1; REQUEST_LIMIT];
    assert!(asker.ask(&echo, &big).await == Ok(big), "the question comes back");
    assert_eq!(asker.ask(&echo, b"").await, Ok(vec![]));
}

#[tokio::test]
async fn asking_nobody_fails_with_a_reason() {
    let first = Node::new(1, &[]);
    let mut asker = Node::new(2, &first.network.listening().await);
    until(|| asker.network.status().peers == 1).await;
    let (stopped, _) = spawn(Node::config(9, &[])).unwrap();
    assert_eq!(asker.ask(&stopped, b"anybody?").await, Err(Failure::NotFound));
    let myself = asker.network.clone();
    assert_eq!(asker.ask(&myself, b"me?").await, Err(Failure::NotFound));
    let too_large = asker.network.ask(first.network.hotkey(), 1, vec![0; REQUEST_LIMIT + 1]);
    assert_eq!(too_large, Err(Refused::TooLarge { size: REQUEST_LIMIT + 1, limit: REQUEST_LIMIT }));
}

#[tokio::test]
async fn a_full_queue_drops_gossip_and_refuses_requests() {
    let deaf = Node::new(1, &[]);
    let mut asker = Node::new(2, &deaf.network.listening().await);
    until(|| asker.network.status().peers == 1).await;
    let numbers = std::cell::Cell::new(0u32);
    until(|| {
        // Those told before the other has joined the topic may get lost.
        for number in numbers.get()..numbers.get() + 16 {
            let _ = asker.network.publish(Topic::Inputs, number.to_le_bytes().to_vec());
        }
        numbers.set(numbers.get() + 16);
        deaf.network.counters()["gossip_dropped"] >= 8
    })
    .await;
    assert_eq!(asker.ask(&deaf.network, b"are you there?").await, Err(Failure::Refused));
    assert_eq!(deaf.network.counters()["request_refused"], 1);
}

#[tokio::test]
async fn a_peer_that_asks_too_often_is_refused() {
    let echo = Node::new(1, &[]).echo();
    let mut asker = Node::new(2, &echo.listening().await);
    let (mut answered, mut refused) = (0, 0);
    for _ in 0..200 {
        match asker.ask(&echo, b"again").await {
            Ok(_) => answered += 1,
            Err(failure) => {
                assert_eq!(failure, Failure::Refused);
                refused += 1;
            }
        }
        if refused > 8 {
            break;
        }
    }
    assert!(answered >= 64 && refused > 8, "{answered} answered, {refused} refused");
    assert_eq!(echo.counters()["request_flood"], refused);
}

#[tokio::test]
async fn gossip_before_anybody_listens_arrives_when_somebody_does() {
    let first = Node::new(1, &[]);
    first.network.publish(Topic::Settlements, vec![3; Topic::Settlements.limit()]).unwrap();
    let mut second = Node::new(2, &first.network.listening().await);
    assert_eq!(second.hear(Verdict::Accept).await, vec![3; Topic::Settlements.limit()]);
}

#[tokio::test]
async fn a_neuron_of_another_network_is_sent_away_and_hears_nothing() {
    let mut ours = Node::new(1, &[]);
    let theirs = Config { genesis: Hash([8; 32]), ..Node::config(2, &ours.network.listening().await) };
    let mut theirs = Node::start(theirs);
    until(|| ours.network.counters()["wrong_network"] + theirs.network.counters()["wrong_network"] > 0).await;
    ours.network.publish(Topic::Inputs, b"ours".to_vec()).unwrap();
    theirs.network.publish(Topic::Inputs, b"theirs".to_vec()).unwrap();
    let failure = theirs.ask(&ours.network, b"hello?").await.unwrap_err();
    assert!(matches!(failure, Failure::Unsupported | Failure::Unreachable), "{failure}");
    until(|| ours.network.counters()["gossip_expired"] + theirs.network.counters()["gossip_expired"] == 2)
        .await;
    assert!(ours.events.try_recv().is_err() && theirs.events.try_recv().is_err());
}

#[tokio::test]
async fn a_neuron_restarted_on_the_same_port_is_reached_again() {
    let listen = Listen::on_loopback().unwrap();
    let config = || Config { listen, ..Node::config(1, &[]) };
    let restarted = Node::start(config());
    let known = listen.addresses(&restarted.network.hotkey());
    assert_eq!(restarted.network.listening().await.len(), known.len());
    let mut asker = Node::new(2, &known);
    until(|| asker.network.status().peers == 1).await;
    drop(restarted);
    until(|| asker.network.status().peers == 0).await;
    let echo = within(async {
        loop {
            match spawn(config()) {
                Ok((network, events)) => break Node { network, events }.echo(),
                Err(_) => tokio::task::yield_now().await,
            }
        }
    })
    .await;
    until(|| echo.status().peers == 1).await;
    assert_eq!(asker.ask(&echo, b"again").await, Ok(b"again".to_vec()));
}

#[tokio::test]
async fn whoever_is_connected_can_be_asked_and_nobody_if_none_is() {
    let mut alone = Node::new(1, &[]);
    let nobody = |event: Event, asked| {
        let failed = matches!(event, Event::Responded { from: None, ticket, result: Err(Failure::NotFound) } if ticket == asked);
        assert!(failed, "{event:?}");
    };
    alone.network.ask_anyone(Vec::new(), 5, b"anybody?".to_vec()).unwrap();
    nobody(alone.next().await, 5);
    let echo = Node::new(2, &alone.network.listening().await).echo();
    until(|| alone.network.status().peers == 1 && echo.status().peers == 1).await;
    alone.network.ask_anyone(Vec::new(), 6, b"anybody?".to_vec()).unwrap();
    let event = alone.next().await;
    let answered =
        matches!(&event, Event::Responded { from, ticket: 6, result: Ok(_) } if *from == Some(echo.hotkey()));
    assert!(answered, "{event:?}");
    alone.network.ask_anyone(vec![echo.hotkey()], 7, b"anybody else?".to_vec()).unwrap();
    nobody(alone.next().await, 7);
}

#[tokio::test]
async fn a_bootstrap_peer_that_starts_late_is_joined() {
    let listen = Listen::on_loopback().unwrap();
    let early = Node::new(2, &listen.addresses(&Keypair::from_seed([1; 32]).hotkey()));
    until(|| early.network.counters()["dial_failed"] > 0).await;
    let late = Node::start(Config { listen, ..Node::config(1, &[]) });
    until(|| early.network.status().peers == 1 && late.network.status().peers == 1).await;
}

#[tokio::test]
async fn whoever_has_enough_peers_still_finds_one_that_only_another_knows() {
    let guide = Node::new(1, &[]).echo();
    let mut known = guide.listening().await;
    for seed in 2..10 {
        known.extend(Node::new(seed, &[]).echo().listening().await);
    }
    let mut asker = Node::new(10, &known);
    until(|| asker.network.status().peers == 9).await;

    // It joins the guide and seeks nobody else.
    let config = Node::config(11, &[]);
    let mut hermit = behaviour::swarm(&config, Arc::default()).unwrap();
    hermit.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
    hermit.dial(address::parse(&known[0]).unwrap().1).unwrap();
    tokio::spawn(async move {
        loop {
            let event = hermit.select_next_some().await;
            let SwarmEvent::Behaviour(BehaviourEvent::Ask(request_response::Event::Message {
                message: request_response::Message::Request { request, channel, .. },
                ..
            })) = event
            else {
                continue;
            };
            hermit.behaviour_mut().ask.send_response(channel, request).unwrap();
        }
    });
    let asked = within(async {
        loop {
            asker.network.ask(config.keypair.hotkey(), 5, b"hello?".to_vec()).unwrap();
            match asker.next().await {
                // Not even the guide knows it yet.
                Event::Responded { result: Err(Failure::NotFound), .. } => {}
                event => break event,
            }
        }
    });
    let asked = asked.await;
    assert!(matches!(&asked, Event::Responded { result: Ok(bytes), .. } if bytes == b"hello?"), "{asked:?}");
}

#[tokio::test]
async fn a_restarted_neuron_needs_no_bootstrap_address() {
    let met = Node::new(1, &[]);
    let first = Node::new(2, &met.network.listening().await);
    until(|| !first.network.status().known.is_empty()).await;
    let known = first.network.status().known;
    drop(first);
    until(|| met.network.status().peers == 0).await;
    let again = Node::start(Config { known, ..Node::config(2, &[]) });
    until(|| again.network.status().peers == 1).await;
}

#[tokio::test]
async fn dropping_the_handle_ends_the_task() {
    let Node { network, mut events } = Node::new(1, &[]);
    network.listening().await;
    drop(network);
    assert!(within(events.recv()).await.is_none());
}

#[tokio::test]
async fn a_taken_port_and_a_bad_address_are_named() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let listen = Listen { ip: Ipv4Addr::LOCALHOST.into(), port: taken.local_addr().unwrap().port() };
    let error = spawn(Config { listen, ..Node::config(1, &[]) }).err().unwrap().to_string();
    assert!(error.contains(&listen.port.to_string()) && error.contains("--port"), "{error}");
    let error = spawn(Node::config(1, &["127.0.0.1:4000".to_owned()])).err().unwrap().to_string();
    assert!(error.contains("127.0.0.1:4000") && error.contains("/p2p/"), "{error}");
}
