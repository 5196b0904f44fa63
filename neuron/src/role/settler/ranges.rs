//! What a late settler asked for and what came: ranges of heights, few at a time.
use std::collections::BTreeMap;

use crypto::Hotkey;
use protocol::settlement::Certified;

use crate::role::BATCH;

/// Ranges asked for or waiting for those before them: their bodies are all the memory that being late may take.
const RANGES: usize = 3;

/// How long a range waits for its answer before somebody else is asked, in milliseconds: an honest peer reads and sends
/// a batch in a fraction of it.
const PATIENCE_MS: u64 = 3_000;

/// Ranges by their first heights.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    asked: BTreeMap<u64, Asked>,
    /// What came before it could be applied, with its sender.
    arrived: BTreeMap<u64, (Hotkey, Vec<Certified>)>,
}

#[derive(Debug)]
struct Asked {
    /// `None` is whoever was connected.
    peer: Option<Hotkey>,
    until: u64,
}

impl Ranges {
    /// The first height of a range to ask for, if there is room for one: after `height`, and not after `last`.
    pub(super) fn next(&self, height: u64, last: u64) -> Option<u64> {
        let next = self.gap(height + 1);
        let held = self.asked.len() + self.arrived.len();
        // What is applied next is never kept waiting by what comes after it.
        let room = held < RANGES || next == height + 1 && self.asked.len() < RANGES;
        (room && next <= last).then_some(next)
    }

    pub(super) fn ask(&mut self, first: u64, peer: Option<Hotkey>, now: u64) {
        self.asked.insert(first, Asked { peer, until: now.saturating_add(PATIENCE_MS) });
    }

    /// Those who were asked and did not answer yet.
    pub(super) fn asked(&self) -> impl Iterator<Item = Hotkey> {
        self.asked.values().filter_map(|asked| asked.peer)
    }

    /// Gives up waiting for the slow.
    pub(super) fn expire(&mut self, now: u64) {
        self.asked.retain(|_, asked| asked.until > now);
    }

    /// A range was answered, unless somebody else was asked for it since.
    pub(super) fn answered(&mut self, first: u64, peer: Option<Hotkey>) {
        let still = |asked: &Asked| asked.peer.is_none() || asked.peer == peer;
        if self.asked.get(&first).is_some_and(still) {
            self.asked.remove(&first);
        }
    }

    /// Keeps what came for the heights after `height`, if there is room; what is next always has some.
    pub(super) fn keep(&mut self, height: u64, first: u64, peer: Hotkey, settlements: Vec<Certified>) {
        let room = self.arrived.len() < RANGES || first <= height + 1;
        if room && !settlements.is_empty() {
            self.arrived.entry(first).or_insert((peer, settlements));
        }
    }

    /// Takes the range that goes on after `height`; those that end before are forgotten.
    pub(super) fn take(&mut self, height: u64) -> Option<(Hotkey, Vec<Certified>)> {
        self.arrived.retain(|first, (_, settlements)| first + settlements.len() as u64 > height + 1);
        self.is_ready(height).then(|| self.arrived.pop_first()).flatten().map(|(_, range)| range)
    }

    /// Whether a range goes on after `height`.
    pub(super) fn is_ready(&self, height: u64) -> bool {
        self.arrived.keys().next().is_some_and(|first| *first <= height + 1)
    }

    /// Whether anything is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.asked.is_empty() && self.arrived.is_empty()
    }

    /// Forgets what a peer sent and was asked for.
    pub(super) fn drop_peer(&mut self, peer: &Hotkey) {
        self.arrived.retain(|_, (sender, _)| sender != peer);
        self.asked.retain(|_, asked| asked.peer.as_ref() != Some(peer));
    }

    /// The first height from `next` on that neither came nor is asked for.
    fn gap(&self, mut next: u64) -> u64 {
        loop {
            let asked = self.asked.range(..=next).next_back().map(|(first, _)| first + BATCH as u64);
            let arrived = self.arrived.range(..=next).next_back();
            let arrived = arrived.map(|(first, (_, settlements))| first + settlements.len() as u64);
            match asked.max(arrived) {
                Some(end) if end > next => next = end,
                _ => return next,
            }
        }
    }
}
