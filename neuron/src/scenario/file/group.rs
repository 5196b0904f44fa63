//! `[[group]]`: who there is.
use protocol::{Amount, emission};
use toml::Spanned;

use super::shape::{self, Maybe, Skill as Written};
use crate::scenario::group::{Behaviour, Conduct, Duty, Group, Skill};
use crate::scenario::quantity::Chance;
use crate::scenario::selection::{NeuronId, Selection};
use crate::scenario::text::{Fault, Place};

/// The most neurons in all: the longest row of weights.
const MAX_NEURONS: usize = 4_096;

/// The longest name of a group, in bytes: it stands in every line of a report.
const MAX_NAME: usize = 32;

/// What a validator has at stake unless the file says otherwise.
const STAKE: Amount = Amount::coins(100);

/// What every owner can spend unless the file says otherwise: enough to register and to stake some.
const BALANCE: Amount = Amount::coins(100);

/// The most further identities of a neuron.
const MAX_IDENTITIES: usize = 64;

/// How often a miner answers rightly unless the file says otherwise.
const SKILL: Chance = Chance(1.0);

/// Every group, checked by itself and beside the others.
pub(super) fn groups(written: Vec<Spanned<shape::Group>>) -> Result<Vec<Group>, Fault> {
    let mut groups: Vec<Group> = Vec::new();
    let mut neurons = 0_usize;
    for group in written {
        let place = group.span();
        let counted = group.get_ref().count.as_ref().map_or(place.clone(), Spanned::span);
        let group = of(place, group.into_inner(), &groups)?;
        neurons = neurons.saturating_add(group.count);
        if neurons > MAX_NEURONS {
            return Err(Fault::new(counted, format_args!("more than {MAX_NEURONS} neurons in all")));
        }
        groups.push(group);
    }
    check_supply(&groups)?;
    match groups.iter().any(|group| group.settles && !group.absent && group.stake > Amount::ZERO) {
        true => Ok(groups),
        false => Err(Fault::new(
            groups.first().map_or(0..0, |group| group.place.clone()),
            "nobody settles: have a group with role = \"validator\" and stake from the beginning",
        )),
    }
}

fn of(place: Place, written: shape::Group, before: &[Group]) -> Result<Group, Fault> {
    check_name(&written.name, before)?;
    let twin = written.twin_of.as_ref().map(|twin| twin_of(twin, before)).transpose()?;
    let original = twin.map(|twin: NeuronId| &before[twin.group]);
    if let Some(original) = original {
        check_twin(&written, original)?;
    }
    let missing = || Fault::new(place.clone(), "missing `role`; write \"validator\" or \"miner\"");
    let duty = written.role.as_ref().map(|role| *role.get_ref());
    let duty = duty.or(original.map(|original| original.duty)).ok_or_else(missing)?;
    let is_validator = duty == Duty::Validator;
    let usual = if is_validator { STAKE } else { Amount::ZERO };
    let stake = original.map(|original| original.stake);
    let stake = stake.or(written.stake.as_ref().map(|stake| stake.get_ref().0)).unwrap_or(usual);
    let settles = original.map(|original| original.settles);
    let settles = settles.or(written.settles.as_ref().map(|settles| *settles.get_ref()));
    let conduct = conduct(place.clone(), written.behaviour, written.with)?;
    let is_honest = *conduct.behaviour.get_ref() == Behaviour::Honest && twin.is_none();
    Ok(Group {
        name: written.name.get_ref().as_str().into(),
        duty,
        count: count(written.count.as_ref())?,
        stake,
        balance: written.balance.map_or(BALANCE, |balance| balance.0),
        settles: settles.unwrap_or(is_validator && stake > Amount::ZERO),
        skill: skill(written.skill.as_ref(), duty)?,
        identities: identities(written.identities.as_ref(), &conduct)?,
        attacks: written.attacks.unwrap_or(!is_honest),
        conduct,
        twin_of: twin,
        absent: written.absent,
        skew: written.skew.map(|skew| skew.0).unwrap_or_default(),
        place,
    })
}

fn check_name(name: &Spanned<String>, before: &[Group]) -> Result<(), Fault> {
    let text = name.get_ref();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    if !(1..=MAX_NAME).contains(&text.len()) || !text.chars().all(plain) {
        let rule = format_args!("a name has 1 to {MAX_NAME} letters, digits, `-` and `_`").to_string();
        return Err(Fault::new(name.span(), rule));
    }
    match before.iter().any(|group| *group.name == **text) {
        true => Err(Fault::new(name.span(), format_args!("there is a group `{text}` already"))),
        false => Ok(()),
    }
}

/// The neuron whose key a group shares; its group comes first in the file.
fn twin_of(written: &Spanned<String>, before: &[Group]) -> Result<NeuronId, Fault> {
    let refused = |words: String| Fault::new(written.span(), words);
    let selector = written.get_ref();
    let chosen = Selection::of(selector, before)
        .map_err(|words| refused(format!("{words}; the group of a twin comes after its original's")))?;
    let Some(original) = chosen.iter().next().filter(|_| chosen.len() == 1) else {
        return Err(refused(format!(
            "`{selector}` is {} neurons; name one, like \"honest[0]\"",
            chosen.len()
        )));
    };
    match before[original.group].twin_of {
        Some(_) => Err(refused(format!("`{selector}` is itself a twin; name its original"))),
        None => Ok(original),
    }
}

/// A twin has what its key has.
fn check_twin(written: &shape::Group, original: &Group) -> Result<(), Fault> {
    let stake = written.stake.as_ref().map(Spanned::span);
    if let Some(place) = stake.or(written.settles.as_ref().map(Spanned::span)) {
        let words = format_args!("a twin has the stake of its key, which `{}` states", original.name);
        return Err(Fault::new(place, words));
    }
    match written.role.as_ref().filter(|role| *role.get_ref() != original.duty) {
        Some(role) => Err(Fault::new(role.span(), format_args!("a twin does what `{}` does", original.name))),
        None => Ok(()),
    }
}

fn count(written: Option<&Spanned<usize>>) -> Result<usize, Fault> {
    match written.map(|count| (*count.get_ref(), count.span())) {
        None => Ok(1),
        Some((0, place)) => Err(Fault::new(place, "a group of nobody; leave it out")),
        Some((count, _)) => Ok(count),
    }
}

fn identities(written: Option<&Spanned<usize>>, conduct: &Conduct) -> Result<usize, Fault> {
    match written.map(|count| (*count.get_ref(), count.span())) {
        None => Ok(0),
        Some((_, place)) if conduct.is_honest() => {
            Err(Fault::new(place, "only a `behaviour` uses further identities; name one"))
        }
        Some((count, place)) if !(1..=MAX_IDENTITIES).contains(&count) => {
            Err(Fault::new(place, format_args!("a neuron has 1 to {MAX_IDENTITIES} further identities")))
        }
        Some((count, _)) => Ok(count),
    }
}

fn skill(written: Option<&Spanned<Written>>, duty: Duty) -> Result<Skill, Fault> {
    match written.map(|skill| (skill.get_ref(), skill.span())) {
        None => Ok(Skill { from: SKILL, to: SKILL }),
        Some((_, place)) if duty == Duty::Validator => {
            Err(Fault::new(place, "validators answer nothing; leave `skill` out"))
        }
        Some((Written::One(chance), _)) => Ok(Skill { from: *chance, to: *chance }),
        Some((Written::Between(between), _)) => Ok(Skill { from: between.from.0, to: between.to.0 }),
    }
}

/// A behaviour and what is handed to it; honest if none is named.
pub(super) fn conduct(
    place: Place,
    written: Maybe<String>,
    with: Maybe<toml::Table>,
) -> Result<Conduct, Fault> {
    let Some(written) = written else {
        return match with {
            None => Ok(Conduct::honest(place)),
            Some(with) => Err(Fault::new(with.span(), "`with` is handed to a `behaviour`; name one")),
        };
    };
    let behaviour = Behaviour::of(written.get_ref()).map_err(|words| Fault::new(written.span(), words))?;
    let with = with.unwrap_or_else(|| Spanned::new(written.span(), toml::Table::new()));
    Ok(Conduct { behaviour: Spanned::new(written.span(), behaviour), with })
}

/// Stakes and balances together are coins that may exist.
fn check_supply(groups: &[Group]) -> Result<(), Fault> {
    let mut total = 0_u128;
    for group in groups.iter().filter(|group| group.twin_of.is_none()) {
        let each = u128::from(group.stake.0) + u128::from(group.balance.0);
        total += each * group.count as u128;
        if total > u128::from(emission::CAP.0) {
            let words = format_args!("with `{}` there are more than {} coins", group.name, emission::CAP);
            return Err(Fault::new(group.place.clone(), words));
        }
    }
    Ok(())
}
