//! What a subnet is about: it asks questions, judges answers, and names the model and the data.
//!
//! A task is two types: the [`Questioner`] holds the labels, the [`Worker`] never sees them, so a miner cannot reach
//! them by type. To add a task, implement [`Task`] and list it in `TASKS`.
//!
//! ```
//! use crypto::{Hotkey, hash};
//! use neuron::task;
//!
//! let sums = task::named("sums")?;
//! let (questioner, seed) = (sums.questioner(), hash("neuron v1 example", &[]));
//! let mut worker = sums.worker(1, &Hotkey([7; 32]), task::RUNGS)?;
//! let answer = worker.answer(&questioner.ask(seed))?;
//! assert!(questioner.judge(seed, &answer) > Some(0.9));
//! # Ok::<(), task::Error>(())
//! ```

pub(crate) mod digits;
mod error;
mod sums;

use crypto::{Hash, Hotkey};

pub use digits::Digits;
pub use error::Error;
pub use sums::{StandIn, Sums};

/// Most bytes of a question or an answer, so that either fits one message.
pub const QUESTION_BYTES_MAX: usize = 16 << 10;

/// Steps of the ladder of workers that every task offers, from poor to good.
pub const RUNGS: usize = 8;

const TASKS: [&dyn Task; 2] = [&Digits, &Sums];

/// What a subnet is about.
pub trait Task: Send + Sync {
    /// The name by which the ledger and the command line know it.
    fn name(&self) -> &'static str;

    /// What is asked and how an answer is judged, in words: the ledger holds its hash beside the name.
    fn description(&self) -> &'static str;

    /// The validator's side.
    fn questioner(&self) -> Box<dyn Questioner>;

    /// The miner's side, untrained: what `hotkey` would be at `rung` of the ladder, 0 the poorest.
    ///
    /// A rung above the ladder is its top. Errors when this build cannot run the task's models.
    fn worker(&self, seed: u64, hotkey: &Hotkey, rung: usize) -> Result<Box<dyn Worker>, Error>;

    /// The measure that no question is taken from.
    fn examiner(&self) -> Box<dyn Examiner>;
}

/// Makes questions and judges answers; pure and cheap, so it runs inside the validator's role.
pub trait Questioner: Send {
    /// The question of `seed`, at most [`QUESTION_BYTES_MAX`] bytes: another seed, another question.
    fn ask(&self, seed: Hash) -> Vec<u8>;

    /// The share of `answer` that is right, 0 to 1, or none if it is no answer to the question of `seed`.
    fn judge(&self, seed: Hash, answer: &[u8]) -> Option<f64>;
}

/// Learns and answers; slow, so it runs on the model's own thread.
pub trait Worker: Send {
    /// What it is, in a few words for people.
    fn describe(&self) -> String;

    /// Trains from the start and reports as it goes.
    fn train(&mut self, report: &mut dyn FnMut(Progress)) -> Result<(), Error>;

    /// Answers a question that may be anything at all.
    fn answer(&mut self, question: &[u8]) -> Result<Vec<u8>, Error>;

    /// The weights: safetensors, or what stands in for them.
    fn save(&self) -> Result<Vec<u8>, Error>;

    /// Takes over weights as [`Worker::save`] writes them; on an error it stays as it was.
    fn load(&mut self, weights: &[u8]) -> Result<(), Error>;
}

/// Measures a worker on data that neither miners nor questions use.
pub trait Examiner: Send {
    /// The share of the test split that `worker` answers rightly, 0 to 1.
    fn accuracy(&self, worker: &mut dyn Worker) -> Result<f64, Error>;
}

/// How far a training has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Optimiser steps done.
    pub step: u32,
    /// Optimiser steps in all.
    pub steps: u32,
    /// Mean loss of the last batch, nats.
    pub loss: f64,
}

/// The task of that name.
pub fn named(name: &str) -> Result<&'static dyn Task, Error> {
    TASKS
        .into_iter()
        .find(|task| task.name() == name)
        .ok_or_else(|| Error::UnknownTask { name: name.into(), known: TASKS.map(Task::name).join(", ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_found_by_its_name() {
        for task in TASKS {
            assert_eq!(named(task.name()).unwrap().name(), task.name());
        }
    }

    #[test]
    fn an_unknown_task_is_told_the_known_ones() {
        let error = named("digit").err().unwrap().to_string();
        assert_eq!(error, "no task is called \"digit\"; there are digits, sums");
    }
}
