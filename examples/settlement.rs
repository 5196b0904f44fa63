//! Two epochs by hand, without a network: validators commit rows, reveal them, and the ledger pays.
//!
//! Carol gives all her weight to one miner. Nobody with more stake agrees, so consensus clips her row: the miner
//! gains nothing by it, and Carol loses dividends.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]
use crypto::{Hash, Hotkey, Keypair};
use protocol::genesis::GenesisNeuron;
use protocol::settlement::Inputs;
use protocol::subnet::{Netuid, Uid};
use protocol::transaction::Coldkey;
use protocol::weights::{Commit, Reveal, Row};
use protocol::yuma::Share;
use protocol::{Amount, Genesis, Ledger, Refusal, Signed};

const SUBNET: Netuid = Netuid(1);

/// Names with stakes in coins; a neuron's uid is its place. Miners have no stake.
const NAMES: [(&str, u64); 6] =
    [("alice", 500), ("bob", 300), ("carol", 200), ("mia", 0), ("max", 0), ("moe", 0)];

/// What alice, bob and carol think of mia, max and moe.
const OPINIONS: [[u64; 3]; 3] = [[90, 60, 30], [80, 60, 40], [0, 0, 100]];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut ledger = Ledger::new(&Genesis::dev(0, (0..NAMES.len()).map(neuron).collect()))?;
    let commits = (0..3).map(|n| Signed::author(&key(n), &ledger.genesis(), commit(n))).collect();
    let reveals = (0..3).map(|n| Signed::author(&key(n), &ledger.genesis(), reveal(n))).collect();

    settle(&mut ledger, Inputs { commits, ..Inputs::default() })?; // height 1, in epoch 0
    skip(&mut ledger, 3)?;
    settle(&mut ledger, Inputs { reveals, ..Inputs::default() })?; // height 4, in epoch 1
    skip(&mut ledger, 6)?; // the last height of epoch 1: it pays

    show(&ledger);
    Ok(())
}

fn settle(ledger: &mut Ledger, inputs: Inputs) -> Result<(), Refusal> {
    let signers: Vec<Hotkey> = (0..3).map(|n| key(n).hotkey()).collect();
    ledger.apply(&inputs, ledger.time() + 1_000, &signers)
}

fn skip(ledger: &mut Ledger, height: u64) -> Result<(), Refusal> {
    (ledger.height()..height).try_for_each(|_| settle(ledger, Inputs::default()))
}

fn show(ledger: &Ledger) {
    println!("name   stake  consensus  incentive  dividends     earned");
    for row in ledger.metagraph(SUBNET).expect("genesis has it").neurons {
        let (name, stake) = NAMES[usize::from(row.uid.0)];
        let shares = [row.consensus, row.incentive, row.dividends].map(percent);
        let [consensus, incentive, dividends] = shares.map(|share| format!("{share:>9}"));
        println!("{name:5}  {stake:5}  {consensus}  {incentive}  {dividends}  {}", row.emission);
    }
    let (height, supply, root) = (ledger.height(), ledger.supply(), ledger.root().hash);
    println!("height {height}: {} coins issued, {} burned, state root {root}", supply.issued, supply.burned);
}

fn percent(share: Share) -> String {
    format!("{:.1} %", 100.0 * share.bits() as f64 / Share::ONE.bits() as f64)
}

fn commit(n: usize) -> Commit {
    Commit { netuid: SUBNET, epoch: 0, commitment: reveal(n).commitment(&key(n).hotkey()) }
}

fn reveal(n: usize) -> Reveal {
    let row = Row::from_scores((3..).map(Uid).zip(OPINIONS[n]));
    Reveal { netuid: SUBNET, epoch: 0, version: 1, salt: Hash([n as u8; 32]), row }
}

fn neuron(n: usize) -> GenesisNeuron {
    let (hotkey, stake) = (key(n).hotkey(), Amount::coins(NAMES[n].1));
    let votes = stake > Amount::ZERO;
    GenesisNeuron { netuid: SUBNET, hotkey, coldkey: Coldkey(hotkey), stake, settles: votes, permit: votes }
}

fn key(n: usize) -> Keypair {
    Keypair::from_seed([n as u8 + 1; 32])
}
