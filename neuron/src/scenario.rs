//! Scenarios: who does what to whom, when, and what is expected to come of it.
//!
//! A file is text that becomes a [`Scenario`]; whatever runs it shows its figures to a [`Judge`], which says whether the
//! expectations held:
//!
//! ```text
//!  text ──▶ Scenario ──▶ (a run) ──▶ Source ──▶ Judge ──▶ Verdicts ──▶ Results
//! ```

mod books;
mod bundled;
mod course;
mod event;
mod expression;
mod file;
mod genesis;
mod group;
mod keys;
pub mod live;
mod markup;
mod metric;
pub mod near;
mod plot;
mod quantity;
mod report;
mod results;
mod selection;
pub mod simulated;
mod source;
mod template;
mod text;
mod vary;
mod verdict;
mod world;

use std::fmt;

use toml::Spanned;

pub use books::{Account, Books};
pub use bundled::{bundled, instead_of, unpack};
pub use event::{Action, Change, Event, Link, Moment, Point, Way};
pub use expression::{Expression, Measure, Outcome};
pub use genesis::NETUID;
pub use group::{Behaviour, Conduct, Duty, Group, Skill};
pub use metric::{Kind, Metric, Scope};
pub use plot::frontier;
pub use quantity::{Bandwidth, Chance, Skew};
pub use report::{brief, page};
pub use results::{Ending, Finding, Results, junit};
pub use selection::{NeuronId, Selection};
pub use source::{Sample, Source};
pub use template::{NameError, Template};
pub use text::{Error, Fault, Place, Text};
pub use vary::{Vary, VaryError, VaryRange};
pub use verdict::{Conclusion, Judge, Verdict};

/// A network, what happens to it, and what is expected of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Who does what to whom, in a sentence.
    pub crime: String,
    /// Who described it first.
    pub source: Option<String>,
    /// Whether the design is expected to break here.
    pub limit: bool,
    /// What decides everything random.
    pub seed: u64,
    /// When it ends.
    pub until: Point,
    /// Parameters of the network, and what it is about.
    settings: Vec<Setting>,
    /// Who there is.
    pub groups: Vec<Group>,
    /// What messages meet; later links win over earlier ones.
    pub links: Vec<Link>,
    /// What happens, in the order of the file.
    pub events: Vec<Event>,
    /// What is expected; at least one thing.
    pub expectations: Vec<Expectation>,
    /// What a run tells of its end beside verdicts.
    pub measure: Option<Measure>,
    /// What all this was read from.
    pub text: Text,
}

/// Something that is expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// When it must hold.
    pub quantifier: Quantifier,
    /// What must hold.
    pub expression: Expression,
    /// How soon, counted from `after`; only of what holds eventually.
    pub within: Option<Point>,
    /// Before this it is not looked at.
    pub after: Option<Point>,
    /// Why it matters.
    pub why: Option<String>,
    /// Where the file says so.
    pub place: Place,
}

/// When an expectation must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// At every look.
    Always,
    /// At no look.
    Never,
    /// At one look, soon enough.
    Eventually,
    /// At one look, or else the run proves nothing: the attack never fired.
    Sometimes,
    /// At the last look.
    AtEnd,
}

/// A parameter of the network as it is written.
#[derive(Clone, Debug, PartialEq)]
struct Setting {
    name: Spanned<String>,
    word: Spanned<String>,
}

impl Scenario {
    /// Reads a scenario file's text; `file` is what messages call it.
    pub fn read(file: &str, content: &str) -> Result<Self, Error> {
        let text = Text::new(file, content);
        file::read(&text).map_err(|fault| text.error(fault))
    }

    /// Has runs tell a number at their end: "incentive{group='friend'}".
    pub fn measure(&mut self, text: &str) -> Result<(), Error> {
        let cast = expression::Cast::new(&self.groups, &self.events);
        let measure = Measure::read(text, &cast).map_err(|fault| Text::new(text, text).error(fault))?;
        self.measure = Some(measure);
        Ok(())
    }

    /// Every neuron, twins and absent ones included, in the order of the file.
    pub fn neurons(&self) -> impl Iterator<Item = NeuronId> {
        let of = |(group, of): (usize, &Group)| (0..of.count).map(move |number| NeuronId { group, number });
        self.groups.iter().enumerate().flat_map(of)
    }

    /// A neuron's group.
    ///
    /// # Panics
    ///
    /// If the neuron is of another scenario.
    pub fn group(&self, neuron: NeuronId) -> &Group {
        &self.groups[neuron.group]
    }

    /// What people call a neuron: `honest[2]`.
    pub fn name(&self, neuron: NeuronId) -> String {
        format!("{}[{}]", self.group(neuron).name, neuron.number)
    }

    /// What messages meet from one neuron to another while no event says otherwise.
    pub fn way(&self, from: NeuronId, to: NeuronId) -> Way {
        let links = self.links.iter().filter(|link| link.joins(from, to));
        links.fold(Way::default(), |way, link| link.over(way))
    }

    /// Every behaviour that some neuron has at some time.
    pub fn conducts(&self) -> impl Iterator<Item = &Conduct> {
        let changed = self.events.iter().filter_map(|event| match &event.action {
            Action::Behave(_, conduct) => Some(conduct),
            _ => None,
        });
        self.groups.iter().map(|group| &group.conduct).chain(changed)
    }

    /// Refuses what the file says at a place, for whoever knows more than the file's reader.
    pub fn refuse(&self, place: Place, words: &str) -> Error {
        self.text.error(Fault::new(place, words))
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.quantifier.name(), self.expression.text())
    }
}

impl Quantifier {
    /// The key in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Never => "never",
            Self::Eventually => "eventually",
            Self::Sometimes => "sometimes",
            Self::AtEnd => "at_end",
        }
    }
}
