//! What a hand might have written instead: an image turned, shifted and noised.
use rand::{Rng, RngExt};

use super::data::{BRIGHTEST, PIXELS};

/// Width and height of an image, pixels.
const SIDE: usize = 8;

/// The middle of an image, in pixels from its first one.
const MIDDLE: f32 = 3.5;

/// Most that an image is turned, either way, radians (12 degrees).
const TURN_MAX: f32 = 12.0 * std::f32::consts::PI / 180.0;

/// Most that an image is shifted along either axis, pixels.
const SHIFT_MAX: f32 = 1.0;

/// Most that a pixel is brightened or darkened.
const NOISE_MAX: f32 = 1.5;

/// Draws a distortion and applies it.
pub(crate) fn distort(pixels: &[u8; PIXELS], rng: &mut impl Rng) -> [u8; PIXELS] {
    let (sin, cos) = rng.random_range(-TURN_MAX..TURN_MAX).sin_cos();
    let [right, down] = [(); 2].map(|()| rng.random_range(-SHIFT_MAX..SHIFT_MAX));
    std::array::from_fn(|at| {
        let (x, y) = ((at % SIDE) as f32 - MIDDLE - right, (at / SIDE) as f32 - MIDDLE - down);
        let light = sample(pixels, cos * x + sin * y + MIDDLE, cos * y - sin * x + MIDDLE);
        let noised = light + rng.random_range(-NOISE_MAX..NOISE_MAX);
        noised.round().clamp(0.0, f32::from(BRIGHTEST)) as u8
    })
}

/// The light at a place between pixels, bilinearly; dark outside.
fn sample(pixels: &[u8; PIXELS], x: f32, y: f32) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    let (right, bottom) = (x - left, y - top);
    let (left, top) = (left as i32, top as i32);
    let upper = pixel(pixels, left, top) * (1.0 - right) + pixel(pixels, left + 1, top) * right;
    let lower = pixel(pixels, left, top + 1) * (1.0 - right) + pixel(pixels, left + 1, top + 1) * right;
    upper * (1.0 - bottom) + lower * bottom
}

fn pixel(pixels: &[u8; PIXELS], x: i32, y: i32) -> f32 {
    let inside = 0..SIDE as i32;
    if inside.contains(&x) && inside.contains(&y) {
        f32::from(pixels[y as usize * SIDE + x as usize])
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_between_pixels_is_their_mean() {
        let mut pixels = [0; PIXELS];
        pixels[9] = 16;
        assert_eq!(sample(&pixels, 1.0, 1.0), 16.0);
        assert_eq!(sample(&pixels, 1.5, 1.0), 8.0);
        assert_eq!(sample(&pixels, 0.5, 1.5), 4.0);
        assert_eq!(sample(&pixels, -3.0, 90.0), 0.0);
    }
}
