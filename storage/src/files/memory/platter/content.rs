//! The bytes of a file: what was synced, and the writes that were not.

use std::borrow::Cow;
use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::Loss;
use super::pieces::Pieces;

/// The bytes of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    synced: Pieces,
    unsynced: Vec<Edit>,
}

/// One write.
#[derive(Clone, Debug)]
enum Edit {
    Write { at: usize, bytes: Arc<[u8]> },
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

    fn apply(&self, file: &mut Pieces) {
        match self {
            Self::Write { at, bytes } => file.write(*at, bytes),
            Self::Truncate(size) => file.resize(*size),
        }
    }

    /// Cuts a write at any byte; the file's end stays where it was to be, or not.
    fn tear(self, rng: &mut SmallRng) -> Vec<Self> {
        let Self::Write { at, bytes } = self else {
            return vec![self];
        };
        let end = at + bytes.len();
        let left = rng.random_range(0..bytes.len().max(1)).min(bytes.len());
        let torn = Self::Write { at, bytes: bytes[..left].into() };
        if rng.random() { vec![torn, Self::Write { at: end, bytes: Arc::default() }] } else { vec![torn] }
    }
}

impl Content {
    /// Reads from `position` on and tells how much.
    pub(crate) fn read(&self, position: u64, buffer: &mut [u8]) -> usize {
        self.pieces().read(place(position), buffer)
    }

    pub(crate) fn size(&self) -> u64 {
        self.unsynced.iter().fold(self.synced.size(), |size, edit| edit.resize(size)) as u64
    }

    pub(crate) fn write(&mut self, position: u64, bytes: Arc<[u8]>) {
        self.unsynced.push(Edit::Write { at: place(position), bytes });
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
        if self.synced.size() > 0 {
            let at = rng.random_range(0..self.synced.size());
            self.synced.flip(at, rng.random_range(0..8));
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

    fn pieces(&self) -> Cow<'_, Pieces> {
        if self.unsynced.is_empty() {
            return Cow::Borrowed(&self.synced);
        }
        let mut pieces = self.synced.clone();
        self.unsynced.iter().for_each(|edit| edit.apply(&mut pieces));
        Cow::Owned(pieces)
    }
}

/// Where a byte lies in memory. Files are small here; one past all memory is past the end of any.
fn place(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
