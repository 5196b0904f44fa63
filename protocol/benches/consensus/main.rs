//! What it takes to settle, beside Malachite's core alone: cargo bench -p protocol --bench consensus (a minute of CPU)
//!
//! Networks in one process, in which nothing is lost or late, settle a few times without inputs. Then one validator of
//! each goes through all that it heard once more, and only that is timed: CPU of one thread. What is compared:
//!
//! - ours: a neuron without disk and sockets. It decodes messages, checks the signature of each telling and of the vote
//!   in it, judges drafts by executing them, checks what is decided before it enters it, and hears it told again. It
//!   remembers signatures, as every neuron does, and so checks four of each validator.
//! - bare: the core alone, which votes on a hash. It decodes the same encoding and checks the signature of each vote, and
//!   those of the certificate again, since the core asks for that: almost three of each validator. It has no ledger,
//!   drafts, headers or tellings, and tells nobody what was decided. If it remembered signatures it would check two.
use std::{fs, thread};

use crypto::{Keypair, hash, remember_signatures};
use rayon::ThreadPoolBuilder;

mod bare;
mod network;
mod neuron;

use network::{Network, Taken, Transcript, Validator, replay};

/// How many settle.
const VALIDATORS: [u16; 5] = [4, 7, 16, 64, 128];

/// Validators times settlements of a network, so that each takes about a hundred milliseconds of one validator.
const WORK: u64 = 640;

/// The two take so many turns, since the same work takes longer while the machine is busy.
const TURNS: usize = 5;

/// What stands above the table.
const HEAD: &str = "
What one settlement without inputs takes, on the average. Every validator hears every other.
ours: a neuron without disk and sockets. bare: Malachite's core alone. ratio: ours to bare; the goal is 2 at most.
said by one: what it sends, counted once, however many hear it. hop: the way of a message to all others.

              CPU of one validator (ms)   CPU of all (ms)   said by one (bytes)   hops to decision
validators       ours     bare    ratio              ours        ours      bare       ours    bare";

/// Two networks with the same keys, and what happened in them.
struct Pair {
    keys: Vec<Keypair>,
    ours: (Transcript, Taken),
    bare: (Transcript, Taken),
}

fn main() {
    let one = ThreadPoolBuilder::new().num_threads(1).build().expect("the system grants a thread");
    one.install(|| {
        let pairs = VALIDATORS.map(Pair::settle);
        // Not before: one process is a whole network, whose neurons must not remember for each other.
        remember_signatures();
        print_table(&pairs);
    });
}

impl Pair {
    fn settle(validators: u16) -> Self {
        let keys: Vec<_> = (0..validators).map(key).collect();
        let settlements = WORK / u64::from(validators);
        let ours = Network::new(neuron::network(&keys)).settle(settlements);
        let bare = Network::new(bare::network(&keys)).settle(settlements);
        Self { keys, ours, bare }
    }

    /// The CPU milliseconds that one validator of each takes to settle once.
    fn measure(&self) -> (f64, f64) {
        let (mut neurons, mut cores) = (neuron::network(&self.keys), bare::network(&self.keys));
        let mut spent = (0, 0);
        for (ours, bare) in self.ours.0.parts(TURNS).zip(self.bare.0.parts(TURNS)) {
            spent.0 += time(|| replay(ours, &mut neurons[0]));
            spent.1 += time(|| replay(bare, &mut cores[0]));
        }
        let settled = (neurons[0].settled(), cores[0].settled());
        assert_eq!(settled, (self.ours.1.settlements, self.bare.1.settlements));
        let each = |nanoseconds: u64, taken: &Taken| nanoseconds as f64 / 1e6 / taken.settlements as f64;
        (each(spent.0, &self.ours.1), each(spent.1, &self.bare.1))
    }
}

fn key(n: u16) -> Keypair {
    Keypair::from_seed(hash("neuron v1 bench voter", &[&n.to_be_bytes()]).0)
}

/// The nanoseconds of CPU that it takes, whatever else the machine does meanwhile.
fn time(act: impl FnOnce()) -> u64 {
    let start = cpu_nanoseconds();
    act();
    cpu_nanoseconds() - start
}

/// What this thread has used.
fn cpu_nanoseconds() -> u64 {
    // The count is brought up to date when a thread makes room, else a few milliseconds later.
    thread::yield_now();
    let spent = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux counts");
    let spent = spent.split(' ').next().expect("it counts three things");
    spent.parse().expect("in nanoseconds")
}

#[expect(clippy::print_stdout, reason = "a bench shows what it found")]
fn print_table(pairs: &[Pair]) {
    println!("{HEAD}");
    for pair in pairs {
        let ((ours, bare), count) = (pair.measure(), pair.keys.len());
        println!(
            "{count:>10} {ours:>10.2} {bare:>8.2} {:>8.2} {:>17.1} {:>11.0} {:>9.0} {:>10} {:>7}",
            ours / bare,
            ours * count as f64,
            pair.ours.1.bytes_each(count),
            pair.bare.1.bytes_each(count),
            pair.ours.1.hops,
            pair.bare.1.hops,
        );
    }
}
