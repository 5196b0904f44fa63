//! How fast transfers settle, on two cores, and where the time goes: cargo bench -p protocol --bench settlement
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use crypto::{Hash, Hotkey, Keypair, Signature, batch, hash};
use protocol::genesis::GenesisNeuron;
use protocol::settlement::{Body, Inputs, in_order};
use protocol::subnet::{Netuid, Uid};
use protocol::transaction::{Action, Coldkey, Transaction};
use protocol::weights::{Commit, Reveal, Row};
use protocol::{Amount, Genesis, Ledger, Payload, Signed, Verified, codec};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Subnets, all of which end an epoch in the settlement that is measured.
const SUBNETS: u16 = 10;
/// Neurons of a subnet; the first are its validators, who weigh all others.
const NEURONS: u16 = 256;
const VALIDATORS: u16 = 64;
/// Validators of the first subnet who settle.
const SETTLING: u16 = 16;
/// Accounts that send, and how often each does; every one receives as often.
const ACCOUNTS: u32 = 2_500;
const TRANSFERS: u64 = 4;
/// Cores to use.
const CORES: usize = 2;
/// Epochs before the one that is measured: bonds have grown by then.
const EARLIER: u64 = 3;
/// Times that all stages are run by turns for the table, which shows medians.
const ROUNDS: usize = 15;

/// What one settlement is made of.
struct Height {
    ledger: Ledger,
    parent: Hash,
    body: Body,
    inputs: Inputs,
    /// What `verify_strict` alone is given: keys, signed hashes, signatures.
    signatures: Vec<(Hotkey, Hash, Signature)>,
}

impl Height {
    fn new() -> Self {
        let genesis = genesis();
        let mut ledger = Ledger::new(&genesis).expect("a sound genesis");
        vote(&mut ledger, 0);
        for epoch in 1..=EARLIER {
            let time = ledger.time() + 1_000;
            ledger.close(time, &[]);
            vote(&mut ledger, epoch);
        }
        let parent = hash("neuron v1 bench", &[]);
        let transactions = in_order(&parent, transfers(&ledger.genesis()));
        let inputs = Inputs { transactions, ..Inputs::default() };
        let signatures = inputs.transactions.iter().map(|t| signature(t, &ledger.genesis())).collect();
        Self { body: inputs.clone().into_body(None), ledger, parent, inputs, signatures }
    }

    fn check_signatures(&self) -> Inputs {
        self.body.verify(&self.ledger.genesis()).expect("signed")
    }

    fn check_order(&self) {
        assert!(black_box(&self.inputs).is_canonical(&self.parent));
    }

    /// Transactions and epochs.
    fn apply(&self) -> Ledger {
        let mut ledger = self.ledger.clone();
        let time = ledger.time() + 1_000;
        ledger.apply(&self.inputs, time, &[]).expect("funded");
        ledger
    }

    /// What happens without a transaction: epochs above all.
    fn close(&self) -> Ledger {
        let mut ledger = self.ledger.clone();
        let time = ledger.time() + 1_000;
        ledger.close(time, &[]);
        ledger
    }

    /// The strict rule alone, keys read from their bytes, on as many cores.
    fn verify_strict(&self) {
        let verify =
            |(key, message, signature): &(Hotkey, Hash, Signature)| key.verify(&message.0, signature);
        assert!(self.signatures.par_iter().all(|signed| verify(signed).is_ok()));
    }

    /// The ceiling we do not use: it can disagree with the strict rule at the edges, and so fork.
    fn verify_batch(&self) {
        let parts = self.signatures.par_chunks(self.signatures.len() / CORES);
        assert!(parts.map(batch::verify).all(|verified| verified.is_ok()));
    }
}

fn genesis() -> Genesis {
    let neurons = (1..=SUBNETS).flat_map(|netuid| (0..NEURONS).map(move |uid| neuron(netuid, uid))).collect();
    let mut genesis = Genesis::dev(1_000, neurons);
    // Epochs are staggered, unless each settlement ends one.
    let rules = &mut genesis.subnets[0].hyperparameters;
    (rules.reveal_window, rules.tempo) = (rules.tempo, 1);
    let defaults = &mut genesis.parameters.founding.defaults;
    (defaults.reveal_window, defaults.tempo) = (defaults.tempo, 1);
    genesis.parameters.founding.freeze = 0;
    let first = genesis.subnets[0].clone();
    genesis.subnets.extend(
        (2..=SUBNETS).map(|n| protocol::genesis::GenesisSubnet { netuid: Netuid(n), ..first.clone() }),
    );
    genesis.accounts = (0..ACCOUNTS).map(|n| (Coldkey(sender(n).hotkey()), Amount::coins(10))).collect();
    genesis
}

fn neuron(netuid: u16, uid: u16) -> GenesisNeuron {
    let votes = uid < VALIDATORS;
    GenesisNeuron {
        netuid: Netuid(netuid),
        hotkey: voter(netuid, uid).hotkey(),
        coldkey: Coldkey(voter(netuid, uid).hotkey()),
        stake: Amount::coins(if votes { 1_000 + u64::from(uid) } else { 0 }),
        settles: netuid == 1 && uid < SETTLING,
        permit: votes,
    }
}

fn voter(netuid: u16, uid: u16) -> Keypair {
    Keypair::from_seed(hash("neuron v1 bench voter", &[&netuid.to_be_bytes(), &uid.to_be_bytes()]).0)
}

fn sender(n: u32) -> Keypair {
    Keypair::from_seed(hash("neuron v1 bench sender", &[&n.to_be_bytes()]).0)
}

/// Every validator reveals the row of the epoch before and commits one for this.
fn vote(ledger: &mut Ledger, epoch: u64) {
    let genesis = ledger.genesis();
    for (netuid, uid) in (1..=SUBNETS).flat_map(|netuid| (0..VALIDATORS).map(move |uid| (netuid, uid))) {
        let keypair = voter(netuid, uid);
        if let Some(before) = epoch.checked_sub(1) {
            let reveal = Signed::author(&keypair, &genesis, reveal(netuid, uid, before));
            ledger.try_reveal(&reveal).expect("as committed");
        }
        let commitment = reveal(netuid, uid, epoch).commitment(&keypair.hotkey());
        let commit = Commit { netuid: Netuid(netuid), epoch, commitment };
        ledger.try_commit(&Signed::author(&keypair, &genesis, commit)).expect("a permitted validator");
    }
}

/// Validators agree roughly.
fn reveal(netuid: u16, uid: u16, epoch: u64) -> Reveal {
    let weight = |target: u16| 20_000 + target * 100 + (uid * 7 + target * 13) % 1_000;
    let row = Row((VALIDATORS..NEURONS).map(|target| (Uid(target), weight(target))).collect());
    Reveal { netuid: Netuid(netuid), epoch, version: 1, salt: Hash([epoch as u8; 32]), row }
}

fn transfers(genesis: &Hash) -> Vec<Verified<Transaction>> {
    let transfer = |(n, nonce): (u32, u64)| {
        let to = Coldkey(sender((n + 1 + nonce as u32) % ACCOUNTS).hotkey());
        let action = Action::Transfer { to, amount: Amount(1_000_000 + u64::from(n)) };
        Signed::author(&sender(n), genesis, Transaction { nonce, action })
    };
    (0..ACCOUNTS).flat_map(|n| (0..TRANSFERS).map(move |nonce| (n, nonce))).map(transfer).collect()
}

fn signature(transfer: &Verified<Transaction>, genesis: &Hash) -> (Hotkey, Hash, Signature) {
    let message = hash(Transaction::KIND, &[&genesis.0, &codec::encode(&**transfer)]);
    (transfer.signer(), message, transfer.signed().signature())
}

fn settlement(criterion: &mut Criterion) {
    let height = Height::new();
    let cores = ThreadPoolBuilder::new().num_threads(CORES).build().expect("threads");
    let mut group = criterion.benchmark_group("10,000 transfers and 10 epochs");
    group.sample_size(10).warm_up_time(Duration::from_secs(1));
    group.bench_function("signatures", |b| b.iter(|| cores.install(|| height.check_signatures())));
    group.bench_function("order", |b| b.iter(|| cores.install(|| height.check_order())));
    group.bench_function("apply", |b| b.iter(|| cores.install(|| height.apply())));
    group.bench_function("epochs alone", |b| b.iter(|| cores.install(|| height.close())));
    let applied = || cores.install(|| height.apply()); // nothing of it is hashed yet
    group.bench_function("state root", |b| {
        b.iter_batched(applied, |ledger| cores.install(|| ledger.root()), BatchSize::PerIteration);
    });
    group.bench_function("verify_strict alone", |b| b.iter(|| cores.install(|| height.verify_strict())));
    group.bench_function("batch verification", |b| b.iter(|| cores.install(|| height.verify_batch())));
    group.finish();
    print_table(&height, &cores);
}

/// All stages by turns, so that what else the machine does falls on all of them.
#[expect(clippy::print_stdout, reason = "a bench shows what it found")]
fn print_table(height: &Height, cores: &ThreadPool) {
    let rounds: Vec<_> = (0..ROUNDS).map(|_| cores.install(|| round(height))).collect();
    let median = |stage: usize| {
        let mut times: Vec<_> = rounds.iter().map(|round| round[stage]).collect();
        times.sort_unstable();
        times[ROUNDS / 2].as_secs_f64()
    };
    let [signatures, order, apply, epochs, root, strict, batch] = std::array::from_fn(median);
    let settled = signatures + order + apply + root;
    let rate = |seconds: f64| f64::from(ACCOUNTS) * TRANSFERS as f64 / seconds;
    println!("\n10,000 transfers and 10 epochs on {CORES} cores, medians of {ROUNDS} rounds");
    println!("settled               {:>8.0} transfers/s", rate(settled));
    println!(
        "verify_strict alone   {:>8.0} transfers/s: settled are {:.0} % of it",
        rate(strict),
        100.0 * strict / settled
    );
    println!("batch verification    {:>8.0} transfers/s, which could fork", rate(batch));
    for (stage, seconds) in [
        ("signature check", signatures),
        ("order", order),
        ("apply: transactions", apply - epochs),
        ("apply: epochs", epochs),
        ("state root", root),
    ] {
        println!("{stage:<21} {:>8.2} ms {:>5.1} %", 1_000.0 * seconds, 100.0 * seconds / settled);
    }
}

fn round(height: &Height) -> [Duration; 7] {
    let (signatures, _) = timed(|| height.check_signatures());
    let (order, ()) = timed(|| height.check_order());
    let (apply, ledger) = timed(|| height.apply());
    let (root, _) = timed(|| ledger.root());
    let (epochs, _) = timed(|| height.close());
    let (strict, ()) = timed(|| height.verify_strict());
    let (batch, ()) = timed(|| height.verify_batch());
    [signatures, order, apply, epochs, root, strict, batch]
}

fn timed<T>(stage: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = black_box(stage());
    (start.elapsed(), result)
}

criterion_group!(benches, settlement);
criterion_main!(benches);
