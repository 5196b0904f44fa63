//! Files and directories that are on the disk when the call returns.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::Error;

/// A neuron's memory is its owner's alone.
const DIR_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Longer than who has let go of a file goes on holding its lock: a thread that has yet to drop its handle, a
/// process on its way out, or one just forked that has not closed what it inherited.
const LOCK_DEADLINE: Duration = Duration::from_secs(1);
const LOCK_RETRY: Duration = Duration::from_millis(5);

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

/// Makes `dir` and what it lies in, where they are missing.
pub(crate) fn create_dir(dir: &Path) -> Result<(), Error> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_dir(parent)?;
    }
    match DirBuilder::new().mode(DIR_MODE).create(dir) {
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(cause) => Err(Error::at(dir)(cause)),
        Ok(()) => sync_parent(dir),
    }
}

/// Gives `path` the content `bytes`, or leaves it as it was: there is no state between.
pub(crate) fn replace(path: &Path, temporary: &Path, bytes: &[u8]) -> Result<(), Error> {
    let written = write(temporary, bytes).and_then(|()| fs::rename(temporary, path));
    if let Err(cause) = written {
        let _ = fs::remove_file(temporary);
        return Err(Error::at(path)(cause));
    }
    sync_parent(path)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Renames a file or directory to its name with `suffix` added, over an earlier one of that name.
pub(crate) fn set_aside(path: &Path, suffix: &str) -> Result<(), Error> {
    let aside = beside(path, suffix);
    if aside.is_dir() {
        fs::remove_dir_all(&aside).map_err(Error::at(&aside))?;
    } else if aside.exists() {
        fs::remove_file(&aside).map_err(Error::at(&aside))?;
    }
    fs::rename(path, &aside).map_err(Error::at(path))?;
    sync_parent(path)
}

/// The name of `path` with `suffix` added.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Puts the entry of `path` in its directory on the disk: a synced file without one is lost.
pub(crate) fn sync_parent(path: &Path) -> Result<(), Error> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|dir| dir.sync_all()).map_err(Error::at(parent))
}
