//! The tables of a scenario file as they are written, before anything is made of them.
use std::fmt;
use std::time::Duration;

use protocol::Amount;
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

use crate::scenario::group::Duty;
use crate::scenario::quantity::{Bandwidth, Chance, Quantity, Skew, Written};

/// Something that may be left out, and where it is.
pub(super) type Maybe<T> = Option<Spanned<T>>;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whole {
    pub(super) crime: Spanned<String>,
    pub(super) source: Option<String>,
    #[serde(default)]
    pub(super) limit: bool,
    pub(super) seed: Option<u64>,
    pub(super) until: Spanned<Stretch>,
    /// Read apart, word by word.
    #[serde(rename = "chain")]
    _chain: Option<IgnoredAny>,
    #[serde(default)]
    pub(super) group: Vec<Spanned<Group>>,
    #[serde(default)]
    pub(super) link: Vec<Spanned<Link>>,
    #[serde(default)]
    pub(super) at: Vec<Spanned<At>>,
    #[serde(default)]
    pub(super) expect: Vec<Spanned<Expect>>,
}

/// `[[group]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) name: Spanned<String>,
    pub(super) role: Maybe<Duty>,
    pub(super) count: Maybe<usize>,
    pub(super) stake: Maybe<Written<Amount>>,
    pub(super) balance: Option<Written<Amount>>,
    pub(super) settles: Maybe<bool>,
    pub(super) skill: Maybe<Skill>,
    pub(super) behaviour: Maybe<String>,
    pub(super) with: Maybe<toml::Table>,
    pub(super) twin_of: Maybe<String>,
    pub(super) identities: Maybe<usize>,
    #[serde(default)]
    pub(super) absent: bool,
    pub(super) attacks: Option<bool>,
    pub(super) skew: Option<Written<Skew>>,
}

/// A number, or those evenly between two.
pub(super) enum Skill {
    One(Chance),
    Between(Between),
}

/// The first and the last.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Between {
    pub(super) from: Written<Chance>,
    pub(super) to: Written<Chance>,
}

/// `[[link]]`, and what `link` says in `[[at]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    pub(super) from: Maybe<Selectors>,
    pub(super) to: Maybe<Selectors>,
    pub(super) latency: Option<Written<Duration>>,
    pub(super) jitter: Option<Written<Duration>>,
    pub(super) loss: Option<Written<Chance>>,
    pub(super) duplicate: Option<Written<Chance>>,
    pub(super) bandwidth: Option<Written<Bandwidth>>,
}

/// `[[at]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct At {
    pub(super) time: Maybe<Written<Duration>>,
    pub(super) height: Maybe<u64>,
    pub(super) epoch: Maybe<u64>,
    #[serde(rename = "for")]
    pub(super) lasts: Maybe<Written<Duration>>,
    pub(super) partition: Maybe<Vec<Spanned<Selectors>>>,
    pub(super) cut: Maybe<Cut>,
    pub(super) kill: Maybe<Selectors>,
    pub(super) pause: Maybe<Selectors>,
    pub(super) restart: Maybe<Selectors>,
    pub(super) wipe: Maybe<Selectors>,
    pub(super) join: Maybe<Selectors>,
    pub(super) leave: Maybe<Selectors>,
    pub(super) stake: Maybe<Stake>,
    pub(super) behaviour: Maybe<Behave>,
    pub(super) skew: Maybe<SkewOf>,
    pub(super) link: Maybe<Link>,
    pub(super) poll: Maybe<Selectors>,
}

/// `cut = { from, to }`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cut {
    pub(super) from: Spanned<Selectors>,
    pub(super) to: Spanned<Selectors>,
}

/// `stake = { of, by, add }` or `remove`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stake {
    pub(super) of: Spanned<Selectors>,
    pub(super) by: Maybe<Selectors>,
    pub(super) add: Maybe<Written<Amount>>,
    pub(super) remove: Maybe<Written<Amount>>,
}

/// `behaviour = { of, is, with }`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Behave {
    pub(super) of: Spanned<Selectors>,
    pub(super) is: Spanned<String>,
    pub(super) with: Maybe<toml::Table>,
}

/// `skew = { of, is }`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SkewOf {
    pub(super) of: Spanned<Selectors>,
    pub(super) is: Written<Skew>,
}

/// `[[expect]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    pub(super) always: Maybe<String>,
    pub(super) never: Maybe<String>,
    pub(super) eventually: Maybe<String>,
    pub(super) sometimes: Maybe<String>,
    pub(super) at_end: Maybe<String>,
    pub(super) within: Maybe<Stretch>,
    pub(super) after: Maybe<Stretch>,
    pub(super) why: Option<String>,
}

/// "60s", or a table that says time, height or epoch.
pub(super) enum Stretch {
    Time(Duration),
    Of(Units),
}

/// A stretch by its unit.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Units {
    pub(super) time: Maybe<Written<Duration>>,
    pub(super) height: Maybe<u64>,
    pub(super) epoch: Maybe<u64>,
}

/// A selector, or several.
pub(super) enum Selectors {
    One(String),
    Many(Vec<Spanned<String>>),
}

impl<'de> Deserialize<'de> for Skill {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Skill;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number from 0 to 1, or { from = 0.2, to = 0.9 }")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Skill, E> {
                self.visit_f64(number as f64)
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Skill, E> {
                let refused = || E::custom(format_args!("{number} is not {}", Chance::WHAT));
                Chance::of_number(&number.to_string()).map(Skill::One).ok_or_else(refused)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Skill, A::Error> {
                Between::deserialize(MapAccessDeserializer::new(map)).map(Skill::Between)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl<'de> Deserialize<'de> for Stretch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Stretch;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as \"60s\", { height = 40 } or { epoch = 8 }")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Stretch, E> {
                let refused = || E::custom(format_args!("{text:?} is not {}", Duration::WHAT));
                Duration::of_text(text).map(Stretch::Time).ok_or_else(refused)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Stretch, A::Error> {
                Units::deserialize(MapAccessDeserializer::new(map)).map(Stretch::Of)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl<'de> Deserialize<'de> for Selectors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Selectors;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a selector such as \"honest\" or \"honest[0:3]\", or a list of them")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Selectors, E> {
                Ok(Selectors::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Selectors, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Selectors::Many)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}
