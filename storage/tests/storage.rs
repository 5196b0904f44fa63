//! What a store promises: nothing acknowledged is lost, nothing damaged is believed, nothing panics.

#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crypto::hash;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use storage::{Blobs, Damage, Error, Index, Loss, MemoryDisk, Store};
use tempfile::TempDir;

/// In memory where there is such a place: thousands of syncs take their time on a busy disk.
fn dir() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn open(dir: &TempDir) -> Store {
    Store::open(dir.path()).unwrap()
}

/// A settlement that differs from every other in content and length.
fn settlement(height: u64) -> Vec<u8> {
    format!("settlement {height} {}", "x".repeat(height as usize % 7)).into_bytes()
}

fn filled(tip: u64) -> TempDir {
    let dir = dir();
    let mut store = open(&dir);
    for height in 1..=tip {
        store.append_settlement(height, &settlement(height)).unwrap();
    }
    dir
}

fn log(dir: &TempDir, first: u64) -> PathBuf {
    dir.path().join(format!("settlements/{first:020}.log"))
}

/// The store holds the settlements up to its tip and takes the next.
fn check(store: &mut Store) -> u64 {
    let tip = store.tip();
    for height in 1..=tip {
        assert_eq!(store.settlement(height).unwrap(), Some(settlement(height)));
    }
    assert_eq!(store.settlement(0).unwrap(), None);
    assert_eq!(store.settlement(tip + 1).unwrap(), None);
    store.append_settlement(tip + 1, &settlement(tip + 1)).unwrap();
    assert_eq!(store.settlement(tip + 1).unwrap(), Some(settlement(tip + 1)));
    tip
}

fn flip(path: &Path, at: usize, bit: u32) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1 << bit;
    fs::write(path, bytes).unwrap();
}

fn truncate(path: &Path, size: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(size).unwrap();
}

#[test]
fn a_reopened_store_holds_all_settlements_over_several_files() {
    let dir = filled(1030);
    assert!(log(&dir, 1).exists() && log(&dir, 1025).exists());
    let mut store = open(&dir);
    assert_eq!(store.damage(), []);
    assert_eq!(check(&mut store), 1030);
}

#[test]
fn settlements_appended_together_go_to_several_files_and_a_torn_one_keeps_the_first() {
    let dir = dir();
    let batch: Vec<_> = (1..=2_100).map(settlement).collect();
    open(&dir).append_settlements(1, &batch).unwrap();
    assert_eq!(check(&mut open(&dir)), 2_100);
    let last = log(&dir, 2_049);
    truncate(&last, fs::metadata(&last).unwrap().len() / 2);
    assert!((2_049..2_100).contains(&check(&mut open(&dir))));
}

#[test]
fn settlements_appended_together_that_do_not_follow_are_refused() {
    let dir = filled(3);
    let refused = open(&dir).append_settlements(5, &[settlement(5), settlement(6)]);
    assert!(matches!(refused, Err(Error::Gap { tip: 3, height: 5 })));
    assert_eq!(check(&mut open(&dir)), 3);
}

#[test]
fn settlements_are_served_up_to_a_size_and_one_at_least() {
    let dir = filled(1030);
    let mut store = open(&dir);
    let from = |store: &mut Store, height, room| store.settlements_from(height, room).unwrap();
    assert_eq!(from(&mut store, 1024, 1 << 20), (1024..=1030).map(settlement).collect::<Vec<_>>());
    assert_eq!(from(&mut store, 1024, 0), [settlement(1024)]);
    assert_eq!(from(&mut store, 1, 120).len(), 3);
    assert_eq!(from(&mut store, 1031, 1 << 20), Vec::<Vec<u8>>::new());
    assert_eq!(from(&mut store, u64::MAX, 1 << 20), Vec::<Vec<u8>>::new());
}

#[test]
fn a_settlement_that_does_not_follow_is_refused_with_both_heights() {
    let dir = filled(3);
    let mut store = open(&dir);
    for height in [0, 1, 3, 5, u64::MAX] {
        let error = store.append_settlement(height, b"x").unwrap_err();
        assert!(matches!(error, Error::Gap { tip: 3, .. }));
        assert!(error.to_string().contains(&format!("settlement {height} does not follow settlement 3")));
    }
    assert_eq!(check(&mut store), 3);
}

#[test]
fn a_second_store_on_the_directory_is_refused_in_one_line() {
    let dir = filled(2);
    let store = open(&dir);
    let error = Store::open(dir.path()).err().unwrap();
    assert!(matches!(&error, Error::Locked { path } if path == dir.path()));
    assert_eq!(error.to_string().lines().count(), 1);
    drop(store);
    assert_eq!(open(&dir).tip(), 2);
}

#[test]
fn a_store_that_cannot_be_made_names_the_path_and_the_cause() {
    let dir = dir();
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    let text = Store::open(&file.join("store")).err().unwrap().to_string();
    assert!(text.starts_with(file.to_str().unwrap()) && text.contains("os error"), "{text}");
}

#[test]
fn a_full_disk_names_the_path_and_the_cause() {
    let dir = filled(0);
    fs::remove_file(dir.path().join("votes.log")).unwrap();
    std::os::unix::fs::symlink("/dev/full", dir.path().join("votes.log")).unwrap();
    let text = Store::open(dir.path()).err().unwrap().to_string();
    assert!(text.contains("votes.log: No space left on device"), "{text}");
}

#[test]
fn only_the_owner_may_enter_the_directory() {
    use std::os::unix::fs::PermissionsExt;
    let dir = dir();
    let nested = dir.path().join("a/b");
    Store::open(&nested).unwrap();
    assert_eq!(fs::metadata(nested).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_torn_tail_is_cut_at_the_first_bad_entry() {
    let dir = filled(4);
    let path = log(&dir, 1);
    let size = fs::metadata(&path).unwrap().len();
    truncate(&path, size - 1);
    let mut store = open(&dir);
    assert!(matches!(store.damage(), [Damage { kept: 3, torn: true, .. }]));
    assert_eq!(check(&mut store), 3);
}

#[test]
fn a_changed_bit_in_the_last_vote_is_damage_since_the_vote_may_have_left() {
    let dir = dir();
    open(&dir).append_votes(1, &[vec![7; 100]]).unwrap();
    let path = dir.path().join(storage::VOTES);
    let size = fs::metadata(&path).unwrap().len();
    flip(&path, size as usize - 50, 0);
    assert!(matches!(open(&dir).damage(), [Damage { kept: 0, torn: false, .. }]));
}

#[test]
fn a_vote_log_that_was_taken_away_is_damage() {
    let dir = filled(1);
    let path = dir.path().join(storage::VOTES);
    for take in [|path: &Path| fs::remove_file(path), |path: &Path| fs::write(path, b"")] {
        take(&path).unwrap();
        assert!(matches!(open(&dir).damage(), [Damage { kept: 0, torn: false, .. }]));
    }
}

#[test]
fn a_last_vote_that_was_not_written_to_its_end_is_torn() {
    let dir = dir();
    open(&dir).append_votes(1, &[vec![7; 100]]).unwrap();
    let path = dir.path().join(storage::VOTES);
    let size = fs::metadata(&path).unwrap().len();
    truncate(&path, size - 50);
    truncate(&path, size);
    assert!(matches!(open(&dir).damage(), [Damage { kept: 0, torn: true, .. }]));
}

#[test]
fn a_log_cut_at_any_byte_opens_with_the_entries_before_it() {
    let dir = filled(5);
    let whole = fs::read(log(&dir, 1)).unwrap();
    let tip_after = |size| {
        fs::write(log(&dir, 1), &whole[..size]).unwrap();
        check(&mut open(&dir))
    };
    let tips: Vec<_> = (0..=whole.len()).map(tip_after).collect();
    assert!(tips.is_sorted());
    assert_eq!((tips[0], tips[whole.len() - 1], tips[whole.len()]), (0, 4, 5));
}

#[test]
fn a_log_with_any_bit_flipped_opens_with_the_entries_before_it_and_says_so() {
    let (dir, mut random) = (filled(5), SmallRng::seed_from_u64(1));
    let whole = fs::read(log(&dir, 1)).unwrap();
    for at in 0..whole.len() {
        fs::write(log(&dir, 1), &whole).unwrap();
        flip(&log(&dir, 1), at, random.random_range(0..8));
        let mut store = open(&dir);
        let harmless = (4..12).contains(&at);
        assert_eq!(store.damage().is_empty(), harmless, "byte {at}");
        assert!(store.damage().iter().all(|damage| !damage.torn), "byte {at}: no crash does that");
        let (kept, tip) = (store.damage().first().map_or(5, |damage| damage.kept), check(&mut store));
        assert_eq!(tip, kept);
        assert!(tip >= (at as u64 * 5 / whole.len() as u64).saturating_sub(1), "byte {at} leaves {tip}");
    }
}

#[test]
fn damage_in_an_early_file_keeps_the_heights_before_and_sets_the_rest_aside() {
    let dir = filled(2050);
    flip(&log(&dir, 1), 5000, 3);
    let mut store = open(&dir);
    let kept = store.tip();
    assert!((100..1024).contains(&kept), "{kept}");
    assert!(store.damage().iter().all(|damage| !damage.torn));
    assert_eq!(store.damage().len(), 3);
    for first in [1, 1025, 2049] {
        assert!(log(&dir, first).with_extension("log.damaged").exists());
    }
    for height in kept + 1..=2050 {
        store.append_settlement(height, &settlement(height)).unwrap();
    }
    drop(store);
    let mut store = open(&dir);
    assert_eq!(store.damage(), []);
    assert_eq!(check(&mut store), 2050);
}

#[test]
fn a_file_that_holds_other_heights_than_its_name_says_is_not_believed() {
    let dir = filled(1030);
    fs::copy(log(&dir, 1), log(&dir, 1025)).unwrap();
    fs::write(dir.path().join("settlements/7.log"), b"no file of ours").unwrap();
    let mut store = open(&dir);
    assert!(matches!(store.damage(), [Damage { kept: 0, torn: false, .. }]));
    assert_eq!(check(&mut store), 1024);
}

/// Copies what the system has of the directory: what a process killed now leaves.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(file.file_name());
        if file.path().is_dir() {
            copy(&file.path(), &to);
        } else {
            fs::copy(file.path(), to).unwrap();
        }
    }
}

#[test]
fn a_neuron_killed_at_any_time_has_all_that_was_acknowledged() {
    let dir = dir();
    let mut store = open(&dir);
    for height in 1..=20 {
        store.append_votes(height, &entries(&["body", "prevote"])).unwrap();
        let killed = self::dir();
        copy(dir.path(), killed.path());
        let mut copied = open(&killed);
        assert_eq!(copied.votes(height).unwrap(), entries(&["body", "prevote"]));
        assert!(copied.index().unwrap().is_none_or(|index| index.entries[0].1 == [index.height as u8]));
        assert_eq!(check(&mut copied), height - 1);
        store.append_settlement(height, &settlement(height)).unwrap();
        store.write_index(height, hash("test", &[]), [(vec![1], Some(vec![height as u8]))]).unwrap();
    }
}

#[test]
fn damage_done_while_the_store_is_open_is_reported_and_not_served() {
    let dir = filled(5);
    let mut store = open(&dir);
    flip(&log(&dir, 1), 30, 0);
    assert!(matches!(store.settlement(1), Err(Error::Damaged { height: 1, .. })));
    assert!(store.settlements_from(1, 100).is_err());
    assert_eq!(store.settlement(2).unwrap(), Some(settlement(2)));
}

fn entries(names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| name.as_bytes().to_vec()).collect()
}

#[test]
fn votes_survive_a_reopen_and_belong_to_one_height() {
    let dir = filled(6);
    let mut store = open(&dir);
    store.append_votes(7, &entries(&["prevote", "", "body"])).unwrap();
    store.append_votes(7, &entries(&["precommit"])).unwrap();
    drop(store);
    let mut store = open(&dir);
    assert_eq!(store.votes(7).unwrap(), entries(&["prevote", "", "body", "precommit"]));
    assert_eq!(store.votes(6).unwrap(), entries(&[]));
    store.append_settlement(7, &settlement(7)).unwrap();
    store.append_votes(8, &entries(&["next"])).unwrap();
    drop(store);
    let store = open(&dir);
    assert_eq!(store.votes(7).unwrap(), entries(&[]));
    assert_eq!((store.votes_height(), store.votes(8).unwrap()), (8, entries(&["next"])));
}

#[test]
fn votes_for_an_earlier_height_are_refused_even_if_the_settlements_are_gone() {
    let dir = filled(6);
    open(&dir).append_votes(7, &entries(&["prevote"])).unwrap();
    truncate(&log(&dir, 1), 0);
    let mut store = open(&dir);
    assert_eq!((store.tip(), store.votes_height()), (0, 7));
    let refused = store.append_votes(1, &entries(&["prevote"]));
    assert!(matches!(refused, Err(Error::PastVote { height: 1, latest: 7 })));
}

#[test]
fn a_vote_log_cut_at_any_byte_opens_with_the_whole_batches_before_it() {
    let (dir, batches) = (dir(), [entries(&["a", "bc"]), entries(&["d"]), entries(&["ef", "g"])]);
    let mut store = open(&dir);
    for batch in &batches {
        store.append_votes(1, batch).unwrap();
    }
    drop(store);
    let path = dir.path().join("votes.log");
    for size in (0..fs::metadata(&path).unwrap().len()).rev() {
        truncate(&path, size);
        let votes = open(&dir).votes(1).unwrap();
        assert!((0..3).any(|whole| votes == batches[..whole].concat()), "{size}: {votes:?}");
    }
}

#[test]
fn a_vote_log_does_not_grow_with_the_heights() {
    let dir = dir();
    let mut store = open(&dir);
    for height in 1..=12 {
        store.append_votes(height, &[vec![height as u8; 1 << 20]]).unwrap();
    }
    assert!(fs::metadata(dir.path().join("votes.log")).unwrap().len() < 6 << 20);
    assert_eq!(store.votes(12).unwrap(), [vec![12; 1 << 20]]);
}

/// A store with two settlements and the index at the second.
fn indexed() -> (TempDir, Index) {
    let dir = filled(2);
    let mut store = open(&dir);
    assert_eq!(store.index().unwrap(), None);
    let set = |key: &[u8], value: &[u8]| (key.to_vec(), Some(value.to_vec()));
    let (one, two) = (hash("test", &[b"1"]), hash("test", &[b"2"]));
    store.write_index(1, one, [set(b"b", b"1"), set(b"a", b"1"), set(b"", b"1")]).unwrap();
    store.write_index(2, two, [(b"a".to_vec(), None), set(b"c", b"2")]).unwrap();
    let entries = [("", "1"), ("b", "1"), ("c", "2")].map(|(key, value)| (key.into(), value.into()));
    (dir, Index { height: 2, root: two, entries: entries.to_vec() })
}

#[test]
fn the_index_survives_a_reopen_with_its_height_and_root_in_the_order_of_keys() {
    let (dir, index) = indexed();
    let mut store = open(&dir);
    assert_eq!(store.damage(), []);
    assert_eq!(store.index().unwrap(), Some(index));
    store.reset_index().unwrap();
    assert_eq!(store.index().unwrap(), None);
    assert!(dir.path().join("index.broken").exists());
}

#[test]
fn the_index_holds_values_of_every_size() {
    let dir = filled(1);
    let sizes = [0, 1, 60_000, 70_000, 300_000, 3_000_000];
    let values: Vec<_> = (0u8..).zip(sizes).map(|(key, size)| (vec![key], vec![key; size])).collect();
    let changes: Vec<_> = values.iter().cloned().map(|(key, value)| (key, Some(value))).collect();
    open(&dir).write_index(1, hash("test", &[]), changes).unwrap();
    assert_eq!(open(&dir).index().unwrap().unwrap().entries, values);
}

#[test]
fn an_index_ahead_of_the_log_is_set_aside() {
    let (dir, _) = indexed();
    truncate(&log(&dir, 1), 0);
    let mut store = open(&dir);
    assert_eq!(store.index().unwrap(), None);
    assert!(store.damage().iter().any(|damage| damage.path.ends_with("index")));
}

#[test]
fn a_broken_index_is_none_and_the_log_is_whole() {
    for garbage in [vec![0xa5; 200_000], vec![]] {
        let (dir, index) = indexed();
        fs::write(dir.path().join("index/db"), &garbage).unwrap();
        let mut store = open(&dir);
        assert_eq!(store.index().unwrap(), None);
        store.write_index(2, index.root, [(b"k".to_vec(), Some(b"v".to_vec()))]).unwrap();
        assert_eq!(store.index().unwrap().unwrap().height, 2);
        assert_eq!(check(&mut store), 2);
        drop(store);
        assert_eq!(open(&dir).index().unwrap().unwrap().root, index.root);
    }
}

#[test]
fn an_index_with_any_byte_changed_is_right_or_none_or_has_another_root_to_compare() {
    let ((whole, index), dir, mut random) = (indexed(), filled(2), SmallRng::seed_from_u64(2));
    let (whole, here) = (whole.path().join("index"), dir.path().join("index"));
    for file in fs::read_dir(&whole).unwrap().map(Result::unwrap).filter(|file| file.path().is_file()) {
        let bytes = fs::read(file.path()).unwrap();
        let written: Vec<_> = (0..bytes.len()).filter(|&at| bytes[at] != 0).collect();
        for &at in written.iter().step_by(written.len().div_ceil(60)) {
            fs::remove_dir_all(&here).unwrap();
            copy(&whole, &here);
            flip(&here.join(file.file_name()), at, random.random_range(0..8));
            if let Some(read) = open(&dir).index().unwrap() {
                assert!(read == index || read.height < index.height, "{file:?} byte {at}: {read:?}");
            }
            assert_eq!(open(&dir).tip(), 2);
        }
    }
}

#[test]
fn an_index_that_is_a_file_is_set_aside_and_does_not_block_the_next() {
    let (dir, _) = indexed();
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    fs::write(dir.path().join("index"), b"no directory").unwrap();
    let mut store = open(&dir);
    assert_eq!(store.index().unwrap(), None);
    store.reset_index().unwrap();
    assert!(dir.path().join("index.broken").is_dir());
}

#[test]
fn a_blob_reads_back_by_its_hash_and_a_damaged_one_is_set_aside_until_put_again() {
    let dir = dir();
    let store = open(&dir);
    let hash = store.blobs().put(b"weights").unwrap();
    assert_eq!(hash, Blobs::hash(b"weights"));
    assert_eq!(store.blobs().put(b"weights").unwrap(), hash);
    assert_eq!(store.blobs().get(hash).unwrap(), Some(b"weights".to_vec()));
    flip(&store.blobs().path(hash), 2, 1);
    assert_eq!(store.blobs().get(hash).unwrap(), None);
    assert!(!store.blobs().contains(hash));
    store.blobs().put(b"weights").unwrap();
    drop(store);
    assert_eq!(open(&dir).blobs().get(hash).unwrap(), Some(b"weights".to_vec()));
    assert_eq!(open(&dir).blobs().get(Blobs::hash(b"other")).unwrap(), None);
}

#[test]
fn a_note_reads_back_after_a_reopen_and_a_damaged_one_is_set_aside() {
    let dir = dir();
    assert_eq!(open(&dir).note().unwrap(), None);
    for note in [b"first".to_vec(), vec![], vec![7; 100_000]] {
        open(&dir).save_note(&note).unwrap();
        assert_eq!(open(&dir).note().unwrap(), Some(note));
    }
    assert!(open(&dir).save_note(&vec![0; storage::MAX_NOTE + 1]).is_err());
    flip(&dir.path().join("note"), 5_000, 1);
    let mut store = open(&dir);
    assert_eq!(store.note().unwrap(), None);
    assert!(matches!(store.damage(), [Damage { torn: false, .. }]));
    assert!(dir.path().join("note.damaged").exists());
}

#[test]
fn a_note_a_claim_and_a_snapshot_survive_a_power_cut_right_after() {
    let writes: [fn(&Store); 3] = [
        |store| store.save_note(b"note").unwrap(),
        |store| store.save_claim(b"claim").unwrap(),
        |store| store.snapshots().put(1, &[b"part".to_vec()]).unwrap(),
    ];
    for loss in Loss::ALL {
        let disk = MemoryDisk::default();
        let open = || Store::open_in_memory(&disk, Path::new("/store")).unwrap();
        for (seed, write) in (0..).zip(writes) {
            write(&open());
            disk.crash(loss, seed);
        }
        let mut store = open();
        assert_eq!(store.note().unwrap(), Some(b"note".to_vec()), "{loss:?}");
        assert_eq!(store.claim().unwrap(), Some(b"claim".to_vec()), "{loss:?}");
        assert_eq!(store.snapshots().part(1, 0).unwrap(), Some(b"part".to_vec()), "{loss:?}");
        assert_eq!(store.damage(), [], "{loss:?}");
    }
}

#[test]
fn peers_survive_a_reopen_and_what_is_no_address_is_left_out() {
    let dir = dir();
    let store = open(&dir);
    assert_eq!(store.peers().unwrap(), Vec::<String>::new());
    let long = "x".repeat(storage::MAX_ADDRESS + 1);
    store.save_peers(&["/ip4/127.0.0.1/tcp/1", "two\nlines", "", &long].map(String::from)).unwrap();
    drop(store);
    let store = open(&dir);
    assert_eq!(store.peers().unwrap(), ["/ip4/127.0.0.1/tcp/1"]);
    let mut file = OpenOptions::new().append(true).open(dir.path().join("peers")).unwrap();
    file.write_all(b"\xff\xfe\n/ip4/1.1.1.1/tcp/2\n").unwrap();
    assert_eq!(store.peers().unwrap().len(), 2);
    store.save_peers(&vec!["/a".to_owned(); 2000]).unwrap();
    assert_eq!(store.peers().unwrap().len(), storage::MAX_PEERS);
}
