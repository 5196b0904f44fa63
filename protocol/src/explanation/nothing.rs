//! Why an epoch paid a neuron nothing.
use serde::{Deserialize, Serialize};

use super::{Standing, Vote, pot};
use crate::Amount;
use crate::ledger::Counted;
use crate::yuma::Share;

/// The first thing that kept a neuron from being paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nothing {
    /// It had no slot when the epoch ended.
    NoSlot,
    /// No validator with stake revealed a row.
    NoRows,
    /// Every row was committed before it took its slot.
    TooNew,
    /// Every validator gave it zero.
    NoWeight,
    /// It had no permit to vote.
    NoPermit,
    /// It revealed no row.
    NotRevealed,
    /// It had less stake than votes need.
    NoStake,
    /// Enough stake agreed on nobody, so that everything burned.
    NoAgreement,
    /// Too little stake agreed on it: its weights were clipped to zero.
    Clipped,
    /// It had no bonds with miners that earned.
    NoBonds,
    /// The epoch had nothing to pay.
    EmptyPool,
    /// It belongs to the subnet's owner, who may not mine there.
    Owner,
    /// It signed none of the certificates that it could.
    Absent,
    /// Its share was less than a unit.
    TooSmall,
}

impl Nothing {
    /// Why a miner was paid nothing, if it was.
    pub(super) fn mined(counted: &Counted<'_>, i: usize, votes: &[Vote<Share>]) -> Option<Self> {
        let (outcome, payment) = (counted.outcome, &counted.payments[i]);
        let has = |standing| votes.iter().any(|vote| vote.standing == standing);
        let causes = [
            (!has(Standing::Counted) && !has(Standing::Outdated), Self::NoRows),
            (!has(Standing::Counted), Self::TooNew),
            (votes.iter().all(|vote| vote.row == Share::ZERO), Self::NoWeight),
            (is_zero(&outcome.incentive), Self::NoAgreement),
            (outcome.incentive[i] == Share::ZERO, Self::Clipped),
            (pot(counted, counted.rules.miners_cut) == Amount::ZERO, Self::EmptyPool),
            (payment.incentive > Amount::ZERO, Self::Owner),
        ];
        first(payment.mined, &causes, Self::TooSmall)
    }

    /// Why a validator was paid nothing, if it was.
    pub(super) fn voted(counted: &Counted<'_>, i: usize) -> Option<Self> {
        let (outcome, payment, ballot) = (counted.outcome, &counted.payments[i], &counted.ballots[i]);
        let causes = [
            (!ballot.permit && outcome.active_stake[i] == Share::ZERO, Self::NoPermit),
            (!ballot.active, Self::NotRevealed),
            (outcome.active_stake[i] == Share::ZERO, Self::NoStake),
            (is_zero(&outcome.incentive), Self::NoAgreement),
            (outcome.dividends[i] == Share::ZERO, Self::NoBonds),
            (pot(counted, counted.rules.validators_cut) == Amount::ZERO, Self::EmptyPool),
            (payment.dividends > Amount::ZERO && payment.signed == 0, Self::Absent),
        ];
        first(payment.voted, &causes, Self::TooSmall)
    }
}

fn is_zero(shares: &[Share]) -> bool {
    shares.iter().all(|share| *share == Share::ZERO)
}

/// The first cause that holds, or else the last, where nothing was paid.
fn first(paid: Amount, causes: &[(bool, Nothing)], otherwise: Nothing) -> Option<Nothing> {
    let cause = causes.iter().find(|(holds, _)| *holds).map_or(otherwise, |(_, cause)| *cause);
    (paid == Amount::ZERO).then_some(cause)
}
