//! What a neuron makes of a memory that something happened to.
use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use protocol::ledger::Ledger;
use protocol::message::Heard;
use protocol::weights::Commit;
use tempfile::TempDir;

use super::*;
use crate::role::Settled;
use crate::role::bench::{Bench, NETUID};

/// Settlements that the neuron remembers.
const HEIGHT: u64 = 5;

/// Settlements of a network that has run for a day.
const MANY: u64 = 100_000;

/// A directory with some settlements and their index.
struct Memory {
    dir: TempDir,
    bench: Bench,
    settled: Vec<Settled>,
}

impl Memory {
    fn new() -> Self {
        let (dir, bench) = (TempDir::new().unwrap(), Bench::new(4, 2));
        let mut memory = Self { dir, bench, settled: Vec::new() };
        let (mut store, _) = memory.recover();
        for height in 1..=HEIGHT {
            let settled = memory.settle();
            let root = settled.ledger.root().hash;
            store.append_settlement(height, &codec::encode(&settled.certified)).unwrap();
            store.write_index(height, root, Arc::clone(&settled.changes)).unwrap();
            memory.settled.push(settled);
        }
        memory
    }

    fn settle(&mut self) -> Settled {
        let before = self.bench.tip.0.clone();
        let commit =
            Commit { netuid: NETUID, epoch: before.epoch(NETUID).unwrap(), commitment: Hash([1; 32]) };
        let certified = self.bench.settle(&[Heard::Commit(self.bench.author(0, commit))]);
        let ledger = self.bench.tip.0.clone();
        let changes = ledger.changes_since(&before).into();
        Settled { certified, ledger, changes }
    }

    /// The snapshot of a height.
    fn parts(&self, height: u64) -> Vec<Vec<u8>> {
        let at = |height: u64| height.checked_sub(1).map(|place| &self.settled[place as usize]);
        let settled = at(height).unwrap();
        let parent = at(height - 1).map(|parent| parent.certified.settlement.header.clone());
        snapshots::parts(parent, settled.certified.clone(), &settled.ledger)
    }

    fn store(&self) -> Store {
        Store::open(self.dir.path()).unwrap()
    }

    fn genesis(&self) -> Head {
        Head::new(Ledger::new(&self.bench.genesis).unwrap(), None)
    }

    fn recover(&self) -> (Store, Remembered) {
        let mut store = self.store();
        let remembered = recover(&mut store, self.dir.path(), &self.genesis(), None).unwrap();
        (store, remembered)
    }

    /// Recovers and finds the ledger at a height, with an index that matches.
    #[track_caller]
    fn recovers(&self, height: u64) -> Recovered {
        let (mut store, Remembered { recovered, .. }) = self.recover();
        let ledger = recovered.ledger.as_ref().unwrap();
        let expected = (height > 0).then(|| &self.settled[height as usize - 1]);
        assert_eq!(ledger.height(), height);
        assert_eq!(recovered.tip.as_ref(), expected.map(|settled| &settled.certified));
        if let Some(expected) = expected {
            assert_eq!(ledger.root(), expected.ledger.root());
            let index = store.index().unwrap().expect("written again");
            assert_eq!(Ledger::from_entries(&index.entries).unwrap().root(), expected.ledger.root());
        }
        recovered
    }

    fn log(&self) -> std::path::PathBuf {
        self.dir.path().join("settlements/00000000000000000001.log")
    }
}

/// Overwrites bytes in the middle of a file.
fn scratch(path: &Path) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    let middle = file.metadata().unwrap().len() / 2;
    file.seek(SeekFrom::Start(middle)).unwrap();
    file.write_all(&[0xaa; 16]).unwrap();
}

fn cut(path: &Path, bytes: u64) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() - bytes).unwrap();
}

/// Prints how long a start takes:
///
/// ```text
/// TMPDIR=/dev/shm cargo test -p neuron --lib -- --ignored --nocapture after_many
/// ```
#[test]
#[ignore = "takes minutes"]
fn a_start_after_many_settlements_finds_their_end_with_an_index_and_without() {
    let (dir, bench) = (TempDir::new().unwrap(), Bench::new(4, 2));
    let mut memory = Memory { dir, bench, settled: Vec::new() };
    let mut store = memory.store();
    for height in 1..=MANY {
        store.append_settlement(height, &codec::encode(&memory.bench.settle(&[]))).unwrap();
    }
    drop(store);
    for start in ["replayed from the log", "read from the index"] {
        let began = Instant::now();
        let (_, remembered) = memory.recover();
        eprintln!("{MANY} settlements {start}: {:.1?}", began.elapsed());
        assert_eq!(remembered.recovered.ledger.unwrap().root(), memory.bench.tip.0.root());
    }
}

#[test]
fn a_neuron_goes_on_where_it_stopped() {
    let recovered = Memory::new().recovers(HEIGHT);
    assert_eq!(recovered.votes_from, HEIGHT + 1);
}

#[test]
fn the_index_of_a_new_neuron_needs_no_rebuilding() {
    let memory = Memory::new();
    memory.recovers(HEIGHT);
    assert!(!memory.dir.path().join("index.broken").exists());
}

#[test]
fn a_missing_index_is_rebuilt_from_the_log() {
    let memory = Memory::new();
    fs::remove_dir_all(memory.dir.path().join("index")).unwrap();
    memory.recovers(HEIGHT);
}

/// A directory whose log begins after the snapshot of a height, as pruning or a peer's snapshot leaves it.
fn pruned(height: u64) -> Memory {
    let whole = Memory::new();
    let memory = Memory { dir: TempDir::new().unwrap(), ..whole };
    let mut store = memory.store();
    store.adopt(height, &memory.parts(height)).unwrap();
    for settled in &memory.settled[height as usize..] {
        store.append_settlement(settled.ledger.height(), &codec::encode(&settled.certified)).unwrap();
    }
    drop(store);
    // Adopting leaves the index empty: it is made anew at the first start.
    memory.recover();
    memory
}

#[test]
fn a_pruned_log_is_gone_on_from_with_and_without_its_index() {
    for height in 1..=HEIGHT {
        let memory = pruned(height);
        memory.recovers(HEIGHT);
        fs::remove_dir_all(memory.dir.path().join("index")).unwrap();
        memory.recovers(HEIGHT);
        let (store, Remembered { earliest, .. }) = memory.recover();
        assert_eq!((store.first(), earliest.height()), (height + 1, height));
    }
}

#[test]
fn a_pruned_log_whose_one_snapshot_is_damaged_begins_anew() {
    let memory = pruned(3);
    let snapshot = fs::read_dir(memory.dir.path().join("snapshots")).unwrap().next().unwrap().unwrap().path();
    scratch(&snapshot);
    memory.recovers(0);
}

#[test]
fn a_log_that_no_snapshot_leads_to_is_set_aside_and_no_vote_is_forgotten() {
    let memory = pruned(3);
    let mut store = memory.store();
    store.append_votes(HEIGHT + 1, &[b"a vote".to_vec()]).unwrap();
    // Whole to the disk, and of no use.
    store.snapshots().put(3, &[b"no anchor".to_vec()]).unwrap();
    store.reset_index().unwrap();
    drop(store);
    for _ in 0..2 {
        let recovered = memory.recovers(0);
        assert_eq!(recovered.votes_from, HEIGHT + 2);
        assert_eq!(memory.store().first(), 1);
    }
    for file in ["snapshots/00000000000000000003.snapshot", "settlements/00000000000000000004.log"] {
        assert!(!memory.dir.path().join(file).exists(), "{file}");
        assert!(memory.dir.path().join(format!("{file}.damaged")).exists(), "{file}");
    }
}

#[test]
fn a_whole_log_is_gone_through_from_its_last_snapshot() {
    let memory = Memory::new();
    memory.store().snapshots().put(4, &memory.parts(4)).unwrap();
    memory.store().reset_index().unwrap();
    memory.recovers(HEIGHT);
    memory.store().snapshots().put(HEIGHT, &[b"no anchor".to_vec()]).unwrap();
    memory.store().reset_index().unwrap();
    memory.recovers(HEIGHT);
}

#[test]
fn the_snapshot_of_another_network_is_refused_in_one_line() {
    let mut memory = pruned(HEIGHT);
    memory.bench.genesis.time += 1;
    let refused = recover(&mut memory.store(), memory.dir.path(), &memory.genesis(), None);
    let refused = refused.err().expect("refused").to_string();
    assert!(refused.contains("another network") && refused.contains("--dir"), "{refused}");
}

#[test]
fn a_broken_index_is_rebuilt_from_the_log() {
    let memory = Memory::new();
    for file in fs::read_dir(memory.dir.path().join("index")).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            fs::write(path, b"nothing that sled would write").unwrap();
        }
    }
    memory.recovers(HEIGHT);
}

#[test]
fn an_index_with_another_state_is_rebuilt_from_the_log() {
    let memory = Memory::new();
    let changes = &memory.settled[0].changes[..3];
    memory
        .store()
        .write_index(
            HEIGHT,
            Hash([1; 32]),
            changes.iter().map(|(k, _)| (k.clone(), None)).collect::<Vec<_>>(),
        )
        .unwrap();
    memory.recovers(HEIGHT);
}

#[test]
fn an_index_behind_the_log_is_brought_up_to_it() {
    let memory = Memory::new();
    let mut store = memory.store();
    store.reset_index().unwrap();
    let ledger = &memory.settled[1].ledger;
    let whole: Vec<_> = ledger.entries().into_iter().map(|(key, value)| (key, Some(value))).collect();
    store.write_index(ledger.height(), ledger.root().hash, whole).unwrap();
    drop(store);
    let aside = memory.dir.path().join("index.broken");
    fs::remove_dir_all(&aside).unwrap();
    memory.recovers(HEIGHT);
    assert!(!aside.exists(), "it was brought up, not made anew");
}

#[test]
fn an_index_ahead_of_a_torn_log_is_rebuilt_from_it() {
    let memory = Memory::new();
    cut(&memory.log(), 3);
    memory.recovers(HEIGHT - 1);
}

#[test]
fn settlements_after_a_scratch_are_dropped_and_can_be_fetched_again() {
    let memory = Memory::new();
    scratch(&memory.log());
    let height = memory.recover().0.tip();
    assert!((1..HEIGHT).contains(&height), "{height}");
    memory.recovers(height);
}

#[test]
fn the_log_of_another_network_is_refused_in_one_line() {
    let memory = Memory::new();
    let mut genesis = memory.bench.genesis.clone();
    genesis.time += 1;
    let other = Head::new(Ledger::new(&genesis).unwrap(), None);
    let refused =
        recover(&mut memory.store(), memory.dir.path(), &other, None).err().expect("refused").to_string();
    assert!(refused.contains("another network") && refused.contains("--dir"), "{refused}");
}

/// A log that goes on after its last settlement with bytes that pass their checksum and hold nothing.
#[track_caller]
fn check_set_aside(bytes: &[u8]) {
    let memory = Memory::new();
    let mut store = memory.store();
    store.append_settlement(HEIGHT + 1, bytes).unwrap();
    store.append_settlement(HEIGHT + 2, bytes).unwrap();
    store.append_votes(HEIGHT + 3, &[vec![1; 100]]).unwrap();
    drop(store);
    assert_eq!(memory.recovers(HEIGHT).votes_from, HEIGHT + 4);
    assert!(memory.log().with_extension("log.damaged").exists());
    let mut store = memory.store();
    assert_eq!(store.damage(), []);
    store.append_settlement(HEIGHT + 1, b"fetched again").unwrap();
}

#[test]
fn a_settlement_that_does_not_apply_is_set_aside_with_all_after_it() {
    let mut forged = Memory::new().settled[0].certified.clone();
    forged.settlement.header.height = HEIGHT + 1;
    check_set_aside(&codec::encode(&forged));
}

#[test]
fn a_settlement_that_cannot_be_read_is_set_aside_with_all_after_it() {
    check_set_aside(b"no settlement");
}

#[test]
fn an_index_at_a_settlement_that_cannot_be_read_is_rebuilt_from_those_before_it() {
    let memory = Memory::new();
    let mut store = memory.store();
    store.append_settlement(HEIGHT + 1, b"no settlement").unwrap();
    store.write_index(HEIGHT + 1, Hash([1; 32]), []).unwrap();
    drop(store);
    memory.recovers(HEIGHT);
}

#[test]
fn votes_at_the_height_in_progress_are_gone_through_and_older_ones_are_not() {
    let memory = Memory::new();
    let draft = || codec::encode(&Logged::Draft(Box::new(memory.settled[0].certified.settlement.clone())));
    memory.store().append_votes(HEIGHT, &[draft()]).unwrap();
    assert_eq!(memory.recovers(HEIGHT).drafts.len(), 0);
    memory.store().append_votes(HEIGHT + 1, &[draft()]).unwrap();
    let recovered = memory.recovers(HEIGHT);
    assert_eq!((recovered.drafts.len(), recovered.votes_from), (1, HEIGHT + 1));
}

#[test]
fn a_vote_log_that_cannot_be_read_may_hide_a_vote_so_the_height_is_sat_out() {
    let memory = Memory::new();
    memory.store().append_votes(HEIGHT + 1, &[b"not an entry".to_vec()]).unwrap();
    assert_eq!(memory.recovers(HEIGHT).votes_from, HEIGHT + 2);
}

#[test]
fn a_torn_vote_log_may_vote_on() {
    let memory = Memory::new();
    memory.store().append_votes(HEIGHT + 1, &[vec![1; 100]]).unwrap();
    cut(&memory.dir.path().join(storage::VOTES), 3);
    assert_eq!(memory.recovers(HEIGHT).votes_from, HEIGHT + 1);
}

#[test]
fn a_scratched_vote_log_may_lack_votes_that_left_so_the_height_is_sat_out() {
    let memory = Memory::new();
    let mut store = memory.store();
    store.append_votes(HEIGHT + 1, &[vec![1; 100]]).unwrap();
    store.append_votes(HEIGHT + 1, &[vec![2; 100]]).unwrap();
    drop(store);
    scratch(&memory.dir.path().join(storage::VOTES));
    check_sits_out(memory);
}

#[test]
fn a_vote_log_that_was_taken_away_lacks_votes_that_left_so_the_height_is_sat_out() {
    let memory = Memory::new();
    memory.store().append_votes(HEIGHT + 1, &[vec![1; 100]]).unwrap();
    fs::remove_file(memory.dir.path().join(storage::VOTES)).unwrap();
    check_sits_out(memory);
}

/// However often it starts, it does not vote before the next height, and then it does.
#[track_caller]
fn check_sits_out(mut memory: Memory) {
    for _ in 0..3 {
        assert_eq!(memory.recovers(HEIGHT).votes_from, HEIGHT + 2);
    }
    memory.follow(1);
    assert_eq!(memory.recovers(HEIGHT + 1).votes_from, HEIGHT + 2);
}

#[test]
fn votes_above_the_settlements_that_are_left_are_sat_out() {
    let memory = Memory::new();
    memory.store().append_votes(HEIGHT + 1, &[vec![1; 100]]).unwrap();
    fs::remove_file(memory.log()).unwrap();
    let recovered = memory.recovers(0);
    assert_eq!((recovered.votes_from, recovered.log.len()), (HEIGHT + 2, 0));
}

impl Memory {
    /// Recovers with a checkpoint that a person gave.
    fn told(&self, checkpoint: Option<Checkpoint>) -> Result<Remembered, Error> {
        recover(&mut self.store(), self.dir.path(), &self.genesis(), checkpoint)
    }

    /// Settles more and has it in the log; the last header.
    fn follow(&mut self, heights: u64) -> Checkpoint {
        let mut store = self.store();
        for _ in 0..heights {
            let settled = self.settle();
            store.append_settlement(settled.ledger.height(), &codec::encode(&settled.certified)).unwrap();
            self.settled.push(settled);
        }
        self.header(HEIGHT + heights)
    }

    fn header(&self, height: u64) -> Checkpoint {
        let hash = self.settled[height as usize - 1].certified.settlement.header.hash();
        Checkpoint { height, hash }
    }
}

/// What is found at a start: the height, and the checkpoint still to be reached.
fn found(remembered: &Remembered) -> (u64, Option<Checkpoint>) {
    let recovered = &remembered.recovered;
    (recovered.ledger.as_ref().unwrap().height(), recovered.trust.checkpoint)
}

#[test]
fn a_checkpoint_is_remembered_until_the_log_has_its_header() {
    let (memory, mut later) = (Memory::new(), Memory::new());
    let ahead = later.follow(2);
    assert_eq!(found(&memory.told(Some(ahead)).unwrap()), (HEIGHT, Some(ahead)));
    assert_eq!(found(&memory.told(None).unwrap()), (HEIGHT, Some(ahead)));
    let (mut memory, behind) = (memory, later.header(2));
    assert_eq!(
        found(&memory.told(Some(behind)).unwrap()),
        (HEIGHT, Some(ahead)),
        "it says nothing of later ones"
    );
    memory.follow(2);
    for _ in 0..2 {
        assert_eq!(found(&memory.told(None).unwrap()), (HEIGHT + 2, None));
    }
}

#[test]
fn what_leads_past_a_checkpoint_is_set_aside_at_the_next_start() {
    let mut memory = Memory::new();
    let named = Checkpoint { height: HEIGHT + 2, hash: Hash([9; 32]) };
    memory.told(Some(named)).unwrap();
    memory.follow(3);
    assert_eq!(found(&memory.told(None).unwrap()), (HEIGHT, None));
    memory.recovers(HEIGHT);
    let mut memory = Memory::new();
    memory.told(Some(named)).unwrap();
    memory.follow(2);
    assert_eq!(found(&memory.told(Some(named)).unwrap()), (HEIGHT, Some(named)), "it is followed again");
    assert_eq!(found(&memory.told(None).unwrap()), (HEIGHT, Some(named)));
}

#[test]
fn a_checkpoint_that_what_we_settled_contradicts_is_refused_with_both_hashes() {
    let memory = Memory::new();
    let (ours, wrong) = (memory.header(3), Checkpoint { height: 3, hash: Hash([9; 32]) });
    let refused = memory.told(Some(wrong)).err().expect("it is another header's").to_string();
    assert!(refused.contains(&ours.to_string()) && refused.contains(&wrong.to_string()), "{refused}");
    assert_eq!(found(&memory.told(Some(ours)).unwrap()), (HEIGHT, None));
}

#[test]
fn without_a_readable_claim_a_neuron_begins_anew() {
    let mut memory = Memory::new();
    let ahead = Memory::new().follow(2);
    memory.told(Some(ahead)).unwrap();
    memory.follow(1);
    scratch(&memory.dir.path().join("claim"));
    assert_eq!(found(&memory.told(None).unwrap()), (0, None));
}

/// A newcomer's directory, which was given a checkpoint and took the snapshot of a height that was proven by it.
fn taken(checkpoint: Checkpoint, height: u64) -> Memory {
    let memory = Memory { dir: TempDir::new().unwrap(), ..Memory::new() };
    assert_eq!(found(&memory.told(Some(checkpoint)).unwrap()), (0, Some(checkpoint)));
    memory.store().adopt(height, &memory.parts(height)).unwrap();
    memory
}

#[test]
fn a_checkpoint_that_proved_a_snapshot_may_be_named_again_and_no_other_before_it() {
    let named = Memory::new().header(3);
    let memory = taken(named, 4);
    for given in [None, Some(named), None, Some(named)] {
        assert_eq!(found(&memory.told(given).unwrap()), (4, None));
    }
    let refused = memory.told(Some(memory.header(2))).err().expect("nothing tells").to_string();
    assert!(refused.contains("settlement 2 is needed"), "{refused}");
}

#[test]
fn what_leads_from_a_snapshot_past_its_checkpoint_is_set_aside_up_to_the_snapshot() {
    let named = Checkpoint { height: HEIGHT, hash: Hash([9; 32]) };
    let memory = taken(named, 3);
    for height in 4..=HEIGHT {
        assert_eq!(found(&memory.told(None).unwrap()), (height - 1, Some(named)));
        let settled = &memory.settled[height as usize - 1];
        memory.store().append_settlement(height, &codec::encode(&settled.certified)).unwrap();
    }
    assert_eq!(found(&memory.told(None).unwrap()), (3, None));
}

#[test]
fn no_snapshot_is_made_of_what_might_have_to_be_set_aside() {
    let mut memory = Memory::new();
    let named = Checkpoint { height: HEIGHT + 2, hash: Hash([9; 32]) };
    memory.told(Some(named)).unwrap();
    let mut store = memory.store();
    let history = crate::neuron::History { snapshots: 1, ..Default::default() };
    for height in HEIGHT + 1..=HEIGHT + 3 {
        let settled = memory.settle();
        store.append_settlement(height, &codec::encode(&settled.certified)).unwrap();
        let mut photographer = snapshots::Photographer::new(history);
        photographer.settled(&mut store, &settled).unwrap();
        drop(photographer);
        let made = if height > named.height { vec![height] } else { Vec::new() };
        assert_eq!(store.snapshots().heights(), made);
    }
}

#[test]
fn a_checkpoint_that_was_reached_is_kept_though_a_snapshot_was_made_since() {
    let mut memory = Memory::new();
    let named = Memory::new().follow(1);
    memory.told(Some(named)).unwrap();
    memory.follow(3);
    memory.store().snapshots().put(HEIGHT + 3, &memory.parts(HEIGHT + 3)).unwrap();
    for given in [None, Some(named), None] {
        assert_eq!(found(&memory.told(given).unwrap()), (HEIGHT + 3, None));
    }
}

#[test]
fn a_checkpoint_that_was_in_the_log_may_be_named_again_after_it_is_pruned() {
    let memory = Memory::new();
    let named = memory.header(3);
    assert_eq!(found(&memory.told(Some(named)).unwrap()), (HEIGHT, None));
    memory.store().adopt(HEIGHT, &memory.parts(HEIGHT)).unwrap();
    assert_eq!(found(&memory.told(Some(named)).unwrap()), (HEIGHT, None));
}

#[test]
fn a_checkpoint_that_was_reached_may_be_named_again_once_all_is_lost() {
    let memory = Memory::new();
    let named = memory.header(3);
    assert_eq!(found(&memory.told(Some(named)).unwrap()), (HEIGHT, None));
    memory.store().begin_anew().unwrap();
    assert_eq!(found(&memory.told(Some(named)).unwrap()), (0, Some(named)));
}

#[test]
fn what_damage_took_since_a_claim_is_made_again_on_its_word() {
    let mut memory = Memory::new();
    let named = Checkpoint { height: HEIGHT + 2, hash: Hash([9; 32]) };
    memory.told(Some(named)).unwrap();
    memory.store().set_settlements_aside(3).unwrap();
    assert_eq!(found(&memory.told(None).unwrap()), (2, Some(named)));
    let mut store = memory.store();
    for height in 3..=HEIGHT {
        let settled = &memory.settled[height as usize - 1];
        store.append_settlement(height, &codec::encode(&settled.certified)).unwrap();
    }
    drop(store);
    memory.follow(2);
    assert_eq!(found(&memory.told(None).unwrap()), (2, None), "nothing above counts");
}
