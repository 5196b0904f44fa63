//! How capable a miner's model is and how much effort goes into it: the ladder from poor to good.

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
    /// The share of the miners' part that it learns from, 0 to 1.
    pub(crate) share: f64,
    /// Optimiser steps.
    pub(crate) steps: u32,
    /// The optimiser's rate.
    pub(crate) rate: f64,
    /// Whether it learns from distorted images, as it will be asked.
    pub(crate) distorted: bool,
}

impl Profile {
    /// The profile of a rung, 0 the poorest; above the ladder is its top.
    pub(crate) fn of(rung: usize) -> Self {
        LADDER[rung.min(RUNGS - 1)]
    }
}

const LADDER: [Profile; RUNGS] = [
    mlp(32, 0.10, 6, 2e-3),
    mlp(32, 0.20, 12, 2e-3),
    mlp(32, 0.30, 20, 2e-3),
    mlp(32, 0.40, 32, 2e-3),
    mlp(32, 0.50, 60, 2e-3),
    mlp(64, 0.60, 150, 2e-3),
    cnn(8, 0.60, 200, 3e-3),
    cnn(16, 0.90, 300, 3e-3),
];

const fn mlp(width: i64, share: f64, steps: u32, rate: f64) -> Profile {
    Profile {
        architecture: Architecture::Mlp(width),
        share,
        steps,
        rate,
        distorted: true,
    }
}

const fn cnn(width: i64, share: f64, steps: u32, rate: f64) -> Profile {
    Profile {
        architecture: Architecture::Cnn(width),
        share,
        steps,
        rate,
        distorted: true,
    }
}
