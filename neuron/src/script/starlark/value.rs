//! JSON as values of Starlark, and back.
//!
//! A dict has whole numbers for keys where JSON has them in digits, so that a row stays a row.
use serde_json::{Map, Number, Value as Json};
use starlark::values::dict::{AllocDict, DictRef};
use starlark::values::float::StarlarkFloat;
use starlark::values::list::{AllocList, ListRef};
use starlark::values::structs::{AllocStruct, StructRef};
use starlark::values::tuple::TupleRef;
use starlark::values::{Heap, UnpackValue, Value};

/// The deepest nesting of a value that leaves a script.
const DEPTH: usize = 32;

/// The most that leaves a script at once: bytes of text, and [`SCALAR`] for all else.
const ROOM: usize = 1024 * 1024;

/// What anything costs in room.
const SCALAR: usize = 8;

/// A value as scripts see it.
pub(super) fn shown<'v>(value: &Json, heap: Heap<'v>) -> Value<'v> {
    match value {
        Json::Null => Value::new_none(),
        Json::Bool(truth) => Value::new_bool(*truth),
        Json::Number(number) => shown_number(number, heap),
        Json::String(text) => heap.alloc(text.as_str()),
        Json::Array(items) => heap.alloc(AllocList(items.iter().map(|item| shown(item, heap)))),
        Json::Object(fields) => shown_dict(fields, heap),
    }
}

/// A view: its fields are attributes.
pub(super) fn shown_view<'v>(value: &Json, heap: Heap<'v>) -> Value<'v> {
    match value {
        Json::Object(fields) if !fields.is_empty() && !has_numbers(fields) => {
            let field = |(name, value): (&'_ String, &Json)| (name.clone(), shown(value, heap));
            heap.alloc(AllocStruct(fields.iter().map(field).collect::<Vec<_>>()))
        }
        Json::Array(items) => heap.alloc(AllocList(items.iter().map(|item| shown_view(item, heap)))),
        other => shown(other, heap),
    }
}

fn shown_number<'v>(number: &Number, heap: Heap<'v>) -> Value<'v> {
    if let Some(whole) = number.as_i64() {
        heap.alloc(whole)
    } else if let Some(whole) = number.as_u64() {
        heap.alloc(whole)
    } else {
        heap.alloc(number.as_f64().unwrap_or_default())
    }
}

fn shown_dict<'v>(fields: &Map<String, Json>, heap: Heap<'v>) -> Value<'v> {
    if fields.is_empty() || !has_numbers(fields) {
        let field = |(name, value): (&'_ String, &Json)| (heap.alloc(name.as_str()), shown(value, heap));
        return heap.alloc(AllocDict(fields.iter().map(field).collect::<Vec<_>>()));
    }
    let field = |(name, value): (&String, &Json)| Some((digits(name)?, shown(value, heap)));
    let mut fields: Vec<_> = fields.iter().filter_map(field).collect();
    fields.sort_unstable_by_key(|(number, _)| *number);
    heap.alloc(AllocDict(fields))
}

/// Whether every name is a whole number.
fn has_numbers(fields: &Map<String, Json>) -> bool {
    !fields.is_empty() && fields.keys().all(|name| digits(name).is_some())
}

/// A whole number, in the one way in which we write it.
fn digits(name: &str) -> Option<u32> {
    let number = name.parse::<u32>().ok()?;
    (number.to_string() == name).then_some(number)
}

/// What leaves a script, as JSON.
pub(super) fn taken(value: Value<'_>) -> Result<Json, String> {
    Taking { room: ROOM }.take(value, DEPTH)
}

/// How much more may leave.
struct Taking {
    room: usize,
}

impl Taking {
    fn take(&mut self, value: Value<'_>, depth: usize) -> Result<Json, String> {
        self.spend(SCALAR)?;
        let deeper = depth.checked_sub(1).ok_or_else(|| format!("it is nested deeper than {DEPTH}"))?;
        if value.is_none() {
            Ok(Json::Null)
        } else if let Some(truth) = value.unpack_bool() {
            Ok(truth.into())
        } else if let Some(text) = value.unpack_str() {
            self.spend(text.len())?;
            Ok(text.into())
        } else if let Some(number) = taken_number(value) {
            number
        } else if let Some(list) = ListRef::from_value(value) {
            list.iter().map(|item| self.take(item, deeper)).collect()
        } else if let Some(tuple) = TupleRef::from_value(value) {
            tuple.iter().map(|item| self.take(item, deeper)).collect()
        } else if let Some(dict) = DictRef::from_value(value) {
            self.fields(dict.iter().map(|(key, item)| (taken_key(key), item)), deeper)
        } else if let Some(view) = StructRef::from_value(value) {
            self.fields(view.iter().map(|(name, item)| (Ok(name.as_str().to_owned()), item)), deeper)
        } else {
            Err(format!("a {} cannot leave a script", value.get_type()))
        }
    }

    fn fields<'v>(
        &mut self,
        fields: impl Iterator<Item = (Result<String, String>, Value<'v>)>,
        depth: usize,
    ) -> Result<Json, String> {
        let field = |(name, item): (Result<String, String>, Value<'v>)| {
            let name = name?;
            self.spend(name.len())?;
            Ok((name, self.take(item, depth)?))
        };
        Ok(Json::Object(fields.map(field).collect::<Result<_, String>>()?))
    }

    fn spend(&mut self, bytes: usize) -> Result<(), String> {
        let left = self.room.checked_sub(bytes);
        self.room = left.ok_or_else(|| format!("it is larger than {ROOM} bytes"))?;
        Ok(())
    }
}

fn taken_number(value: Value<'_>) -> Option<Result<Json, String>> {
    let float = StarlarkFloat::unpack_value(value).ok().flatten().map(|StarlarkFloat(float)| float);
    match float {
        Some(float) => {
            let number = Number::from_f64(float).map(Json::Number);
            Some(number.ok_or_else(|| format!("{float} is no finite number")))
        }
        None if value.get_type() == "int" => Some(taken_whole(value)),
        None => None,
    }
}

fn taken_whole(value: Value<'_>) -> Result<Json, String> {
    let signed = i64::unpack_value(value).ok().flatten().map(Json::from);
    let whole = signed.or_else(|| u64::unpack_value(value).ok().flatten().map(Json::from));
    whole.ok_or_else(|| "a whole number has more than 64 bits".to_owned())
}

fn taken_key(key: Value<'_>) -> Result<String, String> {
    match (key.unpack_str(), key.unpack_i32()) {
        (Some(text), _) => Ok(text.to_owned()),
        (None, Some(number)) => Ok(number.to_string()),
        (None, None) => Err(format!("a key is a text or a whole number, not a {}", key.get_type())),
    }
}
