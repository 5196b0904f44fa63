//! What a neuron did, counted.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Names under which attacks are counted; others are counted together, under [`OTHERS`].
const NAMES: usize = 256;

/// What stands for all names beyond the first.
const OTHERS: &str = "others";

/// What a neuron did since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doings {
    /// Answers that it gave.
    pub answers: u64,
    /// Questions that it asked.
    pub questions: u64,
    /// Questions that it declined.
    pub declined: u64,
    /// Messages of it that others refused, where that is known: in a simulated network.
    pub refused: u64,
    /// How often its attack took place, by name.
    pub fired: BTreeMap<String, u64>,
    /// Why it stopped, if it did.
    pub halted: Option<String>,
    /// Why its behaviour cannot go on.
    pub fault: Option<String>,
}

impl Doings {
    /// Counts an attack that took place.
    pub fn fire(&mut self, name: String) {
        let room = self.fired.len() < NAMES || self.fired.contains_key(&name);
        let name = if room { name } else { OTHERS.to_owned() };
        *self.fired.entry(name).or_default() += 1;
    }

    /// All of this and of a later life.
    pub fn and(mut self, later: Self) -> Self {
        self.answers += later.answers;
        self.questions += later.questions;
        self.declined += later.declined;
        self.refused += later.refused;
        for (name, times) in later.fired {
            *self.fired.entry(name).or_default() += times;
        }
        self.halted = self.halted.or(later.halted);
        self.fault = self.fault.or(later.fault);
        self
    }

    /// Notes why its behaviour cannot go on; the first reason stays.
    pub fn fail(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
    }
}
