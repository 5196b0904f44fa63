//! Validators and miners killed at random moments: the others go on, and whoever comes back has lost nothing and
//! voted once.
//!
//! Twenty kills take three minutes and are run by hand: `cargo test -p neuron --test swarm -- --ignored --nocapture crashes`
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

/// How many processes are killed, and in how much time.
const KILLS: u32 = 20;
const SPAN: Duration = Duration::from_secs(180);

/// How long no settlement may come: a proposer that dies costs a round or two.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long more than a third of the stake is silent: longer than a round.
const SILENCE: Duration = Duration::from_secs(8);

/// Decides who is killed, and when.
const SEED: u64 = 20;

/// What was seen of a swarm under fire.
#[derive(Debug)]
struct Record {
    began: Instant,
    /// The highest height each neuron ever said it had settled.
    acknowledged: BTreeMap<String, u64>,
    killed: BTreeMap<String, u32>,
    highest: u64,
    grown: Instant,
    longest_pause: Duration,
}

impl Record {
    fn new() -> Self {
        let (began, longest_pause) = (Instant::now(), Duration::ZERO);
        let (acknowledged, killed) = (BTreeMap::new(), BTreeMap::new());
        Self { began, acknowledged, killed, highest: 0, grown: began, longest_pause }
    }

    /// Looks once; nobody may have fallen back, and something must have been settled lately.
    async fn look(&mut self, swarm: &mut Swarm) {
        let look = swarm.look().await;
        self.note(swarm, &look);
        swarm.news().iter().for_each(|line| eprintln!("        {line}"));
        assert!(swarm.fault(&look).is_none(), "{:?}", swarm.fault(&look));
        assert!(self.grown.elapsed() < PATIENCE, "nothing settled for {PATIENCE:?}: {self:#?}");
    }

    fn note(&mut self, swarm: &Swarm, look: &Look) {
        for (member, status) in swarm.members().iter().zip(&look.statuses) {
            let Some(status) = status else { continue };
            let before = self.acknowledged.entry(member.name().to_owned()).or_default();
            assert!(status.height >= *before, "{} fell from {before} to {}", member.name(), status.height);
            *before = status.height;
        }
        self.longest_pause = self.longest_pause.max(self.grown.elapsed());
        if look.height() > self.highest {
            (self.highest, self.grown) = (look.height(), Instant::now());
        }
    }

    async fn kill(&mut self, swarm: &Swarm, victim: usize) {
        let member = &swarm.members()[victim];
        let status = member.status().await.unwrap_or_else(|| panic!("{} does not answer", member.name()));
        signal("-9", status.pid);
        eprintln!(
            "{:5.1} s killed {} at height {}",
            self.began.elapsed().as_secs_f64(),
            member.name(),
            status.height
        );
        *self.killed.entry(member.name().to_owned()).or_default() += 1;
    }

    /// All are up, agree at every height, and nobody was seen to vote twice.
    async fn check(&mut self, swarm: &mut Swarm) {
        let next = swarm.look().await.height() + 3;
        let look = swarm.wait_for_height(next).await.expect("all catch up");
        self.note(swarm, &look);
        let report = swarm.report().await.expect("somebody answers");
        eprintln!("{self:#?}");
        eprintln!("height {}, roots agree: {}", report.height, report.roots_agree);
        eprintln!("accusations: {}, issued {} of {}", report.accusations, report.issued, report.scheduled);
        assert!(report.roots_agree && report.accusations == 0);
        assert_eq!(report.issued, report.scheduled);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes three minutes"]
async fn twenty_kills_in_three_minutes_stop_nothing_and_nobody_votes_twice() {
    let dir = TempDir::new().unwrap();
    let mut swarm = Swarm::start(plan(dir.path())).await.unwrap();
    swarm.wait_for_emission().await.unwrap();
    let (mut rng, mut record) = (StdRng::seed_from_u64(SEED), Record::new());
    for kill in 0..KILLS {
        let due = SPAN * kill / KILLS + Duration::from_millis(rng.random_range(0..4_000));
        while record.began.elapsed() < due {
            record.look(&mut swarm).await;
        }
        let victim = rng.random_range(0..swarm.members().len());
        record.kill(&swarm, victim).await;
    }
    while record.began.elapsed() < SPAN {
        record.look(&mut swarm).await;
    }
    record.check(&mut swarm).await;
    swarm.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_third_of_the_stake_silent_nothing_settles_and_then_it_goes_on() {
    let dir = TempDir::new().unwrap();
    let mut swarm = Swarm::start(Plan { miners: 1, ..plan(dir.path()) }).await.unwrap();
    swarm.wait_for_height(3).await.unwrap();
    let mut record = Record::new();
    for victims in [[0, 1], [2, 3]] {
        let mut stopped = Vec::new();
        for victim in victims {
            let pid = swarm.members()[victim].status().await.unwrap().pid;
            signal("-STOP", pid);
            stopped.push(pid);
        }
        let silent = Instant::now();
        let before = swarm.look().await.height();
        while silent.elapsed() < SILENCE {
            assert!(swarm.look().await.height() <= before + 1, "settled without two thirds of the stake");
        }
        stopped.into_iter().for_each(|pid| signal("-9", pid));
        record.grown = Instant::now();
        let resumed = Instant::now();
        while swarm.look().await.lowest() < before + 3 {
            record.look(&mut swarm).await;
        }
        eprintln!("resumed after {:.1} s", resumed.elapsed().as_secs_f64());
    }
    record.check(&mut swarm).await;
    swarm.stop().await;
}

fn plan(dir: &Path) -> Plan {
    // A copy, since a build may replace the program before the last process is started from it.
    let copy = dir.join("neuron");
    fs::copy(program(), &copy).expect("the program was built with this test");
    let task = if cfg!(feature = "torch") { "digits" } else { "sums" };
    Plan { housing: Housing::Processes(copy), task: task.to_owned(), ..Plan::new(&dir.join("swarm")) }
}
