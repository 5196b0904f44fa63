//! How good each miner was lately.
use std::collections::BTreeMap;

use crypto::Hotkey;
use serde::{Deserialize, Serialize};

/// How much the newest answer counts.
const NEWEST: f64 = 0.1;

/// Weights are whole numbers: a score of one.
const SCALE: f64 = 1_000_000.0;

/// A running score for each miner, from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Scores(BTreeMap<Hotkey, Score>);

/// How good one miner was lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// From 0 to 1; no answer is worth 0.
    pub mean: f64,
    /// Questions put to it, and turns in which it was left out because it does not say that it serves.
    pub asked: u32,
    /// Questions that it answered in time and in the form of the task.
    pub answered: u32,
}

impl Scores {
    /// Takes in the score of one answer, if there was one; the first count evenly, later ones fade the old.
    pub(super) fn observe(&mut self, miner: Hotkey, score: Option<f64>) {
        let known = self.0.entry(miner).or_default();
        known.asked = known.asked.saturating_add(1);
        known.answered = known.answered.saturating_add(u32::from(score.is_some()));
        let rate = NEWEST.max(1.0 / f64::from(known.asked));
        known.mean += rate * (score.unwrap_or(0.0).clamp(0.0, 1.0) - known.mean);
    }

    /// What each miner is worth: the square of its score, so that doing well pays more than doing twice as much badly.
    pub(super) fn weights(&self) -> impl Iterator<Item = (&Hotkey, u64)> {
        self.0.iter().map(|(miner, score)| (miner, (score.mean * score.mean * SCALE) as u64))
    }

    /// Forgets miners that left.
    pub(super) fn keep_only(&mut self, stays: impl Fn(&Hotkey) -> bool) {
        self.0.retain(|miner, _| stays(miner));
    }

    /// Everyone with a score.
    pub(super) fn miners(&self) -> impl Iterator<Item = &Hotkey> {
        self.0.keys()
    }

    /// Whether there is nothing to vote with: no miner is worth anything.
    pub(super) fn is_empty(&self) -> bool {
        self.weights().all(|(_, weight)| weight == 0)
    }

    /// The running score of every miner.
    pub(super) fn shown(&self) -> BTreeMap<Hotkey, Score> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINER: Hotkey = Hotkey([1; 32]);

    #[test]
    fn first_answers_count_evenly_and_old_ones_fade() {
        let mut scores = Scores::default();
        [Some(1.0), None].into_iter().for_each(|score| scores.observe(MINER, score));
        assert_eq!(scores.shown()[&MINER], Score { mean: 0.5, asked: 2, answered: 1 });
        (0..100).for_each(|_| scores.observe(MINER, Some(1.0)));
        assert!(scores.shown()[&MINER].mean > 0.99);
    }

    #[test]
    fn a_score_out_of_bounds_is_clamped() {
        let mut scores = Scores::default();
        scores.observe(MINER, Some(f64::INFINITY));
        assert_eq!(scores.shown()[&MINER].mean, 1.0);
    }
}
