//! Decisions that one node sees alone: the sharpest cut there is between what was decided and what is known.
use protocol::consensus::vote::Ballot;
use protocol::message::Heard;
use protocol::telling::Words;
use rand::RngExt;

use super::Simulation;
use crate::role::Input;

/// The chance that a node does not see a draft which the network hides: of seven, the rest can often not decide without
/// one more.
const UNSEEN: f64 = 0.25;

/// How long the node that sees the decision is not heard, in virtual milliseconds: others decide a later round meanwhile.
const HUSH_MS: u64 = 6_000;

/// A round whose decision one node sees alone: some miss the draft and vote for nothing, and without the one they are
/// too few.
pub(super) struct Hidden {
    height: u64,
    round: u32,
    /// By number of node, whether it misses the draft.
    unseen: Vec<bool>,
    /// It hears everything, and of what it says only its prevotes of this round are heard.
    mute: usize,
    /// In absolute virtual milliseconds.
    until: u64,
}

impl Simulation {
    /// Hides the decision on what a node is about to tell, if it is a draft and the time has come.
    pub(super) fn hide(&mut self, from: usize, heard: &Heard) {
        let Heard::Draft(draft) = heard else { return };
        let over = self.hidden.as_ref().is_none_or(|hidden| self.now >= hidden.until);
        let mute = self.rng.random_range(0..self.plan.validators);
        if over && self.now < self.calm() && mute != from && self.rng.random_bool(self.plan.faults.hidden) {
            let misses = |node| node != mute && self.rng.random_bool(UNSEEN);
            self.hidden = Some(Hidden {
                height: draft.settlement.header.height,
                round: draft.round,
                unseen: (0..self.nodes.len()).map(misses).collect(),
                mute,
                until: self.now + HUSH_MS,
            });
        }
    }

    /// Whether an input is lost to keep a decision hidden.
    pub(super) fn hides(&self, from: usize, to: usize, input: &Input) -> bool {
        let stormy = self.now < self.calm();
        self.hidden.as_ref().is_some_and(|hidden| {
            stormy && self.now < hidden.until && (hidden.mutes(from, input) || hidden.blinds(to, input))
        })
    }
}

impl Hidden {
    fn mutes(&self, from: usize, input: &Input) -> bool {
        let prevotes = match input {
            Input::Told(Heard::Telling(Words::Votes(votes))) => votes.iter().all(|vote| {
                (vote.ballot(), vote.height(), vote.round())
                    == (Ballot::Prevote, self.height, Some(self.round))
            }),
            _ => false,
        };
        from == self.mute && !prevotes
    }

    fn blinds(&self, to: usize, input: &Input) -> bool {
        let hidden = match input {
            Input::Told(Heard::Draft(draft)) => {
                (draft.settlement.header.height, draft.round) == (self.height, self.round)
            }
            _ => false,
        };
        hidden && self.unseen[to]
    }
}
