//! What a neuron writes to its store, and what it reads there: entries as bytes.
use std::sync::Arc;

use crypto::Hash;
use protocol::codec;
use protocol::consensus::LogEntry;
use protocol::settlement::{Certified, Settlement};
use serde::{Deserialize, Serialize};
use storage::Store;

use crate::role::{BATCH, Entry, Settled};

/// The most bytes of settlements handed over at once; a single larger one still goes.
const BATCH_BYTES: usize = 1024 * 1024;

/// The most settlements read for one look at the log.
const LOOK: usize = 4096;

/// What the vote log holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Logged {
    /// What consensus took in.
    Vote(LogEntry),
    /// A settlement that may get our vote.
    Draft(Box<Settlement>),
}

/// Part of the log.
#[derive(Debug, Default)]
pub(crate) struct Excerpt {
    /// The height of the first settlement there is.
    pub(crate) first: u64,
    /// Settlements, one after the other.
    pub(crate) settlements: Vec<Vec<u8>>,
}

/// Who alone writes to a neuron's store.
pub(crate) struct Desk {
    pub(super) store: Store,
}

impl Desk {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    #[cfg(test)]
    pub(crate) fn store(&mut self) -> &mut Store {
        &mut self.store
    }

    /// The height of the last settlement, 0 for none.
    pub(crate) fn tip(&self) -> u64 {
        self.store.tip()
    }

    /// Settlements with one sync, and vote log entries with another.
    pub(crate) fn write(&mut self, entries: &[Entry]) -> Result<(), storage::Error> {
        let (mut settled, mut votes) = (Vec::new(), Vec::new());
        let mut height = 0;
        for entry in entries {
            match entry {
                Entry::Vote(at, vote) => {
                    height = *at;
                    votes.push(codec::encode(&Logged::Vote(vote.clone())));
                }
                Entry::Draft(draft) => {
                    height = draft.header.height;
                    votes.push(codec::encode(&Logged::Draft(draft.clone())));
                }
                Entry::Settled(next) => settled.push(&**next),
                Entry::Memory(memory) => self.store.save_note(&codec::encode(memory))?,
            }
        }
        self.settle(&settled)?;
        if votes.is_empty() { Ok(()) } else { self.store.append_votes(height, &votes) }
    }

    fn settle(&mut self, settled: &[&Settled]) -> Result<(), storage::Error> {
        let (Some(first), Some(last)) = (settled.first(), settled.last()) else { return Ok(()) };
        let logged: Vec<_> = settled.iter().map(|settled| codec::encode(&settled.certified)).collect();
        self.store.append_settlements(first.ledger.height(), &logged)?;
        let changes: Arc<[_]> = match settled {
            [one] => Arc::clone(&one.changes),
            _ => settled.iter().flat_map(|settled| settled.changes.iter().cloned()).collect(),
        };
        let header = &last.certified.settlement.header;
        if let Err(error) = self.store.write_index(header.height, header.state_root.hash, changes) {
            // The log is the truth: a lost index is rebuilt from it at the next start.
            tracing::warn!(height = header.height, %error, "the index was not written");
        }
        Ok(())
    }

    /// Some settlements from a height on, as the log has them.
    pub(crate) fn read(&mut self, height: u64) -> Excerpt {
        let mut settlements = self.store.settlements_from(height, BATCH_BYTES).unwrap_or_default();
        settlements.truncate(BATCH);
        Excerpt { first: self.store.first(), settlements }
    }

    pub(super) fn roots(&mut self, height: u64) -> Vec<(u64, Hash)> {
        let root = |settlement: Settlement| (settlement.header.height, settlement.header.state_root.hash);
        self.look(height).map(root).collect()
    }

    pub(super) fn find(&mut self, transaction: Hash, height: u64) -> Option<u64> {
        let holds = |settlement: &Settlement| {
            settlement.body.transactions.iter().any(|signed| signed.id() == transaction)
        };
        self.look(height).find(holds).map(|settlement| settlement.header.height)
    }

    /// Settlements from a height on, as the log has them.
    fn look(&mut self, height: u64) -> impl Iterator<Item = Settlement> {
        let heights = (height.max(1)..=self.store.tip()).take(LOOK);
        heights.filter_map(|height| {
            let bytes = self.store.settlement(height).ok().flatten()?;
            Some(Certified::decode(&bytes).ok()?.settlement)
        })
    }
}
