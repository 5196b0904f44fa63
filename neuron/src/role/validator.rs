//! Asks miners, scores their answers, and sets weights.

mod poll;
mod scores;

use std::collections::BTreeMap;
use std::sync::Arc;

use crypto::{Hash, Hotkey, Keypair};
use protocol::announcement::Profile;
use protocol::ledger::Ledger;
use protocol::message::{Attestation, Heard, Message};
use protocol::query::Question;
use protocol::subnet::Netuid;
use protocol::weights::{Commit, Reveal, Row};
use protocol::{Payload, Signed, Verified};
use serde::{Deserialize, Serialize};

use self::scores::Scores;
use super::{Effect, Entry, Input, Moment, Persist, Reply, Role, Settled, Ticket, Timer};
use crate::task::{Questioner, Task};

pub use self::poll::{Poll, Voice};
pub use self::scores::Score;

/// An answer that comes later counts as none, in milliseconds: a user would have gone. The network waits longer, and a
/// miner that binds itself now to compute later would use that.
const ANSWER_MS: u64 = 5_000;

/// After this a reply is held to be lost, in milliseconds; the network gives up sooner and says so.
const REPLY_MS: u64 = 60_000;

/// Questions in flight.
const IN_FLIGHT: usize = 1024;

/// Miners asked at each settlement; larger subnets are gone round in turns.
const ASKED_AT_ONCE: usize = 16;

/// Epochs after which a miner that does not say so is held not to serve.
const SILENT_EPOCHS: u64 = 4;

/// The version of how answers are scored.
const SCORING_VERSION: u64 = 1;

/// Intervals after which a settlement is no news any more.
const RECENT: u64 = 5;

/// How long a person waits for a poll, in milliseconds.
const POLL_MS: u64 = 3_000;

/// Asks miners, scores their answers, and sets weights.
pub struct Validator {
    keypair: Keypair,
    genesis: Hash,
    netuid: Netuid,
    task: &'static dyn Task,
    questioner: Box<dyn Questioner>,
    ledger: Ledger,
    memory: Memory,
    /// The first height that was news when we heard of it: before, we were away, and silence was ours.
    present_since: Option<u64>,
    /// What each miner last said that it serves.
    serving: BTreeMap<Hotkey, Serving>,
    asked: BTreeMap<Hash, Asked>,
    polls: BTreeMap<Ticket, Poll>,
    next_question: u64,
}

/// What a validator must know again after a restart: who does not reveal what it committed to earns nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// How good each miner was lately.
    scores: Scores,
    /// Rows committed to, by epoch, until their reveal is settled or too late.
    rows: BTreeMap<u64, Reveal>,
}

impl Memory {
    /// Rows committed to, for a behaviour to put others in their place.
    pub(crate) fn rows_mut(&mut self) -> impl Iterator<Item = &mut Reveal> {
        self.rows.values_mut()
    }
}

/// A miner's word that it serves.
struct Serving {
    /// The height at which we heard it.
    heard: u64,
    /// The profile's number: an older one that somebody repeats is no sign of life.
    number: u64,
}

/// A question in flight.
struct Asked {
    miner: Hotkey,
    seed: Hash,
    at: u64,
    /// Set if a person waits for it; such answers are not scored.
    poll: Option<Ticket>,
}

impl Validator {
    /// A validator of one subnet, starting from the ledger and the memory that it recovered.
    pub fn new(
        keypair: Keypair,
        netuid: Netuid,
        task: &'static dyn Task,
        ledger: Ledger,
        memory: Memory,
    ) -> Self {
        Self {
            genesis: ledger.genesis(),
            keypair,
            netuid,
            task,
            questioner: task.questioner(),
            ledger,
            memory,
            present_since: None,
            serving: BTreeMap::new(),
            asked: BTreeMap::new(),
            polls: BTreeMap::new(),
            next_question: 0,
        }
    }

    fn settled(&mut self, moment: Moment, settled: &Arc<Settled>) -> Vec<Effect> {
        self.ledger = settled.ledger.clone();
        self.asked.retain(|_, asked| asked.at + REPLY_MS > moment.now);
        if self.is_old(moment) {
            self.present_since = None;
            return Vec::new();
        }
        self.present_since.get_or_insert(self.ledger.height());
        let silent = self.forget_silent();
        silent.iter().for_each(|miner| self.memory.scores.observe(*miner, None));
        let mut effects = self.ask_round(moment);
        effects.extend(self.set_weights());
        effects.extend(self.attest());
        effects.push(Effect::Score(self.memory.scores.shown()));
        effects
    }

    /// Whether we are only catching up: answers to what we asked now would come too late.
    fn is_old(&self, moment: Moment) -> bool {
        self.ledger.time() + RECENT * self.ledger.parameters().interval < moment.now
    }

    /// A miner that says it serves is asked at once, then in turn with the others.
    fn serves(&mut self, moment: Moment, profile: &Verified<Profile>) -> Vec<Effect> {
        let miner = profile.signer();
        let ours = profile.netuid == self.netuid && miner != self.keypair.hotkey();
        if !ours || self.ledger.slot(self.netuid, &miner).is_none() {
            return Vec::new();
        }
        let serving = Serving { heard: self.ledger.height(), number: profile.number };
        match self.serving.get(&miner) {
            Some(known) if known.number >= serving.number => Vec::new(),
            known => {
                let first = known.is_none();
                self.serving.insert(miner, serving);
                first.then(|| self.ask(moment, miner, None)).flatten().into_iter().collect()
            }
        }
    }

    /// Scored miners that have not said for a while that they serve; those without a slot are forgotten.
    fn forget_silent(&mut self) -> Vec<Hotkey> {
        let (height, patience) = (self.ledger.height(), SILENT_EPOCHS * self.epoch_length());
        let slots = self.ledger.slots(self.netuid);
        let has_slot = |miner: &Hotkey| slots.contains_key(miner);
        self.serving.retain(|miner, serving| serving.heard + patience >= height && has_slot(miner));
        self.memory.scores.keep_only(has_slot);
        if self.present_since.is_none_or(|since| since + patience >= height) {
            return Vec::new();
        }
        self.memory.scores.miners().filter(|miner| !self.serving.contains_key(miner)).copied().collect()
    }

    /// Fresh questions for the next miners in turn, each its own.
    fn ask_round(&mut self, moment: Moment) -> Vec<Effect> {
        let turns = self.serving.len().div_ceil(ASKED_AT_ONCE).max(1);
        let turn = (self.ledger.height() % turns as u64) as usize;
        let chosen: Vec<_> = self.serving.keys().skip(turn).step_by(turns).copied().collect();
        chosen.into_iter().filter_map(|miner| self.ask(moment, miner, None)).collect()
    }

    fn ask(&mut self, moment: Moment, miner: Hotkey, poll: Option<Ticket>) -> Option<Effect> {
        if self.asked.len() >= IN_FLIGHT {
            return None;
        }
        self.next_question += 1;
        let (height, number) = (self.ledger.height(), self.next_question);
        let seed = question_seed(&self.keypair, miner, (height, number), moment.now);
        #[cfg(feature = "planted-faults")]
        let seed = match self.ledger.lacks(protocol::Defence::OwnQuestions) {
            true => question_seed(&self.keypair, self.keypair.hotkey(), (height, 0), 0),
            false => seed,
        };
        let body = self.questioner.ask(seed);
        let question = Question { netuid: self.netuid, miner, height, number, body };
        let question = Signed::author(&self.keypair, &self.genesis, question);
        self.asked.insert(question.id(), Asked { miner, seed, at: moment.now, poll });
        Some(Effect::Ask(question))
    }

    /// Scores an answer, unless it is `given` what it is worth.
    fn answered(&mut self, moment: Moment, reply: &Reply, given: Option<f64>) -> Vec<Effect> {
        let Some(asked) = self.asked.remove(&reply.question) else {
            return Vec::new();
        };
        let timely = moment.now <= asked.at + ANSWER_MS;
        let answer = reply.answer.as_ref().filter(|_| timely);
        let answer = answer.filter(|a| a.signer() == asked.miner && a.question == reply.question);
        let judged = || answer.and_then(|answer| self.questioner.judge(asked.seed, &answer.body));
        let score = given.or_else(judged);
        match asked.poll {
            None => {
                self.memory.scores.observe(asked.miner, score);
                Vec::new()
            }
            Some(ticket) => self.voiced(ticket, asked.miner, score, moment.now.saturating_sub(asked.at)),
        }
    }

    /// Commits a row in every epoch, reveals it from the next on, and repeats either until it is settled, as often as
    /// gossip lets the same bytes pass. A commit leaves once its row is on disk.
    fn set_weights(&mut self) -> Vec<Effect> {
        let me = self.keypair.hotkey();
        let Some(epoch) = self.ledger.epoch(self.netuid) else {
            return Vec::new();
        };
        if !self.ledger.may_vote(self.netuid, &me) {
            return Vec::new();
        }
        let window = self.ledger.hyperparameters(self.netuid).map_or(1, |rules| rules.reveal_window);
        self.memory.rows.retain(|committed, _| committed + window >= epoch);
        let mut effects = Vec::new();
        for reveal in self.memory.rows.range(..self.shown_before(epoch)).map(|(_, reveal)| reveal) {
            if self.ledger.commitment(self.netuid, &me, reveal.epoch).is_some() {
                effects.push(self.tell(reveal.clone(), Message::Reveal));
            }
        }
        if self.is_time_to_commit() && self.ledger.commitment(self.netuid, &me, epoch).is_none() {
            let commitment = self.row(epoch).commitment(&me);
            let then = vec![self.tell(Commit { netuid: self.netuid, epoch, commitment }, Message::Commit)];
            let entries = vec![Entry::Memory(Box::new(self.memory.clone()))];
            effects.push(Effect::Persist(Persist { entries, then }));
        }
        effects
    }

    /// Rows of earlier epochs are shown in this one.
    fn shown_before(&self, epoch: u64) -> u64 {
        #[cfg(feature = "planted-faults")]
        if self.ledger.lacks(protocol::Defence::HiddenRows) {
            return epoch + 1;
        }
        epoch
    }

    /// Once a third of the epoch has passed, so that the row rests on this epoch's answers too.
    fn is_time_to_commit(&self) -> bool {
        let height = self.ledger.height();
        let epoch = self.ledger.present_epoch(self.netuid);
        let late = epoch.is_some_and(|epoch| epoch.settled(height) >= epoch.length() / 3);
        late && !self.memory.scores.is_empty()
    }

    /// The row for an epoch, fixed at first use.
    fn row(&mut self, epoch: u64) -> &Reveal {
        let (netuid, version) = (self.netuid, SCORING_VERSION);
        let salt =
            self.keypair.secret("neuron v1 weights salt", &[&netuid.0.to_le_bytes(), &epoch.to_le_bytes()]);
        let slots = self.ledger.slots(netuid);
        let scores = self.memory.scores.weights();
        let scores = scores.filter_map(|(miner, weight)| Some((*slots.get(miner)?, weight)));
        let row = Row::from_scores(scores).naming(self.ledger.least_weights(netuid));
        self.memory.rows.entry(epoch).or_insert(Reveal { netuid, epoch, version, salt, row })
    }

    /// Shows our stake to those who do not hold the ledger, once an epoch.
    fn attest(&self) -> Option<Effect> {
        let begins = self.ledger.present_epoch(self.netuid)?.settled(self.ledger.height()) == 0;
        let (leaf, proof) = begins.then(|| self.ledger.prove_stake(&self.keypair.hotkey())).flatten()?;
        let attestation = Attestation { height: self.ledger.height(), leaf, proof };
        Some(Effect::tell(Message::Attestation(attestation)))
    }

    /// Of the present epoch or the next, whichever is longer.
    fn epoch_length(&self) -> u64 {
        let present = self.ledger.present_epoch(self.netuid).map_or(1, |epoch| epoch.length());
        self.ledger.hyperparameters(self.netuid).map_or(present, |rules| rules.tempo.max(present))
    }

    fn tell<T: Payload>(&self, payload: T, message: impl FnOnce(Signed<T>) -> Message) -> Effect {
        Effect::tell(message(Signed::author(&self.keypair, &self.genesis, payload).into_signed()))
    }

    fn poll(&mut self, moment: Moment, ticket: Ticket) -> Vec<Effect> {
        let miners: Vec<_> = self.serving.keys().copied().collect();
        self.polls.insert(ticket, Poll::new(self.task.name(), miners.len()));
        if miners.is_empty() {
            return self.close_poll(ticket);
        }
        let asks: Vec<_> = miners.into_iter().filter_map(|m| self.ask(moment, m, Some(ticket))).collect();
        asks.into_iter().chain([Effect::Schedule(Timer::Poll(ticket), POLL_MS)]).collect()
    }

    fn voiced(&mut self, ticket: Ticket, miner: Hotkey, score: Option<f64>, latency_ms: u64) -> Vec<Effect> {
        let Some(poll) = self.polls.get_mut(&ticket) else {
            return Vec::new();
        };
        let uid = self.ledger.slot(self.netuid, &miner);
        poll.voices.push(Voice { uid, miner, score, latency_ms });
        if poll.voices.len() < poll.asked { Vec::new() } else { self.close_poll(ticket) }
    }

    fn close_poll(&mut self, ticket: Ticket) -> Vec<Effect> {
        let poll = self.polls.remove(&ticket);
        poll.map(|poll| Effect::Report(ticket, poll)).into_iter().collect()
    }
}

/// What a question asked then is drawn from: nobody else can know it before the answer.
pub(crate) fn question_seed(
    keypair: &Keypair,
    miner: Hotkey,
    (height, number): (u64, u64),
    now: u64,
) -> Hash {
    let parts: [&[u8]; 4] = [&miner.0, &height.to_le_bytes(), &number.to_le_bytes(), &now.to_le_bytes()];
    keypair.secret("neuron v1 question seed", &parts)
}

impl Role for Validator {
    fn handle(&mut self, moment: Moment, input: &Input) -> Vec<Effect> {
        match input {
            Input::Told(Heard::Profile(profile)) => self.serves(moment, profile),
            Input::Settled(settled) => self.settled(moment, settled),
            Input::Answered(reply) => self.answered(moment, reply, None),
            Input::Scored(reply, score) => self.answered(moment, reply, Some(*score)),
            Input::Polled(ticket) => self.poll(moment, *ticket),
            Input::Elapsed(Timer::Poll(ticket)) => self.close_poll(*ticket),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
