//! A scenario in the simulated network: exact, on a made-up clock, the same for the same seed byte by byte.
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crypto::Hotkey;
use protocol::ledger::Ledger;
use protocol::transaction::{Action, Coldkey};

use super::course::Course;
use super::world::World;
use super::{Conduct, Duty, Error, Judge, NeuronId, Scenario, keys};
use crate::behaviour::{self, Board, Doings, Make};
use crate::script::{self, Pace};
use crate::simulation::{self, Cut, Link, Member, Record, Simulation};

pub use super::course::Run;

/// The simulated network as a scenario's world.
struct Simulated<'a> {
    scenario: &'a Scenario,
    makes: BTreeMap<usize, Make>,
    boards: Board,
    simulation: Simulation,
}

/// Runs a scenario. `make` knows its behaviours by their place among [`Scenario::conducts`]; without one a conduct is
/// honest.
pub fn run(scenario: &Scenario, seed: u64, makes: BTreeMap<usize, Make>) -> Result<Run, Error> {
    played(scenario, seed, makes, |_| ())
}

/// The same for whoever wants to know what comes of it and not what happens: it tells no events.
pub fn run_silently(scenario: &Scenario, seed: u64, makes: BTreeMap<usize, Make>) -> Result<Run, Error> {
    let mut world = Simulated::new(scenario, seed, makes, |_| ())?;
    world.simulation.be_silent();
    Ok(play(scenario, world))
}

/// The same where a rule is broken on purpose.
#[cfg(feature = "planted-faults")]
pub fn run_with(
    scenario: &Scenario,
    seed: u64,
    makes: BTreeMap<usize, Make>,
    fault: protocol::Fault,
) -> Result<Run, Error> {
    played(scenario, seed, makes, |ledger| ledger.plant(fault))
}

fn played(
    scenario: &Scenario,
    seed: u64,
    makes: BTreeMap<usize, Make>,
    prepare: impl FnOnce(&mut Ledger),
) -> Result<Run, Error> {
    Ok(play(scenario, Simulated::new(scenario, seed, makes, prepare)?))
}

fn play(scenario: &Scenario, world: Simulated<'_>) -> Run {
    let mut course = Course::new(scenario, world);
    let mut judge = Judge::new(scenario);
    course.play(&mut judge);
    let told = course.world.simulation.take_lines();
    course.end(judge, told)
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
    fn new(
        scenario: &'a Scenario,
        seed: u64,
        makes: BTreeMap<usize, Make>,
        prepare: impl FnOnce(&mut Ledger),
    ) -> Result<Self, Error> {
        let ids: Vec<_> = scenario.neurons().collect();
        let genesis = scenario.genesis(simulation::BEGINNING, |id| keys::public(scenario, seed, id))?;
        let mut ledger = Ledger::new(&genesis).expect("a scenario's genesis is checked");
        prepare(&mut ledger);
        let boards = Board::default();
        let member = |id: &NeuronId| {
            let group = scenario.group(*id);
            let (keypair, coldkey) = keys::of(scenario, seed, *id);
            Member {
                name: scenario.name(*id),
                keypair,
                coldkey,
                validates: group.duty == Duty::Validator,
                skill: group.skill_of(id.number),
                clock_skew_ms: group.skew.0,
                spare: keys::spare(scenario, seed, *id),
                conduct: conduct(&group.conduct, makes.get(&id.group), &boards),
            }
        };
        let members: Vec<_> = ids.iter().map(member).collect();
        let absent = |(place, id): (usize, &NeuronId)| scenario.group(*id).absent.then_some(place);
        let absent = ids.iter().enumerate().filter_map(absent).collect();
        let simulation = Simulation::staged(seed, ledger, members, &absent);
        Ok(Self { scenario, makes, boards, simulation })
    }
}

impl World for Simulated<'_> {
    fn elapsed_ms(&self) -> u64 {
        self.simulation.elapsed_ms()
    }

    fn go_on(&mut self, before: u64, until: u64) {
        match self.simulation.next_ms() {
            Some(next) if next < before && next <= until => drop(self.simulation.step()),
            _ => self.simulation.pass_to(before.min(until)),
        }
    }

    fn record(&self) -> &Record {
        self.simulation.record()
    }

    fn doings(&self) -> &[Doings] {
        self.simulation.doings()
    }

    fn score(&self, node: usize, miner: &Hotkey) -> Option<f64> {
        self.simulation.scores()[node].get(miner).map(|score| score.mean)
    }

    fn height_of(&self, node: usize) -> Option<u64> {
        self.simulation.height_of(node)
    }

    fn hotkey(&self, node: usize) -> Hotkey {
        self.simulation.hotkey(node)
    }

    fn owner(&self, node: usize) -> Coldkey {
        self.simulation.owner(node)
    }

    fn knows_refusals(&self) -> bool {
        true
    }

    fn link(&mut self, number: u64, from: BTreeSet<usize>, to: BTreeSet<usize>, link: Link) {
        self.simulation.link(number, from, to, link);
    }

    fn cut(&mut self, number: u64, cut: Cut) {
        self.simulation.cut(number, cut);
    }

    fn mend(&mut self, number: u64) {
        self.simulation.mend(number);
    }

    fn kill(&mut self, node: usize) {
        self.simulation.kill(node);
    }

    fn revive(&mut self, node: usize) {
        self.simulation.revive(node);
    }

    fn wipe(&mut self, node: usize) {
        self.simulation.wipe(node);
    }

    fn pause(&mut self, node: usize) {
        self.simulation.pause(node);
    }

    fn resume(&mut self, node: usize) {
        self.simulation.resume(node);
    }

    fn turn(&mut self, node: usize, to: &Conduct) {
        let place = self.scenario.conducts().position(|known| std::ptr::eq(known, to));
        let make = place.and_then(|place| self.makes.get(&place));
        self.simulation.turn(node, conduct(to, make, &self.boards));
    }

    fn skew(&mut self, node: usize, ms: i64) {
        self.simulation.skew(node, ms);
    }

    fn poll(&mut self, node: usize) {
        self.simulation.poll(node);
    }

    fn order_by(&mut self, node: usize, after: u64, action: Action) {
        self.simulation.order_by(node, after, action);
    }
}

fn conduct(conduct: &Conduct, make: Option<&Make>, board: &Board) -> Option<behaviour::Conduct> {
    let make = make.filter(|_| !conduct.is_honest())?;
    let with = conduct.parameters();
    let name = conduct.behaviour.get_ref().name();
    Some(behaviour::Conduct { name, make: Arc::clone(make), with, board: board.clone() })
}
