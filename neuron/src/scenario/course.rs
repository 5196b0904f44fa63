//! A scenario under way: what happens when, and what is looked at.
mod events;
mod figures;

use std::collections::BTreeSet;
use std::time::Duration;

use crypto::Hash;

use super::world::World;
use super::{Judge, Moment, NeuronId, Scenario, Verdict};
use crate::api::Stamp;
use crate::behaviour::Doings;
use crate::figure::coins;
use crate::simulation::Line;

use self::events::Undo;

pub(super) use self::events::link;

/// How often figures are looked at while nothing is settled, in milliseconds.
const LOOK_MS: u64 = 1_000;

/// A run in which nothing is settled for so long is over, in milliseconds.
const STUCK_MS: u64 = 300_000;

/// What came of a run.
#[derive(Debug)]
pub struct Run {
    /// What became of each expectation.
    pub verdicts: Vec<Verdict>,
    /// Where it ended.
    pub end: Moment,
    /// Which network, and its last state.
    pub stamp: Stamp,
    /// All that happened.
    pub lines: Vec<Line>,
    /// Names all that happened.
    pub hash: Hash,
    /// What each neuron did, in the order of the scenario.
    pub doings: Vec<Doings>,
    /// What each neuron's owner had at the beginning and at each settlement, in coins.
    pub wealth: Vec<Vec<f64>>,
    /// What each lost for signing twice, in coins.
    pub slashed: Vec<f64>,
    /// What the scenario's measure came to at the end, if that is known.
    pub measured: Option<f64>,
    /// Why behaviours could not go on, each once.
    pub faults: Vec<String>,
}

/// A scenario under way in some world.
pub(super) struct Course<'a, W> {
    scenario: &'a Scenario,
    pub(super) world: W,
    ids: Vec<NeuronId>,
    /// Which events are still to come.
    waiting: Vec<usize>,
    /// What is to be undone, and when.
    undo: Vec<(u64, Undo)>,
    next_change: u64,
    /// Gone for good.
    gone: BTreeSet<usize>,
    wealth: Vec<Vec<f64>>,
    /// When the last height was settled, and the longest time between two, in milliseconds.
    settled_at: u64,
    longest_stall: u64,
    height: u64,
}

impl<'a, W: World> Course<'a, W> {
    pub(super) fn new(scenario: &'a Scenario, world: W) -> Self {
        let ids: Vec<_> = scenario.neurons().collect();
        let mut course = Self {
            waiting: (0..scenario.events.len()).collect(),
            undo: Vec::new(),
            next_change: 1,
            gone: BTreeSet::new(),
            wealth: vec![Vec::new(); ids.len()],
            settled_at: 0,
            longest_stall: 0,
            height: 0,
            scenario,
            world,
            ids,
        };
        for place in &scenario.links {
            let (from, to) = (course.places(&place.from), course.places(&place.to));
            course.world.link(0, from, to, link(place));
        }
        course.note_wealth();
        course
    }

    /// Plays the scenario to its end, and shows `judge` what there is to see.
    pub(super) fn play(&mut self, judge: &mut Judge<'_>) {
        let mut look = 0;
        while !self.is_over() {
            self.world.go_on(self.next_due().unwrap_or(u64::MAX), look + LOOK_MS);
            let moved = self.notice();
            self.happen();
            let now = self.world.elapsed_ms();
            if moved || now >= look + LOOK_MS {
                look = now;
                judge.look(self.moment(), self);
            }
        }
    }

    /// Whether the run came as far as it should, or will come no further.
    fn is_over(&self) -> bool {
        let stuck = self.world.elapsed_ms() >= self.settled_at + STUCK_MS;
        stuck || self.scenario.until.is_reached(self.moment(), Moment::default())
    }

    fn moment(&self) -> Moment {
        let ledger = self.world.record().ledger();
        Moment {
            time: Duration::from_millis(self.world.elapsed_ms()),
            height: ledger.height(),
            epoch: ledger.epoch(super::NETUID).unwrap_or_default(),
        }
    }

    /// Takes in what was settled since, if anything was.
    fn notice(&mut self) -> bool {
        let height = self.world.record().ledger().height();
        let moved = height > self.height;
        self.height = height;
        if moved {
            let now = self.world.elapsed_ms();
            self.longest_stall = self.longest_stall.max(now - self.settled_at);
            self.settled_at = now;
            self.note_wealth();
        }
        moved
    }

    fn note_wealth(&mut self) {
        for (place, id) in self.ids.iter().enumerate() {
            let owner = self.world.owner(place);
            // A twin has its original's.
            if self.scenario.group(*id).twin_of.is_none() {
                let ledger = self.world.record().ledger();
                self.wealth[place].push(coins(figures::wealth(ledger, &owner)));
            }
        }
    }

    /// What came of it; `lines` tell all that happened, and `hash` names them.
    pub(super) fn end(self, mut judge: Judge<'_>, (lines, hash): (Vec<Line>, Hash)) -> Run {
        let doings = self.world.doings().to_vec();
        let faults: BTreeSet<_> = doings.iter().filter_map(|it| it.fault.clone()).collect();
        faults.iter().for_each(|fault| judge.fault(fault));
        self.doubt(&doings).iter().for_each(|why| judge.doubt(why));
        let verdicts = judge.end(self.moment(), &self);
        let measured = self.scenario.measure.as_ref().and_then(|measure| measure.take(&self));
        let ledger = self.world.record().ledger();
        let (network, state_root) = (ledger.genesis(), ledger.root().hash);
        let slashed = |node| coins(self.world.record().slashed(&self.world.hotkey(node)));
        Run {
            stamp: Stamp { network, height: ledger.height(), state_root },
            end: self.moment(),
            verdicts,
            measured,
            lines,
            hash,
            doings,
            slashed: (0..self.ids.len()).map(slashed).collect(),
            wealth: self.wealth,
            faults: faults.into_iter().collect(),
        }
    }

    /// Why it cannot be said what came of the scenario although nothing went wrong: not all of it took place.
    fn doubt(&self, doings: &[Doings]) -> Option<String> {
        if !self.scenario.until.is_reached(self.moment(), Moment::default()) {
            let seconds = STUCK_MS / 1_000;
            return Some(format!("nothing was settled for {seconds} s: the run ended before `until`"));
        }
        if let Some(place) = self.waiting.first() {
            let line = self.scenario.text.line(&self.scenario.events[*place].place);
            return Some(format!("the run ended before what line {line} lets happen"));
        }
        let acts = self.scenario.conducts().any(|conduct| !conduct.is_honest());
        let struck = doings.iter().any(|doing| !doing.fired.is_empty());
        (acts && !struck)
            .then(|| "no attack ever fired: a behaviour says `fired` where it strikes".to_owned())
    }

    /// The places of some among all.
    fn places(&self, some: &super::Selection) -> BTreeSet<usize> {
        self.ids.iter().enumerate().filter(|(_, id)| some.contains(**id)).map(|(place, _)| place).collect()
    }
}
