//! A node's disk: writes wait their turn, and a power cut strikes at any of them.
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use protocol::head::Head;
use protocol::settlement::Certified;
use rand::RngExt;
use rand::rngs::StdRng;
use storage::{Error, Loss, MemoryDisk, Store};

use crate::neuron;
use crate::neuron::desk::Desk;
use crate::neuron::recovery::{Remembered, recover};
use crate::role::{Effect, Entry, Persist, Settled};

/// Where the store lies.
pub(super) const DIR: &str = "/neuron";

/// A power cut strikes before so many changes of the disk: more than one write makes.
const LAST_CHANGES: u64 = 10;

/// What a node wrote and synced, and what it is about to write.
#[derive(Default)]
pub(super) struct Disk {
    memory: MemoryDisk,
    /// The store, open while the node is up.
    desk: Option<Desk>,
    /// The height of the last settlement.
    tip: u64,
    /// Writes not yet synced, in the order they are carried out in.
    queue: VecDeque<Persist>,
    /// When the last of them is synced.
    free_at: u64,
}

/// What is decided at a node that writes it, and what waited for that.
type Written = (Vec<Arc<Settled>>, Vec<Effect>);

impl Disk {
    /// An empty one that shares memory with those beside the same.
    pub(super) fn beside(memory: &MemoryDisk) -> Self {
        Self { memory: memory.beside(), ..Self::default() }
    }

    /// Queues a write that takes `wait` from `now`, or from the end of the write before it; tells when it is synced.
    pub(super) fn queue(&mut self, now: u64, wait: u64, persist: Persist) -> u64 {
        self.queue.push_back(persist);
        self.free_at = self.free_at.max(now) + wait;
        self.free_at
    }

    /// How many writes wait.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Syncs the write whose turn it is: what it settled, and what waited for it.
    pub(super) fn sync(&mut self) -> Result<Written, Error> {
        let (Some(desk), Some(Persist { entries, then })) = (&mut self.desk, self.queue.pop_front()) else {
            return Ok(Default::default());
        };
        desk.write(&entries)?;
        self.tip = desk.tip();
        Ok((settled(entries), then))
    }

    /// The power goes in the midst of the write whose turn it is, and what was not synced is lost, halved or torn. Tells
    /// what this write was to settle.
    pub(super) fn crash(&mut self, rng: &mut StdRng) -> Vec<Arc<Settled>> {
        let last = self.queue.pop_front().map(|persist| persist.entries).unwrap_or_default();
        if let Some(mut desk) = self.desk.take() {
            self.memory.fail_after(rng.random_range(0..LAST_CHANGES), std::io::ErrorKind::Other);
            let _ = desk.write(&last);
        }
        self.memory.crash(Loss::ALL[rng.random_range(0..Loss::ALL.len())], rng.random());
        self.queue.clear();
        self.free_at = 0;
        settled(last)
    }

    /// Opens what is on the disk, as a restart finds it.
    pub(super) fn restart(&mut self, genesis: &Head) -> Result<Remembered, neuron::Error> {
        let dir = Path::new(DIR);
        let mut store = Store::open_in_memory(&self.memory, dir)?;
        let remembered = recover(&mut store, dir, genesis, None)?;
        self.tip = store.tip();
        self.desk = Some(Desk::new(store));
        Ok(remembered)
    }

    pub(super) fn height(&self) -> u64 {
        self.tip
    }

    pub(super) fn from(&mut self, height: u64, most: usize) -> Vec<Certified> {
        let batch = self.desk.as_mut().map(|desk| desk.read(height).settlements).unwrap_or_default();
        let decoded = batch
            .iter()
            .take(most)
            .map(|bytes| Certified::decode(bytes).expect("what was written reads back"));
        decoded.collect()
    }
}

fn settled(entries: Vec<Entry>) -> Vec<Arc<Settled>> {
    let settled = entries.into_iter().filter_map(|entry| match entry {
        Entry::Settled(settled) => Some(settled),
        _ => None,
    });
    settled.collect()
}

#[cfg(test)]
impl Disk {
    /// The disk itself, to harm it.
    pub(super) fn memory(&self) -> &MemoryDisk {
        &self.memory
    }

    /// Looks into the store of a node that is up.
    pub(super) fn store<T>(&mut self, look: impl FnOnce(&mut Store) -> T) -> T {
        look(self.desk.as_mut().expect("the node is up").store())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_waits_for_the_one_before_it() {
        let mut disk = Disk::default();
        let nothing = || Persist { entries: Vec::new(), then: Vec::new() };
        assert_eq!(disk.queue(100, 30, nothing()), 130);
        assert_eq!(disk.queue(110, 5, nothing()), 135);
        assert_eq!(disk.queue(500, 5, nothing()), 505);
    }
}
