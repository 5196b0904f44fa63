//! The bytes of a file: what was synced, and the writes that were not.

use std::borrow::Cow;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::Loss;

/// The bytes of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    synced: Vec<u8>,
    unsynced: Vec<Edit>,
}

/// One write.
#[derive(Clone, Debug)]
enum Edit {
    Write { at: usize, bytes: Vec<u8> },
    Truncate(usize),
}

impl Edit {
    /// The size of a file of `size` bytes after it.
    fn resize(&self, size: usize) -> usize {
        match self {
            Self::Write { at, bytes } => size.max(at + bytes.len()),
            Self::Truncate(size) => *size,
        }
    }

    fn apply(&self, file: &mut Vec<u8>) {
        file.resize(self.resize(file.len()), 0);
        if let Self::Write { at, bytes } = self {
            file[*at..at + bytes.len()].copy_from_slice(bytes);
        }
    }

    /// Cuts a write at any byte; the file's end stays where it was to be, or not.
    fn tear(self, rng: &mut SmallRng) -> Vec<Self> {
        let Self::Write { at, mut bytes } = self else {
            return vec![self];
        };
        let end = at + bytes.len();
        bytes.truncate(rng.random_range(0..bytes.len().max(1)));
        let torn = Self::Write { at, bytes };
        if rng.random() { vec![torn, Self::Write { at: end, bytes: Vec::new() }] } else { vec![torn] }
    }
}

impl Content {
    /// Reads from `position` on and tells how much.
    pub(crate) fn read(&self, position: u64, buffer: &mut [u8]) -> usize {
        let bytes = self.bytes();
        let rest = bytes.get(place(position)..).unwrap_or_default();
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        read
    }

    pub(crate) fn size(&self) -> u64 {
        self.unsynced.iter().fold(self.synced.len(), |size, edit| edit.resize(size)) as u64
    }

    pub(crate) fn write(&mut self, position: u64, bytes: &[u8]) {
        self.unsynced.push(Edit::Write { at: place(position), bytes: bytes.to_vec() });
    }

    pub(crate) fn truncate(&mut self, size: u64) {
        self.unsynced.push(Edit::Truncate(place(size)));
    }

    pub(crate) fn sync(&mut self) {
        for edit in self.unsynced.drain(..) {
            edit.apply(&mut self.synced);
        }
    }

    pub(crate) fn rot(&mut self, seed: u64) {
        let mut rng = SmallRng::seed_from_u64(seed);
        if !self.synced.is_empty() {
            let at = rng.random_range(0..self.synced.len());
            self.synced[at] ^= 1 << rng.random_range(0..8);
        }
    }

    pub(super) fn crash(&mut self, loss: Loss, rng: &mut SmallRng) {
        match loss {
            Loss::All => self.unsynced.clear(),
            Loss::Half => self.unsynced.retain(|_| rng.random()),
            Loss::Torn => {
                let torn = self.unsynced.pop().map(|last| last.tear(rng));
                self.unsynced.extend(torn.into_iter().flatten());
            }
        }
        self.sync();
    }

    fn bytes(&self) -> Cow<'_, [u8]> {
        if self.unsynced.is_empty() {
            return Cow::Borrowed(&self.synced);
        }
        let mut bytes = self.synced.clone();
        self.unsynced.iter().for_each(|edit| edit.apply(&mut bytes));
        Cow::Owned(bytes)
    }
}

/// Where a byte lies in memory. Files are small here; one past all memory is past the end of any.
fn place(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
