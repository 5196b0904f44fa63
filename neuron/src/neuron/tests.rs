//! What hostile peers say to a neuron through its front door: refused, counted, and the neuron goes on.
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crypto::{Hotkey, Keypair, Signature};
use protocol::consensus::Speech;
use protocol::consensus::vote::{Ballot, Vote};
use protocol::ledger::Ledger;
use protocol::light::Checkpoint;
use protocol::message::{Attestation, Topic};
use protocol::query::Question;
use protocol::settlement::{Certificate, Certified};
use protocol::telling::Telling;
use protocol::weights::Commit;
use protocol::{Signed, codec};
use serde::Serialize;
use serde_bytes::ByteBuf;
use tempfile::TempDir;

use super::gate::{Request, Response};
use super::*;
use crate::host::Host;
use crate::network::{self, Event, Listen};
use crate::role::bench::{Bench, NETUID};

mod snapshots;

/// Whatever takes longer has failed, even on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// Heights that a message may be about when it arrives: the neuron settles while we speak.
const HEIGHTS: std::ops::RangeInclusive<u64> = 1..=64;

/// Key 0 is the network's one validator, key 1 its one miner; key 2 is nobody.
fn bench() -> Bench {
    let mut bench = Bench::new(1, 1);
    bench.keys.push(Keypair::from_seed([99; 32]));
    bench.genesis.parameters.interval = 100;
    bench.tip.0 = Ledger::new(&bench.genesis).unwrap();
    bench
}

struct Victim {
    host: Host,
    hotkey: Hotkey,
    dir: TempDir,
}

impl Victim {
    async fn start(bench: &Bench, key: usize, duty: Duty, bootstrap: Vec<String>) -> Self {
        Self::start_in(TempDir::new().unwrap(), bench, key, duty, bootstrap).await
    }

    async fn start_in(dir: TempDir, bench: &Bench, key: usize, duty: Duty, bootstrap: Vec<String>) -> Self {
        Self::start_from(None, dir, config(bench, key, duty, bootstrap)).await
    }

    /// With a checkpoint that a person gave.
    async fn start_from(checkpoint: Option<Checkpoint>, dir: TempDir, config: Config) -> Self {
        let config = Config { dir: dir.path().to_owned(), checkpoint, ..config };
        let hotkey = config.keypair.hotkey();
        Self { host: Host::start(config).await.unwrap(), hotkey, dir }
    }

    fn refused(&self, reason: &str) -> u64 {
        self.host.handle().view().refused.get(reason).copied().unwrap_or(0)
    }

    async fn refuses(&self, reason: &str) {
        until(reason, || self.refused(reason) > 0).await;
    }

    async fn settles(&self, more: u64) {
        let height = self.host.handle().view().height;
        until("it settles", || self.host.handle().view().height >= height + more).await;
    }
}

fn config(bench: &Bench, key: usize, duty: Duty, bootstrap: Vec<String>) -> Config {
    Config {
        dir: PathBuf::new(),
        genesis: bench.genesis.clone(),
        keypair: bench.keys[key].clone(),
        duty,
        netuid: NETUID,
        listen: Listen { ip: Ipv4Addr::LOCALHOST.into(), port: 0 },
        bootstrap,
        checkpoint: None,
        vote_anew: false,
        begun_anew: 0,
        seed: 1,
        history: History { snapshots: 4, ..History::default() },
        conduct: None,
        conditions: Conditions::default(),
        coldkey: None,
    }
}

/// A peer that says what it likes.
struct Hostile {
    network: Network,
    events: mpsc::Receiver<Event>,
}

impl Hostile {
    fn new(bench: &Bench, key: usize, bootstrap: Vec<String>) -> Self {
        let config = network::Config {
            keypair: bench.keys[key].clone(),
            genesis: bench.genesis.hash(),
            listen: Listen { ip: Ipv4Addr::LOCALHOST.into(), port: 0 },
            bootstrap,
            known: Vec::new(),
            topics: Topic::ALL.to_vec(),
        };
        let (network, events) = network::spawn(config).unwrap();
        Self { network, events }
    }

    /// Only speaks.
    fn deaf(mut self) -> Network {
        tokio::spawn(async move { while self.events.recv().await.is_some() {} });
        self.network
    }

    /// Serves settlements that nobody signed.
    fn forging(mut self, chain: Vec<Certified>) -> Network {
        let network = self.network.clone();
        tokio::spawn(async move {
            while let Some(event) = self.events.recv().await {
                let Event::Asked { ticket, bytes, .. } = event else { continue };
                let Ok(Request::Settlements(first)) = codec::decode("request", &bytes, 1_000) else {
                    continue;
                };
                let skipped = (first as usize - 1).min(chain.len() - 3);
                let forged = chain.iter().skip(skipped).take(3).cloned().map(|mut certified| {
                    certified.certificate.signatures.clear();
                    ByteBuf::from(codec::encode(&certified))
                });
                let response =
                    Response::Settlements { batch: forged.collect(), first: 1, tip: chain.len() as u64 };
                self.network.respond(ticket, codec::encode(&response)).unwrap();
            }
        });
        network
    }

    async fn ask(&mut self, victim: &Victim, bytes: Vec<u8>) -> Response {
        self.network.ask(victim.hotkey, 1, bytes).unwrap();
        loop {
            let event = tokio::time::timeout(DEADLINE, self.events.recv()).await.unwrap().unwrap();
            if let Event::Responded { result, .. } = event {
                return codec::decode("response", &result.unwrap(), gate::RESPONSE_LIMIT).unwrap();
            }
        }
    }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: not within {DEADLINE:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A stranger says this to a validator, which counts the reason and goes on.
async fn check(reason: &str, said: impl Fn(&Bench) -> Vec<(Topic, Vec<u8>)>) {
    let bench = bench();
    let victim = Victim::start(&bench, 0, Duty::Validate, Vec::new()).await;
    let hostile = Hostile::new(&bench, 2, victim.host.handle().addresses().await);
    victim.settles(1).await;
    for (topic, bytes) in said(&bench) {
        hostile.network.publish(topic, bytes).unwrap();
    }
    victim.refuses(reason).await;
    victim.settles(3).await;
}

/// A commit as its author would send it, in parts that can be changed.
#[derive(Serialize)]
enum Loose {
    Commit((Hotkey, ByteBuf, Signature)),
}

fn commit() -> Commit {
    Commit { netuid: NETUID, epoch: 0, commitment: Hash([1; 32]) }
}

fn loose(bench: &Bench, payload: Vec<u8>, signature: Signature) -> Vec<(Topic, Vec<u8>)> {
    let commit = Loose::Commit((bench.keys[0].hotkey(), ByteBuf::from(payload), signature));
    vec![(Topic::Inputs, codec::encode(&commit))]
}

fn vote(bench: &Bench, height: u64, author: usize, voter: usize) -> (Topic, Vec<u8>) {
    let vote = Vote::of(Ballot::Prevote, height, 0, None, bench.keys[voter].hotkey());
    telling(bench, author, vec![bench.author(author, vote).into_signed()])
}

fn telling(bench: &Bench, teller: usize, votes: Vec<Signed<Vote>>) -> (Topic, Vec<u8>) {
    let telling = bench.author(teller, Telling { told: 0, speech: Speech::Votes(votes) });
    (Topic::Consensus, codec::encode(&Message::Telling(Box::new(telling.into_signed()))))
}

#[tokio::test]
async fn malformed_gossip_is_refused() {
    check("malformed", |_| vec![(Topic::Inputs, vec![0xc1; 100])]).await;
}

#[tokio::test]
async fn gossip_that_is_not_in_canonical_form_is_refused() {
    let trailing = |bench: &Bench| {
        let mut bytes = codec::encode(&Message::Commit(bench.author(2, commit()).into_signed()));
        bytes.push(0);
        vec![(Topic::Inputs, bytes)]
    };
    check("not_canonical", trailing).await;
}

#[tokio::test]
async fn oversized_gossip_is_refused() {
    check("too_large", |bench| loose(bench, vec![0; 60_000], Signature([0; 64]))).await;
}

#[tokio::test]
async fn unsigned_gossip_is_refused() {
    check("bad_signature", |bench| loose(bench, codec::encode(&commit()), Signature([0; 64]))).await;
}

#[tokio::test]
async fn gossip_signed_by_another_is_refused() {
    let stolen = |bench: &Bench| {
        let signed = bench.author(2, commit());
        loose(bench, codec::encode(&commit()), signed.signed().signature())
    };
    check("bad_signature", stolen).await;
}

#[tokio::test]
async fn gossip_signed_for_another_network_is_refused() {
    let foreign = |bench: &Bench| {
        let signed = Signed::author(&bench.keys[0], &Hash([8; 32]), commit());
        vec![(Topic::Inputs, codec::encode(&Message::Commit(signed.into_signed())))]
    };
    check("bad_signature", foreign).await;
}

#[tokio::test]
async fn a_vote_in_the_name_of_another_is_refused() {
    check("wrong_signer", |bench| vec![vote(bench, 5, 0, 2)]).await;
}

#[tokio::test]
async fn gossip_on_the_wrong_topic_is_refused() {
    let astray = |bench: &Bench| {
        let message = Message::Commit(bench.author(2, commit()).into_signed());
        vec![(Topic::Settlements, codec::encode(&message))]
    };
    check("invalid", astray).await;
}

#[tokio::test]
async fn more_votes_than_a_set_can_cast_are_refused() {
    let crowd = |bench: &Bench| {
        let vote = |round| Vote::of(Ballot::Prevote, 5, round, None, bench.keys[0].hotkey());
        let votes = (0..257).map(|round| bench.author(0, vote(round)).into_signed()).collect();
        vec![telling(bench, 0, votes)]
    };
    check("invalid", crowd).await;
}

#[tokio::test]
async fn gossip_about_distant_heights_is_refused() {
    check("out_of_window", |bench| vec![vote(bench, 1_000_000, 0, 0)]).await;
}

#[tokio::test]
async fn votes_of_those_who_do_not_settle_are_refused() {
    check("no_say", |bench| HEIGHTS.map(|height| vote(bench, height, 2, 2)).collect()).await;
}

#[tokio::test]
async fn what_a_validator_said_is_not_told_by_others() {
    let relayed = |bench: &Bench| {
        let vote = |height| Vote::of(Ballot::Prevote, height, 0, None, bench.keys[0].hotkey());
        let relay = |height| telling(bench, 2, vec![bench.author(0, vote(height)).into_signed()]);
        HEIGHTS.map(relay).collect()
    };
    check("no_say", relayed).await;
}

#[tokio::test]
async fn a_telling_without_a_word_is_refused() {
    check("invalid", |bench| vec![telling(bench, 0, Vec::new())]).await;
}

#[tokio::test]
async fn inputs_that_nobody_pays_for_are_not_passed_on() {
    let free = |bench: &Bench| {
        vec![(Topic::Inputs, codec::encode(&Message::Commit(bench.author(2, commit()).into_signed())))]
    };
    check("unwelcome", free).await;
}

#[tokio::test]
async fn a_stake_attestation_without_proof_is_refused() {
    let unproven = |bench: &Bench| {
        let (leaf, proof) = bench.tip.0.prove_stake(&bench.keys[0].hotkey()).unwrap();
        let attest = |height| {
            let attestation = Attestation { height, leaf: [&leaf[..], &[0]].concat(), proof: proof.clone() };
            (Topic::Inputs, codec::encode(&Message::Attestation(attestation)))
        };
        HEIGHTS.map(attest).collect()
    };
    check("unproven", unproven).await;
}

#[tokio::test]
async fn settlements_with_forged_certificates_are_refused() {
    let forged = |bench: &Bench| {
        let mut settlement = bench.draft(&[]);
        let forge = |height| {
            settlement.header.height = height;
            let certificate =
                Certificate { signatures: Vec::new(), ..bench.certify(settlement.clone()).certificate };
            let certified = Certified { settlement: settlement.clone(), certificate };
            (Topic::Settlements, codec::encode(&Message::Settled(Box::new(certified))))
        };
        HEIGHTS.map(forge).collect()
    };
    check("forged", forged).await;
}

#[tokio::test]
async fn malformed_oversized_and_forged_requests_are_declined() {
    let bench = bench();
    let victim = Victim::start(&bench, 0, Duty::Validate, Vec::new()).await;
    let mut hostile = Hostile::new(&bench, 2, victim.host.handle().addresses().await);
    let question = Question { netuid: NETUID, miner: victim.hotkey, height: 0, number: 0, body: vec![1] };
    let elsewhere = Signed::author(&bench.keys[2], &Hash([8; 32]), question).into_signed();
    for (reason, bytes) in [
        ("malformed", vec![0xc1; 100]),
        ("too_large", vec![0; 60 * 1024]),
        ("bad_signature", codec::encode(&Request::Question(elsewhere))),
    ] {
        assert_eq!(hostile.ask(&victim, bytes).await, Response::Declined);
        assert_eq!(victim.refused(reason), 1, "{reason}");
    }
    victim.settles(3).await;
}

#[tokio::test]
async fn what_is_told_to_one_alone_is_heard_only_where_neurons_may_misbehave() {
    for (network, reason) in [("dev", "unwelcome"), ("testnet", "whisper")] {
        let mut bench = bench();
        network.clone_into(&mut bench.genesis.name);
        bench.genesis.time = clock::now_ms();
        let victim = Victim::start(&bench, 0, Duty::Validate, Vec::new()).await;
        let mut hostile = Hostile::new(&bench, 2, victim.host.handle().addresses().await);
        let message = Message::Commit(bench.author(2, commit()).into_signed());
        let whisper = codec::encode(&Request::Tell(Box::new(message)));
        assert_eq!(hostile.ask(&victim, whisper).await, Response::Declined);
        assert_eq!(victim.refused(reason), 1, "{:?}", victim.host.handle().view().refused);
    }
}

#[tokio::test]
async fn a_neuron_whose_clock_is_put_forward_settles_in_the_future() {
    const HOUR: u64 = 3_600_000;
    let bench = bench();
    let victim = Victim::start(&bench, 0, Duty::Validate, Vec::new()).await;
    victim.settles(1).await;
    let ahead = Conditions { ahead_ms: HOUR as i64, ..Conditions::default() };
    assert!(victim.host.handle().impede(ahead));
    let begun = clock::now_ms();
    until("it is an hour later", || victim.host.handle().view().ledger.time() >= begun + HOUR).await;
    victim.settles(3).await;
}

#[tokio::test]
async fn a_replayed_question_and_one_without_a_permit_are_declined() {
    let bench = bench();
    let duty = Duty::Mine { rung: 7, weights: None };
    let victim = Victim::start(&bench, 1, duty, Vec::new()).await;
    until("it serves", || victim.host.handle().view().model.is_some()).await;
    let mut asker = Hostile::new(&bench, 0, victim.host.handle().addresses().await);
    let question = Question { netuid: NETUID, miner: victim.hotkey, height: 0, number: 0, body: vec![1; 64] };
    let ask = |key| codec::encode(&Request::Question(bench.author(key, question.clone()).into_signed()));
    let first = asker.ask(&victim, ask(0)).await;
    assert!(matches!(first, Response::Answer(_)), "{first:?}");
    assert_eq!(asker.ask(&victim, ask(0)).await, Response::Declined);
    assert_eq!(victim.refused("replayed"), 1);
    assert_eq!(asker.ask(&victim, ask(2)).await, Response::Declined);
    assert_eq!(victim.refused("no_permit"), 1);
}

#[tokio::test]
async fn a_validator_that_sends_garbage_while_we_catch_up_is_dropped() {
    let bench = bench();
    for (garbage, reason) in
        [(vec![0xc1; 100], "malformed"), (vec![0; gate::RESPONSE_LIMIT + 1], "too_large")]
    {
        let mut hostile = Hostile::new(&bench, 0, Vec::new());
        let victim = Victim::start(&bench, 2, Duty::Follow, hostile.network.listening().await).await;
        let began = Instant::now();
        while victim.refused(reason) == 0 || victim.refused("shunned") == 0 {
            match tokio::time::timeout(Duration::from_millis(100), hostile.events.recv()).await {
                Ok(Some(Event::Asked { ticket, .. })) => {
                    hostile.network.respond(ticket, garbage.clone()).unwrap();
                }
                Ok(_) => {}
                Err(_) => assert!(began.elapsed() < DEADLINE, "{reason}: it is not dropped"),
            }
        }
        assert_eq!((victim.refused("shunned"), victim.host.handle().view().height), (1, 0));
    }
}

#[tokio::test]
async fn a_disk_that_refuses_a_write_stops_the_neuron_in_one_line() {
    let mut bench = bench();
    // The first settlement is due when the log is out of reach already.
    bench.genesis.time = clock::now_ms();
    bench.genesis.parameters.interval = 2_000;
    let mut victim = Victim::start(&bench, 0, Duty::Validate, Vec::new()).await;
    std::fs::remove_dir_all(victim.dir.path().join("settlements")).unwrap();
    let ended = tokio::time::timeout(DEADLINE, victim.host.ended()).await.expect("it stops");
    let line = ended.unwrap_err().to_string();
    assert!(line.contains("settlements") && line.contains("check the permissions and the disk"), "{line}");
    assert!(!line.contains('\n'), "{line}");
}

/// Three peers at once: one sends garbage, one what strangers may rightly sign, votes by the hundred among it, one asks
/// without end.
#[tokio::test]
async fn a_flood_does_not_keep_a_neuron_from_settling() {
    let mut bench = bench();
    bench.keys.extend([50, 51].map(|n| Keypair::from_seed([n; 32])));
    let victim = Victim::start(&bench, 0, Duty::Validate, Vec::new()).await;
    let addresses = victim.host.handle().addresses().await;
    let [garbage, strangers, asking] =
        [2, 3, 4].map(|key| Hostile::new(&bench, key, addresses.clone()).deaf());
    victim.settles(1).await;
    let height = victim.host.handle().view().height;
    let vote = |round| Vote::of(Ballot::Prevote, 5, round, None, bench.keys[3].hotkey());
    let crowd: Vec<_> = (0..256).map(|round| bench.author(3, vote(round)).into_signed()).collect();
    let (began, mut sent) = (Instant::now(), 0u64);
    while victim.host.handle().view().height < height + 30 {
        assert!(
            began.elapsed() < DEADLINE,
            "settled only {} more",
            victim.host.handle().view().height - height
        );
        for _ in 0..16 {
            sent += 1;
            let noise = sent.to_le_bytes().repeat(200);
            for topic in Topic::ALL {
                let _ = garbage.publish(topic, noise.clone());
            }
            let told = Telling { told: sent, speech: Speech::Votes(crowd.clone()) };
            let told = Message::Telling(Box::new(bench.author(3, told).into_signed()));
            let _ = strangers.publish(Topic::Consensus, codec::encode(&told));
            let commit = Commit { commitment: hash("noise", &[&noise]), ..commit() };
            let commit = Message::Commit(bench.author(3, commit).into_signed());
            let _ = strangers.publish(Topic::Inputs, codec::encode(&commit));
            let _ = asking.ask(victim.hotkey, sent, codec::encode(&Request::Settlements(sent % 2)));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    eprintln!("30 settlements in {:?} under {sent} messages of each kind", began.elapsed());
    assert!(victim.refused("malformed") > 0 && victim.refused("request_flood") > 0);
}

/// A neuron with nothing comes level with one that has `heights` settlements, though the one validator forges what it
/// serves and the neuron is stopped on the way.
async fn comes_level(heights: u64) {
    let (mut bench, informed) = (bench(), TempDir::new().unwrap());
    let mut store = storage::Store::open(informed.path()).unwrap();
    let chain: Vec<_> = (0..heights).map(|_| bench.settle(&[])).collect();
    let logged: Vec<_> = chain.iter().map(codec::encode).collect();
    store.append_settlements(1, &logged).unwrap();
    drop(store);
    let informed = Victim::start_in(informed, &bench, 1, Duty::Follow, Vec::new()).await;
    let addresses = informed.host.handle().addresses().await;
    let forger = Hostile::new(&bench, 0, addresses.clone()).forging(chain);
    let known = [addresses, forger.listening().await].concat();

    let began = Instant::now();
    let late = Victim::start(&bench, 2, Duty::Follow, known.clone()).await;
    until("it catches up", || late.host.handle().view().height > heights / 3).await;
    let Victim { host, dir, .. } = late;
    host.stop().await.unwrap();
    let late = Victim::start_in(dir, &bench, 2, Duty::Follow, known).await;
    assert!(late.host.handle().view().height > heights / 3, "it goes on where it was");
    until("it is level", || late.host.handle().view().height == heights).await;
    eprintln!("level after {heights} settlements and a restart in {:?}", began.elapsed());
    late.refuses("shunned").await;
}

#[tokio::test]
async fn a_neuron_that_was_away_comes_level_and_goes_on_after_a_restart() {
    comes_level(200).await;
}

#[tokio::test]
async fn a_neuron_that_was_away_for_a_thousand_settlements_comes_level() {
    comes_level(1_000).await;
}
