//! A number that is too small or too large.
use std::fmt;

/// A number, and the bounds that it is not between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beyond {
    /// Which number.
    pub name: &'static str,
    /// What was asked for.
    pub value: String,
    /// The least that is allowed.
    pub least: String,
    /// The most that is allowed.
    pub most: String,
}

impl fmt::Display for Beyond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value, least, most } = self;
        write!(f, "{name} {value} is beyond the network's limits: choose from {least} to {most}")
    }
}
