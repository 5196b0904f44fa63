//! Snapshots: the states that a settlement log may begin after, a file each, in parts.
//!
//! A snapshot is there whole or not at all: its file gets its name once it is written, and its parts are numbered down
//! to 0, so that a file cut between two shows it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::entry::{self, Entry};
use crate::files::{Access, Disk};
use crate::journal::{self, Journal};
use crate::{Damage, Error, durable};

/// Snapshots kept: if the last is damaged, the one before leads to the tip.
const KEPT: usize = 2;

/// What the name of an unfinished file ends in.
const UNFINISHED: &str = "new";

/// The last snapshots, each of another height. A clone works on the same files, from any thread.
#[derive(Clone, Debug)]
pub struct Snapshots {
    disk: Disk,
    dir: PathBuf,
    /// Where the parts of each lie.
    whole: Arc<Mutex<BTreeMap<u64, Vec<Entry>>>>,
}

impl Snapshots {
    /// Checks all files, and sets aside those that are damaged.
    pub(crate) fn open(disk: &Disk, dir: &Path, damage: &mut Vec<Damage>) -> Result<Self, Error> {
        durable::create_dir(&**disk, dir)?;
        let snapshots = Self { disk: disk.clone(), dir: dir.to_owned(), whole: Arc::default() };
        for path in disk.list(dir).map_err(Error::at(dir))? {
            let height = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
            if path.extension().is_some_and(|extension| extension == UNFINISHED) {
                disk.remove(&path).map_err(Error::at(&path))?;
            } else if let Some(height) = height.filter(|&height| snapshots.path(height) == path) {
                damage.extend(snapshots.recover(height)?);
            }
        }
        Ok(snapshots)
    }

    /// The heights of the snapshots that are whole, rising.
    pub fn heights(&self) -> Vec<u64> {
        self.whole().keys().copied().collect()
    }

    /// Keeps the snapshot of a height and one before it; on the disk when this returns.
    ///
    /// At least one part, each of at most [`MAX_ENTRY`](crate::MAX_ENTRY) bytes.
    pub fn put(&self, height: u64, parts: &[Vec<u8>]) -> Result<(), Error> {
        let (path, unfinished) = (self.path(height), self.path(height).with_extension(UNFINISHED));
        if self.disk.kind(&unfinished).is_some() {
            self.disk.remove(&unfinished).map_err(Error::at(&unfinished))?;
        }
        let mut journal = Journal::open(&self.disk, &unfinished)?;
        let numbered: Vec<_> = (0..parts.len() as u64).rev().zip(parts.iter().map(Vec::as_slice)).collect();
        let entries = journal.append_all(&numbered)?;
        drop(journal);
        self.disk.rename(&unfinished, &path).map_err(Error::at(&path))?;
        durable::sync_parent(&*self.disk, &path)?;
        let mut whole = self.whole();
        whole.insert(height, entries);
        while whole.len() > KEPT {
            let (dropped, _) = whole.pop_first().expect("more than are kept");
            let path = self.path(dropped);
            self.disk.remove(&path).map_err(Error::at(&path))?;
        }
        Ok(())
    }

    /// One part of a snapshot, counted from 0; `None` past the last, or if there is no such snapshot.
    pub fn part(&self, height: u64, number: u64) -> Result<Option<Vec<u8>>, Error> {
        let place = usize::try_from(number).ok();
        let entry = self.whole().get(&height).and_then(|entries| entries.get(place?).copied());
        let Some(entry) = entry else { return Ok(None) };
        let path = self.path(height);
        let read = || entry::content(&mut *self.disk.open(&path, Access::Read)?, entry);
        match read().map_err(Error::at(&path))? {
            Some(part) => Ok(Some(part)),
            None => Err(Error::Damaged { path, height }),
        }
    }

    /// Sets all aside, beside their files.
    pub(crate) fn set_aside(&self) -> Result<Vec<Damage>, Error> {
        self.heights().into_iter().map(|height| self.set_file_aside(height)).collect()
    }

    fn set_file_aside(&self, height: u64) -> Result<Damage, Error> {
        let path = self.path(height);
        let size = || self.disk.open(&path, Access::Read)?.size();
        let lost = size().map_err(Error::at(&path))?;
        self.whole().remove(&height);
        durable::set_aside(&*self.disk, &path, ".damaged")?;
        Ok(Damage { path, kept: 0, lost, torn: false }.report())
    }

    fn recover(&self, height: u64) -> Result<Option<Damage>, Error> {
        let (path, mut last) = (self.path(height), None);
        let follows = |rest: u64| {
            let follows = last.is_none_or(|last: u64| last.checked_sub(1) == Some(rest));
            last = Some(rest);
            follows
        };
        let scan = journal::scan(&*self.disk, &path, follows)?;
        if scan.is_clean() && scan.entries.last().is_some_and(|last| last.height == 0) {
            self.whole().insert(height, scan.entries);
            return Ok(None);
        }
        self.set_file_aside(height).map(Some)
    }

    fn path(&self, height: u64) -> PathBuf {
        self.dir.join(format!("{height:020}.snapshot"))
    }

    fn whole(&self) -> MutexGuard<'_, BTreeMap<u64, Vec<Entry>>> {
        self.whole.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
