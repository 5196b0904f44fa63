//! Rules broken on purpose, to see that the simulator finds out: no default build knows them.

/// One rule broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Half of the stake decides, and is believed.
    HalfIsQuorum,
    /// A restart does not see the vote log.
    VotesForgotten,
    /// A precommit binds nobody: its author goes on to propose and prevote as if it had not been.
    LockIgnored,
    /// The order of a hash map decides who gets what an epoch leaves.
    MapOrder,
    /// Evidence counts twice.
    EvidenceTwice,
    /// What is written counts as synced: what waited for it leaves, and a crash loses it.
    LogUnsynced,
    /// A restart does not see the drafts that were voted on.
    BodyForgotten,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::HalfIsQuorum,
        Self::VotesForgotten,
        Self::LockIgnored,
        Self::MapOrder,
        Self::EvidenceTwice,
        Self::LogUnsynced,
        Self::BodyForgotten,
    ];
}
