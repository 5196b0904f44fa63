//! Liquid alpha: bonds that move at a speed of their own (spec section 3).
use super::Share;

/// One half: the distance at which the speed is midway.
const HALF: Share = Share::from_bits(1 << 31);

/// How the speed of a bond follows from its distance to consensus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liquid {
    /// The lowest speed.
    pub low: Share,
    /// The highest speed.
    pub high: Share,
    /// How sharply one becomes the other, in hundredths.
    pub steepness: u16,
    /// Whether a bond to a miner left out of the row is lost at once, as on the reference chain (spec section 15.2).
    pub erases: bool,
}

impl Liquid {
    /// The share of the new observation in one bond.
    #[inline(never)] // so that bonds with a fixed speed pass through a short loop
    pub fn alpha(&self, consensus: Share, weight: Share, bond: Share) -> Share {
        let buying = weight >= bond;
        let d = if buying { weight - consensus } else { bond - weight }.clamp(Share::ZERO, Share::ONE);
        let k = Share::whole(self.steepness) / (Share::ZERO - Share::whole(100)); // -k
        let g = Share::ONE / (Share::ONE + (k * (d - HALF)).exp()); // g = 1 / (1 + exp(-k (d - ½)))
        (self.low + g * (self.high - self.low)).min(self.high).max(self.low)
    }
}
