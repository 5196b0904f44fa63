//! What a power cut leaves of a disk in memory.

use super::*;

const FILE: &str = "/file";

fn write(disk: &MemoryDisk, path: &str, bytes: &[u8]) -> Box<dyn File> {
    let mut file = disk.open(Path::new(path), Access::Create).unwrap();
    file.seek(SeekFrom::End(0)).unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// A disk whose file holds `synced`, with `unsynced` written to it one after the other.
fn written(synced: &[u8], unsynced: &[&[u8]]) -> MemoryDisk {
    let disk = MemoryDisk::default();
    write(&disk, FILE, synced).sync().unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    for bytes in unsynced {
        write(&disk, FILE, bytes);
    }
    disk
}

fn content(disk: &MemoryDisk) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    disk.open(Path::new(FILE), Access::Read).ok()?.read_to_end(&mut bytes).unwrap();
    Some(bytes)
}

/// What is left of `unsynced` by crashes of many seeds.
fn left(loss: Loss, synced: &[u8], unsynced: &[&[u8]]) -> BTreeSet<Vec<u8>> {
    let crashed = (0..200).map(|seed| {
        let disk = written(synced, unsynced);
        disk.crash(loss, seed);
        content(&disk).unwrap()
    });
    crashed.collect()
}

fn texts(texts: &[&str]) -> BTreeSet<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

#[test]
fn a_file_reads_as_written_before_any_crash() {
    let disk = written(b"one", &[b"two", b"six"]);
    assert_eq!(content(&disk).unwrap(), b"onetwosix");
    disk.open(Path::new(FILE), Access::Change).unwrap().truncate(4).unwrap();
    assert_eq!(content(&disk).unwrap(), b"onet");
}

#[test]
fn a_crash_loses_all_that_was_not_synced() {
    assert_eq!(left(Loss::All, b"one", &[b"two", b"six"]), texts(&["one"]));
}

#[test]
fn a_crash_keeps_any_half_and_zeros_for_what_lies_before_it() {
    let expected = texts(&["one", "onetwo", "one\0\0\0six", "onetwosix"]);
    assert_eq!(left(Loss::Half, b"one", &[b"two", b"six"]), expected);
}

#[test]
fn a_crash_tears_the_last_write_at_any_byte() {
    let expected = texts(&["onetwo", "onetwos", "onetwosi", "onetwo\0\0\0", "onetwos\0\0", "onetwosi\0"]);
    assert_eq!(left(Loss::Torn, b"one", &[b"two", b"six"]), expected);
}

#[test]
fn a_synced_file_without_a_synced_name_is_lost() {
    let disk = MemoryDisk::default();
    write(&disk, FILE, b"one").sync().unwrap();
    disk.crash(Loss::All, 0);
    assert_eq!(content(&disk), None);
}

#[test]
fn a_rename_is_done_or_not_after_a_crash() {
    let outcome = |seed| {
        let disk = written(b"old", &[]);
        write(&disk, "/new", b"new").sync().unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        disk.rename(Path::new("/new"), Path::new(FILE)).unwrap();
        disk.crash(Loss::Half, seed);
        (content(&disk).unwrap(), disk.kind(Path::new("/new")).is_some())
    };
    let outcomes: BTreeSet<_> = (0..50).map(outcome).collect();
    assert_eq!(outcomes, BTreeSet::from([(b"old".to_vec(), true), (b"new".to_vec(), false)]));
}

#[test]
fn a_table_goes_back_by_some_writes_and_never_by_half_a_one() {
    let disk = MemoryDisk::default();
    let mut table = disk.table(Path::new("/index")).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    for value in 0..10 {
        let changes = [1, 2].map(|key| (vec![key], Some(vec![value])));
        table.write(vec![value], &changes.into()).unwrap();
    }
    let read = |seed| {
        let mut platter = disk.drive().platter.clone();
        platter.crash(Loss::Half, seed);
        let read = MemoryDisk::from(platter).table(Path::new("/index")).unwrap().read().unwrap();
        let (header, entries) = read.unwrap();
        assert_eq!((entries.len(), &entries[0].1, &entries[1].1), (2, &header, &header));
        entries[0].1[0]
    };
    assert_eq!((0..50).map(read).collect::<BTreeSet<_>>(), (5..10).collect());
}

#[test]
fn disks_beside_each_other_share_what_both_write_and_change_alone() {
    let (one, long) = (MemoryDisk::default(), vec![7; 4096]);
    let other = one.beside();
    for disk in [&one, &other] {
        write(disk, FILE, b"begins").sync().unwrap();
        write(disk, FILE, &long).sync().unwrap();
    }
    let whole = [b"begins", &*long].concat();
    other.rot(Path::new(FILE), 3);
    assert_eq!(content(&one).unwrap(), whole);
    assert_ne!(content(&other).unwrap(), whole);
    assert!(Arc::ptr_eq(&one.drive().shelf.share(&long), &other.drive().shelf.share(&long)));
}

#[test]
fn a_disk_that_fails_refuses_every_change_and_reads_on() {
    let disk = written(b"one", &[]);
    disk.fail_after(1, io::ErrorKind::StorageFull);
    let mut file = write(&disk, FILE, b"two");
    for refused in [file.write(b"six").map(drop), file.sync(), file.truncate(0), disk.remove(Path::new(FILE))]
    {
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
    assert_eq!(content(&disk).unwrap(), b"onetwo");
    disk.mend();
    file.sync().unwrap();
}
