//! A neuron that joins late, over real sockets and disks.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::genesis::Genesis;

use super::*;
use crate::neuron::snapshots::parts;

/// Heights between two snapshots.
const EVERY: u64 = 4;

/// A young network whose genesis vouches for all that is settled here.
fn young() -> Bench {
    let mut bench = bench();
    bench.genesis.time = clock::now_ms();
    let rules = &mut bench.genesis.parameters;
    (rules.trusting_period, rules.evidence_expiry, rules.unbonding) = (10_000, 10_001, 100_000);
    bench.tip.0 = Ledger::new(&bench.genesis).expect("a sound genesis");
    bench
}

/// Lets so many heights pass that a newcomer asks for a snapshot.
async fn age(genesis: &Genesis) {
    let old = genesis.time + EVERY * genesis.parameters.interval;
    until("the network is old enough", || clock::now_ms() > old).await;
}

fn snapshots(victim: &Victim) -> usize {
    let made = std::fs::read_dir(victim.dir.path().join("snapshots")).unwrap();
    made.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "snapshot")).count()
}

#[tokio::test]
async fn a_newcomer_goes_on_after_a_snapshot_of_a_peer_and_has_no_settlement_before_it() {
    let bench = young();
    let old = Victim::start(&bench, 0, Duty::Validate, Vec::new()).await;
    until("two snapshots are made", || snapshots(&old) == 2).await;
    let addresses = old.host.handle().addresses().await;
    let new = Victim::start(&bench, 1, Duty::Follow, addresses).await;
    let began = new.host.handle().view().height;
    assert!(began >= EVERY && began.is_multiple_of(EVERY), "{began}");
    new.settles(3).await;
    let height = new.host.handle().view().height;
    until("both are there", || old.host.handle().view().height >= height).await;
    let roots = old.host.handle().state_roots(height).await;
    assert_eq!(new.host.handle().view_at(height).await.unwrap().state_root, roots[0].1);
    let early = new.host.handle().view_at(began - 1).await.expect_err("it has no such ledger").to_string();
    assert!(early.contains("pruned") && early.contains(&began.to_string()), "{early}");

    let mut asker = Hostile::new(&bench, 2, new.host.handle().addresses().await);
    let answer = asker.ask(&new, codec::encode(&Request::Settlements(1))).await;
    let Response::Settlements { batch, first, tip } = answer else { panic!("{answer:?}") };
    assert!(batch.is_empty() && first == began + 1 && tip >= height, "{first} {tip}");

    let Victim { host, dir, .. } = new;
    host.stop().await.unwrap();
    assert_eq!(storage::Store::open(dir.path()).unwrap().first(), began + 1);
}

#[tokio::test]
async fn a_newcomer_whose_one_peer_lies_begins_at_the_genesis() {
    let bench = young();
    age(&bench.genesis).await;
    let mut hostile = Hostile::new(&bench, 0, Vec::new());
    let addresses = hostile.network.listening().await;
    let lied = Arc::new(AtomicBool::new(false));
    let liar = tokio::spawn({
        let lied = Arc::clone(&lied);
        async move {
            while let Some(event) = hostile.events.recv().await {
                if let Event::Asked { ticket, .. } = event {
                    let lie = Response::Anchor { anchor: vec![0xc1; 9].into(), first: 1 };
                    hostile.network.respond(ticket, codec::encode(&lie)).unwrap();
                    lied.store(true, Ordering::Relaxed);
                }
            }
        }
    });
    let new = Victim::start(&bench, 2, Duty::Follow, addresses).await;
    assert_eq!((new.host.handle().view().height, snapshots(&new)), (0, 0));
    assert!(lied.load(Ordering::Relaxed), "it was asked");
    new.host.stop().await.unwrap();
    liar.abort();
}

#[tokio::test]
async fn a_newcomer_with_a_checkpoint_goes_on_after_a_snapshot_that_leads_there() {
    let bench = young();
    let old = Victim::start(&bench, 0, Duty::Validate, Vec::new()).await;
    until("two snapshots are made", || snapshots(&old) == 2).await;
    old.settles(2).await;
    let checkpoint = {
        let view = old.host.handle().view();
        Checkpoint { height: view.height, hash: view.tip }
    };
    let newcomer = config(&bench, 1, Duty::Follow, old.host.handle().addresses().await);
    let mut dir = TempDir::new().unwrap();
    // It may be named again: what the log no longer has was true.
    for _ in 0..2 {
        let new = Victim::start_from(Some(checkpoint), dir, newcomer.clone()).await;
        let began = new.host.handle().view().height;
        assert!(began >= EVERY, "{began}");
        let beyond = checkpoint.height + 1;
        until("it is past the checkpoint", || new.host.handle().view().height >= beyond).await;
        let Victim { host, dir: used, .. } = new;
        host.stop().await.unwrap();
        assert!(storage::Store::open(used.path()).unwrap().first() > EVERY);
        dir = used;
    }
}

#[tokio::test]
async fn a_checkpoint_that_nothing_leads_to_stops_a_newcomer_with_both_headers() {
    let bench = young();
    let old = Victim::start(&bench, 0, Duty::Validate, Vec::new()).await;
    let lied = Checkpoint { height: 2, hash: Hash([9; 32]) };
    let newcomer = config(&bench, 1, Duty::Follow, old.host.handle().addresses().await);
    let mut new = Victim::start_from(Some(lied), TempDir::new().unwrap(), newcomer).await;
    let ended = tokio::time::timeout(DEADLINE, new.host.ended()).await.expect("it stops by itself");
    let reason = ended.expect_err("it cannot go on").to_string();
    assert!(reason.contains("leads to 2:") && reason.contains(&lied.to_string()), "{reason}");
}

/// Offers a snapshot; whoever is the first to be asked for a part of it hangs up.
async fn offer(mut peer: Hostile, parts: Arc<Vec<Vec<u8>>>, height: u64, broken_off: Arc<AtomicBool>) {
    while let Some(event) = peer.events.recv().await {
        let Event::Asked { ticket, bytes, .. } = event else { continue };
        let response = match codec::decode("request", &bytes, 1_000).unwrap() {
            Request::Snapshot => Response::Anchor { anchor: parts[0].clone().into(), first: height },
            Request::Chunk(..) if !broken_off.swap(true, Ordering::Relaxed) => return,
            Request::Chunk(_, number) => Response::Chunk(parts[number as usize + 1].clone().into()),
            _ => Response::Declined,
        };
        peer.network.respond(ticket, codec::encode(&response)).unwrap();
    }
}

/// A network that settled until its first snapshot, and the parts of that.
fn photographed() -> (Bench, Vec<Certified>, Arc<Vec<Vec<u8>>>) {
    let mut bench = young();
    // On the bench there are ten seconds between two settlements.
    bench.genesis.time -= 10_000 * (EVERY + 1);
    bench.tip.0 = Ledger::new(&bench.genesis).unwrap();
    let settled: Vec<_> = (0..EVERY).map(|_| bench.settle(&[])).collect();
    let [.., parent, tip] = &settled[..] else { unreachable!() };
    let parts = parts(Some(parent.settlement.header.clone()), tip.clone(), &bench.tip.0);
    (bench, settled, Arc::new(parts))
}

#[tokio::test]
async fn a_snapshot_that_one_peer_breaks_off_is_finished_by_another() {
    let (bench, _, parts) = photographed();
    let broken_off = Arc::new(AtomicBool::new(false));
    let mut addresses = Vec::new();
    for key in [0, 2] {
        let peer = Hostile::new(&bench, key, Vec::new());
        addresses.extend(peer.network.listening().await);
        tokio::spawn(offer(peer, Arc::clone(&parts), EVERY, Arc::clone(&broken_off)));
    }
    let new = Victim::start(&bench, 1, Duty::Follow, addresses).await;
    assert_eq!(new.host.handle().view().height, EVERY);
    assert!(broken_off.load(Ordering::Relaxed));
    new.host.stop().await.unwrap();
}

#[tokio::test]
async fn a_neuron_whose_snapshots_are_of_no_use_takes_another_of_its_peers() {
    let bench = young();
    let old = Victim::start(&bench, 0, Duty::Validate, Vec::new()).await;
    until("two snapshots are made", || snapshots(&old) == 2).await;
    let addresses = old.host.handle().addresses().await;
    let Victim { host, dir, .. } = Victim::start(&bench, 1, Duty::Follow, addresses.clone()).await;
    host.stop().await.unwrap();
    let mut store = storage::Store::open(dir.path()).unwrap();
    for height in store.snapshots().heights() {
        store.snapshots().put(height, &[b"no anchor".to_vec()]).unwrap();
    }
    store.reset_index().unwrap();
    drop(store);
    let again = Victim::start_in(dir, &bench, 1, Duty::Follow, addresses).await;
    assert!(again.host.handle().view().height >= EVERY);
    again.settles(2).await;
}

/// Has nothing at first, then a snapshot and what follows it alone.
async fn prune(mut peer: Hostile, parts: Arc<Vec<Vec<u8>>>, height: u64, pruned: Arc<AtomicBool>) {
    while let Some(event) = peer.events.recv().await {
        let Event::Asked { ticket, bytes, .. } = event else { continue };
        let response = match codec::decode("request", &bytes, 1_000).unwrap() {
            _ if !pruned.load(Ordering::Relaxed) => Response::Declined,
            Request::Snapshot => Response::Anchor { anchor: parts[0].clone().into(), first: height + 1 },
            Request::Chunk(_, number) => Response::Chunk(parts[number as usize + 1].clone().into()),
            Request::Settlements(_) => {
                Response::Settlements { batch: Vec::new(), first: height + 1, tip: height }
            }
            _ => Response::Declined,
        };
        peer.network.respond(ticket, codec::encode(&response)).unwrap();
    }
}

#[tokio::test]
async fn a_neuron_whose_peers_prune_what_it_lacks_begins_anew_while_it_runs_and_takes_a_snapshot() {
    let (bench, settled, parts) = photographed();
    let dir = TempDir::new().unwrap();
    storage::Store::open(dir.path()).unwrap().append_settlement(1, &codec::encode(&settled[0])).unwrap();
    let pruned = Arc::new(AtomicBool::new(false));
    let peer = Hostile::new(&bench, 0, Vec::new());
    let addresses = peer.network.listening().await;
    tokio::spawn(prune(peer, parts, EVERY, Arc::clone(&pruned)));
    let new = Victim::start_in(dir, &bench, 1, Duty::Follow, addresses).await;
    let (mut handles, first) = (new.host.handles(), new.host.handle());
    assert_eq!((first.view().height, snapshots(&new)), (1, 0));
    pruned.store(true, Ordering::Relaxed);
    let again = tokio::time::timeout(DEADLINE, handles.next()).await.expect("it begins anew").unwrap();
    let expected = settled[EVERY as usize - 1].settlement.header.state_root.hash;
    assert_eq!((again.view().height, again.view().state_root), (EVERY, expected));
    assert!(!again.addresses().await.is_empty());
    assert_eq!(first.view().height, 1, "who holds on to what it was does not hold it up");
    new.host.stop().await.unwrap();
}
