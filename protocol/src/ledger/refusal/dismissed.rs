//! Why evidence leads to no punishment.

/// What is wrong with evidence that proves its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Dismissed {
    /// Too old.
    #[error("it counted until height {last}: tell evidence as soon as it is found")]
    Expired {
        /// The last height at which it could be settled.
        last: u64,
    },
    /// The signer's word had no weight.
    #[error("it had no seat then: only who settles can be accused")]
    NoSeat,
    /// It was punished for all it did until then.
    #[error("it was punished at height {since} for all before: nothing is punished twice")]
    Punished {
        /// When.
        since: u64,
    },
    /// About a height that is still to come.
    #[error("that height is not settled yet: settle the evidence after it")]
    Unsettled,
}
