//! A network in memory, on a made-up clock: the same roles, thousands of seconds a minute.
//!
//! One seed is one history: keys, delays, losses, partitions and crashes all follow from it, so a failure is repeated
//! by repeating its seed.

mod campaign;
mod check;
mod disk;
mod doing;
mod faults;
mod hidden;
mod links;
mod member;
mod node;
mod owners;
mod plan;
mod queue;
mod stage;
mod traffic;
mod witness;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crypto::Hash;
#[cfg(feature = "planted-faults")]
use protocol::Fault;
use protocol::ledger::Ledger;
use protocol::message::Message;
use protocol::subnet::Netuid;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use storage::MemoryDisk;
use tracing::debug;

use crate::role::{Effect, Findings, Input, Moment, Persist, Ticket, Timer};

pub use self::campaign::{Campaign, Failure, Tally, share};
pub(crate) use self::check::Record;
pub use self::check::{Counts, Violation};
pub use self::faults::{Faults, Kind};
pub(crate) use self::links::Links;
pub use self::links::{Cut, Link};
pub use self::member::Member;
pub use self::plan::{Outcome, Plan};
pub use self::stage::Line;

use self::disk::Disk;
use self::hidden::Hidden;
use self::node::Node;
use self::queue::Queue;
use self::stage::Stage;
use self::traffic::Ask;

/// When histories begin, in milliseconds since 1970.
pub(crate) const BEGINNING: u64 = 1_800_000_000_000;

/// The one subnet there is.
const NETUID: Netuid = Netuid(1);

/// How long an asker waits for an answer, in virtual milliseconds.
const PATIENCE_MS: u64 = 2_000;

/// How long a stand-in model thinks, in virtual milliseconds.
const INFERENCE_MS: u64 = 5;

/// How many settlements every node must see once it is calm.
const SETTLEMENTS_IN_CALM: u64 = 5;

/// Within how long, in virtual milliseconds.
const RECOVERY_MS: u64 = 90_000;

/// The longest that a settlement of many may take on average in the calm, in virtual milliseconds.
const SETTLEMENT_MS: u64 = 4_000;

/// A network in memory.
pub struct Simulation {
    plan: Plan,
    genesis: Hash,
    rng: StdRng,
    now: u64,
    nodes: Vec<Node>,
    queue: Queue,
    /// Counts what was ever put in.
    sequence: u64,
    asks: BTreeMap<Ticket, Ask>,
    hidden: Option<Hidden>,
    record: Record,
    /// When all had settled on in the calm.
    recovered: Option<u64>,
    /// What a staged run is to tell of.
    stage: Option<Stage>,
}

/// What must be settled everywhere once it is calm: a few heights soon, the planned one in time.
#[derive(Clone, Copy)]
struct Goal {
    first: u64,
    soon: u64,
    height: u64,
    deadline: u64,
}

/// Something that happens to a node.
enum Event {
    /// It hears an input, which others may hear too, if it is still in the same life.
    Hear { life: u64, input: Arc<Input> },
    /// A timer runs out, unless it was set again or cancelled.
    Ring { life: u64, timer: Timer, set: u64 },
    /// The write whose turn it is reaches its disk.
    Sync { life: u64 },
    /// An asker's patience ends.
    GiveUp(Ticket),
    /// It stops without warning.
    Crash,
    /// It comes back with what is on its disk.
    Restart,
    /// An owner of stake gives it an order to tell.
    Order,
}

impl Simulation {
    /// The network of `plan`, before anything happened.
    pub fn new(plan: Plan) -> Self {
        let genesis = plan.genesis();
        let ledger = plan.ledger(&genesis);
        let twins = (0..plan.twins).map(|i| plan.keypair(i).hotkey()).collect();
        let record = Record::new(&ledger, twins, plan.owners().collect());
        let mut simulation = Self::of(plan.clone(), plan.members(), ledger, record, &Findings::default());
        simulation.prepare();
        simulation
    }

    fn of(plan: Plan, members: Vec<Member>, ledger: Ledger, record: Record, findings: &Findings) -> Self {
        let memory = MemoryDisk::default();
        let node =
            |member| Node::new(member, plan.seed, ledger.clone(), findings.clone(), Disk::beside(&memory));
        Self {
            genesis: ledger.genesis(),
            rng: StdRng::seed_from_u64(plan.seed),
            now: BEGINNING,
            nodes: members.into_iter().map(node).collect(),
            plan,
            record,
            recovered: None,
            stage: None,
            queue: Queue::default(),
            sequence: 0,
            asks: BTreeMap::new(),
            hidden: None,
        }
    }

    /// Runs until every node reached the planned height and settled on in the calm, something broke, or time is up.
    pub fn run(mut self) -> Outcome {
        self.play();
        let lives: Vec<_> = self.nodes.iter().map(|node| node.is_up().then(|| node.life())).collect();
        self.record.check_punished(&lives);
        let recovered = self.recovered.unwrap_or(self.now);
        let recovery = recovered.saturating_sub(self.calm());
        self.record.outcome(self.sequence, self.now - BEGINNING, recovery)
    }

    fn play(&mut self) {
        let calm = self.calm();
        let mut goal = None;
        while let Some((time, node, event)) = self.queue.pop() {
            self.now = time;
            if self.record.is_broken() {
                return;
            }
            if time >= calm {
                let goal: Goal = *goal.get_or_insert_with(|| self.goal());
                if self.recovered.is_none() && self.arrived(goal.first) {
                    self.recovered = Some(time);
                }
                if self.arrived(goal.height) {
                    return;
                }
                if time > goal.deadline || time > goal.soon && !self.arrived(goal.first) {
                    break;
                }
            }
            self.happen(node, event);
        }
        // Time is up, or nothing will ever happen again.
        self.record.stuck(self.now - BEGINNING, self.nodes.iter().map(Node::height).collect());
    }

    /// When messages begin to arrive, and soon.
    fn calm(&self) -> u64 {
        BEGINNING + self.plan.faults.calm_after_ms
    }

    /// Which heights to reach once it is calm, and by when.
    fn goal(&mut self) -> Goal {
        let tip = self.nodes.iter().map(Node::height).max().unwrap_or(0);
        let rounds = self.nodes.iter().filter(|node| node.height() == tip).filter_map(Node::round);
        self.record.calm(tip + 1, rounds.max().unwrap_or(0));
        let (first, soon) = (tip + SETTLEMENTS_IN_CALM, self.now + RECOVERY_MS);
        let height = self.plan.settlements.max(first);
        Goal { first, soon, height, deadline: soon + SETTLEMENT_MS * (height - first) }
    }

    fn arrived(&self, height: u64) -> bool {
        self.nodes.iter().all(|node| self.record.is_twin(&node.hotkey()) || node.height() >= height)
    }

    fn prepare(&mut self) {
        for (node, begins) in self.plan.faults.begins(self.nodes.len()).into_iter().enumerate() {
            self.at(BEGINNING + begins, node, Event::Restart);
        }
        for (node, down, up) in self.plan.faults.crashes(self.nodes.len(), BEGINNING) {
            self.at(down, node, Event::Crash);
            self.at(up, node, Event::Restart);
        }
        for (node, time) in self.plan.faults.orders(self.nodes.len(), BEGINNING) {
            self.at(time, node, Event::Order);
        }
    }

    fn at(&mut self, time: u64, node: usize, event: Event) {
        self.sequence += 1;
        self.queue.push(time, node, event);
    }

    fn happen(&mut self, node: usize, event: Event) {
        if let Some(later) = &mut self.nodes[node].frozen {
            later.push(event);
            return;
        }
        match event {
            Event::Hear { life, input } if self.nodes[node].lives(life) => self.hear(node, input),
            Event::Ring { life, timer, set }
                if self.nodes[node].lives(life) && self.nodes[node].rings(timer, set) =>
            {
                self.hear(node, Input::Elapsed(timer));
            }
            Event::Sync { life } if self.nodes[node].lives(life) => self.sync(node),
            Event::GiveUp(ticket) => self.no_answer(ticket),
            Event::Crash => {
                debug!(at = self.now - BEGINNING, node, "dies");
                self.crash(node, self.nodes[node].disk.waiting());
            }
            Event::Restart if !self.nodes[node].is_up() => {
                self.restart(node);
            }
            Event::Order if self.nodes[node].is_up() => self.order(node),
            _ => {}
        }
    }

    /// Has a node tell an order that suits the latest ledger there is.
    fn order(&mut self, node: usize) {
        if let Some(order) = self.plan.order(&mut self.rng, self.record.ledger())
            && let Some(input) = self.tell(node, Message::Transaction(order))
        {
            self.hear(node, input);
        }
    }

    /// Hears an input, and then what carrying out its effects brings at once.
    fn hear(&mut self, node: usize, input: impl Into<Arc<Input>>) {
        let input = input.into();
        self.witness(node, &input);
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let moment = self.moment(node);
            debug!(at = self.now - BEGINNING, node, ?input);
            for effect in self.nodes[node].think(moment, &input) {
                debug!(at = self.now - BEGINNING, node, ?effect);
                inputs.extend(self.carry_out(node, effect));
            }
        }
    }

    /// A node's moment, by its own clock.
    fn moment(&mut self, node: usize) -> Moment {
        let now = self.now.saturating_add_signed(self.nodes[node].member.clock_skew_ms);
        Moment { now, seed: Hash(self.rng.random()) }
    }

    /// Queues a write; the node hears other inputs until it is synced.
    fn persist(&mut self, node: usize, persist: Persist) {
        #[cfg(feature = "planted-faults")]
        if self.plan.fault == Some(Fault::LogUnsynced) {
            let Persist { entries, then } = persist;
            self.queue_write(node, Persist { entries, then: Vec::new() });
            return self.go_on(node, then);
        }
        self.queue_write(node, persist);
    }

    fn queue_write(&mut self, node: usize, persist: Persist) {
        let wait = self.plan.faults.sync(&mut self.rng, self.now - BEGINNING, node);
        let synced = self.nodes[node].disk.queue(self.now, wait, persist);
        let life = self.nodes[node].life();
        self.at(synced, node, Event::Sync { life });
    }

    /// Carries out what waited for a write, unless a crash strikes before the sync or right after it.
    fn sync(&mut self, node: usize) {
        let stormy = self.now < self.calm();
        if stormy && self.rng.random_bool(self.plan.faults.crash_at_sync) {
            self.crash(node, 1);
            let back = self.now + self.rng.random_range(100..5_000);
            return self.at(back, node, Event::Restart);
        }
        let then = self.write(node);
        self.go_on(node, then);
    }

    /// Carries out what waited; what that brings at once is heard in between.
    fn go_on(&mut self, node: usize, then: Vec<Effect>) {
        for effect in then {
            if let Some(input) = self.carry_out(node, effect) {
                self.hear(node, input);
            }
        }
    }

    /// Syncs the next write and returns what waited for it.
    fn write(&mut self, node: usize) -> Vec<Effect> {
        match self.nodes[node].disk.sync() {
            Ok((settled, then)) => {
                for settled in &settled {
                    let header = &settled.certified.settlement.header;
                    self.log(node, "settle", || json!({"height": header.height, "header": header.hash()}));
                    self.record.settled(node, settled);
                }
                then
            }
            Err(refused) => {
                self.stop(node);
                self.record.refused(node, refused.to_string());
                Vec::new()
            }
        }
    }

    /// Brings a node back with what is on its disk.
    fn restart(&mut self, node: usize) {
        match self.nodes[node].restart() {
            Ok(()) => self.hear(node, Input::Started),
            Err(refused) => self.record.refused(node, refused.to_string()),
        }
    }

    /// Stops a node without warning. Up to `reached` of its writes got to the disk unseen, and the next in part; nothing
    /// that waited for them leaves.
    fn crash(&mut self, node: usize, reached: usize) {
        for _ in 0..self.rng.random_range(0..=reached) {
            self.write(node);
        }
        self.stop(node);
    }

    /// Cuts a node's power.
    fn stop(&mut self, node: usize) {
        for settled in self.nodes[node].crash(&mut self.rng) {
            self.record.settled(node, &settled);
        }
    }
}

#[cfg(test)]
mod tests;
