//! What an account has, and what an order of its owner would do, as JSON: amounts in units of 1e-9 coins.
use crypto::Hotkey;
use protocol::transaction::{Coldkey, Transaction};
use protocol::{Amount, Refusal, Verified};
use serde::{Deserialize, Serialize};

use super::Stamp;
use crate::neuron::View;

/// An account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// As of when.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// Who owns it.
    pub coldkey: Coldkey,
    /// What can be spent.
    pub balance: Amount,
    /// The nonce of its next transaction.
    pub nonce: u64,
    /// What stands behind hotkeys, by rising hotkey.
    pub stakes: Vec<Stake>,
    /// What is on its way back from stake, by rising height.
    pub locks: Vec<Lock>,
}

/// Coins behind a hotkey.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stake {
    /// Behind whom.
    pub hotkey: Hotkey,
    /// What they are worth now, dividends included.
    pub amount: Amount,
}

/// Coins taken back from behind a hotkey.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lock {
    /// Behind whom they were.
    pub hotkey: Hotkey,
    /// How many.
    pub amount: Amount,
    /// The height that makes them spendable.
    pub until: u64,
}

/// What a transaction would do if it were settled next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// As of when.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// What it burns for being settled.
    pub fee: Amount,
    /// What else it takes from the account.
    pub cost: Amount,
    /// What the account could spend afterwards.
    pub balance: Amount,
}

impl Account {
    /// An account as the neuron of this view sees it.
    pub(super) fn of(view: &View, coldkey: Coldkey) -> Self {
        let ledger = &view.ledger;
        let stake = |(hotkey, amount)| Stake { hotkey, amount };
        let lock = |(until, hotkey, amount)| Lock { hotkey, amount, until };
        Self {
            stamp: Stamp::of(view),
            coldkey,
            balance: ledger.balance(&coldkey),
            nonce: ledger.nonce(&coldkey),
            stakes: ledger.stakes_of(&coldkey).into_iter().map(stake).collect(),
            locks: ledger.locks_of(&coldkey).into_iter().map(lock).collect(),
        }
    }
}

impl Trial {
    /// Settles a transaction on a copy of the ledger, or says why it cannot be.
    pub(super) fn of(view: &View, transaction: &Verified<Transaction>) -> Result<Self, Refusal> {
        let account = Coldkey(transaction.signer());
        let mut ledger = (*view.ledger).clone();
        let before = ledger.balance(&account);
        ledger.try_transaction(transaction)?;
        let fee = ledger.fee(transaction.signed().size());
        let balance = ledger.balance(&account);
        let cost = before.saturating_sub(balance).saturating_sub(fee);
        Ok(Self { stamp: Stamp::of(view), fee, cost, balance })
    }
}
