//! The vote log: what was voted, proposed and seen at the height in progress, so that no crash makes a neuron
//! vote twice.

use std::path::Path;

use crate::entry::{self, Entry};
use crate::files::{Access, Disk};
use crate::journal::{self, Journal};
use crate::{Damage, Error};

/// The most bytes the votes and bodies of one height may take: more rounds than a network that works will
/// need.
pub const MAX_VOTE_LOG: u64 = 1 << 30;

/// Past this size, the next height starts the file anew. Clearing it at every height would cost a sync each.
const CLEAR_SIZE: u64 = 4 << 20;

/// The vote log.
pub(crate) struct Votes {
    disk: Disk,
    journal: Journal,
    /// The height of the last votes, 0 for none. It never falls.
    height: u64,
    /// The batches of that height.
    batches: Vec<Entry>,
}

impl Votes {
    /// Checks the log, given the height of the last settlement, and keeps it up to the first damaged batch.
    pub(crate) fn open(disk: &Disk, path: &Path, tip: u64, damage: &mut Vec<Damage>) -> Result<Self, Error> {
        damage.extend(record_loss(disk, path, tip)?);
        let recovery = journal::recover(&**disk, path, rising())?;
        damage.extend(recovery.damage);
        let mut batches = recovery.entries;
        let journal = Journal::open(disk, path)?;
        let cleared = journal.cleared().unwrap_or(0);
        let height = batches.last().map_or(cleared, |batch| batch.height);
        batches.retain(|batch| batch.height == height);
        Ok(Self { disk: disk.clone(), journal, height, batches })
    }

    /// Whether batches of this height may be missing.
    pub(crate) fn has_lost(&self, height: u64) -> bool {
        height == self.height && self.batches.iter().any(Entry::is_empty)
    }

    /// The height of the last votes, 0 for none.
    pub(crate) fn height(&self) -> u64 {
        self.height
    }

    /// Appends a batch, whole or not at all; it is on the disk when this returns.
    pub(crate) fn append(&mut self, height: u64, entries: &[Vec<u8>]) -> Result<(), Error> {
        if height < self.height {
            return Err(Error::PastVote { height, latest: self.height });
        }
        if entries.is_empty() {
            return Ok(());
        }
        if height > self.height {
            self.turn_to(height)?;
        }
        let (size, limit) = (self.journal.size()?, MAX_VOTE_LOG);
        if size > limit {
            return Err(Error::TooLarge { path: self.journal.path(), size, limit });
        }
        self.batches.push(self.journal.append(height, &join(entries))?);
        Ok(())
    }

    /// What was logged for `height`, in order; nothing if the last votes are for another.
    pub(crate) fn get(&self, height: u64) -> Result<Vec<Vec<u8>>, Error> {
        if height != self.height || self.batches.is_empty() {
            return Ok(Vec::new());
        }
        let path = self.journal.path();
        let mut file = self.disk.open(&path, Access::Read).map_err(Error::at(&path))?;
        let mut entries = Vec::new();
        for &batch in &self.batches {
            let content = entry::content(&mut *file, batch).map_err(Error::at(&path))?;
            let split = content.and_then(|content| split(&content));
            entries.extend(split.ok_or_else(|| Error::Damaged { path: path.clone(), height })?);
        }
        Ok(entries)
    }

    fn turn_to(&mut self, height: u64) -> Result<(), Error> {
        if self.journal.size()? > CLEAR_SIZE {
            self.journal.clear(self.height)?;
        }
        self.height = height;
        self.batches.clear();
        Ok(())
    }
}

/// Where votes that left may be missing, the log gets an empty batch in their place, at the height in progress: a later
/// start must know of it too. It is there with its header before the first settlement.
fn record_loss(disk: &Disk, path: &Path, tip: u64) -> Result<Option<Damage>, Error> {
    let log = journal::scan(&**disk, path, rising())?;
    let is_taken_away = tip > 0 && log.is_blank();
    if !is_taken_away && !log.is_damaged() {
        return Ok(None);
    }
    let latest = log.entries.last().map_or(0, |batch| batch.height);
    let height = latest.max(tip.saturating_add(1));
    journal::replace_end(disk, path, &log, (height, &join(&[]))).map(Some)
}

/// What batches belong in the log: none of a height that was left.
fn rising() -> impl FnMut(u64) -> bool {
    let mut latest = 0;
    move |height| {
        let belongs = height >= latest;
        latest = latest.max(height);
        belongs
    }
}

/// One batch: the length (4, BE) and the bytes of each entry.
fn join(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut batch = Vec::with_capacity(entries.iter().map(|entry| LENGTH + entry.len()).sum());
    for entry in entries {
        batch.extend((entry.len() as u32).to_be_bytes());
        batch.extend(entry);
    }
    batch
}

const LENGTH: usize = size_of::<u32>();

fn split(mut batch: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = batch.split_first_chunk::<LENGTH>() {
        let (entry, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        entries.push(entry.to_vec());
        batch = rest;
    }
    batch.is_empty().then_some(entries)
}
