//! What expressions come to, and how that is shown.
use super::{Aggregate, Comparison, Condition, Figure, Operator, Outcome, Source, Term};
use crate::scenario::Sample;
use crate::scenario::metric::Kind;
use crate::scenario::selection::NeuronId;

/// Digits that are shown of a number that is not whole.
const DIGITS: i32 = 6;

/// Beyond this a float no longer tells whole numbers apart.
const WHOLE: f64 = 9e15;

/// What a term came to.
struct Reading {
    value: f64,
    /// The term with figures in place of names.
    shown: String,
    /// Whose figure decided most.
    neuron: Option<NeuronId>,
}

impl Condition {
    pub(super) fn judge(&self, source: &dyn Source) -> Outcome {
        match self {
            Self::Compare(left, comparison, right) => compare(left, *comparison, right, source),
            Self::And(both) => join(both, false, source),
            Self::Or(both) => join(both, true, source),
            Self::Not(inner) => {
                let outcome = inner.judge(source);
                Outcome { holds: outcome.holds.map(|holds| !holds), ..outcome }
            }
        }
    }
}

fn compare(left: &Term, comparison: Comparison, right: &Term, source: &dyn Source) -> Outcome {
    let readings = left.read(source).and_then(|left| Ok((left, right.read(source)?)));
    let (left, right) = match readings {
        Ok(readings) => readings,
        Err(why) => return Outcome { holds: None, neuron: None, detail: why },
    };
    let holds = comparison.holds(left.value, right.value);
    let symbol = comparison.symbol();
    let terms = format!("{} {symbol} {}", left.shown, right.shown);
    // What differs is shown to differ.
    let is_near = left.value != right.value && show(left.value) == show(right.value);
    let shown = |value: f64| if is_near { value.to_string() } else { show(value) };
    let values = format!("{} {symbol} {}", shown(left.value), shown(right.value));
    let detail = match terms == values {
        true => format!("{terms} is {holds}"),
        false => format!("{terms}: {values} is {holds}"),
    };
    Outcome { holds: Some(holds), neuron: left.neuron.or(right.neuron), detail }
}

/// One side decides if it comes to `deciding`; one that is unknown otherwise; else both.
fn join(both: &(Condition, Condition), deciding: bool, source: &dyn Source) -> Outcome {
    let (left, right) = (both.0.judge(source), both.1.judge(source));
    for wanted in [Some(deciding), None] {
        if left.holds == wanted {
            return left;
        }
        if right.holds == wanted {
            return right;
        }
    }
    let detail = format!("{} and {}", left.detail, right.detail);
    Outcome { holds: Some(!deciding), neuron: left.neuron.or(right.neuron), detail }
}

impl Term {
    /// What it comes to, if that is known.
    pub(super) fn value(&self, source: &dyn Source) -> Option<f64> {
        self.read(source).ok().map(|reading| reading.value)
    }

    /// What it comes to, or why that is unknown.
    fn read(&self, source: &dyn Source) -> Result<Reading, String> {
        match self {
            Self::Number(value) => Ok(Reading { value: *value, shown: show(*value), neuron: None }),
            Self::Figure(figure) => figure.read(source),
            Self::Aggregate(aggregate, figure) => figure.aggregate(*aggregate, source),
            Self::Negative(inner) => {
                let inner = inner.read(source)?;
                Ok(Reading { value: -inner.value, shown: format!("-{}", inner.shown), ..inner })
            }
            Self::Operation(both, operator) => {
                let (left, right) = (both.0.read(source)?, both.1.read(source)?);
                let shown = format!(
                    "{} {} {}",
                    both.0.shown_in(*operator, &left, false),
                    operator.symbol(),
                    both.1.shown_in(*operator, &right, true)
                );
                let value =
                    operator.apply(left.value, right.value).ok_or_else(|| format!("{shown} is unknown"))?;
                Ok(Reading { value, shown, neuron: left.neuron.or(right.neuron) })
            }
        }
    }

    /// In parentheses where the operator around it would take it apart.
    fn shown_in(&self, around: Operator, reading: &Reading, is_right: bool) -> String {
        match self {
            Self::Operation(_, own) if own.binds() < around.binds() + i32::from(is_right) => {
                format!("({})", reading.shown)
            }
            _ => reading.shown.clone(),
        }
    }
}

impl Figure {
    /// The figure of all whom it is of, together.
    fn read(&self, source: &dyn Source) -> Result<Reading, String> {
        let samples = self.samples(source);
        if samples.is_empty() {
            return Err(format!("nobody has `{}` yet", self.text));
        }
        let sum: f64 = samples.iter().map(|sample| sample.value).sum();
        let value = match self.metric.kind() {
            Kind::Amount | Kind::Counter | Kind::State => sum,
            Kind::Ratio => {
                let per: f64 = samples.iter().map(|sample| sample.per).sum();
                Operator::Over
                    .apply(sum, per)
                    .ok_or_else(|| format!("`{}` is for each of nothing", self.text))?
            }
        };
        Ok(Reading { value, shown: show(value), neuron: largest(&samples) })
    }

    fn aggregate(&self, aggregate: Aggregate, source: &dyn Source) -> Result<Reading, String> {
        let samples = self.samples(source);
        let count = samples.len() as f64;
        let unknown = || format!("nobody has `{}` yet", self.text);
        if samples.is_empty() && aggregate != Aggregate::Count {
            return Err(unknown());
        }
        let values = self.values(&samples)?;
        let sum = || values.iter().map(|(_, value)| value).sum::<f64>();
        let by_value = |a: &&(Option<NeuronId>, f64), b: &&(Option<NeuronId>, f64)| a.1.total_cmp(&b.1);
        let least = values.iter().min_by(by_value).copied().unwrap_or_default();
        let greatest = values.iter().max_by(by_value).copied().unwrap_or_default();
        let (neuron, value) = match aggregate {
            Aggregate::Sum => (largest(&samples), sum()),
            Aggregate::Mean => (largest(&samples), sum() / count),
            Aggregate::Min => least,
            Aggregate::Max => greatest,
            Aggregate::Count => (None, count),
        };
        Ok(Reading { value, shown: show(value), neuron })
    }

    /// Each one's own figure.
    fn values(&self, samples: &[Sample]) -> Result<Vec<(Option<NeuronId>, f64)>, String> {
        let value = |sample: &Sample| {
            let value = Operator::Over.apply(sample.value, sample.per);
            let value = value.ok_or_else(|| format!("one of `{}` is for each of nothing", self.text))?;
            Ok((sample.neuron, value))
        };
        samples.iter().map(value).collect()
    }

    fn samples(&self, source: &dyn Source) -> Vec<Sample> {
        let mut samples = source.samples(self.metric, self.mark.as_deref());
        if let Some(of) = &self.of {
            samples.retain(|sample| sample.neuron.is_some_and(|neuron| of.contains(neuron)));
        }
        samples
    }
}

/// Who has most, if anybody has anything.
fn largest(samples: &[Sample]) -> Option<NeuronId> {
    let most = samples.iter().max_by(|a, b| a.value.abs().total_cmp(&b.value.abs()))?;
    most.neuron.filter(|_| most.value != 0.0 || samples.len() == 1)
}

impl Comparison {
    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Equal => left == right,
            Self::Unequal => left != right,
            Self::GreaterOrEqual => left >= right,
            Self::Greater => left > right,
        }
    }
}

impl Operator {
    /// What two numbers come to, if that is a number.
    fn apply(self, left: f64, right: f64) -> Option<f64> {
        let value = match self {
            Self::Plus => left + right,
            Self::Minus => left - right,
            Self::Times => left * right,
            Self::Over => left / right,
        };
        value.is_finite().then_some(value)
    }

    fn binds(self) -> i32 {
        match self {
            Self::Plus | Self::Minus => 1,
            Self::Times | Self::Over => 2,
        }
    }
}

/// A number with as many digits as anyone reads.
pub(crate) fn show(value: f64) -> String {
    if value == value.trunc() && value.abs() < WHOLE {
        return format!("{value:.0}").replace("-0", "0");
    }
    let decimals = DIGITS - 1 - value.abs().log10().floor() as i32;
    let text = format!("{value:.*}", decimals.clamp(0, 15) as usize);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}
