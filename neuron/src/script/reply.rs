//! What a script replies, in JSON, as the act that it stands for.
//!
//! Nothing is `forward`; an object with an `act` is that act; anything else takes the place of what was honest.
use std::collections::BTreeMap;

use crypto::Hotkey;
use serde_json::{Map, Value};

use super::hook::no_such;
use super::scene::{read, word};
use crate::behaviour::{Act, Weights};

/// The longest answer to a question, in bytes.
const ANSWER_BYTES: usize = 64 * 1024;

/// The longest wait, in milliseconds: a day.
const LONGEST_WAIT: u64 = 24 * 60 * 60 * 1000;

/// What may be done with something.
const ACTS: [&str; 8] = ["forward", "drop", "delay", "repeat", "hold", "only", "split", "replace"];

/// The act that a reply stands for.
pub(super) fn act<T>(reply: Value, value: impl Fn(Value) -> Result<T, String>) -> Result<Act<T>, String> {
    match reply {
        Value::Null => Ok(Act::Forward),
        Value::Object(mut fields) if fields.get("act").is_some_and(Value::is_string) => {
            let name = fields.remove("act").unwrap_or_default();
            named(name.as_str().unwrap_or_default(), fields, value)
        }
        other => Ok(Act::Replace(value(other)?)),
    }
}

fn named<T>(
    act: &str,
    mut fields: Map<String, Value>,
    value: impl Fn(Value) -> Result<T, String>,
) -> Result<Act<T>, String> {
    let mut field = |name: &str| fields.remove(name).unwrap_or_default();
    let act = match act {
        "forward" => Act::Forward,
        "drop" => Act::Drop,
        "delay" => Act::Delay(wait(&field("ms"))?),
        "repeat" => Act::Repeat(read("a number of times from 0 to 255", field("times"))?),
        "hold" => Act::Hold(word(field("name"))?),
        "only" => Act::Only(peers(field("peers"))?),
        "split" => {
            let parts: Vec<(Value, Value)> = read("a list of (peers, value)", field("parts"))?;
            let part = |(to, what)| Ok((peers(to)?, value(what)?));
            Act::Split(parts.into_iter().map(part).collect::<Result<_, String>>()?)
        }
        "replace" => Act::Replace(value(field("value"))?),
        other => return Err(no_such("act", other, ACTS)),
    };
    match fields.keys().next() {
        Some(key) => Err(format!("there is nothing called {key:?} in this act")),
        None => Ok(act),
    }
}

/// Milliseconds as a number, or as "900ms" or "1.5s".
pub(super) fn wait(value: &Value) -> Result<u64, String> {
    let text = value.as_str().map(str::trim);
    let scaled = |number: &str, scale: f64| Some((number.trim().parse::<f64>().ok()? * scale).round());
    let wait = match text {
        None => value.as_f64().map(f64::round),
        Some(text) => match text.strip_suffix("ms") {
            Some(number) => scaled(number, 1.0),
            None => text.strip_suffix('s').and_then(|number| scaled(number, 1000.0)),
        },
    };
    let wait = wait.filter(|wait| (0.0..=LONGEST_WAIT as f64).contains(wait));
    wait.map(|wait| wait as u64).ok_or_else(|| {
        format!("{value} is no time to wait: give milliseconds, \"900ms\" or \"1.5s\", and a day at most")
    })
}

fn peers(value: Value) -> Result<Vec<Hotkey>, String> {
    read("a list of peers by their hotkeys", value)
}

/// Where nothing can take the place of what is honest.
pub(super) fn nothing(value: Value) -> Result<(), String> {
    let why = "only an act may be returned here, for nothing can be put in its place";
    value.is_null().then_some(()).ok_or_else(|| why.to_owned())
}

/// A row: `{uid: weight}`.
pub(super) fn weights(value: Value) -> Result<Weights, String> {
    let row: BTreeMap<String, f64> = read("a row {uid: weight}", value)?;
    let weight = |(uid, weight): (String, f64)| match uid.parse() {
        Ok(uid) => Ok((uid, weight)),
        Err(_) => Err(format!("this is not a row {{uid: weight}}: {uid:?} is no uid")),
    };
    row.into_iter().map(weight).collect()
}

/// The body of a question or an answer: numbers from 0 to 255, or text.
pub(super) fn body(value: Value) -> Result<Vec<u8>, String> {
    let body = match value {
        Value::String(text) => text.into_bytes(),
        numbers => read("a body: a list of numbers from 0 to 255, or text", numbers)?,
    };
    let fits = body.len() <= ANSWER_BYTES;
    fits.then_some(body).ok_or_else(|| format!("a body has {ANSWER_BYTES} bytes at most"))
}

/// A score from 0 to 1; who gives more has to live with what becomes of it.
pub(super) fn score(value: Value) -> Result<f64, String> {
    read("a score from 0 to 1", value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(reply: Value, wanted: Result<Act<f64>, &str>) {
        match (act(reply, score), wanted) {
            (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
            (found, wanted) => assert_eq!(found, wanted.map_err(str::to_owned)),
        }
    }

    #[test]
    fn every_act_is_read() {
        check(Value::Null, Ok(Act::Forward));
        check(json!(0.5), Ok(Act::Replace(0.5)));
        check(json!({ "act": "replace", "value": 1 }), Ok(Act::Replace(1.0)));
        check(json!({ "act": "drop" }), Ok(Act::Drop));
        check(json!({ "act": "delay", "ms": 40 }), Ok(Act::Delay(40)));
        check(json!({ "act": "delay", "ms": "900ms" }), Ok(Act::Delay(900)));
        check(json!({ "act": "delay", "ms": "1.5s" }), Ok(Act::Delay(1_500)));
        check(json!({ "act": "repeat", "times": 3 }), Ok(Act::Repeat(3)));
        check(json!({ "act": "hold", "name": "later" }), Ok(Act::Hold("later".to_owned())));
        check(json!({ "act": "only", "peers": [] }), Ok(Act::Only(Vec::new())));
        check(json!({ "act": "split", "parts": [[[], 0.25]] }), Ok(Act::Split(vec![(Vec::new(), 0.25)])));
    }

    #[test]
    fn what_is_no_act_is_named() {
        check(json!("much"), Err("this is not a score from 0 to 1"));
        check(json!({ "act": "dorp" }), Err("did you mean `drop`?"));
        check(json!({ "act": "drop", "ms": 1 }), Err(r#"nothing called "ms""#));
        check(json!({ "act": "delay", "ms": "soon" }), Err("no time to wait"));
        check(json!({ "act": "delay", "ms": -1 }), Err("no time to wait"));
        check(json!({ "act": "repeat", "times": 1_000 }), Err("times from 0 to 255"));
        check(json!({ "act": "only", "peers": ["me"] }), Err("peers by their hotkeys"));
        assert!(weights(json!({ "one": 1 })).unwrap_err().contains(r#""one" is no uid"#));
        assert!(body(json!([256])).unwrap_err().contains("from 0 to 255"));
        assert!(body(json!("x".repeat(ANSWER_BYTES + 1))).unwrap_err().contains("65536 bytes at most"));
    }
}
