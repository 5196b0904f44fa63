//! A disk that fails, and files in every state a crash can leave.

use std::cell::Cell;

use super::*;

thread_local! {
    /// How many writes and syncs the disk of this thread still takes.
    static ROOM: Cell<u32> = const { Cell::new(u32::MAX) };
}

/// A file on a disk that fails when [`ROOM`] is used up.
struct Failing(File);

fn spend() -> io::Result<()> {
    let room = ROOM.get();
    ROOM.set(room.saturating_sub(1));
    if room == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
}

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        spend()?;
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

impl Storage for Failing {
    type OpenOptions = ();

    fn open_with(path: impl AsRef<Path>, options: ()) -> io::Result<Self> {
        <File as Storage>::open_with(path, options).map(Self)
    }

    fn size_bytes(&self) -> io::Result<u64> {
        self.0.size_bytes()
    }

    fn truncate_to(&mut self, size: u64) -> io::Result<()> {
        spend()?;
        self.0.truncate_to(size)
    }

    fn sync_all(&mut self) -> io::Result<()> {
        spend()?;
        Storage::sync_all(&mut self.0)
    }
}

fn heights(path: &Path) -> Vec<u64> {
    recover(path, |_| true).unwrap().entries.iter().map(|entry| entry.height).collect()
}

#[test]
fn a_disk_that_fails_at_any_write_or_sync_ends_the_journal_and_loses_nothing_acknowledged() {
    for room in 0..5 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        ROOM.set(u32::MAX);
        let mut journal = Journal::<Failing>::open(&path).unwrap();
        journal.append(1, b"one").unwrap();
        ROOM.set(room);
        let Err(Error::Io { path: culprit, cause }) = journal.append(2, b"two") else { panic!("{room}") };
        assert_eq!((culprit, cause.kind()), (path.clone(), io::ErrorKind::StorageFull));
        ROOM.set(u32::MAX);
        assert!(matches!(journal.append(2, b"two"), Err(Error::Halted { .. })));
        drop(journal);
        assert_eq!(heights(&path)[0], 1, "after {room} writes");
    }
}

#[test]
fn a_file_that_never_got_its_header_is_empty() {
    for size in 0..HEADER_SIZE {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, vec![0; size as usize]).unwrap();
        assert_eq!(heights(&path), []);
        Journal::<File>::open(&path).unwrap().append(1, b"one").unwrap();
        assert_eq!(heights(&path), [1]);
    }
}

#[test]
fn a_tail_of_zeros_is_torn_and_other_bytes_are_damage() {
    for (tail, torn) in [(vec![0; 5000], true), (vec![0, 1], true), (vec![7; 40], false)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        Journal::<File>::open(&path).unwrap().append(1, b"one").unwrap();
        let size = fs::metadata(&path).unwrap().len();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(&tail).unwrap();
        let damage = recover(&path, |_| true).unwrap().damage.unwrap();
        assert_eq!((damage.kept, damage.lost, damage.torn), (1, tail.len() as u64, torn));
        assert_eq!(fs::metadata(&path).unwrap().len(), size);
        assert_eq!(durable::beside(&path, ".damaged").exists(), !torn);
    }
}

#[test]
fn an_entry_over_the_limit_is_refused_and_the_journal_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let mut journal = Journal::<File>::open(&path).unwrap();
    let big = vec![0; MAX_ENTRY as usize - 8];
    assert!(matches!(journal.append(1, &[&big[..], b"x"].concat()), Err(Error::TooLarge { .. })));
    journal.append(1, &big).unwrap();
    assert_eq!(heights(&path), [1]);
}
