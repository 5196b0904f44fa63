//! The ledger as people look at it: a subnet's metagraph and votes, what an account has at stake.
use std::collections::BTreeMap;

use crypto::{Hash, Hotkey};

use super::Ledger;
use super::entry::Slot;
use crate::Amount;
use crate::metagraph::{Metagraph, NeuronRow};
use crate::subnet::{Netuid, Uid};
use crate::transaction::Coldkey;
use crate::weights::Row;

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

    /// Who has a slot in a subnet, and which: to look many of them up.
    pub fn slots(&self, netuid: Netuid) -> BTreeMap<Hotkey, Uid> {
        self.slots_of(netuid).map(|(uid, slot)| (slot.hotkey, uid)).collect()
    }

    /// Whether a hotkey may vote in this epoch: it has stake enough and a permit, or is the owner's.
    pub fn may_vote(&self, netuid: Netuid, hotkey: &Hotkey) -> bool {
        self.voter(netuid, *hotkey).is_ok()
    }

    /// What a hotkey committed to in an epoch and did not reveal yet.
    pub fn commitment(&self, netuid: Netuid, hotkey: &Hotkey, epoch: u64) -> Option<Hash> {
        self.commits.get(&(netuid, epoch, *hotkey)).map(|committed| committed.commitment)
    }

    /// What waits to be revealed in a subnet: epoch, voter, hash, and the height of the commit.
    pub fn commitments(&self, netuid: Netuid) -> impl Iterator<Item = (u64, Hotkey, Hash, u64)> {
        let range = (netuid, 0, Hotkey([0; 32]))..=(netuid, u64::MAX, Hotkey([u8::MAX; 32]));
        let commits = self.commits.rows().range(range);
        commits.map(|((_, epoch, voter), made)| (*epoch, *voter, made.commitment, made.height))
    }

    /// The rows that vote when a subnet's epoch ends: voter, row, and the height of its commit.
    pub fn revealed(&self, netuid: Netuid) -> impl Iterator<Item = (Hotkey, &Row, u64)> {
        let range = (netuid, Hotkey([0; 32]))..=(netuid, Hotkey([u8::MAX; 32]));
        let reveals = self.reveals.rows().range(range);
        reveals.map(|((_, voter), shown)| (*voter, &shown.row, shown.committed))
    }

    /// Whose a hotkey is, once it was registered.
    pub fn owner(&self, hotkey: &Hotkey) -> Option<Coldkey> {
        self.delegates.get(hotkey).map(|delegate| delegate.owner)
    }

    /// Behind whom an account's coins are, and how many.
    pub fn stakes_of(&self, coldkey: &Coldkey) -> Vec<(Hotkey, Amount)> {
        let own = self.shares.rows().keys().filter(|(_, staker)| staker == coldkey);
        own.map(|(hotkey, _)| (*hotkey, self.stake_between(hotkey, coldkey))).collect()
    }

    /// An account's coins on their way back from stake: the height that frees them, behind whom they were, how many.
    pub fn locks_of(&self, coldkey: &Coldkey) -> Vec<(u64, Hotkey, Amount)> {
        let own = self.locks.rows().iter().filter(|((_, staker, _), _)| staker == coldkey);
        own.map(|((until, _, hotkey), amount)| (*until, *hotkey, *amount)).collect()
    }

    /// An account's stake that went on from one hotkey to another: the height that frees it, which it left, how much.
    pub fn moves_of(&self, coldkey: &Coldkey) -> Vec<(u64, Hotkey, Amount)> {
        let own = self.moves.rows().iter().filter(|((staker, ..), _)| staker == coldkey);
        own.map(|((.., (until, from)), amount)| (*until, *from, *amount)).collect()
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
