//! What nodes ask for, done in the simulated network.
use std::sync::Arc;

use protocol::Payload;
use protocol::consensus::Evidence;
use protocol::query::Answer;
use serde_json::json;

use super::traffic::Wish;
use super::{Event, INFERENCE_MS, Simulation};
use crate::role::{BATCH, Delivery, Effect, Input, Timer};

impl Simulation {
    /// Does what a role asked for; what comes back at once is returned. A crash leaves the rest undone.
    pub(super) fn carry_out(&mut self, node: usize, effect: Effect) -> Option<Arc<Input>> {
        if !self.nodes[node].is_up() {
            return None;
        }
        match effect {
            Effect::Tell(message) => return self.tell(node, *message),
            Effect::Ask(question) => {
                self.log(node, "ask", || json!({"miner": question.miner, "height": question.height}));
                self.count(node, |it| it.questions += 1);
                let ticket = self.ask(node, Wish::Answer(question.id()));
                let miner = question.miner;
                self.request(node, miner, Input::Asked(ticket, question));
            }
            Effect::Answer(_, answer) if answer.signed().size() > Answer::MAX_BYTES => {
                self.refuse(node, "too long");
            }
            Effect::Answer(ticket, answer) => {
                self.log(node, "answer", || json!(answer.id()));
                self.count(node, |it| it.answers += 1);
                self.reply(node, ticket, |wish| wish.answered(answer));
            }
            Effect::Decline(ticket, why) => {
                self.log(node, "decline", || json!(why));
                self.count(node, |it| it.declined += 1);
                self.no_answer(ticket);
            }
            Effect::Train => self.soon(node, 50, |node| Input::Trained(node.model())),
            Effect::Infer(ticket, body) => {
                self.soon(node, INFERENCE_MS, |node| Input::Inferred(ticket, node.infer(&body)));
            }
            Effect::Fetch(source, first) => self.fetch(node, &source, first),
            Effect::Serve(ticket, height) => {
                let disk = &mut self.nodes[node].disk;
                let (batch, tip) = (disk.from(height, BATCH), disk.height());
                self.reply(node, ticket, |wish| wish.delivered(Delivery::Settlements(batch, tip)));
            }
            Effect::Deliver(ticket, batch, tip) => {
                self.reply(node, ticket, |wish| wish.delivered(Delivery::Settlements(batch, tip)));
            }
            Effect::Shun(peer, fault) if self.stage.is_some() => {
                self.log(node, "shun", || json!({"peer": peer, "fault": fault}));
            }
            Effect::Shun(peer, fault) => {
                self.record.halted(node, self.nodes[node].hotkey(), format!("dropped {peer:?}: {fault}"));
            }
            Effect::Persist(persist) => self.persist(node, persist),
            Effect::Settle(settled) => return Some(Input::Settled(settled).into()),
            Effect::Schedule(timer, wait) => {
                if let Timer::Vote(height, _) = timer {
                    self.goes_on(node, height);
                }
                let (life, set) = self.nodes[node].set(timer);
                self.at(self.now + wait, node, Event::Ring { life, timer, set });
            }
            Effect::Cancel(timer) => self.nodes[node].cancel(timer),
            Effect::Accuse(evidence) => self.accuse(node, &evidence),
            Effect::Halt(reason) => {
                self.stop(node);
                self.log(node, "halt", || json!(reason));
                self.count(node, |it| it.halted = Some(reason.clone()));
                self.record.halted(node, self.nodes[node].hotkey(), reason);
            }
            Effect::Whisper(peers, message) => self.whisper(node, &peers, *message),
            Effect::Note(note) => self.note(node, note),
            Effect::Score(scores) => self.score(node, scores),
            Effect::Vouch(..) | Effect::Pace(_) | Effect::Report(..) => {}
        }
        None
    }

    pub(super) fn accuse(&mut self, node: usize, evidence: &[Evidence]) {
        let (hotkey, life) = (self.nodes[node].hotkey(), self.nodes[node].life());
        for offence in evidence {
            self.log(node, "accuse", || json!(offence.offender()));
        }
        self.record.accused((node, hotkey, life), evidence);
    }
}
