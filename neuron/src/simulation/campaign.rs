//! Many histories, one for each seed, and what came of all of them.
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::{Outcome, Plan, Simulation, Violation};

/// Failures that are kept; of more, only their number tells anything.
const FAILURES_KEPT: usize = 16;

/// Histories that differ in their seeds alone.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Which seeds.
    pub seeds: Range<u64>,
    /// How many run at once.
    pub threads: usize,
}

/// What came of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Histories that ran.
    pub histories: u64,
    /// Those in which a validator runs twice.
    pub with_twins: u64,
    /// Those in which somebody mines.
    pub with_miners: u64,
    /// Settlements of all of them.
    pub settlements: u64,
    /// Events of all of them.
    pub events: u64,
    /// Times that an honest node heard a twin contradict itself.
    pub contradictions: u64,
    /// Times that a twin was caught.
    pub twins_accused: u64,
    /// Punishments of twins that were settled.
    pub twins_slashed: u64,
    /// Settlements of all of them that changed who settles, or with how much stake.
    pub set_changes: u64,
    /// Those after which somebody settles who did not, or the other way round.
    pub member_changes: u64,
    /// The latest round that decided a height.
    pub worst_round: u32,
    /// The longest that all nodes took to settle on in the calm, in virtual milliseconds.
    pub slowest_recovery_ms: u64,
    /// Histories that broke a rule.
    pub failed: u64,
    /// The first of them, by seed.
    pub failures: Vec<Failure>,
}

/// A history that broke a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// What it broke, at least one.
    pub violations: Vec<Violation>,
}

impl Campaign {
    /// Runs the history `plan` makes of each seed; `progress` hears after each what came of all so far, and says whether
    /// to go on.
    pub fn run(&self, plan: impl Fn(u64) -> Plan + Sync, progress: impl Fn(&Tally) -> bool + Sync) -> Tally {
        let tally = Mutex::new(Tally::default());
        share(self.seeds.clone(), self.threads, |seed| {
            let plan = plan(seed);
            let (twins, miners) = (plan.twins, plan.miners);
            let outcome = Simulation::new(plan).run();
            // A history that panics leaves the tally as it was.
            let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.with_twins += u64::from(twins > 0);
            tally.with_miners += u64::from(miners > 0);
            tally.add(seed, outcome);
            if progress(&tally) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        tally.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does the work of each number on so many threads, until one of them breaks off.
pub fn share(numbers: Range<u64>, threads: usize, work: impl Fn(u64) -> ControlFlow<()> + Sync) {
    // What one node has checked, the others need not: the signatures are real all the same.
    crypto::remember_signatures();
    let next = AtomicU64::new(numbers.start);
    let work = || {
        while let Some(number) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|it| numbers.contains(it))
        {
            if work(number).is_break() {
                next.store(numbers.end, Ordering::Relaxed);
            }
        }
    };
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
}

impl Tally {
    fn add(&mut self, seed: u64, outcome: Outcome) {
        self.histories += 1;
        self.settlements += outcome.settlements.len() as u64;
        self.events += outcome.events;
        self.contradictions += outcome.contradictions as u64;
        self.twins_accused += outcome.twins_accused as u64;
        self.twins_slashed += outcome.twins_slashed as u64;
        self.set_changes += outcome.set_changes as u64;
        self.member_changes += outcome.member_changes as u64;
        self.worst_round = self.worst_round.max(outcome.worst_round);
        self.slowest_recovery_ms = self.slowest_recovery_ms.max(outcome.recovery_ms);
        if !outcome.violations.is_empty() {
            self.failed += 1;
            let place = self.failures.partition_point(|failure| failure.seed < seed);
            self.failures.insert(place, Failure { seed, violations: outcome.violations });
            self.failures.truncate(FAILURES_KEPT);
        }
    }
}
