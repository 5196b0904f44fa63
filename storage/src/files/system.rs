//! The disk that the system gives us.

use std::any::Any;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::{Access, Files, Kind};
use crate::Error;
use crate::ledger::{Database, Table};

/// A neuron's memory is its owner's alone.
const DIR_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Longer than who has let go of a file goes on holding its lock: a thread that has yet to drop its handle, a
/// process on its way out, or one just forked that has not closed what it inherited.
const LOCK_DEADLINE: Duration = Duration::from_secs(1);
const LOCK_RETRY: Duration = Duration::from_millis(5);

/// The disk that the system gives us.
#[derive(Clone, Copy, Debug)]
pub(crate) struct System;

impl Files for System {
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn super::File>> {
        let (change, create) = (access != Access::Read, access == Access::Create);
        let mut options = OpenOptions::new();
        options.read(true).write(change).create(create).mode(FILE_MODE);
        Ok(Box::new(options.open(path)?))
    }

    fn kind(&self, path: &Path) -> Option<Kind> {
        let metadata = fs::metadata(path).ok()?;
        Some(if metadata.is_dir() { Kind::Directory } else { Kind::File })
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        DirBuilder::new().mode(DIR_MODE).create(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        fs::read_dir(dir)?.map(|file| Ok(file?.path())).collect()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Any + Send>>> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        match lock(&file) {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(cause)) => Err(cause),
        }
    }

    fn table(&self, dir: &Path) -> Result<Box<dyn Table>, Error> {
        Ok(Box::new(Database::open(dir)?))
    }
}

impl super::File for File {
    fn size(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        self.set_len(size)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// Locks the file, and waits a little for who may be about to unlock it.
pub(crate) fn lock(file: &File) -> Result<(), TryLockError> {
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if began.elapsed() < LOCK_DEADLINE => thread::sleep(LOCK_RETRY),
            done => return done,
        }
    }
}
