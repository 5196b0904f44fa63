//! `[[expect]]`: what must hold when.
use toml::Spanned;

use super::event::stretch;
use super::{one, shape};
use crate::scenario::event::Point;
pub(super) use crate::scenario::expression::Cast;
use crate::scenario::expression::Expression;
use crate::scenario::text::{Fault, Place, Text};
use crate::scenario::{Expectation, Quantifier};

/// Something that is expected before the run ends.
pub(super) fn expectation(
    written: Spanned<shape::Expect>,
    until: Point,
    cast: &Cast<'_>,
    text: &Text,
) -> Result<Expectation, Fault> {
    let place = written.span();
    let shape::Expect { always, never, eventually, sometimes, at_end, within, after, why } =
        written.into_inner();
    let given = [
        (Quantifier::Always, always),
        (Quantifier::Never, never),
        (Quantifier::Eventually, eventually),
        (Quantifier::Sometimes, sometimes),
        (Quantifier::AtEnd, at_end),
    ];
    let given = given
        .into_iter()
        .filter_map(|(quantifier, words)| Some((words.as_ref()?.span(), (quantifier, words?))));
    let rule = "say one of `always`, `never`, `eventually`, `sometimes` and `at_end`";
    let (place, (quantifier, words)) = one(place, rule, given)?;
    let expression = Expression::read(words.get_ref(), cast).map_err(|fault| inside(fault, &words, text))?;
    if let Some(within) = within.as_ref().filter(|_| quantifier != Quantifier::Eventually) {
        return Err(Fault::new(within.span(), "`within` belongs to `eventually`"));
    }
    let before_the_end = |written: Spanned<shape::Stretch>| {
        let place = written.span();
        let point = stretch(written)?;
        match point.is_beyond(until) {
            true => Err(Fault::new(place, "the run is over by then; see `until`")),
            false => Ok(point),
        }
    };
    let (within, after) = (within.map(before_the_end).transpose()?, after.map(before_the_end).transpose()?);
    Ok(Expectation { quantifier, expression, within, after, why, place })
}

/// A fault in an expression, by its place in the file; the whole text of it if escapes hide the place.
fn inside(fault: Fault, words: &Spanned<String>, text: &Text) -> Fault {
    let span = words.span();
    let written = text.content.get(span.clone()).and_then(|raw| raw.find(words.get_ref().as_str()));
    let shifted = |offset: usize| -> Place {
        let start = span.start + offset;
        start + fault.place.start..start + fault.place.end
    };
    Fault { place: written.map_or(span.clone(), shifted), words: fault.words }
}
