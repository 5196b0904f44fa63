//! To whom a hotkey lends its votes, as JSON: amounts in units of 1e-9 coins.
use crypto::Hotkey;
use protocol::Amount;
use protocol::parameters::BASIS_POINTS;
use protocol::subnet::Netuid;
use serde::{Deserialize, Serialize};

use super::{Stamp, no_subnet};
use crate::neuron::View;

/// A hotkey's loans in a subnet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Children {
    /// As of when.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// The subnet.
    pub netuid: Netuid,
    /// Who.
    pub hotkey: Hotkey,
    /// What it would vote with now: its own stake, less what it lends, and what it borrows.
    pub votes: Amount,
    /// The share that it keeps of what borrowed stake earns.
    pub take: f64,
    /// To whom it lends, by rising hotkey.
    pub children: Vec<Child>,
    /// To whom it is about to lend instead.
    pub planned: Option<Planned>,
}

/// Somebody who votes with another's stake.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Child {
    /// Who.
    pub hotkey: Hotkey,
    /// With what share of it.
    pub part: f64,
}

/// Loans that are not in force yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// They are at the end of the first epoch that ends here or later.
    pub from: u64,
    /// To whom; empty to lend nothing any more.
    pub children: Vec<Child>,
}

impl Children {
    /// The loans of a hotkey as the neuron of this view sees them.
    pub(super) fn of(view: &View, netuid: Netuid, hotkey: Hotkey) -> Result<Self, String> {
        let ledger = &view.ledger;
        ledger.hyperparameters(netuid).ok_or_else(|| no_subnet(netuid))?;
        let planned = ledger.planned_children(netuid, &hotkey);
        Ok(Self {
            stamp: Stamp::of(view),
            netuid,
            hotkey,
            votes: ledger.voting_stake(netuid, &hotkey),
            take: f64::from(ledger.child_take(netuid, &hotkey)) / BASIS_POINTS as f64,
            children: shares(ledger.children(netuid, &hotkey)),
            planned: planned.map(|(from, children)| Planned { from, children: shares(children) }),
        })
    }
}

fn shares(children: &[(Hotkey, u64)]) -> Vec<Child> {
    children
        .iter()
        .map(|(hotkey, part)| Child { hotkey: *hotkey, part: *part as f64 / u64::MAX as f64 })
        .collect()
}
