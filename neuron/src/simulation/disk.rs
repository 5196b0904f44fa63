//! A disk in memory: writes wait their turn, and what was synced outlives any crash.
//!
//! It follows the rules of [`storage::Store`] and of the thread that owns the live one, errors included.
use std::collections::VecDeque;
use std::sync::Arc;

use protocol::settlement::Certified;
use storage::Error;

use super::Sabotage;
use crate::role::{Effect, Entry, Memory, Persist, Recovered, Settled};

/// What a node wrote and synced, and what it is about to write.
#[derive(Default)]
pub(super) struct Disk {
    settled: Vec<Arc<Settled>>,
    /// The height of the last votes, 0 for none. It never falls.
    votes_height: u64,
    /// Votes and drafts of that height.
    votes: Vec<Entry>,
    /// What a validator wrote for itself.
    memory: Memory,
    /// Writes not yet synced, in the order they are carried out in.
    queue: VecDeque<Persist>,
    /// When the last of them is synced.
    free_at: u64,
}

impl Disk {
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
    pub(super) fn sync(&mut self) -> Result<(Vec<Arc<Settled>>, Vec<Effect>), Error> {
        let Some(Persist { entries, then }) = self.queue.pop_front() else {
            return Ok(Default::default());
        };
        let (mut settlements, mut votes) = (Vec::new(), Vec::new());
        for entry in entries {
            match entry {
                Entry::Settled(settled) => {
                    self.append_settlement(&settled)?;
                    settlements.push(settled);
                }
                Entry::Memory(memory) => self.memory = *memory,
                Entry::Vote(height, _) => votes.push((height, entry)),
                Entry::Draft(ref draft) => votes.push((draft.header.height, entry)),
            }
        }
        self.append_votes(votes)?;
        Ok((settlements, then))
    }

    /// Loses what is not synced, and breaks a rule of storage on purpose if told to.
    pub(super) fn crash(&mut self, sabotage: Option<Sabotage>) {
        self.queue.clear();
        self.free_at = 0;
        match sabotage {
            Some(Sabotage::VotesForgotten) => self.votes.retain(|entry| matches!(entry, Entry::Draft(_))),
            Some(Sabotage::DraftsForgotten) => self.votes.retain(|entry| matches!(entry, Entry::Vote(..))),
            _ => {}
        }
    }

    /// What a restart finds.
    pub(super) fn recovered(&self) -> Recovered {
        let tip = self.settled.last();
        let height = self.height() + 1;
        let mut recovered = Recovered {
            ledger: tip.map(|tip| tip.ledger.clone()),
            tip: tip.map(|tip| tip.certified.clone()),
            votes_from: self.votes_from(height),
            ..Recovered::default()
        };
        let here = if self.votes_height == height { &self.votes[..] } else { &[] };
        for entry in here {
            match entry {
                Entry::Vote(_, vote) => recovered.log.push(vote.clone()),
                Entry::Draft(draft) => recovered.drafts.push((**draft).clone()),
                Entry::Settled(_) | Entry::Memory(_) => {}
            }
        }
        recovered
    }

    pub(super) fn memory(&self) -> Memory {
        self.memory.clone()
    }

    pub(super) fn height(&self) -> u64 {
        self.settled.len() as u64
    }

    pub(super) fn from(&self, height: u64, most: usize) -> Vec<Certified> {
        let start = usize::try_from(height.saturating_sub(1)).unwrap_or(usize::MAX);
        self.settled.iter().skip(start).take(most).map(|settled| settled.certified.clone()).collect()
    }

    fn append_settlement(&mut self, settled: &Arc<Settled>) -> Result<(), Error> {
        let (tip, height) = (self.height(), settled.certified.settlement.header.height);
        if height != tip + 1 {
            return Err(Error::Gap { tip, height });
        }
        self.settled.push(Arc::clone(settled));
        Ok(())
    }

    /// All entries go under the height of the last, as the live disk files them.
    fn append_votes(&mut self, votes: Vec<(u64, Entry)>) -> Result<(), Error> {
        let Some(&(height, _)) = votes.last() else {
            return Ok(());
        };
        if height < self.votes_height {
            return Err(Error::PastVote { height, latest: self.votes_height });
        }
        if height > self.votes_height {
            self.votes.clear();
            self.votes_height = height;
        }
        self.votes.extend(votes.into_iter().map(|(_, entry)| entry));
        Ok(())
    }

    /// The first height to vote in, as a live restart has it; this disk is never damaged.
    fn votes_from(&self, height: u64) -> u64 {
        if self.votes_height > height { self.votes_height + 1 } else { height }
    }
}
