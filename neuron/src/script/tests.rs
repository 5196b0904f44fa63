//! One attack in three languages, and scripts and programs that fail.
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use crypto::Hotkey;
use protocol::head::Head;
use protocol::message::{Heard, Message};
use protocol::query::{Answer, Question};
use protocol::weights::{Commit, Reveal, Row};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::hook::Hook;
use super::scripted::{Author, Scripted};
use super::*;
use crate::behaviour::{Act, Acting, Asking, Board, Conduct, Context, Keys, Weights};
use crate::process;
use crate::role::bench::{Bench, NETUID, flat};
use crate::role::{Effect, Input, Memory, Moment, Note, Reply, Role, Settled, Ticket, Timer, Validator};
use crate::task::{StandIn, Sums, Worker};

/// A neuron without roles, which hears only its behaviour.
struct Alone {
    bench: Bench,
    acting: Acting,
    board: Board,
}

impl Alone {
    fn new(make: Make, with: Value) -> Self {
        let (bench, board) = (Bench::new(2, 2), Board::default());
        let acting = acting(&bench, make, Vec::new(), (with, board.clone()));
        Self { bench, acting, board }
    }

    fn hear(&mut self, input: &Input) -> Vec<Effect> {
        let effects = self.acting.handle(self.bench.moment(), input);
        effects.into_iter().filter(|effect| !matches!(effect, Effect::Schedule(Timer::Tick, _))).collect()
    }

    fn tick(&mut self) -> Vec<Effect> {
        self.hear(&Input::Elapsed(Timer::Tick))
    }

    /// The fault of the next tick.
    fn fault(&mut self) -> String {
        let faults = notes(&self.tick());
        let [Note::Fault(fault)] = &faults[..] else { panic!("not one fault: {faults:?}") };
        assert_eq!(notes(&self.tick()), [], "it is honest from here on");
        fault.clone()
    }
}

/// A behaviour before the roles of the first validator.
fn acting(bench: &Bench, make: Make, roles: Vec<Box<dyn Role>>, (with, board): (Value, Board)) -> Acting {
    let (ledger, tip) = bench.tip.clone();
    let keys =
        Keys { hotkey: bench.keys[0].clone(), coldkey: Some(bench.keys[0].clone()), spare: vec![spare()] };
    let conduct = Conduct { name: "tested".to_owned(), make, with, board };
    Acting::new(conduct, roles, keys, (NETUID, Head { ledger, tip }))
}

/// A further identity.
fn spare() -> crypto::Keypair {
    crypto::Keypair::from_seed([77; 32])
}

fn notes(effects: &[Effect]) -> Vec<Note> {
    let note = |effect: &Effect| match effect {
        Effect::Note(note) => Some(note.clone()),
        _ => None,
    };
    effects.iter().filter_map(note).collect()
}

fn fired(effects: &[Effect]) -> Vec<String> {
    let word = |note| match note {
        Note::Fired(word) => word,
        Note::Fault(fault) => panic!("{fault}"),
    };
    notes(effects).into_iter().map(word).collect()
}

/// A folder with one script in it.
fn folder(source: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("it.star"), source).unwrap();
    dir
}

fn alone(source: &str) -> Alone {
    alone_with(source, Value::Null)
}

#[track_caller]
fn alone_with(source: &str, with: Value) -> Alone {
    let make =
        load("it.star", folder(source).path(), Pace::Simulated).unwrap_or_else(|error| panic!("{error}"));
    Alone::new(make, with)
}

/// What is wrong with a script before anything runs.
fn refusal(source: &str) -> String {
    match load("it.star", folder(source).path(), Pace::Simulated) {
        Err(Error::Script(why)) => why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was loaded: {source}"),
    }
}

#[track_caller]
fn check(words: &str, parts: &[&str]) {
    for part in parts {
        assert!(words.contains(part), "no {part:?} in:\n{words}");
    }
}

#[test]
fn a_script_that_cannot_work_is_refused_when_it_is_loaded() {
    let refused = |source: &str, parts: &[&str]| check(&refusal(source), parts);
    refused("def on_vote(ctx, vote)\n    pass\n", &["it.star:1:", "def on_vote(ctx, vote)", "error"]);
    refused("def on_wieghts(ctx, honest):\n    pass\n", &["it.star:1:", "did you mean `on_weights`?"]);
    refused("\ndef on_vote(ctx):\n    pass\n", &["it.star:2:", "on_vote is given (ctx, vote), 2 in all"]);
    refused("def on_tick(ctx, more):\n    pass\n", &["it.star:1:", "on_tick is given (ctx), 1 in all"]);
    refused("on_tick = 3\n", &["it.star:1:", "on_tick is not a function but a int"]);
    refused("def vote(ctx):\n    pass\n", &["no function in it is a hook", "on_weights"]);
    refused("", &["no function in it is a hook"]);
    refused("load(\"other.star\", \"x\")\n", &["it.star:1:", "load"]);
    refused("import os\n", &["it.star:1:", "import os"]);
    refused("def on_tick(ctx):\n    return neurons\n", &["it.star:2:", "neurons", "not found"]);
    refused("for i in range(1000000):\n    x = i\n", &["it.star:2:", "more than 100000 steps"]);
    refused("x = [i for i in range(1000000)]\n", &["it.star", "400000 ticks"]);
    refused(
        "x = [0]\nfor i in range(40):\n    x = x + x\n",
        &["it.star:3:", "more than 67108864 bytes of memory"],
    );
    refused("x = 1 // 0\n", &["it.star:1:", "ivision by zero"]);
    refused("fail(\"no\")\n", &["it.star:1:", "fail: no"]);
    refused(&format!("x = {}\n", "(".repeat(1_000)), &["it.star:"]);
    let long = format!("# {}", "x".repeat(40_000));
    refused(&long, &["it.star has 40002 bytes: a script has 32768 at most"]);
}

#[test]
fn deep_nesting_is_read_or_refused_and_takes_nothing_down() {
    let hook = "def on_tick(ctx):\n    pass\n";
    for nested in [
        format!("x = {}0{}\n", "[".repeat(16_000), "]".repeat(16_000)),
        format!("x = {}1\n", "-".repeat(32_000)),
        format!("x = {}1\n", "not ".repeat(8_000)),
        format!("x = 1{}\n", "+1".repeat(16_000)),
        format!("x = \"\"{}\n", ".strip()".repeat(4_000)),
        format!("x = []\nfor i in range(99000):\n    x = [x]\n#{}", "x".repeat(20_000)),
    ] {
        assert!(nested.len() > 20_000);
        let _ = load("it.star", folder(&format!("{hook}{nested}")).path(), Pace::Simulated);
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let dir = TempDir::new().unwrap();
    let error = load("none.star", dir.path(), Pace::Simulated).err().unwrap().to_string();
    check(&error, &["none.star", "No such file"]);
    let error = load("lunch", dir.path(), Pace::Simulated).err().unwrap().to_string();
    check(&error, &["no behaviour \"lunch\"", "honest", "FILE.star", "exec:COMMAND"]);
}

/// The fault of a script whose every tick does this.
fn fault(body: &str) -> String {
    alone(&format!("def on_tick(ctx):\n    {}\n", body.replace('\n', "\n    "))).fault()
}

#[test]
fn a_hook_that_fails_says_where_and_leaves_an_honest_neuron() {
    let faulty = |body: &str, parts: &[&str]| check(&fault(body), parts);
    faulty(
        "for i in range(1000000):\n    for j in range(1000000):\n        x = j",
        &["it.star:4:", "more than 1000000 steps"],
    );
    faulty(
        "for i in range(1000000):\n    for j in range(1000000):\n        pass",
        &["it.star:3:", "more than 1000000 steps"],
    );
    faulty("r = range(1000)\nx = [0 for i in r for j in r for k in r]", &["it.star:1:", "4000000 ticks"]);
    faulty("def deeper(n):\n    return deeper(n + 1)\ndeeper(0)", &["it.star:3", "deeper"]);
    faulty(
        "x = [0]\nfor i in range(40):\n    x = x + x",
        &["it.star:4:", "more than 67108864 bytes of memory"],
    );
    faulty(
        "x = \"ab\"\nfor i in range(40):\n    x += x",
        &["it.star:4:", "more than 67108864 bytes of memory"],
    );
    faulty("x = [0] * 1000000000", &["it.star:2:", "repeated to more than 1000000"]);
    faulty("x = list(range(1000000000))", &["it.star:2:", "no range is longer than 1000000"]);
    faulty(
        "x = [str(i) * 1000 for i in range(1000000)]",
        &["it.star:2:10", "more than 67108864 bytes of memory"],
    );
    faulty("return 1 / 0", &["it.star:2:", "ivision by zero", "return 1 / 0", "^^^"]);
    faulty("fail(\"enough\")", &["it.star:2:", "fail: enough"]);
    faulty("return drop()", &["it.star:1:", "nothing is decided here: there is nothing to drop"]);
    faulty("return ctx.hight", &["it.star:2:", "hight", "height"]);
    faulty("return {}[\"key\"]", &["it.star:2:", "key", "not found"]);
    faulty("return 7", &["it.star:1:", "def on_tick(ctx):", "nothing is to be returned here"]);
    faulty("return drop(1)", &["it.star:2:", "drop"]);
    faulty("ctx.state[\"x\"] = \"y\" * 70000", &["it.star:1:", "ctx.state", "65536 are allowed"]);
    faulty("ctx.state[\"x\"] = on_tick", &["it.star:1:", "ctx.state", "function cannot leave a script"]);
    faulty("ctx.state[\"me\"] = ctx.state", &["it.star:1:", "ctx.state", "nested deeper than 32"]);
    faulty("ctx.put(\"x\", \"y\" * 70000)", &["it.star:2:", "65536 are allowed"]);
    faulty("ctx.put(\"x\" * 300, 1)", &["it.star:2:", "longer than 256 bytes"]);
    faulty("ctx.transact({\"Steal\": {}})", &["it.star:2:", "this is not a transaction", "Steal"]);
    faulty("ctx.vote({\"height\": 1})", &["it.star:2:", "this is not a vote"]);
    faulty("ctx.now = 0", &["it.star:2:", "now"]);
    faulty("print(ctx.nobody)", &["it.star:2:", "nobody"]);
}

#[test]
fn what_is_too_much_for_one_hook_does_not_vanish_without_a_word() {
    let notes =
        notes(&alone("def on_tick(ctx):\n    for i in range(2000):\n        ctx.fired(\"x\")\n").tick());
    let [fired @ .., Note::Fault(fault)] = &notes[..] else { panic!("{notes:?}") };
    check(fault, &["more than 1024 things at one hook"]);
    assert_eq!(fired.len(), 1_024);
}

#[test]
fn only_honesty_is_called_honest() {
    for spec in ["honest.star", "mine/honest.star", "exec:honest"] {
        assert_eq!(name(spec).trim_start_matches("mine/"), spec.trim_start_matches("mine/"));
    }
    assert_eq!((&*name("honest"), &*name("mine/copier.star")), ("honest", "copier"));
}

#[test]
fn a_global_stays_as_it_was_loaded() {
    let mut alone = alone("seen = []\ndef on_tick(ctx):\n    seen.append(1)\n");
    check(&alone.fault(), &["it.star:3:", "mmutable"]);
}

/// What becomes of a miner's question under a script that returns this.
fn asked(returned: &str) -> Vec<Effect> {
    let mut alone = alone(&format!("def on_question(ctx, question):\n    return {returned}\n"));
    let question =
        Question { netuid: NETUID, miner: alone.bench.keys[0].hotkey(), height: 1, number: 1, body: vec![7] };
    let question = alone.bench.author(1, question);
    alone.hear(&Input::Asked(Ticket(3), question))
}

#[test]
fn an_answer_is_a_list_of_bytes_or_a_text() {
    let body = |effects: Vec<Effect>| match &effects[..] {
        [Effect::Answer(Ticket(3), answer)] => answer.body.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(body(asked("[1, 2, 255]")), [1, 2, 255]);
    assert_eq!(body(asked("\"yes\"")), *b"yes");
    assert_eq!(body(asked("question.body + [8]")), [7, 8]);
    for (wrong, why) in [
        ("[256]", "from 0 to 255"),
        ("{}", "a list of numbers"),
        ("\"x\" * 70000", "65536 bytes at most"),
        ("[0] * 1000000", "larger than"),
        ("1.5", "a list of numbers"),
        ("delay(\"soon\")", "no time to wait"),
        ("only([ctx.me])", "`only` means nothing here; there is drop, delay, repeat, hold, replace"),
        ("only([\"me\"])", "peers by their hotkeys"),
        ("{\"act\": \"dorp\"}", "did you mean `drop`?"),
        ("on_question", "function cannot leave a script"),
    ] {
        let notes = notes(&asked(wrong));
        let [Note::Fault(fault)] = &notes[..] else { panic!("{wrong}: {notes:?}") };
        check(fault, &["it.star:1:", "on_question returned", &why.replace('\\', "")]);
    }
}

#[test]
fn what_is_put_off_happens_later() {
    let effects = asked("delay(\"1.5s\")");
    assert!(matches!(effects[..], [Effect::Schedule(Timer::Later(_), 1_500)]), "{effects:?}");
    assert!(asked("drop()").is_empty());
}

/// Serves whoever wants settlements.
struct Server;

impl Role for Server {
    fn handle(&mut self, _: Moment, input: &Input) -> Vec<Effect> {
        match input {
            Input::Wanted(ticket, first) => vec![Effect::Serve(*ticket, *first)],
            _ => Vec::new(),
        }
    }
}

#[test]
fn what_is_held_waits_until_it_is_released() {
    let source = "def on_request(ctx, first):\n    return hold(\"requests\")\n\n\
        def on_tick(ctx):\n    if ctx.state.get(\"ticks\"):\n        ctx.release(\"requests\")\n    ctx.state[\"ticks\"] = 1\n";
    let make =
        load("it.star", folder(source).path(), Pace::Simulated).unwrap_or_else(|error| panic!("{error}"));
    let bench = Bench::new(2, 2);
    let acting = acting(&bench, make, vec![Box::new(Server)], (Value::Null, Board::default()));
    let mut held = Alone { bench, acting, board: Board::default() };
    let served = |effects: &[Effect]| effects.iter().filter(|it| matches!(it, Effect::Serve(..))).count();
    assert!(
        held.hear(&Input::Wanted(Ticket(1), 5)).is_empty()
            && held.hear(&Input::Wanted(Ticket(2), 6)).is_empty()
    );
    assert_eq!([served(&held.tick()), served(&held.tick()), served(&held.tick())], [0, 2, 0]);
}

#[test]
fn what_a_script_asks_of_itself_is_answered_to_it_alone() {
    let source = "def on_tick(ctx):\n    ctx.ask(ctx.neurons[1].hotkey, [1, 2])\n\n\
        def on_reply(ctx, reply):\n    ctx.fired(\"%s %s\" % (reply.question, reply.body))\n";
    for (from, heard) in [(1, "[1, 2] [3]"), (2, "[1, 2] None")] {
        let mut alone = alone(source);
        let asked = alone.tick();
        let [Effect::Ask(question)] = &asked[..] else { panic!("{asked:?}") };
        assert_eq!((question.miner, &question.body[..]), (alone.bench.keys[1].hotkey(), &[1, 2][..]));
        let answer = alone.bench.author(from, Answer { question: question.id(), body: vec![3] });
        let reply = Input::Answered(Reply { question: question.id(), answer: Some(answer) });
        assert_eq!(fired(&alone.hear(&reply)), [heard]);
        assert!(alone.hear(&reply).is_empty(), "nothing is answered twice");
    }
}

#[test]
fn what_another_signed_is_told_again_as_it_came() {
    let mut alone = alone("def on_told(ctx, message):\n    ctx.fired(str(ctx.retell(\"1s\")))\n");
    let commitment = crypto::Hash([5; 32]);
    let commit = alone.bench.author(1, Commit { netuid: NETUID, epoch: 0, commitment });
    let effects = alone.hear(&Input::Told(Heard::Commit(commit.clone())));
    let [Effect::Schedule(timer, 1_000), Effect::Note(Note::Fired(told))] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(told, "True");
    let later = alone.hear(&Input::Elapsed(*timer));
    let [Effect::Tell(message)] = &later[..] else { panic!("{later:?}") };
    assert_eq!(**message, Message::Commit(commit.into_signed()));
}

#[test]
fn the_state_of_a_script_lives_from_hook_to_hook() {
    let source = r#"
def on_start(ctx):
    ctx.state["log"] = {0: "start"}

def on_tick(ctx):
    log = ctx.state["log"]
    log[len(log)] = [ctx.height, 0.1, None, True]
    ctx.fired(str(log))
"#;
    let mut alone = alone(source);
    alone.hear(&Input::Started);
    alone.tick();
    assert_eq!(fired(&alone.tick()), [r#"{0: "start", 1: [0, 0.1, None, True], 2: [0, 0.1, None, True]}"#]);
}

#[test]
fn each_neuron_has_its_own_state_and_the_same_luck() {
    let source =
        "def on_tick(ctx):\n    ctx.state[len(ctx.state)] = ctx.rand()\n    ctx.fired(str(ctx.state))\n";
    let (first, second) = (folder(source), folder(source));
    let make = load("it.star", first.path(), Pace::Simulated).unwrap();
    let again = load("it.star", second.path(), Pace::Simulated).unwrap();
    let ticks = |make: &Make| {
        let mut alone = Alone::new(make.clone(), Value::Null);
        [fired(&alone.tick()), fired(&alone.tick())]
    };
    assert_eq!(ticks(&make), ticks(&make));
    assert_eq!(ticks(&make), ticks(&again));
}

#[test]
fn a_context_offers_what_it_should() {
    let source = r#"
def on_tick(ctx):
    assert(type(ctx.now) == "int" and ctx.uid == 0 and ctx.height == 0)
    assert(len(ctx.me) == 64 and len(ctx.spare) == 1 and ctx.rows == [])
    assert([n.uid for n in ctx.neurons] == [0, 1, 2, 3])
    assert(ctx.neurons[0].hotkey == ctx.me and ctx.neurons[0].stake == 1000.0)
    assert(len(ctx.validators) == 2 and ctx.validators[0].stake > 0)
    assert(ctx.proposer(1, 0) in [v.hotkey for v in ctx.validators])
    assert(ctx.params["times"] == 3 and ctx.params.get("other", 4) == 4)
    assert(0 <= ctx.rand() and ctx.rand() < 1)
    assert(ctx.get("seen") == None and ctx.put("seen", {7: 0.5}) and ctx.get("seen") == {7: 0.5})
    ctx.release("nothing")
    ctx.vote({"precommit": True, "height": 9, "round": 0, "header": None}, [ctx.me])
    ctx.vote({"precommit": True, "height": 9, "round": 0, "header": None}, by = ctx.spare[0])
    assert(ctx.transact(ctx.params["order"]))
    ctx.fired("all")

def assert(truth):
    if not truth:
        fail("it is not so")
"#
    .replace("assert(", "sure(");
    let order = json!({ "Transfer": { "to": Hotkey([2; 32]), "amount": 5 } });
    let order = serde_json::from_value::<protocol::transaction::Action>(order.clone()).map(|_| order);
    let mut alone = alone_with(&source, json!({ "times": 3, "order": order.unwrap() }));
    let effects = alone.tick();
    assert_eq!(fired(&effects), ["all"]);
    assert_eq!(alone.board.get("seen"), Some(json!({ "7": 0.5 })));
    let told = |effect: &Effect| matches!(effect, Effect::Whisper(..) | Effect::Tell(_));
    assert_eq!(effects.iter().filter(|effect| told(effect)).count(), 3, "{effects:?}");
    let signer = |effect: &Effect| match effect {
        Effect::Tell(message) | Effect::Whisper(_, message) => message.speaker(),
        _ => None,
    };
    let voters: Vec<_> = effects.iter().filter_map(signer).collect();
    assert_eq!(voters, [alone.bench.keys[0].hotkey(), spare().hotkey()]);
}

#[test]
fn a_view_is_copied_with_changes() {
    let mut alone = alone(
        r#"
def on_tick(ctx):
    view = struct(height = 1, round = 2)
    ctx.fired(str(replace(view, round = 3)))
    replace(view, rond = 3)
"#,
    );
    let found = notes(&alone.tick());
    assert_eq!(found[0], Note::Fired("struct(height=1, round=3)".to_owned()));
    let Note::Fault(fault) = &found[1] else { panic!("{found:?}") };
    check(fault, &["it.star:5:", "did you mean `round`?"]);
}

/// Knows one hook, and counts how often it is asked.
struct Counting(Arc<std::sync::atomic::AtomicUsize>);

impl Author for Counting {
    fn knows(&self, hook: Hook) -> bool {
        hook == Hook::Tick
    }

    fn ask(&mut self, _: &mut Context<'_>, hook: Hook, _: Vec<Value>) -> Result<Value, String> {
        assert_eq!(hook, Hook::Tick);
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(Value::Null)
    }

    fn misread(&self, _: Hook, why: &str) -> String {
        why.to_owned()
    }
}

#[test]
fn a_hook_that_is_not_defined_is_not_asked() {
    let count = Arc::default();
    let counted = Arc::clone(&count);
    let make: Make = Arc::new(move || Box::new(Scripted::new(Counting(Arc::clone(&counted)))));
    let mut alone = Alone::new(make, Value::Null);
    for input in [Input::Started, Input::Elapsed(Timer::Tick), Input::Wanted(Ticket(1), 1)] {
        alone.hear(&input);
    }
    assert_eq!(count.load(std::sync::atomic::Ordering::Relaxed), 1);
}

/// What is wrong with a program that runs this in a shell once it has introduced itself.
fn program_fault(script: &str, pace: Pace) -> Result<String, Vec<Note>> {
    let greeting = r#"read init; echo '{"init_ok":{"hooks":["on_tick"]}}'; "#;
    let command = format!("exec:sh -c {}", shlex::try_quote(&format!("{greeting}{script}")).unwrap());
    let dir = TempDir::new().unwrap();
    let make = load(&command, dir.path(), pace);
    let mut alone = Alone::new(make.unwrap_or_else(|error| panic!("{error}")), Value::Null);
    let notes = notes(&alone.tick());
    match &notes[..] {
        [Note::Fault(fault)] => Ok(fault.clone()),
        _ => Err(notes),
    }
}

#[test]
fn a_program_that_fails_says_how_and_leaves_an_honest_neuron() {
    for (script, part) in [
        ("read it; echo ouch >&2; exit 3", "it ended, or closed its output, before it replied to on_tick"),
        ("read it; echo ouch >&2; exit 3", "its last words:\nouch"),
        ("read it; echo no json; read more", "it wrote \"no json\\n\", which is no object of JSON"),
        ("read it; echo '{\"act\":\"drop\"}'; read more", "neither in_reply_to nor ask"),
        (
            "read it; echo '{\"in_reply_to\":9}'; read more",
            "it replied to 9, which is not open: it was asked 1",
        ),
        ("read it; echo '{\"in_reply_to\":1,\"act\":7}'; read more", "this names no act"),
        ("read it; echo '{\"in_reply_to\":1,\"act\":\"dorp\"}'; read more", "did you mean `drop`?"),
        ("read it; echo '{\"in_reply_to\":1,\"fierd\":[]}'; read more", "this names no act"),
        ("read it; echo '{\"in_reply_to\":1,\"error\":\"KeyError\"}'; read more", "KeyError"),
        (
            "read it; echo '{\"in_reply_to\":1,\"act\":\"replace\",\"value\":1}'; read more",
            "nothing is to be returned",
        ),
        ("read it; echo '{\"ask\":\"nuerons\"}'; read more", "did you mean `neurons`?"),
        ("read it; while :; do echo '{\"ask\":\"rand\"}'; done", "without replying"),
        ("read it; head -c 2000000 /dev/zero | tr '\\0' x; read more", "a line of more than 1048576 bytes"),
        ("yes", "it wrote \"y\\n\", which is no object"),
    ] {
        let fault =
            program_fault(script, Pace::Simulated).unwrap_or_else(|notes| panic!("{script}: {notes:?}"));
        check(&fault, &[part, "exec:sh -c"]);
    }
}

#[test]
fn a_program_that_cannot_start_is_refused() {
    let dir = TempDir::new().unwrap();
    let refused = |command: &str, part: &str| {
        let error = load(&format!("exec:{command}"), dir.path(), Pace::Simulated).err().expect(command);
        check(&error.to_string(), &[part]);
    };
    refused("", "is no command");
    refused("sh -c 'x", "see to its quotes");
    refused("./none", "No such file");
    refused("sh -c 'echo ouch >&2; exit 3'", "its last words:\nouch");
    refused("sh -c 'read it; echo {}; read it'", "not with init_ok");
    refused(
        r#"sh -c 'read it; echo "{\"init_ok\":{\"hooks\":[\"on_vot\"]}}"; read it'"#,
        "did you mean `on_vote`?",
    );
    refused(r#"sh -c 'read it; echo "{\"init_ok\":{\"hooks\":[]}}"; read it'"#, "it wants no hook at all");
}

#[test]
fn a_live_neuron_does_not_wait_and_throws_a_late_reply_away() {
    let script = r#"
        read init; echo '{"init_ok":{"hooks":["on_tick"]}}'
        read it; sleep 0.5; echo '{"in_reply_to":1,"fired":["late"]}'; id=1
        while read it; do id=$((id+1)); echo '{"in_reply_to":'$id',"fired":["timely"]}'; done"#;
    let command = format!("sh -c {}", shlex::try_quote(script).unwrap());
    let dir = TempDir::new().unwrap();
    let make = load(&format!("exec:{command}"), dir.path(), Pace::Live).unwrap_or_else(|it| panic!("{it}"));
    let mut alone = Alone::new(make, Value::Null);
    assert_eq!(notes(&alone.tick()), [], "it was not in time");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let later = std::iter::repeat_with(|| notes(&alone.tick())).find(|notes| !notes.is_empty());
    assert!(std::time::Instant::now() < deadline);
    assert_eq!(later, Some(vec![Note::Fired("timely".to_owned())]));
}

#[test]
fn a_program_dies_with_its_children_when_it_is_no_longer_needed() {
    let dir = TempDir::new().unwrap();
    let script =
        r#"sleep 600 & read init; echo $$ > pid; echo '{"init_ok":{"hooks":["on_tick"]}}'; read more"#;
    let command = format!("sh -c {}", shlex::try_quote(script).unwrap());
    let program = Program::spawn(&command, dir.path(), Pace::Simulated).unwrap();
    let pid: i32 = fs::read_to_string(dir.path().join("pid")).unwrap().trim().parse().unwrap();
    assert!(process::group_lives(pid));
    drop(program);
    // Its children are init's to bury, which takes a moment.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while process::group_lives(pid) && !all_dead(pid) {
        assert!(std::time::Instant::now() < deadline, "something of it is alive");
        std::thread::yield_now();
    }
}

/// Whether nothing of a group is left but what waits to be buried.
fn all_dead(group: i32) -> bool {
    let stats = fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = stats.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    let of_group = |stat: &String| {
        let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        fields.get(2) == Some(&&*group.to_string()) && fields.first() != Some(&"Z")
    };
    !stats.into_iter().any(|stat| of_group(&stat))
}

/// The attack of `examples/scenarios/weight_copier`, in Rust.
struct WeightCopier;

impl Behaviour for WeightCopier {
    fn on_ask(&mut self, _: &mut Context<'_>, _: &Asking) -> Act<Vec<u8>> {
        Act::Drop
    }

    fn on_weights(&mut self, cx: &mut Context<'_>, _: &Weights) -> Act<Weights> {
        let row = consensus(cx);
        if row.is_empty() {
            return Act::Forward;
        }
        cx.fired("copied");
        Act::Replace(row)
    }
}

fn consensus(cx: &Context<'_>) -> Weights {
    let (neurons, me) = (cx.neurons(), cx.me());
    let stake = |hotkey| neurons.iter().find(|it| it.hotkey == hotkey).map_or(0.0, |it| it.stake);
    let others = cx.rows().into_iter().filter(|(hotkey, ..)| *hotkey != me);
    let rows: Vec<_> = others.map(|(hotkey, _, weights)| (share(&weights), stake(hotkey))).collect();
    let uids = rows.iter().flat_map(|(row, _)| row.keys()).copied();
    let votes =
        |uid| rows.iter().map(|(row, stake)| (row.get(&uid).copied().unwrap_or(0.0), *stake)).collect();
    uids.map(|uid| (uid, median(votes(uid)))).collect()
}

fn share(weights: &Weights) -> Weights {
    let total: f64 = weights.values().sum();
    let share = |(uid, weight): (&u16, &f64)| (total > 0.0).then(|| (*uid, weight / total));
    weights.iter().filter_map(share).collect()
}

fn median(mut votes: Vec<(f64, f64)>) -> f64 {
    votes.sort_by(|one, other| one.partial_cmp(other).unwrap());
    let (half, mut below) = (votes.iter().map(|(_, stake)| stake).sum::<f64>() / 2.0, 0.0);
    let reaches = |(_, stake): &&(f64, f64)| {
        below += stake;
        below >= half
    };
    votes.iter().find(reaches).map_or(0.0, |(weight, _)| *weight)
}

/// What the first validator does through some epochs in which others commit and reveal, and how often it fired.
fn attack(make: Make) -> (String, usize) {
    let mut bench = Bench::new(4, 3);
    let (ledger, with) = (bench.tip.0.clone(), (Value::Null, Board::default()));
    let validator = Validator::new(bench.keys[0].clone(), NETUID, &Sums, ledger, Memory::default());
    let mut acting = acting(&bench, make, vec![Box::new(validator)], with);
    let profile = protocol::announcement::Profile {
        netuid: NETUID,
        number: 0,
        model: crypto::Hash([1; 32]),
        description: String::new(),
    };
    let mut effects = acting.handle(bench.moment(), &Input::Started);
    effects.extend(acting.handle(bench.moment(), &Input::Told(Heard::Profile(bench.author(4, profile)))));
    let mut ours = Vec::new();
    for step in 0..20_u8 {
        let before = bench.tip.0.clone();
        let mut inputs = rows(&bench);
        inputs.append(&mut ours);
        let certified = bench.settle(&inputs);
        let (ledger, changes) = (bench.tip.0.clone(), bench.tip.0.changes_since(&before).into());
        let moment = Moment { now: ledger.time(), seed: crypto::Hash([step; 32]) };
        let settled = Arc::new(Settled { certified, ledger, changes });
        let mut done = acting.handle(moment, &Input::Settled(settled));
        for reply in done.iter().filter_map(|effect| answer(&bench, effect)).collect::<Vec<_>>() {
            done.extend(acting.handle(moment, &Input::Answered(reply)));
        }
        ours = flat(done.clone()).into_iter().filter_map(|effect| own_row(&bench, effect)).collect();
        effects.extend(done);
    }
    let fired = fired(&effects);
    assert!(fired.iter().all(|word| word == "copied"));
    (format!("{effects:#?}"), fired.len())
}

/// The commits and reveals of the other validators in this epoch.
fn rows(bench: &Bench) -> Vec<Heard> {
    let epoch = bench.tip.0.epoch(NETUID).unwrap();
    let reveal = |key: usize, epoch: u64| {
        let weight = |uid: u16| (protocol::subnet::Uid(uid), u64::from(uid) * key as u64 + epoch % 3);
        let row = Row::from_scores((4..7).map(weight));
        Reveal { netuid: NETUID, epoch, version: 1, salt: crypto::Hash([key as u8; 32]), row }
    };
    let both = |key: usize| {
        let commitment = reveal(key, epoch).commitment(&bench.keys[key].hotkey());
        let commit = Heard::Commit(bench.author(key, Commit { netuid: NETUID, epoch, commitment }));
        let last = epoch.checked_sub(1).map(|last| Heard::Reveal(bench.author(key, reveal(key, last))));
        [Some(commit), last]
    };
    (1..4).flat_map(both).flatten().collect()
}

/// What a good miner answers.
fn answer(bench: &Bench, effect: &Effect) -> Option<Reply> {
    let Effect::Ask(question) = effect else { return None };
    let mut worker = StandIn::new(1, question.miner, 1.0);
    let answer = Answer { question: question.id(), body: worker.answer(&question.body).unwrap() };
    Some(Reply { question: question.id(), answer: Some(bench.author(4, answer)) })
}

/// Our own commit or reveal, as others hear it.
fn own_row(bench: &Bench, effect: Effect) -> Option<Heard> {
    let Effect::Tell(message) = effect else { return None };
    match *message {
        Message::Commit(commit) => Some(Heard::Commit(commit.verify(&bench.genesis.hash()).ok()?)),
        Message::Reveal(reveal) => Some(Heard::Reveal(reveal.verify(&bench.genesis.hash()).ok()?)),
        _ => None,
    }
}

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/scenarios")
}

#[test]
fn one_attack_has_the_same_effects_in_three_languages() {
    let (effects, fired) = attack(Arc::new(|| Box::new(WeightCopier)));
    assert!(fired > 0, "the attack took place");
    assert_ne!(attack(Conduct::honest().make).0, effects, "and is not what is honest");
    let script =
        load("weight_copier.star", &scenarios(), Pace::Simulated).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(attack(script), (effects.clone(), fired));
    if Command::new("python3").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped in Python: there is no python3");
        return;
    }
    let program = load("exec:python3 weight_copier.py", &scenarios(), Pace::Simulated);
    let program = program.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(attack(program), (effects, fired));
}
