//! What it takes to settle, beside Malachite's core alone: cargo bench -p protocol --bench consensus
//!
//! Networks in one process, in which nothing is lost or late, settle a few times without inputs. Then one validator goes
//! through all that it heard once more, and only that is timed: CPU of one thread, without disk and sockets, and with
//! signatures remembered, as every neuron does.
use std::fs;

use crypto::{Keypair, hash, remember_signatures};
use rayon::ThreadPoolBuilder;

mod bare;
mod network;
mod neuron;

use network::{Network, Taken, Transcript, Validator};

/// How many settle.
const VALIDATORS: [u16; 5] = [4, 7, 16, 64, 128];

/// Validators times settlements of a network, so that each takes some hundred milliseconds of one validator.
const WORK: u64 = 1_600;

/// The fewest settlements of a network.
const FEWEST: u64 = 10;

/// What a network did, and the CPU milliseconds that one validator of it takes to settle once.
struct Measured {
    taken: Taken,
    spent: f64,
}

fn main() {
    let one = ThreadPoolBuilder::new().num_threads(1).build().expect("the system grants a thread");
    one.install(|| {
        let keys = VALIDATORS.map(|count| (0..count).map(key).collect::<Vec<_>>());
        let bare = keys.each_ref().map(|keys| {
            let (transcript, taken) = settle(bare::network(keys));
            measure(&transcript, taken, &mut bare::network(keys)[0])
        });
        let ours = keys.each_ref().map(|keys| settle(neuron::network(keys)));
        // Not before: one process is a whole network, whose neurons must not remember for each other.
        remember_signatures();
        let ours = ours
            .into_iter()
            .zip(&keys)
            .map(|((transcript, taken), keys)| measure(&transcript, taken, &mut neuron::network(keys)[0]));
        print_table(&ours.collect::<Vec<_>>(), &bare);
    });
}

fn key(n: u16) -> Keypair {
    Keypair::from_seed(hash("neuron v1 bench voter", &[&n.to_be_bytes()]).0)
}

fn settle<V: Validator>(validators: Vec<V>) -> (Transcript, Taken) {
    let settlements = FEWEST.max(WORK / validators.len() as u64);
    Network::new(validators).settle(settlements)
}

fn measure(transcript: &Transcript, taken: Taken, validator: &mut impl Validator) -> Measured {
    let start = cpu_nanoseconds();
    transcript.replay(validator);
    let spent = (cpu_nanoseconds() - start) as f64 / 1e6;
    assert_eq!(validator.settled(), taken.settlements);
    Measured { spent: spent / taken.settlements as f64, taken }
}

/// What this thread has used, whatever else the machine does.
fn cpu_nanoseconds() -> u64 {
    let spent = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux counts");
    let spent = spent.split(' ').next().expect("it counts three things");
    spent.parse().expect("in nanoseconds")
}

#[expect(clippy::print_stdout, reason = "a bench shows what it found")]
fn print_table(ours: &[Measured], bare: &[Measured]) {
    println!("\nof one settlement    CPU ms of one validator     of all       bytes said by one  hops to");
    println!("validators            ours     bare   ratio       ours         ours     bare  the decision");
    for ((count, ours), bare) in VALIDATORS.iter().zip(ours).zip(bare) {
        println!(
            "{count:>10} {:>15.2} {:>8.2} {:>7.2} {:>10.1} {:>12.0} {:>8.0} {:>8} {:>4}",
            ours.spent,
            bare.spent,
            ours.spent / bare.spent,
            ours.spent * f64::from(*count),
            ours.taken.bytes_each(*count),
            bare.taken.bytes_each(*count),
            ours.taken.hops,
            bare.taken.hops,
        );
    }
}
