//! Why a neuron earned what it earned in one epoch: reasons that sum to its pay, to the unit.
use crypto::Hotkey;
use serde::{Deserialize, Serialize};

use crate::Amount;
use crate::ledger::Counted;
use crate::parameters::BASIS_POINTS;
use crate::subnet::{Netuid, Uid};
use crate::yuma::{Matrix, Share};

mod mining;
mod nothing;
mod validating;

pub use mining::{Mining, Standing, Vote};
pub use nothing::Nothing;
pub use validating::{Bond, Validating};

/// What one epoch of a subnet made of one neuron. `S` is how shares are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation<S = Share> {
    /// The subnet.
    pub netuid: Netuid,
    /// Which of its epochs.
    pub epoch: u64,
    /// Who it is.
    pub hotkey: Hotkey,
    /// Its slot when the epoch ended.
    pub uid: Option<Uid>,
    /// What it was paid, its stakers' part included.
    pub paid: Amount,
    /// What adds up to that; nothing that changed nothing.
    pub reasons: Vec<Reason>,
    /// As a miner.
    pub mining: Mining<S>,
    /// As a validator.
    pub validating: Validating<S>,
}

/// One part of a neuron's pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Where it comes from.
    pub cause: Cause,
    /// How much, in units of 1e-9 coins; below zero where it takes away.
    pub units: i64,
}

/// Where a part of a neuron's pay comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Its part of the miners' pay, had that gone by weights as validators gave them.
    RawWeights,
    /// What it makes that weights are clipped to consensus.
    Clipping,
    /// What it makes that consensus is paid, not rank.
    Consensus,
    /// What the subnet's owner may not have as a miner.
    Owner,
    /// Its part of the validators' pay, had that gone by the stake that voted.
    Stake,
    /// What it makes that bonds with miners are paid.
    Bonds,
    /// What certificates cost that it did not sign.
    Absence,
    /// What truncated fractions make.
    Rounding,
}

impl Explanation {
    /// What an epoch made of a neuron.
    pub fn of(counted: &Counted<'_>, hotkey: Hotkey) -> Self {
        let Counted { netuid, epoch, payments, .. } = *counted;
        let place = payments.iter().position(|payment| payment.hotkey == hotkey);
        let blank = || {
            let nothing = Some(Nothing::NoSlot);
            let mining = Mining { nothing, ..Mining::default() };
            (Vec::new(), mining, Validating { nothing, ..Validating::default() })
        };
        let (reasons, mining, validating) = place.map_or_else(blank, |i| {
            (reasons(counted, i), Mining::of(counted, i), Validating::of(counted, i))
        });
        let paid = Amount(mining.paid.0 + validating.paid.0);
        let uid = place.map(|i| Uid(i as u16));
        Self { netuid, epoch, hotkey, uid, paid, reasons, mining, validating }
    }

    /// Tells every share as `f` does.
    pub fn map<S>(self, f: impl Fn(Share) -> S) -> Explanation<S> {
        let Self { netuid, epoch, hotkey, uid, paid, reasons, mining, validating } = self;
        let (mining, validating) = (mining.map(&f), validating.map(&f));
        Explanation { netuid, epoch, hotkey, uid, paid, reasons, mining, validating }
    }
}

/// From nothing to what was paid, step by step: as a miner, then as a validator.
fn reasons(counted: &Counted<'_>, i: usize) -> Vec<Reason> {
    let (outcome, payment) = (counted.outcome, &counted.payments[i]);
    let mined = |shares: &[Share]| part(pot(counted, counted.rules.miners_cut), shares, i);
    let voted = |shares: &[Share]| part(pot(counted, counted.rules.validators_cut), shares, i);
    let mut reasons = steps(&[
        (Cause::RawWeights, mined(&outcome.prerank)),
        (Cause::Clipping, mined(&outcome.rank)),
        (Cause::Consensus, mined(&outcome.incentive)),
        (Cause::Rounding, payment.incentive),
        (Cause::Owner, payment.mined),
    ]);
    for reason in steps(&[
        (Cause::Stake, voted(&outcome.active_stake)),
        (Cause::Bonds, voted(&outcome.dividends)),
        (Cause::Rounding, payment.dividends),
        (Cause::Absence, payment.voted),
    ]) {
        match reasons.iter_mut().find(|known| known.cause == reason.cause) {
            Some(known) => known.units += reason.units,
            None => reasons.push(reason),
        }
    }
    reasons.retain(|reason| reason.units != 0);
    reasons.sort_by_key(|reason| reason.cause);
    reasons
}

/// What each step adds to the one before.
fn steps(values: &[(Cause, Amount)]) -> Vec<Reason> {
    let mut last = 0;
    let step = |(cause, value): &(Cause, Amount)| {
        let units = value.0 as i64 - last; // coins stay below their cap, far below 2^63 units
        last = value.0 as i64;
        Reason { cause: *cause, units }
    };
    values.iter().map(step).collect()
}

/// What an epoch has for those with this cut, should they agree.
fn pot(counted: &Counted<'_>, cut: u16) -> Amount {
    counted.pool.portion(cut.into(), BASIS_POINTS)
}

/// One neuron's part of an amount that is divided by shares of whatever sum.
fn part(whole: Amount, shares: &[Share], i: usize) -> Amount {
    whole.portion(bits(shares[i]), shares.iter().copied().map(bits).sum())
}

fn bits(share: Share) -> u64 {
    u64::try_from(share.bits()).unwrap_or(0)
}

fn entry(matrix: &Matrix, row: usize, uid: Uid) -> Share {
    let row = &matrix.rows()[row];
    row.binary_search_by_key(&uid, |entry| entry.0).map_or(Share::ZERO, |place| row[place].1)
}
