//! Bonds, and the dividends they earn: of Yuma 2 and 3. Numbers in brackets are sections of the specification.
use std::borrow::Cow;

use super::matrix::{gathered, index, norm};
use super::{Ballot, Matrix, Setting, Share, Version};
use crate::subnet::Uid;

/// The weights that bonds follow.
pub(super) fn penalised<'a>(weights: &'a Matrix, clipped: &'a Matrix, penalty: Share) -> Cow<'a, Matrix> {
    match penalty {
        Share::ZERO => Cow::Borrowed(weights),
        Share::ONE => Cow::Borrowed(clipped),
        _ => Cow::Owned(weights.zip(clipped, |_, w, c| w + penalty * (c - w))),
    }
}

/// Bonds to miners that hold their slots since before `start`.
pub(super) fn surviving(ballots: &[Ballot], start: u64) -> Matrix {
    let stands: Vec<_> = ballots.iter().map(|target| target.registered < start).collect();
    let stands = |(uid, _): &&(Uid, Share)| stands.get(index(*uid)).is_some_and(|stands| *stands);
    let row = |b: &Ballot| gathered(b.bonds.len(), b.bonds.iter().filter(stands).copied());
    Matrix(ballots.iter().map(row).collect())
}

/// Bonds as shares of their column, stake inside; and dividends.
pub(super) fn yuma2(
    target: &Matrix,
    kept: Matrix,
    active_stake: &[Share],
    incentive: &[Share],
    setting: &Setting,
) -> (Matrix, Vec<Share>) {
    let old = kept.column_normalised(); // B₀ = colnorm(B)                               [2.11a]
    let target = target.clone().rows_scaled(active_stake); // AᵢW̃ᵢⱼ                      [2.11a]
    let new = target.column_normalised(); // ΔB = colnorm(AᵢW̃ᵢⱼ)                         [2.11a]
    let bonds = new.zip(&old, |_, w, b| moved(setting.alpha, w, b)); // αΔB + (1 - α)B₀  [2.11a]
    let bonds = bonds.column_normalised(); // E = colnorm(αΔB + (1 - α)B₀)               [2.11a]
    let earned = bonds.rows_summed(|j, e| e * incentive[j]); // Σⱼ IⱼEᵢⱼ                 [2.11a]
    let dividends = norm(&earned); // D = norm(Σⱼ IⱼEᵢⱼ)                                 [2.11a]
    (bonds, dividends)
}

/// Bonds as progress of each voter with each miner; and dividends, where stake enters.
pub(super) fn yuma3(
    target: &Matrix,
    kept: Matrix,
    active_stake: &[Share],
    incentive: &[Share],
    consensus: &[Share],
    setting: &Setting,
) -> (Matrix, Vec<Share>) {
    let liquid = setting.liquid.filter(|_| consensus.iter().any(|c| *c > Share::ZERO)); // [3]
    let old = setting.width.read(kept); // B₀ = B / 65535                                [2.11b]
    let old = match liquid {
        Some(liquid) if liquid.erases => old.listed_in(target), // what is not voted for [15.2]
        _ => old,
    };
    let alpha = |j: usize, w, b| liquid.map_or(setting.alpha, |liquid| liquid.alpha(consensus[j], w, b));
    let bonds = target.zip(&old, |j, w, b| moved(alpha(j, w, b), w, b)); // E = αW̃ + (1 - α)B₀ [2.11b]
    let sums = bonds.column_sums(); // Σᵢ Eᵢⱼ, of which Eₙ = E / Σᵢ Eᵢⱼ                  [2.11b]
    let earned = bonds.rows_summed(|j, e| e / sums[j] * incentive[j]); // tᵢ = Σⱼ EₙᵢⱼIⱼ [2.11b]
    let dividends = norm(&product(&earned, active_stake)); // D = norm(t · A)            [2.11b]
    (bonds, dividends)
}

/// Bonds as the next epoch is to find them: of those who may vote in it [2.13].
pub fn stored(bonds: Matrix, permits: &[bool], setting: &Setting) -> Matrix {
    let mut bonds = match setting.version {
        Version::Two => bonds.column_upscaled(), // E / maxᵢ Eᵢⱼ                         [2.11a]
        Version::Three => bonds,
    };
    let lost = bonds.0.iter_mut().zip(permits).filter(|(_, permit)| !**permit);
    lost.for_each(|(row, _)| row.clear());
    setting.width.store(bonds)
}

/// The moving average.
fn moved(alpha: Share, new: Share, old: Share) -> Share {
    (alpha * new + (Share::ONE - alpha) * old).min(Share::ONE)
}

fn product(a: &[Share], b: &[Share]) -> Vec<Share> {
    a.iter().zip(b).map(|(a, b)| *a * *b).collect()
}
