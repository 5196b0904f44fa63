//! What owners of stake do in a history: they add, take back and move stake, come to settle and leave.
//!
//! Twins stay just under a third of the stake, whatever is settled in which order: those who stay take nothing back and
//! have more than twice of what twins begin with and all orders together may put behind them.
use crypto::Keypair;
use protocol::ledger::Ledger;
use protocol::transaction::{Action, Coldkey, Transaction};
use protocol::{Amount, Signed};
use rand::RngExt;
use rand::rngs::StdRng;

use super::Plan;
use super::faults::ORDERS;

/// The most coins that an order puts behind a twin.
const BEHIND_A_TWIN: u64 = 10;

/// The most coins that an order puts behind anybody else.
const BEHIND_OTHERS: u64 = 50;

/// What a validator's owner does in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// Runs it twice, with one key, and at most takes stake back from it.
    Cheats,
    /// Takes nothing back.
    Stays,
    /// Comes and goes.
    Roams,
}

impl Plan {
    /// The habit of a validator's owner: half of the honest, and one more if they are odd, stay.
    pub(super) fn habit(&self, number: usize) -> Habit {
        let staying = (self.validators - self.twins).div_ceil(2);
        match number.checked_sub(self.twins) {
            None => Habit::Cheats,
            Some(place) if place < staying => Habit::Stays,
            Some(_) => Habit::Roams,
        }
    }

    /// What a validator begins with, each with another stake, twins with as much as they may have.
    pub(super) fn stake(&self, number: usize) -> Amount {
        let coins = |number: usize| 1_000 + 137 * (number as u64 * 5 % 7);
        let stay = (self.twins..self.validators).filter(|i| self.habit(*i) == Habit::Stays);
        let reserve = ORDERS as u64 * BEHIND_A_TWIN + 1;
        match self.habit(number) {
            Habit::Cheats => {
                let most = Amount::coins(stay.map(coins).sum::<u64>() / 2 - reserve);
                most.portion(1, self.twins as u64)
            }
            _ => Amount::coins(coins(number)),
        }
    }

    /// Whether a validator is willing to settle at first: where stakes change hands, one of those who roam is not.
    pub(super) fn settles(&self, number: usize) -> bool {
        self.faults.orders == 0 || number + 1 < self.validators || self.habit(number) != Habit::Roams
    }

    /// An order that somebody may give as of a ledger, if what was drawn is one.
    pub(super) fn order(&self, rng: &mut StdRng, ledger: &Ledger) -> Option<Signed<Transaction>> {
        let number = rng.random_range(0..self.validators);
        let action = self.action(rng, ledger, number)?;
        let coldkey = self.coldkey(number);
        let nonce = ledger.nonce(&Coldkey(coldkey.hotkey()));
        let order = Signed::author(&coldkey, &ledger.genesis(), Transaction { nonce, action });
        ledger.clone().try_transaction(&order).is_ok().then(|| order.into_signed())
    }

    fn action(&self, rng: &mut StdRng, ledger: &Ledger, number: usize) -> Option<Action> {
        let (own, owner) = (self.keypair(number).hotkey(), Coldkey(self.coldkey(number).hotkey()));
        let staked = ledger.stake_between(&own, &owner);
        let some = |rng: &mut StdRng, most: Amount| Amount(rng.random_range(1..=most.0.max(1)));
        let other = rng.random_range(0..self.validators);
        let hotkey = self.keypair(other).hotkey();
        let cheats = self.habit(other) == Habit::Cheats;
        let most = Amount::coins(if cheats { BEHIND_A_TWIN } else { BEHIND_OTHERS });
        let settles = ledger.validators().power(&own).is_none();
        Some(match (self.habit(number), rng.random_range(0..6)) {
            (Habit::Cheats, _) if ledger.jailed_since(&own).is_some() => Action::Unjail { hotkey: own },
            (Habit::Cheats, 0..3) => Action::RemoveStake { hotkey: own, amount: some(rng, most.min(staked)) },
            (Habit::Cheats, _) if cheats => return None,
            (Habit::Cheats, _) => {
                Action::MoveStake { from: own, to: hotkey, amount: some(rng, most.min(staked)) }
            }
            (Habit::Roams, 0..3) => Action::Settle { hotkey: own, settles },
            (Habit::Roams, 3) => Action::RemoveStake { hotkey: own, amount: some(rng, staked) },
            (Habit::Roams, 4) => {
                Action::MoveStake { from: own, to: hotkey, amount: some(rng, most.min(staked)) }
            }
            (Habit::Stays, _) | (Habit::Roams, _) => Action::AddStake { hotkey, amount: some(rng, most) },
        })
    }

    /// The key that owns what a neuron has.
    pub(super) fn coldkey(&self, number: usize) -> Keypair {
        self.derived("neuron v1 simulation coldkey", number)
    }
}
