//! The ledger index: the state at some height, so that a start need not apply every settlement again.
//!
//! sled promises little after a power cut, and may fail to open, so nothing here is the truth: on any doubt
//! the index is set aside and the caller builds it again from the settlement log.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crypto::Hash;

use crate::{Error, durable};

/// Enough for the hot part of a ledger, and little enough for many neurons in one process.
const CACHE_BYTES: u64 = 16 << 20;

/// How often sled writes what it has and syncs; a crash loses at most this of the index.
const FLUSH_EVERY_MS: u64 = 500;

/// sled keeps buffers of this size for each index.
const SEGMENT_BYTES: usize = 64 << 10;

/// Longer than a healthy index takes to write what it has.
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);

/// The key of the height and root, before all entries.
const HEADER_KEY: &[u8] = &[0];
/// What an entry's key starts with.
const ENTRY_PREFIX: u8 = 1;

const HEADER_BYTES: usize = size_of::<u64>() + size_of::<Hash>();

/// A key with its new value, or with `None` where the entry goes.
pub type Change = (Vec<u8>, Option<Vec<u8>>);

/// The ledger's state at one height, as far as sled remembers it.
///
/// Height, root and entries were written together, but compare the root of the entries with `root`, and that
/// with the certified one, before relying on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// The height of the last settlement that was applied.
    pub height: u64,
    /// The state root that the writer gave.
    pub root: Hash,
    /// Keys and values in the order of keys.
    pub entries: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The ledger index in its directory.
pub(crate) struct Ledger {
    dir: PathBuf,
    /// Open but for the moments in which its directory is renamed.
    db: Option<sled::Db>,
}

impl Ledger {
    /// Opens the index, or says why it will not open.
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        let db = open(dir)?;
        Ok(Self { dir: dir.to_owned(), db: Some(db) })
    }

    /// Opens an empty index where another lay, which is set aside.
    pub(crate) fn start_anew(dir: &Path) -> Result<Self, Error> {
        if dir.exists() {
            durable::set_aside(dir, ".broken")?;
        }
        Self::open(dir)
    }

    /// All that is held, `None` for nothing.
    pub(crate) fn read(&self) -> Result<Option<Index>, Error> {
        self.guarded(|db| {
            let Some(header) = db.get(HEADER_KEY)? else {
                return if db.is_empty() { Ok(None) } else { Err(corrupt("entries without a height")) };
            };
            let (height, root) = read_header(&header).ok_or_else(|| corrupt("the height is malformed"))?;
            let entries = db.scan_prefix([ENTRY_PREFIX]).map(|entry| {
                let (key, value) = entry?;
                Ok((key[1..].to_vec(), value.to_vec()))
            });
            Ok(Some(Index { height, root, entries: entries.collect::<sled::Result<_>>()? }))
        })
    }

    /// Applies all changes with their height and root, or none.
    pub(crate) fn write(&self, height: u64, root: Hash, changes: &[Change]) -> Result<(), Error> {
        let mut batch = sled::Batch::default();
        for (key, value) in changes {
            let key = [&[ENTRY_PREFIX], key.as_slice()].concat();
            match value {
                Some(value) => batch.insert(key, value.as_slice()),
                None => batch.remove(key),
            }
        }
        batch.insert(HEADER_KEY, [&height.to_be_bytes(), root.0.as_slice()].concat());
        self.guarded(|db| db.apply_batch(batch))
    }

    /// Sets the index aside and starts an empty one.
    pub(crate) fn reset(&mut self) -> Result<(), Error> {
        self.close();
        *self = Self::start_anew(&self.dir)?;
        Ok(())
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Closes sled on a thread of its own: where its flusher has panicked, closing waits for it for ever.
    fn close(&mut self) {
        let Some(db) = self.db.take() else { return };
        let (closed, wait) = mpsc::channel();
        thread::spawn(move || {
            drop(db);
            let _ = closed.send(());
        });
        if wait.recv_timeout(CLOSE_DEADLINE).is_err() {
            tracing::warn!(dir = ?self.dir, "the ledger index does not close and is left behind");
        }
    }

    fn guarded<T>(&self, work: impl FnOnce(&sled::Db) -> sled::Result<T>) -> Result<T, Error> {
        let db = self.db.as_ref().ok_or_else(|| corrupt("closed after a failed reset"));
        guarded(&self.dir, || work(db?))
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.close();
    }
}

fn open(dir: &Path) -> Result<sled::Db, Error> {
    let config = sled::Config::new()
        .path(dir)
        .cache_capacity(CACHE_BYTES)
        .segment_size(SEGMENT_BYTES)
        .flush_every_ms(Some(FLUSH_EVERY_MS));
    await_unlocked(dir);
    let db = guarded(dir, || config.open())?;
    durable::sync_parent(dir)?;
    Ok(db)
}

/// Waits until sled may lock its file: its threads hold the lock a moment longer than the index that was dropped.
/// Whatever else is wrong with the file is for sled to say.
fn await_unlocked(dir: &Path) {
    if let Ok(file) = File::open(dir.join("db")) {
        let _ = durable::lock(&file);
    }
}

/// Runs sled, which panics on some damage instead of reporting it.
fn guarded<T>(dir: &Path, work: impl FnOnce() -> sled::Result<T>) -> Result<T, Error> {
    let cause = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "sled panicked".to_owned(),
    };
    Err(Error::Index { path: dir.to_owned(), cause })
}

fn corrupt(what: &str) -> sled::Error {
    sled::Error::Unsupported(what.to_owned())
}

fn read_header(bytes: &[u8]) -> Option<(u64, Hash)> {
    let bytes: &[u8; HEADER_BYTES] = bytes.try_into().ok()?;
    let (height, root) = bytes.split_first_chunk()?;
    Some((u64::from_be_bytes(*height), Hash(root.try_into().ok()?)))
}
