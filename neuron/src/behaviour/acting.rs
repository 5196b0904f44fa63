//! A neuron whose roles are honest and whose edge is not.
//!
//! Inputs pass a behaviour before the roles hear them, and effects before they are carried out. The roles know nothing of
//! it: what they wrote to disk and what left may differ, which is the behaviour's own risk.
mod ballots;
mod drafts;
mod errands;
mod faces;
mod forgery;
mod held;
mod mind;
mod rows;
mod scoring;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use protocol::head::Head;
use protocol::message::Message;
use protocol::query::{Answer, Question};
use protocol::subnet::Netuid;
use protocol::{Signed, Verified};

use self::ballots::Ballots;
use self::drafts::Drafts;
use self::errands::Errands;
use self::faces::Faces;
use self::held::{Held, Pending};
use self::mind::Mind;
use self::rows::Rows;
use self::scoring::Scoring;
use super::context::Deed;
use super::{Act, Asking, Conduct, Gossip, Keys};
use crate::role::{Effect, Input, Moment, Persist, Reply, Role, Settled, Ticket, Timer};

/// Questions whose answers are waited for; older ones are forgotten.
const QUESTIONS: usize = 256;

/// Inputs that one input may lead to through the behaviour's own doing: more than can be held back.
const INPUTS: usize = 8_192;

/// Honest roles behind a behaviour.
pub struct Acting {
    roles: Vec<Box<dyn Role>>,
    faces: Faces,
    mind: Mind,
    held: Held,
    rows: Rows,
    drafts: Drafts,
    ballots: Ballots,
    scoring: Scoring,
    errands: Errands,
    /// What a miner was asked, until its model has answered.
    questions: BTreeMap<Ticket, Verified<Question>>,
    epoch: Option<u64>,
}

impl Acting {
    /// Puts a behaviour before the roles of a neuron that works in a subnet and knows a ledger.
    pub fn new(
        conduct: Conduct,
        roles: Vec<Box<dyn Role>>,
        keys: Keys,
        (netuid, head): (Netuid, Head),
    ) -> Self {
        let scoring = Scoring::of(&head.ledger, netuid);
        let faces = Faces::of(&keys, netuid, &head.ledger);
        let (origin, deeds) = (head.clone(), VecDeque::new());
        let Conduct { make, with, board, .. } = conduct;
        let mind =
            Mind { behaviour: make(), keys, with, board, netuid, head, origin, told: 0, asked: 0, deeds };
        Self {
            roles,
            faces,
            mind,
            held: Held::default(),
            rows: Rows::default(),
            drafts: Drafts::default(),
            ballots: Ballots::default(),
            scoring,
            errands: Errands::default(),
            questions: BTreeMap::new(),
            epoch: None,
        }
    }

    /// Lets the behaviour begin in a neuron that is at work already.
    pub(super) fn begin(&mut self, moment: Moment) -> Vec<Effect> {
        let effects = self.start(moment);
        self.go_on(moment, VecDeque::new(), effects)
    }

    /// Changes the behaviour from now on; what the former one held is still held.
    pub(super) fn turn(&mut self, moment: Moment, conduct: Conduct) -> Vec<Effect> {
        let Conduct { make, with, board, .. } = conduct;
        (self.mind.behaviour, self.mind.with, self.mind.board) = (make(), with, board);
        self.begin(moment)
    }

    fn start(&mut self, moment: Moment) -> Vec<Effect> {
        self.mind.ask(moment, |it, cx| it.on_start(cx));
        vec![Effect::Schedule(Timer::Tick, self.interval())]
    }

    /// What an input becomes before the roles hear it; effects that take their place are returned beside it.
    fn enter(&mut self, moment: Moment, input: &Input) -> (Vec<Input>, Vec<Effect>) {
        let forward = || (vec![input.clone()], Vec::new());
        match input {
            Input::Started => (vec![input.clone()], self.start(moment)),
            Input::Elapsed(Timer::Tick) => {
                self.mind.ask(moment, |it, cx| it.on_tick(cx));
                (Vec::new(), vec![Effect::Schedule(Timer::Tick, self.interval())])
            }
            Input::Elapsed(Timer::Later(number)) => taken_up(self.held.later(*number)),
            Input::Settled(settled) => {
                self.settled(moment, settled);
                forward()
            }
            Input::Told(heard) => {
                let gossip = Gossip::heard(heard);
                let act = self.mind.ask_of(Some(heard), moment, |it, cx| it.on_told(cx, &gossip));
                self.admit(act, input)
            }
            Input::Answered(reply) if self.errands.reply(&mut self.mind, moment, reply) => {
                (Vec::new(), Vec::new())
            }
            Input::Answered(reply) => (vec![self.scoring.score(&mut self.mind, moment, reply)], Vec::new()),
            Input::Asked(ticket, question) => self.asked(moment, *ticket, question, input),
            Input::Inferred(ticket, Ok(honest)) => self.inferred(moment, *ticket, honest, input),
            Input::Wanted(ticket, first) => match self.mind.ask(moment, |it, cx| it.on_request(cx, *first)) {
                Act::Replace(()) => (Vec::new(), vec![forgery::hand_over(&self.mind, moment, *ticket)]),
                act => self.admit(act, input),
            },
            _ => forward(),
        }
    }

    fn interval(&self) -> u64 {
        self.mind.head.ledger.parameters().interval
    }

    fn settled(&mut self, moment: Moment, settled: &Arc<Settled>) {
        self.mind.head.advance(settled.ledger.clone(), settled.certified.clone());
        self.mind.told = 0;
        let height = self.mind.head.ledger.height();
        self.drafts.forget(height);
        self.ballots.forget(height);
        self.mind.ask(moment, |it, cx| it.on_settled(cx));
        let epoch = self.mind.head.ledger.epoch(self.mind.netuid);
        if let (Some(before), Some(epoch)) = (self.epoch, epoch)
            && before != epoch
        {
            self.rows.forget(epoch);
            self.mind.ask(moment, |it, cx| it.on_epoch(cx, epoch));
        }
        self.epoch = epoch;
    }

    /// What becomes of an input that stays as it is, if it comes at all.
    fn admit<T>(&mut self, act: Act<T>, input: &Input) -> (Vec<Input>, Vec<Effect>) {
        match act {
            Act::Drop => (Vec::new(), Vec::new()),
            Act::Delay(wait) => (Vec::new(), vec![self.held.delay(wait, Pending::Input(input.clone()))]),
            Act::Repeat(times) => (vec![input.clone(); times.into()], Vec::new()),
            Act::Hold(name) => {
                self.held.hold(name, Pending::Input(input.clone()));
                (Vec::new(), Vec::new())
            }
            Act::Forward | Act::Replace(_) | Act::Only(_) | Act::Split(_) => {
                (vec![input.clone()], Vec::new())
            }
        }
    }

    fn asked(
        &mut self,
        moment: Moment,
        ticket: Ticket,
        question: &Verified<Question>,
        input: &Input,
    ) -> (Vec<Input>, Vec<Effect>) {
        let asking = Asking::of(question);
        let act = self.mind.ask(moment, |it, cx| it.on_question(cx, &asking));
        if let Act::Replace(body) = act {
            return (Vec::new(), vec![self.answer(ticket, question, body)]);
        }
        if self.questions.len() >= QUESTIONS {
            self.questions.pop_first();
        }
        self.questions.insert(ticket, question.clone());
        self.admit(act, input)
    }

    fn inferred(
        &mut self,
        moment: Moment,
        ticket: Ticket,
        honest: &[u8],
        input: &Input,
    ) -> (Vec<Input>, Vec<Effect>) {
        let Some(question) = self.questions.remove(&ticket) else {
            return (vec![input.clone()], Vec::new());
        };
        let asking = Asking::of(&question);
        match self.mind.ask(moment, |it, cx| it.on_answer(cx, &asking, honest)) {
            Act::Replace(body) => (vec![Input::Inferred(ticket, Ok(body))], Vec::new()),
            act => self.admit(act, input),
        }
    }

    fn answer(&self, ticket: Ticket, question: &Verified<Question>, body: Vec<u8>) -> Effect {
        let answer = Answer { question: question.id(), body };
        let genesis = self.mind.head.ledger.genesis();
        Effect::Answer(ticket, Signed::author(self.mind.keys.of(&question.miner), &genesis, answer))
    }

    /// What an effect of the roles becomes; inputs that answer it at once are added to `inputs`.
    fn leave(&mut self, moment: Moment, effect: Effect, inputs: &mut VecDeque<Input>) -> Vec<Effect> {
        match effect {
            Effect::Persist(Persist { mut entries, then }) => {
                self.rows.rewrite(&mut self.mind, moment, &mut entries);
                let then = then.into_iter().flat_map(|it| self.leave(moment, it, inputs)).collect();
                vec![Effect::Persist(Persist { entries, then })]
            }
            Effect::Tell(message) => self.tell(moment, *message),
            Effect::Ask(question) => self.ask(moment, question, inputs),
            effect => vec![effect],
        }
    }

    /// A message passes the hook of its kind, and then that of all messages.
    fn tell(&mut self, moment: Moment, message: Message) -> Vec<Effect> {
        let told = match &message {
            Message::Commit(_) | Message::Reveal(_) => {
                self.rows.tell(&mut self.mind, &mut self.held, moment, message)
            }
            Message::Draft(draft) => {
                let draft = draft.decode();
                self.drafts.draft(&mut self.mind, &mut self.held, moment, draft.ok(), message)
            }
            Message::Telling(telling) => match telling.decode() {
                Ok(telling) => {
                    let told = self.drafts.proposal(&self.mind, &telling, message);
                    self.ballots.vote(&mut self.mind, &mut self.held, moment, told)
                }
                Err(_) => vec![Effect::Tell(Box::new(message))],
            },
            _ => vec![Effect::Tell(Box::new(message))],
        };
        told.into_iter().flat_map(|effect| self.pass(moment, effect)).collect()
    }

    fn pass(&mut self, moment: Moment, effect: Effect) -> Vec<Effect> {
        let (Effect::Tell(message) | Effect::Whisper(_, message)) = &effect else {
            return vec![effect];
        };
        let gossip = Gossip::told(message);
        let act = self.mind.ask(moment, |it, cx| it.on_tell(cx, &gossip));
        self.held.follow(act, effect, |()| None)
    }

    fn ask(
        &mut self,
        moment: Moment,
        question: Verified<Question>,
        inputs: &mut VecDeque<Input>,
    ) -> Vec<Effect> {
        let asking = Asking::of(&question);
        let act = self.mind.ask(moment, |it, cx| it.on_ask(cx, &asking));
        match act {
            Act::Drop => {
                inputs.push_back(Input::Answered(Reply { question: question.id(), answer: None }));
                Vec::new()
            }
            Act::Replace(body) => {
                let other = Question { body, ..(*question).clone() };
                let genesis = self.mind.head.ledger.genesis();
                vec![Effect::Ask(Signed::author(&self.mind.keys.hotkey, &genesis, other))]
            }
            act => {
                self.scoring.asked(moment, &question);
                self.held.follow(act, Effect::Ask(question), |_| None)
            }
        }
    }

    /// What the behaviour did of itself meanwhile.
    fn deeds(&mut self, inputs: &mut VecDeque<Input>) -> Vec<Effect> {
        let mut effects = Vec::new();
        for deed in std::mem::take(&mut self.mind.deeds) {
            match deed {
                Deed::Effect(effect) => effects.push(effect),
                Deed::Later(wait, effect) => effects.push(self.held.delay(wait, Pending::Effect(effect))),
                Deed::Ask(miner, body) => effects.extend(self.errands.ask(&self.mind, miner, body)),
                Deed::Release(name) => {
                    let (released, others) = taken_up(self.held.release(&name));
                    inputs.extend(released);
                    effects.extend(others);
                }
            }
        }
        effects
    }
}

impl Role for Acting {
    fn handle(&mut self, moment: Moment, input: &Input) -> Vec<Effect> {
        let (entered, effects) = self.enter(moment, input);
        self.go_on(moment, entered.into(), effects)
    }
}

impl Acting {
    /// Has the roles hear what entered, and what comes of it at once.
    fn go_on(
        &mut self,
        moment: Moment,
        mut inputs: VecDeque<Input>,
        mut effects: Vec<Effect>,
    ) -> Vec<Effect> {
        effects.extend(self.deeds(&mut inputs));
        for _ in 0..INPUTS {
            let Some(input) = inputs.pop_front() else { break };
            for effect in self.honest(moment, &input) {
                effects.extend(self.leave(moment, effect, &mut inputs));
            }
            if matches!(input, Input::Settled(_)) {
                for message in self.rows.settled(&mut self.mind, moment) {
                    effects.extend(self.tell(moment, message));
                }
            }
            effects.extend(self.deeds(&mut inputs));
        }
        effects
    }

    /// What the honest roles of all its identities do.
    fn honest(&mut self, moment: Moment, input: &Input) -> Vec<Effect> {
        let asked = self.faces.are_asked(input);
        let roles = self.roles.iter_mut().filter(|_| !asked);
        let mut effects: Vec<_> = roles.flat_map(|role| role.handle(moment, input)).collect();
        effects.extend(self.faces.handle(moment, input));
        effects
    }
}

/// What is to be heard and what to be done of what waited.
fn taken_up(pending: Vec<Pending>) -> (Vec<Input>, Vec<Effect>) {
    let (mut inputs, mut effects) = (Vec::new(), Vec::new());
    for pending in pending {
        match pending {
            Pending::Input(input) => inputs.push(input),
            Pending::Effect(effect) => effects.push(effect),
        }
    }
    (inputs, effects)
}
