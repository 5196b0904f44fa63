//! Who is meant: "*", "honest", "honest[2]", "honest[0:3]".
use std::ops::Range;

use super::group::Group;
use super::near;

/// A neuron of a scenario: the number of its group and its own in there, both from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NeuronId {
    /// The place of its group in the file.
    pub group: usize,
    /// Its place in the group.
    pub number: usize,
}

/// Some of a scenario's neurons, each once, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection(Vec<Slice>);

/// Neighbours of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Slice {
    group: usize,
    numbers: Range<usize>,
}

impl Selection {
    /// Who a selector means; otherwise why nobody.
    pub fn of(selector: &str, groups: &[Group]) -> Result<Self, String> {
        if selector == "*" {
            return Ok(Self::all(groups));
        }
        let (name, index) = match selector.split_once('[') {
            Some((name, rest)) => (name, Some(rest.strip_suffix(']').ok_or_else(|| malformed(selector))?)),
            None => (selector, None),
        };
        let group = group_of(name, groups)?;
        let count = groups[group].count;
        let numbers = match index {
            None => 0..count,
            Some(index) => numbers(index).ok_or_else(|| malformed(selector))?,
        };
        match numbers.end <= count {
            true => Ok(Self(vec![Slice { group, numbers }])),
            false => Err(format!("`{selector}`: there are {count} in `{name}`, counted from 0")),
        }
    }

    /// Everybody.
    pub fn all(groups: &[Group]) -> Self {
        let whole = |(group, of): (usize, &Group)| Slice { group, numbers: 0..of.count };
        Self(groups.iter().enumerate().map(whole).collect())
    }

    /// One group.
    pub fn group(group: usize, groups: &[Group]) -> Self {
        Self(vec![Slice { group, numbers: 0..groups[group].count }])
    }

    /// Both, each neuron once.
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self.0.sort_by_key(|slice| (slice.group, slice.numbers.start));
        let slices = std::mem::take(&mut self.0);
        for slice in slices {
            match self.0.last_mut() {
                Some(last) if last.group == slice.group && slice.numbers.start <= last.numbers.end => {
                    last.numbers.end = last.numbers.end.max(slice.numbers.end);
                }
                _ => self.0.push(slice),
            }
        }
        self
    }

    /// Those that are in both.
    pub fn within(&self, other: &Self) -> Self {
        let meet = |a: &Slice, b: &Slice| {
            let numbers = a.numbers.start.max(b.numbers.start)..a.numbers.end.min(b.numbers.end);
            (a.group == b.group && !numbers.is_empty()).then_some(Slice { group: a.group, numbers })
        };
        Self(self.0.iter().flat_map(|a| other.0.iter().filter_map(move |b| meet(a, b))).collect())
    }

    /// Whether a neuron is among them.
    pub fn contains(&self, neuron: NeuronId) -> bool {
        self.0.iter().any(|slice| slice.group == neuron.group && slice.numbers.contains(&neuron.number))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = NeuronId> {
        let of = |slice: &Slice| {
            let group = slice.group;
            slice.numbers.clone().map(move |number| NeuronId { group, number })
        };
        self.0.iter().flat_map(of)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.iter().map(|slice| slice.numbers.len()).sum()
    }

    /// Whether nobody is meant.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The place of the group of that name.
fn group_of(name: &str, groups: &[Group]) -> Result<usize, String> {
    groups.iter().position(|group| *group.name == *name).ok_or_else(|| {
        let known: Vec<_> = groups.iter().map(|group| &*group.name).collect();
        format!("there is no group `{name}`{}", near::instead(name, &known))
    })
}

/// "2" is one number, "0:3" those from 0 to 2.
fn numbers(index: &str) -> Option<Range<usize>> {
    let (from, to) = match index.split_once(':') {
        Some((from, to)) => (from.parse().ok()?, to.parse().ok()?),
        None => (index.parse::<usize>().ok()?, index.parse::<usize>().ok()?.checked_add(1)?),
    };
    (from < to).then_some(from..to)
}

fn malformed(selector: &str) -> String {
    format!(
        "`{selector}` selects nobody; write \"*\", \"group\", \"group[2]\" or \"group[0:3]\" for 0, 1 and 2"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups() -> [Group; 2] {
        [Group::named("honest", 5), Group::named("copier", 2)]
    }

    fn named(selector: &str) -> Result<Vec<(usize, usize)>, String> {
        let selection = Selection::of(selector, &groups())?;
        Ok(selection.iter().map(|id| (id.group, id.number)).collect())
    }

    #[test]
    fn a_selector_means_a_group_a_neuron_or_a_few_neighbours() {
        assert_eq!(named("copier"), Ok(vec![(1, 0), (1, 1)]));
        assert_eq!(named("honest[4]"), Ok(vec![(0, 4)]));
        assert_eq!(named("honest[1:3]"), Ok(vec![(0, 1), (0, 2)]));
        assert_eq!(named("*").map(|all| all.len()), Ok(7));
    }

    #[test]
    fn a_selector_that_means_nobody_is_told_why() {
        for (selector, words) in [
            ("honets", "there is no group `honets`; did you mean `honest`?"),
            ("x", "; there is `honest`, `copier`"),
            ("honest[5]", "`honest[5]`: there are 5 in `honest`"),
            ("honest[4:6]", "there are 5"),
            ("honest[3:3]", "selects nobody"),
            ("honest[18446744073709551615]", "selects nobody"),
            ("honest[1", "selects nobody"),
            ("honest[a]", "selects nobody"),
            ("", "there is no group ``"),
        ] {
            let refused = named(selector).unwrap_err();
            assert!(refused.contains(words), "{selector}: {refused}");
        }
    }

    #[test]
    fn selections_join_and_meet_with_each_neuron_once() {
        let of = |selector: &str| Selection::of(selector, &groups()).unwrap();
        let joined = of("honest[2:4]").and(of("copier")).and(of("honest[0:3]"));
        assert_eq!((joined.len(), joined.contains(NeuronId { group: 0, number: 4 })), (6, false));
        assert_eq!(joined.within(&of("honest")), of("honest[0:4]"));
        assert!(of("copier").within(&of("honest")).is_empty());
    }
}
