//! A subnet as a table: who is in it, and what the last epoch found.
use crypto::Hotkey;
use serde::{Deserialize, Serialize};

use crate::Amount;
use crate::ledger::Payout;
use crate::subnet::{Netuid, Uid};
use crate::transaction::Coldkey;
use crate::yuma::Share;

/// One subnet at one height.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metagraph {
    /// Which subnet.
    pub netuid: Netuid,
    /// After which height.
    pub height: u64,
    /// The epoch that the next height belongs to.
    pub epoch: u64,
    /// The name of what the subnet is about.
    pub task: String,
    /// What registering costs now.
    pub price: Amount,
    /// Where the last epoch's emission went.
    pub payout: Payout,
    /// Its neurons, by rising uid.
    pub neurons: Vec<NeuronRow>,
}

/// One neuron of a subnet; shares are the last epoch's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeuronRow {
    /// Its slot.
    pub uid: Uid,
    /// Who it is.
    pub hotkey: Hotkey,
    /// Whose it is.
    pub coldkey: Coldkey,
    /// Whether it may vote.
    pub permit: bool,
    /// Whether it is willing to settle.
    pub settles: bool,
    /// All stake behind its hotkey.
    pub stake: Amount,
    /// Its owner's spendable coins.
    pub balance: Amount,
    /// The weight that enough stake agrees on.
    pub consensus: Share,
    /// How much of its raw weight survived clipping.
    pub trust: Share,
    /// How much of its own row survived clipping.
    pub validator_trust: Share,
    /// Its share of the miners' pay.
    pub incentive: Share,
    /// Its share of the validators' pay.
    pub dividends: Share,
    /// Earned in the last epoch, stakers' part included.
    pub latest: Amount,
    /// Earned in all, stakers' part included.
    pub emission: Amount,
    /// The height at which it came.
    pub registered: u64,
    /// The height of its last commit.
    pub last_update: u64,
}

impl Metagraph {
    /// The row of a hotkey.
    pub fn neuron(&self, hotkey: &Hotkey) -> Option<&NeuronRow> {
        self.neurons.iter().find(|neuron| neuron.hotkey == *hotkey)
    }
}
