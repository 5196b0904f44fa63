//! The functions that a script finds: those that make an act, and those of its context.
//!
//! The interpreter lends a host nothing that borrows but the handler of `print`. So a question is laid on a desk, the
//! handler is rung by printing, and the answer lies there when it returns.
use std::cell::RefCell;
use std::collections::HashMap;
use std::num::NonZeroI32;

use serde_json::{Value as Json, json};
use starlark::environment::{FrozenModule, Globals, GlobalsBuilder, LibraryExtension};
use starlark::eval::Evaluator;
use starlark::values::dict::DictRef;
use starlark::values::list::ListRef;
use starlark::values::range::Range;
use starlark::values::structs::{AllocStruct, StructRef};
use starlark::values::tuple::TupleRef;
use starlark::values::{Heap, OwnedFrozenValue, UnpackValue, Value};
use starlark::{Error, starlark_module};

use super::value::{shown, taken};
use crate::script::hook::no_such;

/// Under which name a module knows the function that rings.
pub(super) const BELL: &str = "ring";

/// What `*` is called once it is watched.
const TIMES: &str = "_times";

/// The longest list or text that is made by repeating one.
const REPEATED: usize = 1_000_000;

/// The longest range.
const RANGE: i64 = 1_000_000;

/// Where a question lies, and then its answer.
pub(super) type Desk = RefCell<String>;

/// Why a function of a script does not return.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refusal(String);

/// All that a script can name.
pub(super) fn globals() -> Globals {
    let mut builder = GlobalsBuilder::standard();
    for extension in [LibraryExtension::StructType, LibraryExtension::SetType, LibraryExtension::Print] {
        extension.add(&mut builder);
    }
    builder.with(acts).with(bounds).build()
}

/// The functions of a context, by their names.
pub(super) fn context() -> Vec<(String, OwnedFrozenValue)> {
    functions(&GlobalsBuilder::new().with(orders).build())
}

/// The function that rings.
pub(super) fn bell() -> OwnedFrozenValue {
    let mut builder = GlobalsBuilder::new();
    LibraryExtension::Print.add(&mut builder);
    functions(&builder.build()).remove(0).1
}

fn functions(globals: &Globals) -> Vec<(String, OwnedFrozenValue)> {
    let module = FrozenModule::from_globals(globals).expect("functions of ours hold nothing that moves");
    let names: Vec<_> = module.names().map(|name| name.as_str().to_owned()).collect();
    let function = |name: String| {
        let value = module.get(&name).expect("it was just named");
        (name, value)
    };
    names.into_iter().map(function).collect()
}

/// Operators that are watched, and by what.
pub(super) fn watched() -> HashMap<String, String> {
    [("*".to_owned(), TIMES.to_owned())].into()
}

/// Asks the neuron something, and shows the script what it says.
fn ask<'v>(eval: &mut Evaluator<'v, '_, '_>, name: &str, fields: Json) -> starlark::Result<Value<'v>> {
    let desk = eval.extra.and_then(|extra| extra.downcast_ref::<Desk>());
    let bell = eval.module().get(BELL);
    let (Some(desk), Some(bell)) = (desk, bell) else {
        return Err(refused(format!("{name} works in hooks alone")));
    };
    desk.replace(json!([name, fields]).to_string());
    eval.eval_function(bell, &[], &[])?;
    let answer: Json =
        serde_json::from_str(&desk.take()).map_err(|_| refused(format!("{name} was not answered")))?;
    Ok(shown(&answer, eval.heap()))
}

pub(super) fn refused(why: String) -> Error {
    Error::new_native(Refusal(why))
}

/// What leaves a script by way of a function.
fn given(value: Value<'_>) -> starlark::Result<Json> {
    taken(value).map_err(refused)
}

/// An act with its one field.
fn act<'v>(name: &str, field: Option<(&str, Value<'v>)>, heap: Heap<'v>) -> Value<'v> {
    let fields = [("act", heap.alloc(name))].into_iter().chain(field);
    heap.alloc(AllocStruct(fields.collect::<Vec<_>>()))
}

/// How many elements a value has that grows when it is multiplied.
fn length(value: Value<'_>) -> Option<usize> {
    let text = value.unpack_str().map(str::len);
    let list = || ListRef::from_value(value).map(|list| list.len());
    text.or_else(list).or_else(|| TupleRef::from_value(value).map(TupleRef::len))
}

/// What stands for what becomes of something.
#[starlark_module]
fn acts(builder: &mut GlobalsBuilder) {
    /// It stays as it is.
    fn forward<'v>(heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(act("forward", None, heap))
    }

    /// It does not happen.
    fn drop<'v>(heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(act("drop", None, heap))
    }

    /// It happens later: milliseconds, "900ms" or "1.5s".
    fn delay<'v>(#[starlark(require = pos)] wait: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(act("delay", Some(("ms", wait)), heap))
    }

    /// It happens so many times.
    fn repeat<'v>(
        #[starlark(require = pos)] times: Value<'v>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        Ok(act("repeat", Some(("times", times)), heap))
    }

    /// It waits until `ctx.release(name)`.
    fn hold<'v>(#[starlark(require = pos)] name: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(act("hold", Some(("name", name)), heap))
    }

    /// Only these peers see it.
    fn only<'v>(#[starlark(require = pos)] peers: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(act("only", Some(("peers", peers)), heap))
    }

    /// These peers see this and those that: `[(peers, value), ...]`.
    fn split<'v>(#[starlark(require = pos)] parts: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(act("split", Some(("parts", parts)), heap))
    }

    /// A view with some of its fields changed.
    fn replace<'v>(
        #[starlark(require = pos)] view: Value<'v>,
        #[starlark(kwargs)] changes: DictRef<'v>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let Some(old) = StructRef::from_value(view) else {
            return Err(refused(format!("replace changes a view, not a {}", view.get_type())));
        };
        let mut fields: Vec<_> = old.iter().map(|(name, value)| (name.as_str(), value)).collect();
        for (name, value) in changes.iter() {
            let name = name.unpack_str().unwrap_or_default();
            match fields.iter_mut().find(|(field, _)| *field == name) {
                Some((_, field)) => *field = value,
                None => {
                    let known = fields.iter().map(|(field, _)| *field);
                    return Err(refused(no_such("field", name, known)));
                }
            }
        }
        Ok(heap.alloc(AllocStruct(fields)))
    }
}

/// What could grow without end between two looks at the heap.
#[starlark_module]
fn bounds(builder: &mut GlobalsBuilder) {
    fn _times<'v>(
        #[starlark(require = pos)] left: Value<'v>,
        #[starlark(require = pos)] right: Value<'v>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let grown = match (length(left), length(right)) {
            (Some(length), None) => length.checked_mul(times(right)),
            (None, Some(length)) => length.checked_mul(times(left)),
            _ => Some(0),
        };
        if grown.is_none_or(|grown| grown > REPEATED) {
            return Err(refused(format!("nothing is repeated to more than {REPEATED} elements")));
        }
        left.mul(right, heap)
    }

    fn range(
        #[starlark(require = pos)] first: i32,
        #[starlark(require = pos)] end: Option<i32>,
        #[starlark(require = pos, default = 1)] step: i32,
    ) -> starlark::Result<Range> {
        let (first, end) = end.map_or((0, first), |end| (first, end));
        let step =
            NonZeroI32::new(step).ok_or_else(|| refused("a range needs steps other than 0".to_owned()))?;
        if (i64::from(end) - i64::from(first)) / i64::from(step.get()) > RANGE {
            return Err(refused(format!("no range is longer than {RANGE}")));
        }
        Ok(Range::new(first, end, step))
    }
}

fn times(value: Value<'_>) -> usize {
    let times = i64::unpack_value(value).ok().flatten();
    times.map_or(0, |times| usize::try_from(times).unwrap_or_default())
}

/// What a context can do.
#[starlark_module]
fn orders(builder: &mut GlobalsBuilder) {
    /// A number from 0 up to 1 that follows from the seed of the run.
    fn rand<'v>(eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<Value<'v>> {
        ask(eval, "rand", json!({}))
    }

    /// Whose turn it is to propose.
    fn proposer<'v>(
        height: u64,
        round: u64,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        ask(eval, "proposer", json!({ "height": height, "round": round }))
    }

    /// What stands on the board of colluders.
    fn get<'v>(name: &str, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<Value<'v>> {
        ask(eval, "get", json!({ "name": name }))
    }

    /// Writes on the board of colluders; false if it is full.
    fn put<'v>(
        name: &str,
        value: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        ask(eval, "put", json!({ "name": name, "value": given(value)? }))
    }

    /// Marks that the attack took place.
    fn fired<'v>(name: &str, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<Value<'v>> {
        ask(eval, "fired", json!({ "name": name }))
    }

    /// Lets go what was held under a name.
    fn release<'v>(name: &str, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<Value<'v>> {
        ask(eval, "release", json!({ "name": name }))
    }

    /// Signs an order with its owner's key and tells it; false without that key.
    fn transact<'v>(action: Value<'v>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<Value<'v>> {
        ask(eval, "transact", json!({ "action": given(action)? }))
    }

    /// Signs a further vote and tells it, to these peers alone if any are named; `by` one of `ctx.spare`, if it is named.
    fn vote<'v>(
        vote: Value<'v>,
        to: Option<Value<'v>>,
        by: Option<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let (to, by) = (to.map(given).transpose()?, by.map(given).transpose()?);
        ask(eval, "vote", json!({ "vote": given(vote)?, "to": to, "by": by }))
    }

    /// Asks a miner something; `on_reply` hears what came of it.
    fn ask<'v>(
        miner: Value<'v>,
        body: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        self::ask(eval, "ask", json!({ "miner": given(miner)?, "body": given(body)? }))
    }

    /// Tells again, later, the commit, reveal or order of another that just came; false where none did.
    fn retell<'v>(wait: Value<'v>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<Value<'v>> {
        self::ask(eval, "retell", json!({ "wait": given(wait)? }))
    }
}
