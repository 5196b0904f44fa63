//! An amount that is not enough.
use std::fmt;

use crate::Amount;

/// What there is and what it takes; always less than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortfall {
    /// What there is.
    pub have: Amount,
    /// What it takes.
    pub need: Amount,
}

impl Shortfall {
    /// What is missing.
    pub fn missing(&self) -> Amount {
        self.need.saturating_sub(self.have)
    }
}

/// "1.0 of 3.0 coins (2.0 missing)", to nine digits.
impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} coins ({} missing)", self.have, self.need, self.missing())
    }
}
