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
        let sealed: Vec<_> =
            entries.iter().map(|(height, content)| (*height, entry::seal(*height, content))).collect();
        if let Some((_, data)) = sealed.iter().find(|(_, data)| data.len() as u64 > MAX_ENTRY) {
            return Err(Error::TooLarge { path: self.path(), size: data.len() as u64, limit: MAX_ENTRY });
        }
        self.guarded(|log| {
            let mut written = Vec::with_capacity(sealed.len());
            for (height, data) in sealed {
                let offset = log.size_bytes()?;
                log.append(&data)?;
                written.push(Entry { height, offset, size: log.size_bytes()? - offset });
            }
            log.flush()?;
            Ok(written)
        })
    }

    /// Drops all entries.
    pub(crate) fn clear(&mut self) -> Result<(), Error> {
        self.guarded(|log| log.reset(0))
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
    let mut file = match disk.open(path, Access::Change) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Recovery::default()),
        opened => opened.map_err(Error::at(path))?,
    };
    let scan = scan(&mut *file, belongs).map_err(Error::at(path))?;
    let damage = scan.damage(path).map(Damage::report);
    if let Some(damage) = &damage {
        if !damage.torn {
            copy_aside(disk, path)?;
        }
        cut(&mut *file, scan.end).map_err(Error::at(path))?;
    }
    Ok(Recovery { entries: scan.entries, damage })
}

/// Copies the file to its name with `.damaged` added and cuts it at `end`, after so many entries that are kept.
pub(crate) fn set_aside(disk: &Disk, path: &Path, end: u64, kept: u64) -> Result<Damage, Error> {
    let mut file = disk.open(path, Access::Change).map_err(Error::at(path))?;
    let lost = file.size().map_err(Error::at(path))? - end;
    copy_aside(&**disk, path)?;
    cut(&mut *file, end).map_err(Error::at(path))?;
    Ok(Damage { path: path.to_owned(), kept, lost, torn: false }.report())
}

struct Scan {
    entries: Vec<Entry>,
    /// Where the good part ends.
    end: u64,
    size: u64,
    torn: bool,
    header: bool,
}

impl Scan {
    fn damage(&self, path: &Path) -> Option<Damage> {
        let (kept, lost) = (self.entries.len() as u64, self.size - self.end);
        let clean = lost == 0 && self.header;
        (!clean).then(|| Damage { path: path.to_owned(), kept, lost, torn: self.torn })
    }
}

fn scan(mut file: &mut dyn File, mut belongs: impl FnMut(u64) -> bool) -> io::Result<Scan> {
    let size = file.size()?;
    if size < HEADER_SIZE || is_zero_from(file, 0)? {
        return Ok(Scan { entries: Vec::new(), end: 0, size, torn: true, header: true });
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
    // A torn length says nothing, but then nothing follows it.
    let torn = header && (found == Found::Torn || is_zero_from(file, end + ENTRY_HEADER_SIZE)?);
    Ok(Scan { entries, end, size, torn, header })
}

/// Reads the log's own header: the version, and a number that we do not use.
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
    copy(disk, path, &aside).map_err(Error::at(&aside))
}

fn copy(disk: &dyn Files, from: &Path, to: &Path) -> io::Result<()> {
    let (mut from, mut to) = (disk.open(from, Access::Read)?, disk.open(to, Access::Create)?);
    to.truncate(0)?;
    io::copy(&mut from, &mut to)?;
    to.sync()
}

/// Leaves a header that opens and the entries up to `end`; 0 leaves nothing.
fn cut(file: &mut dyn File, end: u64) -> io::Result<()> {
    file.truncate(end)?;
    if end >= HEADER_SIZE {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&(Version::V1 as u32).to_be_bytes())?;
    }
    file.sync()
}

#[cfg(test)]
mod tests;
