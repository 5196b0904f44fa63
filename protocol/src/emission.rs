//! How many coins there are at each height: halving by issuance, up to a cap.
use crate::Amount;
use crate::amount::COIN;

/// There are never more coins than this.
pub const CAP: Amount = Amount::coins(21_000_000);

/// One coin is issued per so many milliseconds before the first halving.
pub const COIN_TIME: u64 = 12_000;

/// Where the schedule stands: what is issued, and the fraction of a unit still owed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Coins in existence, burned ones included.
    pub issued: Amount,
    /// Units owed times [`COIN_TIME`]; below [`COIN_TIME`] once paid.
    pub owed: u64,
    /// Between two settlements, in milliseconds.
    pub interval: u64,
}

impl Schedule {
    /// Issues what one settlement brings, and returns it: `rate · interval / COIN_TIME`, the remainder carried on.
    pub fn step(&mut self) -> Amount {
        let due = u128::from(self.owed) + u128::from(rate(self.issued)) * u128::from(self.interval);
        let whole = u64::try_from(due / u128::from(COIN_TIME)).unwrap_or(u64::MAX);
        self.owed = (due % u128::from(COIN_TIME)) as u64;
        let paid = Amount(whole).min(CAP.saturating_sub(self.issued));
        self.issued = Amount(self.issued.0 + paid.0);
        paid
    }

    /// The schedule `settlements` later, without walking there: one jump for each halving.
    pub fn after(mut self, mut settlements: u64) -> Self {
        while settlements > 0 && rate(self.issued) > 0 {
            let steps = self.steps_at_this_rate().min(settlements);
            self.jump(steps.saturating_sub(1));
            self.step();
            settlements -= steps;
        }
        self
    }

    /// How many settlements until issuance reaches the next halving, the one that does so included.
    fn steps_at_this_rate(&self) -> u64 {
        let missing = u128::from(next_halving(self.issued).0.saturating_sub(self.issued.0));
        let per_step = u128::from(rate(self.issued)) * u128::from(self.interval);
        let steps =
            (missing * u128::from(COIN_TIME)).saturating_sub(u128::from(self.owed)).div_ceil(per_step.max(1));
        u64::try_from(steps).unwrap_or(u64::MAX).max(1)
    }

    /// `steps` settlements at the present rate, none of which reaches the next halving.
    fn jump(&mut self, steps: u64) {
        let per_step = u128::from(rate(self.issued)) * u128::from(self.interval);
        let due = u128::from(self.owed) + per_step * u128::from(steps);
        self.issued = Amount(self.issued.0 + (due / u128::from(COIN_TIME)) as u64);
        self.owed = (due % u128::from(COIN_TIME)) as u64;
    }
}

/// Units issued per [`COIN_TIME`] when `issued` exist: `COIN / 2^k`, k = ⌊log₂(1 / (1 - issued/cap))⌋ (spec section 11.1).
pub fn rate(issued: Amount) -> u64 {
    match halvings(issued) {
        Some(k) => COIN.checked_shr(k).unwrap_or(0),
        None => 0,
    }
}

/// The largest k with `(cap - issued) · 2^k ≤ cap`; `None` at the cap.
fn halvings(issued: Amount) -> Option<u32> {
    let left = CAP.checked_sub(issued).filter(|left| *left > Amount::ZERO)?;
    Some((CAP.0 / left.0).ilog2())
}

/// The issuance from which the rate is lower than at `issued`.
fn next_halving(issued: Amount) -> Amount {
    let Some(k) = halvings(issued) else { return CAP };
    let left = CAP.0.checked_shr(k + 1).unwrap_or(0);
    Amount(CAP.0 - left)
}

/// Splits `amount` over subnets in proportion to `shares`, rounded down; what rounding leaves goes to the first that has one.
pub fn split(amount: Amount, shares: &[u64]) -> Vec<Amount> {
    let whole = shares.iter().fold(0u64, |sum, share| sum.saturating_add(*share));
    let mut parts: Vec<_> = shares.iter().map(|share| amount.portion(*share, whole)).collect();
    let paid: u64 = parts.iter().map(|part| part.0).sum();
    if let Some(first) = shares.iter().position(|share| *share > 0) {
        parts[first].0 += amount.0 - paid;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: u64 = CAP.0 / 2;

    #[test]
    fn the_rate_halves_by_issuance() {
        // Points of the reference chain's own function.
        for (issued, expected) in [
            (0, COIN),
            (HALF - 1, COIN),
            (HALF, COIN / 2),
            (CAP.0 / 4 * 3 - 1, COIN / 2),
            (CAP.0 / 4 * 3, COIN / 4),
            (CAP.0 - 1, 0),
            (CAP.0, 0),
        ] {
            assert_eq!(rate(Amount(issued)), expected, "at {issued}");
        }
    }

    #[test]
    fn twelve_settlements_of_a_second_issue_exactly_one_coin() {
        let mut schedule = Schedule { interval: 1_000, ..Schedule::default() };
        let paid: Vec<_> = (0..12).map(|_| schedule.step().0).collect();
        assert_eq!(&paid[..3], [83_333_333, 83_333_333, 83_333_334]);
        assert_eq!(schedule.issued, Amount::coins(1));
    }

    #[test]
    fn jumping_is_walking_across_halvings() {
        for (issued, interval) in [
            (HALF - 7 * COIN, 1_000),
            (HALF - COIN / 3, 12_000),
            (CAP.0 - 10 * COIN, 3_600_000),
            (CAP.0 - 5, 1_000),
            (CAP.0 / 4 * 3 - 2 * COIN, 7_001),
        ] {
            let start = Schedule { issued: Amount(issued), owed: 11, interval };
            let mut walked = start;
            for height in 0..500 {
                assert_eq!(start.after(height).issued, walked.issued, "{start:?} at {height}");
                walked.step();
            }
        }
    }

    #[test]
    fn all_of_it_is_issued_in_the_end_and_no_more() {
        let genesis = Schedule { interval: 12_000, ..Schedule::default() };
        let end = genesis.after(u64::MAX);
        assert!(end.issued <= CAP && end.issued.0 > CAP.0 - 10 * COIN, "{:?}", end.issued);
    }

    #[test]
    fn a_split_pays_everything() {
        assert_eq!(split(Amount(10), &[1, 1, 1]), [Amount(4), Amount(3), Amount(3)]);
        assert_eq!(split(Amount(10), &[0, 1, 1, 1]), [Amount(0), Amount(4), Amount(3), Amount(3)]);
        assert_eq!(split(Amount(10), &[]), []);
        assert_eq!(split(Amount(10), &[0]), [Amount(0)]);
    }
}
