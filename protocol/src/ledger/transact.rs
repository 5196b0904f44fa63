//! What owners of accounts may do.
use super::{Ledger, Refusal};
use crate::transaction::{Action, Coldkey, Transaction};
use crate::{Amount, Verified};

impl Ledger {
    /// Does what an account's owner asks, for its fee; a refusal costs nothing and changes nothing.
    pub fn try_transaction(&mut self, transaction: &Verified<Transaction>) -> Result<(), Refusal> {
        let coldkey = Coldkey(transaction.signer());
        let Transaction { nonce, ref action } = **transaction;
        let mut account = self.account(&coldkey);
        if nonce != account.nonce {
            let next = account.nonce;
            return Err(Refusal::Nonce { coldkey, nonce, next });
        }
        let fee = self.fee(transaction.signed().size());
        let cost = self.cost(coldkey, action)?;
        let need = Amount(cost.0.saturating_add(fee.0));
        account.balance = account.balance.checked_sub(need).ok_or(Refusal::Funds {
            coldkey,
            have: account.balance,
            need,
            fee,
        })?;
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
            Action::Transfer { amount, .. } => Ok(amount),
            Action::Register { netuid, hotkey } => self.registration_cost(netuid, hotkey, coldkey),
            Action::AddStake { hotkey, amount } => {
                let delegate = self.delegates.get(&hotkey).ok_or(Refusal::NoHotkey(hotkey))?;
                let least = Amount(delegate.value.0.div_ceil(delegate.shares.max(1)).max(1));
                match delegate.shares_for(amount) {
                    0 => Err(Refusal::TooLittle { coldkey, amount, least }),
                    _ => Ok(amount),
                }
            }
            Action::RemoveStake { hotkey, amount } => {
                let have = self.stake_between(&hotkey, &coldkey);
                let least = Amount(1);
                match amount {
                    Amount::ZERO => Err(Refusal::TooLittle { coldkey, amount, least }),
                    need if need > have => Err(Refusal::Stake { coldkey, hotkey, have, need }),
                    _ => Ok(Amount::ZERO),
                }
            }
            Action::Settle { hotkey, .. } => self.own(hotkey, coldkey).map(|_| Amount::ZERO),
        }
    }

    /// Does what [`Ledger::cost`] allowed and the account paid.
    fn perform(&mut self, coldkey: Coldkey, action: &Action, cost: Amount) {
        match *action {
            Action::Transfer { to, amount } => self.credit(to, amount),
            Action::Register { netuid, hotkey } => self.register(netuid, hotkey, coldkey, cost),
            Action::AddStake { hotkey, amount } => self.deposit(hotkey, coldkey, amount),
            Action::RemoveStake { hotkey, amount } => {
                let until = self.height().saturating_add(1 + self.parameters().unbonding);
                self.withdraw(hotkey, coldkey, amount);
                self.lock(until, coldkey, hotkey, amount);
            }
            Action::Settle { hotkey, settles } => self.set_willing(hotkey, settles),
        }
    }
}
