//! Subnets as people look at them.
use super::Ledger;
use super::entry::Subnet;
use crate::Amount;
use crate::parameters::Hyperparameters;
use crate::subnet::Netuid;
use crate::transaction::Coldkey;
use crate::yuma::Share;

/// One subnet in brief.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// Its number.
    pub netuid: Netuid,
    /// The name of what it is about.
    pub task: String,
    /// Who receives the owner's cut and may change its rules.
    pub owner: Option<Coldkey>,
    /// Its share of emission.
    pub share: Share,
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

impl Ledger {
    /// Every subnet, by rising number.
    pub fn subnets(&self) -> Vec<Overview> {
        let overview = |(netuid, subnet): (&Netuid, &Subnet)| Overview {
            netuid: *netuid,
            task: subnet.task.clone(),
            owner: subnet.owner,
            share: subnet.share,
            neurons: self.slots_of(*netuid).count(),
            price: subnet.price,
            lock: subnet.lock,
            epoch: self.epoch(*netuid).unwrap_or_default(),
            founded: subnet.founded,
            rules: subnet.hyperparameters.clone(),
        };
        self.subnets.rows().iter().map(overview).collect()
    }
}
