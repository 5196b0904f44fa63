//! How a settler learns that it is late, whom it asks, and what it thinks of their answers.
//!
//! What was decided meanwhile is asked for in ranges, of several peers at once, and applied in order of heights. What
//! is applied stays: after a restart we go on from there.
use std::collections::{BTreeMap, BTreeSet};

use crypto::{Hash, Hotkey};
use protocol::message::Heard;
use protocol::settlement::Certified;

use super::Settler;
use super::ranges::Ranges;
use crate::role::{Delivery, Effect, Entry, Moment, Persist, Range, Source, Timer};

/// How long a peer that sent what no honest one sends is not asked again, in milliseconds.
const SHUN_MS: u64 = 10 * 60 * 1_000;

/// Shunned peers remembered: identities cost nothing, and each lie costs its teller one.
const SHUNNED: usize = 256;

/// The longest wait between two looks at what came, in milliseconds, whatever the interval.
const LOOK_MS: u64 = 1_000;

/// The same while a vote of ours waits for others' word that nothing was settled.
const WORD_MS: u64 = 200;

/// What we know of being late.
#[derive(Debug, Default)]
pub(super) struct Late {
    /// The height that others have reached, as far as we heard: a guess that costs a few requests if it is wrong.
    ahead: u64,
    /// The height after which these members have nothing, as they say.
    pub(super) tip: (u64, BTreeSet<Hotkey>),
    ranges: Ranges,
    /// Peers that are not asked, and until when.
    shunned: BTreeMap<Hotkey, u64>,
}

impl Late {
    /// Takes somebody's word for a height that was reached.
    pub(super) fn hear_of(&mut self, height: u64) {
        self.ahead = self.ahead.max(height);
    }

    /// Drops a peer: nothing it sent is used, and nothing asked of it for a while.
    fn shun(&mut self, peer: Hotkey, now: u64) {
        self.ranges.drop_peer(&peer);
        if self.shunned.len() >= SHUNNED {
            self.shunned.pop_first();
        }
        self.shunned.insert(peer, now.saturating_add(SHUN_MS));
    }

    fn expire(&mut self, now: u64) {
        self.ranges.expire(now);
        self.shunned.retain(|_, until| *until > now);
    }
}

impl Settler {
    /// Words about a later height by somebody with a say mean that we are late; so may a later settlement.
    pub(super) fn notice(&mut self, heard: &Heard, height: u64) {
        let credible = match heard {
            Heard::Telling(words) => words.authors().iter().any(|author| self.has_say(author)),
            // Not proven, but it costs one fetch at most to find out.
            Heard::Settled(_) => true,
            _ => false,
        };
        if credible && height <= self.head.ledger.height() + 1 + self.head.ledger.parameters().gossip_window {
            self.late.hear_of(height.saturating_sub(1));
        }
    }

    /// Applies what came, and asks for what we miss, if others are ahead or nothing was settled for a while.
    pub(super) fn catch_up(&mut self, moment: Moment) -> Vec<Effect> {
        if let Some(halt) = self.expired(moment) {
            return vec![halt];
        }
        self.late.expire(moment.now);
        let mut effects = self.apply(moment);
        let interval = self.head.ledger.parameters().interval;
        let waits_for_word = self.may_have_forgotten(moment.now);
        if waits_for_word || moment.now.saturating_sub(self.head.ledger.time()) > 3 * interval {
            self.late.hear_of(self.head.ledger.height() + 1);
        }
        effects.extend(self.fetch(moment));
        let wait = match self.late.ranges.is_ready(self.head.ledger.height()) {
            true => 0,
            false if waits_for_word => WORD_MS,
            false if self.late.ranges.is_empty() => interval,
            false => interval.min(LOOK_MS),
        };
        effects.extend([Effect::Schedule(Timer::CatchUp, wait), self.show_pace()]);
        effects
    }

    /// Asks for the next ranges, as many as there is room for, each of another peer.
    pub(super) fn fetch(&mut self, moment: Moment) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some(first) = self.late.ranges.next(self.head.ledger.height(), self.late.ahead) {
            let source = self.source(moment, effects.len() as u64);
            let peer = if let Source::Peer(peer) = source { Some(peer) } else { None };
            self.late.ranges.ask(first, peer, moment.now);
            effects.push(Effect::Fetch(source, first));
        }
        effects
    }

    /// One of those who settle, or whoever is connected: the set that we know may be long gone.
    fn source(&self, moment: Moment, turn: u64) -> Source {
        let shunned = self.late.shunned.keys().copied().chain(self.late.ranges.asked());
        let (height, sayers) = &self.late.tip;
        let told = sayers.iter().filter(|_| *height == self.head.ledger.height()).copied();
        let avoided: Vec<_> = shunned.chain(told).collect();
        let members = self.head.ledger.validators().members().iter().map(|(hotkey, _)| *hotkey);
        let is_asked = |member: &Hotkey| *member != self.keypair.hotkey() && !avoided.contains(member);
        let peers: Vec<_> = members.filter(is_asked).collect();
        let draw = moment.seed.to_u64().wrapping_add(turn) as usize;
        let settles = peers.get(draw / 2 % peers.len().max(1)).filter(|_| draw.is_multiple_of(2));
        settles.map_or(Source::AnyoneBut(avoided), |peer| Source::Peer(*peer))
    }

    /// Takes in what a peer answered. What brings nothing is asked for again at the next look, not at once.
    pub(super) fn fetched(&mut self, moment: Moment, range: &Range) -> Vec<Effect> {
        self.late.ranges.answered(range.first, range.peer);
        let Some(peer) = range.peer.filter(|peer| !self.late.shunned.contains_key(peer)) else {
            return Vec::new();
        };
        let (settlements, tip) = match &range.delivery {
            Delivery::Settlements(settlements, tip) => (settlements, *tip),
            Delivery::Nothing => return Vec::new(),
            Delivery::Malformed(reason) => return self.shun(moment, peer, reason.clone()),
        };
        if let Err(fault) = check(&self.genesis, range.first, settlements) {
            return self.shun(moment, peer, fault);
        }
        if settlements.is_empty() {
            // Who has it and does not hand it over is no better and no worse than one who is busy.
            if tip >= range.first {
                return Vec::new();
            }
            let last = range.first - 1;
            self.late.ahead = self.late.ahead.min(last);
            return self.hear_tip(moment, peer, last);
        }
        self.late.hear_of(tip);
        self.late.ranges.keep(self.head.ledger.height(), range.first, peer, settlements.clone());
        let mut effects = self.apply(moment);
        effects.extend(self.fetch(moment));
        if self.late.ranges.is_ready(self.head.ledger.height()) {
            effects.push(Effect::Schedule(Timer::CatchUp, 0));
        }
        effects
    }

    /// Applies the next range; others wait for the next look, or we would hear nothing else meanwhile.
    fn apply(&mut self, moment: Moment) -> Vec<Effect> {
        let Some((peer, settlements)) = self.late.ranges.take(self.head.ledger.height()) else {
            return Vec::new();
        };
        let mut effects = Vec::new();
        for certified in settlements {
            match self.enter(moment, &certified) {
                Ok(entered) => effects.extend(entered),
                // It could know: every settlement it has entered like this.
                Err(forged) => {
                    effects.extend(self.shun(
                        moment,
                        peer,
                        format!("its certificate proves nothing: {forged}"),
                    ));
                    break;
                }
            }
        }
        in_few_writes(effects)
    }

    fn shun(&mut self, moment: Moment, peer: Hotkey, fault: String) -> Vec<Effect> {
        self.late.shun(peer, moment.now);
        let mut effects = vec![Effect::Shun(peer, fault)];
        effects.extend(self.fetch(moment));
        effects
    }
}

/// Joins writes of settlements that stand next to each other: one sync for all of them, and not one each.
fn in_few_writes(effects: Vec<Effect>) -> Vec<Effect> {
    let settles = |persist: &Persist| persist.entries.iter().all(|entry| matches!(entry, Entry::Settled(_)));
    let mut joined: Vec<Effect> = Vec::with_capacity(effects.len());
    for effect in effects {
        match (joined.last_mut(), effect) {
            (Some(Effect::Persist(before)), Effect::Persist(next)) if settles(before) && settles(&next) => {
                before.entries.extend(next.entries);
                before.then.extend(next.then);
            }
            (_, effect) => joined.push(effect),
        }
    }
    joined
}

/// What the sender could know of a range, whoever settles: that it is what we asked for.
fn check(genesis: &Hash, first: u64, settlements: &[Certified]) -> Result<(), String> {
    let mut parent = None;
    for (height, certified) in (first..).zip(settlements) {
        let header = &certified.settlement.header;
        if header.genesis != *genesis {
            return Err(format!("it sent a settlement of another network, {:?}", header.genesis));
        }
        if header.height != height {
            return Err(format!("it sent settlement {} in the place of {height}", header.height));
        }
        if parent.is_some_and(|parent| parent != header.parent) {
            return Err(format!("its settlement {height} does not follow the one before"));
        }
        certified.settlement.check_body().map_err(|forged| format!("its settlement {height}: {forged}"))?;
        parent = Some(header.hash());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
