//! What is measured, and what others have measured before.
use protocol::yuma::{Setting, Share, Version};

use crate::reference::reference;

/// The stake shares of the honest, by column.
pub(crate) const STAKES: [f64; 7] = [0.51, 0.55, 0.60, 0.65, 0.70, 0.80, 0.90];

/// One row of the table.
pub(crate) struct Experiment {
    pub(crate) name: &'static str,
    /// The relative spread of weights.
    pub(crate) sigma: f64,
    /// What part of the emission is for validators (xi).
    pub(crate) validators_part: f64,
    pub(crate) setting: Setting,
    /// By column.
    pub(crate) expected: [Expected; 7],
}

/// What a needed utility must be.
#[derive(Clone, Copy)]
pub(crate) enum Expected {
    /// This figure, up to [`TOLERANCE`].
    Published(f64),
    /// At most this.
    AtMost(f64),
    /// What it is.
    Anything,
}

/// How far from a published figure ours may be: both come from random samples.
pub(crate) const TOLERANCE: f64 = 0.005;

/// What incentive by consensus must come to with the published network.
const GOALS: [Expected; 7] = {
    let mut goals = [Expected::Anything; 7];
    goals[0] = Expected::AtMost(0.845);
    goals[2] = Expected::AtMost(0.72);
    goals
};

/// Every row: the reference's with the published figures, then ours.
///
/// The figures of Yuma 2 are read from the curves of the reference's `docs/consensus.md` (SVG paths), those of Yuma 3
/// come from a run of the same experiment through the reference's own epoch code (spec section 16.1).
pub(crate) fn experiments() -> Vec<Experiment> {
    let standard = Experiment { expected: GOALS, ..ours("ours:      sigma 0.4, xi 0.5") };
    vec![
        published("reference: sigma 0.4, xi 0.5", [0.886, 0.764, 0.733, 0.732, 0.749, 0.813, 0.904]),
        standard,
        Experiment {
            sigma: 0.2,
            ..published("reference: sigma 0.2", [0.705, 0.660, 0.667, 0.691, 0.724, 0.807, 0.902])
        },
        Experiment { sigma: 0.2, ..ours("ours:      sigma 0.2") },
        Experiment {
            sigma: 0.0,
            ..published("reference: sigma 0", [0.509, 0.550, 0.600, 0.649, 0.700, 0.800, 0.900])
        },
        Experiment { sigma: 0.0, ..ours("ours:      sigma 0") },
        with_kappa(
            26_214,
            published("reference: kappa 0.4", [0.930, 0.775, 0.712, 0.722, 0.745, 0.813, 0.904]),
        ),
        with_kappa(
            39_321,
            published("reference: kappa 0.6", [1.000, 1.000, 1.000, 0.785, 0.773, 0.817, 0.904]),
        ),
        with_penalty(
            32_768,
            published("reference: beta 0.5", [0.916, 0.808, 0.768, 0.758, 0.766, 0.820, 0.904]),
        ),
        with_penalty(0, published("reference: beta 0", [0.921, 0.823, 0.788, 0.779, 0.783, 0.825, 0.905])),
        Experiment {
            validators_part: 0.25,
            ..published("reference: xi 0.25", [0.910, 0.815, 0.785, 0.779, 0.785, 0.827, 0.905])
        },
        Experiment { validators_part: 0.25, ..ours("ours:      xi 0.25") },
        Experiment {
            validators_part: 0.0,
            ..published("reference: xi 0", [0.926, 0.848, 0.824, 0.820, 0.827, 0.859, 0.916])
        },
        Experiment { validators_part: 0.0, ..ours("ours:      xi 0") },
        yuma3(published("reference: Yuma 3", [0.885, 0.764, 0.732, 0.731, 0.749, 0.813, 0.903])),
        yuma3(with_penalty(
            0,
            published("reference: Yuma 3, beta 0", [0.919, 0.821, 0.786, 0.776, 0.779, 0.825, 0.904]),
        )),
    ]
}

fn published(name: &'static str, figures: [f64; 7]) -> Experiment {
    let (setting, expected) = (reference(Version::Two, 10), figures.map(Expected::Published));
    Experiment { name, sigma: 0.4, validators_part: 0.5, setting, expected }
}

fn ours(name: &'static str) -> Experiment {
    let (setting, expected) = (Setting::default(), [Expected::Anything; 7]);
    Experiment { name, sigma: 0.4, validators_part: 0.5, setting, expected }
}

fn with_kappa(kappa: u16, experiment: Experiment) -> Experiment {
    let setting = Setting { kappa: Share::of_u16(kappa), ..experiment.setting };
    Experiment { setting, ..experiment }
}

fn with_penalty(penalty: u16, experiment: Experiment) -> Experiment {
    let setting = Setting { penalty: Share::of_u16(penalty), ..experiment.setting };
    Experiment { setting, ..experiment }
}

fn yuma3(experiment: Experiment) -> Experiment {
    let setting = Setting { version: Version::Three, ..experiment.setting };
    Experiment { setting, ..experiment }
}
