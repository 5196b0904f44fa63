//! Coins of accounts, and the share pools that hold stake (spec section 12.1).
use crypto::Hotkey;

use super::entry::{Account, Delegate};
use super::{Ledger, Refusal};
use crate::Amount;
use crate::parameters::BASIS_POINTS;
use crate::transaction::Coldkey;

/// How many moves of a staker's stake may be on their way to one hotkey at once.
pub(super) const MAX_ARRIVALS: usize = 32;

impl Delegate {
    /// How many shares `amount` buys, rounded down in favour of those who hold some.
    pub(super) fn shares_for(&self, amount: Amount) -> u64 {
        match self.shares {
            0 => amount.0,
            shares => amount.portion(shares, self.value.0).0,
        }
    }

    /// How many shares `amount` costs, rounded up.
    fn shares_of(&self, amount: Amount) -> u64 {
        let product = u128::from(amount.0) * u128::from(self.shares);
        let shares = product.div_ceil(u128::from(self.value.0.max(1)));
        u64::try_from(shares).unwrap_or(u64::MAX)
    }

    /// What `shares` are worth, rounded down.
    pub(super) fn worth(&self, shares: u64) -> Amount {
        self.value.portion(shares, self.shares)
    }
}

impl Ledger {
    pub(super) fn account(&self, coldkey: &Coldkey) -> Account {
        self.accounts.get(coldkey).copied().unwrap_or_default()
    }

    /// Adds coins; sums stay below the cap on all coins.
    pub(super) fn credit(&mut self, coldkey: Coldkey, amount: Amount) {
        if amount > Amount::ZERO {
            let account = self.accounts.rows_mut().entry(coldkey).or_default();
            account.balance = Amount(account.balance.0.saturating_add(amount.0));
        }
    }

    /// Gives a hotkey its owner if it has none.
    pub(super) fn adopt(&mut self, hotkey: Hotkey, owner: Coldkey) {
        if self.delegates.get(&hotkey).is_none() {
            let take = self.parameters().default_take;
            let take_rose = self.height();
            let delegate =
                Delegate { owner, take, take_rose, value: Amount::ZERO, shares: 0, settles: false };
            self.delegates.insert(hotkey, delegate);
        }
    }

    /// What an account's shares of a hotkey's pool are worth.
    pub fn stake_between(&self, hotkey: &Hotkey, coldkey: &Coldkey) -> Amount {
        let shares = self.shares.get(&(*hotkey, *coldkey)).copied().unwrap_or(0);
        self.delegates.get(hotkey).map_or(Amount::ZERO, |d| d.worth(shares))
    }

    /// Puts coins behind a known hotkey in the name of `coldkey`.
    pub(super) fn deposit(&mut self, hotkey: Hotkey, coldkey: Coldkey, amount: Amount) {
        if amount == Amount::ZERO {
            return;
        }
        if let Some(delegate) = self.delegates.get_mut(&hotkey) {
            let bought = delegate.shares_for(amount);
            delegate.shares = delegate.shares.saturating_add(bought);
            delegate.value = Amount(delegate.value.0.saturating_add(amount.0));
            if bought > 0 {
                let held = self.shares.rows_mut().entry((hotkey, coldkey)).or_default();
                *held = held.saturating_add(bought);
            }
        }
    }

    /// Takes back coins that [`Ledger::parting`] named; who takes all it has keeps no share.
    pub(super) fn withdraw(&mut self, hotkey: Hotkey, coldkey: Coldkey, amount: Amount) {
        let held = self.shares.get(&(hotkey, coldkey)).copied().unwrap_or(0);
        if let Some(delegate) = self.delegates.get_mut(&hotkey) {
            let all = amount == delegate.worth(held);
            let sold = if all { held } else { delegate.shares_of(amount) };
            delegate.shares = delegate.shares.saturating_sub(sold);
            delegate.value = delegate.value.saturating_sub(amount);
            match held.saturating_sub(sold) {
                0 => drop(self.shares.remove(&(hotkey, coldkey))),
                left => self.shares.insert((hotkey, coldkey), left),
            }
        }
    }

    /// Pays a validator's earnings: the take, which it returns, to its owner, the rest to all its stakers at once, at a
    /// cost that does not depend on how many they are.
    ///
    /// On a pool of next to no shares all of it is the owner's: else each would soon cost more than most can stake.
    pub(super) fn pay_dividend(&mut self, hotkey: Hotkey, amount: Amount) -> Amount {
        let Some(delegate) = self.delegates.get(&hotkey) else {
            return Amount::ZERO;
        };
        let owner = delegate.owner;
        let take = match delegate.shares < self.parameters().minimum_stake.0 {
            true => amount,
            false => amount.portion(delegate.take.into(), BASIS_POINTS),
        };
        if let Some(delegate) = self.delegates.get_mut(&hotkey) {
            let rest = amount.saturating_sub(take);
            delegate.value = Amount(delegate.value.0.saturating_add(rest.0));
        }
        self.deposit(hotkey, owner, take);
        take
    }

    /// How much of a staker's stake behind a hotkey came from another and is not free yet, and when the last of it is.
    pub(super) fn arriving(&self, hotkey: &Hotkey, coldkey: &Coldkey) -> (Amount, u64) {
        self.arrivals(hotkey, coldkey).fold((Amount::ZERO, 0), |(sum, last), (until, amount)| {
            (Amount(sum.0.saturating_add(amount.0)), last.max(until))
        })
    }

    /// Whether a staker may move more to a hotkey: what is on its way there must be looked at whenever some leaves.
    pub(super) fn check_arrivals(&self, hotkey: Hotkey, coldkey: Coldkey) -> Result<(), Refusal> {
        let arrivals = || self.arrivals(&hotkey, &coldkey);
        match arrivals().next().filter(|_| arrivals().count() >= MAX_ARRIVALS) {
            Some((until, _)) => Err(Refusal::Arrivals(hotkey, until)),
            None => Ok(()),
        }
    }

    /// What came to a hotkey from others, by the height that frees it.
    fn arrivals(&self, hotkey: &Hotkey, coldkey: &Coldkey) -> impl Iterator<Item = (u64, Amount)> {
        let key = |until, from| (*coldkey, *hotkey, (until, Hotkey(from)));
        let moves = self.moves.rows().range(key(0, [0; 32])..=key(u64::MAX, [u8::MAX; 32]));
        moves.map(|((.., (until, _)), amount)| (*until, *amount))
    }

    /// What a staker takes from behind a hotkey when it asks for `amount`: what the shares that cover it are worth, and
    /// all it has, if it would leave next to nothing.
    pub(super) fn parting(&self, hotkey: &Hotkey, coldkey: &Coldkey, amount: Amount) -> Amount {
        let Some(delegate) = self.delegates.get(hotkey) else { return Amount::ZERO };
        let have = self.stake_between(hotkey, coldkey);
        let taken = delegate.worth(delegate.shares_of(amount)).max(amount);
        match have.saturating_sub(taken) < self.least_nomination(delegate, coldkey) {
            true => have,
            false => taken,
        }
    }

    /// The least that a staker may have behind a hotkey, unless it has nothing there.
    pub(super) fn least_nomination(&self, delegate: &Delegate, coldkey: &Coldkey) -> Amount {
        match delegate.owner == *coldkey {
            true => Amount::ZERO,
            false => self.parameters().minimum_nomination,
        }
    }

    /// Puts stake behind another hotkey, and remembers where it came from.
    pub(super) fn move_stake(&mut self, coldkey: Coldkey, from: Hotkey, to: Hotkey, amount: Amount) {
        let until = self.height().saturating_add(1 + self.parameters().unbonding);
        self.withdraw(from, coldkey, amount);
        self.deposit(to, coldkey, amount);
        let moved = self.moves.rows_mut().entry((coldkey, to, (until, from))).or_default();
        *moved = Amount(moved.0.saturating_add(amount.0));
    }

    /// Whether an owner may set this take now.
    pub(super) fn check_take(&self, hotkey: Hotkey, coldkey: Coldkey, take: u16) -> Result<(), Refusal> {
        let delegate = self.own(hotkey, coldkey)?;
        self.check_rise(hotkey, delegate.take, Some(delegate.take_rose), take)
    }

    /// Whether a take that is `now` and rose last at `rose` may become `take`: it has a bound and rises slowly.
    pub(super) fn check_rise(
        &self,
        hotkey: Hotkey,
        now: u16,
        rose: Option<u64>,
        take: u16,
    ) -> Result<(), Refusal> {
        let rules = self.parameters();
        if take > rules.maximum_take {
            return Err(Refusal::Take { hotkey, take, maximum: rules.maximum_take });
        }
        match rose.map(|rose| rose.saturating_add(rules.take_rise)) {
            Some(next) if take > now && self.height() < next => {
                Err(Refusal::TakeRise { hotkey, now, next: next.saturating_add(1) })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn set_take(&mut self, hotkey: Hotkey, take: u16) {
        let height = self.height();
        if let Some(delegate) = self.delegates.get_mut(&hotkey) {
            delegate.take_rose = if take > delegate.take { height } else { delegate.take_rose };
            delegate.take = take;
        }
    }

    /// Holds coins back until a height.
    pub(super) fn lock(&mut self, until: u64, coldkey: Coldkey, hotkey: Hotkey, amount: Amount) {
        let locked = self.locks.rows_mut().entry((until, coldkey, hotkey)).or_default();
        *locked = Amount(locked.0.saturating_add(amount.0));
    }

    /// Frees coins whose height has come.
    pub(super) fn release_locks(&mut self, height: u64) {
        let due = |until: u64| until <= height;
        let freed: Vec<_> = self
            .locks
            .rows()
            .iter()
            .take_while(|((until, ..), _)| due(*until))
            .map(|((_, coldkey, _), amount)| (*coldkey, *amount))
            .collect();
        self.locks.retain(|(until, ..)| !due(*until));
        freed.into_iter().for_each(|(coldkey, amount)| self.credit(coldkey, amount));
    }

    /// The hotkey's delegate entry, if `coldkey` owns it.
    pub(super) fn own(&self, hotkey: Hotkey, coldkey: Coldkey) -> Result<&Delegate, Refusal> {
        let delegate = self.delegates.get(&hotkey).ok_or(Refusal::NoHotkey(hotkey))?;
        match delegate.owner == coldkey {
            true => Ok(delegate),
            false => Err(Refusal::NotOwner { hotkey, owner: delegate.owner, coldkey }),
        }
    }
}
