//! Behaviours that are programs: one line of JSON to them, one line back, in any language.
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tracing::warn;

use super::Pace;
use super::hook::Hook;
use super::scene::{call, facts, read};
use super::scripted::Author;
use crate::behaviour::Context;
use crate::process::{Pipe, Silence};

/// How long a program may take to start, and to reply where the clock waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long it may take to reply where it does not.
const LIVE_PATIENCE: Duration = Duration::from_millis(200);

/// Replies that may be owed; a program that owes more is asked nothing until it has caught up.
const OWED: usize = 16;

/// Questions that it may put before it replies to one of ours, and late replies that are thrown away meanwhile.
const LINES: usize = 1_000;

/// What a program and we speak.
const VERSION: u64 = 1;

/// A program that says what a peer does, in lines of JSON:
///
/// ```text
/// neuron   {"init":{"version":1}}
/// program  {"init_ok":{"hooks":["on_vote"]}}
/// neuron   {"id":7,"hook":"on_vote","ctx":{"height":41,…},"args":{"vote":{…}}}
/// program  {"ask":"neurons"}
/// neuron   {"answer":[…]}
/// program  {"in_reply_to":7,"act":"replace","value":{…},"fired":["nil"]}
/// ```
///
/// What it writes to its standard error goes to the log, and the end of it is shown when it fails. Questions are the
/// names of what a script finds in its context; `put`, `transact`, `votes` and `release` may stand beside `fired`.
pub struct Program {
    name: String,
    pace: Pace,
    pipe: Pipe,
    hooks: BTreeSet<Hook>,
    last: u64,
    /// What it was asked and did not reply to in time.
    owed: BTreeSet<u64>,
    /// How many replies came too late, or never.
    missed: u64,
}

/// A line of a program.
enum Said {
    Reply(u64, Map<String, Value>),
    Question(String, Map<String, Value>),
}

impl Program {
    /// Starts a program in `dir`, and hears which hooks it wants. No shell reads the command.
    ///
    /// # Errors
    /// In full, with the last words of the program.
    pub fn spawn(command: &str, dir: &Path, pace: Pace) -> Result<Self, String> {
        let words = shlex::split(command).filter(|words| !words.is_empty());
        let words = words.ok_or_else(|| format!("exec:{command} is no command: see to its quotes"))?;
        let pipe =
            Pipe::open(&words, dir).map_err(|error| format!("exec:{command} does not start: {error}"))?;
        let (hooks, owed) = (BTreeSet::new(), BTreeSet::new());
        let mut program = Self { name: command.to_owned(), pace, pipe, hooks, last: 0, owed, missed: 0 };
        program.greet().map_err(|why| program.fault(&why))?;
        Ok(program)
    }

    fn greet(&mut self) -> Result<(), String> {
        self.pipe.write(&json!({ "init": { "version": VERSION } }))?;
        let line =
            self.pipe.read(Instant::now() + PATIENCE).map_err(|silence| silence.told("init", PATIENCE))?;
        let mut fields = object(&line)?;
        let Some(Value::Object(mut ok)) = fields.remove("init_ok") else {
            return Err(format!("it answered init with {}, not with init_ok", quoted(&line)));
        };
        let hooks: Vec<String> = read("a list of hooks", ok.remove("hooks").unwrap_or_default())?;
        self.hooks = hooks.iter().map(|name| Hook::named(name)).collect::<Result<_, _>>()?;
        let wants = !self.hooks.is_empty();
        wants.then_some(()).ok_or_else(|| "it wants no hook at all".to_owned())
    }

    fn fault(&mut self, why: &str) -> String {
        let (name, last) = (&self.name, self.pipe.last_words());
        let said = if last.is_empty() { String::new() } else { format!("\nits last words:\n{last}") };
        format!("exec:{name}: {why}{said}")
    }

    /// Asks a hook; nothing comes back where the reply is late and the clock does not wait.
    fn exchange(&mut self, cx: &mut Context<'_>, hook: Hook, seen: Vec<Value>) -> Result<Value, String> {
        self.last += 1;
        let is_asked = self.owed.len() < OWED;
        if is_asked {
            let args: Map<_, _> = hook.parameters().iter().map(|name| (*name).to_owned()).zip(seen).collect();
            let known = facts(cx).into_iter().chain([("params", cx.with.clone())]);
            let ctx: Map<_, _> = known.map(|(name, fact)| (name.to_owned(), fact)).collect();
            self.pipe.write(&json!({ "id": self.last, "hook": hook.name(), "ctx": ctx, "args": args }))?;
            self.owed.insert(self.last);
        }
        let patience = match self.pace {
            Pace::Simulated => PATIENCE,
            Pace::Live if is_asked => LIVE_PATIENCE,
            // What was not asked is not waited for: only what came meanwhile is read.
            Pace::Live => Duration::ZERO,
        };
        match self.hear(cx, Instant::now() + patience) {
            Ok(reply) => self.carry_out(cx, reply?),
            Err(Silence::Late) if self.pace == Pace::Live => {
                self.missed += 1;
                warn!(program = self.name, %hook, missed = self.missed, "no reply in time: what is honest happens");
                Ok(Value::Null)
            }
            Err(silence) => Err(silence.told(hook.name(), patience)),
        }
    }

    /// The reply to what was asked last; questions are answered and late replies thrown away meanwhile.
    fn hear(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Instant,
    ) -> Result<Result<Map<String, Value>, String>, Silence> {
        for _ in 0..LINES {
            let line = self.pipe.read(deadline)?;
            match self.take(cx, &line) {
                Ok(None) => {}
                Ok(Some(reply)) => return Ok(Ok(reply)),
                Err(why) => return Ok(Err(why)),
            }
        }
        Ok(Err(format!("it wrote {LINES} lines without replying")))
    }

    fn take(&mut self, cx: &mut Context<'_>, line: &str) -> Result<Option<Map<String, Value>>, String> {
        match said(line)? {
            Said::Question(name, fields) => {
                let answer = call(cx, &name, fields)?;
                self.pipe.write(&json!({ "answer": answer }))?;
                Ok(None)
            }
            Said::Reply(id, _) if !self.owed.remove(&id) => {
                Err(format!("it replied to {id}, which is not open: it was asked {}", self.last))
            }
            Said::Reply(id, reply) => Ok((id == self.last).then_some(reply)),
        }
    }

    /// Does what a reply orders beside its act, and leaves that.
    fn carry_out(&mut self, cx: &mut Context<'_>, mut reply: Map<String, Value>) -> Result<Value, String> {
        if let Some(error) = reply.remove("error") {
            return Err(error.as_str().map_or_else(|| error.to_string(), str::to_owned));
        }
        let mut list = |name| read::<Option<Vec<Value>>>("a list", reply.remove(name).unwrap_or_default());
        let (fired, orders, votes) = (list("fired")?, list("transact")?, list("votes")?);
        let released = list("release")?;
        let put: Option<Map<String, Value>> =
            read("names and values", reply.remove("put").unwrap_or_default())?;
        for name in fired.into_iter().flatten() {
            call(cx, "fired", fields([("name", name)]))?;
        }
        for (name, value) in put.into_iter().flatten() {
            call(cx, "put", fields([("name", name.into()), ("value", value)]))?;
        }
        for action in orders.into_iter().flatten() {
            call(cx, "transact", fields([("action", action)]))?;
        }
        for vote in votes.into_iter().flatten() {
            let mut vote: Map<String, Value> = read("a vote", vote)?;
            let (to, by) = (vote.remove("to").unwrap_or_default(), vote.remove("by").unwrap_or_default());
            call(cx, "vote", fields([("vote", vote.into()), ("to", to), ("by", by)]))?;
        }
        for name in released.into_iter().flatten() {
            call(cx, "release", fields([("name", name)]))?;
        }
        Ok(if reply.is_empty() { Value::Null } else { act(reply)? })
    }
}

/// What is left of a reply: an act.
fn act(reply: Map<String, Value>) -> Result<Value, String> {
    match reply.get("act") {
        Some(Value::String(_)) => Ok(Value::Object(reply)),
        _ => Err(format!("this names no act: {}", quoted(&Value::Object(reply).to_string()))),
    }
}

fn fields<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn said(line: &str) -> Result<Said, String> {
    let mut fields = object(line)?;
    if let Some(question) = fields.remove("ask") {
        return Ok(Said::Question(read("the name of a question", question)?, fields));
    }
    match fields.remove("in_reply_to") {
        Some(id) => Ok(Said::Reply(read("the id of what it replies to", id)?, fields)),
        None => Err(format!("it wrote {}, which has neither in_reply_to nor ask", quoted(line))),
    }
}

fn object(line: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(line)
        .map_err(|error| format!("it wrote {}, which is no object of JSON: {error}", quoted(line)))
}

/// As much of a line as is worth showing.
fn quoted(line: &str) -> String {
    const SHOWN: usize = 120;
    let start: String = line.chars().take(SHOWN).collect();
    if start.len() < line.len() { format!("{start:?}…") } else { format!("{start:?}") }
}

impl Author for Program {
    fn knows(&self, hook: Hook) -> bool {
        self.hooks.contains(&hook)
    }

    fn ask(&mut self, cx: &mut Context<'_>, hook: Hook, seen: Vec<Value>) -> Result<Value, String> {
        self.exchange(cx, hook, seen).map_err(|why| self.fault(&why))
    }

    fn misread(&self, hook: Hook, why: &str) -> String {
        format!("exec:{}: it replied to {hook} what does not belong there: {why}", self.name)
    }
}
