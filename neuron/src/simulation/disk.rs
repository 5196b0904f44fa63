//! A disk in memory: keeps what was synced, through any crash.
use std::sync::Arc;

use protocol::consensus::LogEntry;
use protocol::settlement::{Certified, Settlement};

use super::Sabotage;
use crate::role::{Entry, Memory, Recovered, Settled};

/// What a node wrote and synced.
#[derive(Default)]
pub(super) struct Disk {
    settled: Vec<Arc<Settled>>,
    log: Vec<LogEntry>,
    drafts: Vec<Settlement>,
    memory: Memory,
}

impl Disk {
    pub(super) fn write(&mut self, entry: &Entry) {
        match entry {
            Entry::Vote(_, vote) => self.log.push(vote.clone()),
            Entry::Draft(draft) => self.drafts.push((**draft).clone()),
            Entry::Settled(settled) => {
                self.settled.push(Arc::clone(settled));
                self.log.clear();
                self.drafts.clear();
            }
            Entry::Memory(memory) => self.memory = (**memory).clone(),
        }
    }

    pub(super) fn memory(&self) -> Memory {
        self.memory.clone()
    }

    /// What a restart finds.
    pub(super) fn recovered(&self) -> Recovered {
        let tip = self.settled.last();
        Recovered {
            ledger: tip.map(|tip| tip.ledger.clone()),
            tip: tip.map(|tip| tip.certified.clone()),
            log: self.log.clone(),
            drafts: self.drafts.clone(),
            votes_from: 0,
        }
    }

    pub(super) fn height(&self) -> u64 {
        self.settled.len() as u64
    }

    pub(super) fn from(&self, height: u64, most: usize) -> Vec<Certified> {
        let start = usize::try_from(height.saturating_sub(1)).unwrap_or(usize::MAX);
        self.settled.iter().skip(start).take(most).map(|settled| settled.certified.clone()).collect()
    }

    /// Breaks a rule of storage on purpose.
    pub(super) fn sabotage(&mut self, sabotage: Sabotage) {
        match sabotage {
            Sabotage::VotesForgotten => self.log.clear(),
            Sabotage::DraftsForgotten => self.drafts.clear(),
            #[cfg(feature = "planted-faults")]
            Sabotage::HalfIsQuorum => {}
        }
    }
}
