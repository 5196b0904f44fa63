//! Where a store keeps its files: the system's disk, or one in memory that can lose power.

mod appending;
mod memory;
mod system;

use std::any::Any;
use std::fmt::Debug;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Error;
use crate::ledger::Table;

pub(crate) use appending::Appending;
pub use memory::{Loss, MemoryDisk, Platter};
pub(crate) use system::{System, lock};

/// A file system, as far as a store needs one. What was not synced may be lost at a crash, and a synced file whose
/// directory was not may be too.
pub(crate) trait Files: Debug + Send + Sync {
    /// Opens a file at its start.
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn File>>;

    /// What `path` is, if anything.
    fn kind(&self, path: &Path) -> Option<Kind>;

    /// Makes one directory, which its owner alone may enter.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// What lies in a directory, in no order.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;

    /// Moves a file or directory, over a file of that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file, or a directory with all that lies in it.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Brings the names in a directory to the disk.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Takes a lock file that is let go when dropped; `None` if another holds it.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Any + Send>>>;

    /// Opens the ledger index in `dir`, or makes it.
    fn table(&self, dir: &Path) -> Result<Box<dyn Table>, Error>;
}

/// An open file.
pub(crate) trait File: Read + Write + Seek + Send {
    /// Its length in bytes.
    fn size(&self) -> io::Result<u64>;

    /// Cuts it, or extends it with zeros.
    fn truncate(&mut self, size: u64) -> io::Result<()>;

    /// Brings its content to the disk.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file system that many hold.
pub(crate) type Disk = Arc<dyn Files>;

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// To be read.
    Read,
    /// To be read and changed.
    Change,
    /// To be read and changed, and made where it is missing, for its owner alone.
    Create,
}

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A file.
    File,
    /// A directory, or a table.
    Directory,
}
