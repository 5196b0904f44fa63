//! Why the ledger does not accept an input, and what would help.
use crypto::Hotkey;

mod beyond;
mod dismissed;
mod lending;
mod shortfall;

pub use beyond::Beyond;
pub use dismissed::Dismissed;
pub use lending::Unlent;
pub use shortfall::Shortfall;

use super::stake::MAX_ARRIVALS;
use crate::Amount;
use crate::subnet::{Netuid, Uid};
use crate::transaction::Coldkey;

/// An input the ledger does not accept as it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The settlement's clock does not move on.
    #[error("settlement of time {time}: the last was at {last}; propose a later time")]
    Time {
        /// What it says.
        time: u64,
        /// The parent's.
        last: u64,
    },
    /// Coins issued and coins found differ: the rules are broken, not the input.
    #[error("{issued} issued, but {found} found at height {height}: halt and report this")]
    Supply {
        /// After which height.
        height: u64,
        /// By the schedule.
        issued: Amount,
        /// In all places together.
        found: Amount,
    },
    /// No such subnet.
    #[error("there is no subnet {0}: check its number")]
    NoSubnet(Netuid),
    /// The signer has no slot.
    #[error("{hotkey:?} has no slot in subnet {netuid}: register it first")]
    NoSlot {
        /// The signer.
        hotkey: Hotkey,
        /// Where.
        netuid: Netuid,
    },
    /// The signer may not vote.
    #[error("{hotkey:?} has no validator permit in subnet {netuid}: add stake and wait for the next epoch")]
    NoPermit {
        /// The signer.
        hotkey: Hotkey,
        /// Where.
        netuid: Netuid,
    },
    /// The signer has too little stake to vote.
    #[error("{hotkey:?} has {short} staked that it takes to vote in subnet {netuid}: add stake")]
    LittleStake {
        /// The signer.
        hotkey: Hotkey,
        /// Where.
        netuid: Netuid,
        /// What it votes with, and the threshold.
        short: Shortfall,
    },
    /// Committed for another epoch.
    #[error(
        "{hotkey:?} commits for epoch {epoch} of subnet {netuid}, which is in epoch {now}: commit for that"
    )]
    CommitEpoch {
        /// The signer.
        hotkey: Hotkey,
        /// Where.
        netuid: Netuid,
        /// What the commit says.
        epoch: u64,
        /// What the ledger says.
        now: u64,
    },
    /// A second commit in one epoch.
    #[error("{hotkey:?} has committed in epoch {epoch} of subnet {netuid}: commit again in the next")]
    CommitTwice {
        /// The signer.
        hotkey: Hotkey,
        /// Where.
        netuid: Netuid,
        /// When.
        epoch: u64,
    },
    /// Revealed too early or too late.
    #[error(
        "{hotkey:?} reveals a commit of epoch {epoch} in epoch {now} of subnet {netuid}: \
         reveal it in epochs {first}..={last}"
    )]
    RevealEpoch {
        /// The signer.
        hotkey: Hotkey,
        /// Where.
        netuid: Netuid,
        /// The commit's.
        epoch: u64,
        /// What the ledger says.
        now: u64,
        /// The first epoch to reveal in.
        first: u64,
        /// The last.
        last: u64,
    },
    /// Nothing was committed, or it is revealed already.
    #[error(
        "{hotkey:?} has no commit of epoch {epoch} waiting in subnet {netuid}: commit before revealing, once"
    )]
    NoCommit {
        /// The signer.
        hotkey: Hotkey,
        /// Where.
        netuid: Netuid,
        /// When.
        epoch: u64,
    },
    /// The reveal is not what was committed.
    #[error(
        "{hotkey:?} reveals another row, salt or version than it committed in epoch {epoch}: reveal that one"
    )]
    OtherRow {
        /// The signer.
        hotkey: Hotkey,
        /// When.
        epoch: u64,
    },
    /// Scored by code that the subnet no longer counts.
    #[error(
        "{hotkey:?} scores by version {version}, and subnet {netuid} counts {least} and later: install a later one"
    )]
    OldVersion {
        /// The signer.
        hotkey: Hotkey,
        /// Where.
        netuid: Netuid,
        /// What the reveal says.
        version: u64,
        /// The oldest that counted when the row was committed to.
        least: u64,
    },
    /// The row names more targets than there are.
    #[error(
        "{hotkey:?} gives weight to {entries} of {slots} neurons in subnet {netuid}: leave out who is gone"
    )]
    TooManyTargets {
        /// The signer.
        hotkey: Hotkey,
        /// Where.
        netuid: Netuid,
        /// How many it names.
        entries: usize,
        /// How many slots are held.
        slots: usize,
    },
    /// The row names too few targets.
    #[error(
        "{hotkey:?} names {entries} neurons in subnet {netuid}: name at least {least}, with weight 0 if need be"
    )]
    TooFewTargets {
        /// The signer.
        hotkey: Hotkey,
        /// Where.
        netuid: Netuid,
        /// How many it names.
        entries: usize,
        /// The fewest that were allowed when the row was committed to.
        least: u16,
    },
    /// The row names a slot that nobody holds.
    #[error("{hotkey:?} gives weight to uid {uid} of {slots} in subnet {netuid}: leave it out")]
    NoTarget {
        /// The signer.
        hotkey: Hotkey,
        /// Where.
        netuid: Netuid,
        /// The slot.
        uid: Uid,
        /// How many are held.
        slots: usize,
    },
    /// Replayed, or out of order.
    #[error("transaction {nonce} of {coldkey:?}: its next is {next}")]
    Nonce {
        /// The account.
        coldkey: Coldkey,
        /// What the transaction says.
        nonce: u64,
        /// What the ledger says.
        next: u64,
    },
    /// Too few coins.
    #[error("{coldkey:?} has {short}, the fee of {fee} included: fund it or ask for less")]
    Funds {
        /// The account.
        coldkey: Coldkey,
        /// Its balance, and what the transaction takes in all.
        short: Shortfall,
        /// The fee in it.
        fee: Amount,
    },
    /// A receiver would hold next to nothing.
    #[error("{0:?} would hold {1} that an account must: send more")]
    Dust(Coldkey, Shortfall),
    /// Nobody has registered this hotkey.
    #[error("hotkey {0:?} is unknown: register it in a subnet first")]
    NoHotkey(Hotkey),
    /// The hotkey is somebody else's.
    #[error("hotkey {hotkey:?} belongs to {owner:?}, not to {coldkey:?}: sign with its owner's key")]
    NotOwner {
        /// The hotkey.
        hotkey: Hotkey,
        /// Whose it is.
        owner: Coldkey,
        /// Who signed.
        coldkey: Coldkey,
    },
    /// The hotkey has a slot there already.
    #[error("hotkey {hotkey:?} has slot {uid} in subnet {netuid}: register another hotkey")]
    HasSlot {
        /// The hotkey.
        hotkey: Hotkey,
        /// Where.
        netuid: Netuid,
        /// Its slot.
        uid: Uid,
    },
    /// No slot is free and none may be taken.
    #[error(
        "all {slots} slots of subnet {netuid} are taken and protected: wait until the immunity of one ends"
    )]
    Full {
        /// Where.
        netuid: Netuid,
        /// How many there are.
        slots: usize,
    },
    /// Less stake than asked back.
    #[error("{coldkey:?} has {short} that it takes from behind {hotkey:?}: ask for no more than it has")]
    Stake {
        /// The staker.
        coldkey: Coldkey,
        /// The hotkey.
        hotkey: Hotkey,
        /// What its shares are worth, and what it asks.
        short: Shortfall,
    },
    /// Stake that came from another hotkey is not free yet.
    #[error("{short} may leave {hotkey:?}: the rest came from elsewhere and is free at height {until}")]
    Arriving {
        /// The hotkey.
        hotkey: Hotkey,
        /// What may leave, and what would.
        short: Shortfall,
        /// When all of it may.
        until: u64,
    },
    /// Too many moves are on their way.
    #[error("{MAX_ARRIVALS} moves to {0:?} are on their way: move more when one is over, at height {1}")]
    Arrivals(Hotkey, u64),
    /// Subnets out of order, or one named twice.
    #[error("{0:?} prefers subnets out of order: name each once, by rising netuid")]
    PreferenceOrder(Hotkey),
    /// A task without a name, or with too long a one.
    #[error("the name of a task has {0} bytes: it must have 1 to 64")]
    TaskName(usize),
    /// A subnet costs more than the founder would lock.
    #[error("the limit covers {0} that founding a subnet locks now: raise it or wait until the price falls")]
    LockPrice(Shortfall),
    /// As many subnets as may be, none old enough to end.
    #[error("there are {limit} subnets and none is old and weak enough to make room: wait until one is")]
    SubnetsFull {
        /// How many there may be.
        limit: u16,
    },
    /// The subnet is somebody else's.
    #[error(
        "subnet {netuid} is not {coldkey:?}'s to change (its owner: {owner:?}): sign with its owner's key"
    )]
    NotSubnetOwner {
        /// The subnet.
        netuid: Netuid,
        /// Whose it is.
        owner: Option<Coldkey>,
        /// Who signed.
        coldkey: Coldkey,
    },
    /// The subnet has its emission already.
    #[error("subnet {0} was started before: nothing is left to do")]
    Started(Netuid),
    /// The subnet is too young to have emission.
    #[error("subnet {0} was founded lately: its emission can be started from height {1} on")]
    StartsLater(Netuid, u64),
    /// A rule was changed a short while ago.
    #[error("subnet {0} was changed lately: its rules can change again at height {1}")]
    ChangedLately(Netuid, u64),
    /// An epoch is about to end.
    #[error("the rules of subnet {0} are frozen while its epoch ends: change them at height {1}")]
    Frozen(Netuid, u64),
    /// A number outside its bounds.
    #[error("subnet {netuid}: {name} {rule}")]
    Rule {
        /// The subnet.
        netuid: Netuid,
        /// Which number.
        name: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// A number beyond what the network lets owners choose.
    #[error("subnet {netuid}: {beyond}")]
    Limit {
        /// The subnet.
        netuid: Netuid,
        /// Which number.
        beyond: Beyond,
    },
    /// A move to where it is.
    #[error("stake moves from {0:?} to itself: name another hotkey")]
    SameHotkey(Hotkey),
    /// A slot costs more than the buyer would pay.
    #[error(
        "the limit covers {short} that a slot of subnet {netuid} costs now: raise it or wait until the price falls"
    )]
    Price {
        /// The subnet.
        netuid: Netuid,
        /// What the buyer would pay, and what it costs.
        short: Shortfall,
    },
    /// Too large a take.
    #[error("a take of {take} basis points for {hotkey:?}: at most {maximum} are allowed")]
    Take {
        /// Whose.
        hotkey: Hotkey,
        /// What was asked.
        take: u16,
        /// The most.
        maximum: u16,
    },
    /// The take rose a short while ago.
    #[error("the take of {hotkey:?} stays at {now} basis points or falls until height {next}: raise it then")]
    TakeRise {
        /// Whose.
        hotkey: Hotkey,
        /// What it is.
        now: u16,
        /// The first height at which it may rise.
        next: u64,
    },
    /// An amount that moves nothing.
    #[error("{coldkey:?} moves {short} that are the least here: move more")]
    TooLittle {
        /// Who.
        coldkey: Coldkey,
        /// What it says, and the least that would do.
        short: Shortfall,
    },
    /// Evidence that leads to nothing.
    #[error("evidence of height {height} against {hotkey:?}: {reason}")]
    Evidence {
        /// Who signed twice.
        hotkey: Hotkey,
        /// The height it is about.
        height: u64,
        /// Why not.
        reason: Dismissed,
    },
    /// There is nothing to release it from.
    #[error("{0:?} is not jailed: nothing is left to do")]
    NotJailed(Hotkey),
    /// It has to wait until a height.
    #[error("{0:?} is jailed: it can be released at height {1}")]
    Jailed(Hotkey, u64),
    /// The signer's hotkey may not lend so.
    #[error("{hotkey:?} cannot lend its stake so in subnet {netuid}: {reason}")]
    Lending {
        /// The hotkey.
        hotkey: Hotkey,
        /// Where.
        netuid: Netuid,
        /// Why not.
        reason: Unlent,
    },
}
