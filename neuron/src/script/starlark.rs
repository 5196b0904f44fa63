//! Behaviours written in Starlark: Python's syntax, the same steps in every run, no way out but the context.
//!
//! A hook is a function of its name. Its state outlives it as JSON, so that nothing a script holds survives a hook by
//! accident. The interpreter looks at its limits every 1,000 steps, which lets a value double a thousand times: so they are
//! looked at before every statement, what grows within one is bounded by [`words`], and what hangs or grows there all the
//! same ends the program by [`guard`]. What is left is nesting so deep that to print it takes all stack, and one text larger
//! than the machine's memory: a script is one's own, not a stranger's.

mod guard;
mod value;
mod words;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use serde_json::{Map, Value as Json, json};
use starlark::codemap::FileSpanRef;
use starlark::docs::{DocItem, DocMember, DocParam, DocParams};
use starlark::environment::{FrozenModule, Module};
use starlark::eval::{BeforeStmtFunc, BeforeStmtFuncDyn, Evaluator};
use starlark::syntax::{AstModule, Dialect, DialectTypes};
use starlark::values::dict::DictRef;
use starlark::values::structs::AllocStruct;
use starlark::values::{OwnedFrozenValue, Value};
use starlark::{Error, PrintHandler};
use tracing::info;

use self::value::{shown, shown_view, taken};
use self::words::{BELL, Desk, refused};
use super::hook::Hook;
use super::scene::{call, facts, kept};
use super::scripted::Author;
use crate::behaviour::Context;

/// The longest script, in bytes.
const SCRIPT_BYTES: u64 = 32 * 1024;

/// Steps of one hook: a step is a call, or one turn of a loop.
const STEPS: u64 = 1_000_000;

/// Steps of loading, few enough that what is nested by them fits on the stack on which it is made still.
const READING_STEPS: u64 = 100_000;

/// Calls within calls.
const CALLS: usize = 100;

/// The heap of one hook, in bytes.
const HEAP_BYTES: usize = 64 * 1024 * 1024;

/// How far beyond these limits the interpreter stops within a statement, where we do not look.
const WITHIN: u64 = 4;

/// The stack on which scripts are read, in bytes: nesting costs stack, and their length bounds nesting.
const READING_STACK: usize = 1024 * 1024 * 1024;

/// The longest text that is printed at once, in characters.
const PRINTED: usize = 4 * 1024;

/// What a context has that takes time to make: made once for each height, if the script names it at all.
const COSTLY: [&str; 4] = ["neurons", "rows", "validators", "spare"];

/// The name of what the scenario gave it.
const PARAMS: &str = "params";

/// A script that was read.
pub(super) struct Script {
    file: String,
    source: String,
    hooks: BTreeMap<Hook, OwnedFrozenValue>,
    /// The functions of its context.
    functions: Vec<(String, OwnedFrozenValue)>,
    bell: OwnedFrozenValue,
}

/// A script at work in one neuron.
pub(super) struct Performance {
    script: Arc<Script>,
    state: Json,
    params: Option<OwnedFrozenValue>,
    /// What was made for a height.
    costly: (Option<u64>, Vec<(&'static str, OwnedFrozenValue)>),
}

impl Script {
    /// Reads a script and checks its hooks.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let file = path.display().to_string();
        let unreadable = |error| format!("{file}: {error}");
        let bytes = fs::metadata(path).map_err(unreadable)?.len();
        if bytes > SCRIPT_BYTES {
            return Err(format!("{file} has {bytes} bytes: a script has {SCRIPT_BYTES} at most"));
        }
        let source = fs::read_to_string(path).map_err(unreadable)?;
        Self::of(file, source)
    }

    fn of(file: String, source: String) -> Result<Self, String> {
        let place = file.clone();
        let _guard = guard::watch(move |why| format!("{place}: {why}"));
        let module = thread::scope(|scope| {
            let read = || frozen(&file, &source);
            let reader = thread::Builder::new().stack_size(READING_STACK).spawn_scoped(scope, read);
            let reader = reader.map_err(|error| format!("{file}: no thread to read it on: {error}"))?;
            reader.join().unwrap_or_else(|panic| Err(panicked(&file, &*panic)))
        })?;
        let hooks = BTreeMap::new();
        let mut script = Self { file, source, hooks, functions: words::context(), bell: words::bell() };
        let names: Vec<_> = module.names().map(|name| name.as_str().to_owned()).collect();
        for name in names.iter().filter(|name| name.starts_with("on_")) {
            let hook = Hook::named(name).map_err(|why| script.placed(name, &why))?;
            let function = module.get(name).map_err(|error| script.placed(name, &error.to_string()))?;
            fits(hook, function.value()).map_err(|why| script.placed(name, &why))?;
            script.hooks.insert(hook, function);
        }
        match script.hooks.is_empty() {
            true => Err(format!("{}: no function in it is a hook, such as {}", script.file, Hook::Weights)),
            false => Ok(script),
        }
    }

    /// The same script in one more neuron.
    pub(super) fn perform(self: &Arc<Self>) -> Performance {
        let state = Json::Object(Map::new());
        Performance { script: self.clone(), state, params: None, costly: (None, Vec::new()) }
    }

    /// An error of a hook, with its place.
    fn faulty(&self, hook: Hook, error: &Error) -> String {
        if error.has_diagnostic() { error.to_string() } else { self.placed(hook.name(), &error.to_string()) }
    }

    /// An error where a name is defined.
    fn placed(&self, name: &str, why: &str) -> String {
        let defines = |line: &str| {
            let rest = line.strip_prefix("def ").unwrap_or(line).trim_start().strip_prefix(name);
            rest.is_some_and(|rest| rest.trim_start().starts_with(['(', '=']))
        };
        match self.source.lines().enumerate().find(|(_, line)| defines(line)) {
            Some((number, line)) => {
                let (number, file) = (number + 1, &self.file);
                let margin = " ".repeat(number.to_string().len());
                format!("error: {why}\n{margin}--> {file}:{number}:1\n{margin} |\n{number} | {line}")
            }
            None => format!("{}: {why}", self.file),
        }
    }
}

/// What a script defines.
fn frozen(file: &str, source: &str) -> Result<FrozenModule, String> {
    let dialect = Dialect {
        enable_load: false,
        enable_keyword_only_arguments: true,
        enable_types: DialectTypes::Enable,
        enable_top_level_stmt: true,
        enable_f_strings: true,
        ..Dialect::Standard
    };
    let broken = |error: Error| faulty(file, &error);
    let mut read = AstModule::parse(file, source.to_owned(), &dialect).map_err(broken)?;
    read.replace_binary_operators(&words::watched());
    let printer = Printer { file };
    Module::with_temp_heap(|module| {
        let mut eval = Evaluator::new(&module);
        eval.set_print_handler(&printer);
        bound(&mut eval, READING_STEPS);
        eval.eval_module(read, &words::globals()).map_err(broken)?;
        drop(eval);
        module.freeze().map_err(|error| format!("{file}: {error:?}"))
    })
}

/// Sets the limits of one evaluation.
fn bound(eval: &mut Evaluator<'_, '_, '_>, steps: u64) {
    eval.disable_gc();
    eval.before_stmt_for_dap(BeforeStmtFunc::from_dyn(Box::new(Watch { steps })));
    let limits = [
        eval.set_max_tick_count(steps * WITHIN),
        eval.set_max_callstack_size(CALLS),
        eval.set_max_heap_size(HEAP_BYTES * WITHIN as usize),
    ];
    limits.into_iter().for_each(|limit| limit.expect("each limit is set once, and is not 0"));
}

/// Looks at the limits before every statement.
struct Watch {
    steps: u64,
}

impl<'e> BeforeStmtFuncDyn<'e> for Watch {
    fn call<'v>(
        &mut self,
        _: FileSpanRef<'_>,
        _: bool,
        eval: &mut Evaluator<'v, '_, 'e>,
    ) -> starlark::Result<()> {
        if eval.get_total_tick_count() > self.steps {
            return Err(refused(format!("it takes more than {} steps", self.steps)));
        }
        if eval.heap().peak_allocated_bytes() > HEAP_BYTES {
            return Err(refused(format!("it takes more than {HEAP_BYTES} bytes of memory")));
        }
        Ok(())
    }
}

/// Whether a hook is a function that takes what it will be given.
fn fits(hook: Hook, value: Value<'_>) -> Result<(), String> {
    let DocItem::Member(DocMember::Function(function)) = value.documentation() else {
        return Err(format!("{hook} is not a function but a {}", value.get_type()));
    };
    let DocParams { pos_only, pos_or_named, args, named_only, .. } = function.params;
    let is_needed = |param: &&DocParam| param.default_value.is_none();
    let places: Vec<_> = pos_only.iter().chain(&pos_or_named).collect();
    let needed = places.iter().copied().filter(is_needed).count();
    let given = 1 + hook.parameters().len();
    let fits = needed <= given && (given <= places.len() || args.is_some());
    if fits && named_only.iter().filter(is_needed).count() == 0 {
        return Ok(());
    }
    let given: Vec<_> = ["ctx"].iter().chain(hook.parameters()).copied().collect();
    Err(format!("{hook} is given ({}), {} in all", given.join(", "), given.len()))
}

/// An error with its place and its way there.
fn faulty(file: &str, error: &Error) -> String {
    if error.has_diagnostic() { error.to_string() } else { format!("{file}: {error}") }
}

fn panicked(file: &str, panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    format!("{file}: its interpreter gave up: {}", text.unwrap_or("without a word"))
}

impl Author for Performance {
    fn knows(&self, hook: Hook) -> bool {
        self.script.hooks.contains_key(&hook)
    }

    fn ask(&mut self, cx: &mut Context<'_>, hook: Hook, seen: Vec<Json>) -> Result<Json, String> {
        let script = self.script.clone();
        let place = script.clone();
        let _guard = guard::watch(move |why| place.placed(hook.name(), why));
        let asked = catch_unwind(AssertUnwindSafe(|| self.act(&script, cx, hook, &seen)));
        asked.unwrap_or_else(|panic| Err(panicked(&script.file, &*panic)))
    }

    fn misread(&self, hook: Hook, why: &str) -> String {
        self.script.placed(hook.name(), &format!("{hook} returned what does not belong there: {why}"))
    }
}

impl Performance {
    fn act(
        &mut self,
        script: &Script,
        cx: &mut Context<'_>,
        hook: Hook,
        seen: &[Json],
    ) -> Result<Json, String> {
        let function = script.hooks.get(&hook).expect("only known hooks are asked");
        self.make(cx)?;
        let facts = facts(cx);
        let desk = Desk::default();
        let neuron = Neuron { cx: RefCell::new(cx), desk: &desk, printer: Printer { file: &script.file } };
        Module::with_temp_heap(|module| {
            let heap = module.heap();
            module.set(BELL, heap.access_owned_frozen_value(&script.bell));
            let state = shown(&self.state, heap);
            let mut fields = vec![("state", state)];
            fields.extend(facts.iter().map(|(name, fact)| (*name, shown(fact, heap))));
            let made = self.params.iter().map(|params| (PARAMS, params));
            let made = made.chain(self.costly.1.iter().map(|(name, value)| (*name, value)));
            let made = made.chain(script.functions.iter().map(|(name, value)| (&**name, value)));
            fields.extend(made.map(|(name, value)| (name, heap.access_owned_frozen_value(value))));
            let mut given = vec![heap.alloc(AllocStruct(fields))];
            given.extend(seen.iter().map(|view| shown_view(view, heap)));
            let mut eval = Evaluator::new(&module);
            eval.extra = Some(&desk);
            eval.set_print_handler(&neuron);
            bound(&mut eval, STEPS);
            let function = heap.access_owned_frozen_value(function);
            let reply =
                eval.eval_function(function, &given, &[]).map_err(|error| script.faulty(hook, &error))?;
            drop(eval);
            self.remember(state)
                .map_err(|why| script.placed(hook.name(), &format!("{hook} left in ctx.state: {why}")))?;
            taken(reply).map_err(|why| self.misread(hook, &why))
        })
    }

    /// Makes what takes time, unless that was done for this height.
    fn make(&mut self, cx: &mut Context<'_>) -> Result<(), String> {
        let (named, file) = (|name: &str| self.script.source.contains(name), &self.script.file);
        if self.params.is_none() && named(PARAMS) {
            let params = if cx.with.is_null() { &json!({}) } else { cx.with };
            self.params = Some(still(|module| shown(params, module.heap()), file)?);
        }
        let height = Some(cx.height());
        if self.costly.0 != height {
            let mut made = Vec::new();
            for name in COSTLY.into_iter().filter(|name| named(name)) {
                let fact = call(cx, name, Map::new())?;
                made.push((name, still(|module| shown_view(&fact, module.heap()), file)?));
            }
            self.costly = (height, made);
        }
        Ok(())
    }

    /// Keeps the state for the next hook.
    fn remember(&mut self, state: Value<'_>) -> Result<(), String> {
        let was_empty = self.state.as_object().is_none_or(Map::is_empty);
        let is_empty = DictRef::from_value(state).is_none_or(|state| state.is_empty());
        if !(was_empty && is_empty) {
            self.state = kept(taken(state)?)?;
        }
        Ok(())
    }
}

/// A value that outlives a hook and does not change.
fn still(
    make: impl for<'v> FnOnce(&Module<'v>) -> Value<'v>,
    file: &str,
) -> Result<OwnedFrozenValue, String> {
    let frozen = Module::with_temp_heap(|module| {
        let value = make(&module);
        module.set("value", value);
        module.freeze()
    });
    let frozen = frozen.map_err(|error| format!("{file}: {error:?}"))?;
    frozen.get("value").map_err(|error| format!("{file}: {error}"))
}

/// Hears the bell.
struct Neuron<'a, 'b> {
    cx: RefCell<&'a mut Context<'b>>,
    desk: &'a Desk,
    printer: Printer<'a>,
}

impl PrintHandler for Neuron<'_, '_> {
    fn println(&self, text: &str) -> starlark::Result<()> {
        let question = self.desk.take();
        if question.is_empty() {
            return self.printer.println(text);
        }
        let answer = answered(&mut self.cx.borrow_mut(), &question).map_err(refused)?;
        self.desk.replace(answer.to_string());
        Ok(())
    }
}

fn answered(cx: &mut Context<'_>, question: &str) -> Result<Json, String> {
    let (name, fields): (String, Map<String, Json>) =
        serde_json::from_str(question).map_err(|error| error.to_string())?;
    call(cx, &name, fields)
}

/// Writes to the log what is printed.
struct Printer<'a> {
    file: &'a str,
}

impl PrintHandler for Printer<'_> {
    fn println(&self, text: &str) -> starlark::Result<()> {
        let text: String = text.chars().take(PRINTED).collect();
        info!(script = self.file, "{text}");
        Ok(())
    }
}
