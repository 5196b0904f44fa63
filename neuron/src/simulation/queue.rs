//! What is still to happen in a simulated network, in its order.
use std::collections::{BTreeMap, VecDeque};

use super::Event;

/// What is still to happen to whom: the earliest first, and of one moment what was put in first.
#[derive(Default)]
pub(super) struct Queue(BTreeMap<u64, VecDeque<(usize, Event)>>);

impl Queue {
    pub(super) fn push(&mut self, time: u64, node: usize, event: Event) {
        self.0.entry(time).or_default().push_back((node, event));
    }

    /// When the next thing happens.
    pub(super) fn next(&self) -> Option<u64> {
        self.0.keys().next().copied()
    }

    /// Takes the next thing: when, to whom, what.
    pub(super) fn pop(&mut self) -> Option<(u64, usize, Event)> {
        let mut moment = self.0.first_entry()?;
        let (time, next) = (*moment.key(), moment.get_mut().pop_front());
        if moment.get().is_empty() {
            moment.remove();
        }
        next.map(|(node, event)| (time, node, event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_happens_first_and_of_one_moment_what_came_first() {
        let mut queue = Queue::default();
        for (time, node) in [(7, 0), (3, 1), (7, 2), (3, 3)] {
            queue.push(time, node, Event::Order);
        }
        assert_eq!(queue.next(), Some(3));
        let mut order = vec![queue.pop().map(|(time, node, _)| (time, node))];
        queue.push(3, 4, Event::Order);
        order.extend((0..5).map(|_| queue.pop().map(|(time, node, _)| (time, node))));
        assert_eq!(order, [Some((3, 1)), Some((3, 3)), Some((3, 4)), Some((7, 0)), Some((7, 2)), None]);
    }
}
