//! Whether what was expected came true, decided look by look while a scenario runs.
use serde::Serialize;

use super::event::{Moment, Point};
use super::expression::Outcome;
use super::selection::NeuronId;
use super::source::Source;
use super::{Expectation, Quantifier, Scenario};

/// What came of one expectation.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It came true.
    Pass,
    /// It did not.
    Fail {
        /// When that was certain first.
        at: Moment,
        /// Whose figure decided, if one neuron's did.
        neuron: Option<NeuronId>,
        /// The figures on both sides.
        detail: String,
    },
    /// Nobody can say.
    Unknown {
        /// What is missing.
        why: String,
    },
}

/// What came of a scenario, or of one expectation in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Conclusion {
    /// All came true.
    Pass,
    /// Nothing failed, and something is unknown.
    Unknown,
    /// Something did not come true: this is the greatest, whatever else there is.
    Fail,
}

/// Watches a run and remembers what is certain.
#[derive(Debug)]
pub struct Judge<'a> {
    watches: Vec<Watch<'a>>,
    doubt: Option<String>,
    fault: Option<String>,
}

/// One expectation, as far as the run has come.
#[derive(Debug)]
struct Watch<'a> {
    expectation: &'a Expectation,
    /// From when on it is looked at.
    since: Option<Moment>,
    /// The last that was known of it, or why never anything was.
    latest: Option<Outcome>,
    verdict: Option<Verdict>,
}

impl<'a> Judge<'a> {
    /// Nothing has been seen yet.
    pub fn new(scenario: &'a Scenario) -> Self {
        let watch = |expectation: &'a Expectation| Watch {
            expectation,
            since: expectation.after.is_none().then(Moment::default),
            latest: None,
            verdict: None,
        };
        Self { watches: scenario.expectations.iter().map(watch).collect(), doubt: None, fault: None }
    }

    /// Looks at the run as it is now; looks come in the order of time. What holds only between two looks is missed.
    pub fn look(&mut self, now: Moment, source: &dyn Source) {
        self.watches.iter_mut().for_each(|watch| watch.look(now, source));
    }

    /// Casts doubt on all that would pass, like a program that did not answer in time; the first reason stays.
    pub fn doubt(&mut self, why: &str) {
        self.doubt.get_or_insert_with(|| why.to_owned());
    }

    /// Says that a behaviour could not go on: what came of its neuron from then on is an honest one's. What broke before
    /// stays broken.
    pub fn fault(&mut self, why: &str) {
        self.fault.get_or_insert_with(|| why.to_owned());
    }

    /// Looks for the last time, and says what came of each expectation, in the order of the file.
    pub fn end(mut self, now: Moment, source: &dyn Source) -> Vec<Verdict> {
        self.look(now, source);
        let asleep = self.watches.iter().any(Watch::never_fired);
        let asleep = asleep.then(|| "the attack never fired".to_owned());
        let (fault, doubt) = (self.fault.clone(), self.fault.or(self.doubt).or(asleep));
        let ended = |watch: Watch<'_>| {
            let waits = matches!(watch.expectation.quantifier, Quantifier::AtEnd | Quantifier::Eventually);
            match (watch.end(now, source), &doubt, &fault) {
                (Verdict::Pass, Some(why), _) => because(why),
                (Verdict::Fail { .. }, _, Some(why)) if waits => because(why),
                (verdict, ..) => verdict,
            }
        };
        self.watches.into_iter().map(ended).collect()
    }
}

impl Watch<'_> {
    fn look(&mut self, now: Moment, source: &dyn Source) {
        let after = self.expectation.after;
        if self.since.is_none() && after.is_some_and(|after| after.is_reached(now, Moment::default())) {
            self.since = Some(now);
        }
        let Some(since) = self.since.filter(|_| self.verdict.is_none()) else { return };
        let is_late = self.expectation.within.is_some_and(|within| is_past(within, now, since));
        let outcome = match self.expectation.quantifier {
            Quantifier::AtEnd => return,
            _ => self.expectation.expression.judge(source),
        };
        self.verdict = match (self.expectation.quantifier, outcome.holds) {
            (Quantifier::Always, Some(false)) | (Quantifier::Never, Some(true)) => {
                Some(fail(now, &outcome, ""))
            }
            (Quantifier::Eventually, Some(true)) if !is_late => Some(Verdict::Pass),
            (Quantifier::Sometimes, Some(true)) => Some(Verdict::Pass),
            (Quantifier::Eventually, _) if is_late => Some(self.too_late(now, &outcome)),
            _ => None,
        };
        self.remember(outcome);
    }

    /// What is known is worth more than why something later is not.
    fn remember(&mut self, outcome: Outcome) {
        if outcome.holds.is_some() || self.latest.as_ref().is_none_or(|latest| latest.holds.is_none()) {
            self.latest = Some(outcome);
        }
    }

    /// The run came past the deadline.
    fn too_late(&self, now: Moment, outcome: &Outcome) -> Verdict {
        let known = self.latest.as_ref().filter(|latest| latest.holds.is_some() && outcome.holds.is_none());
        let outcome = known.unwrap_or(outcome);
        match outcome.holds {
            Some(_) => fail(now, outcome, "not in time: "),
            None => unknown(outcome),
        }
    }

    /// Whether it asks for an attack that was not seen.
    fn never_fired(&self) -> bool {
        let is_sometimes = self.expectation.quantifier == Quantifier::Sometimes;
        is_sometimes && self.verdict.is_none() && self.expectation.expression.asks_what_fired()
    }

    fn end(mut self, now: Moment, source: &dyn Source) -> Verdict {
        if let Some(verdict) = self.verdict {
            return verdict;
        }
        let Some(since) = self.since else { return because("the run ended before `after`") };
        if self.expectation.quantifier == Quantifier::AtEnd {
            self.latest = Some(self.expectation.expression.judge(source));
        }
        let Some(latest) = self.latest else { return because("nobody looked") };
        let is_early = self.expectation.within.is_some_and(|within| !within.is_reached(now, since));
        match (self.expectation.quantifier, latest.holds) {
            (Quantifier::Sometimes, _) => because(&format!("it never came true: {}", latest.detail)),
            (_, None) => unknown(&latest),
            (Quantifier::Eventually, _) if is_early => because("the run ended before its time was up"),
            (Quantifier::Eventually, _) => fail(now, &latest, "never: "),
            (Quantifier::AtEnd, Some(false)) => fail(now, &latest, ""),
            _ => Verdict::Pass,
        }
    }
}

/// Whether the run has come further than that.
fn is_past(within: Point, now: Moment, since: Moment) -> bool {
    let exactly = match within {
        Point::Time(time) => now.time == since.time.saturating_add(time),
        Point::Height(height) => now.height == since.height.saturating_add(height),
        Point::Epoch(epoch) => now.epoch == since.epoch.saturating_add(epoch),
    };
    within.is_reached(now, since) && !exactly
}

fn fail(at: Moment, outcome: &Outcome, how: &str) -> Verdict {
    Verdict::Fail { at, neuron: outcome.neuron, detail: format!("{how}{}", outcome.detail) }
}

fn unknown(outcome: &Outcome) -> Verdict {
    because(&outcome.detail)
}

fn because(why: &str) -> Verdict {
    Verdict::Unknown { why: why.to_owned() }
}

impl Verdict {
    /// In a word.
    pub fn conclusion(&self) -> Conclusion {
        match self {
            Self::Pass => Conclusion::Pass,
            Self::Fail { .. } => Conclusion::Fail,
            Self::Unknown { .. } => Conclusion::Unknown,
        }
    }
}

impl Conclusion {
    /// What came of them all.
    pub fn of(verdicts: &[Verdict]) -> Self {
        verdicts.iter().map(Verdict::conclusion).max().unwrap_or(Self::Pass)
    }

    /// What the program exits with.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Unknown => 2,
        }
    }

    /// "pass", "fail" or "unknown".
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests;
