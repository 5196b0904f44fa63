//! The ledger as people look at it: one subnet's metagraph.
use crypto::{Hash, Hotkey};

use super::Ledger;
use super::entry::Slot;
use crate::metagraph::{Metagraph, NeuronRow};
use crate::subnet::{Netuid, Uid};
use crate::transaction::Coldkey;

impl Ledger {
    /// The numbers of every subnet, rising.
    pub fn netuids(&self) -> Vec<Netuid> {
        self.subnets.rows().keys().copied().collect()
    }

    /// A subnet as of now.
    pub fn metagraph(&self, netuid: Netuid) -> Option<Metagraph> {
        let subnet = self.subnets.get(&netuid)?;
        Some(Metagraph {
            netuid,
            height: self.height(),
            epoch: self.epoch(netuid)?,
            task: subnet.task.clone(),
            price: subnet.price,
            payout: subnet.payout,
            neurons: self.slots_of(netuid).map(|(uid, slot)| self.neuron(uid, slot)).collect(),
        })
    }

    /// Whether a hotkey may vote in this epoch.
    pub fn has_permit(&self, netuid: Netuid, hotkey: &Hotkey) -> bool {
        self.slots_of(netuid).any(|(_, slot)| slot.hotkey == *hotkey && slot.permit)
    }

    /// What a hotkey committed to in an epoch and did not reveal yet.
    pub fn commitment(&self, netuid: Netuid, hotkey: &Hotkey, epoch: u64) -> Option<Hash> {
        self.commits.get(&(netuid, epoch, *hotkey)).map(|committed| committed.commitment)
    }

    fn neuron(&self, uid: Uid, slot: &Slot) -> NeuronRow {
        let delegate = self.delegates.get(&slot.hotkey);
        let coldkey = delegate.map_or(Coldkey(slot.hotkey), |d| d.owner);
        NeuronRow {
            uid,
            hotkey: slot.hotkey,
            coldkey,
            permit: slot.permit,
            settles: delegate.is_some_and(|d| d.settles),
            stake: self.stake_of(&slot.hotkey),
            balance: self.balance(&coldkey),
            consensus: slot.verdict.consensus,
            trust: slot.verdict.trust,
            validator_trust: slot.verdict.validator_trust,
            incentive: slot.verdict.incentive,
            dividends: slot.verdict.dividends,
            latest: slot.latest,
            emission: slot.emission,
            registered: slot.registered,
            last_update: slot.last_update,
        }
    }
}
