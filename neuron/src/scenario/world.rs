//! Where a scenario takes place: a simulated network, or processes on this machine.
use std::collections::BTreeSet;

use crypto::Hotkey;
use protocol::transaction::{Action, Coldkey};

use super::Conduct;
use crate::behaviour::Doings;
use crate::simulation::{Cut, Link, Record};

/// What a scenario's neurons live in. They are named by their place among [`super::Scenario::neurons`].
pub(super) trait World {
    /// Since the beginning, in milliseconds of its own clock.
    fn elapsed_ms(&self) -> u64;

    /// Lets the next thing happen if it is due before `before` and not after `until`, or else lets time pass up to the
    /// earlier of both.
    fn go_on(&mut self, before: u64, until: u64);

    /// What was settled, and what broke.
    fn record(&self) -> &Record;

    /// What each neuron did.
    fn doings(&self) -> &[Doings];

    /// What a validator thinks of a miner, if anything.
    fn score(&self, node: usize, miner: &Hotkey) -> Option<f64>;

    /// How far a neuron has come, if it is up.
    fn height_of(&self, node: usize) -> Option<u64>;

    /// A neuron's hotkey.
    fn hotkey(&self, node: usize) -> Hotkey;

    /// Who owns a neuron.
    fn owner(&self, node: usize) -> Coldkey;

    /// Whether it knows which messages were refused.
    fn knows_refusals(&self) -> bool;

    /// Changes how messages travel from these to those.
    fn link(&mut self, number: u64, from: BTreeSet<usize>, to: BTreeSet<usize>, link: Link);

    /// Cuts links.
    fn cut(&mut self, number: u64, cut: Cut);

    /// Undoes a change of links.
    fn mend(&mut self, number: u64);

    /// Stops a neuron without warning.
    fn kill(&mut self, node: usize);

    /// Brings a neuron back, if it is down.
    fn revive(&mut self, node: usize);

    /// Takes all from a neuron's disk; it is down then.
    fn wipe(&mut self, node: usize);

    /// Has a neuron stand still.
    fn pause(&mut self, node: usize);

    /// Lets it go on.
    fn resume(&mut self, node: usize);

    /// Has a neuron behave so from now on.
    fn turn(&mut self, node: usize, conduct: &Conduct);

    /// Sets a neuron's clock, by how many milliseconds it runs ahead.
    fn skew(&mut self, node: usize, ms: i64);

    /// Has a validator ask every miner once more.
    fn poll(&mut self, node: usize);

    /// Has a neuron's owner order something, after so many orders of the same settlement.
    fn order_by(&mut self, node: usize, after: u64, action: Action);
}
