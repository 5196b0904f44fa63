//! A number of a scenario, in place of which others are tried.
use std::str::FromStr;

use protocol::Amount;
use toml::{Table, Value};

use super::{Group, Scenario, near};
use crate::figure::coins;
use crate::setting;

/// What can be varied of a group.
const OF_GROUPS: [&str; 4] = ["count", "stake", "balance", "skill"];

/// What can be varied of the links between all, or from and to a group.
const OF_LINKS: [&str; 5] = ["latency", "jitter", "loss", "duplicate", "bandwidth"];

/// What the names of numbers begin with that are handed to a behaviour.
const WITH: &str = "with.";

/// Digits of a stake that is reckoned from a share.
const STAKE_DIGITS: i32 = 6;

/// A number and where others lie: "stake=0.3..0.6".
#[derive(Clone, Debug, PartialEq)]
pub struct VaryRange {
    /// What the number is called.
    pub name: String,
    /// The first that is tried.
    pub from: f64,
    /// The last.
    pub to: f64,
    /// What stands behind each, as in "40ms"; nothing of plain numbers.
    pub unit: String,
    /// Whether both are written as whole numbers.
    is_whole: bool,
}

/// Where the number stands in the file.
#[derive(Clone, Debug, PartialEq)]
enum Place {
    /// A key of a group.
    Group(usize, String),
    /// The stake of a group, as a share of all stake.
    Share(usize),
    /// Something handed to a group's behaviour.
    With(usize, String),
    /// A key of the links from and to a group, or between all.
    Link(Option<String>, String),
    /// A parameter of the network.
    Chain(String),
}

/// A scenario of which one number varies.
#[derive(Clone, Debug)]
pub struct Vary {
    range: VaryRange,
    place: Place,
    table: Table,
    file: String,
    /// Of a share: the stake of all others, and how many share it, in coins.
    others: f64,
    count: f64,
}

/// Why a number cannot be varied, and what can be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct VaryError(String);

impl Vary {
    /// A number of a scenario; `of` names the group, where it is a group's.
    pub fn new(scenario: &Scenario, range: VaryRange, of: Option<&str>) -> Result<Self, VaryError> {
        let table: Table = scenario.text.content.parse().map_err(|error| refused(format!("{error}")))?;
        let place = place(scenario, &table, &range, of)?;
        let group = match &place {
            Place::Share(group) => Some(*group),
            _ => None,
        };
        let stake = |(place, it): (usize, &Group)| {
            if Some(place) == group || it.twin_of.is_some() { 0.0 } else { coins(it.stake) * it.count as f64 }
        };
        let others = scenario.groups.iter().enumerate().map(stake).sum();
        let count = group.map_or(1.0, |group| scenario.groups[group].count as f64);
        Ok(Self { range, place, table, file: scenario.text.file.to_string(), others, count })
    }

    /// What varies: "stake of cabal".
    pub fn name(&self) -> String {
        let of = |group: &usize| self.group(*group).to_owned();
        match &self.place {
            Place::Group(group, key) | Place::With(group, key) => format!("{key} of {}", of(group)),
            Place::Share(group) => format!("share of stake of {}", of(group)),
            Place::Link(None, name) | Place::Chain(name) => name.clone(),
            Place::Link(Some(group), name) => format!("{name} of {group}"),
        }
    }

    /// What stands behind each number.
    pub fn unit(&self) -> &str {
        &self.range.unit
    }

    fn group(&self, place: usize) -> &str {
        let group = self.table.get("group").and_then(|groups| groups.get(place));
        group.and_then(|group| group.get("name")?.as_str()).unwrap_or_default()
    }

    /// Whether only whole numbers are tried.
    pub fn is_whole(&self) -> bool {
        match &self.place {
            Place::Group(_, key) => key == "count",
            Place::With(..) | Place::Chain(_) => self.range.is_whole,
            Place::Share(_) | Place::Link(..) => false,
        }
    }

    /// The scenario with another number.
    pub fn at(&self, number: f64) -> Result<Scenario, VaryError> {
        let mut table = self.table.clone();
        self.set(&mut table, number);
        let text = toml::to_string(&table).map_err(|error| refused(error.to_string()))?;
        Scenario::read(&self.file, &text).map_err(|error| {
            refused(format!("with {} = {number}{}: {}", self.name(), self.range.unit, error.words))
        })
    }

    fn set(&self, table: &mut Table, number: f64) {
        let value = self.value(number);
        match &self.place {
            Place::Group(group, key) => put(table, *group, |it| drop(it.insert(key.clone(), value))),
            Place::Share(group) => put(table, *group, |it| drop(it.insert("stake".to_owned(), value))),
            Place::With(group, key) => put(table, *group, |it| {
                if let Some(with) = it.get_mut("with").and_then(Value::as_table_mut) {
                    with.insert(key.clone(), value);
                }
            }),
            Place::Link(of, key) => {
                // Later links win over earlier ones.
                let links = table.entry("link").or_insert_with(|| Value::Array(Vec::new()));
                for end in if of.is_some() { &["from", "to"][..] } else { &["from"] } {
                    let who = of.as_deref().unwrap_or("*");
                    let link = [((*end).to_owned(), who.into()), (key.clone(), value.clone())];
                    links
                        .as_array_mut()
                        .into_iter()
                        .for_each(|links| links.push(Table::from_iter(link.clone()).into()));
                }
            }
            Place::Chain(path) => {
                let (parents, leaf) = path.rsplit_once('.').unwrap_or(("", path));
                let parents = parents.split('.').filter(|parent| !parent.is_empty());
                let inner = parents.fold(below(table, "chain"), |inner, parent| below(inner?, parent));
                inner.into_iter().for_each(|it| drop(it.insert(leaf.to_owned(), value.clone())));
            }
        }
    }

    fn value(&self, number: f64) -> Value {
        match &self.place {
            Place::Share(_) => {
                let each = number / (1.0 - number) * self.others / self.count;
                let digits = 10.0_f64.powi(STAKE_DIGITS);
                Value::Float((each * digits).round() / digits)
            }
            _ if !self.range.unit.is_empty() => Value::String(format!("{number}{}", self.range.unit)),
            _ if self.is_whole() => Value::Integer(number.round() as i64),
            _ => Value::Float(number),
        }
    }
}

/// The table of that name in another; what is no table is left alone.
fn below<'t>(table: &'t mut Table, name: &str) -> Option<&'t mut Table> {
    table.entry(name).or_insert_with(|| Table::new().into()).as_table_mut()
}

/// Does something to one group of a file.
fn put(table: &mut Table, group: usize, change: impl FnOnce(&mut Table)) {
    let group = table.get_mut("group").and_then(|groups| groups.get_mut(group));
    if let Some(group) = group.and_then(Value::as_table_mut) {
        change(group);
    }
}

fn refused(words: String) -> VaryError {
    VaryError(words)
}

/// Where the number stands that a range names.
fn place(
    scenario: &Scenario,
    table: &Table,
    range: &VaryRange,
    of: Option<&str>,
) -> Result<Place, VaryError> {
    let name = range.name.strip_prefix("chain.").unwrap_or(&range.name);
    let named = of.map(|of| named(scenario, of)).transpose()?;
    if OF_LINKS.contains(&name) {
        return Ok(Place::Link(of.map(str::to_owned), name.to_owned()));
    }
    if let Some(key) = name.strip_prefix(WITH) {
        let has = |place: usize| table["group"].get(place).and_then(|it| it.get("with")?.get(key)).is_some();
        return Ok(Place::With(one(scenario, name, named, has)?, key.to_owned()));
    }
    if OF_GROUPS.contains(&name) {
        let fits = |place: usize| match name {
            "stake" => scenario.groups[place].stake > Amount::ZERO,
            "skill" => scenario.groups[place].duty == super::Duty::Miner,
            _ => true,
        };
        let group = one(scenario, name, named, fits)?;
        let is_share = name == "stake" && (0.0..1.0).contains(&range.from) && (0.0..1.0).contains(&range.to);
        return Ok(if is_share { Place::Share(group) } else { Place::Group(group, name.to_owned()) });
    }
    chain(scenario, name)
}

fn named(scenario: &Scenario, of: &str) -> Result<usize, VaryError> {
    let known: Vec<_> = scenario.groups.iter().map(|group| &*group.name).collect();
    let place = known.iter().position(|name| *name == of);
    place.ok_or_else(|| refused(format!("--of {of}: there is no such group{}", near::instead(of, &known))))
}

/// The group that is named, or else the only one that fits, or that fits and attacks.
fn one(
    scenario: &Scenario,
    name: &str,
    named: Option<usize>,
    fits: impl Fn(usize) -> bool,
) -> Result<usize, VaryError> {
    if let Some(group) = named {
        let of = &scenario.groups[group].name;
        return fits(group)
            .then_some(group)
            .ok_or_else(|| refused(format!("--of {of}: it has no {name} to vary")));
    }
    let all: Vec<_> = (0..scenario.groups.len()).filter(|place| fits(*place)).collect();
    let attacking: Vec<_> = all.iter().copied().filter(|place| scenario.groups[*place].attacks).collect();
    match (&all[..], &attacking[..]) {
        ([only], _) | (_, [only]) => Ok(*only),
        ([], _) => Err(refused(format!("no group has {name} to vary"))),
        _ => {
            let names: Vec<_> = all.iter().map(|place| &*scenario.groups[*place].name).collect();
            Err(refused(format!("{name} of whom? add --of {}", names.join(" or --of "))))
        }
    }
}

fn chain(scenario: &Scenario, name: &str) -> Result<Place, VaryError> {
    let genesis = scenario.sketch().map_err(|error| refused(error.words))?;
    let parameters = setting::names(&genesis);
    if parameters.iter().any(|known| known == name) {
        return Ok(Place::Chain(name.to_owned()));
    }
    let known = OF_GROUPS
        .into_iter()
        .chain(OF_LINKS)
        .chain(parameters.iter().map(String::as_str))
        .collect::<Vec<_>>();
    let near =
        near::nearest(name, &known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Err(refused(format!(
        "`{name}` cannot be varied{near}: there is {} of a group, {} of links, with.KEY of what a behaviour is \
         handed, and each parameter of the network, such as subnet.tempo",
        OF_GROUPS.join(", "),
        OF_LINKS.join(", ")
    )))
}

impl FromStr for VaryRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || "write NAME=FROM..TO, like stake=0.3..0.6 or latency=10ms..900ms".to_owned();
        let (name, range) = text.split_once('=').ok_or_else(wanted)?;
        let (from, to) = range.split_once("..").ok_or_else(wanted)?;
        let ((from, unit), (to, other)) =
            (measured(from).ok_or_else(wanted)?, measured(to).ok_or_else(wanted)?);
        if unit != other {
            return Err(format!("`{unit}` and `{other}`: write both in one unit"));
        }
        if from >= to {
            return Err("the second number must be greater than the first".to_owned());
        }
        let is_whole = !range.replace("..", "").contains('.');
        Ok(Self { name: name.trim().to_owned(), from, to, unit: unit.to_owned(), is_whole })
    }
}

/// A number and what stands behind it.
fn measured(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|it: char| !it.is_ascii_digit() && it != '.' && it != '-').unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    Some((number, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "crime = 'x'\nuntil = '9s'\n[[group]]\nname = 'honest'\nrole = 'validator'\ncount = 3\n\
        stake = 100\n[[group]]\nname = 'cabal'\nrole = 'validator'\ncount = 2\nstake = 50\nbehaviour = 'lazy'\n\
        with = { rest = 3 }\n[[group]]\nname = 'miners'\nrole = 'miner'\nskill = 0.5\n\
        [[expect]]\nalways = 'forks == 0'\n";

    fn vary(range: &str, of: Option<&str>) -> Result<Vary, VaryError> {
        let scenario = Scenario::read("a.toml", FILE).unwrap_or_else(|error| panic!("{error}"));
        Vary::new(&scenario, range.parse().unwrap(), of)
    }

    /// The scenario at a number.
    #[track_caller]
    fn at(range: &str, of: Option<&str>, number: f64) -> Scenario {
        vary(range, of).and_then(|vary| vary.at(number)).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_share_of_stake_is_of_all_and_shared_by_the_group() {
        let cabal = &at("stake=0.3..0.6", None, 0.6).groups[1];
        assert_eq!(cabal.stake, Amount::coins(225), "450 of 750");
        assert_eq!(at("stake=50..300", None, 60.0).groups[1].stake, Amount::coins(60));
    }

    #[test]
    fn groups_links_behaviours_and_parameters_have_numbers_to_vary() {
        assert_eq!(at("count=1..9", Some("honest"), 4.0).groups[0].count, 4);
        assert_eq!(at("skill=0..1", None, 0.25).groups[2].skill_of(0), 0.25);
        let slow = at("latency=10ms..900ms", None, 250.0);
        let first = slow.neurons().next().unwrap();
        assert_eq!(slow.way(first, first).latency.as_millis(), 250);
        assert_eq!(at("loss=0..1", Some("miners"), 0.5).links.len(), 2);
        let with = &at("with.rest=1..9", None, 7.0).groups[1].conduct.with;
        assert_eq!(with.get_ref()["rest"], Value::Integer(7));
        let genesis = at("subnet.tempo=2..9", None, 5.0).sketch().unwrap();
        assert_eq!(genesis.subnets[0].hyperparameters.tempo, 5);
    }

    #[track_caller]
    fn check(range: &str, of: Option<&str>, words: &[&str]) {
        let error = vary(range, of).err().unwrap().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }

    #[test]
    fn what_cannot_be_varied_is_refused_with_what_can() {
        check(
            "stakes=1..2",
            None,
            &["`stakes` cannot be varied", "did you mean `stake`?", "latency", "with.KEY"],
        );
        check("count=1..2", Some("cable"), &["--of cable", "`cabal`"]);
        check("stake=1..2", Some("miners"), &["--of miners", "no stake"]);
        check("balance=1..2", Some("x"), &["--of x"]);
        check("with.pause=1..2", None, &["no group has with.pause"]);
        let error = vary("subnet.tempo=0..9", None).unwrap().at(0.0).unwrap_err().to_string();
        assert!(
            error.contains("with subnet.tempo = 0") && error.contains("tempo must be at least 1"),
            "{error}"
        );
    }

    #[test]
    fn a_range_is_two_numbers_in_one_unit() {
        for text in ["stake", "stake=3", "stake=a..b", "stake=2..1", "latency=1s..900ms", "stake=..", "=1..1"]
        {
            assert!(text.parse::<VaryRange>().is_err(), "{text}");
        }
    }
}
