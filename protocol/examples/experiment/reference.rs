//! How the reference chain counts.
use protocol::yuma::{Disagreement, Incentive, Setting, Share, Version, Width};

/// Its defaults, with bonds that move by one part in `slowness`: 10 in vectors of Yuma 2, 40 in those of Yuma 3.
pub(crate) fn reference(version: Version, slowness: u64) -> Setting {
    Setting {
        kappa: Share::of_u16(32_767),
        alpha: Share::ratio(1, slowness),
        incentive: Incentive::Rank,
        version,
        width: Width::Bits16,
        disagreement: Disagreement::Stake,
        ..Setting::default()
    }
}
