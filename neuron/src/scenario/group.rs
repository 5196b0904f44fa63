//! Neurons that are alike: what they do, what they own, and how they behave.
use std::path::PathBuf;
use std::sync::Arc;

use protocol::Amount;
use serde_json::Value;
use toml::Spanned;

use super::quantity::{Chance, Skew};
use super::selection::NeuronId;
use super::text::Place;
use crate::script;

/// What a neuron is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Duty {
    /// It questions miners and sets weights.
    Validator,
    /// It answers.
    Miner,
}

/// Neurons that are alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// What the file calls it.
    pub name: Arc<str>,
    /// Where it says so.
    pub place: Place,
    /// What they are paid for.
    pub duty: Duty,
    /// How many.
    pub count: usize,
    /// What each has at stake from the beginning.
    pub stake: Amount,
    /// What the owner of each can spend.
    pub balance: Amount,
    /// Whether they are willing to settle.
    pub settles: bool,
    /// How often each answers rightly.
    pub skill: Skill,
    /// How they behave.
    pub conduct: Conduct,
    /// Whether what they earn is what the attack earns: of course if they do not behave honestly.
    pub attacks: bool,
    /// Whose key they have instead of their own: a twin's instances sign with one key and know nothing of each other.
    pub twin_of: Option<NeuronId>,
    /// How many further identities each has, for its behaviour to use.
    pub identities: usize,
    /// Not in the network until an event has them join.
    pub absent: bool,
    /// How far their clocks are off.
    pub skew: Skew,
}

/// How often the neurons of a group answer rightly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Skill {
    /// The first of the group.
    pub from: Chance,
    /// The last; the others lie evenly between.
    pub to: Chance,
}

/// How neurons behave.
#[derive(Clone, Debug, PartialEq)]
pub struct Conduct {
    /// In whose hands the neuron is, and where the file says so.
    pub behaviour: Spanned<Behaviour>,
    /// What is handed to the behaviour, and where the file says so.
    pub with: Spanned<toml::Table>,
}

/// Where a behaviour comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// Nothing but what the rules ask.
    #[default]
    Honest,
    /// One that the program brings along.
    Named(String),
    /// A Starlark file, by its path from the scenario's folder.
    Script(PathBuf),
    /// A program that speaks JSON lines, by its command line.
    Program(String),
}

impl Group {
    /// How often a neuron of the group answers rightly.
    pub fn skill_of(&self, number: usize) -> f64 {
        let Skill { from: Chance(from), to: Chance(to) } = self.skill;
        let part = number as f64 / self.count.saturating_sub(1).max(1) as f64;
        from * (1.0 - part) + to * part
    }

    /// An honest group without stake.
    #[cfg(test)]
    pub(super) fn named(name: &str, count: usize) -> Self {
        Self {
            name: name.into(),
            place: 0..0,
            duty: Duty::Miner,
            count,
            stake: Amount::ZERO,
            balance: Amount::ZERO,
            settles: false,
            skill: Skill { from: Chance(1.0), to: Chance(1.0) },
            conduct: Conduct::honest(0..0),
            attacks: false,
            twin_of: None,
            identities: 0,
            absent: false,
            skew: Skew(0),
        }
    }
}

impl Conduct {
    /// As the rules ask.
    pub fn honest(place: Place) -> Self {
        let with = Spanned::new(place.clone(), toml::Table::new());
        Self { behaviour: Spanned::new(place, Behaviour::Honest), with }
    }

    /// What is handed to the behaviour, as it sees it.
    pub fn parameters(&self) -> Value {
        serde_json::to_value(self.with.get_ref()).unwrap_or_default()
    }

    /// Whether it is nothing but what the rules ask.
    pub fn is_honest(&self) -> bool {
        *self.behaviour.get_ref() == Behaviour::Honest
    }
}

impl Behaviour {
    /// What a file says: "honest", a name, "FILE.star" or "exec:COMMAND"; otherwise why it is none.
    pub fn of(written: &str) -> Result<Self, String> {
        if let Some(command) = written.strip_prefix("exec:") {
            return match command.trim() {
                "" => Err("which program? write \"exec:COMMAND ARGUMENTS\"".to_owned()),
                command => Ok(Self::Program(command.to_owned())),
            };
        }
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
        match written {
            "honest" => Ok(Self::Honest),
            file if file.ends_with(".star") => Ok(Self::Script(file.into())),
            name if !name.is_empty() && name.chars().all(is_name) => Ok(Self::Named(name.to_owned())),
            other => {
                Err(format!("`{other}` is no behaviour; write a name, \"FILE.star\" or \"exec:COMMAND\""))
            }
        }
    }

    /// As a file says it; nothing of honesty.
    pub fn spec(&self) -> Option<String> {
        match self {
            Self::Honest => None,
            Self::Named(name) => Some(name.clone()),
            Self::Script(file) => Some(file.to_string_lossy().into_owned()),
            Self::Program(command) => Some(format!("exec:{command}")),
        }
    }

    /// As labels of metrics give it: a script by its file's name without folder and ending.
    pub fn name(&self) -> String {
        self.spec().map_or_else(|| "honest".to_owned(), |spec| script::name(&spec))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_behaviour_is_honest_named_a_script_or_a_program() {
        assert_eq!(Behaviour::of("honest"), Ok(Behaviour::Honest));
        assert_eq!(Behaviour::of("copier"), Ok(Behaviour::Named("copier".to_owned())));
        assert_eq!(Behaviour::of("mine/copier.star").unwrap().name(), "copier");
        assert_eq!(Behaviour::of("exec:python a.py"), Ok(Behaviour::Program("python a.py".to_owned())));
        for (written, words) in [("exec: ", "which program"), ("a b", "no behaviour"), ("", "no behaviour")] {
            assert!(Behaviour::of(written).unwrap_err().contains(words), "{written}");
        }
    }

    #[test]
    fn skills_lie_evenly_between_the_first_and_the_last() {
        let group = Group { skill: Skill { from: Chance(0.2), to: Chance(0.8) }, ..Group::named("a", 3) };
        assert_eq!([0, 1, 2].map(|number| group.skill_of(number)), [0.2, 0.5, 0.8]);
        assert_eq!(Group { count: 1, ..group }.skill_of(0), 0.2);
    }
}
