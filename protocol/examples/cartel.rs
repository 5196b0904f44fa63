//! What a cartel gains that votes for its own miners alone, and what rules against it cost honest minorities.
//!
//! `cartel [--quick]` prints three tables, all seeded: the published cartel by the reference's rules and ours; the best
//! answer of a cartel with 49 % of stake to noisy honest rows, by rule; and what the same rules leave to honest
//! validators who differ. Exit code 1 means that a published figure is not reproduced or that our goal is missed.
//! Source: spec section 16.2.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]
use std::process::ExitCode;

use protocol::yuma::{Setting, Share, Version};
use reference::reference;
use rule::Rule;
use scenario::{Party, pay};
use share::{fraction, row};
use subnet::Subnet;

#[path = "experiment/random.rs"]
mod random;
#[path = "experiment/reference.rs"]
mod reference;
#[path = "cartel/rule.rs"]
mod rule;
#[path = "cartel/scenario.rs"]
mod scenario;
#[path = "experiment/share.rs"]
mod share;
#[path = "experiment/subnet.rs"]
mod subnet;

/// What honest validators think of six miners; the last two are the cartel's. They get 7.9 % of the weight.
const HONEST: [f64; 6] = [65_535.0, 52_428.0, 39_321.0, 32_768.0, 9_830.0, 6_554.0];
/// How the cartel votes.
const SELFISH: [f64; 6] = [0.0, 0.0, 0.0, 0.0, 65_535.0, 41_836.0];
/// After so many epochs shares are read.
const EPOCHS: usize = 20;

/// The cartel's stake, and in percent the incentive of its miners, its dividends in Yuma 2 and in Yuma 3
/// (vectors `chain-cartel-*`; those of 49 % from spec section 16.2).
const PUBLISHED: [(u64, [f64; 3]); 5] = [
    (30, [10.97, 3.29, 3.15]),
    (40, [12.56, 5.03, 5.51]),
    (49, [14.5, 7.1, 8.9]),
    (51, [100.0, 92.92, 92.96]),
    (60, [100.0, 94.98, 95.0]),
];

/// The most incentive that a cartel's miners may have with 49 % of stake, in percent.
const GOAL: f64 = 9.0;

/// Rules by name, ours second.
const RULES: [(&str, Rule); 10] = [
    ("rank (reference)", Rule::Rank),
    ("consensus (ours)", Rule::Consensus),
    ("rows half lifted", Rule::Lifted),
    ("mean of three medians", Rule::Trimmed),
    ("say times trust", Rule::Trusted(1)),
    ("say times trust squared", Rule::Trusted(2)),
    ("larger faction only", Rule::Factions(1.0)),
    ("rows averaged, 0.3", Rule::Averaged(0.3)),
    ("rows averaged, 0.1", Rule::Averaged(0.1)),
    ("averaged, larger faction", Rule::Factions(0.1)),
];

/// How many of them `--quick` tries.
const QUICK: usize = 2;

/// What part of their weight the honest give to the cartel's miners.
const FAIR: f64 = 0.079;

/// What most parties have in common.
const EVERYBODY: Party = Party { validators: 32, stake: 1.0, to_apart: FAIR, noise: 0.0, taste: 1.0 };

/// How far the rows of honest validators spread.
const NOISES: [f64; 4] = [0.0, 0.1, 0.2, 0.4];

const PUBLISHED_HEAD: &str = "\
A cartel votes for its two miners alone, to which the honest give 7.9 %. Incentive of its miners and its dividends
after 20 epochs in %; in brackets what was published, or our goal.
stake   Yuma 2 incentive      dividends   Yuma 3 incentive      dividends     ours incentive  dividends";

const ANSWERS_HEAD: &str = "
A cartel with 49 % of stake against 32 honest validators with noisy rows. Incentive of its miners in % if it votes
for them alone, and at most, with the weight for it; 7.9 % is fair. Last, a cartel with 35 % among two honest camps of
32.5 %, of which one thinks thrice as much of a quarter of the miners.
honest noise                            0.0                0.1                0.2                0.4         camps, 0.1";

const MINORITIES_HEAD: &str = "
Honest validators who differ: dividends per stake in % of the majority's, all rows with noise 0.1. A minority gives a
quarter of the miners twice the weight; a noisy validator has noise 0.3, a small one a tenth of the stake. Last, the
incentive of miners whose work only 45 % of stake can judge, in % of what all would give them.
                        minority 20 %     30 %     40 %    noisy    small   seen by 45 %";

fn main() -> ExitCode {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let rules = if quick { &RULES[..QUICK] } else { &RULES };
    let missed = published() + answers(rules);
    minorities(rules);
    println!("{missed} of these figures are not what they must be");
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The published cartel; returns how many figures are not what they must be.
fn published() -> usize {
    println!("{PUBLISHED_HEAD}");
    let mut missed = 0;
    for (stake, [incentive, dividends2, dividends3]) in PUBLISHED {
        let yuma2 = shares(stake, &reference(Version::Two, 10));
        let yuma3 = shares(stake, &reference(Version::Three, 40));
        let ours = shares(stake, &Setting::default());
        let cells =
            [(yuma2.0, incentive), (yuma2.1, dividends2), (yuma3.0, incentive), (yuma3.1, dividends3)];
        let text: String = cells.iter().map(|(got, must)| format!("  {got:>7.1} ({must:>5.1})")).collect();
        let goal = if stake == 49 { format!("(≤{GOAL:>4.1})") } else { String::new() };
        println!("{stake:>3} %  {text}     {:>6.1} {goal:<7}    {:>6.1}", ours.0, ours.1);
        missed += cells.iter().filter(|(got, must)| (got - must).abs() > 0.05 + 1e-9).count();
        missed += usize::from(stake == 49 && ours.0 > GOAL);
    }
    missed
}

/// The cartel's miners' incentive and its dividends, in percent.
fn shares(stake: u64, setting: &Setting) -> (f64, f64) {
    let honest = (100 - stake) * 100 / 4;
    let stakes = [honest, honest, honest, honest, stake * 50, stake * 50];
    let mut subnet = Subnet::new(&stakes, HONEST.len(), setting);
    let rows = || {
        [[HONEST; 4].as_slice(), &[SELFISH; 2]].concat().into_iter().map(|w| row(stakes.len(), w)).collect()
    };
    let outcome = (0..EPOCHS).map(|_| subnet.count(rows())).last().expect("there are epochs");
    let percent = |shares: &[Share]| 100.0 * shares.iter().copied().map(fraction).sum::<f64>();
    (percent(&outcome.incentive[10..]), percent(&outcome.dividends[4..6]))
}

/// What a cartel can do at best; returns how many figures are not what they must be.
fn answers(rules: &[(&str, Rule)]) -> usize {
    println!("{ANSWERS_HEAD}");
    let mut missed = 0;
    for &(name, rule) in rules {
        let minority = Party { validators: 32, stake: 0.49, ..EVERYBODY };
        let honest = |noise| Party { validators: 32, stake: 0.51, noise, ..EVERYBODY };
        let mut cells = NOISES.map(|noise| answer(rule, &[honest(noise)], minority)).to_vec();
        missed += usize::from(rule == Rule::Consensus && cells[0].1.0 > GOAL);
        let camp = |taste| Party { validators: 20, stake: 0.325, taste, noise: 0.1, ..EVERYBODY };
        let third = Party { validators: 24, stake: 0.35, ..EVERYBODY };
        cells.push(answer(rule, &[camp(1.0), camp(3.0)], third));
        let text = cells.iter().map(|(all, (best, weight))| format!("{all:>7.1} {best:>5.1} ({weight:.2})"));
        println!("{name:24}{}", text.collect::<String>());
    }
    missed
}

/// The incentive of the cartel's miners in percent with all of its weight, and the most with the weight for it.
fn answer(rule: Rule, honest: &[Party], cartel: Party) -> (f64, (f64, f64)) {
    let incentive = |parties: &[Party]| 100.0 * pay(rule, &[honest, parties].concat()).0;
    let all = incentive(&[Party { to_apart: 1.0, ..cartel }]);
    let weights = (0..=20).map(|step| FAIR + (1.0 - FAIR) * f64::from(step * step) / 400.0);
    let tried = weights.flat_map(|to_apart| {
        let clones = Party { to_apart, ..cartel };
        [(incentive(&[clones]), to_apart), (incentive(&spread(clones)), to_apart)]
    });
    (all, tried.max_by(|a, b| a.0.total_cmp(&b.0)).expect("weights are tried"))
}

/// A cartel in four parts, which go a quarter, half, three quarters and all of the way from the fair weight.
fn spread(cartel: Party) -> [Party; 4] {
    [1.0, 2.0, 3.0, 4.0].map(|quarters| Party {
        validators: cartel.validators / 4,
        stake: cartel.stake / 4.0,
        to_apart: FAIR + (cartel.to_apart - FAIR) * quarters / 4.0,
        ..cartel
    })
}

/// What rules leave to the honest who differ.
fn minorities(rules: &[(&str, Rule)]) {
    println!("{MINORITIES_HEAD}");
    for &(name, rule) in rules {
        let tastes = [0.2, 0.3, 0.4].map(|stake| per_stake(rule, stake, 24, 0.4, 0.1));
        let noisy = per_stake(rule, 1.0 / 32.0, 1, 0.25, 0.3);
        let small = per_stake(rule, 0.1 / 31.1, 1, 0.25, 0.1);
        let cells = [tastes.as_slice(), &[noisy, small]].concat();
        let text: String = cells.iter().map(|cell| format!("{cell:>9.1}")).collect();
        println!("{name:24}    {text}  {:>13.1}", seen(rule));
    }
}

/// Dividends per stake of those apart, in percent of the others'.
fn per_stake(rule: Rule, stake: f64, validators: usize, to_apart: f64, noise: f64) -> f64 {
    let others = Party { validators: 31, stake: 1.0 - stake, to_apart: 0.25, noise: 0.1, ..EVERYBODY };
    let apart = Party { validators, stake, to_apart, noise, ..EVERYBODY };
    let (_, dividends) = pay(rule, &[others, apart]);
    100.0 * (dividends[1] / stake) / (dividends[0] / (1.0 - stake))
}

/// Incentive of a quarter of the miners, whose work only 45 % of stake can judge, in percent of a quarter.
fn seen(rule: Rule) -> f64 {
    let blind = Party { stake: 0.55, to_apart: 0.0, noise: 0.1, ..EVERYBODY };
    let sees = Party { stake: 0.45, to_apart: 0.25, noise: 0.1, ..EVERYBODY };
    100.0 * pay(rule, &[blind, sees]).0 / 0.25
}
