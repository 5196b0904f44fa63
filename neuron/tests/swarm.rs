//! Swarms of real peers on this machine, without libtorch: the task is sums.
#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod swarm {
    mod adversaries;
    mod command_line;
    mod crashes;
    mod explanations;
    mod faults;
    mod light;
    mod orders;
    mod pay;
}

use std::path::{Path, PathBuf};

use neuron::swarm::{Housing, Plan};

/// A swarm as small and as fast as it may be.
fn small(dir: &Path) -> Plan {
    Plan { validators: 3, miners: 3, task: "sums".to_owned(), interval_ms: 400, ..Plan::new(dir) }
}

/// The same, each neuron a process.
fn processes(dir: &Path) -> Plan {
    Plan { housing: Housing::Processes(program()), ..small(dir) }
}

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_neuron"))
}
