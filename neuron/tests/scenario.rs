//! `neuron scenario` and `neuron replay`, as somebody types them.
#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod scenario {
    mod bad_files;
    mod directory;
    mod verdicts;
}

use std::path::Path;
use std::process::{Command, Output};

/// Seconds that a command may take; none of these takes ten on a machine that has nothing else to do.
const DEADLINE: &str = "180";

/// What the program says to a line that is typed in `folder`.
fn neuron(folder: &Path, line: &[&str]) -> Output {
    let mut limited = Command::new("timeout");
    limited.arg(DEADLINE).arg(env!("CARGO_BIN_EXE_neuron")).args(line);
    limited.env("XDG_CACHE_HOME", folder.join("cache")).current_dir(folder).output().unwrap()
}
