//! A fraction in fixed point: the bits on which all neurons agree.
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Div, Mul, Sub};

use serde::{Deserialize, Serialize};

use crate::Amount;

/// A number in units of 2⁻³² (I32F32 of spec section 1): products and quotients are truncated, sums saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Share(i64);

impl Share {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The whole.
    pub const ONE: Self = Self(1 << 32);

    /// Euler's number as the reference chain knows it: to 23 fractional bits (spec section 3).
    const E: Self = Self(22_802_600 << 9);
    /// Beyond this the exponential leaves the number format.
    const MAX_EXPONENT: Self = Self(20 << 32);
    /// How many terms of its series the exponential sums: later ones are below the last bit.
    const TERMS: u16 = 31;

    /// The share with these raw bits.
    pub const fn from_bits(bits: i64) -> Self {
        Self(bits)
    }

    /// The raw bits: the value times 2³².
    pub const fn bits(self) -> i64 {
        self.0
    }

    /// `part / whole`, truncated; zero when `whole` is.
    pub fn ratio(part: u64, whole: u64) -> Self {
        let quotient = (u128::from(part) << 32).checked_div(u128::from(whole));
        Self(quotient.map_or(0, |q| i64::try_from(q).unwrap_or(i64::MAX)))
    }

    /// A whole number.
    pub const fn whole(number: u16) -> Self {
        Self((number as i64) << 32)
    }

    /// `part / 65535`, truncated.
    pub fn of_u16(part: u16) -> Self {
        Self::whole(part) / Self::whole(u16::MAX)
    }

    /// In 65535ths, rounded down; at most all of them.
    pub fn to_u16(self) -> u16 {
        let whole = (self * Self::whole(u16::MAX)).0 >> 32;
        whole.clamp(0, i64::from(u16::MAX)) as u16
    }

    /// `e^self`, of -20 to 20 at most, bit for bit as the reference chain computes it (spec section 3).
    pub fn exp(self) -> Self {
        let x = self.clamp(Self::ZERO - Self::MAX_EXPONENT, Self::MAX_EXPONENT);
        match x {
            Self::ONE => Self::E,
            _ if x < Self::ZERO => Self::ONE / (Self::ZERO - x).series(),
            _ => x.series(),
        }
    }

    /// `1 + x + x²/2! + …`, each term made of the last and truncated twice.
    fn series(self) -> Self {
        let mut term = self;
        let rest = (2..=Self::TERMS).map(|k| {
            term = term * self / Self::whole(k);
            term
        });
        Self::ONE + self + rest.sum()
    }

    /// This share of an amount, rounded down; nothing when negative.
    pub fn of(self, amount: Amount) -> Amount {
        amount.portion(u64::try_from(self.0).unwrap_or(0), 1 << 32)
    }
}

impl Add for Share {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Share {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Mul for Share {
    type Output = Self;
    /// Where both are below one, 64 bits hold the product.
    fn mul(self, other: Self) -> Self {
        let (a, b) = (self.0 as u64, other.0 as u64);
        match (a | b) >> 32 {
            0 => Self(((a * b) >> 32) as i64),
            _ => saturated((i128::from(self.0) * i128::from(other.0)) >> 32),
        }
    }
}

impl Div for Share {
    type Output = Self;
    /// Division by zero gives zero.
    #[expect(
        clippy::suspicious_arithmetic_impl,
        reason = "the quotient of two fixed-point numbers is shifted"
    )]
    fn div(self, other: Self) -> Self {
        let quotient = (i128::from(self.0) << 32).checked_div(i128::from(other.0));
        quotient.map_or(Self::ZERO, saturated)
    }
}

/// What many shares are divided by: its reciprocal makes that a multiplication.
#[derive(Clone, Copy, Debug)]
pub(super) struct Divisor {
    share: Share,
    /// `⌊(2⁶⁴ - 1) / share⌋`; zero where only the long division will do.
    reciprocal: u64,
}

impl From<Share> for Divisor {
    fn from(share: Share) -> Self {
        let reciprocal = if share.0 > 1 { u64::MAX / share.0 as u64 } else { 0 };
        Self { share, reciprocal }
    }
}

impl Div<Divisor> for Share {
    type Output = Self;
    /// The same as by the share itself. What is below one has a quotient that the reciprocal misses by one at most.
    fn div(self, by: Divisor) -> Self {
        let (Ok(bits), true) = (u32::try_from(self.0), by.reciprocal > 0) else {
            return self / by.share;
        };
        let (dividend, divisor) = (u64::from(bits) << 32, by.share.0 as u64);
        let quotient = ((u128::from(dividend) * u128::from(by.reciprocal)) >> 64) as u64;
        let missed = dividend - quotient * divisor >= divisor;
        Self((quotient + u64::from(missed)) as i64)
    }
}

impl Sum for Share {
    /// Saturates once, at the end.
    fn sum<I: Iterator<Item = Self>>(shares: I) -> Self {
        saturated(shares.map(|share| i128::from(share.0)).sum())
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millionths = (i128::from(self.0) * 1_000_000) >> 32;
        write!(f, "{}.{:06}", millionths / 1_000_000, millionths % 1_000_000)
    }
}

fn saturated(bits: i128) -> Share {
    let limit = if bits < 0 { i64::MIN } else { i64::MAX };
    Share(i64::try_from(bits).unwrap_or(limit))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Shares as epochs have them, and the edges of what the format holds.
    fn share() -> impl Strategy<Value = Share> {
        let edge = prop_oneof![Just(0i64), Just(1 << 32), Just(1 << 48), Just(i64::MAX), Just(i64::MIN)];
        let near = (edge, -2..3i64).prop_map(|(edge, by)| edge.saturating_add(by));
        prop_oneof![near, 0..1i64 << 16, 0..1i64 << 32, 0..1i64 << 45, any::<i64>()].prop_map(Share)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn a_divisor_divides_as_its_share_does(dividend in share(), divisor in share()) {
            prop_assert_eq!(dividend / Divisor::from(divisor), dividend / divisor);
        }

        #[test]
        fn short_and_long_products_are_equal(a in share(), b in share()) {
            prop_assert_eq!(a * b, saturated((i128::from(a.0) * i128::from(b.0)) >> 32));
        }
    }
}
