//! Between exact shares and the fractions that people read.
use protocol::subnet::Uid;
use protocol::weights::Row;
use protocol::yuma::Share;

/// What one whole is in the scores of a row: enough that rounding to sixteen bits is all that is lost.
const WHOLE: f64 = (1u64 << 40) as f64;

/// A share as a fraction.
pub(crate) fn fraction(share: Share) -> f64 {
    share.bits() as f64 / Share::ONE.bits() as f64
}

/// A row of weights `(uid, any scale)` as it is sent.
pub(crate) fn row(weights: impl IntoIterator<Item = (u16, f64)>) -> Vec<(Uid, u16)> {
    Row::from_scores(weights.into_iter().map(|(uid, weight)| (Uid(uid), (weight * WHOLE) as u64))).0
}
