//! What a scenario lets happen, done to the simulated network.
use std::collections::BTreeSet;
use std::time::Duration;

use protocol::transaction::Action as Order;

use super::{Simulated, conduct, places};
use crate::behaviour::Make;
use crate::scenario::{Action, Change, Event, Link, Moment, NETUID, Selection};
use crate::simulation::{self, Cut};

/// A change to undo.
pub(super) enum Undo {
    /// Of links, by its number.
    Mend(u64),
    /// They go on.
    Resume(BTreeSet<usize>),
    /// They behave as their group does.
    Conduct(BTreeSet<usize>),
    /// Their clocks are as their group's.
    Clocks(BTreeSet<usize>),
}

/// A link as the simulation has it.
pub(super) fn link(link: &Link) -> simulation::Link {
    let ms = |time: Option<Duration>| time.map(|time| time.as_millis() as u64);
    simulation::Link {
        latency_ms: ms(link.latency),
        jitter_ms: ms(link.jitter),
        loss: link.loss.map(|chance| chance.0),
        duplicate: link.duplicate.map(|chance| chance.0),
        bandwidth: link.bandwidth.map(|bandwidth| bandwidth.0),
    }
}

impl Simulated<'_> {
    /// When the next event comes that has a time, or the next is undone, in virtual milliseconds.
    pub(super) fn next_due(&self) -> Option<u64> {
        let events = self.waiting.iter().filter_map(|place| match self.scenario.events[*place].at {
            crate::scenario::Point::Time(time) => Some(time.as_millis() as u64),
            _ => None,
        });
        events.chain(self.undo.iter().map(|(due, _)| *due)).min()
    }

    /// Lets happen what is due.
    pub(super) fn happen(&mut self) {
        let now = self.simulation.elapsed_ms();
        let (due, later) = std::mem::take(&mut self.undo).into_iter().partition(|(due, _)| *due <= now);
        self.undo = later;
        due.into_iter().for_each(|(_, undo): (u64, Undo)| self.undo(undo));
        let moment = self.moment();
        let scenario = self.scenario;
        let due = |place: &usize| scenario.events[*place].at.is_reached(moment, Moment::default());
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting).into_iter().partition(due);
        self.waiting = later;
        due.into_iter().for_each(|place| self.act(&scenario.events[place]));
    }

    fn act(&mut self, event: &Event) {
        let undo = match self.connect(&event.action) {
            Some(undo) => Some(undo),
            None => self.befall(&event.action),
        };
        if let (Some(lasts), Some(undo)) = (event.lasts, undo) {
            self.undo.push((self.simulation.elapsed_ms() + lasts.as_millis() as u64, undo));
        }
    }

    /// What happens to links, and how to mend them.
    fn connect(&mut self, action: &Action) -> Option<Undo> {
        let some = |selection: &Selection| places(&self.ids, selection);
        let number = self.next_change;
        match action {
            Action::Partition(sides) => {
                let cut = Cut::Sides(sides.iter().map(some).collect());
                self.simulation.cut(number, cut);
            }
            Action::Cut { from, to } => {
                let cut = Cut::OneWay(some(from), some(to));
                self.simulation.cut(number, cut);
            }
            Action::Link(it) => {
                let (from, to) = (some(&it.from), some(&it.to));
                self.simulation.link(number, from, to, link(it));
            }
            _ => return None,
        }
        self.next_change += 1;
        Some(Undo::Mend(number))
    }

    /// What happens to neurons, and how to undo it where that can be.
    fn befall(&mut self, action: &Action) -> Option<Undo> {
        let some = |selection: &Selection| places(&self.ids, selection);
        match action {
            Action::Kill(who) => some(who).into_iter().for_each(|node| self.simulation.kill(node)),
            Action::Wipe(who) => some(who).into_iter().for_each(|node| self.simulation.wipe(node)),
            Action::Join(who) => some(who).into_iter().for_each(|node| self.join(node)),
            Action::Poll(who) => some(who).into_iter().for_each(|node| self.simulation.poll(node)),
            Action::Restart(who) => {
                for node in some(who).into_iter().filter(|node| !self.gone.contains(node)) {
                    self.simulation.kill(node);
                    self.simulation.revive(node);
                }
            }
            Action::Leave(who) => {
                let who = some(who);
                who.iter().for_each(|node| self.simulation.kill(*node));
                self.gone.extend(who);
            }
            Action::Stake { of, by, change } => {
                let (of, by) = (some(of), by.as_ref().map(some));
                self.restake(&of, by, *change);
            }
            Action::Pause(who) => {
                let who = some(who);
                who.iter().for_each(|node| self.simulation.pause(*node));
                return Some(Undo::Resume(who));
            }
            Action::Behave(who, to) => {
                let (who, make) = (some(who), self.make_of(to));
                for node in &who {
                    self.simulation.turn(*node, conduct(to, make.as_ref(), &self.boards));
                }
                return Some(Undo::Conduct(who));
            }
            Action::Skew(who, skew) => {
                let who = some(who);
                who.iter().for_each(|node| self.simulation.skew(*node, skew.0));
                return Some(Undo::Clocks(who));
            }
            Action::Partition(_) | Action::Cut { .. } | Action::Link(_) => {}
        }
        None
    }

    fn undo(&mut self, undo: Undo) {
        match undo {
            Undo::Mend(number) => self.simulation.mend(number),
            Undo::Resume(who) => who.into_iter().for_each(|node| self.simulation.resume(node)),
            Undo::Conduct(who) => {
                for node in who {
                    let group = self.scenario.group(self.ids[node]);
                    let make = self.make_of(&group.conduct);
                    let before = conduct(&group.conduct, make.as_ref(), &self.boards);
                    self.simulation.turn(node, before);
                }
            }
            Undo::Clocks(who) => {
                for node in who {
                    let before = self.scenario.group(self.ids[node]).skew.0;
                    self.simulation.skew(node, before);
                }
            }
        }
    }

    /// What makes a conduct's behaviour.
    fn make_of(&self, conduct: &crate::scenario::Conduct) -> Option<Make> {
        let place = self.scenario.conducts().position(|known| std::ptr::eq(known, conduct))?;
        self.makes.get(&place).cloned()
    }

    /// Comes up, and is registered by its owner unless it has a slot.
    fn join(&mut self, node: usize) {
        let group = self.scenario.group(self.ids[node]);
        let hotkey = self.simulation.hotkey(node);
        self.simulation.revive(node);
        if self.simulation.ledger().slot(NETUID, &hotkey).is_some() {
            return;
        }
        let orders = [
            Some(Order::Register { netuid: NETUID, hotkey, limit: None }),
            (group.stake.0 > 0).then_some(Order::AddStake { hotkey, amount: group.stake }),
            group.settles.then_some(Order::Settle { hotkey, settles: true }),
        ];
        for (after, order) in orders.into_iter().flatten().enumerate() {
            self.simulation.order_by(node, after as u64, order);
        }
    }

    /// Each owner adds to, or takes from, the stake of all it is to change.
    fn restake(&mut self, of: &BTreeSet<usize>, by: Option<BTreeSet<usize>>, change: Change) {
        let order = |hotkey| match change {
            Change::Add(amount) => Order::AddStake { hotkey, amount },
            Change::Remove(amount) => Order::RemoveStake { hotkey, amount },
        };
        let hotkeys: Vec<_> = of.iter().map(|node| (*node, self.simulation.hotkey(*node))).collect();
        match by {
            None => hotkeys.into_iter().for_each(|(node, it)| self.simulation.order_by(node, 0, order(it))),
            Some(owners) => {
                for owner in owners {
                    for (after, (_, hotkey)) in hotkeys.iter().enumerate() {
                        self.simulation.order_by(owner, after as u64, order(*hotkey));
                    }
                }
            }
        }
    }
}
