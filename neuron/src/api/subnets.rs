//! The subnets of a network, as JSON: amounts in units of 1e-9 coins, shares 0 to 1.
use protocol::Amount;
use protocol::ledger::Overview;
use protocol::parameters::Hyperparameters;
use protocol::subnet::Netuid;
use protocol::transaction::Coldkey;
use serde::{Deserialize, Serialize};

use super::Stamp;
use crate::figure::fraction;
use crate::neuron::View;

/// Every subnet, and what one more costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subnets {
    /// As of when.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// What founding a subnet locks now.
    pub lock_price: Amount,
    /// By rising netuid.
    pub subnets: Vec<Subnet>,
}

/// One subnet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subnet {
    /// Its number.
    pub netuid: Netuid,
    /// The name of what it is about.
    pub task: String,
    /// Who receives the owner's cut and may change its rules.
    pub owner: Option<Coldkey>,
    /// Its share of emission.
    pub share: f64,
    /// Slots that are taken.
    pub neurons: usize,
    /// What a slot costs now.
    pub price: Amount,
    /// What its founder gets back when it ends.
    pub lock: Amount,
    /// The epoch that the next height belongs to.
    pub epoch: u64,
    /// The height at which it came.
    pub founded: u64,
    /// Its rules.
    pub rules: Hyperparameters,
}

impl Subnets {
    /// The subnets as the neuron of this view sees them.
    pub(super) fn of(view: &View) -> Self {
        let subnets = view.ledger.subnets().into_iter().map(Subnet::from).collect();
        Self { stamp: Stamp::of(view), lock_price: view.ledger.lock_price(), subnets }
    }
}

impl From<Overview> for Subnet {
    fn from(overview: Overview) -> Self {
        let Overview { netuid, task, owner, share, neurons, price, lock, epoch, founded, rules } = overview;
        let share = fraction(share);
        Self { netuid, task, owner, share, neurons, price, lock, epoch, founded, rules }
    }
}
