//! What somebody begins a scenario with: a file and a script that say what can be said.

/// The file, with [`NAME`] where the scenario's name belongs.
const FILE: &str = include_str!("template/scenario.toml");

/// Its script.
const SCRIPT: &str = include_str!("template/scenario.star");

/// What stands for the name in both.
const NAME: &str = "NAME";

/// The longest name, in bytes: it becomes two files' names.
const MAX_NAME: usize = 64;

/// A scenario that runs, to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// What "NAME.toml" says.
    pub file: String,
    /// What "NAME.star" says.
    pub script: String,
}

/// A name of which no files can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no scenario; use letters, digits, `-` and `_`, 64 at most")]
pub struct NameError(String);

impl Template {
    /// A scenario under a name of its own.
    pub fn new(name: &str) -> Result<Self, NameError> {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
        match (1..=MAX_NAME).contains(&name.len()) && name.chars().all(plain) {
            true => Ok(Self { file: FILE.replace(NAME, name), script: SCRIPT.replace(NAME, name) }),
            false => Err(NameError(name.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::scenario::{Behaviour, Scenario};

    #[test]
    fn a_template_is_a_scenario_under_its_name() {
        let template = Template::new("my-attack").unwrap();
        let scenario =
            Scenario::read("my-attack.toml", &template.file).unwrap_or_else(|error| panic!("{error}"));
        let script = Behaviour::Script(PathBuf::from("my-attack.star"));
        assert!(scenario.conducts().any(|conduct| *conduct.behaviour.get_ref() == script));
        assert!(scenario.expectations.iter().any(|expected| expected.expression.asks_what_fired()));
        assert!(!template.file.contains(NAME) && !template.script.contains(NAME));
    }

    #[test]
    fn what_is_commented_out_in_a_template_can_be_said_too() {
        let file = Template::new("a").unwrap().file;
        let said = |line: &str| line.strip_prefix("#: ").unwrap_or(line).to_owned();
        let file: Vec<_> = file.lines().map(said).collect();
        Scenario::read("a.toml", &file.join("\n")).unwrap_or_else(|error| panic!("{error}"));
    }

    #[test]
    fn a_name_that_makes_no_file_is_refused() {
        for name in ["", "a/b", "..", "a b", &"x".repeat(65)] {
            assert_eq!(Template::new(name), Err(NameError(name.to_owned())));
        }
    }
}
