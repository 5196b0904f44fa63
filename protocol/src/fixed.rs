//! Decay in 32-bit fixed point, as the reference chain computes it (spec section 8.1).

/// One half.
const HALF: u64 = 1 << 31;

/// The largest f, in 2⁻³², with f^half_life ≤ ½; powers are truncated.
pub(crate) fn decay_factor(half_life: u64) -> u64 {
    let (mut low, mut high) = (0, 1 << 32);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        match power(middle, half_life) <= HALF {
            true => low = middle,
            false => high = middle,
        }
    }
    low
}

fn power(mut base: u64, mut exponent: u64) -> u64 {
    let times = |a: u64, b: u64| ((u128::from(a) * u128::from(b)) >> 32) as u64;
    let mut product = 1 << 32;
    while exponent > 0 {
        if exponent & 1 == 1 {
            product = times(product, base);
        }
        base = times(base, base);
        exponent >>= 1;
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_is_the_reference_chains() {
        for (half_life, factor) in [
            (1, 2_147_483_648),
            (2, 3_037_000_500),
            (10, 4_007_346_185),
            (50, 4_235_837_212),
            (360, 4_286_705_684),
        ] {
            assert_eq!(decay_factor(half_life), factor, "half-life {half_life}");
        }
    }
}
