//! What validators think of miners, as far as they have shown it, as JSON.
use crypto::{Hash, Hotkey};
use protocol::subnet::{Netuid, Uid};
use protocol::weights::Row;
use serde::{Deserialize, Serialize};

use super::Stamp;
use crate::neuron::View;

/// The votes of a subnet in its present epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Votes {
    /// As of when.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// Which subnet.
    pub netuid: Netuid,
    /// The epoch that the next height belongs to.
    pub epoch: u64,
    /// The rows that count when it ends, by rising hotkey.
    pub rows: Vec<Vote>,
    /// The hashes whose rows are not shown yet, by rising epoch.
    pub commits: Vec<Sealed>,
}

/// A row that was revealed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vote {
    /// Whose it is.
    pub hotkey: Hotkey,
    /// Its slot.
    pub uid: Option<Uid>,
    /// The height at which it was committed to.
    pub committed: u64,
    /// Weights 0 to 65535, by rising uid.
    pub weights: Row,
}

/// A row that was committed to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sealed {
    /// Whose it is.
    pub hotkey: Hotkey,
    /// Its slot.
    pub uid: Option<Uid>,
    /// The epoch of the commit.
    pub epoch: u64,
    /// Its height.
    pub committed: u64,
    /// The hash of what will be revealed.
    pub commitment: Hash,
}

impl Votes {
    /// The votes of a subnet, or of one neuron in it; why not, in words.
    pub(super) fn of(view: &View, netuid: Netuid, voter: Option<Hotkey>) -> Result<Self, String> {
        let ledger = &view.ledger;
        let epoch = ledger.epoch(netuid).ok_or_else(|| super::no_subnet(netuid))?;
        let slot = |hotkey: &Hotkey| ledger.slot(netuid, hotkey);
        if let Some(voter) = voter.filter(|voter| slot(voter).is_none()) {
            return Err(format!(
                "{voter:?} has no slot in subnet {netuid}; see `neuron metagraph --json` for those that have"
            ));
        }
        let is_wanted = |hotkey: &Hotkey| voter.is_none_or(|voter| voter == *hotkey);
        let revealed = ledger.revealed(netuid).filter(|(hotkey, ..)| is_wanted(hotkey));
        let rows = revealed.map(|(hotkey, row, committed)| Vote {
            hotkey,
            uid: slot(&hotkey),
            committed,
            weights: row.clone(),
        });
        let waiting = ledger.commitments(netuid).filter(|(_, hotkey, ..)| is_wanted(hotkey));
        let commits = waiting.map(|(epoch, hotkey, commitment, committed)| Sealed {
            hotkey,
            uid: slot(&hotkey),
            epoch,
            committed,
            commitment,
        });
        Ok(Self { stamp: Stamp::of(view), netuid, epoch, rows: rows.collect(), commits: commits.collect() })
    }
}
