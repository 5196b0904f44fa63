//! How much of a subnet's utility an honest majority must have to keep its share of stake, whatever a cartel does.
//!
//! The published experiment, counted by us: `retention [--quick]`. 64 validators and 448 miners are split into honest
//! and cartel; each side gives itself some weight, spread by sigma. A cell is the least weight of the honest at which
//! they earn their share of stake against the cartel's best answer; in brackets the published figure, or our goal. Exit
//! code 1 means that one is missed. Source: spec section 16.1.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]
use std::fmt;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use network::Network;
use published::{Expected, Experiment, STAKES, TOLERANCE, experiments};

#[path = "retention/network.rs"]
mod network;
#[path = "retention/published.rs"]
mod published;
#[path = "experiment/random.rs"]
mod random;
#[path = "experiment/reference.rs"]
mod reference;
#[path = "experiment/share.rs"]
mod share;

/// Every random choice follows from it.
const SEED: u64 = 0;

/// Steps between the weights that the cartel tries to give itself: none to all.
const CARTEL_STEPS: u32 = 25;

/// What `--quick` leaves of the table: the first rows and columns hold the goals.
const QUICK: (usize, usize) = (2, 3);

fn main() -> ExitCode {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (rows, columns) = if quick { QUICK } else { (usize::MAX, STAKES.len()) };
    let experiments: Vec<_> = experiments().into_iter().take(rows).collect();
    let needs = measured(&experiments, &STAKES[..columns]);

    let heads = STAKES[..columns].iter().map(|stake| format!("{stake:>15.2}"));
    println!("{:28}{}", "honest stake", heads.collect::<String>());
    let mut missed = 0;
    for (experiment, needs) in experiments.iter().zip(needs.chunks(columns)) {
        let cells: Vec<_> =
            needs.iter().zip(&experiment.expected).map(|(need, must)| Cell(*need, *must)).collect();
        let line = format!("{:28}{}", experiment.name, cells.iter().map(Cell::to_string).collect::<String>());
        println!("{}", line.trim_end());
        missed += cells.iter().filter(|cell| !cell.is_met()).count();
    }
    println!("{missed} of these figures are not what they must be");
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What every experiment needs at every stake, row by row, on all cores.
fn measured(experiments: &[Experiment], stakes: &[f64]) -> Vec<Option<f64>> {
    let cells: Vec<_> =
        experiments.iter().flat_map(|e| stakes.iter().map(move |stake| (e, *stake))).collect();
    let needs: Vec<_> = cells.iter().map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((i, (experiment, stake))) = claimed(&next, &cells) {
            let need = needed_utility(experiment, *stake);
            needs[i].set(need).expect("every cell is claimed once");
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    needs.into_iter().map(|need| need.into_inner().expect("every cell is claimed")).collect()
}

/// The next cell that nobody works on, with its place.
fn claimed<'a, T>(next: &AtomicUsize, cells: &'a [T]) -> Option<(usize, &'a T)> {
    let i = next.fetch_add(1, Ordering::Relaxed);
    Some((i, cells.get(i)?))
}

fn needed_utility(experiment: &Experiment, stake: f64) -> Option<f64> {
    let cartel: Vec<_> = (0..=CARTEL_STEPS).map(|step| f64::from(step) / f64::from(CARTEL_STEPS)).collect();
    let network = Network::new(stake, experiment.sigma, SEED);
    network.needed_utility(&experiment.setting, experiment.validators_part, &cartel)
}

/// A needed utility, and what it must be.
struct Cell(Option<f64>, Expected);

impl Cell {
    /// Where no utility is enough, all of it is what it takes to fail by least.
    fn need(&self) -> f64 {
        self.0.unwrap_or(1.0)
    }

    fn is_met(&self) -> bool {
        match self.1 {
            Expected::Published(figure) => (self.need() - figure).abs() <= TOLERANCE,
            Expected::AtMost(goal) => self.need() <= goal,
            Expected::Anything => true,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = match self.1 {
            Expected::Published(figure) => format!("({figure:.3})"),
            Expected::AtMost(goal) => format!("(≤{goal:.3})"),
            Expected::Anything => String::new(),
        };
        let mark = if self.is_met() { ' ' } else { '!' };
        let need = self.0.map_or("none".into(), |need| format!("{need:.3}"));
        write!(f, "{need:>7}{expected:>8}{mark}")
    }
}
