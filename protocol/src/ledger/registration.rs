//! Slots: their price (spec section 8.1) and whose is taken when all are full (section 9).
use crypto::Hotkey;

use super::entry::{Attendance, Slot, Verdict};
use super::{Ledger, Refusal};
use crate::Amount;
use crate::fixed::decay_factor;
use crate::parameters::Burn;
use crate::subnet::{Netuid, Uid};
use crate::transaction::Coldkey;

impl Slot {
    pub(super) fn new(hotkey: Hotkey, registered: u64, attendance: Attendance) -> Self {
        Self {
            hotkey,
            registered,
            permit: false,
            attendance,
            latest: Amount::ZERO,
            emission: Amount::ZERO,
            last_update: registered,
            verdict: Verdict::default(),
        }
    }
}

impl Ledger {
    /// What registering in a subnet costs now, the fee aside.
    pub fn price(&self, netuid: Netuid) -> Option<Amount> {
        self.subnets.get(&netuid).map(|subnet| subnet.price)
    }

    /// What `coldkey` must pay for a slot for `hotkey`, if it may have one.
    pub(super) fn registration_cost(
        &self,
        netuid: Netuid,
        hotkey: Hotkey,
        coldkey: Coldkey,
    ) -> Result<Amount, Refusal> {
        let price = self.price(netuid).ok_or(Refusal::NoSubnet(netuid))?;
        if self.delegates.get(&hotkey).is_some() {
            self.own(hotkey, coldkey)?;
        }
        if let Some(uid) = self.slot(netuid, &hotkey) {
            return Err(Refusal::HasSlot { hotkey, netuid, uid });
        }
        let slots = self.slots_of(netuid).count();
        let free = self.free_slot(netuid);
        free.map(|_| price).ok_or(Refusal::Full { netuid, slots })
    }

    /// Seats a newcomer that has paid `price`, which burns.
    pub(super) fn register(&mut self, netuid: Netuid, hotkey: Hotkey, coldkey: Coldkey, price: Amount) {
        let Some(uid) = self.free_slot(netuid) else { return };
        if let Some(old) = self.slots.get(&(netuid, uid)).map(|slot| slot.hotkey) {
            self.forget_votes(netuid, old);
            self.bonds.remove(&(netuid, uid));
        }
        let slot = Slot::new(hotkey, self.height() + 1, self.attendance_of(&hotkey));
        self.slots.insert((netuid, uid), slot);
        self.adopt(hotkey, coldkey);
        self.chain.only_mut().burned.registrations.0 += price.0;
        if let Some(subnet) = self.subnets.get_mut(&netuid) {
            let burn = &subnet.hyperparameters.burn;
            let raised = subnet.price.portion(burn.multiplier.into(), 100);
            subnet.price = raised.clamp(burn.minimum, burn.maximum);
        }
    }

    /// Every price falls a little at every height.
    pub(super) fn decay_prices(&mut self) {
        for subnet in self.subnets.rows_mut().values_mut() {
            subnet.price = subnet.hyperparameters.burn.decayed(subnet.price);
        }
    }

    /// The next empty slot, or else the one to prune.
    fn free_slot(&self, netuid: Netuid) -> Option<Uid> {
        let limit = self.hyperparameters(netuid)?.slots;
        let taken = self.slots_of(netuid).count();
        match u16::try_from(taken).ok().filter(|taken| *taken < limit) {
            Some(empty) => Some(Uid(empty)),
            None => self.least_earning(netuid),
        }
    }

    /// By least earned in the last epoch, then oldest, then uid; the immune only while too few others are left, the
    /// subnet owner's oldest slot never.
    fn least_earning(&self, netuid: Netuid) -> Option<Uid> {
        let rules = self.hyperparameters(netuid)?;
        let height = self.height() + 1;
        let owned = self.owners_oldest(netuid);
        let mut order: Vec<_> = self
            .slots_of(netuid)
            .filter(|(uid, _)| Some(*uid) != owned)
            .map(|(uid, slot)| {
                let immune = height.saturating_sub(slot.registered) < rules.immunity;
                (immune, slot.latest, slot.registered, uid)
            })
            .collect();
        order.sort_unstable();
        let prunable = order.iter().filter(|(immune, ..)| !immune).count();
        let skipped = match prunable > usize::from(rules.minimum_prunable) {
            true => 0,
            false => prunable,
        };
        order.get(skipped).map(|(.., uid)| *uid)
    }

    /// Of the neurons of a subnet's owner the one that came first: it stays and votes, whatever it earns or has staked.
    pub(super) fn owners_oldest(&self, netuid: Netuid) -> Option<Uid> {
        let owner = self.subnets.get(&netuid)?.owner?;
        let owned = |hotkey| self.delegates.get(hotkey).is_some_and(|d| d.owner == owner);
        self.slots_of(netuid)
            .filter(|(_, slot)| owned(&slot.hotkey))
            .min_by_key(|(uid, slot)| (slot.registered, *uid))
            .map(|(uid, _)| uid)
    }
}

impl Burn {
    /// A price one height later, if nobody registers.
    pub fn decayed(&self, price: Amount) -> Amount {
        price.portion(self.decay_factor(), 1 << 32).min(self.maximum).max(self.minimum)
    }

    /// What a price falls by at every height, in 2⁻³².
    pub fn decay_factor(&self) -> u64 {
        decay_factor(self.half_life)
    }
}
