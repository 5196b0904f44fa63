//! What a settler finds on disk, and what follows for its votes.
use std::collections::BTreeMap;

use crypto::{Hash, Hotkey};
use protocol::consensus::LogEntry;
use protocol::ledger::Ledger;
use protocol::settlement::{Certified, Settlement};

use super::Trust;

/// What a settler finds on disk.
#[derive(Default)]
pub struct Recovered {
    /// The ledger at the tip; the genesis ledger if nothing was settled yet.
    pub ledger: Option<Ledger>,
    /// The last settlement.
    pub tip: Option<Certified>,
    /// What consensus took in at the height in progress.
    pub log: Vec<LogEntry>,
    /// Settlements judged valid at the height in progress.
    pub drafts: Vec<Settlement>,
    /// The first height to have a say in. Before it, votes that left may be forgotten: a second one would be a crime.
    pub votes_from: u64,
    /// The height of the last votes on disk, 0 for none: no earlier one may be voted at.
    pub last_votes: u64,
    /// There never was a vote on disk: it never voted, or its memory is gone.
    pub is_new: bool,
    /// On whose word it goes on.
    pub trust: Trust,
}

impl Recovered {
    /// The first height to vote in, given the one in progress and that of the last votes on disk; what we voted before
    /// may be forgotten if the vote log `lost` some of it, or went further than the settlements that are left.
    pub(crate) fn may_vote_from(height: u64, last_votes: u64, lost: bool) -> u64 {
        if lost || last_votes > height { last_votes.max(height) + 1 } else { height }
    }

    /// Has a say as soon as can be, at its owner's risk: a vote that contradicts a forgotten one is a crime. Where more
    /// than a third of the stake forgot its votes nothing is settled otherwise.
    pub(crate) fn vote_anew(&mut self) {
        (self.votes_from, self.is_new) = (self.last_votes, false);
    }

    /// What `proposer` put to the vote before a crash: in these rounds it may propose nothing else.
    pub(super) fn chosen(&self, proposer: &Hotkey) -> BTreeMap<u32, Hash> {
        let ours = |entry: &LogEntry| match entry {
            LogEntry::Judged { round, proposer: by, header, .. } if by == proposer => Some((*round, *header)),
            _ => None,
        };
        self.log.iter().filter_map(ours).collect()
    }
}
