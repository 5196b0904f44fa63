//! What an epoch came to, as integers that are compared one by one.
use std::collections::BTreeMap;

use protocol::Amount;
use protocol::subnet::Uid;
use protocol::yuma::{Matrix, Outcome, Share};
use serde_json::Value;

/// A uid, or voter and target, with what belongs to it.
pub(super) type Entries = BTreeMap<Vec<usize>, i64>;

/// One quantity of an epoch: where `expected` has it, and what we got.
pub(super) struct Quantity {
    /// Where a JSON pointer finds it.
    pointer: &'static str,
    /// How it is written there.
    shape: Shape,
    /// What we got.
    got: Entries,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Integers or flags by uid.
    Integers,
    /// Fractions by uid.
    Shares,
    /// `{voter: [[target, integer]]}`.
    IntegerRows,
    /// `{voter: [[target, fraction]]}`.
    ShareRows,
    /// `[[fraction of target 0, ...] of voter 0, ...]`, where zeros say nothing.
    Table,
}

/// Every quantity of an epoch, in the order in which they follow from each other.
pub(super) fn quantities(
    outcome: &Outcome,
    active: &[bool],
    stored: &Matrix,
    emission: Amount,
) -> Vec<Quantity> {
    use Shape::{IntegerRows, Integers, ShareRows, Shares, Table};
    let quantity = |pointer, shape, got| Quantity { pointer, shape, got };
    let bits = |v: &[Share]| by_uid(v.iter().map(|x| x.bits()));
    let u16s = |v: &[Share]| by_uid(v.iter().map(|x| x.to_u16().into()));
    let flags = |v: &[bool]| by_uid(v.iter().map(|x| i64::from(*x)));
    let paid = |v: &[Share]| by_uid(v.iter().map(|x| x.of(emission).0 as i64));
    let rows = |m: &Matrix| by_voter(m.rows(), Share::bits);
    let mut table = rows(&outcome.bonds);
    table.retain(|_, x| *x != 0);
    vec![
        quantity("/active", Integers, flags(active)),
        quantity("/permits_out", Integers, flags(&outcome.permits)),
        quantity("/active_stake", Shares, bits(&outcome.active_stake)),
        quantity("/weights_normalised", ShareRows, rows(&outcome.weights)),
        quantity("/consensus", Shares, bits(&outcome.consensus)),
        quantity("/bits/consensus", Integers, bits(&outcome.consensus)),
        quantity("/consensus_u16", Integers, u16s(&outcome.consensus)),
        quantity("/validator_trust", Shares, bits(&outcome.validator_trust)),
        quantity("/validator_trust_u16", Integers, u16s(&outcome.validator_trust)),
        quantity("/derived/prerank", Shares, bits(&outcome.prerank)),
        quantity("/derived/rank", Shares, bits(&outcome.rank)),
        quantity("/derived/trust", Shares, bits(&outcome.trust)),
        quantity("/incentive", Shares, bits(&outcome.incentive)),
        quantity("/bits/incentive", Integers, bits(&outcome.incentive)),
        quantity("/incentive_u16", Integers, u16s(&outcome.incentive)),
        quantity("/bonds", Table, table),
        quantity("/dividends", Shares, bits(&outcome.dividends)),
        quantity("/bits/dividends", Integers, bits(&outcome.dividends)),
        quantity("/dividends_u16", Integers, u16s(&outcome.dividends)),
        quantity("/server_emission", Integers, paid(&outcome.split.miners)),
        quantity("/validator_emission", Integers, paid(&outcome.split.validators)),
        quantity("/combined_emission", Integers, paid(&outcome.split.combined)),
        quantity("/bonds_u16", IntegerRows, by_voter(stored.rows(), whole)),
        quantity("/bonds_u16_row0_to_uid64", Integers, sample(stored, 0, 64)),
    ]
}

/// The bonds that an epoch finds.
pub(super) fn bonds_in(rows: &[Vec<(Uid, Share)>]) -> Quantity {
    Quantity { pointer: "/bonds_in_u16", shape: Shape::IntegerRows, got: by_voter(rows, whole) }
}

/// The first difference to what is expected, which must all be known to us.
pub(super) fn first_difference(quantities: &[Quantity], expected: &Value) -> Result<Option<String>, String> {
    let known = |name: &str| quantities.iter().any(|q| q.pointer.split('/').nth(1) == Some(name));
    let names = expected.as_object().ok_or("expected is no object")?;
    if let Some(name) = names.keys().find(|name| !known(name)) {
        return Err(format!("expected has an unknown quantity: {name}"));
    }
    for quantity in quantities {
        if let Some(difference) = quantity.difference(expected)? {
            return Ok(Some(difference));
        }
    }
    Ok(None)
}

impl Quantity {
    /// The first difference to what is expected, if anything is.
    pub(super) fn difference(&self, expected: &Value) -> Result<Option<String>, String> {
        let Some(value) = expected.pointer(self.pointer) else { return Ok(None) };
        let expected = self.read(value).ok_or_else(|| format!("{} has another shape", self.pointer))?;
        let by_uid = matches!(self.shape, Shape::Integers | Shape::Shares);
        let got = match by_uid && value.is_object() {
            true => self.got.iter().filter(|(at, _)| expected.contains_key(*at)).collect(), // a sample
            false => self.got.iter().collect::<BTreeMap<_, _>>(),
        };
        let mut places: Vec<_> = expected.keys().chain(got.keys().copied()).collect();
        places.sort();
        let differs = places.into_iter().find(|at| expected.get(*at) != got.get(at).copied());
        Ok(differs.map(|at| {
            let (expected, got) = (shown(expected.get(at)), shown(got.get(at).copied()));
            format!("{}{at:?}: expected {expected}, got {got}", &self.pointer[1..])
        }))
    }

    fn read(&self, value: &Value) -> Option<Entries> {
        match self.shape {
            Shape::Integers => vector(value, integer),
            Shape::Shares => vector(value, fraction),
            Shape::IntegerRows => rows(value, integer),
            Shape::ShareRows => rows(value, fraction),
            Shape::Table => table(value),
        }
    }
}

/// The share nearest to a fraction: vectors write enough digits to tell its last bit.
pub(super) fn share(fraction: f64) -> Share {
    Share::from_bits((fraction * Share::ONE.bits() as f64).round() as i64)
}

fn fraction(value: &Value) -> Option<i64> {
    value.as_f64().map(|fraction| share(fraction).bits())
}

fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or(value.as_bool().map(i64::from))
}

fn vector(value: &Value, read: fn(&Value) -> Option<i64>) -> Option<Entries> {
    match value {
        Value::Array(list) => list.iter().enumerate().map(|(i, x)| Some((vec![i], read(x)?))).collect(),
        Value::Object(sample) => {
            sample.iter().map(|(uid, x)| Some((vec![uid.parse().ok()?], read(x)?))).collect()
        }
        single => Some([(vec![0], read(single)?)].into()),
    }
}

fn rows(value: &Value, read: fn(&Value) -> Option<i64>) -> Option<Entries> {
    let entry = |voter: &str, entry: &Value| {
        let target = entry.get(0)?.as_u64()? as usize;
        Some((vec![voter.parse().ok()?, target], read(entry.get(1)?)?))
    };
    let rows = value.as_object()?.iter();
    rows.flat_map(|(voter, row)| row.as_array().into_iter().flatten().map(move |e| entry(voter, e))).collect()
}

fn table(value: &Value) -> Option<Entries> {
    let mut entries = Entries::new();
    for (voter, row) in value.as_array()?.iter().enumerate() {
        for (target, x) in row.as_array()?.iter().enumerate() {
            entries.insert(vec![voter, target], fraction(x)?);
        }
    }
    entries.retain(|_, x| *x != 0);
    Some(entries)
}

fn by_uid(values: impl Iterator<Item = i64>) -> Entries {
    values.enumerate().map(|(uid, x)| (vec![uid], x)).collect()
}

fn by_voter(rows: &[Vec<(Uid, Share)>], read: impl Fn(Share) -> i64) -> Entries {
    let mut entries = Entries::new();
    for (voter, row) in rows.iter().enumerate() {
        entries.extend(row.iter().map(|(uid, x)| (vec![voter, usize::from(uid.0)], read(*x))));
    }
    entries
}

fn sample(stored: &Matrix, voter: usize, target: usize) -> Entries {
    let bond = by_voter(stored.rows(), whole).get(&vec![voter, target]).copied();
    [(vec![0], bond.unwrap_or_default())].into()
}

/// The whole number that a stored bond of 16 bits is.
fn whole(share: Share) -> i64 {
    share.bits() / Share::ONE.bits()
}

fn shown(value: Option<&i64>) -> String {
    value.map_or("nothing".into(), i64::to_string)
}
