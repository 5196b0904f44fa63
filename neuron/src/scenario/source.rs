//! Where the figures of a run come from.
use super::metric::Metric;
use super::selection::NeuronId;

/// A figure of one neuron, or of the network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Whose; nobody's if it is the network's.
    pub neuron: Option<NeuronId>,
    /// How much.
    pub value: f64,
    /// Of a ratio: for how much; otherwise 1.
    pub per: f64,
}

/// A run, as its expectations see it.
pub trait Source {
    /// A metric's figure of each neuron that has one, or the network's one figure. `mark` picks one of those that
    /// `fired` counts; without it all count.
    fn samples(&self, metric: Metric, mark: Option<&str>) -> Vec<Sample>;
}
