//! The settlement log: every settlement after the genesis or a snapshot, in files of some heights each.

use std::cmp::Ordering;
use std::io;
use std::path::{Path, PathBuf};

use crate::entry::{self, Entry};
use crate::files::{Access, Disk, File};
use crate::journal::{self, Journal};
use crate::{Damage, Error, durable};

/// The settlement log.
pub(crate) struct Settlements {
    disk: Disk,
    dir: PathBuf,
    /// How many heights a file holds.
    length: u64,
    /// The height of the last snapshot, 0 for the genesis: what is before may be missing.
    base: u64,
    /// In the order of heights; the last is the one that grows.
    segments: Vec<Segment>,
    journal: Option<Journal>,
    /// The file read last, by its first height.
    reader: Option<(u64, Box<dyn File>)>,
}

struct Segment {
    first: u64,
    entries: Vec<Entry>,
}

impl Segment {
    /// The height after the last one it holds.
    fn next(&self) -> u64 {
        self.first + self.entries.len() as u64
    }
}

impl Settlements {
    /// Checks the whole log, and keeps it up to the first height that is missing or damaged.
    pub(crate) fn open(
        disk: &Disk,
        dir: &Path,
        (length, base): (u64, u64),
        damage: &mut Vec<Damage>,
    ) -> Result<Self, Error> {
        durable::create_dir(&**disk, dir)?;
        let (dir, segments) = (dir.to_owned(), Vec::new());
        let mut log = Self { disk: disk.clone(), dir, length, base, segments, journal: None, reader: None };
        for first in log.files()? {
            damage.extend(log.recover(first)?);
        }
        if log.tip() < base {
            damage.extend(log.forget()?);
        }
        if let Some(last) = log.segments.last() {
            log.journal = Some(Journal::open(disk, &log.path(last.first))?);
        }
        Ok(log)
    }

    /// The height of the last settlement, or of what the log begins after.
    pub(crate) fn tip(&self) -> u64 {
        self.next() - 1
    }

    /// The height of the first settlement, once there is one.
    pub(crate) fn first(&self) -> u64 {
        self.segments.first().map_or(self.base + 1, |segment| segment.first)
    }

    /// Begins anew after a snapshot; what the log held is set aside.
    pub(crate) fn begin_after(&mut self, height: u64) -> Result<Vec<Damage>, Error> {
        self.base = height;
        self.forget()
    }

    /// Removes files whose settlements are all at this height or below, the earliest first; the last one stays.
    pub(crate) fn prune(&mut self, height: u64) -> Result<(), Error> {
        while self.segments.len() > 1 && self.segments[0].next() <= height.saturating_add(1) {
            let pruned = self.segments.remove(0);
            let path = self.path(pruned.first);
            self.reader = None;
            self.disk.remove(&path).map_err(Error::at(&path))?;
            durable::sync_parent(&*self.disk, &path)?;
        }
        Ok(())
    }

    /// Appends the settlements after the tip, `height` and on, with one sync for each file they go to.
    pub(crate) fn append(&mut self, height: u64, contents: &[Vec<u8>]) -> Result<(), Error> {
        if height != self.next() {
            return Err(Error::Gap { tip: self.tip(), height });
        }
        let mut rest: Vec<_> = (height..).zip(contents.iter().map(Vec::as_slice)).collect();
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        while let Some(&(next, _)) = rest.first() {
            let (segment, journal) = self.growing(next)?;
            let room = length.saturating_sub(segment.entries.len()).min(rest.len());
            let fitting: Vec<_> = rest.drain(..room).collect();
            segment.entries.extend(journal.append_all(&fitting)?);
        }
        Ok(())
    }

    /// The settlement at `height`, if there is one yet.
    pub(crate) fn get(&mut self, height: u64) -> Result<Option<Vec<u8>>, Error> {
        let Some((first, entry)) = self.find(height) else {
            return Ok(None);
        };
        let path = self.path(first);
        let file = self.file(first)?;
        match entry::content(file, entry).map_err(Error::at(&path))? {
            Some(content) => Ok(Some(content)),
            None => Err(Error::Damaged { path, height }),
        }
    }

    /// The settlements from `height` on that together have at most `max_bytes`, but one at least.
    pub(crate) fn from(&mut self, height: u64, max_bytes: usize) -> Result<Vec<Vec<u8>>, Error> {
        let (mut settlements, mut room) = (Vec::new(), max_bytes);
        while let Some((_, entry)) = self.find(height + settlements.len() as u64) {
            let size = usize::try_from(entry.size).unwrap_or(usize::MAX);
            if size > room && !settlements.is_empty() {
                break;
            }
            room = room.saturating_sub(size);
            settlements.extend(self.get(entry.height)?);
        }
        Ok(settlements)
    }

    /// Sets the log from `height` on aside: the file it lies in is copied and cut, the ones after it are renamed.
    pub(crate) fn set_aside(&mut self, height: u64) -> Result<Vec<Damage>, Error> {
        let Some((first, entry)) = self.find(height) else {
            return Ok(Vec::new());
        };
        (self.journal, self.reader) = (None, None);
        // The cut comes first: of files after a cut, none is believed at the next start.
        let mut damage =
            vec![journal::set_aside(&*self.disk, &self.path(first), entry.offset, height - first)?];
        let after = self.segments.partition_point(|segment| segment.first <= first);
        for later in self.segments.split_off(after) {
            damage.push(self.set_file_aside(later.first)?);
        }
        self.segments[after - 1].entries.truncate((height - first) as usize);
        self.journal = Some(Journal::open(&self.disk, &self.path(first))?);
        Ok(damage)
    }

    fn set_file_aside(&self, first: u64) -> Result<Damage, Error> {
        let path = self.path(first);
        let lost = self.size(&path).map_err(Error::at(&path))?;
        durable::set_aside(&*self.disk, &path, ".damaged")?;
        Ok(Damage { path, kept: 0, lost, torn: false }.report())
    }

    fn next(&self) -> u64 {
        self.segments.last().map_or(self.base + 1, Segment::next)
    }

    /// The first heights that the files are named by, in order.
    fn files(&self) -> Result<Vec<u64>, Error> {
        let mut heights = Vec::new();
        for file in self.disk.list(&self.dir).map_err(Error::at(&self.dir))? {
            let height = file.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
            heights.extend(height.filter(|&first| self.path(first) == file));
        }
        heights.sort_unstable();
        Ok(heights)
    }

    fn path(&self, first: u64) -> PathBuf {
        self.dir.join(format!("{first:020}.log"))
    }

    /// Takes in the next file. Where heights between are gone it is set aside, unless a snapshot is behind the gap: then
    /// what was before is.
    fn recover(&mut self, first: u64) -> Result<Vec<Damage>, Error> {
        let is_bridged = first <= self.base + 1;
        let mut damage = match self.segments.last().map(|last| first.cmp(&last.next())) {
            Some(Ordering::Equal) => Vec::new(),
            None if is_bridged => Vec::new(),
            Some(Ordering::Greater) if is_bridged => self.forget()?,
            _ => return Ok(vec![self.set_file_aside(first)?]),
        };
        let mut next = first;
        let recovery = journal::recover(&*self.disk, &self.path(first), |height| {
            let belongs = height == next;
            next += u64::from(belongs);
            belongs
        })?;
        self.segments.push(Segment { first, entries: recovery.entries });
        damage.extend(recovery.damage);
        Ok(damage)
    }

    /// Sets all files aside that were taken in.
    fn forget(&mut self) -> Result<Vec<Damage>, Error> {
        (self.journal, self.reader) = (None, None);
        let segments = std::mem::take(&mut self.segments);
        segments.into_iter().map(|segment| self.set_file_aside(segment.first)).collect()
    }

    fn size(&self, path: &Path) -> io::Result<u64> {
        self.disk.open(path, Access::Read)?.size()
    }

    /// The file that takes `height`: the last, or a new one after a full one.
    fn growing(&mut self, height: u64) -> Result<(&mut Segment, &mut Journal), Error> {
        if self.segments.last().is_none_or(|last| last.entries.len() as u64 >= self.length) {
            self.journal = Some(Journal::open(&self.disk, &self.path(height))?);
            self.segments.push(Segment { first: height, entries: Vec::new() });
        }
        let segment = self.segments.last_mut().expect("one was pushed if there was none");
        let journal = self.journal.as_mut().expect("opened with the last segment");
        Ok((segment, journal))
    }

    fn find(&self, height: u64) -> Option<(u64, Entry)> {
        let after = self.segments.partition_point(|segment| segment.first <= height);
        let segment = &self.segments[after.checked_sub(1)?];
        let place = usize::try_from(height - segment.first).ok()?;
        Some((segment.first, *segment.entries.get(place)?))
    }

    fn file(&mut self, first: u64) -> Result<&mut dyn File, Error> {
        if self.reader.as_ref().is_none_or(|(open, _)| *open != first) {
            let path = self.path(first);
            self.reader = Some((first, self.disk.open(&path, Access::Read).map_err(Error::at(&path))?));
        }
        let (_, file) = self.reader.as_mut().expect("opened above if it was not");
        Ok(&mut **file)
    }
}
