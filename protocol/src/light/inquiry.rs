//! What a light client asks of a neuron, and what it hears.
use serde::{Deserialize, Serialize};

use super::Skip;
use crate::ledger::{Shown, Subject};
use crate::settlement::CERTIFICATE_BYTES;

/// What a light client asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inquiry {
    /// The height of the header to be led to; the last if left out.
    pub height: Option<u64>,
    /// What is to be shown of the ledger after it; at most [`Inquiry::MAX_SUBJECTS`].
    pub subjects: Vec<Subject>,
}

/// What it hears, to be believed only as far as it is proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Testimony {
    /// What leads to the header; nothing leads to the genesis.
    pub skip: Option<Skip>,
    /// What is shown, in the order of the subjects.
    pub shown: Vec<Shown>,
}

impl Inquiry {
    /// An account, a stake and a part of it, with room for one more.
    pub const MAX_SUBJECTS: usize = 4;
}

impl Testimony {
    /// The longest that is looked at, in bytes: a certificate, two sets, and entries with their neighbours.
    pub const MAX_BYTES: usize = 8 * CERTIFICATE_BYTES;
}
