//! The power goes at every change of a disk, in every way, and nothing that was acknowledged is lost.
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use protocol::head::Head;
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
    simulation.nodes[0].disk.observe(move |platter: &Platter| {
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
        let Reverse((time, number)) = simulation.queue.pop().expect("a history goes on");
        simulation.now = time;
        if let Some((node, event)) = simulation.events.remove(&number) {
            simulation.happen(node, event);
        }
        if simulation.nodes[0].is_up() {
            *acknowledged.lock().unwrap() = Acknowledged::of(&mut simulation.nodes[0]);
        }
    }
    changes.load(Ordering::Relaxed)
}

/// What a restart finds.
fn reopen(disk: &MemoryDisk, genesis: &Head) -> Result<(Store, Remembered), neuron::Error> {
    let dir = Path::new(disk::DIR);
    let mut store = Store::open_in_memory(disk, dir)?;
    let remembered = recover(&mut store, dir, genesis)?;
    Ok((store, remembered))
}

#[test]
fn a_power_cut_at_any_write_loses_nothing_acknowledged_and_needs_nobody() {
    let changes = cut_everywhere();
    println!("{changes} changes, each with {} losses", Loss::ALL.len());
    assert!(changes > SETTLEMENTS * 5, "every settlement is written, and votes before it: {changes}");
}
