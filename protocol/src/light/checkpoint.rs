//! A header that its user knows from somebody they trust.
use std::fmt;
use std::str::FromStr;

use crypto::Hash;
use serde::{Deserialize, Serialize};

/// Where to begin to trust: written and read as HEIGHT:HASH, with 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Checkpoint {
    /// The header's height.
    pub height: u64,
    /// The header's hash.
    pub hash: Hash,
}

/// Why a text is no checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no checkpoint: write HEIGHT:HASH, a number and 64 hexadecimal digits")]
pub struct NoCheckpoint(String);

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.height, self.hash)
    }
}

impl FromStr for Checkpoint {
    type Err = NoCheckpoint;

    fn from_str(text: &str) -> Result<Self, NoCheckpoint> {
        let parse = |(height, hash): (&str, &str)| {
            Some(Self { height: height.parse().ok()?, hash: hash.parse().ok()? })
        };
        text.split_once(':').and_then(parse).ok_or_else(|| NoCheckpoint(text.to_owned()))
    }
}

impl TryFrom<String> for Checkpoint {
    type Error = NoCheckpoint;

    fn try_from(text: String) -> Result<Self, NoCheckpoint> {
        text.parse()
    }
}

impl From<Checkpoint> for String {
    fn from(checkpoint: Checkpoint) -> Self {
        checkpoint.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_reads_back_from_its_text() {
        let checkpoint = Checkpoint { height: 12, hash: Hash([0x1f; 32]) };
        assert_eq!(checkpoint.to_string(), format!("12:{}", "1f".repeat(32)));
        assert_eq!(checkpoint.to_string().parse(), Ok(checkpoint));
        for bad in ["", "12", "12:", "12:1f", &format!("-1:{}", "1f".repeat(32)), &"1f".repeat(32)] {
            assert_eq!(bad.parse::<Checkpoint>(), Err(NoCheckpoint(bad.to_owned())));
        }
    }
}
