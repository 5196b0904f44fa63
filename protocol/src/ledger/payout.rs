//! The end of an epoch: ballots are counted and its emission is paid (spec sections 2 and 11.4).
use super::children::{Loans, Parts};
use super::entry::{Bonds, Slot, Verdict};
use super::{Counted, Ledger, Payment, Payout, Watch};
use crate::Amount;
use crate::parameters::{BASIS_POINTS, Hyperparameters, LiquidAlpha};
use crate::subnet::{Epoch, Netuid, Uid};
use crate::yuma::{self, Ballot, Liquid, Outcome, Setting, Share};

impl Ledger {
    /// Ends the epochs whose last height this is, by rising netuid.
    pub(super) fn end_epochs(&mut self, height: u64, watch: Watch<'_>) {
        let rows = self.subnets.rows().iter();
        let due = rows.filter(|(_, subnet)| subnet.epoch.last <= height);
        let due: Vec<_> = due.map(|(netuid, _)| *netuid).collect();
        due.into_iter().for_each(|netuid| self.end_epoch(netuid, watch));
    }

    /// Counts and pays an epoch and begins the next, as long as tempo is now.
    fn end_epoch(&mut self, netuid: Netuid, watch: Watch<'_>) {
        let Some(subnet) = self.subnets.get_mut(&netuid) else {
            return;
        };
        let (rules, ended) = (subnet.hyperparameters.clone(), subnet.epoch);
        subnet.epoch = ended.next(rules.tempo);
        let setting = Setting { owner: self.owners_oldest(netuid), ..setting(&rules, ended) };
        let loans = self.loans(netuid);
        let ballots = self.ballots(netuid, &loans);
        let outcome = yuma::epoch(&ballots, &setting);
        let (pool, payments) = self.pay(netuid, &rules, &outcome, &loans);
        watch(&Counted {
            netuid,
            epoch: ended.index,
            rules: &rules,
            ballots: &ballots,
            outcome: &outcome,
            pool,
            payments: &payments,
        });
        self.record(netuid, outcome, &setting);
        self.clear_votes(netuid, ended.index, rules.reveal_window);
        self.renew_children(netuid);
    }

    fn ballots(&self, netuid: Netuid, loans: &Loans) -> Vec<Ballot> {
        self.slots_of(netuid).map(|(uid, slot)| self.ballot((netuid, uid), slot, loans)).collect()
    }

    /// Only a row revealed in this epoch is activity: who does not reveal votes for nobody and earns nothing.
    ///
    /// `updated` is the height of the very commit that bound the row, so a miner that registered after it receives
    /// nothing from it. The reference chain needs a second rule for that (spec section 2.5, step 4), because there a
    /// later commit refreshes `updated`; commits that still wait say nothing about this row.
    fn ballot(&self, place: (Netuid, Uid), slot: &Slot, loans: &Loans) -> Ballot {
        let revealed = self.reveals.get(&(place.0, slot.hotkey));
        Ballot {
            stake: self.votes_of(&slot.hotkey, loans).0,
            permit: slot.permit,
            active: revealed.is_some(),
            row: revealed.map(|shown| shown.row.0.clone()).unwrap_or_default(),
            updated: revealed.map_or(0, |shown| shown.committed),
            waiting: None,
            registered: slot.registered,
            bonds: self.bonds.get(&place).cloned().unwrap_or_default(),
        }
    }

    /// Pays the pool out. What nobody may have burns: all of it if nobody agrees.
    fn pay(
        &mut self,
        netuid: Netuid,
        rules: &Hyperparameters,
        outcome: &Outcome,
        loans: &Loans,
    ) -> (Amount, Vec<Payment>) {
        let Some(subnet) = self.subnets.get_mut(&netuid) else {
            return (Amount::ZERO, Vec::new());
        };
        let pool = std::mem::take(&mut subnet.pending);
        let owner = subnet.owner;
        let agreed = outcome.incentive.iter().any(|share| *share > Share::ZERO);
        let part = |cut: u16| pool.portion(if agreed { cut.into() } else { 0 }, BASIS_POINTS);
        let mut payout = Payout::default();
        if let Some(owner) = owner {
            payout.owner = part(rules.owner_cut);
            self.credit(owner, payout.owner);
        }
        let slots = outcome.incentive.iter().zip(&outcome.dividends).enumerate();
        let pay = |(i, (incentive, dividends)): (usize, (&Share, &Share))| {
            let (mined, voted) =
                (incentive.of(part(rules.miners_cut)), dividends.of(part(rules.validators_cut)));
            self.pay_neuron((netuid, Uid(i as u16)), mined, voted, loans)
        };
        let payments: Vec<_> = slots.filter_map(pay).collect();
        payout.miners.0 = payments.iter().map(|payment| payment.mined.0).sum();
        payout.validators.0 = payments.iter().map(|payment| payment.voted.0).sum();
        payout.burned = Amount(pool.0 - payout.owner.0 - payout.miners.0 - payout.validators.0);
        #[cfg(feature = "planted-faults")]
        if self.breaks(crate::Fault::MapOrder) {
            self.pay_by_map_order(&payments, &mut payout);
        }
        self.withhold(payout.burned);
        if let Some(subnet) = self.subnets.get_mut(&netuid) {
            subnet.payout = payout;
        }
        (pool, payments)
    }

    /// Pays one neuron its incentive and its dividends, as far as it may have them.
    fn pay_neuron(
        &mut self,
        place: (Netuid, Uid),
        incentive: Amount,
        dividends: Amount,
        loans: &Loans,
    ) -> Option<Payment> {
        let slot = self.slots.get(&place)?;
        let (hotkey, before) = (slot.hotkey, slot.attendance);
        let mined = self.pay_miner(place, incentive);
        let (voted, Parts { take, lenders }) = self.pay_validator(place, dividends, loans);
        self.note_earnings(place, Amount(mined.0 + voted.0));
        let now = self.attendance_of(&hotkey);
        let (due, signed) = (now.due - before.due, now.signed - before.signed);
        Some(Payment { hotkey, incentive, mined, dividends, voted, take, lenders, due, signed })
    }

    /// Stakes a miner's pay behind it in its owner's name. Owners of a subnet cannot mine it.
    fn pay_miner(&mut self, place: (Netuid, Uid), amount: Amount) -> Amount {
        let subnet_owner = self.subnets.get(&place.0).and_then(|subnet| subnet.owner);
        let Some(hotkey) = self.slots.get(&place).map(|slot| slot.hotkey) else {
            return Amount::ZERO;
        };
        match self.delegates.get(&hotkey).map(|delegate| delegate.owner) {
            Some(owner) if Some(owner) != subnet_owner => {
                self.deposit(hotkey, owner, amount);
                amount
            }
            _ => Amount::ZERO,
        }
    }

    /// Pays a validator, its stakers and those who lend to it as far as it was there to sign certificates: what in all,
    /// and who got what of that.
    fn pay_validator(&mut self, place: (Netuid, Uid), amount: Amount, loans: &Loans) -> (Amount, Parts) {
        let Some(slot) = self.slots.get(&place) else {
            return Default::default();
        };
        let hotkey = slot.hotkey;
        let (kept, whole) = self.attendance_of(&hotkey).kept_since(slot.attendance);
        if amount == Amount::ZERO || self.delegates.get(&hotkey).is_none() {
            return Default::default();
        }
        let paid = amount.portion(kept, whole);
        (paid, self.pay_voter(place.0, hotkey, paid, loans))
    }

    fn note_earnings(&mut self, place: (Netuid, Uid), earned: Amount) {
        let attendance = self.slots.get(&place).map(|slot| self.attendance_of(&slot.hotkey));
        if let (Some(slot), Some(attendance)) = (self.slots.get_mut(&place), attendance) {
            slot.latest = earned;
            slot.emission = Amount(slot.emission.0.saturating_add(earned.0));
            slot.attendance = attendance;
        }
    }

    /// Keeps verdicts, bonds and the permits of the next epoch.
    fn record(&mut self, netuid: Netuid, outcome: Outcome, setting: &Setting) {
        let stored = yuma::stored(outcome.bonds, &outcome.permits, setting);
        for (i, bonds) in stored.rows().iter().enumerate() {
            let place = (netuid, Uid(i as u16));
            if let Some(slot) = self.slots.get_mut(&place) {
                slot.permit = outcome.permits[i];
                slot.verdict = Verdict {
                    consensus: outcome.consensus[i],
                    trust: outcome.trust[i],
                    validator_trust: outcome.validator_trust[i],
                    incentive: outcome.incentive[i],
                    dividends: outcome.dividends[i],
                };
            }
            self.keep_bonds(place, bonds);
        }
    }

    fn keep_bonds(&mut self, place: (Netuid, Uid), bonds: &Bonds) {
        match bonds.is_empty() {
            true => drop(self.bonds.remove(&place)),
            false => self.bonds.insert(place, bonds.clone()),
        }
    }
}

fn setting(rules: &Hyperparameters, epoch: Epoch) -> Setting {
    Setting {
        kappa: Share::of_u16(rules.kappa),
        penalty: Share::of_u16(rules.bonds_penalty),
        alpha: Share::ONE - Share::ratio(rules.bonds_moving_average.into(), 1_000_000),
        threshold: rules.stake_threshold.0,
        permits: rules.permits.into(),
        liquid: rules.liquid.on.then(|| liquid(&rules.liquid)),
        start: epoch.first,
        incentive: rules.incentive,
        ..Setting::default()
    }
}

fn liquid(rules: &LiquidAlpha) -> Liquid {
    let (low, high) = (Share::of_u16(rules.low), Share::of_u16(rules.high));
    Liquid { low, high, steepness: rules.steepness, erases: false }
}
