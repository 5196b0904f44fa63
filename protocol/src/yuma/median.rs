//! The weight that enough stake agrees on.
use super::Share;

/// The smallest score at which the stake of all scores up to it passes what `kappa` leaves (spec section 2.6).
///
/// `votes` are `(score, stake)`; their order is lost. In other words the largest score that voters with at least
/// `kappa` of the stake reach. Without votes it is zero.
pub fn weighted_median(mut votes: &mut [(Share, Share)], kappa: Share) -> Share {
    let minority = stake_of(votes) - kappa;
    let (mut below, mut highest) = (Share::ZERO, Share::ZERO);
    while !votes.is_empty() {
        let middle = votes.len() / 2;
        let (lower, (score, stake), upper) = votes.select_nth_unstable_by_key(middle, |(score, _)| *score);
        let lower_stake = below + stake_of(lower);
        let up_to_it = lower_stake + *stake;
        match (lower_stake > minority, up_to_it > minority) {
            (true, _) if !lower.is_empty() => votes = lower,
            (_, true) => return *score,
            _ => (votes, below, highest) = (upper, up_to_it, *score),
        }
    }
    highest
}

fn stake_of(votes: &[(Share, Share)]) -> Share {
    votes.iter().map(|(_, stake)| *stake).sum()
}
