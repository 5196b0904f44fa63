//! Counts epochs that the reference chain has counted, and says where we differ: `replay_vectors DIR`.
//!
//! DIR holds vector files (`*.json`, or `*.json.gz`), or folders `chain` and `fn` of them. Exit code 1 means that a
//! file differs or cannot be read.
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

#[path = "replay_vectors/replay.rs"]
mod replay;

fn main() -> ExitCode {
    let Some(dir) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return fail("name a folder of vector files: replay_vectors DIR");
    };
    match replay::folder(&dir, &mut io::stdout().lock()) {
        Ok(tally) if tally.differ == 0 => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(error: &str) -> ExitCode {
    drop(writeln!(io::stderr(), "error: {error}"));
    ExitCode::FAILURE
}
