//! What a script may ask of its neuron, and have it do: a name and fields in JSON.
use crypto::Hotkey;
use protocol::Amount;
use protocol::transaction::Action;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::hook::no_such;
use super::reply::{body, wait};
use crate::behaviour::{Context, Voting, Weights};
use crate::figure::coins;

/// The most bytes of JSON that a value on the board, or what is remembered, may take.
pub(super) const KEPT_BYTES: usize = 64 * 1024;

/// The longest name of what is held, fired or put on the board, in bytes.
const NAME_BYTES: usize = 256;

/// What may be asked or ordered.
const CALLS: [&str; 14] = [
    "neurons",
    "rows",
    "validators",
    "spare",
    "rand",
    "proposer",
    "get",
    "put",
    "fired",
    "release",
    "transact",
    "vote",
    "ask",
    "retell",
];

/// What every script is told at every hook.
pub(super) fn facts(cx: &Context<'_>) -> [(&'static str, Value); 5] {
    [
        ("now", cx.now.into()),
        ("me", json(&cx.me())),
        ("uid", cx.uid().into()),
        ("height", cx.height().into()),
        ("epoch", cx.epoch().into()),
    ]
}

/// Answers a question, or carries an order out.
pub(super) fn call(
    cx: &mut Context<'_>,
    name: &str,
    mut fields: Map<String, Value>,
) -> Result<Value, String> {
    let mut field = |name: &str| fields.remove(name).unwrap_or_default();
    let answer = match name {
        "neurons" => json(&cx.neurons()),
        "rows" => cx.rows().into_iter().map(shown_row).collect(),
        "validators" => cx.validators().into_iter().map(shown_validator).collect(),
        "spare" => json(&cx.spare()),
        "rand" => cx.rand().into(),
        "proposer" => {
            json(&cx.proposer(read("a height", field("height"))?, read("a round", field("round"))?))
        }
        "get" => cx.get(&word(field("name"))?).unwrap_or_default(),
        "put" => cx.put(&word(field("name"))?, kept(field("value"))?).into(),
        "fired" => {
            cx.fired(&word(field("name"))?);
            Value::Null
        }
        "release" => {
            cx.release(&word(field("name"))?);
            Value::Null
        }
        "transact" => cx.transact(read::<Action>("a transaction", field("action"))?).into(),
        "vote" => {
            let to: Option<Vec<Hotkey>> = read("a list of peers", field("to"))?;
            let by: Option<Hotkey> = read("a hotkey of ctx.spare", field("by"))?;
            cx.vote(&read::<Voting>("a vote", field("vote"))?, to, by);
            Value::Null
        }
        "ask" => {
            cx.ask(read("a miner", field("miner"))?, body(field("body"))?);
            Value::Null
        }
        "retell" => cx.retell(wait(&field("wait"))?).into(),
        other => return Err(no_such("question", other, CALLS)),
    };
    match fields.keys().next() {
        Some(key) => Err(format!("{name} has nothing called {key:?}")),
        None => Ok(answer),
    }
}

/// A view in JSON.
pub(super) fn json(view: &impl Serialize) -> Value {
    serde_json::to_value(view).expect("views are plain data under names or numbers")
}

/// What JSON says, if it is what is wanted.
pub(super) fn read<T: DeserializeOwned>(wanted: &str, value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| format!("this is not {wanted}: {error}"))
}

/// A name that is no novel.
pub(super) fn word(value: Value) -> Result<String, String> {
    let name: String = read("a name", value)?;
    let fits = name.len() <= NAME_BYTES;
    fits.then_some(name).ok_or_else(|| format!("this is not a name: it is longer than {NAME_BYTES} bytes"))
}

/// A value that is small enough to be kept.
pub(super) fn kept(value: Value) -> Result<Value, String> {
    let bytes = value.to_string().len();
    let fits = bytes <= KEPT_BYTES;
    fits.then_some(value)
        .ok_or_else(|| format!("{bytes} bytes are too many to keep: {KEPT_BYTES} are allowed"))
}

fn shown_row((hotkey, height, weights): (Hotkey, u64, Weights)) -> Value {
    json!({ "hotkey": hotkey, "height": height, "weights": weights })
}

fn shown_validator((hotkey, stake): (Hotkey, u64)) -> Value {
    json!({ "hotkey": hotkey, "stake": coins(Amount(stake)) })
}
