//! Validators and miners killed and stopped at random moments: the others go on, and whoever comes back has lost
//! nothing and voted once.
//!
//! These take minutes and are run by hand, one at a time; the continuous run has the shortest:
//!
//! ```text
//! cargo test -p neuron --test swarm -- --ignored --nocapture three_minutes
//! cargo test -p neuron --test swarm -- --ignored --nocapture a_hundred_kills
//! cargo test -p neuron --test swarm -- --ignored --nocapture ten_minutes
//! ```
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use neuron::swarm::{Housing, Look, Plan, Swarm};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tempfile::TempDir;

use super::faults::signal;
use crate::program;

/// How long no settlement may come: a proposer that dies costs a round or two, on a machine that does other work too.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long more than a third of the stake is silent: longer than a neuron waits before it says so.
const SILENCE: Duration = Duration::from_secs(12);

/// How long a process is stopped, in milliseconds: from less than a step to longer than the others wait for an answer.
const STOP_MS: std::ops::Range<u64> = 200..15_000;

/// How long a killed process is left alone: whoever starts it again gives up what dies young again and again.
const LIFE: Duration = Duration::from_secs(5);

/// Decides who is struck, when and how.
const SEED: u64 = 20;

/// What befalls a swarm.
struct Storm {
    blows: u32,
    /// How long it lasts, at least: no more falls at once than a third of the stake and the swarm can do without.
    span: Duration,
    /// The part of the blows that stop a process for a while (SIGSTOP) instead of killing it (SIGKILL).
    stops: f64,
}

/// A process that does not settle now.
struct Fallen {
    pid: u32,
    /// A stopped one goes on after `until`; a killed one is started again by whoever looks after it.
    is_stopped: bool,
    until: Instant,
}

/// A swarm under fire, and what was seen of it.
struct Trial {
    swarm: Swarm,
    rng: StdRng,
    began: Instant,
    fallen: BTreeMap<usize, Fallen>,
    /// How often somebody fell and was seen again: a killed one as another process.
    risen: u32,
    /// The highest height each neuron ever said it had settled.
    acknowledged: BTreeMap<usize, u64>,
    highest: u64,
    grown: Instant,
}

impl Trial {
    async fn new(plan: Plan) -> Self {
        let mut swarm = Swarm::start(plan).await.unwrap();
        swarm.wait_for_height(3).await.unwrap();
        let (rng, now) = (StdRng::seed_from_u64(SEED), Instant::now());
        let (fallen, acknowledged) = (BTreeMap::new(), BTreeMap::new());
        Self { swarm, rng, began: now, fallen, risen: 0, acknowledged, highest: 0, grown: now }
    }

    async fn endure(&mut self, storm: &Storm) {
        for blow in 0..storm.blows {
            let part = (f64::from(blow) + self.rng.random::<f64>()) / f64::from(storm.blows);
            while self.began.elapsed() < storm.span.mul_f64(part) {
                self.look().await;
            }
            let is_stop = self.rng.random_bool(storm.stops);
            let pause = is_stop.then(|| Duration::from_millis(self.rng.random_range(STOP_MS)));
            let mut victim = self.victim().await;
            while !self.strike(victim, pause).await {
                // Somebody must settle on meanwhile, or this ends.
                self.look().await;
                victim = self.victim().await;
            }
        }
        while !self.fallen.is_empty() || self.began.elapsed() < storm.span {
            self.look().await;
        }
        eprintln!("{} of {} blows landed and were survived", self.risen, storm.blows);
        assert_eq!(self.risen, storm.blows);
    }

    /// Somebody who may fall, as soon as there is one.
    async fn victim(&mut self) -> usize {
        loop {
            let victim = self.rng.random_range(0..self.swarm.members().len());
            if self.may_fall(victim) {
                return victim;
            }
            self.look().await;
        }
    }

    /// Whether the others have more than two thirds of the stake without it.
    fn may_fall(&self, victim: usize) -> bool {
        let stake = |member: usize| {
            let hotkey = self.swarm.members()[member].hotkey();
            let neurons = &self.swarm.genesis().neurons;
            neurons.iter().find(|neuron| neuron.hotkey == hotkey).map_or(0, |neuron| neuron.stake.0)
        };
        let all: u64 = (0..self.swarm.members().len()).map(stake).sum();
        let down: u64 = self.fallen.keys().copied().chain([victim]).map(stake).sum();
        !self.fallen.contains_key(&victim) && 3 * down < all
    }

    /// Kills somebody, or stops it for a while; false if it did not say in time which process it is, as on a busy machine.
    async fn strike(&mut self, victim: usize, pause: Option<Duration>) -> bool {
        let member = &self.swarm.members()[victim];
        let Some(status) = member.status().await else { return false };
        signal(if pause.is_some() { "-STOP" } else { "-KILL" }, status.pid);
        let what = pause.map_or_else(|| "killed".to_owned(), |pause| format!("stopped for {pause:.1?}"));
        let at = self.began.elapsed().as_secs_f64();
        eprintln!("{at:5.1} s {what}: {} at height {}", member.name(), status.height);
        let until = Instant::now() + pause.unwrap_or(LIFE);
        self.fallen.insert(victim, Fallen { pid: status.pid, is_stopped: pause.is_some(), until });
        true
    }

    /// Looks once; nobody may have fallen back, and something must have been settled lately.
    async fn look(&mut self) {
        let look = self.swarm.look().await;
        self.fallen.retain(|member, fallen| {
            let status = look.statuses[*member].as_ref();
            let is_new = status.is_some_and(|status| status.pid != fallen.pid);
            let is_over = Instant::now() >= fallen.until && (fallen.is_stopped || is_new);
            if is_over && fallen.is_stopped {
                signal("-CONT", fallen.pid);
            }
            self.risen += u32::from(is_over);
            !is_over
        });
        self.note(&look);
        self.swarm.news();
        assert!(self.swarm.fault(&look).is_none(), "{:?}", self.swarm.fault(&look));
        assert!(self.grown.elapsed() < PATIENCE, "nothing settled for {PATIENCE:?} after {}", self.highest);
    }

    fn note(&mut self, look: &Look) {
        for (member, status) in look.statuses.iter().enumerate() {
            let Some(status) = status else { continue };
            let before = self.acknowledged.entry(member).or_default();
            assert!(status.height >= *before, "neuron {member} fell from {before} to {}", status.height);
            *before = status.height;
        }
        if look.height() > self.highest {
            (self.highest, self.grown) = (look.height(), Instant::now());
        }
    }

    /// All are up, agree at every height, and nobody was seen to vote twice.
    async fn check(mut self) {
        let next = self.swarm.look().await.height() + 3;
        let look = self.swarm.wait_for_height(next).await.expect("all catch up");
        self.note(&look);
        let report = self.swarm.report().await.expect("somebody answers");
        let logs: Vec<_> = self.swarm.members().iter().map(|member| log_of(member.dir())).collect();
        let stall = logs.iter().flat_map(|log| pauses(log)).max().unwrap_or(0);
        eprintln!("{} heights in {:.0?}, longest stall {stall} ms", report.height, self.began.elapsed());
        eprintln!("roots agree: {}, issued {} of {}", report.roots_agree, report.issued, report.scheduled);
        assert!(report.roots_agree && report.accusations == 0);
        assert!(!logs.iter().any(|log| log.contains("signed two things")), "somebody was accused");
        assert_eq!(report.issued, report.scheduled);
        self.swarm.stop().await;
    }
}

fn log_of(dir: &Path) -> String {
    fs::read_to_string(dir.join(neuron::log::FILE)).expect("every neuron has a log")
}

/// Milliseconds from each settlement of a log to the one after.
fn pauses(log: &str) -> impl Iterator<Item = u64> {
    let words = log.split_whitespace();
    words.filter_map(|word| word.strip_prefix("after_ms=")?.parse().ok())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes three minutes"]
async fn three_minutes_of_kills_and_stops_harm_nobody() {
    let dir = TempDir::new().unwrap();
    let mut trial = Trial::new(plan(dir.path())).await;
    trial.swarm.wait_for_emission().await.unwrap();
    trial.endure(&Storm { blows: 30, span: Duration::from_secs(150), stops: 0.3 }).await;
    trial.check().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes some minutes"]
async fn a_hundred_kills_at_the_first_opportunity_lose_nothing() {
    let dir = TempDir::new().unwrap();
    let mut trial = Trial::new(seven(dir.path())).await;
    trial.endure(&Storm { blows: 100, span: Duration::from_secs(60), stops: 0.0 }).await;
    trial.check().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes ten minutes"]
async fn seven_validators_agree_after_ten_minutes_of_kills_and_stops() {
    let dir = TempDir::new().unwrap();
    let mut trial = Trial::new(seven(dir.path())).await;
    trial.endure(&Storm { blows: 150, span: Duration::from_secs(600), stops: 0.5 }).await;
    trial.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_third_of_the_stake_silent_nothing_settles_and_then_it_goes_on() {
    let dir = TempDir::new().unwrap();
    let mut trial = Trial::new(Plan { miners: 1, ..plan(dir.path()) }).await;
    for victims in [[0, 1], [2, 3]] {
        for victim in victims {
            let deadline = Instant::now() + PATIENCE;
            while !trial.strike(victim, Some(SILENCE)).await {
                assert!(Instant::now() < deadline, "neuron {victim} says nothing for {PATIENCE:?}");
            }
        }
        let silent = Instant::now();
        let before = trial.swarm.look().await.height();
        let mut stall = None;
        while silent.elapsed() < SILENCE {
            let look = trial.swarm.look().await;
            assert!(look.height() <= before + 1, "settled without two thirds of the stake");
            stall = look.consensus().cloned().filter(|consensus| consensus.stalled).or(stall);
        }
        let mut named = stall.expect("whoever waits is told why").waiting_for;
        let mut missing = victims.map(|victim| trial.swarm.members()[victim].hotkey()).to_vec();
        named.sort_unstable();
        missing.sort_unstable();
        assert_eq!(named, missing);
        for fallen in std::mem::take(&mut trial.fallen).into_values() {
            signal("-KILL", fallen.pid);
        }
        let resumed = Instant::now();
        trial.grown = resumed;
        while trial.swarm.look().await.lowest() < before + 3 {
            trial.look().await;
        }
        eprintln!("resumed after {:.1} s", resumed.elapsed().as_secs_f64());
    }
    trial.check().await;
}

fn plan(dir: &Path) -> Plan {
    // A copy, since a build may replace the program before the last process is started from it.
    let copy = dir.join("neuron");
    fs::copy(program(), &copy).expect("the program was built with this test");
    let task = if cfg!(feature = "torch") { "digits" } else { "sums" };
    Plan { housing: Housing::Processes(copy), task: task.to_owned(), ..Plan::new(&dir.join("swarm")) }
}

/// Seven validators, and as little work beside settling as there can be.
fn seven(dir: &Path) -> Plan {
    Plan { validators: 7, miners: 1, task: "sums".to_owned(), ..plan(dir) }
}
