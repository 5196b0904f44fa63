//! Reads a scenario file: TOML in, a checked [`Scenario`] out, or one message that says where and what.
mod event;
mod expect;
mod group;
mod setting;
mod shape;
mod wording;

use serde::Deserialize;
use toml::Spanned;
use toml::de::DeTable;

use super::Scenario;
use super::group::Group;
use super::text::{Fault, Place, Text};

/// The longest file, in bytes: more than anyone writes by hand.
const MAX_BYTES: usize = 256 << 10;

/// The most tables of one kind, for the same reason.
const MAX_TABLES: usize = 1_024;

/// What decides everything random unless a file or a flag says otherwise.
const SEED: u64 = 1;

/// What a text says.
pub(super) fn read(text: &Text) -> Result<Scenario, Fault> {
    if text.content.len() > MAX_BYTES {
        return Err(Fault::new(0..0, format_args!("longer than {MAX_BYTES} bytes")));
    }
    let document = DeTable::parse(&text.content).map_err(|error| wording::fault(&error))?;
    let settings = setting::read(document.get_ref())?;
    let whole = shape::Whole::deserialize(toml::Deserializer::from(document))
        .map_err(|error| wording::fault(&error))?;
    check_counts(&whole)?;
    let until = event::stretch(whole.until)?;
    let groups = group::groups(whole.group)?;
    let link = |link: Spanned<shape::Link>| event::link(link.into_inner(), &groups);
    let links = whole.link.into_iter().map(link).collect::<Result<_, _>>()?;
    let event = |at| event::event(at, until, &groups);
    let events = whole.at.into_iter().map(event).collect::<Result<Vec<_>, _>>()?;
    check_absent(&groups, &events)?;
    let cast = expect::Cast::new(&groups, &events);
    let expectation = |expect| expect::expectation(expect, until, &cast, text);
    let expectations = whole.expect.into_iter().map(expectation).collect::<Result<Vec<_>, _>>()?;
    if expectations.is_empty() {
        return Err(Fault::new(0..0, "nothing is expected: add an [[expect]]"));
    }
    let scenario = Scenario {
        crime: sentence(whole.crime)?,
        source: whole.source,
        limit: whole.limit,
        seed: whole.seed.unwrap_or(SEED),
        until,
        settings,
        groups,
        links,
        events,
        expectations,
        measure: None,
        text: text.clone(),
    };
    scenario.sketch().map(|_| scenario)
}

fn check_counts(whole: &shape::Whole) -> Result<(), Fault> {
    let beyond = [
        whole.group.get(MAX_TABLES).map(Spanned::span),
        whole.link.get(MAX_TABLES).map(Spanned::span),
        whole.at.get(MAX_TABLES).map(Spanned::span),
        whole.expect.get(MAX_TABLES).map(Spanned::span),
    ];
    match beyond.into_iter().flatten().next() {
        Some(place) => Err(Fault::new(place, format_args!("more than {MAX_TABLES} tables of this kind"))),
        None => Ok(()),
    }
}

/// Something in words, on one line.
fn sentence(written: Spanned<String>) -> Result<String, Fault> {
    let text = written.get_ref();
    match text.trim().is_empty() || text.contains('\n') {
        true => Err(Fault::new(written.span(), "say in one sentence who does what to whom")),
        false => Ok(written.into_inner()),
    }
}

/// Who is absent joins at some time.
fn check_absent(groups: &[Group], events: &[super::Event]) -> Result<(), Fault> {
    let joins = |number: usize| {
        let who = |event: &super::Event| match &event.action {
            super::Action::Join(who) => who.iter().any(|neuron| neuron.group == number),
            _ => false,
        };
        events.iter().any(who)
    };
    let mut absent = groups.iter().enumerate().filter(|(_, group)| group.absent);
    match absent.find(|(number, _)| !joins(*number)) {
        None => Ok(()),
        Some((_, group)) => {
            let words =
                format_args!("`{}` is absent for good: add an [[at]] with join", group.name).to_string();
            Err(Fault::new(group.place.clone(), words))
        }
    }
}

/// The one thing that is given, of several that could be.
fn one<T>(
    place: Place,
    rule: &str,
    given: impl IntoIterator<Item = (Place, T)>,
) -> Result<(Place, T), Fault> {
    let mut given = given.into_iter();
    match (given.next(), given.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(Fault::new(place, rule)),
        (_, Some((second, _))) => Err(Fault::new(second, format_args!("one thing too many: {rule}"))),
    }
}

#[cfg(test)]
mod tests;
