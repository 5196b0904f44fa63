//! A small network settled by hand.
use std::sync::LazyLock;

use crypto::{Hash, Keypair};

use super::*;
use crate::genesis::GenesisNeuron;
use crate::transaction::{Action, Transaction};
use crate::weights::{Commit, Reveal, Row};
use crate::{Signed, Verified};

mod admission;
mod children;
mod epochs;
mod evidence;
mod explained;
mod money;
mod random;
mod refusals;
mod rules;
mod slots;
mod state;
mod subnets;
mod votes;

const SUBNET: Netuid = Netuid(1);
const TEMPO: u64 = 3;
/// Hotkeys of validators, with their stakes in coins.
const VALIDATORS: [(u8, u64); 3] = [(1, 500), (2, 300), (3, 200)];
/// Hotkeys of miners.
const MINERS: [u8; 3] = [4, 5, 6];
/// Everybody's coldkey is the key so much further on.
const COLD: u8 = 100;
/// A coldkey with coins and no neuron.
const RICH: u8 = 99;

fn key(n: u8) -> &'static Keypair {
    static KEYS: LazyLock<Vec<Keypair>> =
        LazyLock::new(|| (0..=u8::MAX).map(|n| Keypair::from_seed([n; 32])).collect());
    &KEYS[usize::from(n)]
}

fn hot(n: u8) -> Hotkey {
    key(n).hotkey()
}

fn cold(n: u8) -> Coldkey {
    Coldkey(hot(n))
}

fn neuron(n: u8, coins: u64) -> GenesisNeuron {
    GenesisNeuron {
        netuid: SUBNET,
        hotkey: hot(n),
        coldkey: cold(COLD + n),
        stake: Amount::coins(coins),
        settles: coins > 0,
        permit: coins > 0,
    }
}

fn genesis() -> Genesis {
    let validators = VALIDATORS.map(|(n, coins)| neuron(n, coins));
    let miners = MINERS.map(|n| neuron(n, 0));
    let mut genesis = Genesis::dev(1_000, validators.into_iter().chain(miners).collect());
    genesis.accounts = vec![(cold(RICH), Amount::coins(1_000))];
    // A unit at a time shows how shares are rounded.
    (genesis.parameters.minimum_stake, genesis.parameters.minimum_nomination) = (Amount(1), Amount::ZERO);
    genesis
}

/// The ledger with the keys of all who may speak.
struct Network {
    ledger: Ledger,
    signers: Vec<Hotkey>,
}

impl Network {
    fn new() -> Self {
        Self::of(&genesis())
    }

    fn of(genesis: &Genesis) -> Self {
        Self {
            ledger: Ledger::new(genesis).expect("a sound genesis"),
            signers: VALIDATORS.map(|(n, _)| hot(n)).to_vec(),
        }
    }

    fn settle(&mut self, inputs: &Inputs) -> Result<(), Refusal> {
        let time = self.ledger.time() + 1_000;
        self.ledger.apply(inputs, time, &self.signers)
    }

    #[track_caller]
    fn accept(&mut self, n: u8, action: Action) {
        self.settle(&self.order(n, action)).expect("must be accepted");
    }

    /// Settles what must be refused with a reason that says this, and change nothing.
    #[track_caller]
    fn refuse(&mut self, inputs: &Inputs, reason: &str) {
        let before = self.ledger.root();
        let refusal = self.settle(inputs).expect_err(reason).to_string();
        assert!(refusal.contains(reason), "{refusal}\nand not: {reason}");
        assert_eq!(self.ledger.root(), before, "{refusal}");
    }

    /// Settles nothing until `height` is the last.
    fn idle_to(&mut self, height: u64) {
        while self.ledger.height() < height {
            self.settle(&Inputs::default()).expect("nothing to refuse");
        }
    }

    fn commit(&self, n: u8, epoch: u64, row: &[(u16, u16)]) -> Inputs {
        let commitment = shown(epoch, row).commitment(&hot(n));
        let commit = Commit { netuid: SUBNET, epoch, commitment };
        Inputs { commits: vec![self.sign(n, commit)], ..Inputs::default() }
    }

    fn reveal(&self, n: u8, epoch: u64, row: &[(u16, u16)]) -> Inputs {
        Inputs { reveals: vec![self.sign(n, shown(epoch, row))], ..Inputs::default() }
    }

    /// A transaction of key `n` with the nonce the ledger expects.
    fn order(&self, n: u8, action: Action) -> Inputs {
        let nonce = self.ledger.nonce(&cold(n));
        Inputs { transactions: vec![self.sign(n, Transaction { nonce, action })], ..Inputs::default() }
    }

    fn sign<T: crate::Payload>(&self, n: u8, value: T) -> Verified<T> {
        Signed::author(key(n), &self.ledger.genesis(), value)
    }

    /// From the start of an epoch to its end: everybody commits a row and reveals the same of the epoch before.
    fn epoch_of(&mut self, rows: &[(u8, &[(u16, u16)])]) {
        let epoch = self.ledger.epoch(SUBNET).expect("the subnet is there");
        for (n, row) in rows {
            let inputs = self.commit(*n, epoch, row);
            self.ledger.try_commit(&inputs.commits[0]).expect("a fresh commit");
            if epoch > 0 {
                let inputs = self.reveal(*n, epoch - 1, row);
                self.ledger.try_reveal(&inputs.reveals[0]).expect("as committed");
            }
        }
        self.idle_to((epoch + 1) * TEMPO);
    }

    fn earned(&self, n: u8) -> Amount {
        let metagraph = self.ledger.metagraph(SUBNET).expect("the subnet is there");
        metagraph.neuron(&hot(n)).expect("has a slot").emission
    }
}

fn shown(epoch: u64, row: &[(u16, u16)]) -> Reveal {
    Reveal {
        netuid: SUBNET,
        epoch,
        version: 1,
        salt: Hash([epoch as u8; 32]),
        row: Row(row.iter().map(|(uid, w)| (Uid(*uid), *w)).collect()),
    }
}
