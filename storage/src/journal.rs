//! A log file: entries are appended and synced, and what a crash or a bad disk left is cut where it stops
//! making sense.

use std::io::{self, BufReader, Read, SeekFrom};
use std::path::{Path, PathBuf};

use arc_malachitebft_wal::Version;
use arc_malachitebft_wal::constants::{ENTRY_HEADER_SIZE, FIRST_ENTRY_OFFSET, HEADER_SIZE, VERSION_SIZE};
use arc_malachitebft_wal::log::Log;

use crate::entry::{self, Entry, Found, MAX_ENTRY};
use crate::files::{Access, Appending, Disk, File, Files};
use crate::{Damage, Error, durable};

/// How much a scan reads at once.
const SCAN_BUFFER: usize = 64 << 10;

/// A log file open for appending.
pub(crate) struct Journal {
    log: Log<Appending>,
    failed: bool,
}

impl Journal {
    /// Opens a file that [`recover`] went over, or makes it.
    pub(crate) fn open(disk: &Disk, path: &Path) -> Result<Self, Error> {
        let log = Log::open_with(path, disk.clone()).map_err(Error::at(path))?;
        durable::sync_parent(&**disk, path)?;
        Ok(Self { log, failed: false })
    }

    /// Appends an entry; it is on the disk when this returns.
    pub(crate) fn append(&mut self, height: u64, content: &[u8]) -> Result<Entry, Error> {
        let entries = self.append_all(&[(height, content)])?;
        Ok(entries[0])
    }

    /// Appends entries with their heights; all are on the disk when this returns, and after a crash before that some
    /// of the first.
    pub(crate) fn append_all(&mut self, entries: &[(u64, &[u8])]) -> Result<Vec<Entry>, Error> {
        let mut sizes = entries.iter().map(|(_, content)| entry::sealed_size(content));
        if let Some(size) = sizes.find(|&size| size > MAX_ENTRY) {
            return Err(Error::TooLarge { path: self.path(), size, limit: MAX_ENTRY });
        }
        self.guarded(|log| {
            let mut written = Vec::with_capacity(entries.len());
            for &(height, content) in entries {
                let offset = log.size_bytes()?;
                log.append(entry::seal(height, content))?;
                written.push(Entry { height, offset, size: log.size_bytes()? - offset });
            }
            log.flush()?;
            Ok(written)
        })
    }

    /// Drops all entries, and remembers the height of the last.
    pub(crate) fn clear(&mut self, height: u64) -> Result<(), Error> {
        self.guarded(|log| log.reset(mark(height)))
    }

    /// The height of the last entry that was dropped, if any was.
    pub(crate) fn cleared(&self) -> Option<u64> {
        let height = self.log.sequence() >> 32;
        (self.log.sequence() == mark(height)).then_some(height)
    }

    pub(crate) fn size(&self) -> Result<u64, Error> {
        self.log.size_bytes().map_err(Error::at(self.log.path()))
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.log.path().to_owned()
    }

    /// After one failure nobody knows what the disk holds (a second `fsync` reports success), so there is no
    /// next.
    fn guarded<T>(&mut self, write: impl FnOnce(&mut Log<Appending>) -> io::Result<T>) -> Result<T, Error> {
        if self.failed {
            return Err(Error::Halted { path: self.path() });
        }
        let result = write(&mut self.log);
        self.failed = result.is_err();
        result.map_err(Error::at(self.log.path()))
    }
}

/// The number in a log's header once entries up to a height are dropped: the height, and its complement as a check.
fn mark(height: u64) -> u64 {
    let height = u32::try_from(height).unwrap_or(u32::MAX);
    u64::from(height) << 32 | u64::from(!height)
}

/// What a log file held.
#[derive(Debug, Default)]
pub(crate) struct Recovery {
    pub(crate) entries: Vec<Entry>,
    pub(crate) damage: Option<Damage>,
}

/// Checks every entry of the file at `path` and cuts it at the first bad one, or the first whose height does
/// not belong there. A missing file holds nothing.
pub(crate) fn recover(
    disk: &dyn Files,
    path: &Path,
    belongs: impl FnMut(u64) -> bool,
) -> Result<Recovery, Error> {
    let scan = scan(disk, path, belongs)?;
    let damage = scan.damage(path).map(Damage::report);
    if let Some(damage) = &damage {
        if !damage.torn {
            copy_aside(disk, path)?;
        }
        cut(disk, path, scan.end)?;
    }
    Ok(Recovery { entries: scan.entries, damage })
}

/// Copies the file to its name with `.damaged` added and cuts it at `end`, after so many entries that are kept.
pub(crate) fn set_aside(disk: &dyn Files, path: &Path, end: u64, kept: u64) -> Result<Damage, Error> {
    let file = disk.open(path, Access::Read).map_err(Error::at(path))?;
    let lost = file.size().map_err(Error::at(path))? - end;
    copy_aside(disk, path)?;
    cut(disk, path, end)?;
    Ok(Damage { path: path.to_owned(), kept, lost, torn: false }.report())
}

/// Puts one `last` entry, a height and its content, in the place of all after the whole entries that a `scan` found.
/// What was there is copied aside, and a crash leaves it or the new end, nothing between.
pub(crate) fn replace_end(
    disk: &Disk,
    path: &Path,
    scan: &Scan,
    last: (u64, &[u8]),
) -> Result<Damage, Error> {
    let new = durable::beside(path, ".new");
    if disk.kind(&new).is_some() {
        disk.remove(&new).map_err(Error::at(&new))?;
    }
    if disk.kind(path).is_some() {
        copy_aside(&**disk, path)?;
        copy(&**disk, path, &new).map_err(Error::at(&new))?;
        cut(&**disk, &new, scan.end)?;
    }
    Journal::open(disk, &new)?.append(last.0, last.1)?;
    disk.rename(&new, path).map_err(Error::at(path))?;
    durable::sync_parent(&**disk, path)?;
    let (kept, lost) = scan.kept_and_lost();
    Ok(Damage { path: path.to_owned(), kept, lost, torn: false }.report())
}

/// What a log file holds.
pub(crate) struct Scan {
    /// The whole entries before the first bad one.
    pub(crate) entries: Vec<Entry>,
    /// Where the good part ends, 0 without a header.
    end: u64,
    size: u64,
    torn: bool,
    header: bool,
}

impl Scan {
    /// A file that is missing or never got its header.
    fn blank(size: u64) -> Self {
        Self { entries: Vec::new(), end: 0, size, torn: true, header: true }
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.end == 0
    }

    /// Whether it has an end that no crash leaves.
    pub(crate) fn is_damaged(&self) -> bool {
        !self.is_clean() && !self.torn
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.size == self.end && self.header
    }

    fn kept_and_lost(&self) -> (u64, u64) {
        (self.entries.len() as u64, self.size - self.end)
    }

    fn damage(&self, path: &Path) -> Option<Damage> {
        let (kept, lost) = self.kept_and_lost();
        (!self.is_clean()).then(|| Damage { path: path.to_owned(), kept, lost, torn: self.torn })
    }
}

/// Checks every entry of the file at `path`, as [`recover`] does, and leaves it as it is.
pub(crate) fn scan(disk: &dyn Files, path: &Path, belongs: impl FnMut(u64) -> bool) -> Result<Scan, Error> {
    match disk.open(path, Access::Read) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Scan::blank(0)),
        opened => opened.and_then(|mut file| scan_file(&mut *file, belongs)).map_err(Error::at(path)),
    }
}

fn scan_file(mut file: &mut dyn File, mut belongs: impl FnMut(u64) -> bool) -> io::Result<Scan> {
    let size = file.size()?;
    if size < HEADER_SIZE || is_zero_from(file, 0)? {
        return Ok(Scan::blank(size));
    }
    file.rewind()?;
    let mut source = BufReader::with_capacity(SCAN_BUFFER, &mut file);
    let header = read_version(&mut source)? == (Version::V1 as u32).to_be_bytes();
    let (mut entries, mut end, mut data) = (Vec::new(), FIRST_ENTRY_OFFSET, Vec::new());
    let found = loop {
        match entry::read(&mut source, size - end, &mut data)? {
            Found::Whole { height, size } if belongs(height) => {
                entries.push(Entry { height, offset: end, size });
                end += size;
            }
            found => break found,
        }
    };
    let torn = header && is_torn(file, end, found)?;
    Ok(Scan { entries, end, size, torn, header })
}

/// Whether what was `found` at the end of the whole entries is a write that a crash interrupted.
fn is_torn(file: &mut dyn File, end: u64, found: Found) -> io::Result<bool> {
    if found != Found::Torn {
        // A torn length says nothing, but then nothing follows it.
        return is_zero_from(file, end + ENTRY_HEADER_SIZE);
    }
    let mut rest = Vec::new();
    file.seek(SeekFrom::Start(end))?;
    // One entry would have had more bytes.
    file.take(ENTRY_HEADER_SIZE + MAX_ENTRY).read_to_end(&mut rest)?;
    Ok(!entry::is_within(&rest))
}

/// Reads the log's own header: the version, and a number that says up to where it was cleared.
fn read_version(source: &mut impl Read) -> io::Result<[u8; VERSION_SIZE as usize]> {
    let mut header = [0; HEADER_SIZE as usize];
    source.read_exact(&mut header)?;
    Ok([header[0], header[1], header[2], header[3]])
}

/// Whether all the rest is zero: what a power cut leaves of a file that had grown but was not written.
fn is_zero_from(file: &mut dyn File, offset: u64) -> io::Result<bool> {
    file.seek(SeekFrom::Start(offset))?;
    let source = BufReader::with_capacity(SCAN_BUFFER, file);
    for byte in source.bytes() {
        if byte? != 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn copy_aside(disk: &dyn Files, path: &Path) -> Result<(), Error> {
    let aside = durable::beside(path, ".damaged");
    copy(disk, path, &aside).map_err(Error::at(&aside))?;
    durable::sync_parent(disk, &aside)
}

/// Copies as much as the file says to have, so that one without an end fills no disk.
fn copy(disk: &dyn Files, from: &Path, to: &Path) -> io::Result<()> {
    let (from, mut to) = (disk.open(from, Access::Read)?, disk.open(to, Access::Create)?);
    to.truncate(0)?;
    let size = from.size()?;
    io::copy(&mut from.take(size), &mut to)?;
    to.sync()
}

/// Leaves a header that opens and the entries up to `end`; 0 leaves nothing.
fn cut(disk: &dyn Files, path: &Path, end: u64) -> Result<(), Error> {
    let cut = |file: &mut dyn File| {
        file.truncate(end)?;
        if end >= HEADER_SIZE {
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&(Version::V1 as u32).to_be_bytes())?;
        }
        file.sync()
    };
    disk.open(path, Access::Change).and_then(|mut file| cut(&mut *file)).map_err(Error::at(path))
}

#[cfg(test)]
mod tests;
