//! Bytes in pieces as they were written, so that files which grew alike can share them.

use std::sync::Arc;

/// Bytes in pieces, each with where it begins.
#[derive(Clone, Debug, Default)]
pub(super) struct Pieces(Vec<(usize, Arc<[u8]>)>);

impl Pieces {
    pub(super) fn size(&self) -> usize {
        self.0.last().map_or(0, |(start, piece)| start + piece.len())
    }

    /// Reads from a place on and tells how much.
    pub(super) fn read(&self, at: usize, buffer: &mut [u8]) -> usize {
        let mut read = 0;
        let first = self.0.partition_point(|(start, _)| *start <= at).saturating_sub(1);
        for (start, piece) in &self.0[first..] {
            let rest = piece.get((at + read).saturating_sub(*start)..).unwrap_or_default();
            let length = rest.len().min(buffer.len() - read);
            buffer[read..read + length].copy_from_slice(&rest[..length]);
            read += length;
        }
        read
    }

    /// What is written at the end stays a piece of its own; anywhere else all becomes one.
    pub(super) fn write(&mut self, at: usize, bytes: &Arc<[u8]>) {
        if at == self.size() {
            self.0.extend((!bytes.is_empty()).then(|| (at, Arc::clone(bytes))));
            return;
        }
        self.change(|whole| {
            whole.resize(whole.len().max(at + bytes.len()), 0);
            whole[at..at + bytes.len()].copy_from_slice(bytes);
        });
    }

    /// Cuts them, or adds zeros.
    pub(super) fn resize(&mut self, size: usize) {
        if size == 0 {
            self.0.clear();
        } else if size != self.size() {
            self.change(|whole| whole.resize(size, 0));
        }
    }

    /// Changes one bit.
    pub(super) fn flip(&mut self, at: usize, bit: u32) {
        self.change(|whole| whole[at] ^= 1 << bit);
    }

    fn change(&mut self, change: impl FnOnce(&mut Vec<u8>)) {
        let mut whole = self.0.iter().map(|(_, piece)| &**piece).collect::<Vec<_>>().concat();
        change(&mut whole);
        self.0 = vec![(0, whole.into())];
    }
}
