//! A log that begins after a snapshot, through crashes and damage.
#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::files::{Access, Files, Loss, MemoryDisk};
use crate::{Error, Store};

use super::*;

const DIR: &str = "/store";

fn open(disk: &MemoryDisk) -> Store {
    Store::open_in_memory(disk, Path::new(DIR)).unwrap()
}

/// Three parts that differ from those of every other height.
fn parts(height: u64) -> Vec<Vec<u8>> {
    (0..3).map(|part| format!("part {part} of {height}").into_bytes()).collect()
}

fn append(store: &mut Store, heights: impl IntoIterator<Item = u64>) {
    heights.into_iter().for_each(|height| store.append_settlement(height, &height.to_be_bytes()).unwrap());
}

/// A log up to a tip, with snapshots.
fn filled(tip: u64, snapshots: &[u64]) -> MemoryDisk {
    let disk = MemoryDisk::default();
    let mut store = open(&disk);
    append(&mut store, 1..=tip);
    snapshots.iter().for_each(|&height| store.snapshots().put(height, &parts(height)).unwrap());
    disk
}

/// The store has these snapshots and settlements, whole, and takes the next.
#[track_caller]
fn check(store: &mut Store, snapshots: &[u64], (first, tip): (u64, u64)) {
    assert_eq!(store.snapshots().heights(), snapshots);
    for &height in snapshots {
        let read = |part| store.snapshots().part(height, part).unwrap();
        assert_eq!((0..3).map(|part| read(part).unwrap()).collect::<Vec<_>>(), parts(height));
        assert_eq!((read(3), read(u64::MAX)), (None, None));
    }
    assert_eq!((store.first(), store.tip()), (first, tip));
    for height in first..=tip {
        assert_eq!(store.settlement(height).unwrap().unwrap(), height.to_be_bytes());
    }
    assert_eq!(store.settlement(first - 1).unwrap(), None);
    append(store, [tip + 1]);
    assert_eq!(store.settlement(tip + 1).unwrap().unwrap(), (tip + 1).to_be_bytes());
}

#[test]
fn a_snapshot_of_many_parts_is_synced_once() {
    let (disk, parts) = (MemoryDisk::default(), vec![vec![7; 100]; 500]);
    let store = open(&disk);
    let before = disk.changes();
    store.snapshots().put(1, &parts).unwrap();
    let others = disk.changes() - before - parts.len() as u64;
    assert!(others < 10, "{others} changes beside a write for each part");
    drop(store);
    assert_eq!(open(&disk).snapshots().part(1, 499).unwrap().unwrap(), parts[499]);
}

fn path(kind: &str, height: u64, extension: &str) -> PathBuf {
    Path::new(DIR).join(format!("{kind}/{height:020}.{extension}"))
}

/// Changes a byte that many from the end.
fn scratch(disk: &MemoryDisk, path: &Path, from_end: i64) {
    let mut file = disk.open(path, Access::Change).unwrap();
    let mut byte = [0];
    file.seek(SeekFrom::End(-from_end)).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::End(-from_end)).unwrap();
    file.write_all(&[byte[0] ^ 1]).unwrap();
    file.sync().unwrap();
}

#[test]
fn the_last_two_snapshots_are_kept() {
    let disk = filled(0, &[]);
    let store = open(&disk);
    [3, 5, 9].iter().for_each(|&height| store.snapshots().put(height, &parts(height)).unwrap());
    assert_eq!(store.snapshots().heights(), [5, 9]);
    assert_eq!(store.snapshots().part(3, 0).unwrap(), None);
    drop(store);
    assert_eq!(open(&disk).snapshots().heights(), [5, 9]);
}

#[test]
fn a_snapshot_cut_at_any_byte_is_none() {
    let path = path("snapshots", 5, "snapshot");
    let size = filled(9, &[5]).open(&path, Access::Read).unwrap().size().unwrap();
    for size in 0..size {
        let disk = filled(9, &[5]);
        disk.open(&path, Access::Change).unwrap().truncate(size).unwrap();
        let mut store = open(&disk);
        assert_eq!(store.damage().len(), 1, "{size}");
        check(&mut store, &[], (1, 9));
    }
}

#[test]
fn a_log_begins_after_a_snapshot_that_was_adopted() {
    let disk = filled(3, &[]);
    let mut store = open(&disk);
    store.adopt(10, &parts(10)).unwrap();
    assert_eq!((store.first(), store.tip()), (11, 10));
    assert!(matches!(store.append_settlement(4, b"x"), Err(Error::Gap { tip: 10, .. })));
    check(&mut store, &[10], (11, 10));
    drop(store);
    check(&mut open(&disk), &[10], (11, 11));
    assert!(disk.kind(&path("settlements", 1, "log.damaged")).is_some(), "nothing is lost");
}

#[test]
fn a_crash_while_a_snapshot_is_adopted_leaves_the_log_before_or_the_log_after() {
    let (mut room, mut after) = (0, 0);
    loop {
        let disk = filled(3, &[]);
        let mut store = open(&disk);
        disk.fail_after(room, io::ErrorKind::StorageFull);
        let adopted = store.adopt(10, &parts(10)).is_ok();
        drop(store);
        disk.crash(Loss::All, room);
        let mut store = open(&disk);
        match store.tip() {
            3 => check(&mut store, &[], (1, 3)),
            _ => check(&mut store, &[10], (11, 10)),
        }
        after += u32::from(store.first() == 11);
        if adopted {
            break;
        }
        room += 1;
    }
    assert!(room > 8 && after > 1, "{room} boundaries, {after} after the snapshot");
}

#[test]
fn files_behind_the_earliest_snapshot_are_pruned_whole() {
    let disk = filled(3_100, &[1_030, 2_100]);
    let mut store = open(&disk);
    store.prune(3_000).unwrap();
    assert_eq!(store.first(), 1, "the first hundred are among the last three thousand and a file");
    store.prune(0).unwrap();
    assert_eq!(store.first(), 1_025, "the earliest snapshot is in the second file");
    drop(store);
    check(&mut open(&disk), &[1_030, 2_100], (1_025, 3_100));
}

#[test]
fn without_two_snapshots_nothing_is_pruned() {
    for snapshots in [&[][..], &[2_100]] {
        let mut store = open(&filled(2_100, snapshots));
        store.prune(0).unwrap();
        check(&mut store, snapshots, (1, 2_100));
    }
}

#[test]
fn a_pruned_log_whose_last_snapshot_is_damaged_goes_on_from_the_one_before() {
    let disk = filled(3_100, &[1_030, 2_100]);
    open(&disk).prune(0).unwrap();
    let size = |path: &Path| disk.open(path, Access::Read).unwrap().size().unwrap();
    let (last, aside) = (path("snapshots", 2_100, "snapshot"), path("snapshots", 2_100, "snapshot.damaged"));
    let whole = size(&last);
    scratch(&disk, &last, 3);
    check(&mut open(&disk), &[1_030], (1_025, 3_100));
    assert_eq!(size(&aside), whole, "nothing is lost");
}

#[test]
fn a_log_damaged_behind_a_snapshot_begins_after_the_damage() {
    let disk = filled(3_100, &[2_100]);
    scratch(&disk, &path("settlements", 1_025, "log"), 3);
    check(&mut open(&disk), &[2_100], (2_049, 3_100));
}

#[test]
fn a_log_that_ends_before_the_snapshot_begins_anew_after_it() {
    let disk = filled(3_100, &[2_100]);
    scratch(&disk, &path("settlements", 2_049, "log"), 10_000);
    let mut store = open(&disk);
    let tip = store.tip();
    assert!((2_100..3_100).contains(&tip), "the damage is after the snapshot: {tip}");
    drop(store);
    let disk = filled(1_500, &[1_400]);
    scratch(&disk, &path("settlements", 1_025, "log"), 10_000);
    store = open(&disk);
    check(&mut store, &[1_400], (1_401, 1_400));
}
