//! How ballots are counted: our rules, or the reference chain's.
use serde::{Deserialize, Serialize};

use super::matrix::index;
use super::{Liquid, Matrix, Share};
use crate::subnet::Uid;

/// How ballots are counted. The default is ours (DESIGN sections 6 and 14); every field has the reference's choice too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The share of stake that fixes a consensus weight.
    pub kappa: Share,
    /// How far bonds follow clipped instead of raw weights.
    pub penalty: Share,
    /// The share of the new observation in a bond.
    pub alpha: Share,
    /// Where bonds move at a speed of their own instead.
    pub liquid: Option<Liquid>,
    /// Less stake than this counts as none, in units.
    pub threshold: u64,
    /// How many neurons may vote in the next epoch.
    pub permits: usize,
    /// Who may always vote, with any stake and for itself too.
    pub owner: Option<Uid>,
    /// The first height of this epoch; bonds to slots taken since are dropped.
    pub start: u64,
    /// What incentive is proportional to.
    pub incentive: Incentive,
    /// What a bond is.
    pub version: Version,
    /// How finely bonds are stored.
    pub width: Width,
    /// What an epoch pays in which nobody agrees.
    pub disagreement: Disagreement,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            kappa: Share::of_u16(32_768),
            penalty: Share::ONE,
            alpha: Share::ratio(1, 10),
            liquid: None,
            threshold: 0,
            permits: 64,
            owner: None,
            start: 0,
            incentive: Incentive::default(),
            version: Version::default(),
            width: Width::default(),
            disagreement: Disagreement::default(),
        }
    }
}

impl Setting {
    /// Whether the owner has this uid.
    pub(super) fn owns(&self, uid: usize) -> bool {
        self.owner.is_some_and(|owner| index(owner) == uid)
    }
}

/// What incentive is proportional to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Incentive {
    /// To consensus: a minority that withholds its votes gains nothing (spec section 16.2).
    #[default]
    Consensus,
    /// To rank, as the reference chain pays (spec section 2.8).
    Rank,
}

/// What a bond is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// Yuma 2: a share of the column, stake inside (spec section 2.11a).
    Two,
    /// Yuma 3: private progress of voter with miner; stake enters at payout (spec section 2.11b).
    #[default]
    Three,
}

/// How finely bonds are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Width {
    /// As the reference chain does: truncated to a whole number of 65535ths, which is the share that is stored.
    Bits16,
    /// Not rounded at all, so that small bonds grow (spec section 15.3).
    #[default]
    Bits32,
}

impl Width {
    /// Bonds as they are stored.
    pub(super) fn store(self, bonds: Matrix) -> Matrix {
        match self {
            Self::Bits16 => bonds.map(|_, _, b| Share::whole(b.to_u16())),
            Self::Bits32 => bonds,
        }
    }

    /// Stored bonds.
    pub(super) fn read(self, stored: Matrix) -> Matrix {
        match self {
            Self::Bits16 => stored.map(|_, _, b| b / Share::whole(u16::MAX)),
            Self::Bits32 => stored,
        }
    }
}

/// What an epoch pays in which nobody agrees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Disagreement {
    /// Nothing: paying stake would reward whoever provokes it (spec section 15.9).
    #[default]
    Burn,
    /// Validators by stake, as the reference chain does (spec section 2.12).
    Stake,
}
