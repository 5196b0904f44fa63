//! What a validator thinks of an answer, and what a behaviour says instead.
use std::collections::VecDeque;

use protocol::Verified;
use protocol::ledger::Ledger;
use protocol::query::Question;
use protocol::subnet::Netuid;

use super::Mind;
use crate::behaviour::Act;
use crate::role::{Input, Moment, Reply, question_seed};
use crate::task::{self, Questioner};

/// Questions remembered; older ones are scored as the roles do.
const REMEMBERED: usize = 1_024;

/// What was asked, to score it as the roles do.
pub(super) struct Scoring {
    /// None where this program does not know the subnet's task.
    questioner: Option<Box<dyn Questioner>>,
    /// What was asked, and when, the oldest first.
    asked: VecDeque<(u64, Verified<Question>)>,
}

impl Scoring {
    pub(super) fn of(ledger: &Ledger, netuid: Netuid) -> Self {
        let task = ledger.metagraph(netuid).and_then(|it| task::named(&it.task).ok());
        Self { questioner: task.map(|task| task.questioner()), asked: VecDeque::new() }
    }

    pub(super) fn asked(&mut self, moment: Moment, question: &Verified<Question>) {
        if self.asked.len() >= REMEMBERED {
            self.asked.pop_front();
        }
        self.asked.push_back((moment.now, question.clone()));
    }

    /// The reply as the roles are to hear it.
    pub(super) fn score(&mut self, mind: &mut Mind, moment: Moment, reply: &Reply) -> Input {
        let honest = || Input::Answered(reply.clone());
        let known = self.asked.iter().position(|(_, question)| question.id() == reply.question);
        let known = known.and_then(|place| self.asked.remove(place));
        let (Some((now, question)), Some(questioner)) = (known, &self.questioner) else { return honest() };
        let place = (question.height, question.number);
        let seed = question_seed(&mind.keys.hotkey, question.miner, place, now);
        let Some(score) = reply.answer.as_ref().and_then(|it| questioner.judge(seed, &it.body)) else {
            return honest();
        };
        match mind.ask(moment, |it, cx| it.on_score(cx, question.miner, score)) {
            Act::Replace(other) => Input::Scored(reply.clone(), other.clamp(0.0, 1.0)),
            Act::Drop => Input::Answered(Reply { answer: None, ..reply.clone() }),
            _ => honest(),
        }
    }
}
