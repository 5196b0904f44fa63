//! The numbers that a genesis fixes, by the names they have in its file: "subnet.burn.start".
use protocol::Genesis;
use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::{Serialize, forward_to_deserialize_any};
use toml::Value;

use crate::word::{Fault, Word};

/// What the names of rules of subnets begin with; those of the network stand alone.
const SUBNET: &str = "subnet.";

/// Tells amounts from other numbers: they alone have parts.
const FRACTION: &str = "0.5";

/// Sets a parameter of a network, or a rule of all its subnets; amounts are in coins.
pub fn set(genesis: &mut Genesis, name: &str, word: &str) -> Result<(), Fault> {
    if !names(genesis).iter().any(|known| known == name) {
        return Err(unknown(name, &names(genesis)));
    }
    match name.strip_prefix(SUBNET) {
        None => genesis.parameters = with(&genesis.parameters, name, word)?,
        Some(rule) => {
            for subnet in &mut genesis.subnets {
                subnet.hyperparameters = with(&subnet.hyperparameters, rule, word)?;
            }
        }
    }
    Ok(())
}

/// Every name and value in a table of parameters, as [`set`] takes them.
pub fn list<T: Serialize + DeserializeOwned>(table: &T) -> Vec<(String, String)> {
    let shown = |(name, value): (String, Value)| {
        let is_amount = with(table, &name, FRACTION).is_ok();
        let text = match value {
            Value::Integer(units) if is_amount => protocol::Amount(units.unsigned_abs()).to_string(),
            Value::String(text) => text.to_lowercase(),
            other => other.to_string(),
        };
        (name, text)
    };
    leaves(table).into_iter().map(shown).collect()
}

/// Every name that [`set`] knows.
pub(crate) fn names(genesis: &Genesis) -> Vec<String> {
    let names = |leaves: Vec<(String, Value)>| leaves.into_iter().map(|(name, _)| name);
    let rules = genesis.subnets.first().map(|subnet| leaves(&subnet.hyperparameters)).unwrap_or_default();
    let rules = names(rules).map(|name| format!("{SUBNET}{name}"));
    names(leaves(&genesis.parameters)).chain(rules).collect()
}

/// Those that end alike, or else all of them.
fn unknown(name: &str, known: &[String]) -> Fault {
    let last = name.rsplit('.').next().unwrap_or(name);
    let mut alike: Vec<_> = known.iter().filter(|known| known.contains(last)).map(String::as_str).collect();
    if last.is_empty() || alike.is_empty() {
        alike = known.iter().map(String::as_str).collect();
    }
    Fault::new(format_args!("there is no such parameter; choose from {}", alike.join(", ")))
}

fn leaves(table: &impl Serialize) -> Vec<(String, Value)> {
    let mut leaves = Vec::new();
    if let Ok(Value::Table(table)) = Value::try_from(table) {
        gather("", table, &mut leaves);
    }
    leaves
}

fn gather(path: &str, table: toml::Table, leaves: &mut Vec<(String, Value)>) {
    for (name, value) in table {
        match value {
            Value::Table(inner) => gather(&format!("{path}{name}."), inner, leaves),
            leaf => leaves.push((format!("{path}{name}"), leaf)),
        }
    }
}

/// The table with one leaf set to what a word says.
fn with<T: Serialize + DeserializeOwned>(table: &T, name: &str, word: &str) -> Result<T, Fault> {
    let value = Value::try_from(table).map_err(Fault::new)?;
    T::deserialize(Node { value, name: Some(name), word })
}

/// A table's value, with a word in place of the leaf of that name below it, or of itself.
struct Node<'de> {
    value: Value,
    name: Option<&'de str>,
    word: &'de str,
}

impl<'de> Node<'de> {
    /// The entries of a table; the word goes down the path of its name.
    fn entries(table: toml::Table, name: &'de str, word: &'de str) -> impl Iterator<Item = (String, Self)> {
        table.into_iter().map(move |(key, value)| {
            let below = name.strip_prefix(&*key).and_then(|rest| rest.strip_prefix('.'));
            let name = if key == name { Some("") } else { below };
            (key, Node { value, name, word })
        })
    }
}

/// Reads a leaf as the word says, or as it stands.
macro_rules! leaf {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            match self.name {
                Some(_) => Word(self.word).$method(visitor),
                None => self.value.$method(visitor).map_err(Fault::new),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match (self.name, self.value) {
            (Some(name), Value::Table(table)) => {
                visitor.visit_map(MapDeserializer::new(Self::entries(table, name, self.word)))
            }
            (Some(_), _) => Word(self.word).deserialize_any(visitor),
            (None, value) => value.deserialize_any(visitor).map_err(Fault::new),
        }
    }

    leaf! { deserialize_bool deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_option }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.name {
            Some(_) => Word(self.word).deserialize_newtype_struct(name, visitor),
            None => self.value.deserialize_newtype_struct(name, visitor).map_err(Fault::new),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.name {
            Some(_) => Word(self.word).deserialize_enum(name, variants, visitor),
            None => self.value.deserialize_enum(name, variants, visitor).map_err(Fault::new),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct map struct seq tuple
        tuple_struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Fault> for Node<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use protocol::Amount;
    use protocol::parameters::Hyperparameters;
    use protocol::yuma::Incentive;

    use super::*;

    fn genesis() -> Genesis {
        Genesis::dev(0, Vec::new())
    }

    #[track_caller]
    fn refuses(name: &str, word: &str, faults: &[&str]) {
        let mut genesis = genesis();
        let error = set(&mut genesis, name, word).expect_err("must be refused").to_string();
        assert!(faults.iter().all(|fault| error.contains(fault)), "{error}");
        assert_eq!(genesis, self::genesis());
    }

    #[test]
    fn a_parameter_is_set_by_its_name_and_no_other_changes() {
        let mut changed = genesis();
        for (name, word) in [
            ("interval", "500"),
            ("founding.lock", "10"),
            ("founding.defaults.burn.minimum", "0.25"),
            ("subnet.tempo", "5"),
            ("subnet.burn.start", "0.5"),
            ("subnet.incentive", "rank"),
        ] {
            set(&mut changed, name, word).expect(name);
        }
        let mut expected = genesis();
        expected.parameters.interval = 500;
        expected.parameters.founding.lock = Amount::coins(10);
        expected.parameters.founding.defaults.burn.minimum = Amount(250_000_000);
        let rules = &mut expected.subnets[0].hyperparameters;
        (rules.tempo, rules.burn.start) = (5, Amount(500_000_000));
        rules.incentive = Incentive::Rank;
        assert_eq!(changed, expected);
    }

    #[test]
    fn every_parameter_can_be_set_to_what_it_is() {
        let mut same = genesis();
        let rules = list(&same.subnets[0].hyperparameters);
        let rules = rules.into_iter().map(|(name, value)| (format!("subnet.{name}"), value));
        for (name, value) in list(&same.parameters).into_iter().chain(rules) {
            set(&mut same, &name, &value).unwrap_or_else(|fault| panic!("{name} = {value}: {fault}"));
        }
        assert_eq!(same, genesis());
    }

    #[test]
    fn what_is_unknown_or_of_another_kind_is_refused() {
        refuses("tempo", "5", &["no such parameter", "subnet.tempo", "founding.defaults.tempo"]);
        refuses("colour", "red", &["interval, ", "subnet.kappa"]);
        refuses("founding", "3", &["founding.lock"]);
        refuses("subnet.tempo", "0.5", &["\"0.5\" is no whole number"]);
        refuses("subnet.burn.start", "cheap", &["\"cheap\" is not an amount of coins"]);
        refuses("subnet.incentive", "luck", &["consensus, rank"]);
    }

    #[test]
    fn rules_are_listed_with_amounts_in_coins() {
        let rules = list(&Hyperparameters::dev());
        let value = |name: &str| &rules.iter().find(|(known, _)| known == name).expect(name).1;
        assert_eq!(value("burn.minimum"), "0.000500000");
        assert_eq!((&**value("tempo"), &**value("incentive")), ("3", "consensus"));
    }
}
