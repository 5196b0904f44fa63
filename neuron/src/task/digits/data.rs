//! The UCI digits (Alpaydin & Kaynak 1998: 1,797 images of 8x8 pixels), in three parts that share no image.
use std::ops::Range;
use std::sync::OnceLock;

use crypto::{Hash, hash};
use smartcore::dataset::digits::load_dataset;

/// Pixels of an image, row by row.
pub(crate) const PIXELS: usize = 64;

/// The brightest pixel.
pub(crate) const BRIGHTEST: u8 = 16;

/// How many digits there are.
pub(crate) const LABELS: u8 = 10;

/// Images in the dataset.
const IMAGES: usize = 1797;

const VALIDATORS: Range<usize> = 1077..1437;
const TEST: Range<usize> = 1437..IMAGES;

/// One handwritten digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digit {
    /// Each 0 to 16.
    pub(crate) pixels: [u8; PIXELS],
    /// 0 to 9.
    pub(crate) label: u8,
}

/// What miners learn from: three fifths.
#[cfg(any(feature = "torch", test))]
pub(super) fn miners() -> &'static [Digit] {
    &digits()[..VALIDATORS.start]
}

/// What questions are made of: a fifth.
pub(super) fn validators() -> &'static [Digit] {
    &digits()[VALIDATORS]
}

/// What no question and no miner uses: a fifth.
pub(super) fn test() -> &'static [Digit] {
    &digits()[TEST]
}

/// All of them, shuffled once and for all; the dataset goes writer by writer.
fn digits() -> &'static [Digit] {
    static DIGITS: OnceLock<Vec<Digit>> = OnceLock::new();
    DIGITS.get_or_init(|| {
        let dataset = load_dataset();
        let images = dataset.data.chunks_exact(PIXELS).zip(&dataset.target);
        let mut digits: Vec<Digit> = images.map(|(row, label)| digit(row, *label)).collect();
        digits.sort_by_cached_key(place);
        digits
    })
}

fn digit(row: &[f32], label: f32) -> Digit {
    Digit { pixels: std::array::from_fn(|at| row[at] as u8), label: label as u8 }
}

fn place(digit: &Digit) -> Hash {
    hash("neuron v1 digits split", &[&digit.pixels])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_three_parts_share_no_image() {
        let parts = [miners(), validators(), test()];
        assert_eq!(parts.map(<[Digit]>::len), [1077, 360, 360]);
        let images: HashSet<_> =
            parts.iter().flat_map(|part| part.iter()).map(|digit| digit.pixels).collect();
        assert_eq!(images.len(), IMAGES);
    }

    #[test]
    fn every_part_has_all_ten_digits_in_range() {
        for part in [miners(), validators(), test()] {
            let labels: HashSet<u8> = part.iter().map(|digit| digit.label).collect();
            assert_eq!(labels, (0..LABELS).collect());
            assert!(part.iter().all(|digit| digit.pixels.iter().all(|&pixel| pixel <= BRIGHTEST)));
        }
    }
}
