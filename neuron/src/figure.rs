//! Amounts and shares as people read them. Nothing here may decide what neurons must agree on.
use protocol::Amount;
use protocol::yuma::Share;

/// An amount in coins.
pub(crate) fn coins(amount: Amount) -> f64 {
    amount.0 as f64 / Amount::coins(1).0 as f64
}

/// A share, from 0 to 1.
pub(crate) fn fraction(share: Share) -> f64 {
    share.bits() as f64 / Share::ONE.bits() as f64
}
