//! What peers send who have a snapshot, or say so.
use std::net::Ipv4Addr;

use crypto::Hash;
use protocol::light::{Inquiry, Skip, Testimony};
use protocol::settlement::Certified;
use protocol::snapshot::{Anchor, Chunk};
use serde_bytes::ByteBuf;
use tempfile::TempDir;

use super::*;
use crate::network::Listen;
use crate::neuron::gate::Request;
use crate::neuron::snapshots::Photographer;
use crate::neuron::{Conditions, Duty, History, snapshots};
use crate::role::Settled;
use crate::role::bench::{Bench, NETUID};

/// The height of the snapshot.
const HEIGHT: u64 = 5;

/// A network of which a peer made a snapshot.
struct Offer {
    bench: Bench,
    settled: Vec<Certified>,
    parts: Vec<Vec<u8>>,
}

impl Offer {
    fn new() -> Self {
        Self::of(young())
    }

    /// The same network, had its second settlement been another.
    fn other() -> Self {
        let mut bench = young();
        let mut first = bench.settle(&[]);
        // Who signed stands in what is settled next.
        first.certificate.signatures.truncate(3);
        bench.tip.1 = Some(first.clone());
        let mut other = Self::of(bench);
        other.settled.insert(0, first);
        other
    }

    /// After so many settlements that it is at the height of the snapshot.
    fn of(mut bench: Bench) -> Self {
        let settled: Vec<_> = (bench.tip.0.height()..HEIGHT).map(|_| bench.settle(&[])).collect();
        let [.., parent, tip] = &settled[..] else { panic!("a snapshot needs its parent") };
        let parts = snapshots::parts(Some(parent.settlement.header.clone()), tip.clone(), &bench.tip.0);
        Self { bench, settled, parts }
    }

    /// More was settled since.
    fn aged(mut self, heights: u64) -> Self {
        self.settled.extend((0..heights).map(|_| self.bench.settle(&[])));
        self
    }

    fn config(&self, dir: &TempDir) -> Config {
        Config {
            dir: dir.path().to_owned(),
            genesis: self.bench.genesis.clone(),
            keypair: self.bench.keys[5].clone(),
            duty: Duty::Follow,
            netuid: NETUID,
            listen: Listen { ip: Ipv4Addr::LOCALHOST.into(), port: 0 },
            bootstrap: Vec::new(),
            checkpoint: None,
            vote_anew: false,
            begun_anew: 0,
            seed: 1,
            history: History { snapshots: 2, ..History::default() },
            conduct: None,
            conditions: Conditions::default(),
            coldkey: None,
        }
    }

    fn search(&self) -> Search {
        let dir = TempDir::new().unwrap();
        let genesis = protocol::Ledger::new(&self.bench.genesis).unwrap();
        Search::new(&self.config(&dir), &Head::new(genesis, None), None).unwrap()
    }

    /// A newcomer's, to whom a person gave the checkpoint of a height.
    fn search_from(&self, height: u64) -> Search {
        let dir = TempDir::new().unwrap();
        let genesis = protocol::Ledger::new(&self.bench.genesis).unwrap();
        let header = &self.settled[height as usize - 1].settlement.header;
        let checkpoint = Checkpoint { height, hash: header.hash() };
        Search::new(&self.config(&dir), &Head::new(genesis, None), Some(checkpoint)).unwrap()
    }

    fn now(&self) -> u64 {
        self.bench.tip.0.time()
    }

    fn anchor(&self) -> Anchor {
        Anchor::decode(&self.parts[0]).unwrap()
    }

    /// What leads to a height; nobody left the settling set or joined it.
    fn skip(&self, height: usize) -> Skip {
        let [parent, Certified { settlement, certificate }] = &self.settled[height - 2..height] else {
            panic!("it has a parent")
        };
        let (parent, header) = (Some(parent.settlement.header.clone()), settlement.header.clone());
        let set = self.bench.tip.0.validators().clone();
        Skip { parent, header, certificate: certificate.clone(), validators: set.clone(), next: set }
    }

    /// What an honest peer answers.
    fn answer(&self, request: &Request) -> Response {
        match request {
            Request::Snapshot => anchored(1, self.parts[0].clone()),
            Request::Chunk(HEIGHT, number) => {
                Response::Chunk(self.parts[*number as usize + 1].clone().into())
            }
            Request::Inquiry(Inquiry { height: Some(height), .. }) => {
                let skip = Some(self.skip(*height as usize));
                Response::Testimony(Box::new(Testimony { skip, shown: Vec::new() }))
            }
            Request::Settlements(height) => {
                // As few as a peer may send.
                let next = &self.settled[*height as usize - 1];
                let batch = vec![ByteBuf::from(codec::encode(next))];
                Response::Settlements { batch, first: 1, tip: self.settled.len() as u64 }
            }
            other => panic!("{other:?}"),
        }
    }

    /// Asks an honest peer until all is there.
    fn finish(&self, mut search: Search, peer: usize) -> Taken {
        while !search.is_over() {
            let response = codec::encode(&self.answer(&search.request()));
            let answer = search.hear(self.peer(peer), &response, self.now());
            assert!(matches!(answer, Answer::Useful));
        }
        search.taken().expect("a snapshot")
    }

    fn peer(&self, n: usize) -> Hotkey {
        self.bench.keys[n].hotkey()
    }

    /// A lie is known for one, and an honest peer brings the rest.
    #[track_caller]
    fn refuses(&self, mut search: Search, response: &Response, fault: &str) {
        match search.hear(self.peer(0), &codec::encode(response), self.now()) {
            Answer::Lie(told) => assert!(told.contains(fault), "{told}"),
            _ => panic!("it is no lie to them: {fault}"),
        }
        search.pass_over(self.peer(0));
        assert_eq!((search.sender, search.useless()), (None, vec![self.peer(0)]));
        assert_eq!(self.finish(search, 1).parts, self.parts);
    }
}

/// A network whose genesis vouches for what is settled within a hundred intervals; on the bench ten seconds are between
/// two settlements.
fn young() -> Bench {
    let mut bench = Bench::new(4, 2);
    bench.genesis.name = "public".to_owned();
    let rules = &mut bench.genesis.parameters;
    (rules.trusting_period, rules.evidence_expiry, rules.unbonding) = (100, 101, 1_000);
    bench.tip.0 = protocol::Ledger::new(&bench.genesis).unwrap();
    bench
}

fn anchored(first: u64, anchor: Vec<u8>) -> Response {
    Response::Anchor { first, anchor: ByteBuf::from(anchor) }
}

#[test]
fn a_neuron_goes_on_after_a_snapshot_that_it_took() {
    let (offer, dir) = (Offer::new(), TempDir::new().unwrap());
    let taken = offer.finish(offer.search(), 0);
    let genesis = Head::new(protocol::Ledger::new(&offer.bench.genesis).unwrap(), None);
    let mut store = Store::open(dir.path()).unwrap();
    store.adopt(taken.height, &taken.parts).unwrap();
    drop(store);
    for _ in 0..2 {
        let mut store = Store::open(dir.path()).unwrap();
        let Remembered { recovered, earliest, .. } =
            recovery::recover(&mut store, dir.path(), &genesis, None).unwrap();
        let ledger = recovered.ledger.unwrap();
        assert_eq!((ledger.height(), ledger.root()), (HEIGHT, offer.bench.tip.0.root()));
        assert_eq!(recovered.tip.as_ref(), offer.settled.last());
        assert_eq!(
            (store.first(), earliest.height(), recovered.votes_from),
            (HEIGHT + 1, HEIGHT, HEIGHT + 1)
        );
    }
}

#[test]
fn who_has_one_snapshot_to_go_on_from_soon_makes_another() {
    let (mut offer, dir) = (Offer::new(), TempDir::new().unwrap());
    let mut store = Store::open(dir.path()).unwrap();
    store.adopt(HEIGHT, &offer.parts).unwrap();
    let mut photographer = Photographer::new(History { snapshots: 1_000, ..History::default() });
    for height in HEIGHT + 1..=HEIGHT + 3 {
        let certified = offer.bench.settle(&[]);
        store.append_settlement(height, &codec::encode(&certified)).unwrap();
        let settled = Settled { certified, ledger: offer.bench.tip.0.clone(), changes: [].into() };
        photographer.settled(&mut store, &settled).unwrap();
    }
    drop(photographer);
    assert_eq!(store.snapshots().heights(), [HEIGHT, HEIGHT + 2], "the first with its parent in the log");
    assert_eq!(snapshots::load(store.snapshots(), HEIGHT + 2).unwrap().ledger.height(), HEIGHT + 2);
}

#[test]
fn a_forged_anchor_is_refused_and_another_peer_is_asked() {
    let offer = Offer::new();
    let forged = |change: &dyn Fn(&mut Anchor), fault: &str| {
        let mut anchor = offer.anchor();
        change(&mut anchor);
        offer.refuses(offer.search(), &anchored(1, codec::encode(&anchor)), fault);
    };
    forged(&|anchor| anchor.skip.header.state_root.leaves += 1, "certificate");
    forged(&|anchor| anchor.skip.certificate.signatures.truncate(2), "stake signed");
    forged(&|anchor| anchor.skip.parent = None, "parent");
    forged(&|anchor| anchor.skip.header.genesis = Hash([9; 32]), "network");
    forged(&|anchor| anchor.body.parent_certificate = None, "body");
    offer.refuses(offer.search(), &anchored(1, vec![0xc1; 9]), "malformed");
    offer.refuses(offer.search(), &Response::Chunk(vec![1].into()), "something else");
    let many = Response::Settlements { batch: Vec::new(), first: 1, tip: 9 };
    offer.refuses(offer.search(), &many, "something else");
}

#[test]
fn a_forged_chunk_is_refused_and_another_peer_goes_on_from_there() {
    let offer = Offer::new();
    let forged = |change: &dyn Fn(&mut Chunk), fault: &str| {
        let mut search = offer.search();
        let anchor = codec::encode(&offer.answer(&Request::Snapshot));
        assert!(matches!(search.hear(offer.peer(0), &anchor, offer.now()), Answer::Useful));
        assert_eq!(search.request(), Request::Chunk(HEIGHT, 0));
        let mut chunk = Chunk::decode(&offer.parts[1]).unwrap();
        change(&mut chunk);
        offer.refuses(search, &Response::Chunk(codec::encode(&chunk).into()), fault);
    };
    forged(&|chunk| chunk.leaves[3][40] ^= 1, "certified");
    forged(&|chunk| drop(chunk.leaves.pop()), "certified");
    forged(&|chunk| chunk.leaves.push(ByteBuf::from([3; 40])), "certified");
    forged(&|chunk| chunk.proof.first = 1, "leaf 0 is next");
}

#[test]
fn an_anchor_too_old_to_be_vouched_for_or_from_the_future_is_nobodys_fault_and_not_taken() {
    let offer = Offer::new();
    let mut search = offer.search();
    let period = offer.bench.genesis.parameters.trusting_period * offer.bench.genesis.parameters.interval;
    let late = offer.bench.genesis.time + period + 1;
    let anchor = codec::encode(&offer.answer(&Request::Snapshot));
    for now in [late, offer.bench.genesis.time] {
        assert!(matches!(search.hear(offer.peer(0), &anchor, now), Answer::Useless));
    }
    assert_eq!((search.request(), search.is_over()), (Request::Snapshot, false));
}

#[test]
fn a_peer_that_no_longer_has_the_snapshot_is_passed_over_for_one_that_has() {
    let offer = Offer::new();
    let mut search = offer.search();
    let anchor = codec::encode(&offer.answer(&Request::Snapshot));
    assert!(matches!(search.hear(offer.peer(0), &anchor, offer.now()), Answer::Useful));
    let gone = codec::encode(&Response::Declined);
    assert!(matches!(search.hear(offer.peer(0), &gone, offer.now()), Answer::Useless));
    search.pass_over(offer.peer(0));
    assert_eq!(search.request(), Request::Snapshot);
    assert_eq!(offer.finish(search, 1).height, HEIGHT);
}

#[test]
fn a_peer_with_another_snapshot_than_the_one_begun_is_asked_for_its_own() {
    let offer = Offer::new();
    let mut search = offer.search();
    let anchor = codec::encode(&offer.answer(&Request::Snapshot));
    assert!(matches!(search.hear(offer.peer(0), &anchor, offer.now()), Answer::Useful));
    search.pass_over(offer.peer(0));
    assert_eq!(search.request(), Request::Chunk(HEIGHT, 0));
    let unknown = codec::encode(&Response::Declined);
    assert!(matches!(search.hear(offer.peer(1), &unknown, offer.now()), Answer::Other));
    assert_eq!(offer.finish(search, 1).height, HEIGHT);
}

#[test]
fn a_log_is_left_for_a_snapshot_only_if_what_follows_it_is_pruned() {
    let offer = Offer::new();
    let dir = TempDir::new().unwrap();
    let mut short = Bench::new(4, 2);
    short.genesis = offer.bench.genesis.clone();
    short.tip.0 = protocol::Ledger::new(&short.genesis).unwrap();
    let tip = short.settle(&[]);
    let head = Head::new(short.tip.0.clone(), Some(tip));
    for (first, needed) in [(1, false), (2, false), (3, true), (6, true)] {
        let mut search = Search::new(&offer.config(&dir), &head, None).unwrap();
        let anchor = codec::encode(&anchored(first, offer.parts[0].clone()));
        let answer = search.hear(offer.peer(0), &anchor, offer.now());
        assert_eq!(matches!(answer, Answer::Useful), needed, "{first}");
        assert_eq!(search.may_follow(), !needed, "who can catch up as usual need not look on");
    }
}

#[test]
fn peers_are_asked_once_they_may_have_a_snapshot_and_while_it_could_be_believed() {
    let (offer, dir) = (Offer::new(), TempDir::new().unwrap());
    let head = Head::new(offer.bench.tip.0.clone(), offer.settled.last().cloned());
    let (config, time) = (offer.config(&dir), offer.now());
    let rules = &offer.bench.genesis.parameters;
    let vouched = Checkpoint { height: 9, hash: Hash::default() };
    let helps = |heights: u64, ms, checkpoint| {
        may_help(&config, &head, checkpoint, time + heights * rules.interval + ms)
    };
    assert_eq!((helps(0, 0, None), helps(2, 0, None), helps(3, 0, None)), (false, true, true));
    assert!(!helps(1, rules.interval - 1, None), "it has made no snapshot since");
    let period = rules.trusting_period;
    assert_eq!((helps(period, 0, None), helps(period, 1, None)), (true, false), "what we know has expired");
    assert!(helps(period, 1, Some(vouched)), "a person vouches for the network");
}

#[test]
fn a_checkpoint_leads_to_a_snapshot_before_it_at_it_and_after_it() {
    let offer = Offer::new().aged(3);
    for height in [3, 4, HEIGHT, HEIGHT + 1, HEIGHT + 3] {
        let mut search = offer.search_from(height);
        let mut asked = Vec::new();
        // Nothing but the checkpoint is young enough to be believed.
        let late = offer.bench.genesis.time + offer.bench.genesis.trusting_period().unwrap() + 1;
        while !search.is_over() {
            asked.push(search.request());
            let response = codec::encode(&offer.answer(&search.request()));
            let answer = search.hear(offer.peer(0), &response, late);
            assert!(matches!(answer, Answer::Useful), "{height}: {:?}", search.request());
        }
        let header = Request::Inquiry(Inquiry { height: Some(height), ..Inquiry::default() });
        assert_eq!(
            asked.contains(&header),
            height < HEIGHT,
            "the hash leads back, the header ahead: {height}"
        );
        assert_eq!(search.taken().expect("a snapshot").height, HEIGHT, "{height}");
    }
}

#[test]
fn a_snapshot_that_does_not_lead_to_the_checkpoint_is_refused() {
    let (offer, other) = (Offer::new().aged(3), Offer::other().aged(3));
    let mut search = offer.search_from(HEIGHT + 3);
    let lead = |search: &mut Search, response: &Response| {
        search.hear(offer.peer(0), &codec::encode(response), offer.now())
    };
    let forged = other.answer(&Request::Snapshot);
    assert!(matches!(lead(&mut search, &forged), Answer::Useful), "it may lead there");
    for _ in 1..3 {
        let astray = other.answer(&search.request());
        assert!(matches!(lead(&mut search, &astray), Answer::Useful));
    }
    let astray = other.answer(&search.request());
    assert!(matches!(lead(&mut search, &astray), Answer::Useless), "the checkpoint may be wrong");
    assert_eq!(search.request(), Request::Snapshot, "another one is looked for");
    assert!(matches!(lead(&mut search, &forged), Answer::Useful));
    let torn = offer.answer(&search.request());
    assert!(matches!(lead(&mut search, &torn), Answer::Lie(fault) if fault.contains("does not follow")));
    assert_eq!(offer.finish(search, 1).parts, offer.parts);
}

#[test]
fn who_is_busy_is_asked_again_and_loses_nothing() {
    let offer = Offer::new();
    let mut search = offer.search();
    let busy = codec::encode(&Response::Busy);
    for wanted in [Request::Snapshot, Request::Chunk(HEIGHT, 0)] {
        assert_eq!(search.request(), wanted);
        assert!(matches!(search.hear(offer.peer(0), &busy, offer.now()), Answer::Busy));
        assert_eq!(search.request(), wanted);
        let sound = codec::encode(&offer.answer(&wanted));
        assert!(matches!(search.hear(offer.peer(0), &sound, offer.now()), Answer::Useful));
    }
    assert!(search.is_over());
}

#[test]
fn a_peer_that_takes_for_ever_to_lead_to_the_checkpoint_is_passed_over() {
    let offer = Offer::new().aged(3);
    let mut search = offer.search_from(HEIGHT + 3);
    let mut lead = |now| {
        let response = codec::encode(&offer.answer(&search.request()));
        search.hear(offer.peer(0), &response, now)
    };
    assert!(matches!(lead(offer.now()), Answer::Useful));
    assert!(matches!(lead(offer.now() + search::LINK_MS), Answer::Useful));
    assert!(matches!(lead(offer.now() + search::LINK_MS + 1), Answer::Useless));
}

#[test]
fn a_snapshot_too_far_before_the_checkpoint_is_not_linked_to_it() {
    let offer = Offer::new();
    let dir = TempDir::new().unwrap();
    let head = Head::new(protocol::Ledger::new(&offer.bench.genesis).unwrap(), None);
    let check = |far: u64, answer: &str| {
        let checkpoint = Checkpoint { height: HEIGHT.saturating_add(far), hash: Hash::default() };
        let mut search = Search::new(&offer.config(&dir), &head, Some(checkpoint)).unwrap();
        let anchor = codec::encode(&offer.answer(&Request::Snapshot));
        let heard = search.hear(offer.peer(0), &anchor, offer.now());
        assert_eq!(if matches!(heard, Answer::Useful) { "useful" } else { "useless" }, answer);
    };
    check(search::LONGEST_LINK, "useful");
    check(search::LONGEST_LINK + 1, "useless");
    check(u64::MAX, "useless");
}
