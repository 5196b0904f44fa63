//! Weight rows: committed in one epoch, revealed in the next (DESIGN section 6).
use crypto::{Hotkey, hash};

use super::entry::{Committed, Revealed, Slot};
use super::{Ledger, Refusal};
use crate::Verified;
use crate::subnet::{Netuid, Uid};
use crate::weights::{Commit, Reveal, Row};

impl Ledger {
    /// Accepts a commit for `height() + 1`: by a permitted validator, for the epoch of that height, one each.
    pub fn try_commit(&mut self, commit: &Verified<Commit>) -> Result<(), Refusal> {
        let (hotkey, netuid, epoch) = (commit.signer(), commit.netuid, commit.epoch);
        let uid = self.voter(netuid, hotkey)?;
        let now = self.epoch(netuid).ok_or(Refusal::NoSubnet(netuid))?;
        if epoch != now {
            return Err(Refusal::CommitEpoch { hotkey, netuid, epoch, now });
        }
        if self.commits.get(&(netuid, epoch, hotkey)).is_some() {
            return Err(Refusal::CommitTwice { hotkey, netuid, epoch });
        }
        let height = self.height() + 1;
        let commitment = commit.commitment;
        self.commits.insert((netuid, epoch, hotkey), Committed { commitment, height });
        if let Some(slot) = self.slots.get_mut(&(netuid, uid)) {
            slot.last_update = height;
        }
        Ok(())
    }

    /// Accepts the row that a commit of an earlier epoch bound; it votes when the present epoch ends.
    ///
    /// Of two rows revealed in one epoch the one committed later votes.
    pub fn try_reveal(&mut self, reveal: &Verified<Reveal>) -> Result<(), Refusal> {
        let (hotkey, netuid, epoch) = (reveal.signer(), reveal.netuid, reveal.epoch);
        self.voter(netuid, hotkey)?;
        self.check_reveal_epoch(netuid, hotkey, epoch)?;
        let key = (netuid, epoch, hotkey);
        let commit = self.commits.get(&key).ok_or(Refusal::NoCommit { hotkey, netuid, epoch })?;
        if commit.commitment != reveal.commitment(&hotkey) {
            return Err(Refusal::OtherRow { hotkey, epoch });
        }
        self.check_targets(netuid, hotkey, &reveal.row)?;
        let committed = commit.height;
        self.commits.remove(&key);
        let shown = self.reveals.get(&(netuid, hotkey));
        if shown.is_none_or(|shown| shown.committed < committed) {
            let row = reveal.row.clone();
            self.reveals.insert((netuid, hotkey), Revealed { committed, row });
        }
        let beacon = &mut self.chain.only_mut().beacon;
        *beacon = hash("neuron v1 beacon", &[&beacon.0, &reveal.salt.0]);
        Ok(())
    }

    /// Forgets rows that have voted and commits that can no longer be revealed.
    pub(super) fn clear_votes(&mut self, netuid: Netuid, ended: u64, window: u64) {
        self.reveals.retain(|(subnet, _)| *subnet != netuid);
        let open = |epoch: u64| epoch.saturating_add(window) > ended;
        self.commits.retain(|(subnet, epoch, _)| *subnet != netuid || open(*epoch));
    }

    /// Forgets the votes of a hotkey that lost its slot.
    pub(super) fn forget_votes(&mut self, netuid: Netuid, hotkey: Hotkey) {
        self.reveals.remove(&(netuid, hotkey));
        self.commits.retain(|(subnet, _, voter)| (*subnet, *voter) != (netuid, hotkey));
    }

    fn voter(&self, netuid: Netuid, hotkey: Hotkey) -> Result<Uid, Refusal> {
        self.subnets.get(&netuid).ok_or(Refusal::NoSubnet(netuid))?;
        let found = self.slots_of(netuid).find(|(_, slot)| slot.hotkey == hotkey);
        match found {
            None => Err(Refusal::NoSlot { hotkey, netuid }),
            Some((_, Slot { permit: false, .. })) => Err(Refusal::NoPermit { hotkey, netuid }),
            Some((uid, _)) => Ok(uid),
        }
    }

    fn check_reveal_epoch(&self, netuid: Netuid, hotkey: Hotkey, epoch: u64) -> Result<(), Refusal> {
        let rules = self.hyperparameters(netuid).ok_or(Refusal::NoSubnet(netuid))?;
        let now = self.height() / rules.tempo;
        let first = epoch.saturating_add(1);
        let last = epoch.saturating_add(rules.reveal_window);
        match (first..=last).contains(&now) {
            true => Ok(()),
            false => Err(Refusal::RevealEpoch { hotkey, netuid, epoch, now, first, last }),
        }
    }

    fn check_targets(&self, netuid: Netuid, hotkey: Hotkey, row: &Row) -> Result<(), Refusal> {
        let slots = self.slots_of(netuid).count();
        match row.0.iter().find(|(uid, _)| usize::from(uid.0) >= slots) {
            Some((uid, _)) => Err(Refusal::NoTarget { hotkey, netuid, uid: *uid, slots }),
            None => Ok(()),
        }
    }
}
