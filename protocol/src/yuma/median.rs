//! The weight that enough stake agrees on.
use super::Share;

/// The smallest score at which the stake of all scores up to it passes what `kappa` leaves (spec section 2.6).
///
/// `votes` are `(score, stake)`. In other words the largest score that voters with at least `kappa` of the stake
/// reach. Without votes it is zero.
pub fn weighted_median(mut votes: Vec<(Share, Share)>, kappa: Share) -> Share {
    let minority = votes.iter().map(|(_, stake)| *stake).sum::<Share>() - kappa;
    votes.sort_unstable();
    let mut below = Share::ZERO;
    let passes = |(_, stake): &&(Share, Share)| {
        below = below + *stake;
        below > minority
    };
    votes.iter().find(passes).or(votes.last()).map_or(Share::ZERO, |(score, _)| *score)
}
