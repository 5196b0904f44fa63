//! What a neuron knows of its own votes when their log was harmed: that it may lack some, until the height is settled.
#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use std::io;
use std::path::{Path, PathBuf};

use storage::{Loss, MemoryDisk, Store, VOTES};

const DIR: &str = "/neuron";

/// The last settlement.
const TIP: u64 = 3;

/// The height in progress, at which votes left.
const HEIGHT: u64 = TIP + 1;

/// More changes than a start makes to a disk.
const CHANGES: u64 = 40;

fn open(disk: &MemoryDisk) -> Store {
    Store::open_in_memory(disk, Path::new(DIR)).unwrap()
}

fn log() -> PathBuf {
    Path::new(DIR).join(VOTES)
}

fn batches() -> [Vec<Vec<u8>>; 3] {
    [vec![b"body".to_vec(), b"prevote".to_vec()], vec![vec![7; 300]], vec![b"precommit".to_vec()]]
}

/// Settles up to the tip and votes after it.
fn write(mut store: Store) {
    for height in 1..=TIP {
        store.append_settlement(height, b"settled").unwrap();
    }
    for batch in batches() {
        store.append_votes(HEIGHT, &batch).unwrap();
    }
}

/// A disk with the vote log in the place of what was written.
fn disk(votes: &[u8]) -> MemoryDisk {
    let disk = MemoryDisk::default();
    write(open(&disk));
    disk.replace(&log(), votes).unwrap();
    disk
}

/// The bytes of the sound vote log.
fn sound() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    write(Store::open(dir.path()).unwrap());
    std::fs::read(dir.path().join(VOTES)).unwrap()
}

/// However often it starts, it sits the height out, and votes after it is settled.
#[track_caller]
fn check_sits_out(disk: &MemoryDisk, harm: &str) {
    for start in 0..3 {
        let store = open(disk);
        assert!(store.has_lost_votes(HEIGHT), "{harm}, start {start}");
        assert!(!store.has_lost_votes(HEIGHT + 1) && store.votes_height() == HEIGHT, "{harm}");
        assert_eq!(store.damage().is_empty(), start > 0, "{harm}: it is found once");
        let votes = store.votes(HEIGHT).unwrap();
        assert!((0..=3).any(|whole| votes == batches()[..whole].concat()), "{harm}: {votes:?}");
    }
    let mut store = open(disk);
    store.append_settlement(HEIGHT, b"settled").unwrap();
    drop(store);
    let mut store = open(disk);
    assert!(!store.has_lost_votes(HEIGHT + 1), "{harm}");
    store.append_votes(HEIGHT + 1, &batches()[0]).unwrap();
    drop(store);
    let store = open(disk);
    assert_eq!(
        (store.has_lost_votes(HEIGHT + 1), store.votes(HEIGHT + 1).unwrap()),
        (false, batches()[0].clone())
    );
}

#[test]
fn a_vote_log_with_any_bit_changed_may_lack_votes_after_every_start() {
    let sound = sound();
    let unused = 4..12;
    for bit in (0..sound.len() * 8).filter(|bit| !unused.contains(&(bit / 8))) {
        let mut votes = sound.clone();
        votes[bit / 8] ^= 1 << (bit % 8);
        check_sits_out(&disk(&votes), &format!("bit {} of byte {}", bit % 8, bit / 8));
    }
}

#[test]
fn a_vote_log_without_its_header_was_taken_away() {
    let sound = sound();
    for size in 0..12 {
        check_sits_out(&disk(&sound[..size]), &format!("{size} bytes"));
    }
    for size in [1, 12, 13, 5_000] {
        check_sits_out(&disk(&vec![0; size]), &format!("{size} zeros"));
    }
}

#[test]
fn a_mark_of_lost_votes_that_is_harmed_itself_is_made_again() {
    let mut votes = sound();
    votes[30] ^= 1;
    for seed in 0..200 {
        let disk = disk(&votes);
        drop(open(&disk));
        disk.rot(&log(), seed);
        let store = open(&disk);
        assert!(store.has_lost_votes(HEIGHT), "seed {seed}");
    }
}

#[test]
fn no_power_cut_forgets_that_votes_may_be_lost() {
    let (sound, mut changed) = (sound(), sound());
    changed[40] ^= 1;
    for (harm, votes) in [("changed", &changed[..]), ("taken away", &[]), ("without a header", &sound[..5])] {
        for (room, loss) in (0..CHANGES).flat_map(|room| Loss::ALL.map(|loss| (room, loss))) {
            let disk = disk(votes);
            disk.fail_after(room, io::ErrorKind::Other);
            let _ = Store::open_in_memory(&disk, Path::new(DIR));
            disk.crash(loss, room);
            assert!(open(&disk).has_lost_votes(HEIGHT), "{harm}: {loss:?} after {room} changes");
        }
    }
}

#[test]
fn a_vote_that_a_crash_interrupted_is_no_lost_one() {
    let sound = sound();
    let (before, whole) = (sound.len() - 30, sound.len());
    for end in before..whole {
        for zeros in [0, whole - end] {
            let votes = [&sound[..end], &vec![0; zeros]].concat();
            let store = open(&disk(&votes));
            assert!(!store.has_lost_votes(HEIGHT), "{end} and {zeros} zeros");
            assert_eq!(store.votes(HEIGHT).unwrap(), batches()[..2].concat());
        }
    }
}

#[test]
fn no_power_cut_forgets_up_to_where_it_voted() {
    for (changes, loss) in (0..CHANGES).flat_map(|changes| Loss::ALL.map(|loss| (changes, loss))) {
        let disk = MemoryDisk::default();
        let mut store = open(&disk);
        assert_eq!(store.votes_height(), 0);
        // So much that the next height begins the file anew.
        for height in 1..=4 {
            store.append_settlement(height, b"settled").unwrap();
            store.append_votes(height, &[vec![1; 1 << 20]]).unwrap();
        }
        disk.fail_after(changes, io::ErrorKind::Other);
        let _ = store.append_votes(5, &[b"prevote".to_vec()]);
        drop(store);
        disk.crash(loss, changes);
        let height = open(&disk).votes_height();
        assert!((4..=5).contains(&height), "{height} after {changes} changes, {loss:?}");
    }
}

#[test]
fn no_votes_at_all_are_none_lost() {
    let disk = disk(&sound());
    open(&disk).append_votes(HEIGHT, &[]).unwrap();
    let store = open(&disk);
    assert!(!store.has_lost_votes(HEIGHT));
    assert_eq!(store.votes(HEIGHT).unwrap(), batches().concat());
}
