//! Why a neuron earned what it earned, as JSON: amounts in units of 1e-9 coins, shares 0 to 1.
use crypto::Hotkey;
use protocol::explanation::Explanation;
use protocol::ledger::Payment;
use protocol::subnet::{Netuid, Uid};
use serde::{Deserialize, Serialize};

use super::Stamp;
use crate::figure::fraction;
use crate::neuron::{Handle, View};
use crate::role::Score;

/// The fewest digits by which a hotkey is known: uids have fewer, but for a few.
const PREFIX: usize = 4;

/// Why a neuron earned what it earned in an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    /// As of the settlement that ended the epoch.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// Why.
    #[serde(flatten)]
    pub explanation: Explanation<f64>,
}

/// What a validator remembers of a miner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    /// As of when.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// Who remembers.
    pub validator: Hotkey,
    /// Its slot in the subnet that it works in.
    pub uid: Option<Uid>,
    /// What; nothing if it has never questioned it, or is no validator.
    pub score: Option<Score>,
}

impl Explained {
    /// Replays the epoch, the last that has ended unless another is named; why not, in words.
    pub(super) async fn of(
        handle: &Handle,
        who: String,
        netuid: Option<Netuid>,
        epoch: Option<u64>,
    ) -> Result<Self, String> {
        let view = handle.view();
        let netuid = netuid.unwrap_or(view.netuid);
        let now = view.ledger.epoch(netuid).ok_or_else(|| super::no_subnet(netuid))?;
        let last =
            || now.checked_sub(1).ok_or(format!("no epoch of subnet {netuid} has ended yet; try again"));
        let epoch = epoch.map_or_else(last, Ok)?;
        let tell = move |counted: &protocol::ledger::Counted<'_>| {
            let hotkey = named(&who, counted.payments).map_err(|fault| {
                format!("{fault} in subnet {netuid} when epoch {epoch} ended; see `neuron metagraph --json`")
            });
            hotkey.map(|hotkey| Explanation::of(counted, hotkey).map(fraction))
        };
        let told = handle.epoch(netuid, epoch, tell).await;
        let (view, explanation) = told.map_err(|error| error.to_string())?;
        Ok(Self { stamp: Stamp::of(&view), explanation: explanation? })
    }
}

impl Remembered {
    /// What the neuron of this view remembers of a miner.
    pub(super) fn of(view: &View, miner: Hotkey) -> Self {
        Self {
            stamp: Stamp::of(view),
            validator: view.hotkey,
            uid: view.ledger.slot(view.netuid, &view.hotkey),
            score: view.scores.get(&miner).copied(),
        }
    }
}

/// The hotkey that somebody means by all of its digits, the first of them, or its uid.
fn named(who: &str, payments: &[Payment]) -> Result<Hotkey, String> {
    if let Ok(hotkey) = who.parse() {
        return Ok(hotkey);
    }
    let uid = who.parse::<u16>().ok();
    let meant = |(place, payment): &(usize, &Payment)| {
        let begins = who.len() >= PREFIX && payment.hotkey.to_string().starts_with(who);
        begins || uid.is_some_and(|uid| usize::from(uid) == *place)
    };
    match payments.iter().enumerate().filter(meant).collect::<Vec<_>>()[..] {
        [] => Err(format!("no neuron had the uid {who} or a hotkey that begins so")),
        [(_, payment)] => Ok(payment.hotkey),
        _ => Err(format!("{who} means several neurons, by uid or hotkey: write more of the hotkey")),
    }
}

#[cfg(test)]
mod tests {
    use protocol::Amount;

    use super::*;

    fn payment(first: u8, second: u8) -> Payment {
        let mut hotkey = Hotkey([7; 32]);
        (hotkey.0[0], hotkey.0[1]) = (first, second);
        let none = Amount::ZERO;
        Payment {
            hotkey,
            incentive: none,
            mined: none,
            dividends: none,
            voted: none,
            take: none,
            lenders: none,
            due: 0,
            signed: 0,
        }
    }

    #[test]
    fn a_neuron_is_named_by_hotkey_prefix_or_uid() {
        let payments = [payment(0xab, 0xcd), payment(0xab, 0xce), payment(0x00, 0x01)];
        let find = |who: &str| named(who, &payments);
        for (who, place) in [("0", 0), ("1", 1), ("abcd", 0), ("abce07", 1), ("00010", 2)] {
            assert_eq!(find(who), Ok(payments[place].hotkey), "{who}");
        }
        assert_eq!(find(&payments[1].hotkey.to_string()), Ok(payments[1].hotkey));
        let stranger = Hotkey([9; 32]);
        assert_eq!(find(&stranger.to_string()), Ok(stranger));
        for (who, fault) in [("0001", "several"), ("abc", "no neuron"), ("3", "no neuron"), ("", "no neuron")]
        {
            assert!(find(who).is_err_and(|error| error.contains(fault)), "{who}");
        }
    }
}
