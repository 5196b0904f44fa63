//! How capable a miner's model is and how much effort goes into it: the ladder from poor to good.
use std::fmt;

use crate::task::RUNGS;

/// What a classifier is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Architecture {
    /// One hidden layer of so many units.
    Mlp(i64),
    /// Two convolutions, of so many channels and of twice as many.
    Cnn(i64),
}

/// A model and the effort that goes into it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Profile {
    /// The model.
    pub(crate) architecture: Architecture,
    /// How many of the ten digits its data holds.
    pub(crate) labels: usize,
    /// The share of their images that it learns from, 0 to 1.
    pub(crate) share: f64,
    /// Optimiser steps.
    pub(crate) steps: u32,
}

impl Profile {
    /// The profile of a rung, 0 the poorest; above the ladder is its top.
    pub(crate) fn of(rung: usize) -> Self {
        LADDER[rung.min(RUNGS - 1)]
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { architecture, labels, share, steps } = self;
        write!(f, "{architecture}, {:.0} % of {labels} digits, {steps} steps", 100.0 * share)
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mlp(width) => write!(f, "mlp {width}"),
            Self::Cnn(width) => write!(f, "cnn {width}"),
        }
    }
}

/// Poor miners know few of the digits and try little; the best know all and have the better architecture. Every
/// step up is worth more than hotkeys differ on it (see `ladder_table`).
const LADDER: [Profile; RUNGS] = [
    mlp(32, 4, 0.4, 200),
    mlp(48, 5, 0.5, 300),
    mlp(64, 6, 0.6, 300),
    mlp(64, 7, 0.6, 400),
    mlp(96, 8, 0.6, 400),
    mlp(128, 9, 0.7, 400),
    mlp(128, 10, 0.8, 400),
    cnn(24, 10, 0.9, 300),
];

const fn mlp(width: i64, labels: usize, share: f64, steps: u32) -> Profile {
    Profile { architecture: Architecture::Mlp(width), labels, share, steps }
}

const fn cnn(width: i64, labels: usize, share: f64, steps: u32) -> Profile {
    Profile { architecture: Architecture::Cnn(width), labels, share, steps }
}
