//! A behaviour that something else decides: a script or a program.
use crypto::Hotkey;
use serde_json::Value;

use super::hook::Hook;
use super::reply::{self, act};
use super::scene::{json, read};
use crate::behaviour::{Act, Asking, Behaviour, Context, Gossip, Proposing, Replying, Voting, Weights};

/// What decides.
pub(super) trait Author: Send {
    /// Whether it has anything to say at a hook; if not, nothing is made up for it.
    fn knows(&self, hook: Hook) -> bool;

    /// Asks it; the reply is read by [`reply::act`]. `Err` is a fault, in full.
    fn ask(&mut self, cx: &mut Context<'_>, hook: Hook, seen: Vec<Value>) -> Result<Value, String>;

    /// Says where a reply came from that is not what belongs there.
    fn misread(&self, hook: Hook, why: &str) -> String;
}

/// Its behaviour: honest from its first fault on.
pub(super) struct Scripted<A> {
    author: A,
    has_failed: bool,
    fault: Option<String>,
}

impl<A: Author> Scripted<A> {
    pub(super) fn new(author: A) -> Self {
        Self { author, has_failed: false, fault: None }
    }

    fn decide<T>(
        &mut self,
        cx: &mut Context<'_>,
        hook: Hook,
        seen: impl FnOnce() -> Vec<Value>,
        value: impl Fn(Value) -> Result<T, String>,
    ) -> Act<T> {
        if self.has_failed || !self.author.knows(hook) {
            return Act::Forward;
        }
        let reply = self.author.ask(cx, hook, seen());
        let read = |reply| act(reply, value).and_then(|act| hook.check(act));
        let act = reply.and_then(|reply| read(reply).map_err(|why| self.author.misread(hook, &why)));
        act.unwrap_or_else(|fault| {
            (self.has_failed, self.fault) = (true, Some(fault));
            Act::Forward
        })
    }

    /// A hook at which there is nothing to decide.
    fn tell(&mut self, cx: &mut Context<'_>, hook: Hook, seen: Vec<Value>) {
        self.decide(cx, hook, || seen, |_| Err::<(), _>("nothing is to be returned here".to_owned()));
    }
}

impl<A: Author> Behaviour for Scripted<A> {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.tell(cx, Hook::Start, Vec::new());
    }

    fn on_tick(&mut self, cx: &mut Context<'_>) {
        self.tell(cx, Hook::Tick, Vec::new());
    }

    fn on_settled(&mut self, cx: &mut Context<'_>) {
        self.tell(cx, Hook::Settled, Vec::new());
    }

    fn on_epoch(&mut self, cx: &mut Context<'_>, epoch: u64) {
        self.tell(cx, Hook::Epoch, vec![epoch.into()]);
    }

    fn on_told(&mut self, cx: &mut Context<'_>, message: &Gossip) -> Act<()> {
        self.decide(cx, Hook::Told, || vec![json(message)], reply::nothing)
    }

    fn on_tell(&mut self, cx: &mut Context<'_>, message: &Gossip) -> Act<()> {
        self.decide(cx, Hook::Tell, || vec![json(message)], reply::nothing)
    }

    fn on_ask(&mut self, cx: &mut Context<'_>, question: &Asking) -> Act<Vec<u8>> {
        self.decide(cx, Hook::Ask, || vec![json(question)], reply::body)
    }

    fn on_question(&mut self, cx: &mut Context<'_>, question: &Asking) -> Act<Vec<u8>> {
        self.decide(cx, Hook::Question, || vec![json(question)], reply::body)
    }

    fn on_answer(&mut self, cx: &mut Context<'_>, question: &Asking, honest: &[u8]) -> Act<Vec<u8>> {
        self.decide(cx, Hook::Answer, || vec![json(question), json(&honest)], reply::body)
    }

    fn on_reply(&mut self, cx: &mut Context<'_>, reply: &Replying) {
        self.tell(cx, Hook::Reply, vec![json(reply)]);
    }

    fn on_score(&mut self, cx: &mut Context<'_>, miner: Hotkey, honest: f64) -> Act<f64> {
        self.decide(cx, Hook::Score, || vec![json(&miner), honest.into()], reply::score)
    }

    fn on_weights(&mut self, cx: &mut Context<'_>, honest: &Weights) -> Act<Weights> {
        self.decide(cx, Hook::Weights, || vec![json(honest)], reply::weights)
    }

    fn on_commit(&mut self, cx: &mut Context<'_>, epoch: u64) -> Act<()> {
        self.decide(cx, Hook::Commit, || vec![epoch.into()], reply::nothing)
    }

    fn on_reveal(&mut self, cx: &mut Context<'_>, epoch: u64, row: &Weights) -> Act<Weights> {
        self.decide(cx, Hook::Reveal, || vec![epoch.into(), json(row)], reply::weights)
    }

    fn on_propose(&mut self, cx: &mut Context<'_>, proposal: &Proposing) -> Act<Proposing> {
        self.decide(cx, Hook::Propose, || vec![json(proposal)], |value| read("a proposal", value))
    }

    fn on_vote(&mut self, cx: &mut Context<'_>, vote: &Voting) -> Act<Voting> {
        self.decide(cx, Hook::Vote, || vec![json(vote)], |value| read("a vote", value))
    }

    fn on_request(&mut self, cx: &mut Context<'_>, first: u64) -> Act<()> {
        self.decide(cx, Hook::Request, || vec![first.into()], reply::nothing)
    }

    fn fault(&mut self) -> Option<String> {
        self.fault.take()
    }
}
