//! Money in whole units; never a float.
use std::fmt;

use serde::{Deserialize, Serialize};

/// Units in one coin.
pub const COIN: u64 = 1_000_000_000;

/// An amount of money in units of 1e-9 coins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amount(pub u64);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Whole coins.
    pub const fn coins(coins: u64) -> Self {
        Self(coins * COIN)
    }

    /// The sum, or `None` past `u64::MAX`.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` below zero.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The difference, or zero.
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// `self · part / whole`, rounded down; zero when `whole` is.
    pub fn portion(self, part: u64, whole: u64) -> Self {
        let product = u128::from(self.0) * u128::from(part);
        Self(product.checked_div(u128::from(whole)).map_or(0, |q| u64::try_from(q).unwrap_or(u64::MAX)))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.0 / COIN, self.0 % COIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_print_as_coins() {
        assert_eq!(Amount(1_500_000_000).to_string(), "1.500000000");
        assert_eq!(Amount(1).to_string(), "0.000000001");
    }

    #[test]
    fn a_portion_rounds_down_and_never_overflows() {
        assert_eq!(Amount(10).portion(1, 3), Amount(3));
        assert_eq!(Amount(u64::MAX).portion(u64::MAX, 1), Amount(u64::MAX));
        assert_eq!(Amount(10).portion(1, 0), Amount::ZERO);
    }
}
