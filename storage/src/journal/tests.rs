//! A disk that fails, and files in every state a crash can leave.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::sync::Arc;

use super::*;
use crate::files::{Loss, MemoryDisk, System};

fn open(path: &Path) -> Journal {
    Journal::open(&(Arc::new(System) as Disk), path).unwrap()
}

fn heights(path: &Path) -> Vec<u64> {
    recover(&System, path, |_| true).unwrap().entries.iter().map(|entry| entry.height).collect()
}

#[test]
fn a_disk_that_fails_at_any_write_or_sync_ends_the_journal_and_loses_nothing_acknowledged() {
    for room in 0..2 {
        let (memory, path) = (MemoryDisk::default(), Path::new("/log"));
        let disk = Arc::new(memory.clone()) as Disk;
        let mut journal = Journal::open(&disk, path).unwrap();
        journal.append(1, b"one").unwrap();
        memory.fail_after(room, io::ErrorKind::StorageFull);
        let Err(Error::Io { path: culprit, cause }) = journal.append(2, b"two") else { panic!("{room}") };
        assert_eq!((&*culprit, cause.kind()), (path, io::ErrorKind::StorageFull));
        memory.mend();
        assert!(matches!(journal.append(2, b"two"), Err(Error::Halted { .. })));
        drop(journal);
        memory.crash(Loss::All, room);
        let entries = recover(&*disk, path, |_| true).unwrap().entries;
        assert_eq!(entries.iter().map(|entry| entry.height).collect::<Vec<_>>(), [1], "after {room} writes");
    }
}

#[test]
fn a_file_that_never_got_its_header_is_empty() {
    for size in 0..HEADER_SIZE + 9 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, vec![0; size as usize]).unwrap();
        assert_eq!(heights(&path), []);
        open(&path).append(1, b"one").unwrap();
        assert_eq!(heights(&path), [1]);
    }
}

#[test]
fn a_tail_of_zeros_is_torn_and_other_bytes_are_damage() {
    for (tail, torn) in [(vec![0; 5000], true), (vec![0, 1], true), (vec![7; 40], false)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        open(&path).append(1, b"one").unwrap();
        let size = fs::metadata(&path).unwrap().len();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(&tail).unwrap();
        let damage = recover(&System, &path, |_| true).unwrap().damage.unwrap();
        assert_eq!((damage.kept, damage.lost, damage.torn), (1, tail.len() as u64, torn));
        assert_eq!(fs::metadata(&path).unwrap().len(), size);
        assert_eq!(durable::beside(&path, ".damaged").exists(), !torn);
    }
}

#[test]
fn an_entry_torn_at_any_byte_is_torn_whether_or_not_the_file_has_its_size() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let mut journal = open(&path);
    journal.append(1, b"one").unwrap();
    let start = journal.size().unwrap();
    journal.append(2, &[7; 600]).unwrap();
    let whole = fs::read(&path).unwrap();
    for end in start as usize..whole.len() {
        for size in [end, whole.len()] {
            let mut bytes = whole[..end].to_vec();
            bytes.resize(size, 0);
            fs::write(&path, bytes).unwrap();
            let recovery = recover(&System, &path, |_| true).unwrap();
            assert!(recovery.damage.is_none_or(|damage| damage.torn), "{end} of {size}");
            assert_eq!(recovery.entries.len(), 1);
        }
    }
}

#[test]
fn a_changed_length_is_damage_wherever_the_entry_lies() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let mut journal = open(&path);
    let entries = [1, 2, 3].map(|height| journal.append(height, &[7; 100]).unwrap());
    let whole = fs::read(&path).unwrap();
    for entry in entries {
        for bit in 0..64 {
            let mut bytes = whole.clone();
            bytes[entry.offset as usize + 8 - bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, bytes).unwrap();
            let damage = recover(&System, &path, |_| true).unwrap().damage.unwrap();
            assert_eq!((damage.kept, damage.torn), (entry.height - 1, false), "bit {bit}");
        }
    }
}

#[test]
fn a_torn_entry_full_of_lengths_is_looked_through_to_an_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    open(&path).append(1, &[0, 0, 0, 0, 0, 0, 0x40, 0].repeat(1 << 20)).unwrap();
    let size = fs::metadata(&path).unwrap().len();
    OpenOptions::new().write(true).open(&path).unwrap().set_len(size - 1).unwrap();
    let damage = recover(&System, &path, |_| true).unwrap().damage.unwrap();
    assert_eq!((damage.kept, damage.torn), (0, false), "what takes too long is not taken for a crash");
}

#[test]
fn no_power_cut_loses_what_was_cut_off_and_not_its_copy() {
    let (memory, path) = (MemoryDisk::default(), Path::new("/log"));
    let disk = Arc::new(memory.clone()) as Disk;
    let mut journal = Journal::open(&disk, path).unwrap();
    let end = journal.append(1, b"one").unwrap().offset;
    drop(journal);
    let size = disk.open(path, Access::Read).unwrap().size().unwrap();
    memory.observe(move |platter| {
        let disk = MemoryDisk::from(platter.clone());
        disk.crash(Loss::All, 0);
        let size_of = |path: &Path| disk.open(path, Access::Read).and_then(|file| file.size()).unwrap_or(0);
        let kept = size_of(path).max(size_of(Path::new("/log.damaged")));
        assert_eq!(kept, size, "it is in the one or the other");
    });
    set_aside(&*disk, path, end, 0).unwrap();
}

#[test]
fn a_new_end_is_written_over_what_a_crash_left_of_one() {
    let (memory, path) = (MemoryDisk::default(), Path::new("/log"));
    let disk = Arc::new(memory.clone()) as Disk;
    memory.replace(Path::new("/log.new"), b"half of what was to be").unwrap();
    let missing = scan(&*disk, path, |_| true).unwrap();
    replace_end(&disk, path, &missing, (7, b"")).unwrap();
    let recovery = recover(&*disk, path, |_| true).unwrap();
    assert_eq!((recovery.entries.len(), recovery.damage), (1, None));
}

#[test]
fn an_entry_over_the_limit_is_refused_and_the_journal_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let mut journal = open(&path);
    let big = vec![0; MAX_ENTRY as usize - 9];
    assert!(matches!(journal.append(1, &[&big[..], b"x"].concat()), Err(Error::TooLarge { .. })));
    journal.append(1, &big).unwrap();
    assert_eq!(heights(&path), [1]);
}
