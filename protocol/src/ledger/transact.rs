//! What owners of accounts may do.
use crypto::Hotkey;

use super::{Ledger, Refusal, Shortfall};
use crate::transaction::{Action, Coldkey, Transaction};
use crate::{Amount, Verified};

impl Ledger {
    /// Does what an account's owner asks, for its fee; a refusal costs nothing and changes nothing.
    pub fn try_transaction(&mut self, transaction: &Verified<Transaction>) -> Result<(), Refusal> {
        let coldkey = Coldkey(transaction.signer());
        let Transaction { nonce, ref action } = **transaction;
        let mut account = self.account(&coldkey);
        #[cfg(feature = "planted-faults")]
        let nonce = if self.lacks(crate::Defence::OrdersOnce) { nonce.max(account.nonce) } else { nonce };
        if nonce != account.nonce {
            let next = account.nonce;
            return Err(Refusal::Nonce { coldkey, nonce, next });
        }
        let fee = self.fee(transaction.signed().size());
        let cost = self.cost(coldkey, action)?;
        let need = Amount(cost.0.saturating_add(fee.0));
        let have = account.balance;
        let short = Shortfall { have, need };
        account.balance = have.checked_sub(need).ok_or(Refusal::Funds { coldkey, short, fee })?;
        account.nonce += 1;
        self.accounts.insert(coldkey, account);
        self.chain.only_mut().burned.fees.0 += fee.0;
        self.perform(coldkey, action, cost);
        Ok(())
    }

    /// What a transaction of `size` bytes pays: its base fee and every byte of payload, key and signature.
    pub fn fee(&self, size: usize) -> Amount {
        let rules = self.parameters();
        let bytes = rules.fee_per_byte.0.saturating_mul(size as u64);
        Amount(rules.fee.0.saturating_add(bytes))
    }

    /// What an action takes from the account besides the fee, if it is allowed at all.
    fn cost(&self, coldkey: Coldkey, action: &Action) -> Result<Amount, Refusal> {
        match *action {
            Action::Transfer { to, amount } => self.check_receiver(to, amount).map(|()| amount),
            Action::Register { netuid, hotkey, limit } => {
                let price = self.registration_cost(netuid, hotkey, coldkey)?;
                match limit {
                    Some(have) if price > have => {
                        Err(Refusal::Price { netuid, short: Shortfall { have, need: price } })
                    }
                    _ => Ok(price),
                }
            }
            Action::AddStake { hotkey, amount } => {
                self.check_deposit(hotkey, coldkey, amount).map(|()| amount)
            }
            Action::RemoveStake { hotkey, amount } => {
                self.check_withdrawal(hotkey, coldkey, amount).map(|()| Amount::ZERO)
            }
            Action::MoveStake { from, to, amount } => {
                if from == to {
                    return Err(Refusal::SameHotkey(from));
                }
                self.check_withdrawal(from, coldkey, amount)?;
                self.check_arrivals(to, coldkey)?;
                self.check_deposit(to, coldkey, amount).map(|()| Amount::ZERO)
            }
            Action::SetTake { hotkey, take } => self.check_take(hotkey, coldkey, take).map(|()| Amount::ZERO),
            Action::SetChildren { netuid, hotkey, ref children } => {
                self.check_children(netuid, hotkey, coldkey, children).map(|()| Amount::ZERO)
            }
            Action::SetChildTake { netuid, hotkey, take } => {
                self.check_child_take(netuid, hotkey, coldkey, take).map(|()| Amount::ZERO)
            }
            Action::Prefer { hotkey, ref row } => {
                self.check_preference(hotkey, coldkey, row).map(|()| Amount::ZERO)
            }
            Action::Found { ref task, limit } => self.founding_cost(task, limit),
            Action::SetRule { netuid, ref rule } => {
                self.check_rule(netuid, coldkey, rule).map(|()| Amount::ZERO)
            }
            Action::Settle { hotkey, .. } => self.own(hotkey, coldkey).map(|_| Amount::ZERO),
            Action::Unjail { hotkey } => self.check_release(hotkey, coldkey).map(|()| Amount::ZERO),
            Action::Start { netuid } => self.check_start(netuid, coldkey).map(|()| Amount::ZERO),
        }
    }

    /// Whether a receiver would hold enough to be worth an account.
    fn check_receiver(&self, to: Coldkey, amount: Amount) -> Result<(), Refusal> {
        let have = Amount(self.balance(&to).0.saturating_add(amount.0));
        let need = self.parameters().minimum_balance;
        if have < need { Err(Refusal::Dust(to, Shortfall { have, need })) } else { Ok(()) }
    }

    /// Whether so much can be put behind a hotkey: at least the minimum, what buys a share, and what makes a nomination.
    fn check_deposit(&self, hotkey: Hotkey, coldkey: Coldkey, amount: Amount) -> Result<(), Refusal> {
        let delegate = self.delegates.get(&hotkey).ok_or(Refusal::NoHotkey(hotkey))?;
        let share = Amount(delegate.value.0.div_ceil(delegate.shares.max(1)));
        let there = self.stake_between(&hotkey, &coldkey);
        let nomination = self.least_nomination(delegate, &coldkey).saturating_sub(there);
        let least = share.max(self.parameters().minimum_stake).max(nomination);
        match amount < least || delegate.shares_for(amount) == 0 {
            true => Err(Refusal::TooLittle { coldkey, short: Shortfall { have: amount, need: least } }),
            false => Ok(()),
        }
    }

    /// Whether so much can be taken from behind a hotkey: at least the minimum or all there is, and free.
    fn check_withdrawal(&self, hotkey: Hotkey, coldkey: Coldkey, amount: Amount) -> Result<(), Refusal> {
        let have = self.stake_between(&hotkey, &coldkey);
        if amount > have {
            return Err(Refusal::Stake { coldkey, hotkey, short: Shortfall { have, need: amount } });
        }
        let least = self.parameters().minimum_stake.min(have).max(Amount(1));
        if amount < least {
            return Err(Refusal::TooLittle { coldkey, short: Shortfall { have: amount, need: least } });
        }
        let (arriving, until) = self.arriving(&hotkey, &coldkey);
        let short =
            Shortfall { have: have.saturating_sub(arriving), need: self.parting(&hotkey, &coldkey, amount) };
        match short.need > short.have {
            true => Err(Refusal::Arriving { hotkey, short, until }),
            false => Ok(()),
        }
    }

    /// Does what [`Ledger::cost`] allowed and the account paid.
    fn perform(&mut self, coldkey: Coldkey, action: &Action, cost: Amount) {
        match *action {
            Action::Transfer { to, amount } => self.credit(to, amount),
            Action::Register { netuid, hotkey, .. } => self.register(netuid, hotkey, coldkey, cost),
            Action::AddStake { hotkey, amount } => self.deposit(hotkey, coldkey, amount),
            Action::RemoveStake { hotkey, amount } => {
                let until = self.height().saturating_add(1 + self.parameters().unbonding);
                let amount = self.parting(&hotkey, &coldkey, amount);
                self.withdraw(hotkey, coldkey, amount);
                self.lock(until, coldkey, hotkey, amount);
            }
            Action::MoveStake { from, to, amount } => {
                let amount = self.parting(&from, &coldkey, amount);
                self.move_stake(coldkey, from, to, amount);
            }
            Action::SetTake { hotkey, take } => self.set_take(hotkey, take),
            Action::SetChildren { netuid, hotkey, ref children } => {
                self.plan_children(netuid, hotkey, children);
            }
            Action::SetChildTake { netuid, hotkey, take } => self.set_child_take(netuid, hotkey, take),
            Action::Prefer { hotkey, ref row } => self.prefer(hotkey, row),
            Action::Found { ref task, .. } => self.found_subnet(task, coldkey, cost),
            Action::SetRule { netuid, ref rule } => self.set_rule(netuid, rule),
            Action::Settle { hotkey, settles } => self.set_willing(hotkey, settles),
            Action::Unjail { hotkey } => self.release(hotkey),
            Action::Start { netuid } => self.start(netuid),
        }
    }
}
