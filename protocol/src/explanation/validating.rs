//! What an epoch made of a validator, and what each of its bonds brought.
use crypto::Hotkey;
use serde::{Deserialize, Serialize};

use super::{Nothing, entry, part, pot};
use crate::Amount;
use crate::ledger::Counted;
use crate::subnet::Uid;
use crate::yuma::Share;

/// A neuron as a validator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validating<S> {
    /// What the epoch had for validators.
    pub pot: Amount,
    /// What it was paid of that, the parts of its stakers and lenders included.
    pub paid: Amount,
    /// What it voted with: all stake behind it, less what it lends, and what it borrows.
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
    /// The part of those who lend it their votes.
    pub lenders: Amount,
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

impl Validating<Share> {
    pub(super) fn of(counted: &Counted<'_>, i: usize) -> Self {
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
            lenders: payment.lenders,
            stakers: payment.voted.saturating_sub(payment.take).saturating_sub(payment.lenders),
            nothing: Nothing::voted(counted, i),
        }
    }

    pub(super) fn map<S>(self, f: &impl Fn(Share) -> S) -> Validating<S> {
        Validating {
            pot: self.pot,
            paid: self.paid,
            stake: self.stake,
            permit: self.permit,
            revealed: self.revealed,
            share: f(self.share),
            trust: f(self.trust),
            dividends: f(self.dividends),
            bonds: self.bonds.into_iter().map(|bond| bond.map(f)).collect(),
            due: self.due,
            signed: self.signed,
            take: self.take,
            lenders: self.lenders,
            stakers: self.stakers,
            nothing: self.nothing,
        }
    }
}

/// A validator's bonds, and what its dividends owe to each.
fn bonds(counted: &Counted<'_>, i: usize) -> Vec<Bond<Share>> {
    let outcome = counted.outcome;
    let claim = |(uid, bond): &(Uid, Share)| {
        let miner = usize::from(uid.0);
        let all: Share = (0..counted.ballots.len()).map(|v| entry(&outcome.bonds, v, *uid)).sum();
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

impl Bond<Share> {
    fn map<S>(self, f: &impl Fn(Share) -> S) -> Bond<S> {
        let Self { uid, hotkey, bond, part, incentive, pays } = self;
        let (bond, part, incentive) = (f(bond), f(part), f(incentive));
        Bond { uid, hotkey, bond, part, incentive, pays }
    }
}
