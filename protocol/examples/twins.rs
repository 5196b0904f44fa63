//! Every way to lead and to cut a small network in which one validator runs twice: `twins [--rounds N] [--twins N]`.
//!
//! Four validators of equal stake, the first one (or more) run as two neurons with one key. In each of the first
//! rounds any of the four leads, and the neurons are cut in two in any way; a message travels within its side of the
//! cut of its round. All sequences of leaders and cuts are tried: no two neurons that run once may decide differently
//! (Bano et al., Twins: BFT Systems Made Robust, OPODIS 2021). Exit code 1 means that two did.
use std::io::{self, Write};
use std::process::ExitCode;

#[path = "twins/scenario.rs"]
mod scenario;
#[path = "twins/world.rs"]
mod world;

use scenario::{Scenario, Space};

/// How many forks are printed.
const FORKS_SHOWN: usize = 3;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let space = match Space::of(&words) {
        Ok(space) => space,
        Err(fault) => {
            drop(writeln!(io::stderr(), "twins: {fault}"));
            return ExitCode::from(2);
        }
    };
    let forks = space.explore();
    let mut out = io::stdout().lock();
    for Scenario { turns, .. } in forks.iter().take(FORKS_SHOWN) {
        drop(writeln!(out, "fork: {turns:?}"));
    }
    let (scenarios, distinct) = (space.scenarios(), space.distinct());
    drop(writeln!(out, "{scenarios} scenarios, {distinct} up to renaming, {} forks", forks.len()));
    if forks.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
