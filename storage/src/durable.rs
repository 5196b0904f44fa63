//! Files and directories that are on the disk when the call returns.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::files::{Access, Files, Kind};

/// Makes `dir` and what it lies in, where they are missing.
pub(crate) fn create_dir(disk: &dyn Files, dir: &Path) -> Result<(), Error> {
    let is_dir = || disk.kind(dir) == Some(Kind::Directory);
    if is_dir() {
        return Ok(());
    }
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_dir(disk, parent)?;
    }
    match disk.create_dir(dir) {
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists && is_dir() => Ok(()),
        Err(cause) => Err(Error::at(dir)(cause)),
        Ok(()) => sync_parent(disk, dir),
    }
}

/// At most `limit` bytes of a file; `None` if there is none.
pub(crate) fn read(disk: &dyn Files, path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Error> {
    let file = match disk.open(path, Access::Read) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(Error::at(path))?,
    };
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(Error::at(path))?;
    Ok(Some(bytes))
}

/// Gives `path` the content `bytes`, or leaves it as it was: there is no state between.
pub(crate) fn replace(disk: &dyn Files, path: &Path, temporary: &Path, bytes: &[u8]) -> Result<(), Error> {
    let written = write(disk, temporary, bytes).and_then(|()| disk.rename(temporary, path));
    if let Err(cause) = written {
        let _ = disk.remove(temporary);
        return Err(Error::at(path)(cause));
    }
    sync_parent(disk, path)
}

/// Writes a whole file, over one that is there.
pub(crate) fn write(disk: &dyn Files, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = disk.open(path, Access::Create)?;
    file.truncate(0)?;
    file.write_all(bytes)?;
    file.sync()
}

/// Renames a file or directory to its name with `suffix` added, over an earlier one of that name.
pub(crate) fn set_aside(disk: &dyn Files, path: &Path, suffix: &str) -> Result<(), Error> {
    let aside = beside(path, suffix);
    if disk.kind(&aside).is_some() {
        disk.remove(&aside).map_err(Error::at(&aside))?;
    }
    disk.rename(path, &aside).map_err(Error::at(path))?;
    sync_parent(disk, path)
}

/// The name of `path` with `suffix` added.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Puts the entry of `path` in its directory on the disk: a synced file without one is lost.
pub(crate) fn sync_parent(disk: &dyn Files, path: &Path) -> Result<(), Error> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    disk.sync_dir(parent).map_err(Error::at(parent))
}
