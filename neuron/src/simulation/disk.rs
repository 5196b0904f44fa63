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
            votes_from: Recovered::may_vote_from(height, self.votes_height, false),
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
}

#[cfg(test)]
mod tests {
    use protocol::consensus::LogEntry;

    use super::*;

    /// A disk that synced one vote at each of `heights`, or what it refused.
    fn voted(heights: &[u64]) -> Result<Disk, String> {
        let mut disk = Disk::default();
        for &height in heights {
            let entries = vec![Entry::Vote(height, LogEntry::Polka(Vec::new()))];
            disk.queue(0, 1, Persist { entries, then: Vec::new() });
        }
        heights.iter().try_for_each(|_| disk.sync().map(drop)).map_err(|refused| refused.to_string())?;
        Ok(disk)
    }

    #[test]
    fn votes_below_the_last_are_refused() {
        let refused = voted(&[2, 1]).err().expect("height 1 is past");
        assert!(refused.starts_with("votes for height 1 refused after votes for height 2"), "{refused}");
    }

    #[test]
    fn only_votes_of_the_height_in_progress_are_recovered() {
        let recovered = voted(&[1, 1]).expect("in order").recovered();
        assert_eq!((recovered.log.len(), recovered.votes_from), (2, 1));
    }

    #[test]
    fn votes_beyond_the_height_in_progress_are_sat_out() {
        let recovered = voted(&[1, 1, 3]).expect("in order").recovered();
        assert_eq!((recovered.log.len(), recovered.votes_from), (0, 4));
    }

    #[test]
    fn a_crash_loses_what_is_not_synced() {
        let mut disk = voted(&[1]).expect("in order");
        disk.queue(
            0,
            1,
            Persist { entries: vec![Entry::Vote(2, LogEntry::Polka(Vec::new()))], then: Vec::new() },
        );
        disk.crash(None);
        assert!(disk.sync().is_ok_and(|(settled, then)| settled.is_empty() && then.is_empty()));
        assert_eq!(disk.recovered().log.len(), 1);
    }

    #[test]
    fn a_write_waits_for_the_one_before_it() {
        let mut disk = Disk::default();
        let nothing = || Persist { entries: Vec::new(), then: Vec::new() };
        assert_eq!(disk.queue(100, 30, nothing()), 130);
        assert_eq!(disk.queue(110, 5, nothing()), 135);
        assert_eq!(disk.queue(500, 5, nothing()), 505);
    }
}
