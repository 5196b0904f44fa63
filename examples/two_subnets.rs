//! Two subnets with tasks and rules of their own, settled in one ledger, without a network.
//!
//! Whoever settles says how emission should be divided. Alice and Bob want three parts for the first subnet and one for
//! the second; Carol wants all for the second, but a fifth of the stake moves nothing.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]
use crypto::{Hash, Hotkey, Keypair};
use protocol::genesis::{GenesisNeuron, GenesisSubnet};
use protocol::parameters::Hyperparameters;
use protocol::settlement::Inputs;
use protocol::subnet::{Netuid, Uid};
use protocol::transaction::{Action, Coldkey, Transaction};
use protocol::weights::{Commit, Reveal, Row};
use protocol::yuma::{Incentive, Share};
use protocol::{Amount, Genesis, Ledger, Refusal, Signed};

/// In both subnets, with stakes in coins and what each prefers: how much for the first and for the second.
const VALIDATORS: [(&str, u64, [u16; 2]); 3] =
    [("alice", 500, [3, 1]), ("bob", 300, [3, 1]), ("carol", 200, [0, 1])];

/// Miners of each subnet, and what alice, bob and carol think of them.
const MINERS: [[(&str, [u64; 3]); 2]; 2] =
    [[("mia", [90, 80, 0]), ("max", [60, 70, 100])], [("moe", [50, 50, 90]), ("may", [50, 50, 10])]];

/// Both tempos divide it: the epochs of both subnets end in the last settlement.
const SETTLEMENTS: u64 = 60;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut ledger = Ledger::new(&genesis())?;
    for height in 1..=SETTLEMENTS {
        settle(&mut ledger)?;
        if [1, 10, SETTLEMENTS].contains(&height) {
            let shares = [0, 1].map(|i| percent(ledger.share(netuid(i)).expect("genesis has it")));
            println!("height {height:2}: emission goes to subnet 1 {}, to subnet 2 {}", shares[0], shares[1]);
        }
    }
    (0..2).for_each(|i| show(&ledger, i));
    Ok(())
}

fn show(ledger: &Ledger, i: usize) {
    let (graph, epoch) = (ledger.metagraph(netuid(i)).expect("genesis has it"), ledger.epoch(netuid(i)));
    println!("\nsubnet {} ({}) after {} epochs", i + 1, graph.task, epoch.unwrap_or_default());
    let names = VALIDATORS.iter().map(|(name, ..)| name).chain(MINERS[i].iter().map(|(name, _)| name));
    for (row, name) in graph.neurons.iter().zip(names) {
        let (incentive, dividends) = (percent(row.incentive), percent(row.dividends));
        println!("{name:5}  incentive {incentive:>6}  dividends {dividends:>6}  earned {}", row.emission);
    }
}

/// One settlement for both: who prefers what, commits of this epoch, reveals of the one before.
fn settle(ledger: &mut Ledger) -> Result<(), Refusal> {
    let mut inputs = Inputs::default();
    for (n, (_, _, preferred)) in VALIDATORS.iter().enumerate() {
        let (key, genesis) = (key(n), ledger.genesis());
        let hotkey = key.hotkey();
        if ledger.height() == 0 {
            let row = [0, 1].map(|i| (netuid(i), preferred[i])).to_vec();
            let order = Transaction { nonce: 0, action: Action::Prefer { hotkey, row } };
            inputs.transactions.push(Signed::author(&key, &genesis, order));
        }
        for i in 0..2 {
            let (netuid, epoch) = (netuid(i), ledger.epoch(netuid(i)).expect("genesis has it"));
            if ledger.commitment(netuid, &hotkey, epoch).is_none() {
                let commitment = reveal(n, i, epoch).commitment(&hotkey);
                inputs.commits.push(Signed::author(&key, &genesis, Commit { netuid, epoch, commitment }));
            }
            let last =
                epoch.checked_sub(1).filter(|last| ledger.commitment(netuid, &hotkey, *last).is_some());
            inputs.reveals.extend(last.map(|last| Signed::author(&key, &genesis, reveal(n, i, last))));
        }
    }
    let signers: Vec<Hotkey> = (0..VALIDATORS.len()).map(|n| key(n).hotkey()).collect();
    ledger.apply(&inputs, ledger.time() + 1_000, &signers)
}

fn reveal(n: usize, i: usize, epoch: u64) -> Reveal {
    let scores = MINERS[i].iter().map(|(_, opinions)| opinions[n]);
    let row = Row::from_scores((3..).map(Uid).zip(scores));
    Reveal { netuid: netuid(i), epoch, version: 1, salt: Hash([n as u8; 32]), row }
}

/// The first subnet has the rules of a local network; the second an owner, longer epochs, and pays by rank.
fn genesis() -> Genesis {
    let neurons = (0..2).flat_map(|i| (0..5).map(move |place| neuron(i, place)));
    let mut genesis = Genesis::dev(0, neurons.collect());
    let hyperparameters = Hyperparameters { tempo: 5, incentive: Incentive::Rank, ..Hyperparameters::dev() };
    let (netuid, task, owner) = (netuid(1), "sums".to_owned(), Some(Coldkey(key(99).hotkey())));
    genesis.subnets.push(GenesisSubnet { netuid, task, owner, hyperparameters });
    genesis.accounts = (0..3).map(|n| (Coldkey(key(n).hotkey()), Amount::coins(1))).collect();
    genesis
}

/// Validators first: the same in both subnets, with one stake.
fn neuron(i: usize, place: usize) -> GenesisNeuron {
    let validator = VALIDATORS.get(place);
    let hotkey = key(if validator.is_some() { place } else { 10 * (i + 1) + place }).hotkey();
    let stake = validator.filter(|_| i == 0).map_or(Amount::ZERO, |(_, coins, _)| Amount::coins(*coins));
    let (netuid, coldkey, votes) = (netuid(i), Coldkey(hotkey), validator.is_some());
    GenesisNeuron { netuid, hotkey, coldkey, stake, settles: votes, permit: votes }
}

fn netuid(i: usize) -> Netuid {
    Netuid(i as u16 + 1)
}

fn percent(share: Share) -> String {
    format!("{:.1} %", 100.0 * share.bits() as f64 / Share::ONE.bits() as f64)
}

fn key(n: usize) -> Keypair {
    Keypair::from_seed([n as u8 + 1; 32])
}
