//! `[[link]]` and `[[at]]`: what messages meet, and what happens when.
use std::time::Duration;

use toml::Spanned;

use super::shape::{self, Selectors, Stretch, Units};
use super::{group, one};
use crate::scenario::event::{Action, Change, Event, Link, Point};
use crate::scenario::group::{Duty, Group};
use crate::scenario::quantity::Written;
use crate::scenario::selection::Selection;
use crate::scenario::text::{Fault, Place};

/// A way between some and some; from and to everybody unless said otherwise.
pub(super) fn link(written: shape::Link, groups: &[Group]) -> Result<Link, Fault> {
    let end = |end: Option<Spanned<Selectors>>| match end {
        Some(selectors) => selected(&selectors, groups),
        None => Ok(Selection::all(groups)),
    };
    Ok(Link {
        from: end(written.from)?,
        to: end(written.to)?,
        latency: written.latency.map(|latency| latency.0),
        jitter: written.jitter.map(|jitter| jitter.0),
        loss: written.loss.map(|loss| loss.0),
        duplicate: written.duplicate.map(|duplicate| duplicate.0),
        bandwidth: written.bandwidth.map(|bandwidth| bandwidth.0),
    })
}

/// Something that happens before the run ends.
pub(super) fn event(written: Spanned<shape::At>, until: Point, groups: &[Group]) -> Result<Event, Fault> {
    let place = written.span();
    let mut at = written.into_inner();
    let (when, at_point) = point(place.clone(), at.time.take(), at.height.take(), at.epoch.take())?;
    if at_point.is_beyond(until) {
        return Err(Fault::new(when, "the run is over by then; see `until`"));
    }
    let lasts = at.lasts.take();
    let (action_place, action) = one(place, "an event does one thing; say what", actions(at))?;
    let action = action.check(&action_place, groups)?;
    match lasts {
        Some(lasts) if !action.can_end() => Err(Fault::new(
            lasts.span(),
            "what this does is not undone by itself; add an [[at]] that does it",
        )),
        lasts => {
            let lasts = lasts.map(|lasts| lasts.into_inner().0);
            Ok(Event { at: at_point, lasts, action, place: action_place })
        }
    }
}

/// A stretch of the run.
pub(super) fn stretch(written: Spanned<Stretch>) -> Result<Point, Fault> {
    let place = written.span();
    match written.into_inner() {
        Stretch::Time(time) => Ok(Point::Time(time)),
        Stretch::Of(Units { time, height, epoch }) => Ok(point(place, time, height, epoch)?.1),
    }
}

fn point(
    place: Place,
    time: Option<Spanned<Written<Duration>>>,
    height: Option<Spanned<u64>>,
    epoch: Option<Spanned<u64>>,
) -> Result<(Place, Point), Fault> {
    let points = [
        time.map(|time| (time.span(), Point::Time(time.into_inner().0))),
        height.map(|height| (height.span(), Point::Height(height.into_inner()))),
        epoch.map(|epoch| (epoch.span(), Point::Epoch(epoch.into_inner()))),
    ];
    one(place, "say one of `time`, `height` and `epoch`", points.into_iter().flatten())
}

/// What becomes of those whom an event is about.
type Made = fn(Selection) -> Action;

/// What an event does, with selectors still to be looked up.
enum Deed {
    Partition(Vec<Spanned<Selectors>>),
    Cut(shape::Cut),
    /// One of those that only say who.
    To(Made, Spanned<Selectors>),
    Join(Spanned<Selectors>),
    Poll(Spanned<Selectors>),
    Stake(shape::Stake),
    Behave(shape::Behave),
    Skew(shape::SkewOf),
    Link(shape::Link),
}

/// All that an event does, each with its place.
fn actions(at: shape::At) -> impl Iterator<Item = (Place, Deed)> {
    let plain: [(Made, _); 5] = [
        (Action::Kill, at.kill),
        (Action::Pause, at.pause),
        (Action::Restart, at.restart),
        (Action::Wipe, at.wipe),
        (Action::Leave, at.leave),
    ];
    let plain = plain.map(|(action, who)| who.map(|who| (who.span(), Deed::To(action, who))));
    let others = [
        at.partition.map(|sides| (sides.span(), Deed::Partition(sides.into_inner()))),
        at.cut.map(|cut| (cut.span(), Deed::Cut(cut.into_inner()))),
        at.join.map(|who| (who.span(), Deed::Join(who))),
        at.poll.map(|who| (who.span(), Deed::Poll(who))),
        at.stake.map(|stake| (stake.span(), Deed::Stake(stake.into_inner()))),
        at.behaviour.map(|behave| (behave.span(), Deed::Behave(behave.into_inner()))),
        at.skew.map(|skew| (skew.span(), Deed::Skew(skew.into_inner()))),
        at.link.map(|link| (link.span(), Deed::Link(link.into_inner()))),
    ];
    plain.into_iter().chain(others).flatten()
}

impl Deed {
    fn check(self, place: &Place, groups: &[Group]) -> Result<Action, Fault> {
        let whom = |selectors: &Spanned<Selectors>| selected(selectors, groups);
        match self {
            Self::Partition(sides) => partition(place, &sides, groups),
            Self::Cut(cut) => Ok(Action::Cut { from: whom(&cut.from)?, to: whom(&cut.to)? }),
            Self::To(action, who) => whom(&who).map(action),
            Self::Join(who) => {
                only(&who, groups, |group| group.absent, "is there from the beginning").map(Action::Join)
            }
            Self::Poll(who) => {
                only(&who, groups, |group| group.duty == Duty::Validator, "asks nobody: it mines")
                    .map(Action::Poll)
            }
            Self::Stake(stake) => change(place, stake, groups),
            Self::Behave(behave) => {
                let conduct = group::conduct(behave.is.span(), Some(behave.is), behave.with)?;
                Ok(Action::Behave(whom(&behave.of)?, conduct))
            }
            Self::Skew(skew) => Ok(Action::Skew(whom(&skew.of)?, skew.is.0)),
            Self::Link(written) => Ok(Action::Link(link(written, groups)?)),
        }
    }
}

/// Sides that have nobody in common.
fn partition(place: &Place, written: &[Spanned<Selectors>], groups: &[Group]) -> Result<Action, Fault> {
    let mut sides: Vec<Selection> = Vec::new();
    for side in written {
        let selection = selected(side, groups)?;
        let both = sides.iter().find_map(|other| other.within(&selection).iter().next());
        if let Some(neuron) = both {
            let name = format_args!("{}[{}]", groups[neuron.group].name, neuron.number).to_string();
            return Err(Fault::new(side.span(), format_args!("`{name}` is on two sides at once")));
        }
        sides.push(selection);
    }
    match sides.len() {
        0 | 1 => Err(Fault::new(place.clone(), "a partition has two sides or more")),
        _ => Ok(Action::Partition(sides)),
    }
}

/// Selected neurons, all of groups of which something holds.
fn only(
    written: &Spanned<Selectors>,
    groups: &[Group],
    holds: impl Fn(&Group) -> bool,
    otherwise: &str,
) -> Result<Selection, Fault> {
    let selection = selected(written, groups)?;
    let other = selection.iter().map(|neuron| &groups[neuron.group]).find(|group| !holds(group));
    match other {
        Some(group) => Err(Fault::new(written.span(), format_args!("`{}` {otherwise}", group.name))),
        None => Ok(selection),
    }
}

fn change(place: &Place, written: shape::Stake, groups: &[Group]) -> Result<Action, Fault> {
    let changes = [
        written.add.map(|add| (add.span(), Change::Add(add.into_inner().0))),
        written.remove.map(|remove| (remove.span(), Change::Remove(remove.into_inner().0))),
    ];
    let (_, change) = one(place.clone(), "say one of `add` and `remove`", changes.into_iter().flatten())?;
    let by = written.by.map(|by| selected(&by, groups)).transpose()?;
    Ok(Action::Stake { of: selected(&written.of, groups)?, by, change })
}

/// Whom one selector means, or several together.
fn selected(written: &Spanned<Selectors>, groups: &[Group]) -> Result<Selection, Fault> {
    let of = |selector: &str, place: Place| {
        Selection::of(selector, groups).map_err(|words| Fault::new(place, words))
    };
    match written.get_ref() {
        Selectors::One(selector) => of(selector, written.span()),
        Selectors::Many(list) if list.is_empty() => Err(Fault::new(written.span(), "names nobody")),
        Selectors::Many(list) => list.iter().try_fold(Selection::default(), |all, selector| {
            Ok(all.and(of(selector.get_ref(), selector.span())?))
        }),
    }
}
