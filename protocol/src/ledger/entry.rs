//! What stands in the ledger's tables.
use crypto::{Hash, Hotkey};
use serde::{Deserialize, Serialize};

use crate::Amount;
use crate::consensus::ValidatorSet;
use crate::parameters::Hyperparameters;
use crate::subnet::{Epoch, Uid};
use crate::transaction::Coldkey;
use crate::weights::Row;
use crate::yuma::Share;

/// Where the network stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Chain {
    /// The network.
    pub genesis: Hash,
    /// Settlements applied.
    pub height: u64,
    /// Of the last settlement, in milliseconds since 1970.
    pub time: u64,
    /// Coins brought into existence: by genesis, then by the schedule alone.
    pub issued: Amount,
    /// See [`crate::emission::Schedule::owed`].
    pub owed: u64,
    /// Coins gone for good.
    pub burned: Burned,
    /// Shared randomness: each revealed salt hashed onto it. The last to reveal can choose between two values.
    pub beacon: Hash,
    /// What founding the next subnet locks.
    pub lock_price: Amount,
    /// The number of the next subnet; none is used twice.
    pub next_netuid: u16,
}

/// Coins gone for good, by what burned them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Burned {
    /// Fees of transactions.
    pub fees: Amount,
    /// Prices of registrations.
    pub registrations: Amount,
    /// Emission that an epoch could not pay: no agreement, no owner, absence, rounding.
    pub withheld: Amount,
    /// Stake of those who signed two things where one is allowed.
    pub slashes: Amount,
}

/// Who settles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seats {
    /// Who settled the last height and signs its certificate.
    pub last: ValidatorSet,
    /// Who settles the next.
    pub next: ValidatorSet,
}

/// The last punishment of a hotkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Jail {
    /// The height of the settlement that punished it.
    pub since: u64,
    /// Whether it may have a seat again.
    pub released: bool,
}

/// An owner's spendable coins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Account {
    pub balance: Amount,
    pub nonce: u64,
}

/// A hotkey with the pool of coins behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Delegate {
    /// Who owns the hotkey.
    pub owner: Coldkey,
    /// The owner's part of dividends, in basis points.
    pub take: u16,
    /// The height at which that rose last, or at which the hotkey came.
    pub take_rose: u64,
    /// What the pool is worth: the stake.
    pub value: Amount,
    /// Into how many shares it is divided.
    pub shares: u64,
    /// Whether it is willing to settle.
    pub settles: bool,
}

/// How often a hotkey had to sign certificates and did, ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attendance {
    pub due: u64,
    pub signed: u64,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Subnet {
    /// The name of what it is about.
    pub task: String,
    /// Who receives the owner's cut; without one it burns.
    pub owner: Option<Coldkey>,
    pub hyperparameters: Hyperparameters,
    /// The epoch that the next height belongs to.
    pub epoch: Epoch,
    /// What registration costs now.
    pub price: Amount,
    /// Its share of emission, moving slowly.
    pub share: Share,
    /// Emission since the last epoch.
    pub pending: Amount,
    /// How the last epoch was paid out.
    pub payout: Payout,
    /// What its founder gets back when it ends.
    pub lock: Amount,
    /// The height at which it came.
    pub founded: u64,
    /// The height at which its owner last changed a rule.
    pub changed: u64,
    /// Whether it may have emission.
    pub started: bool,
}

/// Where an epoch's emission went; the four sum to all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payout {
    /// To the subnet's owner.
    pub owner: Amount,
    /// To miners.
    pub miners: Amount,
    /// To validators and their stakers.
    pub validators: Amount,
    /// To nobody.
    pub burned: Amount,
}

/// A neuron's place in a subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Slot {
    pub hotkey: Hotkey,
    /// The height at which it came.
    pub registered: u64,
    /// Whether it may vote in this epoch.
    pub permit: bool,
    /// Its attendance when the last epoch ended.
    pub attendance: Attendance,
    /// Earned in the last epoch; the least earning is pruned first.
    pub latest: Amount,
    /// Earned in all.
    pub emission: Amount,
    /// The height of its last commit.
    pub last_update: u64,
    /// The last epoch's verdict.
    pub verdict: Verdict,
}

/// What an epoch found about one neuron.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Verdict {
    pub consensus: Share,
    pub trust: Share,
    pub validator_trust: Share,
    pub incentive: Share,
    pub dividends: Share,
}

/// Bonds of one validator, by rising uid.
pub(super) type Bonds = Vec<(Uid, Share)>;

/// A commit that waits for its reveal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Committed {
    pub commitment: Hash,
    pub height: u64,
    /// The oldest version that its row may be of.
    pub version: u64,
    /// The fewest targets that its row may name.
    pub entries: u16,
}

/// A row revealed in this epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Revealed {
    /// The height of its commit.
    pub committed: u64,
    pub row: Row,
}

/// To whom a hotkey lends and what part of its stake, in `u64::MAX`ths; by rising hotkey.
pub(super) type Children = Vec<(Hotkey, u64)>;

/// To whom a hotkey will lend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Planned {
    /// The height at which its owner asked for it.
    pub asked: u64,
    pub children: Children,
}

/// What a hotkey keeps of others' dividends on stake that it borrows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ChildTake {
    /// In basis points.
    pub take: u16,
    /// The height at which that rose last.
    pub rose: Option<u64>,
}
