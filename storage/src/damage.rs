//! What opening a store found wrong, and got over.

use std::path::PathBuf;

/// What was wrong with a file, and was got over by dropping its end or all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file or directory.
    pub path: PathBuf,
    /// How many entries before the damage were kept; none for an index.
    pub kept: u64,
    /// How many bytes were dropped.
    pub lost: u64,
    /// Whether it looks like the write that a crash interrupted, so that nothing acknowledged is missing.
    ///
    /// If not, what was dropped stands beside the file, under the same name with `.damaged` or `.broken`
    /// added. What a vote log lacks then, [`Store::has_lost_votes`](crate::Store::has_lost_votes) remembers.
    pub torn: bool,
}

impl Damage {
    /// Leaves a line in the trace: a crash's torn end is common, anything else is not.
    pub(crate) fn report(self) -> Self {
        if self.torn {
            tracing::info!(damage = ?self, "an interrupted write was cut");
        } else {
            tracing::warn!(damage = ?self, "damaged file, the rest was set aside");
        }
        self
    }
}
