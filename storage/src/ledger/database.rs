//! The table that sled keeps.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use super::{Change, Table, Whole};
use crate::files::{self, System};
use crate::{Error, durable};

/// The key of the header, before all entries.
const HEADER_KEY: &[u8] = &[0];

/// What an entry's key starts with.
const ENTRY_PREFIX: u8 = 1;

/// Enough for the hot part of a ledger, and little enough for many neurons in one process.
const CACHE_BYTES: u64 = 16 << 20;

/// How often sled writes what it has and syncs; a crash loses at most this of the index.
const FLUSH_EVERY_MS: u64 = 500;

/// sled keeps buffers of this size for each index.
const SEGMENT_BYTES: usize = 64 << 10;

/// Longer than a healthy index takes to write what it has.
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);

/// The table that sled keeps in a directory.
pub(crate) struct Database {
    dir: PathBuf,
    /// Open until it is dropped.
    db: Option<sled::Db>,
}

impl Database {
    /// Opens it, or says why it will not open.
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        let config = sled::Config::new()
            .path(dir)
            .cache_capacity(CACHE_BYTES)
            .segment_size(SEGMENT_BYTES)
            .flush_every_ms(Some(FLUSH_EVERY_MS));
        await_unlocked(dir);
        let db = guarded(|| config.open()).map_err(|cause| Error::Index { path: dir.to_owned(), cause })?;
        durable::sync_parent(&System, dir)?;
        Ok(Self { dir: dir.to_owned(), db: Some(db) })
    }

    fn db(&self) -> &sled::Db {
        self.db.as_ref().expect("open until it is dropped")
    }
}

impl Table for Database {
    fn read(&self) -> Result<Option<Whole>, String> {
        let records: Vec<_> = guarded(|| self.db().iter().collect())?;
        let mut records = records.into_iter();
        let header = match records.next() {
            Some((key, header)) if key == HEADER_KEY => header.to_vec(),
            Some(_) => return Err("entries without a height".to_owned()),
            None => return Ok(None),
        };
        Ok(Some((header, records.map(|(key, value)| (key[1..].to_vec(), value.to_vec())).collect())))
    }

    fn write(&mut self, header: Vec<u8>, changes: &Arc<[Change]>) -> Result<(), String> {
        let mut batch = sled::Batch::default();
        batch.insert(HEADER_KEY, header);
        for (key, value) in changes.iter() {
            let key = [&[ENTRY_PREFIX], &key[..]].concat();
            match value {
                Some(value) => batch.insert(key, &**value),
                None => batch.remove(key),
            }
        }
        guarded(|| self.db().apply_batch(batch))
    }
}

impl Drop for Database {
    /// Closes sled on a thread of its own: where its flusher has panicked, closing waits for it for ever.
    fn drop(&mut self) {
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
}

/// Waits until sled may lock its file: its threads hold the lock a moment longer than the index that was dropped.
/// Whatever else is wrong with the file is for sled to say.
fn await_unlocked(dir: &Path) {
    if let Ok(file) = File::open(dir.join("db")) {
        let _ = files::lock(&file);
    }
}

/// Runs sled, which panics on some damage instead of reporting it.
fn guarded<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(_) => Err("sled panicked".to_owned()),
    }
}
