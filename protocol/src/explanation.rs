//! Why a neuron earned what it earned in one epoch: reasons that sum to its pay, to the unit.
use crypto::Hotkey;
use serde::{Deserialize, Serialize};

use crate::Amount;
use crate::ledger::Counted;
use crate::parameters::BASIS_POINTS;
use crate::subnet::{Netuid, Uid};
use crate::yuma::{Matrix, Share};

mod mapped;
mod nothing;

pub use nothing::Nothing;

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

/// A neuron as a validator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validating<S> {
    /// What the epoch had for validators.
    pub pot: Amount,
    /// What it was paid of that, its stakers' part included.
    pub paid: Amount,
    /// All stake behind it when the epoch ended.
    pub stake: Amount,
    /// Whether it might vote.
    pub permit: bool,
    /// Whether it revealed a row.
    pub revealed: bool,
    /// Its share of the stake that voted.
    pub share: S,
    /// How much of its row survived clipping: its validator trust.
    pub trust: S,
    /// Its share of the validators' pay.
    pub dividends: S,
    /// Its bonds, by the miner's rising uid.
    pub bonds: Vec<Bond<S>>,
    /// Certificates that it could sign.
    pub due: u64,
    /// Certificates that it signed.
    pub signed: u64,
    /// Its owner's part of what it was paid.
    pub take: Amount,
    /// The rest, which all who staked on it share.
    pub stakers: Amount,
    /// Why it was paid nothing, if it was.
    pub nothing: Option<Nothing>,
}

/// A validator's claim on a miner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bond<S> {
    /// The miner's slot.
    pub uid: Uid,
    /// Who it is.
    pub hotkey: Hotkey,
    /// How far the claim has grown.
    pub bond: S,
    /// That as a share of all validators' claims on the miner.
    pub part: S,
    /// The miner's share of the miners' pay.
    pub incentive: S,
    /// What it brings of the validator's dividends, rounded down.
    pub pays: Amount,
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

impl Mining<Share> {
    fn of(counted: &Counted<'_>, i: usize) -> Self {
        let (outcome, payment) = (counted.outcome, &counted.payments[i]);
        let voters = (0..counted.ballots.len()).filter(|v| *v != i);
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
}

fn standing(counted: &Counted<'_>, voter: usize, miner: usize) -> Standing {
    let (ballot, target) = (&counted.ballots[voter], &counted.ballots[miner]);
    if !ballot.permit {
        Standing::NoPermit
    } else if !ballot.active {
        Standing::NotRevealed
    } else if ballot.updated <= target.registered {
        Standing::Outdated
    } else if counted.outcome.active_stake[voter] == Share::ZERO {
        Standing::NoStake
    } else {
        Standing::Counted
    }
}

impl Validating<Share> {
    fn of(counted: &Counted<'_>, i: usize) -> Self {
        let (outcome, payment, ballot) = (counted.outcome, &counted.payments[i], &counted.ballots[i]);
        Self {
            pot: pot(counted, counted.rules.validators_cut),
            paid: payment.voted,
            stake: Amount(ballot.stake),
            permit: ballot.permit,
            revealed: ballot.active,
            share: outcome.active_stake[i],
            trust: outcome.validator_trust[i],
            dividends: outcome.dividends[i],
            bonds: bonds(counted, i),
            due: payment.due,
            signed: payment.signed,
            take: payment.take,
            stakers: payment.voted.saturating_sub(payment.take),
            nothing: Nothing::voted(counted, i),
        }
    }
}

/// A validator's bonds, and what its dividends owe to each.
fn bonds(counted: &Counted<'_>, i: usize) -> Vec<Bond<Share>> {
    let outcome = counted.outcome;
    let claim = |(uid, bond): &(Uid, Share)| {
        let miner = usize::from(uid.0);
        let all = (0..counted.ballots.len()).map(|v| entry(&outcome.bonds, v, *uid)).sum();
        let (part, incentive) = (*bond / all, outcome.incentive[miner]);
        let hotkey = counted.payments[miner].hotkey;
        Bond { uid: *uid, hotkey, bond: *bond, part, incentive, pays: Amount::ZERO }
    };
    let mut bonds: Vec<_> = outcome.bonds.rows()[i].iter().map(claim).collect();
    let earned: Vec<_> = bonds.iter().map(|bond| bond.part * bond.incentive).collect();
    for (place, bond) in bonds.iter_mut().enumerate() {
        bond.pays = part(counted.payments[i].dividends, &earned, place);
    }
    bonds
}

fn entry(matrix: &Matrix, row: usize, uid: Uid) -> Share {
    let row = &matrix.rows()[row];
    row.binary_search_by_key(&uid, |entry| entry.0).map_or(Share::ZERO, |place| row[place].1)
}
