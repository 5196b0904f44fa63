//! What the owner of an account asks the ledger to do.
use std::fmt;

use crypto::Hotkey;
use serde::{Deserialize, Serialize};

use crate::subnet::{Netuid, Rule};
use crate::{Amount, Payload};

/// The key that owns funds and stays offline: the same curve as a hotkey, another duty.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Coldkey(pub Hotkey);

impl fmt::Debug for Coldkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One order of an account's owner, who is the signer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Transaction {
    /// How many transactions this account has had settled; stops replays.
    pub nonce: u64,
    /// What to do.
    pub action: Action,
}

/// What a transaction does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Action {
    /// Gives coins to another account.
    Transfer {
        /// Who receives.
        to: Coldkey,
        /// How much.
        amount: Amount,
    },
    /// Buys `hotkey` a slot in a subnet; the price is burned.
    Register {
        /// The subnet.
        netuid: Netuid,
        /// Who will sit in the slot.
        hotkey: Hotkey,
        /// The highest price to pay, if there is one: prices rise with every registration.
        limit: Option<Amount>,
    },
    /// Puts coins behind a hotkey.
    AddStake {
        /// Whom to back.
        hotkey: Hotkey,
        /// How much.
        amount: Amount,
    },
    /// Takes coins back from behind a hotkey.
    RemoveStake {
        /// Whom to back less.
        hotkey: Hotkey,
        /// How much.
        amount: Amount,
    },
    /// Puts stake behind another hotkey at once. Until unbonding is over it can neither be moved on nor taken back: the
    /// hotkey that it left may still be found to have cheated with it.
    MoveStake {
        /// Whom to back less.
        from: Hotkey,
        /// Whom to back instead.
        to: Hotkey,
        /// How much.
        amount: Amount,
    },
    /// Sets the part of its stakers' dividends that a hotkey of the signer's keeps.
    SetTake {
        /// The hotkey.
        hotkey: Hotkey,
        /// In basis points. It may fall at any time and rise once in a while.
        take: u16,
    },
    /// Lends parts of what a hotkey of the signer's votes with in a subnet to others, from the end of an epoch on.
    SetChildren {
        /// The subnet.
        netuid: Netuid,
        /// Who lends.
        hotkey: Hotkey,
        /// To whom, and what part in `u64::MAX`ths; at most five, by rising hotkey. None to lend no longer.
        children: Vec<(Hotkey, u64)>,
    },
    /// Sets the part that a hotkey of the signer's keeps of others' dividends on stake that it borrows in a subnet.
    SetChildTake {
        /// The subnet.
        netuid: Netuid,
        /// Who borrows.
        hotkey: Hotkey,
        /// In basis points. It may fall at any time and rise once in a while.
        take: u16,
    },
    /// Says how emission should be divided between subnets, in the name of a hotkey of the signer's that settles.
    Prefer {
        /// The hotkey.
        hotkey: Hotkey,
        /// What each subnet should have in proportion to the others, by rising netuid; nothing to say nothing.
        row: Vec<(Netuid, u16)>,
    },
    /// Founds a subnet that the signer owns. The coins that this takes come back when it ends.
    Found {
        /// The name of what it is about.
        task: String,
        /// The most to lock, if there is a limit: the price doubles with every subnet.
        limit: Option<Amount>,
    },
    /// Changes a rule of a subnet of the signer's.
    SetRule {
        /// The subnet.
        netuid: Netuid,
        /// Which rule, and its new value.
        rule: Rule,
    },
    /// Says whether a hotkey of the signer's is willing to settle.
    Settle {
        /// The hotkey.
        hotkey: Hotkey,
        /// Willing or not.
        settles: bool,
    },
    /// Lets a hotkey of the signer's settle again that was jailed for signing twice, a while after it was.
    Unjail {
        /// The hotkey.
        hotkey: Hotkey,
    },
    /// Lets a subnet of the signer's have its share of emission, a while after it was founded.
    Start {
        /// The subnet.
        netuid: Netuid,
    },
}

impl Payload for Transaction {
    const KIND: &'static str = "neuron v1 transaction";
    const MAX_BYTES: usize = 16 * 1024;
}
