//! The power goes at every change of a disk, bits of it change, it is full: nothing that was acknowledged is lost, and
//! nobody is needed.
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use protocol::head::Head;
use protocol::settlement::Certified;
use storage::{Loss, MemoryDisk, Platter, Store};

use super::*;
use crate::neuron;
use crate::neuron::recovery::{Remembered, recover};

/// Settlements of the history.
const SETTLEMENTS: u64 = 200;

/// About as many changes as a recovery makes to a disk.
const RECOVERY: u64 = 16;

/// What a node acknowledged: it let out what waited for these writes.
#[derive(Clone, Default)]
struct Acknowledged {
    /// The last settlement.
    tip: u64,
    settlement: Option<Vec<u8>>,
    /// What it voted since.
    votes: Vec<Vec<u8>>,
}

impl Acknowledged {
    fn of(node: &mut Node) -> Self {
        node.disk.store(|store| {
            let tip = store.tip();
            Self { tip, settlement: store.settlement(tip).unwrap(), votes: store.votes(tip + 1).unwrap() }
        })
    }

    /// A disk that lost its power holds all this, and no more needs a human than a restart.
    #[track_caller]
    fn check(&self, disk: &MemoryDisk, genesis: &Head) {
        let (mut store, Remembered { recovered, .. }) = reopen(disk, genesis).unwrap();
        let torn = store.damage().iter().all(|damage| damage.torn);
        assert!(torn, "a power cut damages nothing that was synced: {:?}", store.damage());
        assert_eq!(store.settlement(self.tip).unwrap(), self.settlement, "settlement {}", self.tip);
        assert!(store.tip() > self.tip || store.votes(self.tip + 1).unwrap().starts_with(&self.votes));
        let ledger = recovered.ledger.unwrap();
        let certified = recovered.tip.map_or(genesis.ledger.root(), |tip| tip.settlement.header.state_root);
        assert_eq!((ledger.height(), ledger.root()), (store.tip(), certified));
        assert_eq!(recovered.votes_from, ledger.height() + 1, "it may vote on");
    }
}

/// Cuts the power after every change that the first node of a sound history makes to its disk, and once more while it
/// recovers. Returns how many changes there were.
fn cut_everywhere() -> u64 {
    crypto::remember_signatures();
    let mut simulation = Simulation::new(Plan::calm(1, 4, 0, SETTLEMENTS));
    let genesis = Head::new(simulation.plan.ledger(&simulation.plan.genesis()), None);
    let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
    let changes = Arc::new(AtomicU64::new(0));
    let (held, count) = (Arc::clone(&acknowledged), Arc::clone(&changes));
    simulation.nodes[0].disk.memory().observe(move |platter: &Platter| {
        let change = count.fetch_add(1, Ordering::Relaxed);
        for loss in Loss::ALL {
            let disk = MemoryDisk::from(platter.clone());
            disk.crash(loss, change);
            disk.fail_after(change % RECOVERY, io::ErrorKind::Other);
            let _ = reopen(&disk, &genesis);
            disk.crash(loss, change);
            held.lock().unwrap().check(&disk, &genesis);
        }
    });
    while simulation.nodes[0].height() < SETTLEMENTS {
        simulation.step();
        if simulation.nodes[0].is_up() {
            *acknowledged.lock().unwrap() = Acknowledged::of(&mut simulation.nodes[0]);
        }
    }
    changes.load(Ordering::Relaxed)
}

/// Lets things happen until all nodes are at a height, or some rule is broken.
fn go_to(simulation: &mut Simulation, height: u64) {
    while simulation.nodes.iter().any(|node| node.height() < height) && !simulation.record.is_broken() {
        assert!(simulation.now < BEGINNING + RECOVERY_MS, "height {height} is not reached");
        simulation.step();
    }
}

/// What a restart finds.
fn reopen(disk: &MemoryDisk, genesis: &Head) -> Result<(Store, Remembered), neuron::Error> {
    let dir = Path::new(disk::DIR);
    let mut store = Store::open_in_memory(disk, dir)?;
    let remembered = recover(&mut store, dir, genesis, None)?;
    Ok((store, remembered))
}

#[test]
fn a_power_cut_at_any_write_loses_nothing_acknowledged_and_needs_nobody() {
    let changes = cut_everywhere();
    eprintln!("{changes} changes, each with {} losses", Loss::ALL.len());
    assert!(changes > SETTLEMENTS * 5, "every settlement is written, and votes before it: {changes}");
}

/// A log of one node rots while it is down; it comes back level with the others, and votes no second time.
#[track_caller]
fn check_rot(log: &str, seeds: std::ops::Range<u64>) -> usize {
    crypto::remember_signatures();
    let harmed = seeds.filter(|&seed| {
        let mut simulation = Simulation::new(Plan::calm(seed, 4, 0, 0));
        go_to(&mut simulation, 12);
        simulation.happen(0, Event::Crash);
        simulation.nodes[0].disk.memory().rot(&Path::new(disk::DIR).join(log), seed);
        simulation.happen(0, Event::Restart);
        // What the first start found and mended is known to the second.
        simulation.happen(0, Event::Crash);
        simulation.happen(0, Event::Restart);
        let fallen = simulation.nodes[0].height() < 12;
        go_to(&mut simulation, 20);
        let outcome = simulation.record.outcome(0, 0, 0);
        assert_eq!((outcome.violations, outcome.honest_accused), (vec![], 0), "seed {seed}");
        let tips =
            simulation.nodes.iter_mut().map(|node| node.disk.store(|store| store.settlement(20).unwrap()));
        let decided: std::collections::BTreeSet<_> = tips.map(|tip| head_of(&tip.unwrap())).collect();
        assert_eq!(decided.len(), 1, "seed {seed}: all hold what was decided");
        fallen
    });
    harmed.count()
}

/// What a certified settlement decides; each node holds its own votes for it.
fn head_of(bytes: &[u8]) -> Hash {
    Certified::decode(bytes).unwrap().settlement.header.hash()
}

#[test]
fn a_settlement_log_damaged_in_the_middle_is_fetched_again_from_peers() {
    let harmed = check_rot("settlements/00000000000000000001.log", 0..40);
    assert!(harmed >= 30, "most bits matter: {harmed}");
}

#[test]
fn a_damaged_vote_log_makes_nobody_vote_twice() {
    check_rot(storage::VOTES, 0..40);
}

#[test]
fn a_disk_that_is_full_or_read_only_stops_a_node_with_one_line_and_loses_nothing() {
    crypto::remember_signatures();
    for (kind, cause) in
        [(io::ErrorKind::StorageFull, "no storage space"), (io::ErrorKind::ReadOnlyFilesystem, "read-only")]
    {
        for room in 0..40 {
            let mut simulation = Simulation::new(Plan::calm(room, 4, 0, 0));
            let genesis = Head::new(simulation.plan.ledger(&simulation.plan.genesis()), None);
            go_to(&mut simulation, 3);
            simulation.nodes[0].disk.memory().fail_after(room, kind);
            let mut acknowledged = Acknowledged::of(&mut simulation.nodes[0]);
            while simulation.nodes[0].is_up() {
                acknowledged = Acknowledged::of(&mut simulation.nodes[0]);
                simulation.step();
            }
            let violations = simulation.record.outcome(0, 0, 0).violations;
            let [Violation::DiskRefused { node: 0, reason }] = &violations[..] else {
                panic!("{violations:?}")
            };
            assert!(reason.starts_with("/neuron/") && reason.contains(cause), "{reason}");
            assert!(reason.contains("free space") && reason.lines().count() == 1, "{reason}");
            acknowledged.check(simulation.nodes[0].disk.memory(), &genesis);
        }
    }
}
