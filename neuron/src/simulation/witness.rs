//! Who hears a validator contradict itself, and must accuse it by the time that it goes on.
//!
//! What a rule lets a node pass over does not count: votes on a height that it has settled or not begun, in a round that
//! it has left, or of who has no say there.
use std::collections::{BTreeMap, BTreeSet};

use crypto::Hotkey;
use protocol::consensus::vote::{Ballot, Vote};
use protocol::message::Heard;
use protocol::telling::Words;

use super::Simulation;
use crate::role::Input;

/// Votes in later rounds are not heard.
const ROUNDS_AHEAD: u32 = 10;

/// What one life of a node heard of validators that run twice.
#[derive(Default)]
pub(super) struct Witness {
    /// The first vote of its place.
    votes: BTreeMap<(u64, u32, Hotkey, Ballot), Vote>,
    /// At which heights who voted twice in one place.
    contradictions: BTreeSet<(u64, Hotkey)>,
}

impl Witness {
    /// Hears a vote; tells whether it is the first to show that the voter contradicts itself at this height.
    fn hear(&mut self, round: u32, voter: Hotkey, vote: &Vote) -> bool {
        let place = (vote.height(), round, voter, vote.ballot());
        let first = self.votes.entry(place).or_insert_with(|| vote.clone());
        first != vote && self.contradictions.insert((vote.height(), voter))
    }

    /// Who contradicted itself before a height, and at which; what was heard of these heights is forgotten.
    fn until(&mut self, height: u64) -> BTreeSet<(u64, Hotkey)> {
        self.votes.retain(|(about, ..), _| *about >= height);
        let later = self.contradictions.split_off(&(height, Hotkey([0; 32])));
        std::mem::replace(&mut self.contradictions, later)
    }
}

impl Simulation {
    /// Notes what a node hears of validators that run twice, about the height that it votes on.
    pub(super) fn witness(&mut self, node: usize, input: &Input) {
        let Input::Told(Heard::Telling(Words::Votes(votes))) = input else { return };
        let Self { nodes, record, .. } = self;
        let node = &mut nodes[node];
        let Some(now) = node.round() else { return };
        let height = node.height() + 1;
        // While it writes, it may know more and be further than it shows.
        if node.disk.waiting() > 0 || record.is_twin(&node.hotkey()) {
            return;
        }
        for vote in votes.iter().filter(|vote| vote.height() == height) {
            let (voter, round) = (vote.signer(), vote.round());
            if let Some(round) = round.filter(|round| (now..=now + ROUNDS_AHEAD).contains(round))
                && record.is_twin(&voter)
                && record.had_say(&voter, height)
            {
                record.contradictions += usize::from(node.witness.hear(round, voter, vote));
            }
        }
    }

    /// A node goes on to vote on a height: whoever contradicted itself before must be accused by now.
    pub(super) fn goes_on(&mut self, node: usize, height: u64) {
        // What it accuses may still wait for its disk, and the timers of later steps do not.
        if self.nodes[node].disk.waiting() > 0 {
            return;
        }
        let life = self.nodes[node].life();
        for (offence, offender) in self.nodes[node].witness.until(height) {
            self.record.check_accused((node, life), offender, offence);
        }
    }
}
