//! Why a genesis cannot begin a network.
use crypto::Hotkey;

use crate::subnet::Netuid;
use crate::transaction::Coldkey;
use crate::{Amount, emission};

/// A genesis that breaks a stated rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// A number outside its bounds.
    #[error("{place}: {name} {rule}")]
    Rule {
        /// Whose rule.
        place: String,
        /// Which number.
        name: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// One account listed twice.
    #[error("account {0:?} appears twice: merge the two")]
    AccountTwice(Coldkey),
    /// More coins than may ever exist.
    #[error("accounts and stakes sum to {issued}: at most {} may exist", emission::CAP)]
    TooMuch {
        /// Their sum.
        issued: Amount,
    },
    /// Netuids out of order or twice.
    #[error("subnet {second} follows {first}: sort by netuid and give each its own")]
    SubnetOrder {
        /// The one before.
        first: Netuid,
        /// The culprit.
        second: Netuid,
    },
    /// A neuron in a subnet that is not there.
    #[error("{hotkey:?} is in subnet {netuid}, which does not exist: add the subnet or move the neuron")]
    NoSubnet {
        /// The neuron.
        hotkey: Hotkey,
        /// Where it says it is.
        netuid: Netuid,
    },
    /// Two slots for one hotkey.
    #[error("{hotkey:?} appears twice in subnet {netuid}: give each neuron its own hotkey")]
    HotkeyTwice {
        /// The neuron.
        hotkey: Hotkey,
        /// Where.
        netuid: Netuid,
    },
    /// Two owners for one hotkey.
    #[error("{0:?} has two owners: give it the same coldkey everywhere")]
    TwoOwners(Hotkey),
    /// More than a subnet has room for.
    #[error("subnet {netuid} has {have} {what} and room for {limit}: raise its limit or list fewer")]
    TooMany {
        /// Where.
        netuid: Netuid,
        /// Of what.
        what: &'static str,
        /// How many.
        have: usize,
        /// How many fit.
        limit: u16,
    },
    /// Nobody could certify anything.
    #[error("nobody settles: mark a neuron as settling and stake at least {minimum} on it")]
    NobodySettles {
        /// The least self-stake.
        minimum: Amount,
    },
    /// A minority of proposers could keep reveals out.
    #[error(
        "{place}: rows can be revealed for {window} settlements, but it takes {needed} until more than a \
         third of the stake can have proposed: raise tempo or reveal_window"
    )]
    WindowTooShort {
        /// Whose rule.
        place: String,
        /// tempo · reveal_window.
        window: u64,
        /// The fewest that do.
        needed: u64,
    },
}
