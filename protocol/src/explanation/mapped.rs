//! The same explanation with its shares told otherwise.
use super::{Bond, Explanation, Mining, Validating, Vote};
use crate::yuma::Share;

impl Explanation {
    /// Tells every share as `f` does.
    pub fn map<S>(self, f: impl Fn(Share) -> S) -> Explanation<S> {
        let Self { netuid, epoch, hotkey, uid, paid, reasons, mining, validating } = self;
        let (mining, validating) = (mining.map(&f), validating.map(&f));
        Explanation { netuid, epoch, hotkey, uid, paid, reasons, mining, validating }
    }
}

impl Mining<Share> {
    fn map<S>(self, f: &impl Fn(Share) -> S) -> Mining<S> {
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
    fn map<S>(self, f: &impl Fn(Share) -> S) -> Vote<S> {
        let Self { uid, hotkey, stake, weight, row, clipped, standing } = self;
        let (stake, row, clipped) = (f(stake), f(row), f(clipped));
        Vote { uid, hotkey, stake, weight, row, clipped, standing }
    }
}

impl Validating<Share> {
    fn map<S>(self, f: &impl Fn(Share) -> S) -> Validating<S> {
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
            stakers: self.stakers,
            nothing: self.nothing,
        }
    }
}

impl Bond<Share> {
    fn map<S>(self, f: &impl Fn(Share) -> S) -> Bond<S> {
        let Self { uid, hotkey, bond, part, incentive, pays } = self;
        let (bond, part, incentive) = (f(bond), f(part), f(incentive));
        Bond { uid, hotkey, bond, part, incentive, pays }
    }
}
