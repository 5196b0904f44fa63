//! What an epoch made of a miner, and what each validator gave it.
use crypto::Hotkey;
use serde::{Deserialize, Serialize};

use super::{Nothing, entry, pot};
use crate::Amount;
use crate::ledger::Counted;
use crate::subnet::Uid;
use crate::yuma::Share;

/// A neuron as a miner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mining<S> {
    /// What the epoch had for miners.
    pub pot: Amount,
    /// What it was paid of that.
    pub paid: Amount,
    /// What each validator gave it, by rising uid.
    pub votes: Vec<Vote<S>>,
    /// The weight that enough stake agrees on.
    pub consensus: S,
    /// How much of its raw weight survived clipping.
    pub trust: S,
    /// Its share of the miners' pay.
    pub incentive: S,
    /// Why it was paid nothing, if it was.
    pub nothing: Option<Nothing>,
}

/// What one validator gave a miner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote<S> {
    /// The validator's slot.
    pub uid: Uid,
    /// Who it is.
    pub hotkey: Hotkey,
    /// Its share of the stake that voted.
    pub stake: S,
    /// Its weight for the miner, 0 to 65535; none without a row.
    pub weight: Option<u16>,
    /// That as a share of its row.
    pub row: S,
    /// What of that counts: no more than consensus.
    pub clipped: S,
    /// Whether it counts.
    pub standing: Standing,
}

/// Whether a validator's weight for a miner counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It does.
    Counted,
    /// It revealed no row in this epoch.
    NotRevealed,
    /// It may not vote in this epoch.
    NoPermit,
    /// It committed to its row before the miner took its slot.
    Outdated,
    /// It has less stake than votes need.
    NoStake,
}

impl Mining<Share> {
    pub(super) fn of(counted: &Counted<'_>, i: usize) -> Self {
        let (outcome, payment) = (counted.outcome, &counted.payments[i]);
        let itself = entry(&outcome.weights, i, Uid(i as u16)) > Share::ZERO;
        let voters = (0..counted.ballots.len()).filter(|v| *v != i || itself);
        let votes: Vec<_> = voters.filter_map(|v| Vote::of(counted, v, i)).collect();
        Self {
            pot: pot(counted, counted.rules.miners_cut),
            paid: payment.mined,
            nothing: Nothing::mined(counted, i, &votes),
            votes,
            consensus: outcome.consensus[i],
            trust: outcome.trust[i],
            incentive: outcome.incentive[i],
        }
    }

    pub(super) fn map<S>(self, f: &impl Fn(Share) -> S) -> Mining<S> {
        Mining {
            pot: self.pot,
            paid: self.paid,
            votes: self.votes.into_iter().map(|vote| vote.map(f)).collect(),
            consensus: f(self.consensus),
            trust: f(self.trust),
            incentive: f(self.incentive),
            nothing: self.nothing,
        }
    }
}

impl Vote<Share> {
    /// What a voter gave a miner; nothing from those who neither may vote nor do.
    fn of(counted: &Counted<'_>, voter: usize, miner: usize) -> Option<Self> {
        let ballot = &counted.ballots[voter];
        if !ballot.permit && ballot.row.is_empty() {
            return None;
        }
        let uid = Uid(miner as u16);
        let row = entry(&counted.outcome.weights, voter, uid);
        let named = ballot.row.iter().find(|(target, _)| *target == uid);
        Some(Self {
            uid: Uid(voter as u16),
            hotkey: counted.payments[voter].hotkey,
            stake: counted.outcome.active_stake[voter],
            weight: ballot.active.then(|| named.map_or(0, |(_, weight)| *weight)),
            row,
            clipped: row.min(counted.outcome.consensus[miner]),
            standing: standing(counted, voter, miner),
        })
    }

    fn map<S>(self, f: &impl Fn(Share) -> S) -> Vote<S> {
        let Self { uid, hotkey, stake, weight, row, clipped, standing } = self;
        let (stake, row, clipped) = (f(stake), f(row), f(clipped));
        Vote { uid, hotkey, stake, weight, row, clipped, standing }
    }
}

fn standing(counted: &Counted<'_>, voter: usize, miner: usize) -> Standing {
    let (ballot, target) = (&counted.ballots[voter], &counted.ballots[miner]);
    if !ballot.active {
        Standing::NotRevealed
    } else if ballot.updated <= target.registered {
        Standing::Outdated
    } else if counted.outcome.active_stake[voter] > Share::ZERO {
        Standing::Counted
    } else if !ballot.permit {
        Standing::NoPermit
    } else {
        Standing::NoStake
    }
}
