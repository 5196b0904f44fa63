//! Behaviours that need no compiler: by name, as a script in Starlark, or as a program in any language.
//!
//! Both front ends speak the same words. What a hook sees is JSON, or Starlark made of it; what it returns is nothing, an
//! act, or a value in place of the honest one; and what a [`Context`](crate::behaviour::Context) offers is asked for by
//! name. So one attack has the same effects however it is written. Hotkeys and hashes are hexadecimal text, a row is
//! `{uid: weight}`, and a body is a list of numbers from 0 to 255.
//!
//! ```python
//! def on_vote(ctx, vote):                  # the hook's name and parameters are those of `Behaviour`
//!     if ctx.height % 5 or vote.precommit:
//!         return                           # what is honest happens
//!     ctx.fired("nil")
//!     return replace(vote, header = None)  # this happens instead
//! ```
//!
//! | `ctx.` | |
//! | --- | --- |
//! | `now` `me` `uid` `height` `epoch` | milliseconds, its hotkey, its slot, where the ledger stands |
//! | `params` | what the scenario gave it, a dict |
//! | `state` | a dict that lives from hook to hook |
//! | `neurons` `rows` `validators` `spare` | whom and what the ledger shows, and its further hotkeys |
//! | `rand()` `proposer(height, round)` | a number from 0 up to 1; whose turn it is |
//! | `get(name)` `put(name, value)` | the board of colluders |
//! | `fired(name)` `release(name)` | the attack took place; what was held under a name goes |
//! | `transact(action)` `vote(vote, to, by)` | signs and tells an order, or a further vote |
//!
//! Acts are `forward()`, `drop()`, `delay("900ms")`, `repeat(times)`, `hold(name)`, `only(peers)` and
//! `split([(peers, value), …])`. How a program says all this is told in [`Program`].

mod hook;
mod program;
mod reply;
mod scene;
mod scripted;
#[cfg(feature = "script")]
mod starlark;
#[cfg(test)]
mod tests;

use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::behaviour::{self, Behaviour, Board, Conduct, Make};

pub use self::program::Program;

/// Whose clock a program has to keep up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// A made-up clock, which waits: a program that takes too long is at fault.
    Simulated,
    /// The real one: what comes too late is thrown away, and what was honest happens.
    Live,
}

/// Why there is no such behaviour.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing has this name.
    #[error("there is no behaviour {name:?}: give one of {known}, a FILE.star, or exec:COMMAND")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A script cannot be read or has no place for what it defines; the words show where.
    #[error("{0}")]
    Script(String),
    /// A program does not start or does not say what it wants.
    #[error("{0}")]
    Program(String),
    /// This binary was built without its interpreter.
    #[error("{0} needs a neuron that was built with the feature \"script\"")]
    NoInterpreter(String),
}

/// The behaviour that `spec` names: `NAME`, `FILE.star` or `exec:COMMAND …`. Files are looked for in `dir`.
pub fn load(spec: &str, dir: &Path, pace: Pace) -> Result<Make, Error> {
    if let Some(command) = spec.strip_prefix("exec:") {
        return program(command, dir, pace);
    }
    if Path::new(spec).extension().is_some_and(|extension| extension == "star") {
        return script(&dir.join(spec));
    }
    let known = || behaviour::NAMED.map(|(name, ..)| name).join(", ");
    behaviour::named(spec).ok_or_else(|| Error::Unknown { name: spec.to_owned(), known: known() })
}

/// A conduct with the behaviour that `spec` names, or honesty.
pub fn conduct(spec: &str, dir: &Path, pace: Pace, with: Value, board: Board) -> Result<Conduct, Error> {
    match spec {
        Conduct::HONEST => Ok(Conduct::honest()),
        _ => Ok(Conduct { name: name(spec), make: load(spec, dir, pace)?, with, board }),
    }
}

/// What people call the behaviour that `spec` names: a script by its file's name without folder and ending.
pub fn name(spec: &str) -> String {
    let file = Path::new(spec);
    let script = file.extension().is_some_and(|extension| extension == "star");
    let stem = script.then(|| file.file_stem()).flatten();
    let name = stem.map_or_else(|| spec.trim_start_matches("exec:").into(), |it| it.to_string_lossy());
    // Only honesty is called so.
    if name == Conduct::HONEST { spec.to_owned() } else { name.into_owned() }
}

/// The files in `dir` that `spec` names: a script, or words of a command. What lies elsewhere is not among them.
pub fn files(spec: &str, dir: &Path) -> Vec<PathBuf> {
    let words = match spec.strip_prefix("exec:") {
        Some(command) => shlex::split(command).unwrap_or_default(),
        None => vec![spec.to_owned()],
    };
    let is_below = |path: &PathBuf| {
        path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
    };
    words.into_iter().map(PathBuf::from).filter(|path| is_below(path) && dir.join(path).is_file()).collect()
}

#[cfg(feature = "script")]
fn script(path: &Path) -> Result<Make, Error> {
    let script = Arc::new(starlark::Script::read(path).map_err(Error::Script)?);
    Ok(Arc::new(move || Box::new(scripted::Scripted::new(script.perform()))))
}

#[cfg(not(feature = "script"))]
fn script(path: &Path) -> Result<Make, Error> {
    Err(Error::NoInterpreter(path.display().to_string()))
}

/// A program is started at once, to see that it can be, for the first neuron, and then for each further one.
fn program(command: &str, dir: &Path, pace: Pace) -> Result<Make, Error> {
    let first = Mutex::new(Some(Program::spawn(command, dir, pace).map_err(Error::Program)?));
    let (command, dir) = (command.to_owned(), dir.to_owned());
    let start = move || -> Box<dyn Behaviour> {
        let first = first.lock().unwrap_or_else(PoisonError::into_inner).take();
        match first.map_or_else(|| Program::spawn(&command, &dir, pace), Ok) {
            Ok(program) => Box::new(scripted::Scripted::new(program)),
            Err(fault) => Box::new(Stillborn(Some(fault))),
        }
    };
    Ok(Arc::new(start))
}

/// A program that started once, but not again: its neuron is honest.
struct Stillborn(Option<String>);

impl Behaviour for Stillborn {
    fn fault(&mut self) -> Option<String> {
        self.0.take()
    }
}
