//! What a scenario lets happen, done to the simulated network.
use std::collections::BTreeSet;
use std::time::Duration;

use protocol::transaction::Action as Order;

use super::Course;
use crate::scenario::world::World;
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
pub(in crate::scenario) fn link(link: &Link) -> simulation::Link {
    let ms = |time: Option<Duration>| time.map(|time| time.as_millis() as u64);
    simulation::Link {
        latency_ms: ms(link.latency),
        jitter_ms: ms(link.jitter),
        loss: link.loss.map(|chance| chance.0),
        duplicate: link.duplicate.map(|chance| chance.0),
        bandwidth: link.bandwidth.map(|bandwidth| bandwidth.0),
    }
}

impl<W: World> Course<'_, W> {
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
        let now = self.world.elapsed_ms();
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
            self.undo.push((self.world.elapsed_ms() + lasts.as_millis() as u64, undo));
        }
    }

    /// What happens to links, and how to mend them.
    fn connect(&mut self, action: &Action) -> Option<Undo> {
        let some = |selection: &Selection| self.places(selection);
        let number = self.next_change;
        match action {
            Action::Partition(sides) => {
                let cut = Cut::Sides(sides.iter().map(some).collect());
                self.world.cut(number, cut);
            }
            Action::Cut { from, to } => {
                let cut = Cut::OneWay(some(from), some(to));
                self.world.cut(number, cut);
            }
            Action::Link(it) => {
                let (from, to) = (some(&it.from), some(&it.to));
                self.world.link(number, from, to, link(it));
            }
            _ => return None,
        }
        self.next_change += 1;
        Some(Undo::Mend(number))
    }

    /// What happens to neurons, and how to undo it where that can be.
    fn befall(&mut self, action: &Action) -> Option<Undo> {
        let some = |selection: &Selection| self.places(selection);
        match action {
            Action::Kill(who) => some(who).into_iter().for_each(|node| self.world.kill(node)),
            Action::Wipe(who) => some(who).into_iter().for_each(|node| self.world.wipe(node)),
            Action::Join(who) => some(who).into_iter().for_each(|node| self.join(node)),
            Action::Poll(who) => some(who).into_iter().for_each(|node| self.world.poll(node)),
            Action::Restart(who) => {
                for node in some(who).into_iter().filter(|node| !self.gone.contains(node)) {
                    self.world.kill(node);
                    self.world.revive(node);
                }
            }
            Action::Leave(who) => {
                let who = some(who);
                who.iter().for_each(|node| self.world.kill(*node));
                self.gone.extend(who);
            }
            Action::Stake { of, by, change } => {
                let (of, by) = (some(of), by.as_ref().map(some));
                self.restake(&of, by, *change);
            }
            Action::Pause(who) => {
                let who = some(who);
                who.iter().for_each(|node| self.world.pause(*node));
                return Some(Undo::Resume(who));
            }
            Action::Behave(who, to) => {
                let who = some(who);
                who.iter().for_each(|node| self.world.turn(*node, to));
                return Some(Undo::Conduct(who));
            }
            Action::Skew(who, skew) => {
                let who = some(who);
                who.iter().for_each(|node| self.world.skew(*node, skew.0));
                return Some(Undo::Clocks(who));
            }
            Action::Partition(_) | Action::Cut { .. } | Action::Link(_) => {}
        }
        None
    }

    fn undo(&mut self, undo: Undo) {
        match undo {
            Undo::Mend(number) => self.world.mend(number),
            Undo::Resume(who) => who.into_iter().for_each(|node| self.world.resume(node)),
            Undo::Conduct(who) => {
                for node in who {
                    self.world.turn(node, &self.scenario.group(self.ids[node]).conduct);
                }
            }
            Undo::Clocks(who) => {
                for node in who {
                    let before = self.scenario.group(self.ids[node]).skew.0;
                    self.world.skew(node, before);
                }
            }
        }
    }

    /// Comes up, and is registered by its owner unless it has a slot.
    fn join(&mut self, node: usize) {
        let group = self.scenario.group(self.ids[node]);
        let hotkey = self.world.hotkey(node);
        self.world.revive(node);
        if self.world.record().ledger().slot(NETUID, &hotkey).is_some() {
            return;
        }
        let orders = [
            Some(Order::Register { netuid: NETUID, hotkey, limit: None }),
            (group.stake.0 > 0).then_some(Order::AddStake { hotkey, amount: group.stake }),
            group.settles.then_some(Order::Settle { hotkey, settles: true }),
        ];
        for (after, order) in orders.into_iter().flatten().enumerate() {
            self.world.order_by(node, after as u64, order);
        }
    }

    /// Each owner adds to, or takes from, the stake of all it is to change.
    fn restake(&mut self, of: &BTreeSet<usize>, by: Option<BTreeSet<usize>>, change: Change) {
        let order = |hotkey| match change {
            Change::Add(amount) => Order::AddStake { hotkey, amount },
            Change::Remove(amount) => Order::RemoveStake { hotkey, amount },
        };
        let hotkeys: Vec<_> = of.iter().map(|node| (*node, self.world.hotkey(*node))).collect();
        match by {
            None => hotkeys.into_iter().for_each(|(node, it)| self.world.order_by(node, 0, order(it))),
            Some(owners) => {
                for owner in owners {
                    for (after, (_, hotkey)) in hotkeys.iter().enumerate() {
                        self.world.order_by(owner, after as u64, order(*hotkey));
                    }
                }
            }
        }
    }
}
