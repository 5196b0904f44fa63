//! A disk in memory that knows what was synced, and so what a power cut may leave of it.

mod platter;
mod shelf;

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Access, File, Files, Kind};
use crate::Error;
use crate::ledger::{Change, Table, Whole};

pub use platter::{Loss, Platter};
use shelf::Shelf;

/// A disk in memory. A clone is the same disk.
#[derive(Clone, Default)]
pub struct MemoryDisk(Arc<Mutex<Drive>>);

/// The disk with what watches over it.
#[derive(Default)]
struct Drive {
    platter: Platter,
    shelf: Shelf,
    locked: BTreeSet<PathBuf>,
    /// How many writes, syncs and changes of names were carried out.
    changes: u64,
    /// After how many of them each one fails, and how.
    fault: Option<(u64, io::ErrorKind)>,
    observer: Option<Observer>,
}

/// Hears what the disk holds after each change.
type Observer = Box<dyn FnMut(&Platter) + Send>;

impl MemoryDisk {
    /// An empty disk that shares memory with this one where both hold the same.
    pub fn beside(&self) -> Self {
        let shelf = self.drive().shelf.clone();
        Self(Arc::new(Mutex::new(Drive { shelf, ..Drive::default() })))
    }

    /// How many writes, syncs and changes of names were carried out so far.
    pub fn changes(&self) -> u64 {
        self.drive().changes
    }

    /// Carries out `more` changes and then refuses each with an error: disk full, read-only, or the power gone.
    pub fn fail_after(&self, more: u64, kind: io::ErrorKind) {
        let mut drive = self.drive();
        drive.fault = Some((drive.changes + more, kind));
    }

    /// Works again, if it was told to fail.
    pub fn mend(&self) {
        self.drive().fault = None;
    }

    /// Shows `observer` what the disk holds after each change.
    pub fn observe(&self, observer: impl FnMut(&Platter) + Send + 'static) {
        self.drive().observer = Some(Box::new(observer));
    }

    /// Changes one bit of a file, drawn by `seed` from the bytes that were synced, as an ageing disk does. A file that is
    /// empty or missing stays as it is.
    pub fn rot(&self, path: &Path, seed: u64) {
        let mut drive = self.drive();
        if let Ok(file) = drive.platter.file(path) {
            drive.platter.content(file).rot(seed);
        }
    }

    /// Puts a file in the place of what lies there, as if somebody had. Its directory must be there.
    pub fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.open(path, Access::Create)?;
        file.truncate(0)?;
        file.write_all(bytes)?;
        file.sync()
    }

    /// Loses its power and gets it back: what was not synced is lost as `loss` says, drawn by `seed`, and nothing
    /// fails or is locked any more. Drop the stores on it before.
    pub fn crash(&self, loss: Loss, seed: u64) {
        let mut drive = self.drive();
        drive.platter.crash(loss, seed);
        drive.locked.clear();
        drive.fault = None;
    }

    fn drive(&self) -> MutexGuard<'_, Drive> {
        // What panics is an observer, and it changes nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Platter> for MemoryDisk {
    fn from(platter: Platter) -> Self {
        Self(Arc::new(Mutex::new(Drive { platter, ..Drive::default() })))
    }
}

impl fmt::Debug for MemoryDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryDisk after {} changes", self.changes())
    }
}

impl Drive {
    /// Changes what the disk holds, unless it fails.
    fn change<T>(&mut self, change: impl FnOnce(&mut Platter) -> io::Result<T>) -> io::Result<T> {
        if let Some((last, kind)) = self.fault
            && self.changes >= last
        {
            return Err(kind.into());
        }
        let done = change(&mut self.platter)?;
        self.changes += 1;
        if let Some(observer) = &mut self.observer {
            observer(&self.platter);
        }
        Ok(done)
    }
}

impl Files for MemoryDisk {
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn File>> {
        let mut drive = self.drive();
        let file = match drive.platter.file(path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && access == Access::Create => {
                drive.change(|platter| platter.create_file(path))?
            }
            found => found?,
        };
        Ok(Box::new(Handle { disk: self.clone(), file, position: 0 }))
    }

    fn kind(&self, path: &Path) -> Option<Kind> {
        self.drive().platter.kind(path)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.drive().change(|platter| platter.create_dir(dir))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(self.drive().platter.list(dir))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.drive().change(|platter| platter.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.drive().change(|platter| platter.remove(path))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.drive().change(|platter| {
            platter.sync_dir(dir);
            Ok(())
        })
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Any + Send>>> {
        if !self.drive().locked.insert(path.to_owned()) {
            return Ok(None);
        }
        Ok(Some(Box::new(Locked { disk: self.clone(), path: path.to_owned() })))
    }

    fn table(&self, dir: &Path) -> Result<Box<dyn Table>, Error> {
        let mut drive = self.drive();
        let table = match drive.platter.table(dir) {
            Some(table) => table,
            None => drive.change(|platter| platter.create_table(dir)).map_err(Error::at(dir))?,
        };
        Ok(Box::new(OpenTable { disk: self.clone(), table }))
    }
}

/// A lock, let go when dropped.
struct Locked {
    disk: MemoryDisk,
    path: PathBuf,
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.disk.drive().locked.remove(&self.path);
    }
}

/// An open file.
struct Handle {
    disk: MemoryDisk,
    file: u64,
    position: u64,
}

impl Read for Handle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.disk.drive().platter.content(self.file).read(self.position, buffer);
        self.position += read as u64;
        Ok(read)
    }
}

impl Write for Handle {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (file, at) = (self.file, self.position);
        let mut drive = self.disk.drive();
        let shared = drive.shelf.share(bytes);
        drive.change(|platter| {
            platter.content(file).write(at, shared);
            Ok(())
        })?;
        self.position += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Handle {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (from, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::Current(by) => (self.position, by),
            SeekFrom::End(by) => (self.size()?, by),
        };
        self.position = from.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

impl File for Handle {
    fn size(&self) -> io::Result<u64> {
        Ok(self.disk.drive().platter.content(self.file).size())
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        let file = self.file;
        self.disk.drive().change(|platter| {
            platter.content(file).truncate(size);
            Ok(())
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        let file = self.file;
        self.disk.drive().change(|platter| {
            platter.content(file).sync();
            Ok(())
        })
    }
}

/// An open table.
struct OpenTable {
    disk: MemoryDisk,
    table: u64,
}

impl Table for OpenTable {
    fn read(&self) -> Result<Option<Whole>, String> {
        Ok(self.disk.drive().platter.read_table(self.table))
    }

    fn write(&mut self, header: Vec<u8>, changes: &Arc<[Change]>) -> Result<(), String> {
        let (table, write) = (self.table, (header, Arc::clone(changes)));
        let written = self.disk.drive().change(|platter| {
            platter.write_table(table, write);
            Ok(())
        });
        written.map_err(|cause| cause.to_string())
    }
}

#[cfg(test)]
mod tests;
