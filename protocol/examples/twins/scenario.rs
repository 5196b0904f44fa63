//! All scenarios, each once up to renaming.
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::world::{self, Cast};

/// The validators: more would not fit, fewer tolerate nobody.
pub(crate) const VALIDATORS: usize = 4;

/// The most rounds that are tried: a week of computing.
const MOST_ROUNDS: u32 = 5;

/// What happens in one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Turn {
    /// Which validator leads.
    pub(crate) leader: usize,
    /// The side of each neuron, a bit each; the first one's is 0.
    pub(crate) cut: u8,
}

/// What happens in the first rounds.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// Round by round.
    pub(crate) turns: Vec<Turn>,
}

/// All scenarios of so many rounds and twins.
pub(crate) struct Space {
    rounds: u32,
    twins: usize,
    /// Where every neuron and every validator goes when those that are alike change names.
    renamings: Vec<Renaming>,
}

/// New places for neurons, and for validators.
struct Renaming {
    neurons: Vec<usize>,
    validators: Vec<usize>,
}

impl Space {
    /// The space that a command line names.
    pub(crate) fn of(words: &[String]) -> Result<Self, String> {
        let (mut rounds, mut twins) = (4, 1);
        for pair in words.chunks(2) {
            let number = pair.get(1).and_then(|word| word.parse::<u32>().ok());
            match (pair[0].as_str(), number) {
                ("--rounds", Some(n @ 1..=MOST_ROUNDS)) => rounds = n,
                ("--twins", Some(n @ 0..=2)) => twins = n as usize,
                (word, _) => return Err(format!("{word}: use --rounds 1..{MOST_ROUNDS} or --twins 0..2")),
            }
        }
        Ok(Self { rounds, twins, renamings: renamings(twins) })
    }

    /// How many there are.
    pub(crate) fn scenarios(&self) -> u64 {
        self.choices().pow(self.rounds)
    }

    /// How many there are if neurons that are alike may change names.
    pub(crate) fn distinct(&self) -> u64 {
        (0..self.scenarios()).filter(|number| self.is_first(&self.scenario(*number))).count() as u64
    }

    /// Plays every distinct one, and returns those in which two decided differently.
    pub(crate) fn explore(&self) -> Vec<Scenario> {
        crypto::remember_signatures();
        let cast = Cast::new(self.twins, self.rounds);
        let (next, forks) = (AtomicU64::new(0), Mutex::new(BTreeMap::new()));
        let work = || {
            while let Some(number) =
                Some(next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < self.scenarios())
            {
                self.show_progress(number);
                let scenario = self.scenario(number);
                if self.is_first(&scenario) && world::forks(&cast, &scenario) {
                    forks.lock().unwrap_or_else(PoisonError::into_inner).insert(number, scenario);
                }
            }
        };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        forks.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
    }

    fn show_progress(&self, number: u64) {
        if number > 0 && number.is_multiple_of(self.scenarios().div_ceil(10)) {
            // Progress that nobody reads is no loss.
            drop(writeln!(io::stderr(), "{} % played", 100 * number / self.scenarios()));
        }
    }

    fn neurons(&self) -> usize {
        VALIDATORS + self.twins
    }

    /// Leaders times cuts of one round.
    fn choices(&self) -> u64 {
        (VALIDATORS as u64) << (self.neurons() - 1)
    }

    fn scenario(&self, mut number: u64) -> Scenario {
        let mut turn = || {
            let choice = number % self.choices();
            number /= self.choices();
            let (leader, cut) = (choice % VALIDATORS as u64, choice / VALIDATORS as u64);
            Turn { leader: leader as usize, cut: (cut << 1) as u8 }
        };
        Scenario { turns: (0..self.rounds).map(|_| turn()).collect() }
    }

    /// Whether no renaming of it comes before it.
    fn is_first(&self, scenario: &Scenario) -> bool {
        let comes_first = |renaming: &Renaming| {
            scenario.turns.iter().copied().le(scenario.turns.iter().map(|turn| turn.renamed(renaming)))
        };
        self.renamings.iter().all(comes_first)
    }
}

impl Turn {
    /// Whether two neurons are on one side.
    pub(crate) fn connects(self, a: usize, b: usize) -> bool {
        (self.cut >> a ^ self.cut >> b) & 1 == 0
    }

    fn renamed(self, renaming: &Renaming) -> Self {
        let bits = renaming.neurons.iter().enumerate();
        let cut = bits.fold(0, |cut, (old, new)| cut | (self.cut >> old & 1) << new);
        // Which side is called 0 says nothing.
        let cut = if cut & 1 == 0 { cut } else { !cut & ((1 << renaming.neurons.len()) - 1) };
        Self { leader: renaming.validators[self.leader], cut }
    }
}

/// The two neurons of a twin are alike, and so are all validators that run once.
fn renamings(twins: usize) -> Vec<Renaming> {
    let once: Vec<_> = permutations((twins..VALIDATORS).collect());
    let swaps = (0..1 << twins).map(|swapped: usize| {
        let twin = move |n: usize| 2 * (n / 2) + ((n % 2) ^ ((swapped >> (n / 2)) & 1));
        (0..2 * twins).map(twin).collect::<Vec<_>>()
    });
    let pair = |swap: Vec<usize>| once.iter().map(move |order| (swap.clone(), order.clone()));
    let renaming = |(swap, order): (Vec<usize>, Vec<usize>)| Renaming {
        neurons: swap.into_iter().chain(order.iter().map(|validator| validator + twins)).collect(),
        validators: (0..twins).chain(order).collect(),
    };
    swaps.flat_map(pair).map(renaming).collect()
}

fn permutations(items: Vec<usize>) -> Vec<Vec<usize>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let first = |i: usize| {
        let mut rest = items.clone();
        let item = rest.remove(i);
        permutations(rest).into_iter().map(move |rest| [vec![item], rest].concat()).collect::<Vec<_>>()
    };
    (0..items.len()).flat_map(first).collect()
}
