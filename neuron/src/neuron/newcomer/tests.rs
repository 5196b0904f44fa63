//! What peers send who have a snapshot, or say so.
use std::net::Ipv4Addr;

use crypto::Hash;
use protocol::settlement::Certified;
use serde_bytes::ByteBuf;
use tempfile::TempDir;

use super::*;
use crate::network::Listen;
use crate::neuron::snapshots::Photographer;
use crate::neuron::{Duty, History, snapshots};
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
        let mut bench = Bench::new(4, 2);
        // On the bench there are ten seconds between two settlements.
        let rules = &mut bench.genesis.parameters;
        (rules.trusting_period, rules.evidence_expiry, rules.unbonding) = (100, 101, 1_000);
        bench.tip.0 = protocol::Ledger::new(&bench.genesis).unwrap();
        let settled: Vec<_> = (0..HEIGHT).map(|_| bench.settle(&[])).collect();
        let (parent, tip) = (&settled[HEIGHT as usize - 2], &settled[HEIGHT as usize - 1]);
        let parts = snapshots::parts(Some(parent.settlement.header.clone()), tip.clone(), &bench.tip.0);
        Self { bench, settled, parts }
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
            seed: 1,
            history: History { snapshots: 2, ..History::default() },
        }
    }

    fn search(&self) -> Search {
        let dir = TempDir::new().unwrap();
        let genesis = protocol::Ledger::new(&self.bench.genesis).unwrap();
        Search::new(&self.config(&dir), &Head::new(genesis, None)).unwrap()
    }

    fn now(&self) -> u64 {
        self.bench.tip.0.time()
    }

    fn anchor(&self) -> Anchor {
        Anchor::decode(&self.parts[0]).unwrap()
    }

    /// What an honest peer answers.
    fn answer(&self, request: &Request) -> Response {
        match request {
            Request::Snapshot => anchored(1, self.parts[0].clone()),
            Request::Chunk(HEIGHT, number) => {
                Response::Chunk(self.parts[*number as usize + 1].clone().into())
            }
            other => panic!("{other:?}"),
        }
    }

    /// Asks an honest peer until all is there.
    fn finish(&self, search: &mut Search, peer: usize) -> Taken {
        while search.outcome.is_none() {
            let response = codec::encode(&self.answer(&search.request()));
            let answer = search.hear(self.peer(peer), &response, self.now());
            assert!(matches!(answer, Answer::Useful));
        }
        search.outcome.take().flatten().expect("a snapshot")
    }

    fn peer(&self, n: usize) -> Hotkey {
        self.bench.keys[n].hotkey()
    }

    /// A lie is known for one, and an honest peer brings the rest.
    #[track_caller]
    fn refuses(&self, search: &mut Search, response: &Response, fault: &str) {
        match search.hear(self.peer(0), &codec::encode(response), self.now()) {
            Answer::Lie(told) => assert!(told.contains(fault), "{told}"),
            _ => panic!("it is no lie to them: {fault}"),
        }
        search.pass_over(self.peer(0));
        assert_eq!((search.sender, &search.useless[..]), (None, &[self.peer(0)][..]));
        assert_eq!(self.finish(search, 1).parts, self.parts);
    }
}

fn anchored(first: u64, anchor: Vec<u8>) -> Response {
    Response::Anchor { first, anchor: ByteBuf::from(anchor) }
}

#[test]
fn a_neuron_goes_on_after_a_snapshot_that_it_took() {
    let (offer, dir) = (Offer::new(), TempDir::new().unwrap());
    let taken = offer.finish(&mut offer.search(), 0);
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
        let settled = Settled { certified, ledger: offer.bench.tip.0.clone(), changes: Vec::new() };
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
        offer.refuses(&mut offer.search(), &anchored(1, codec::encode(&anchor)), fault);
    };
    forged(&|anchor| anchor.skip.header.state_root.leaves += 1, "certificate");
    forged(&|anchor| anchor.skip.certificate.signatures.truncate(2), "stake signed");
    forged(&|anchor| anchor.skip.parent = None, "parent");
    forged(&|anchor| anchor.skip.header.genesis = Hash([9; 32]), "network");
    forged(&|anchor| anchor.skip.header.time += 1_000_000, "time");
    forged(&|anchor| anchor.body.parent_certificate = None, "body");
    let mut search = offer.search();
    offer.refuses(&mut search, &anchored(1, vec![0xc1; 9]), "malformed");
    offer.refuses(&mut offer.search(), &Response::Chunk(vec![1].into()), "a chunk of nothing");
    let many = Response::Settlements { batch: Vec::new(), first: 1, tip: 9 };
    offer.refuses(&mut offer.search(), &many, "something else");
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
        offer.refuses(&mut search, &Response::Chunk(codec::encode(&chunk).into()), fault);
    };
    forged(&|chunk| chunk.leaves[3][40] ^= 1, "certified");
    forged(&|chunk| drop(chunk.leaves.pop()), "certified");
    forged(&|chunk| chunk.leaves.push(ByteBuf::from([3; 40])), "certified");
    forged(&|chunk| chunk.proof.first = 1, "leaf 0 is next");
}

#[test]
fn an_anchor_too_old_to_be_vouched_for_is_nobodys_fault_and_not_taken() {
    let offer = Offer::new();
    let mut search = offer.search();
    let period = offer.bench.genesis.parameters.trusting_period * offer.bench.genesis.parameters.interval;
    let late = offer.bench.genesis.time + period + 1;
    let anchor = codec::encode(&offer.answer(&Request::Snapshot));
    assert!(matches!(search.hear(offer.peer(0), &anchor, late), Answer::Useless));
    assert!(search.taking.is_none() && search.outcome.is_none());
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
    assert_eq!(offer.finish(&mut search, 1).height, HEIGHT);
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
    assert_eq!(offer.finish(&mut search, 1).height, HEIGHT);
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
        let mut search = Search::new(&offer.config(&dir), &head).unwrap();
        let anchor = codec::encode(&anchored(first, offer.parts[0].clone()));
        let answer = search.hear(offer.peer(0), &anchor, offer.now());
        assert_eq!(matches!(answer, Answer::Useful), needed, "{first}");
        assert_eq!(search.outcome.is_none(), needed, "who can catch up as usual looks no further");
    }
}

#[test]
fn peers_are_asked_once_they_may_have_a_snapshot_and_while_it_could_be_believed() {
    let (offer, dir) = (Offer::new(), TempDir::new().unwrap());
    let head = Head::new(offer.bench.tip.0.clone(), offer.settled.last().cloned());
    let (config, time) = (offer.config(&dir), offer.now());
    let interval = offer.bench.genesis.parameters.interval;
    let is_behind = |heights: u64, ms| is_behind(&config, &head, time + heights * interval + ms);
    assert_eq!((is_behind(0, 0), is_behind(2, 0), is_behind(3, 0)), (false, true, true));
    assert!(!is_behind(1, interval - 1), "it has made no snapshot since");
    let period = offer.bench.genesis.parameters.trusting_period;
    assert_eq!((is_behind(period - 1, 0), is_behind(period, 0)), (true, false), "what we know has expired");
}
