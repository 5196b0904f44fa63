//! A staged run: who takes part is given, faults come when they are told to, and all that happens is told.
use std::collections::{BTreeMap, BTreeSet};

use crypto::{Hash, Hotkey, hash};
use protocol::Signed;
use protocol::head::Head;
use protocol::ledger::Ledger;
use protocol::message::Message;
use protocol::transaction::{Action, Coldkey, Transaction};
use serde::Serialize;
use serde_json::{Value, json};

use super::links::{Cut, Link, Links};
use super::{BEGINNING, Disk, Event, Member, Plan, Record, Simulation};
use crate::behaviour::{Conduct, Doings};
use crate::role::{Findings, Note, Score};

/// Lines kept of a run; of more, only their hash tells.
const LINES: usize = 1_000_000;

/// What a staged run tells of.
#[derive(Default)]
pub(super) struct Stage {
    pub(super) links: Links,
    lines: Vec<Line>,
    /// Names all lines so far, each bound to those before it.
    hash: Hash,
    /// Nobody wants to know what happens.
    silent: bool,
    /// What each member did.
    doings: Vec<Doings>,
    /// What each thinks of miners.
    scores: Vec<BTreeMap<Hotkey, Score>>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Virtual milliseconds since the beginning.
    pub at: u64,
    /// To whom, by its place among the members.
    pub node: usize,
    /// What: tell, whisper, ask, answer, decline, settle, down, up, fired, accuse, shun, halt, fault.
    pub event: &'static str,
    /// More of it.
    pub what: Value,
}

/// A change that may be undone.
pub(crate) type Number = u64;

impl Simulation {
    /// A network of these members that begins with this ledger; those who are `absent` have not come yet.
    pub(crate) fn staged(seed: u64, ledger: Ledger, members: Vec<Member>, absent: &BTreeSet<usize>) -> Self {
        let validators = members.iter().filter(|member| member.validates).count();
        let plan = Plan::calm(seed, validators, members.len() - validators, u64::MAX);
        let mut keys = BTreeSet::new();
        let twice = members.iter().map(|it| it.keypair.hotkey()).filter(|key| !keys.insert(*key));
        let mut suspects: BTreeSet<_> = twice.collect();
        let acting = members.iter().filter(|it| it.conduct.is_some());
        suspects.extend(acting.map(|it| it.keypair.hotkey()));
        let owners = members.iter().map(|it| Coldkey(it.coldkey.hotkey())).collect::<BTreeSet<_>>();
        let record = Record::new(&ledger, suspects, owners.into_iter().collect());
        let doings = vec![Doings::default(); members.len()];
        let scores = vec![BTreeMap::new(); members.len()];
        let mut simulation = Self::of(plan, members, ledger, record, &Findings::shared());
        simulation.stage = Some(Stage { doings, scores, ..Stage::default() });
        for node in (0..simulation.nodes.len()).filter(|node| !absent.contains(node)) {
            simulation.at(BEGINNING, node, Event::Restart);
        }
        simulation
    }

    /// When the next thing happens, in virtual milliseconds since the beginning.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.queue.next().map(|next| next - BEGINNING)
    }

    /// Lets the next thing happen.
    pub(crate) fn step(&mut self) -> bool {
        let Some((time, node, event)) = self.queue.pop() else { return false };
        self.now = time;
        self.happen(node, event);
        true
    }

    /// Lets time pass.
    pub(crate) fn pass_to(&mut self, ms: u64) {
        self.now = self.now.max(BEGINNING + ms);
    }

    /// Virtual milliseconds since the beginning.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        self.now - BEGINNING
    }

    /// What was settled, and what broke.
    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    /// How far a member has come, if it is up.
    pub(crate) fn height_of(&self, node: usize) -> Option<u64> {
        self.nodes[node].is_up().then(|| self.nodes[node].height())
    }

    /// A member's hotkey.
    pub(crate) fn hotkey(&self, node: usize) -> Hotkey {
        self.nodes[node].hotkey()
    }

    /// Who owns a member.
    pub(crate) fn owner(&self, node: usize) -> Coldkey {
        Coldkey(self.nodes[node].member.coldkey.hotkey())
    }

    /// What each member did.
    pub(crate) fn doings(&self) -> &[Doings] {
        &self.stage.as_ref().expect("a staged run").doings
    }

    /// What each member thinks of miners.
    pub(crate) fn scores(&self) -> &[BTreeMap<Hotkey, Score>] {
        &self.stage.as_ref().expect("a staged run").scores
    }

    /// Tells nothing of what happens: whoever wants to know only what comes of it saves the time.
    pub(crate) fn be_silent(&mut self) {
        self.stage.as_mut().expect("a staged run").silent = true;
    }

    /// All that happened, and what names it.
    pub(crate) fn take_lines(&mut self) -> (Vec<Line>, Hash) {
        let stage = self.stage.as_mut().expect("a staged run");
        (std::mem::take(&mut stage.lines), stage.hash)
    }

    fn links(&mut self) -> &mut Links {
        &mut self.stage.as_mut().expect("a staged run").links
    }

    /// Changes how messages travel from these to those.
    pub(crate) fn link(&mut self, number: Number, from: BTreeSet<usize>, to: BTreeSet<usize>, link: Link) {
        self.links().ways.push((number, from, to, link));
    }

    /// Cuts links.
    pub(crate) fn cut(&mut self, number: Number, cut: Cut) {
        self.links().cuts.push((number, cut));
    }

    /// Undoes a change of links.
    pub(crate) fn mend(&mut self, number: Number) {
        self.links().mend(number);
    }

    /// Stops a member without warning.
    pub(crate) fn kill(&mut self, node: usize) {
        if self.nodes[node].is_up() {
            self.crash(node, self.nodes[node].disk.waiting());
            self.log(node, "down", || Value::Null);
        }
    }

    /// Brings a member back.
    pub(crate) fn revive(&mut self, node: usize) {
        if !self.nodes[node].is_up() {
            self.log(node, "up", || Value::Null);
            self.restart(node);
        }
    }

    /// Takes all from a member's disk.
    pub(crate) fn wipe(&mut self, node: usize) {
        self.kill(node);
        self.nodes[node].disk = Disk::default();
        self.log(node, "wiped", || Value::Null);
    }

    /// Stops a member's process, as a signal does.
    pub(crate) fn pause(&mut self, node: usize) {
        self.nodes[node].frozen.get_or_insert_default();
        self.log(node, "paused", || Value::Null);
    }

    /// Lets it go on: it hears at once what it missed.
    pub(crate) fn resume(&mut self, node: usize) {
        for event in self.nodes[node].frozen.take().unwrap_or_default() {
            self.at(self.now, node, event);
        }
        self.log(node, "resumed", || Value::Null);
    }

    /// Sets a member's clock, by how much it runs ahead.
    pub(crate) fn skew(&mut self, node: usize, ms: i64) {
        self.nodes[node].member.clock_skew_ms = ms;
    }

    /// Lets a member behave so from now on.
    pub(crate) fn turn(&mut self, node: usize, conduct: Option<Conduct>) {
        let height = self.nodes[node].height();
        let tip = height.checked_sub(1).and_then(|_| self.nodes[node].disk.from(height, 1).pop());
        let Some(ledger) = self.record.ledger_at(height).cloned() else { return };
        if conduct.is_some() {
            self.record.suspect(self.nodes[node].hotkey());
        }
        let moment = self.moment(node);
        let effects = self.nodes[node].turn(moment, conduct, Head::new(ledger, tip));
        self.go_on(node, effects);
    }

    /// Has a member's owner order something, after so many orders of the same settlement.
    pub(crate) fn order_by(&mut self, node: usize, after: u64, action: Action) {
        let (member, ledger) = (&self.nodes[node].member, self.record.ledger());
        let nonce = ledger.nonce(&Coldkey(member.coldkey.hotkey())) + after;
        let order = Signed::author(&member.coldkey, &self.genesis, Transaction { nonce, action });
        if let Some(input) = self.tell(node, Message::Transaction(order.into_signed()))
            && self.nodes[node].is_up()
        {
            self.hear(node, input);
        }
    }

    /// Has a validator ask every miner once more, as its owner may.
    pub(crate) fn poll(&mut self, node: usize) {
        self.sequence += 1;
        let ticket = crate::role::Ticket(self.sequence);
        if self.nodes[node].is_up() {
            self.hear(node, crate::role::Input::Polled(ticket));
        }
    }

    /// Tells what happened, if this is a staged run.
    pub(super) fn log(&mut self, node: usize, event: &'static str, what: impl FnOnce() -> Value) {
        let at = self.now - BEGINNING;
        if let Some(stage) = self.stage.as_mut().filter(|stage| !stage.silent) {
            let line = Line { at, node, event, what: what() };
            let text = serde_json::to_string(&line).expect("a line is plain");
            stage.hash = hash("neuron v1 event", &[&stage.hash.0, text.as_bytes()]);
            if stage.lines.len() < LINES {
                stage.lines.push(line);
            }
        }
    }

    pub(super) fn log_message(&mut self, node: usize, event: &'static str, message: &Message, to: Value) {
        if self.stage.as_ref().is_some_and(|stage| !stage.silent) {
            let gossip = crate::behaviour::Gossip::told(message);
            let what = json!({
                "kind": gossip.kind, "from": gossip.sender, "height": gossip.height, "round": gossip.round,
                "header": gossip.header, "epoch": gossip.epoch, "to": to,
            });
            self.log(node, event, || what);
        }
    }

    /// Counts what a member did.
    pub(super) fn count(&mut self, node: usize, count: impl FnOnce(&mut Doings)) {
        if let Some(stage) = &mut self.stage {
            count(&mut stage.doings[node]);
        }
    }

    /// Hears what a member thinks of miners.
    pub(super) fn score(&mut self, node: usize, scores: BTreeMap<Hotkey, Score>) {
        if let Some(stage) = &mut self.stage {
            stage.scores[node] = scores;
        }
    }

    /// Hears what a behaviour says of itself.
    pub(super) fn note(&mut self, node: usize, note: Note) {
        match note {
            Note::Fired(name) => {
                self.log(node, "fired", || json!(name));
                self.count(node, |it| it.fire(name));
            }
            Note::Fault(fault) => {
                self.log(node, "fault", || json!(fault));
                self.count(node, |it| it.fail(fault));
            }
        }
    }
}
