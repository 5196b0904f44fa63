//! What happens when: links, faults, comings and goings.
use std::time::Duration;

use protocol::Amount;

use super::group::Conduct;
use super::quantity::{Bandwidth, Chance, Skew};
use super::selection::{NeuronId, Selection};
use super::text::Place;

/// Where a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Moment {
    /// Since the beginning.
    #[serde(serialize_with = "seconds")]
    pub time: Duration,
    /// The last height that any neuron settled.
    pub height: u64,
    /// The epoch that the next height belongs to.
    pub epoch: u64,
}

/// A point of a run, or how far it is from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// After this time.
    Time(Duration),
    /// When this height is settled.
    Height(u64),
    /// When this epoch begins.
    Epoch(u64),
}

/// What messages meet on their way from some to some; what is not said stays as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Who sends.
    pub from: Selection,
    /// Who receives.
    pub to: Selection,
    /// How long each takes.
    pub latency: Option<Duration>,
    /// Up to how much longer.
    pub jitter: Option<Duration>,
    /// How likely it is lost.
    pub loss: Option<Chance>,
    /// How likely it comes twice.
    pub duplicate: Option<Chance>,
    /// How much fits through.
    pub bandwidth: Option<Bandwidth>,
}

/// What a message meets on its way from one neuron to another.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Way {
    /// How long it takes.
    pub latency: Duration,
    /// Up to how much longer.
    pub jitter: Duration,
    /// How likely it is lost.
    pub loss: Chance,
    /// How likely it comes twice.
    pub duplicate: Chance,
    /// How much fits through; without one, everything.
    pub bandwidth: Option<Bandwidth>,
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When.
    pub at: Point,
    /// After which it is undone.
    pub lasts: Option<Duration>,
    /// What.
    pub action: Action,
    /// Where the file says so.
    pub place: Place,
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// No side reaches another; who is on none reaches everybody.
    Partition(Vec<Selection>),
    /// Nothing comes through one way.
    Cut {
        /// Who is not heard.
        from: Selection,
        /// By whom.
        to: Selection,
    },
    /// They stop at once.
    Kill(Selection),
    /// They stand still, and hear later what came meanwhile.
    Pause(Selection),
    /// They start, after a stop if they run.
    Restart(Selection),
    /// They stop if they run, and their disks are lost.
    Wipe(Selection),
    /// They come, and register if they are not.
    Join(Selection),
    /// They go for good.
    Leave(Selection),
    /// Stake is added or taken back.
    Stake {
        /// Behind whom.
        of: Selection,
        /// Whose owners do it; each its own if nobody is named.
        by: Option<Selection>,
        /// How much, each.
        change: Change,
    },
    /// They behave otherwise from now on.
    Behave(Selection, Conduct),
    /// Their clocks are off from now on.
    Skew(Selection, Skew),
    /// Links change.
    Link(Link),
    /// Validators ask miners, once and at once.
    Poll(Selection),
}

/// How stake changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// More.
    Add(Amount),
    /// Less.
    Remove(Amount),
}

impl Point {
    /// Whether a run has come this far, counted from a moment of it.
    pub fn is_reached(self, now: Moment, since: Moment) -> bool {
        match self {
            Self::Time(time) => now.time >= since.time.saturating_add(time),
            Self::Height(height) => now.height >= since.height.saturating_add(height),
            Self::Epoch(epoch) => now.epoch >= since.epoch.saturating_add(epoch),
        }
    }

    /// Whether it lies beyond another; none of two of another kind does.
    pub fn is_beyond(self, other: Self) -> bool {
        match (self, other) {
            (Self::Time(own), Self::Time(other)) => own > other,
            (Self::Height(own), Self::Height(other)) | (Self::Epoch(own), Self::Epoch(other)) => own > other,
            _ => false,
        }
    }
}

impl Link {
    /// Whether it lies on the way from one neuron to another.
    pub fn joins(&self, from: NeuronId, to: NeuronId) -> bool {
        self.from.contains(from) && self.to.contains(to)
    }

    /// The way as it is with this link.
    pub fn over(&self, way: Way) -> Way {
        Way {
            latency: self.latency.unwrap_or(way.latency),
            jitter: self.jitter.unwrap_or(way.jitter),
            loss: self.loss.unwrap_or(way.loss),
            duplicate: self.duplicate.unwrap_or(way.duplicate),
            bandwidth: self.bandwidth.or(way.bandwidth),
        }
    }
}

impl Action {
    /// Whether something goes wrong or somebody turns, rather than that somebody comes or moves stake.
    pub fn is_fault(&self) -> bool {
        !matches!(self, Self::Join(_) | Self::Stake { .. } | Self::Poll(_))
    }

    /// Whether it can be undone.
    pub fn can_end(&self) -> bool {
        matches!(
            self,
            Self::Partition(_)
                | Self::Cut { .. }
                | Self::Pause(_)
                | Self::Behave(..)
                | Self::Skew(..)
                | Self::Link(_)
        )
    }
}

fn seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}
