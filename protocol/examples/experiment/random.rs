//! Seeded normal samples.
use std::f64::consts::TAU;

use rand::RngExt;
use rand::rngs::StdRng;

/// `n` samples of the standard normal distribution, drawn as in the reference's experiments: by Box and Muller, all
/// radii first, then all angles.
pub(crate) fn normal(rng: &mut StdRng, n: usize) -> Vec<f64> {
    let mut uniform = || -> Vec<f64> { (0..n).map(|_| above_zero(rng.random())).collect() };
    let (radii, angles) = (uniform(), uniform());
    radii.into_iter().zip(angles).map(|(u, v)| (-2.0 * u.ln()).sqrt() * (TAU * v).cos()).collect()
}

/// As many times `1 + sigma·N`, at least zero.
pub(crate) fn around_one(rng: &mut StdRng, n: usize, sigma: f64) -> Vec<f64> {
    normal(rng, n).into_iter().map(|x| (1.0 + sigma * x).max(0.0)).collect()
}

fn above_zero(bits: u32) -> f64 {
    (f64::from(bits) + 1.0) / (f64::from(u32::MAX) + 1.0)
}
