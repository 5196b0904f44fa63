//! How an epoch's emission is shared out (spec section 2.12).
use super::Share;

/// Shares of the emission of an epoch, one entry for each neuron by uid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// For mining.
    pub miners: Vec<Share>,
    /// For validating.
    pub validators: Vec<Share>,
    /// For both, of which rounding may leave more than of the two apart.
    pub combined: Vec<Share>,
}

impl Split {
    /// In proportion to incentive and dividends; if there are none, all of it to validators by the shares `otherwise`.
    pub(super) fn new(incentive: &[Share], dividends: &[Share], otherwise: &[Share]) -> Self {
        let both: Vec<_> = incentive.iter().zip(dividends).map(|(i, d)| *i + *d).collect();
        let z = both.iter().copied().sum::<Share>(); // z = Σ (Iⱼ + Dⱼ)
        let of_z = |v: &[Share]| v.iter().map(|x| *x / z).collect();
        let (validators, combined) = match z {
            Share::ZERO => (otherwise.to_vec(), otherwise.to_vec()),
            _ => (of_z(dividends), of_z(&both)), // nV = D / z, nC = (I + D) / z
        };
        Self { miners: of_z(incentive), validators, combined } // nS = I / z, or zero
    }
}
