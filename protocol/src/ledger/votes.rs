//! Weight rows: committed in one epoch, revealed in the next (DESIGN section 6).
use crypto::{Hash, Hotkey, hash};

use super::entry::{Committed, Revealed};
use super::{Ledger, Refusal, Shortfall};
use crate::subnet::{Netuid, Uid};
use crate::weights::{Commit, Reveal, Row};
use crate::{Amount, Verified};

impl Ledger {
    /// Accepts a commit for `height() + 1`: by whoever may vote, for the epoch of that height, one each.
    ///
    /// What its row must have follows from the rules of now, so that nothing that happens while it is hidden can make a
    /// sound row unsound.
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
        let version = self.hyperparameters(netuid).map_or(0, |rules| rules.weights_version);
        let entries = self.least_weights(netuid);
        self.commits.insert((netuid, epoch, hotkey), Committed { commitment, height, version, entries });
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
        let uid = self.holder(netuid, hotkey)?;
        self.check_stake(netuid, hotkey, uid)?;
        self.check_reveal_epoch(netuid, hotkey, epoch)?;
        let committed = self.opened(reveal)?;
        if reveal.version < committed.version {
            let (version, least) = (reveal.version, committed.version);
            return Err(Refusal::OldVersion { hotkey, netuid, version, least });
        }
        self.check_permit(netuid, hotkey, uid)?;
        self.check_row(netuid, hotkey, &reveal.row)?;
        check_entries(netuid, hotkey, uid, &reveal.row, committed.entries)?;
        let committed = committed.height;
        self.commits.remove(&(netuid, epoch, hotkey));
        let shown = self.reveals.get(&(netuid, hotkey));
        if shown.is_none_or(|shown| shown.committed < committed) {
            let row = reveal.row.clone();
            self.reveals.insert((netuid, hotkey), Revealed { committed, row });
        }
        let beacon = &mut self.chain.only_mut().beacon;
        *beacon = hash("neuron v1 beacon", &[&beacon.0, &reveal.salt.0]);
        Ok(())
    }

    /// The fewest targets that a row committed to now must name.
    pub fn least_weights(&self, netuid: Netuid) -> u16 {
        let slots = u16::try_from(self.slots_of(netuid).count()).unwrap_or(u16::MAX);
        self.hyperparameters(netuid).map_or(0, |rules| rules.minimum_weights.min(slots))
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

    /// The uid of a hotkey that may commit now, by the rules of spec section 6 that need no row and in their order.
    pub(super) fn voter(&self, netuid: Netuid, hotkey: Hotkey) -> Result<Uid, Refusal> {
        let uid = self.holder(netuid, hotkey)?;
        self.check_stake(netuid, hotkey, uid)?;
        self.check_permit(netuid, hotkey, uid)?;
        Ok(uid)
    }

    fn holder(&self, netuid: Netuid, hotkey: Hotkey) -> Result<Uid, Refusal> {
        self.subnets.get(&netuid).ok_or(Refusal::NoSubnet(netuid))?;
        self.slot(netuid, &hotkey).ok_or(Refusal::NoSlot { hotkey, netuid })
    }

    /// The owner may vote with any stake.
    fn check_stake(&self, netuid: Netuid, hotkey: Hotkey, uid: Uid) -> Result<(), Refusal> {
        let need = self.hyperparameters(netuid).map_or(Amount::ZERO, |rules| rules.stake_threshold);
        let have = self.voting_stake(netuid, &hotkey);
        match have < need && self.owners_oldest(netuid) != Some(uid) {
            true => Err(Refusal::LittleStake { hotkey, netuid, short: Shortfall { have, need } }),
            false => Ok(()),
        }
    }

    /// The owner needs no permit.
    fn check_permit(&self, netuid: Netuid, hotkey: Hotkey, uid: Uid) -> Result<(), Refusal> {
        let permit = self.slots.get(&(netuid, uid)).is_some_and(|slot| slot.permit);
        match permit || self.owners_oldest(netuid) == Some(uid) {
            true => Ok(()),
            false => Err(Refusal::NoPermit { hotkey, netuid }),
        }
    }

    fn check_reveal_epoch(&self, netuid: Netuid, hotkey: Hotkey, epoch: u64) -> Result<(), Refusal> {
        let rules = self.hyperparameters(netuid).ok_or(Refusal::NoSubnet(netuid))?;
        let now = self.epoch(netuid).ok_or(Refusal::NoSubnet(netuid))?;
        let first = epoch.saturating_add(1);
        let last = epoch.saturating_add(rules.reveal_window);
        match (first..=last).contains(&now) {
            true => Ok(()),
            false => Err(Refusal::RevealEpoch { hotkey, netuid, epoch, now, first, last }),
        }
    }

    /// The commit that a reveal shows the row of.
    fn opened(&self, reveal: &Verified<Reveal>) -> Result<&Committed, Refusal> {
        let (hotkey, netuid, epoch) = (reveal.signer(), reveal.netuid, reveal.epoch);
        let commit = self.commits.get(&(netuid, epoch, hotkey));
        let commit = commit.ok_or(Refusal::NoCommit { hotkey, netuid, epoch })?;
        match self.opens(&commit.commitment, reveal) {
            true => Ok(commit),
            false => Err(Refusal::OtherRow { hotkey, epoch }),
        }
    }

    /// Whether a reveal shows the row that its author hid behind a commitment.
    pub fn opens(&self, commitment: &Hash, reveal: &Verified<Reveal>) -> bool {
        #[cfg(feature = "planted-faults")]
        if self.lacks(crate::Defence::OwnCommitments) {
            let voters = self.slots_of(reveal.netuid);
            return voters.into_iter().any(|(_, slot)| reveal.commitment(&slot.hotkey) == *commitment);
        }
        reveal.digest() == *commitment
    }

    /// Whether a row names slots that are taken, each once: that its uids rise strictly is checked with its signature.
    fn check_row(&self, netuid: Netuid, hotkey: Hotkey, row: &Row) -> Result<(), Refusal> {
        let (slots, entries) = (self.slots_of(netuid).count(), row.0.len());
        if entries > slots {
            return Err(Refusal::TooManyTargets { hotkey, netuid, entries, slots });
        }
        match row.0.iter().find(|(uid, _)| usize::from(uid.0) >= slots) {
            Some((uid, _)) => Err(Refusal::NoTarget { hotkey, netuid, uid: *uid, slots }),
            None => Ok(()),
        }
    }
}

/// Whether a row names targets enough. A vote for oneself alone is free to be short: it says nothing.
fn check_entries(netuid: Netuid, hotkey: Hotkey, uid: Uid, row: &Row, least: u16) -> Result<(), Refusal> {
    let entries = row.0.len();
    let itself = matches!(row.0[..], [(target, _)] if target == uid);
    match entries < usize::from(least) && !itself {
        true => Err(Refusal::TooFewTargets { hotkey, netuid, entries, least }),
        false => Ok(()),
    }
}
