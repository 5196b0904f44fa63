//! A scenario in the simulated network: exact, on a made-up clock, the same for the same seed byte by byte.
mod events;
mod figures;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crypto::{Hash, Keypair, hash};
use protocol::transaction::Coldkey;
use serde_json::Value;

use super::{Conduct, Duty, Error, Judge, Moment, NeuronId, Scenario, Verdict};
use crate::api::Stamp;
use crate::behaviour::{self, Board, Doings, Make};
use crate::figure::coins;
use crate::script::{self, Pace};
use crate::simulation::{self, Line, Member, Simulation};

use self::events::Undo;

/// How often figures are looked at while nothing is settled, in virtual milliseconds.
const LOOK_MS: u64 = 1_000;

/// A run in which nothing is settled for so long is over, in virtual milliseconds.
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
    /// Why behaviours could not go on, each once.
    pub faults: Vec<String>,
}

/// A scenario under way.
struct Simulated<'a> {
    scenario: &'a Scenario,
    simulation: Simulation,
    ids: Vec<NeuronId>,
    makes: BTreeMap<usize, Make>,
    boards: Board,
    /// Which events are still to come.
    waiting: Vec<usize>,
    /// What is to be undone, and when.
    undo: Vec<(u64, Undo)>,
    next_change: u64,
    /// Gone for good.
    gone: BTreeSet<usize>,
    wealth: Vec<Vec<f64>>,
    /// When the last height was settled, and the longest time between two, in virtual milliseconds.
    settled_at: u64,
    longest_stall: u64,
    height: u64,
}

/// Runs a scenario. `make` knows its behaviours by their place among [`Scenario::conducts`]; without one a conduct is
/// honest.
pub fn run(scenario: &Scenario, seed: u64, makes: BTreeMap<usize, Make>) -> Result<Run, Error> {
    let mut run = Simulated::new(scenario, seed, makes)?;
    let mut judge = Judge::new(scenario);
    run.play(&mut judge);
    Ok(run.end(judge))
}

/// What makes each behaviour that a scenario of this folder names; the honest need nothing.
pub fn makes(scenario: &Scenario, folder: &Path) -> Result<BTreeMap<usize, Make>, Error> {
    let make = |(place, conduct): (usize, &Conduct)| {
        let spec = conduct.behaviour.get_ref().spec()?;
        let made = script::load(&spec, folder, Pace::Simulated);
        let refused = |fault: script::Error| scenario.refuse(conduct.behaviour.span(), &fault.to_string());
        Some(made.map(|make| (place, make)).map_err(refused))
    };
    scenario.conducts().enumerate().filter_map(make).collect()
}

impl<'a> Simulated<'a> {
    fn new(scenario: &'a Scenario, seed: u64, makes: BTreeMap<usize, Make>) -> Result<Self, Error> {
        let ids: Vec<_> = scenario.neurons().collect();
        let keys = |id: NeuronId| key("neuron v1 scenario key", seed, owner_of(scenario, id));
        let coldkeys = |id: NeuronId| key("neuron v1 scenario coldkey", seed, owner_of(scenario, id));
        let genesis = scenario
            .genesis(simulation::BEGINNING, |id| (keys(id).hotkey(), Coldkey(coldkeys(id).hotkey())))?;
        let boards = Board::default();
        let member = |id: &NeuronId| {
            let group = scenario.group(*id);
            Member {
                name: scenario.name(*id),
                keypair: keys(*id),
                coldkey: coldkeys(*id),
                validates: group.duty == Duty::Validator,
                skill: group.skill_of(id.number),
                clock_skew_ms: group.skew.0,
                spare: Vec::new(),
                conduct: conduct(&group.conduct, makes.get(&id.group), &boards),
            }
        };
        let members: Vec<_> = ids.iter().map(member).collect();
        let absent = |(place, id): (usize, &NeuronId)| scenario.group(*id).absent.then_some(place);
        let absent = ids.iter().enumerate().filter_map(absent).collect();
        let mut simulation = Simulation::staged(seed, &genesis, members, &absent);
        for link in &scenario.links {
            let (from, to) = (places(&ids, &link.from), places(&ids, &link.to));
            simulation.link(0, from, to, events::link(link));
        }
        let mut run = Self {
            waiting: (0..scenario.events.len()).collect(),
            undo: Vec::new(),
            next_change: 1,
            gone: BTreeSet::new(),
            wealth: vec![Vec::new(); ids.len()],
            settled_at: 0,
            longest_stall: 0,
            height: 0,
            scenario,
            simulation,
            ids,
            makes,
            boards,
        };
        run.note_wealth();
        Ok(run)
    }

    fn play(&mut self, judge: &mut Judge<'_>) {
        let mut look = 0;
        while !self.is_over() {
            let next = self.simulation.next_ms();
            let due = self.next_due();
            let until =
                [next, due, Some(look + LOOK_MS)].into_iter().flatten().min().unwrap_or(look + LOOK_MS);
            if next == Some(until) && due != Some(until) {
                self.simulation.step();
            } else {
                self.simulation.pass_to(until);
            }
            let moved = self.notice();
            self.happen();
            if moved || until >= look + LOOK_MS {
                look = until;
                judge.look(self.moment(), self);
            }
        }
    }

    /// Whether the run came as far as it should, or will come no further.
    fn is_over(&self) -> bool {
        let stuck = self.simulation.elapsed_ms() >= self.settled_at + STUCK_MS;
        stuck || self.scenario.until.is_reached(self.moment(), Moment::default())
    }

    fn moment(&self) -> Moment {
        let ledger = self.simulation.ledger();
        Moment {
            time: Duration::from_millis(self.simulation.elapsed_ms()),
            height: ledger.height(),
            epoch: ledger.epoch(super::NETUID).unwrap_or_default(),
        }
    }

    /// Takes in what was settled since, if anything was.
    fn notice(&mut self) -> bool {
        let height = self.simulation.ledger().height();
        let moved = height > self.height;
        self.height = height;
        if moved {
            let now = self.simulation.elapsed_ms();
            self.longest_stall = self.longest_stall.max(now - self.settled_at);
            self.settled_at = now;
            self.note_wealth();
        }
        moved
    }

    fn note_wealth(&mut self) {
        for (place, id) in self.ids.iter().enumerate() {
            let owner = self.simulation.owner(place);
            // A twin has its original's.
            if self.scenario.group(*id).twin_of.is_none() {
                let ledger = self.simulation.ledger();
                self.wealth[place].push(coins(figures::wealth(ledger, &owner)));
            }
        }
    }

    fn end(self, mut judge: Judge<'_>) -> Run {
        let doings = self.simulation.doings().to_vec();
        let faults: BTreeSet<_> = doings.iter().filter_map(|it| it.fault.clone()).collect();
        if let Some(fault) = faults.first() {
            judge.doubt(fault);
        }
        let verdicts = judge.end(self.moment(), &self);
        let ledger = self.simulation.ledger();
        let (network, state_root) = (ledger.genesis(), ledger.root().hash);
        Run {
            stamp: Stamp { network, height: ledger.height(), state_root },
            end: self.moment(),
            verdicts,
            lines: self.simulation.lines().to_vec(),
            hash: self.simulation.log_hash(),
            doings,
            wealth: self.wealth,
            slashed: (0..self.ids.len()).map(|place| coins(self.simulation.slashed(place))).collect(),
            faults: faults.into_iter().collect(),
        }
    }
}

/// Whose keys a neuron has: a twin has its original's.
fn owner_of(scenario: &Scenario, id: NeuronId) -> NeuronId {
    scenario.group(id).twin_of.unwrap_or(id)
}

fn key(what: &str, seed: u64, id: NeuronId) -> Keypair {
    let parts = [seed, id.group as u64, id.number as u64].map(u64::to_le_bytes);
    Keypair::from_seed(hash(what, &[&parts[0], &parts[1], &parts[2]]).0)
}

fn conduct(conduct: &Conduct, make: Option<&Make>, board: &Board) -> Option<behaviour::Conduct> {
    let make = make.filter(|_| !conduct.is_honest())?;
    let with = serde_json::to_value(conduct.with.get_ref()).unwrap_or(Value::Null);
    let name = conduct.behaviour.get_ref().name();
    Some(behaviour::Conduct { name, make: Arc::clone(make), with, board: board.clone() })
}

/// The places of some among all.
fn places(ids: &[NeuronId], some: &super::Selection) -> BTreeSet<usize> {
    ids.iter().enumerate().filter(|(_, id)| some.contains(**id)).map(|(place, _)| place).collect()
}
