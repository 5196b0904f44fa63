//! Money in whole units; never a float.
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Units in one coin.
pub const COIN: u64 = 1_000_000_000;

/// Digits after the point of an amount in coins.
const FRACTION_DIGITS: usize = 9;

/// An amount of money in units of 1e-9 coins: that number in every encoding, but no number to those who read what
/// people type, and so can tell coins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Amount(pub u64);

/// Why a text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseAmountError {
    /// Empty, signed, with an exponent, or no number at all.
    #[error("not an amount of coins; write digits with at most one point between them, like 1.5")]
    Malformed,
    /// Finer than a unit.
    #[error("a coin has no more than 9 digits after the point; leave out the rest")]
    TooFine,
    /// Not to be counted.
    #[error("more than {max} coins, which is all that can be counted; write less", max = Amount(u64::MAX))]
    TooLarge,
}

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

impl FromStr for Amount {
    type Err = ParseAmountError;

    /// Reads coins as [`Amount`]'s `Display` writes them, the digits after the point left out at will; exact.
    fn from_str(text: &str) -> Result<Self, ParseAmountError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) {
            return Err(ParseAmountError::Malformed);
        }
        if fraction.len() > FRACTION_DIGITS {
            return Err(ParseAmountError::TooFine);
        }
        let units = |digits: &str| digits.parse::<u64>().ok();
        let fraction = units(&format!("{fraction:0<FRACTION_DIGITS$}"));
        let coins = units(whole).and_then(|coins| coins.checked_mul(COIN));
        let sum = coins.zip(fraction).and_then(|(coins, fraction)| coins.checked_add(fraction));
        sum.map(Self).ok_or(ParseAmountError::TooLarge)
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
    fn coins_are_read_to_the_unit() {
        for (text, units) in [
            ("0", 0),
            ("1", COIN),
            ("1.5", 1_500_000_000),
            ("007.25", 7_250_000_000),
            ("0.000000001", 1),
            ("0.1", 100_000_000),
            ("18446744073.709551615", u64::MAX),
        ] {
            assert_eq!(text.parse(), Ok(Amount(units)), "{text}");
        }
        for amount in [Amount(1), Amount(1_500_000_000), Amount(u64::MAX)] {
            assert_eq!(amount.to_string().parse(), Ok(amount));
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        use ParseAmountError::{Malformed, TooFine, TooLarge};
        for text in
            ["", ".", "1.", ".5", "-1", "+1", "1e3", "1E3", "1_0", "1,5", "1.2.3", " 1", "1 ", "NaN", "٣"]
        {
            assert_eq!(text.parse::<Amount>(), Err(Malformed), "{text:?}");
        }
        for text in ["0.0000000001", "1.0000000000"] {
            assert_eq!(text.parse::<Amount>(), Err(TooFine), "{text}");
        }
        for text in ["18446744073.709551616", "18446744074", "99999999999999999999999"] {
            assert_eq!(text.parse::<Amount>(), Err(TooLarge), "{text}");
        }
    }

    #[test]
    fn a_portion_rounds_down_and_never_overflows() {
        assert_eq!(Amount(10).portion(1, 3), Amount(3));
        assert_eq!(Amount(u64::MAX).portion(u64::MAX, 1), Amount(u64::MAX));
        assert_eq!(Amount(10).portion(1, 0), Amount::ZERO);
    }
}
