//! What somebody typed, read as whatever is wanted: amounts in coins, names in kebab-case, lists with commas.
use std::fmt::Display;
use std::str::FromStr;

use protocol::Amount;
use serde::de::value::{SeqDeserializer, U64Deserializer};
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

/// Why a word is not what is wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fault(String);

/// Reads a word; a name and its value have a space between them: "minimum-burn 0.5".
pub fn read<'de, T: Deserialize<'de>>(word: &'de str) -> Result<T, Fault> {
    T::deserialize(Word(word))
}

/// A word to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<'de>(pub(crate) &'de str);

impl Fault {
    /// A fault in these words.
    pub(crate) fn new(words: impl Display) -> Self {
        Self(words.to_string())
    }
}

impl de::Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message)
    }
}

impl Word<'_> {
    fn number<T: FromStr>(self, limit: impl Display) -> Result<T, Fault> {
        let Word(text) = self;
        text.parse().map_err(|_| Fault(format!("{text:?} is no whole number from 0 to {limit}")))
    }

    fn amount(self) -> Result<Amount, Fault> {
        let Word(text) = self;
        text.parse().map_err(|fault| Fault(format!("{text:?} is {fault}")))
    }

    fn switch(self) -> Result<bool, Fault> {
        match self.0 {
            "on" | "true" => Ok(true),
            "off" | "false" => Ok(false),
            text => Err(Fault(format!("{text:?} is neither on nor off"))),
        }
    }
}

impl<'de> Deserializer<'de> for Word<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_bool(self.switch()?)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u8(self.number(u8::MAX)?)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u16(self.number(u16::MAX)?)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u32(self.number(u32::MAX)?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u64(self.number(u64::MAX)?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    /// Amounts are the one kind of number that people write with a point.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match name {
            "Amount" => visitor.visit_newtype_struct(U64Deserializer::new(self.amount()?.0)),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(SeqDeserializer::new(self.0.split(',').map(Word)))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let (name, value) = self.0.split_once(' ').unwrap_or((self.0, ""));
        let variant = variants.iter().find(|variant| kebab(variant) == name);
        let known = || variants.iter().map(|variant| kebab(variant)).collect::<Vec<_>>().join(", ");
        let variant = *variant.ok_or_else(|| Fault(format!("{name:?} is none of {}", known())))?;
        visitor.visit_enum(Choice { variant, value: Word(value) })
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple_struct map struct
        identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Fault> for Word<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// One of several things that has a name, and a value or none.
struct Choice<'de> {
    variant: &'static str,
    value: Word<'de>,
}

impl<'de> EnumAccess<'de> for Choice<'de> {
    type Error = Fault;
    type Variant = Word<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Word<'de>), Fault> {
        Ok((seed.deserialize(self.variant.into_deserializer())?, self.value))
    }
}

impl<'de> VariantAccess<'de> for Word<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.0 {
            "" => Ok(()),
            text => Err(Fault(format!("{text:?} is too much: a name is enough"))),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }
}

/// "MinimumBurn" as people type it: "minimum-burn".
fn kebab(name: &str) -> String {
    let mut words = String::new();
    for (place, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && place > 0 {
            words.push('-');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use protocol::subnet::Rule;
    use protocol::yuma::Incentive;

    use super::*;

    #[track_caller]
    fn refuses<T: for<'de> Deserialize<'de> + std::fmt::Debug>(word: &str, fault: &str) {
        let error = read::<T>(word).expect_err("must be refused").to_string();
        assert!(error.contains(fault) && !error.contains('\n'), "{error}");
    }

    #[test]
    fn a_word_is_what_is_wanted() {
        assert_eq!(read("7"), Ok(7_u64));
        assert_eq!(read("7"), Ok(Amount::coins(7)));
        assert_eq!(read("0.5"), Ok(Amount(500_000_000)));
        assert_eq!(read("off"), Ok(false));
        assert_eq!(read("rank"), Ok(Incentive::Rank));
        assert_eq!(read("1,2"), Ok((1_u16, 2_u32)));
        assert_eq!(read("minimum-burn 0.5"), Ok(Rule::MinimumBurn(Amount(500_000_000))));
        assert_eq!(read("reveal-window 2"), Ok(Rule::RevealWindow(2)));
    }

    #[test]
    fn a_word_that_is_something_else_is_told_what_is_wanted() {
        refuses::<u16>("65536", "\"65536\" is no whole number from 0 to 65535");
        refuses::<u64>("0.5", "no whole number");
        refuses::<Amount>("1e3", "\"1e3\" is not an amount of coins");
        refuses::<bool>("yes", "neither on nor off");
        refuses::<Incentive>("luck", "\"luck\" is none of consensus, rank");
        refuses::<Incentive>("rank 3", "too much");
        refuses::<Rule>("kappa 3", "none of tempo, reveal-window, immunity, minimum-prunable, permits");
        refuses::<Rule>("permits many", "\"many\" is no whole number");
        refuses::<Rule>("permits", "\"\" is no whole number");
    }
}
