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
    /// A body has room for little, so that what fills one at all fills it in a simulation.
    Cramped,
    /// Nothing keeps off those who would be paid for nothing.
    Without(Defence),
}

/// What keeps off those who would be paid for nothing, where no parameter of a network turns it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defence {
    /// A row is shown only when the epoch is over in which it was committed to.
    HiddenRows,
    /// A commitment is opened by its author's row alone.
    OwnCommitments,
    /// An order is carried out once.
    OrdersOnce,
    /// Every miner is asked something else.
    OwnQuestions,
    /// Orders take no room from commits and reveals; without it they come first, in a body that is [`Fault::Cramped`].
    RoomForVotes,
}

impl Fault {
    /// Those that break what all agree on, whoever takes part.
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
