//! What waits to be heard or done: for a time, or for its name to be called.
use std::collections::BTreeMap;

use crypto::Hotkey;
use protocol::message::Message;

use crate::behaviour::Act;
use crate::role::{Effect, Input, Timer};

/// What may wait at once; beyond that nothing waits.
const WAITING: usize = 4_096;

/// Something that did not happen yet.
#[derive(Clone)]
pub(super) enum Pending {
    Input(Input),
    Effect(Effect),
}

/// What waits.
#[derive(Default)]
pub(super) struct Held {
    later: BTreeMap<u64, Pending>,
    named: BTreeMap<String, Vec<Pending>>,
    next: u64,
}

impl Held {
    /// What becomes of an effect; `make` makes the message that replaces it.
    pub(super) fn follow<T>(
        &mut self,
        act: Act<T>,
        effect: Effect,
        make: impl Fn(&T) -> Option<Message>,
    ) -> Vec<Effect> {
        match act {
            Act::Forward => vec![effect],
            Act::Drop => Vec::new(),
            Act::Delay(wait) => vec![self.delay(wait, Pending::Effect(effect))],
            Act::Repeat(times) => vec![effect; times.into()],
            Act::Hold(name) => {
                self.hold(name, Pending::Effect(effect));
                Vec::new()
            }
            Act::Replace(other) => {
                vec![make(&other).map_or(effect, |message| Effect::Tell(Box::new(message)))]
            }
            Act::Only(peers) => vec![only(peers, effect)],
            Act::Split(parts) => {
                let part = |(peers, other)| match make(&other) {
                    Some(message) => Effect::Whisper(peers, Box::new(message)),
                    None => only(peers, effect.clone()),
                };
                parts.into_iter().map(part).collect()
            }
        }
    }

    /// Keeps something for so many milliseconds: the timer to set.
    pub(super) fn delay(&mut self, wait: u64, pending: Pending) -> Effect {
        self.next += 1;
        if self.later.len() >= WAITING {
            self.later.pop_first();
        }
        self.later.insert(self.next, pending);
        Effect::Schedule(Timer::Later(self.next), wait)
    }

    /// What waited under a number.
    pub(super) fn later(&mut self, number: u64) -> Vec<Pending> {
        self.later.remove(&number).into_iter().collect()
    }

    /// Keeps something until its name is called.
    pub(super) fn hold(&mut self, name: String, pending: Pending) {
        if self.named.values().map(Vec::len).sum::<usize>() < WAITING {
            self.named.entry(name).or_default().push(pending);
        }
    }

    /// What waited under a name.
    pub(super) fn release(&mut self, name: &str) -> Vec<Pending> {
        self.named.remove(name).unwrap_or_default()
    }
}

/// What only some see instead of all.
fn only(peers: Vec<Hotkey>, effect: Effect) -> Effect {
    match effect {
        Effect::Tell(message) | Effect::Whisper(_, message) => Effect::Whisper(peers, message),
        effect => effect,
    }
}
