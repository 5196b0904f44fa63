//! Earlier ledgers, from a log in memory.
use crypto::merkle::Root;
use protocol::codec;
use storage::{MemoryDisk, Store};

use super::*;
use crate::role::bench::{Bench, NETUID};

/// A log of some settlements, with the ledgers after them, the genesis first.
struct History {
    log: Vec<Vec<u8>>,
    ledgers: Vec<Ledger>,
}

impl History {
    fn new(heights: u64) -> Self {
        let mut bench = Bench::new(3, 2);
        let mut history = Self { log: Vec::new(), ledgers: vec![bench.tip.0.clone()] };
        for _ in 0..heights {
            history.log.push(codec::encode(&bench.settle(&[])));
            history.ledgers.push(bench.tip.0.clone());
        }
        history
    }

    fn tip(&self) -> u64 {
        self.log.len() as u64
    }

    fn root(&self, height: u64) -> Root {
        self.ledgers[height as usize].root()
    }

    fn past(&self) -> Past {
        Past::new(Reader::of(1, self.log.clone()), no_snapshots(), self.ledgers[0].clone())
    }

    /// The snapshots of some heights.
    fn snapshots(&self, heights: &[usize]) -> Snapshots {
        let snapshots = no_snapshots();
        let certified = |height: usize| Certified::decode(&self.log[height - 1]).unwrap();
        for &height in heights {
            let parent = certified(height - 1).settlement.header;
            let parts = snapshots::parts(Some(parent), certified(height), &self.ledgers[height]);
            snapshots.put(height as u64, &parts).unwrap();
        }
        snapshots
    }

    /// A change to one settlement of the log, whatever it breaks.
    fn forge(&mut self, height: u64, change: impl Fn(&mut Settlement)) {
        let bytes = &mut self.log[height as usize - 1];
        let mut certified = Certified::decode(bytes).unwrap();
        change(&mut certified.settlement);
        *bytes = codec::encode(&certified);
    }

    async fn refuses(&self, height: u64, fault: &str) {
        let error = self.past().at(height, self.tip()).await.expect_err("must be refused").to_string();
        assert!(error.contains(fault), "{error}");
    }
}

fn no_snapshots() -> Snapshots {
    Store::open_in_memory(&MemoryDisk::default(), "neuron".as_ref()).unwrap().snapshots().clone()
}

#[tokio::test]
async fn every_earlier_ledger_is_the_one_that_was_certified() {
    let history = History::new(7);
    let past = history.past();
    for height in [0, 5, 3, 7, 1] {
        assert_eq!(past.at(height, history.tip()).await.unwrap().root(), history.root(height), "{height}");
    }
}

#[tokio::test]
async fn a_height_that_is_ahead_or_not_in_the_log_is_refused() {
    let mut history = History::new(4);
    history.refuses(5, "height 5 is ahead: this neuron is at height 4").await;
    history.log[2].clear();
    history.refuses(4, "settlement 3 is not in this neuron's log").await;
    assert_eq!(history.past().at(2, 4).await.unwrap().root(), history.root(2));
}

#[tokio::test]
async fn a_log_that_was_changed_is_not_followed() {
    let mut history = History::new(4);
    history.log[1] = vec![1, 2, 3];
    history.refuses(4, "settlement 2 of this neuron's log does not apply").await;
    let mut history = History::new(4);
    history.forge(3, |settlement| settlement.header.time = 1);
    history.refuses(4, "settlement 3 of this neuron's log does not apply").await;
    let mut history = History::new(4);
    history.forge(4, |settlement| settlement.header.state_root.hash.0[0] ^= 1);
    history.refuses(4, "its state root is not what was certified").await;
}

#[tokio::test]
async fn a_ledger_that_was_passed_spares_the_way_to_it() {
    let mut history = History::new(EVERY + 2);
    let past = history.past();
    history.ledgers.iter().for_each(|ledger| past.known().note(ledger));
    history.log[0].clear();
    let later = Past { log: Reader::of(1, history.log.clone()), ..past };
    assert_eq!(later.at(EVERY + 1, history.tip()).await.unwrap().root(), history.root(EVERY + 1));
    history.refuses(EVERY + 1, "settlement 1 is not in").await;
}

#[tokio::test]
async fn an_epoch_is_told_as_it_ended() {
    let history = History::new(8);
    let past = history.past();
    for epoch in [1, 0] {
        let tell = |counted: &Counted<'_>| (counted.epoch, counted.pool, counted.payments.len());
        let (ledger, told) = past.epoch((NETUID, epoch), history.tip(), tell).await.unwrap();
        assert_eq!((told.0, told.2), (epoch, 5));
        assert_eq!(ledger.root(), history.root(ledger.height()));
        let before = history.ledgers[ledger.height() as usize - 1].epoch(NETUID);
        assert_eq!((before, ledger.epoch(NETUID)), (Some(epoch), Some(epoch + 1)));
    }
    let early = past.epoch((NETUID, 9), history.tip(), |_| ()).await.unwrap_err().to_string();
    assert!(early.contains("epoch 9 of subnet 1 has not ended by height 8"), "{early}");
}

#[tokio::test]
async fn what_is_pruned_while_the_neuron_runs_is_told_with_the_earliest_height_there_still_is() {
    let mut history = History::new(12);
    let (past, tip) = (history.past(), history.tip());
    assert_eq!(past.at(3, tip).await.unwrap().root(), history.root(3));
    let snapshots = history.snapshots(&[7, 10]);
    history.log[..4].iter_mut().for_each(Vec::clear);
    let pruned = Past { log: Reader::of(5, history.log.clone()), snapshots, ..past };
    for height in [0, 3, 6] {
        let told = pruned.at(height, tip).await.expect_err("it is gone").to_string();
        assert!(told.contains(&format!("height {height} is pruned")), "{told}");
        assert!(told.contains("begin at height 7"), "{told}");
    }
    for height in 7..=tip {
        assert_eq!(pruned.at(height, tip).await.unwrap().root(), history.root(height), "{height}");
    }
    let later = pruned.clone();
    let near = move || [6, 8].map(|height| later.near(height, &|| false).map(|ledger| ledger.height()));
    assert_eq!(tokio::task::spawn_blocking(near).await.unwrap(), [None, Some(8)]);
    let told = pruned.epoch((NETUID, 0), tip, |_| ()).await.unwrap_err().to_string();
    assert!(told.contains("height 6 is pruned: this neuron's ledgers begin at height 7"), "{told}");
}
