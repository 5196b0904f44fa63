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

/// A row as it is sent: weights of any scale, of the neurons from this uid on.
pub(crate) fn row(first: usize, weights: impl IntoIterator<Item = f64>) -> Vec<(Uid, u16)> {
    let uids = (first..).map(|uid| Uid(uid as u16));
    Row::from_scores(uids.zip(weights.into_iter().map(|weight| (weight * WHOLE) as u64))).0
}

/// Every part divided by the sum, if it is not zero.
pub(crate) fn normalised(parts: Vec<f64>) -> Vec<f64> {
    let sum = parts.iter().sum::<f64>();
    if sum > 0.0 { parts.into_iter().map(|part| part / sum).collect() } else { parts }
}
