//! A file as the log library writes it, but one write an entry.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use arc_malachitebft_wal::Storage;

use super::{Access, Disk, File};

/// A file whose writes are collected until it is synced.
///
/// The library writes an entry in four pieces. If a power cut could keep the last and lose the first, what an
/// interrupted write leaves would look like damage to an entry that was synced.
pub(crate) struct Appending {
    file: Box<dyn File>,
    /// What is to be written where the file stands.
    pending: Vec<u8>,
}

impl Appending {
    fn write_pending(&mut self) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() { Ok(()) } else { self.file.write_all(&pending) }
    }
}

impl Read for Appending {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.write_pending()?;
        self.file.read(buffer)
    }
}

impl Write for Appending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_pending()
    }
}

impl Seek for Appending {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.write_pending()?;
        self.file.seek(to)
    }
}

impl Storage for Appending {
    type OpenOptions = Disk;

    fn open_with(path: impl AsRef<Path>, disk: Disk) -> io::Result<Self> {
        Ok(Self { file: disk.open(path.as_ref(), Access::Create)?, pending: Vec::new() })
    }

    /// With what is about to be written at its end.
    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.file.size()? + self.pending.len() as u64)
    }

    fn truncate_to(&mut self, size: u64) -> io::Result<()> {
        self.write_pending()?;
        self.file.truncate(size)
    }

    fn sync_all(&mut self) -> io::Result<()> {
        self.write_pending()?;
        self.file.sync()
    }
}
