//! Questions that a behaviour asks of itself, which its roles know nothing of.
use std::collections::BTreeMap;

use crypto::{Hash, Hotkey};
use protocol::Signed;
use protocol::query::Question;

use super::Mind;
use crate::behaviour::Replying;
use crate::role::{Effect, Moment, Reply};

/// Questions that may wait for an answer; when full, nothing is asked.
const WAITING: usize = 64;

/// What a behaviour waits to be answered.
#[derive(Default)]
pub(super) struct Errands {
    asked: BTreeMap<Hash, (Hotkey, Vec<u8>)>,
    /// How many there were.
    number: u64,
}

impl Errands {
    /// A question to a miner, numbered from the top: its validator counts from the bottom.
    pub(super) fn ask(&mut self, mind: &Mind, miner: Hotkey, body: Vec<u8>) -> Option<Effect> {
        if self.asked.len() >= WAITING {
            return None;
        }
        self.number += 1;
        let (height, number) = (mind.head.ledger.height(), u64::MAX - self.number);
        let question = Question { netuid: mind.netuid, miner, height, number, body: body.clone() };
        let question = Signed::author(&mind.keys.hotkey, &mind.head.ledger.genesis(), question);
        self.asked.insert(question.id(), (miner, body));
        Some(Effect::Ask(question))
    }

    /// Whether a reply is to such a question: then its behaviour alone hears it.
    pub(super) fn reply(&mut self, mind: &mut Mind, moment: Moment, reply: &Reply) -> bool {
        let Some((from, question)) = self.asked.remove(&reply.question) else { return false };
        let answer = reply.answer.as_ref().filter(|it| it.signer() == from && it.question == reply.question);
        let replying = Replying { sender: from, question, body: answer.map(|it| it.body.clone()) };
        mind.ask(moment, |it, cx| it.on_reply(cx, &replying));
        true
    }
}
