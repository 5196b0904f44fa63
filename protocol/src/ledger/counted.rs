//! What an epoch counted and paid, for whoever watches it end.
use crypto::Hotkey;

use crate::Amount;
use crate::parameters::Hyperparameters;
use crate::subnet::Netuid;
use crate::yuma::{Ballot, Outcome};

/// Hears of every epoch that a settlement ends.
pub type Watch<'a> = &'a mut dyn FnMut(&Counted<'_>);

/// One epoch of one subnet: what the ledger computed, before it forgets most of it.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    /// The subnet.
    pub netuid: Netuid,
    /// Which of its epochs.
    pub epoch: u64,
    /// The rules that held.
    pub rules: &'a Hyperparameters,
    /// What every neuron brought, by uid.
    pub ballots: &'a [Ballot],
    /// What was found, by uid.
    pub outcome: &'a Outcome,
    /// The emission there was to pay.
    pub pool: Amount,
    /// Who was paid what, by uid.
    pub payments: &'a [Payment],
}

/// What an epoch paid to one neuron.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Who it is.
    pub hotkey: Hotkey,
    /// Its incentive in coins.
    pub incentive: Amount,
    /// What it was paid of that: nothing where it belongs to the subnet's owner.
    pub mined: Amount,
    /// Its dividends in coins.
    pub dividends: Amount,
    /// What it was paid of those: the less, the fewer certificates it signed.
    pub voted: Amount,
    /// Its owner's part of what it was paid as a validator.
    pub take: Amount,
    /// The part of those who lend it their votes.
    pub lenders: Amount,
    /// Certificates that it could sign.
    pub due: u64,
    /// Certificates that it signed.
    pub signed: u64,
}
