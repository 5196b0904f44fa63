//! Quantities as people write them: "40ms", "1MB/s", 1.5 coins, a chance of 0.01.
use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::time::Duration;

use protocol::Amount;
use serde::de::{self, Deserialize, Deserializer, Visitor};

/// The longest duration, in milliseconds: thirty days.
const MAX_MILLISECONDS: f64 = 30.0 * 24.0 * 3_600_000.0;

/// Milliseconds in each unit of time; the longer name of two that end alike comes first.
const TIMES: [(&str, f64); 4] = [("ms", 1.0), ("min", 60_000.0), ("h", 3_600_000.0), ("s", 1_000.0)];

/// Bytes per second in each unit of bandwidth.
const BANDWIDTHS: [(&str, f64); 4] = [("kB/s", 1e3), ("MB/s", 1e6), ("GB/s", 1e9), ("B/s", 1.0)];

/// The widest link, in bytes per second.
const MAX_BANDWIDTH: f64 = 1e12;

/// Something that a file gives as a word or a number.
pub(super) trait Quantity: Sized {
    /// What it is, with an example.
    const WHAT: &'static str;

    /// What a text says.
    fn of_text(_: &str) -> Option<Self> {
        None
    }

    /// What a number says, given by its digits.
    fn of_number(_: &str) -> Option<Self> {
        None
    }
}

/// A quantity in a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written<Q>(pub(super) Q);

/// How far a clock is ahead of the time, or behind if negative, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skew(pub i64);

/// Bytes per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bandwidth(pub u64);

/// A probability or a skill, 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Chance(pub f64);

impl Quantity for Duration {
    const WHAT: &'static str = "a duration such as \"40ms\", \"20s\", \"5min\" or \"1h\", 30 days at most";

    fn of_text(text: &str) -> Option<Self> {
        milliseconds(text).map(Self::from_millis)
    }
}

impl Quantity for Skew {
    const WHAT: &'static str = "an offset of a clock such as \"1s\" or \"-200ms\"";

    fn of_text(text: &str) -> Option<Self> {
        let behind = text.strip_prefix('-');
        let offset = i64::try_from(milliseconds(behind.unwrap_or(text))?).ok()?;
        Some(Self(if behind.is_some() { -offset } else { offset }))
    }
}

impl Quantity for Bandwidth {
    const WHAT: &'static str = "a bandwidth such as \"64kB/s\" or \"1MB/s\"";

    fn of_text(text: &str) -> Option<Self> {
        let bytes = measured(text, &BANDWIDTHS)?;
        (1.0..=MAX_BANDWIDTH).contains(&bytes).then_some(Self(bytes as u64))
    }
}

impl Quantity for Amount {
    const WHAT: &'static str = "an amount of coins such as 100 or 0.5";

    fn of_number(digits: &str) -> Option<Self> {
        digits.parse().ok()
    }
}

impl Quantity for Chance {
    const WHAT: &'static str = "a number from 0 to 1";

    fn of_number(digits: &str) -> Option<Self> {
        digits.parse().ok().filter(|chance| (0.0..=1.0).contains(chance)).map(Self)
    }
}

/// Whole milliseconds.
fn milliseconds(text: &str) -> Option<u64> {
    let milliseconds = measured(text, &TIMES)?.round();
    (0.0..=MAX_MILLISECONDS).contains(&milliseconds).then_some(milliseconds as u64)
}

/// Digits with at most one point, then a unit.
fn measured(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let (digits, size) =
        units.iter().find_map(|(unit, size)| Some((text.strip_suffix(unit)?.trim_end(), size)))?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = digits.parse().ok().filter(|_| plain)?;
    Some(number * size)
}

impl<'de, Q: Quantity> Deserialize<'de> for Written<Q> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader(PhantomData)).map(Self)
    }
}

struct Reader<Q>(PhantomData<Q>);

impl<Q: Quantity> Reader<Q> {
    fn required<E: de::Error>(quantity: Option<Q>, written: impl Display) -> Result<Q, E> {
        quantity.ok_or_else(|| E::custom(format_args!("{written} is not {}", Q::WHAT)))
    }
}

impl<Q: Quantity> Visitor<'_> for Reader<Q> {
    type Value = Q;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Q::WHAT)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Q, E> {
        Self::required(Q::of_text(text), format_args!("{text:?}"))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Q, E> {
        Self::required(Q::of_number(&number.to_string()), number)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Q, E> {
        Self::required(Q::of_number(&number.to_string()), number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_with_their_units() {
        let duration = |text| Duration::of_text(text).map(|duration| duration.as_millis());
        for (text, milliseconds) in
            [("40ms", 40), ("1.5s", 1_500), ("2 s", 2_000), ("5min", 300_000), ("1h", 3_600_000), ("0s", 0)]
        {
            assert_eq!(duration(text), Some(milliseconds), "{text}");
        }
        assert_eq!(Skew::of_text("-200ms"), Some(Skew(-200)));
        assert_eq!(Bandwidth::of_text("1MB/s"), Some(Bandwidth(1_000_000)));
        assert_eq!(Bandwidth::of_text("1.5kB/s"), Some(Bandwidth(1_500)));
        assert_eq!(Amount::of_number("0.5"), Some(Amount(500_000_000)));
        assert_eq!(Chance::of_number("0.25"), Some(Chance(0.25)));
    }

    #[test]
    fn what_has_no_unit_or_is_out_of_bounds_is_no_quantity() {
        for text in ["", "20", "s", "-1s", "1e3s", "infs", "1.2.3s", "1 parsec", "721h", "--1s"] {
            assert_eq!(Duration::of_text(text), None, "{text}");
        }
        assert_eq!(Skew::of_text("--1s"), None);
        for text in ["0B/s", "1MB", "9999GB/s"] {
            assert_eq!(Bandwidth::of_text(text), None, "{text}");
        }
        assert_eq!((Amount::of_number("-1"), Amount::of_number("NaN")), (None, None));
        assert!(["1.01", "-0.1", "NaN", "inf"].iter().all(|digits| Chance::of_number(digits).is_none()));
    }
}
