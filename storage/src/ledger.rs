//! The ledger index: the state at some height, so that a start need not apply every settlement again.
//!
//! sled promises little after a power cut, and may fail to open, so nothing here is the truth: on any doubt
//! the index is set aside and the caller builds it again from the settlement log.

mod database;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crypto::Hash;

use crate::files::Disk;
use crate::{Error, durable};

pub(crate) use database::Database;

const HEADER_BYTES: usize = size_of::<u64>() + size_of::<Hash>();

/// A key and its value.
pub type Record = (Vec<u8>, Vec<u8>);

/// A key with its new value, or with `None` where the entry goes.
pub type Change = (Vec<u8>, Option<Vec<u8>>);

/// The ledger's state at one height, as far as the index remembers it.
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
    pub entries: Vec<Record>,
}

/// All of a table: its header, and everything else in the order of keys.
pub(crate) type Whole = (Vec<u8>, Vec<Record>);

/// A table of keys and values that a crash may take back by some writes, or altogether.
pub(crate) trait Table: Send {
    /// The header and everything else, in the order of keys, or why it cannot be read; `None` before the first write.
    fn read(&self) -> Result<Option<Whole>, String>;

    /// Makes all changes under a new header, or none.
    fn write(&mut self, header: Vec<u8>, changes: &Arc<[Change]>) -> Result<(), String>;
}

/// The ledger index in its directory.
pub(crate) struct Ledger {
    disk: Disk,
    dir: PathBuf,
    /// Open but for the moments in which its directory is renamed.
    table: Option<Box<dyn Table>>,
}

impl Ledger {
    /// Opens the index, or says why it will not open.
    pub(crate) fn open(disk: &Disk, dir: &Path) -> Result<Self, Error> {
        let table = disk.table(dir)?;
        Ok(Self { disk: disk.clone(), dir: dir.to_owned(), table: Some(table) })
    }

    /// Opens an empty index where another lay, which is set aside.
    pub(crate) fn start_anew(disk: &Disk, dir: &Path) -> Result<Self, Error> {
        if disk.kind(dir).is_some() {
            durable::set_aside(&**disk, dir, ".broken")?;
        }
        Self::open(disk, dir)
    }

    /// All that is held, `None` for nothing.
    pub(crate) fn read(&self) -> Result<Option<Index>, Error> {
        let table = self.table.as_ref().ok_or_else(|| self.closed())?;
        let Some((header, entries)) = table.read().map_err(|cause| self.broken(cause))? else {
            return Ok(None);
        };
        let header = read_header(&header).ok_or_else(|| self.broken("the height is malformed".to_owned()));
        let (height, root) = header?;
        Ok(Some(Index { height, root, entries }))
    }

    /// Applies all changes with their height and root, or none.
    pub(crate) fn write(&mut self, height: u64, root: Hash, changes: &Arc<[Change]>) -> Result<(), Error> {
        let header = [&height.to_be_bytes(), root.0.as_slice()].concat();
        let written = self.table.as_mut().map(|table| table.write(header, changes));
        written.ok_or_else(|| self.closed())?.map_err(|cause| self.broken(cause))
    }

    /// Sets the index aside and starts an empty one.
    pub(crate) fn reset(&mut self) -> Result<(), Error> {
        self.table = None;
        *self = Self::start_anew(&self.disk, &self.dir)?;
        Ok(())
    }

    /// Starts an empty index where one lay that nobody doubted.
    pub(crate) fn clear(&mut self) -> Result<(), Error> {
        self.table = None;
        if self.disk.kind(&self.dir).is_some() {
            self.disk.remove(&self.dir).map_err(Error::at(&self.dir))?;
        }
        *self = Self::open(&self.disk, &self.dir)?;
        Ok(())
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    fn closed(&self) -> Error {
        self.broken("closed after a failed reset".to_owned())
    }

    fn broken(&self, cause: String) -> Error {
        Error::Index { path: self.dir.clone(), cause }
    }
}

fn read_header(bytes: &[u8]) -> Option<(u64, Hash)> {
    let bytes: &[u8; HEADER_BYTES] = bytes.try_into().ok()?;
    let (height, root) = bytes.split_first_chunk()?;
    Some((u64::from_be_bytes(*height), Hash(root.try_into().ok()?)))
}
