//! What an expectation says about the figures of a run: `earned{group="copier"} < 0.9 * earned{group="honest"}`.
//!
//! A bare name that selects several neurons is their sum, or of a ratio the ratio of both sums. What is divided by
//! zero, or asked of nobody, is unknown; so is whatever depends on it.
mod cast;
mod parser;
mod token;
mod value;

pub(super) use self::cast::Cast;
use super::metric::Metric;
use super::selection::{NeuronId, Selection};
use super::source::Source;
use super::text::Fault;

/// Something that holds at a moment of a run, or does not.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    text: String,
    condition: Condition,
}

/// A number of a run: what stands on one side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure(Term);

/// What an expression came to at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Whether it holds, unless that is unknown.
    pub holds: Option<bool>,
    /// Whose figure decided, if one neuron's did.
    pub neuron: Option<NeuronId>,
    /// The figures on both sides: "0.83 < 0.9 * 0.88: 0.83 < 0.792 is false"; or why it is unknown.
    pub detail: String,
}

#[derive(Clone, Debug, PartialEq)]
enum Condition {
    Compare(Term, Comparison, Term),
    And(Box<(Self, Self)>),
    Or(Box<(Self, Self)>),
    Not(Box<Self>),
}

#[derive(Clone, Debug, PartialEq)]
enum Term {
    Number(f64),
    Figure(Figure),
    Aggregate(Aggregate, Figure),
    Negative(Box<Self>),
    Operation(Box<(Self, Self)>, Operator),
}

/// A metric of some neurons, or of the network.
#[derive(Clone, Debug, PartialEq)]
struct Figure {
    metric: Metric,
    /// Whose; the network's if nobody's.
    of: Option<Selection>,
    mark: Option<String>,
    /// As it is written.
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    Unequal,
    GreaterOrEqual,
    Greater,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Plus,
    Minus,
    Times,
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Mean,
    Min,
    Max,
    Count,
}

impl Expression {
    /// Reads an expression about these neurons; the place of a fault is counted from the text's first byte.
    pub(super) fn read(text: &str, cast: &Cast<'_>) -> Result<Self, Fault> {
        parser::condition(text, cast).map(|condition| Self { text: text.to_owned(), condition })
    }

    /// As it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it comes to now.
    pub fn judge(&self, source: &dyn Source) -> Outcome {
        self.condition.judge(source)
    }

    /// Whether it asks if a behaviour struck.
    pub fn asks_what_fired(&self) -> bool {
        self.condition.figures().iter().any(|figure| figure.metric == Metric::Fired)
    }
}

impl Measure {
    /// Reads a number about these neurons, as [`Expression::read`] does.
    pub(super) fn read(text: &str, cast: &Cast<'_>) -> Result<Self, Fault> {
        parser::term(text, cast).map(Self)
    }

    /// What it is now, unless that is unknown.
    pub fn take(&self, source: &dyn Source) -> Option<f64> {
        self.0.value(source)
    }
}

impl Condition {
    fn figures(&self) -> Vec<&Figure> {
        match self {
            Self::Compare(left, _, right) => [left.figures(), right.figures()].concat(),
            Self::And(both) | Self::Or(both) => [both.0.figures(), both.1.figures()].concat(),
            Self::Not(inner) => inner.figures(),
        }
    }
}

impl Term {
    fn figures(&self) -> Vec<&Figure> {
        match self {
            Self::Number(_) => Vec::new(),
            Self::Figure(figure) | Self::Aggregate(_, figure) => vec![figure],
            Self::Negative(inner) => inner.figures(),
            Self::Operation(both, _) => [both.0.figures(), both.1.figures()].concat(),
        }
    }
}

impl Comparison {
    fn symbol(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::GreaterOrEqual => ">=",
            Self::Greater => ">",
        }
    }
}

impl Operator {
    fn symbol(self) -> &'static str {
        match self {
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Times => "*",
            Self::Over => "/",
        }
    }
}

impl Aggregate {
    const ALL: [(&'static str, Self); 5] = [
        ("sum", Self::Sum),
        ("mean", Self::Mean),
        ("min", Self::Min),
        ("max", Self::Max),
        ("count", Self::Count),
    ];
}

#[cfg(test)]
mod tests;
