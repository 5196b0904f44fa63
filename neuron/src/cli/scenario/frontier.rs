//! `neuron scenario frontier`: where a verdict flips while one number of a scenario varies.
use std::collections::BTreeMap;
use std::fs;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread;

use color_eyre::eyre::{Result, WrapErr, eyre};
use serde::Serialize;

use super::run::{Unmet, find, folder};
use crate::behaviour::Make;
use crate::cli::out::{self, Out};
use crate::cli::simulate::Seeds;
use crate::cli::table::table;
use crate::scenario::simulated;
use crate::scenario::{Conclusion, Scenario, Vary, VaryRange, frontier};
use crate::simulation::share;

/// The most seeds: each number is tried with all of them.
const MAX_SEEDS: usize = 1_000;

/// Into how many parts of the whole range a flip is found out unless --tolerance says otherwise.
const PARTS: f64 = 64.0;

/// The most digits to which numbers are tried: more than this a float does not tell apart.
const DIGITS: f64 = 12.0;

/// Find where the verdict on a scenario flips while one of its numbers varies
///
/// Tries numbers evenly over the range first, then halves each stretch within which the verdict flips. With several
/// --seeds a number passes if it does with each of them, and the metric is their mean. Exits with 0 if the verdict
/// flips, with 1 if it does not, with 2 if it is unknown somewhere.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  neuron scenario frontier majority_cabal --vary stake=0.3..0.6 \
    --metric \"incentive{group='friend'}\"\n  \
    neuron scenario frontier mine.toml --vary loss=0..0.5 --metric stall_worst --seeds 0..5 --svg loss.svg")]
pub(super) struct Args {
    /// A scenario file, or the name of one that comes with the program
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What varies, and from where to where: count, stake (a share of all, if below 1, or coins), balance or skill of a
    /// group; latency, jitter, loss, duplicate or bandwidth of links; with.KEY; a parameter such as subnet.tempo
    #[arg(long, value_name = "NAME=A..B")]
    vary: VaryRange,
    /// Whose number it is [default: the only group that attacks and has it]
    #[arg(long, value_name = "GROUP")]
    of: Option<String>,
    /// What is shown beside each verdict, as expectations write numbers
    #[arg(long, value_name = "EXPR")]
    metric: String,
    /// Into how many stretches the range is cut first
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    steps: u32,
    /// How near to a flip is near enough [default: a 64th of the range]
    #[arg(long, value_name = "D")]
    tolerance: Option<f64>,
    /// Decide everything random, the last excluded [default: the one of the file]
    #[arg(long, value_name = "A..B")]
    seeds: Option<Seeds>,
    /// Write a plot of it to this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// What came of a number.
#[derive(Clone, Debug, Serialize)]
struct Point {
    value: f64,
    /// The mean of all seeds that know it.
    metric: Option<f64>,
    verdict: Conclusion,
    /// What did not come true with some seed, in the order of the file.
    unmet: Vec<String>,
}

/// Where the verdict flips.
#[derive(Clone, Debug, Serialize)]
struct Flip {
    /// The last number before, and what came of it.
    below: f64,
    from: Conclusion,
    /// The first number after.
    above: f64,
    to: Conclusion,
    /// What holds on one side only.
    expectations: Vec<String>,
}

/// All that was found.
#[derive(Serialize)]
struct Document<'a> {
    scenario: &'a str,
    vary: String,
    unit: &'a str,
    metric: &'a str,
    seeds: &'a [u64],
    points: Vec<&'a Point>,
    flips: &'a [Flip],
}

/// A search under way.
struct Search {
    vary: Vary,
    metric: String,
    seeds: Vec<u64>,
    makes: BTreeMap<usize, Make>,
    /// To how many digits numbers are tried.
    digits: usize,
    /// What was tried, in rising order.
    points: Vec<Point>,
}

pub(super) fn perform(args: &Args) -> Result<()> {
    let (range, tolerance) = (&args.vary, tolerance(args)?);
    let mut search = Search::new(args, tolerance)?;
    let step = (range.to - range.from) / f64::from(args.steps);
    let even = (0..=args.steps).map(|place| range.from + step * f64::from(place));
    search.explore(even.collect())?;
    while let Some(halves) = search.halves(tolerance) {
        search.explore(halves)?;
    }
    let flips = search.flips();
    if let Some(path) = &args.svg {
        fs::write(path, search.plot(&flips)).wrap_err_with(|| format!("cannot write {}", path.display()))?;
    }
    match args.json {
        true => out::document(&search.document(args, &flips))?,
        false => Out::People.say(&search.told(&flips))?,
    }
    if flips.len() > 1 && search.seeds.len() == 1 {
        out::point_out("it flips more than once: with one seed that may be chance; try --seeds 0..5");
    }
    let unknown = search.points.iter().any(|point| point.verdict == Conclusion::Unknown);
    match (unknown, flips.is_empty()) {
        (true, _) => Err(Unmet::new(Conclusion::Unknown).into()),
        (false, true) => Err(eyre!("no flip between {} and {}; widen the range", range.from, range.to)),
        (false, false) => Ok(()),
    }
}

fn tolerance(args: &Args) -> Result<f64> {
    let usual = (args.vary.to - args.vary.from) / PARTS;
    match args.tolerance {
        Some(given) if given > 0.0 && given.is_finite() => Ok(given),
        Some(given) => Err(eyre!("--tolerance {given}: write a number greater than 0")),
        None => Ok(usual),
    }
}

impl Search {
    fn new(args: &Args, tolerance: f64) -> Result<Self> {
        let (file, text) = find(&args.file)?;
        let mut scenario = Scenario::read(&file.to_string_lossy(), &text)?;
        scenario.measure(&args.metric)?;
        let vary = Vary::new(&scenario, args.vary.clone(), args.of.as_deref())?;
        let own = vec![scenario.seed];
        let seeds = args.seeds.as_ref().map_or(own, |seeds| seeds.0.clone().take(MAX_SEEDS + 1).collect());
        if seeds.len() > MAX_SEEDS {
            return Err(eyre!("--seeds: {MAX_SEEDS} at most"));
        }
        let makes = simulated::makes(&scenario, folder(&file))?;
        let digits =
            if vary.is_whole() { 0 } else { (1.0 - tolerance.log10().floor()).clamp(0.0, DIGITS) as usize };
        Ok(Self { vary, metric: args.metric.clone(), seeds, makes, digits, points: Vec::new() })
    }

    /// Tries numbers, each with every seed, on as many threads as there are cores.
    fn explore(&mut self, numbers: Vec<f64>) -> Result<()> {
        let mut numbers: Vec<_> = numbers.into_iter().map(|it| self.rounded(it)).collect();
        numbers.dedup();
        let scenarios = numbers.iter().map(|it| self.scenario(*it)).collect::<Result<Vec<_>>>()?;
        let runs = Mutex::new(BTreeMap::new());
        let many = (scenarios.len() * self.seeds.len()) as u64;
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        share(0..many, threads, |number| {
            let (point, seed) = (number as usize / self.seeds.len(), number as usize % self.seeds.len());
            let run = simulated::run_silently(&scenarios[point], self.seeds[seed], self.makes.clone());
            runs.lock().unwrap_or_else(PoisonError::into_inner).insert((point, seed), run);
            ControlFlow::Continue(())
        });
        let mut runs = runs.into_inner().unwrap_or_else(PoisonError::into_inner).into_values();
        for (value, scenario) in numbers.into_iter().zip(&scenarios) {
            let with_each_seed = runs.by_ref().take(self.seeds.len()).collect::<Result<Vec<_>, _>>()?;
            self.points.push(Point::of(value, scenario, &with_each_seed));
        }
        self.points.sort_by(|one, other| one.value.total_cmp(&other.value));
        Ok(())
    }

    fn scenario(&self, number: f64) -> Result<Scenario> {
        let mut scenario = self.vary.at(number)?;
        scenario.measure(&self.metric)?;
        Ok(scenario)
    }

    /// The middles of all stretches that are still too wide and within which the verdict flips.
    fn halves(&self, tolerance: f64) -> Option<Vec<f64>> {
        let least = if self.vary.is_whole() { tolerance.max(1.0) } else { tolerance };
        let flips = self.flips();
        let wide = flips.iter().filter(|flip| flip.above - flip.below > least * (1.0 + 1e-9));
        let halves = wide.map(|flip| self.rounded((flip.below + flip.above) / 2.0));
        let halves: Vec<_> = halves.filter(|half| self.points.iter().all(|it| it.value != *half)).collect();
        (!halves.is_empty()).then_some(halves)
    }

    /// Neighbours of which one passes and the other fails.
    fn flips(&self) -> Vec<Flip> {
        let known: Vec<_> = self.points.iter().filter(|it| it.verdict != Conclusion::Unknown).collect();
        let pairs = known.windows(2).filter(|pair| pair[0].verdict != pair[1].verdict);
        pairs.map(|pair| Flip::between(pair[0], pair[1])).collect()
    }

    fn rounded(&self, number: f64) -> f64 {
        let scale = 10.0_f64.powi(self.digits as i32);
        (number * scale).round() / scale
    }

    fn number(&self, value: f64) -> String {
        format!("{value:.0$}{1}", self.digits, self.vary.unit())
    }

    fn told(&self, flips: &[Flip]) -> String {
        let name = self.vary.name();
        let columns = [(&*name, true), (&*self.metric, true), ("verdict", false)];
        let rows = self.points.iter().map(|point| {
            let metric = point.metric.map_or_else(|| "unknown".to_owned(), |metric| format!("{metric:.4}"));
            vec![self.number(point.value), metric, point.verdict.name().to_owned()]
        });
        let mut told = table(&columns, rows).trim_fmt();
        for flip in flips {
            let (below, above) = (self.number(flip.below), self.number(flip.above));
            let (from, to, what) = (flip.from.name(), flip.to.name(), flip.expectations.join("; "));
            told += &format!("\n{from} up to {below}, {to} from {above} on: {what}");
        }
        told
    }

    fn document<'a>(&'a self, args: &'a Args, flips: &'a [Flip]) -> Document<'a> {
        Document {
            scenario: args.file.to_str().unwrap_or_default(),
            vary: self.vary.name(),
            unit: self.vary.unit(),
            metric: &self.metric,
            seeds: &self.seeds,
            points: self.points.iter().collect(),
            flips,
        }
    }

    fn plot(&self, flips: &[Flip]) -> String {
        let points = self.points.iter().filter_map(|it| Some((it.value, it.metric?, it.verdict)));
        let flips: Vec<_> = flips.iter().map(|flip| (flip.below, flip.above)).collect();
        frontier(&self.vary.name(), &self.metric, &points.collect::<Vec<_>>(), &flips)
    }
}

impl Point {
    fn of(value: f64, scenario: &Scenario, runs: &[simulated::Run]) -> Self {
        let known: Vec<_> = runs.iter().filter_map(|run| run.measured).collect();
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        let unmet =
            |place: &usize| runs.iter().any(|run| run.verdicts[*place].conclusion() != Conclusion::Pass);
        let unmet = (0..scenario.expectations.len()).filter(unmet);
        let verdict = runs.iter().map(|run| Conclusion::of(&run.verdicts)).max();
        Self {
            value,
            metric: (!known.is_empty()).then_some(mean),
            verdict: verdict.unwrap_or(Conclusion::Pass),
            unmet: unmet.map(|place| scenario.expectations[place].to_string()).collect(),
        }
    }
}

impl Flip {
    fn between(below: &Point, above: &Point) -> Self {
        let only = |one: &Point, other: &Point| {
            let of_one = one.unmet.iter().filter(|it| !other.unmet.contains(it));
            of_one.cloned().collect::<Vec<_>>()
        };
        Self {
            below: below.value,
            from: below.verdict,
            above: above.value,
            to: above.verdict,
            expectations: [only(below, above), only(above, below)].concat(),
        }
    }
}
