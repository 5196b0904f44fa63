//! Neurons of a swarm that misbehave, by the name of a scenario that comes with the program.
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Error;
use crate::scenario::{Duty, Scenario, bundled, instead_of};

/// The most of one kind.
const MOST: usize = 32;

/// So many neurons that misbehave in one way: "weight_copier:2".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Adversary {
    /// The scenario.
    pub name: String,
    /// How many.
    pub count: usize,
}

/// What an adversary does.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Crime {
    pub(super) validates: bool,
    /// How often its model is right, where it mines.
    pub(super) skill: f64,
    /// Its behaviour, as [`crate::script::load`] takes it.
    pub(super) spec: String,
    /// What the behaviour is given.
    pub(super) with: Value,
}

impl Adversary {
    /// What the first group of its scenario does that misbehaves.
    pub(super) fn crime(&self) -> Result<Crime, Error> {
        let refuse = |fault: String| Error::Adversary { name: self.name.clone(), fault };
        let known = bundled().find(|(name, _)| *name == self.name);
        let (_, text) = known.ok_or_else(|| refuse(format!("no such scenario{}", instead_of(&self.name))))?;
        let scenario = Scenario::read(&self.name, text).map_err(|error| refuse(error.to_string()))?;
        let group = scenario.groups.iter().find(|group| !group.conduct.is_honest());
        let none =
            || refuse("nobody in it behaves otherwise from the start; run it as a scenario".to_owned());
        let group = group.ok_or_else(none)?;
        let others = scenario.groups.iter().filter(|other| other.name != group.name);
        if group.identities > 0 || group.absent || others.clone().any(|other| other.attacks) {
            let why =
                "whoever does this needs others, further names or events beside it; run it as a scenario";
            return Err(refuse(why.to_owned()));
        }
        Ok(Crime {
            validates: group.duty == Duty::Validator,
            skill: group.skill_of(0),
            spec: group.conduct.behaviour.get_ref().spec().ok_or_else(none)?,
            with: group.conduct.parameters(),
        })
    }
}

impl fmt::Display for Adversary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.count)
    }
}

impl FromStr for Adversary {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, count) = text.split_once(':').unwrap_or((text, "1"));
        let count = count.parse().ok().filter(|count| (1..=MOST).contains(count));
        let count = count.ok_or_else(|| format!("how many? write {name}:COUNT, with 1 to {MOST}"))?;
        Ok(Self { name: name.to_owned(), count })
    }
}

impl TryFrom<String> for Adversary {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Adversary> for String {
    fn from(adversary: Adversary) -> Self {
        adversary.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crime(text: &str) -> Result<Crime, String> {
        text.parse::<Adversary>()?.crime().map_err(|error| error.to_string())
    }

    #[test]
    fn an_adversary_does_what_its_scenario_says() {
        let copier = crime("weight_copier:2").unwrap();
        assert_eq!((copier.validates, &*copier.spec), (true, "weight_copier.star"));
        assert!(!crime("garbage_miner").unwrap().validates);
        assert_eq!(crime("forger").unwrap().spec, "forger");
    }

    #[test]
    fn what_is_none_is_refused_with_a_way_out() {
        for (text, words) in [
            ("weight_copyer:2", "did you mean `weight_copier`?"),
            ("weight_copier:many", "write weight_copier:COUNT, with 1 to 32"),
            ("weight_copier:0", "with 1 to 32"),
            ("selfish_cabal:2", "needs others, further names or events beside it; run it as a scenario"),
            ("hydra", "run it as a scenario"),
            ("proxy", "run it as a scenario"),
            ("twins", "nobody in it behaves otherwise from the start"),
        ] {
            let refusal = crime(text).unwrap_err();
            assert!(refusal.contains(words), "{refusal}");
        }
    }
}
