//! Scenarios, scripts and programs that are none: each gets one clear message, and harms nothing.
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tempfile::TempDir;

use crate::neuron;

/// What cannot be read or run.
const REFUSED: i32 = 1;

/// What ran and cannot be judged, and a command line that is none.
const UNKNOWN: i32 = 2;

/// How many are tried at once: those that never answer only wait.
const AT_ONCE: usize = 8;

/// A line that is typed where some files are, and what comes of it.
#[derive(Clone)]
struct Case {
    /// What is wrong.
    name: &'static str,
    files: Vec<(&'static str, Vec<u8>)>,
    line: &'static str,
    code: i32,
    /// What the message says, among other things.
    words: Vec<&'static str>,
}

#[test]
fn each_bad_file_gets_one_clear_message_and_leaves_nothing_behind() {
    let cases = [
        texts(),
        groups(),
        links(),
        events(),
        expectations(),
        files(),
        lines(),
        scripts(),
        statements(),
        programs(),
    ]
    .concat();
    assert!(cases.len() >= 30);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut faults = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            faults.extend(fault(case).map(|fault| format!("{}: {fault}", case.name)));
        }
        faults
    };
    let faults: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// What is not as it should be.
fn fault(case: &Case) -> Option<String> {
    let home = TempDir::new().unwrap();
    for (name, content) in &case.files {
        match name.strip_suffix('/') {
            Some(folder) => fs::create_dir(home.path().join(folder)).unwrap(),
            None => fs::write(home.path().join(name), content).unwrap(),
        }
    }
    let output = neuron(home.path(), &case.line.split(' ').collect::<Vec<_>>());
    let said = String::from_utf8_lossy(&output.stderr);
    let missing = case.words.iter().find(|word| !said.contains(**word));
    let orphan = fs::read_to_string(home.path().join("pid")).ok();
    let orphan = orphan.filter(|pid| Path::new("/proc").join(pid.trim()).exists());
    match (output.status.code(), missing, orphan) {
        (code, ..) if code != Some(case.code) => Some(format!("it exits with {code:?}: {said}")),
        _ if !said.starts_with("neuron: ") => Some(format!("it says {said}")),
        _ if said.contains("panicked") || said.len() > 16_384 => Some(format!("that is no message: {said}")),
        (_, Some(missing), _) => Some(format!("{missing:?} is not in {said}")),
        (_, _, Some(pid)) => Some(format!("{pid} still runs")),
        _ => None,
    }
}

/// Scenarios of which the text is no scenario's. Each differs in one thing from a sound one.
fn texts() -> Vec<Case> {
    let group = |more: &str| format!("{CRIME}{HONEST}{more}\n{EXPECT}");
    vec![
        text("nothing is said", String::new(), &["missing", "crime"]),
        text("the end is missing", format!("crime = 'x'\n{HONEST}{EXPECT}"), &["missing", "until"]),
        text("a bracket is missing", format!("{CRIME}[[group\n"), &["a.toml:3"]),
        text("a quote is missing", "crime = 'x\n".to_owned(), &["a.toml:1"]),
        text("a key is unknown", format!("colour = 'red'\n{CRIME}{HONEST}{EXPECT}"), &["a.toml:1", "colour"]),
        text("a key is misspelt", group("cuont = 2"), &["a.toml:7", "`count`"]),
    ]
}

/// Groups that there cannot be.
fn groups() -> Vec<Case> {
    let group = |more: &str| format!("{CRIME}{HONEST}{more}\n{EXPECT}");
    vec![
        text("a count is a word", group("count = 'many'"), &["a.toml:7", "many"]),
        text("a group is empty", group("count = 0"), &["a.toml:7", "leave it out"]),
        text("a group is too large", group("count = 99999"), &["a.toml:7", "4096"]),
        text("a stake is more than there may be", group("stake = 99999999"), &["coins"]),
        text("a stake is negative", group("stake = -3"), &["a.toml:7", "amount of coins"]),
        text("two groups have one name", format!("{CRIME}{HONEST}{HONEST}{EXPECT}"), &["honest", "already"]),
        text(
            "nobody settles",
            format!("{CRIME}{}{EXPECT}", HONEST.replace("validator", "miner")),
            &["nobody settles", "role = \"validator\""],
        ),
        text(
            "a twin is of nobody",
            format!("{CRIME}{HONEST}[[group]]\nname = 'twin'\ntwin_of = 'honst[0]'\n{EXPECT}"),
            &["honst", "`honest`"],
        ),
        text("a behaviour is unknown", group("behaviour = 'lunch'"), &["a.toml:7", "lunch", "FILE.star"]),
        text("a behaviour is nothing", group("behaviour = ''"), &["a.toml:7", "exec:COMMAND"]),
    ]
}

/// Links and parameters that there cannot be.
fn links() -> Vec<Case> {
    vec![
        text(
            "a latency has no known unit",
            format!("{CRIME}{HONEST}[[link]]\nlatency = '40 parsecs'\n{EXPECT}"),
            &["a.toml:8", "duration"],
        ),
        text(
            "a latency has no unit",
            format!("{CRIME}{HONEST}[[link]]\nlatency = 40\n{EXPECT}"),
            &["a.toml:8", "duration"],
        ),
        text(
            "more than all is lost",
            format!("{CRIME}{HONEST}[[link]]\nloss = 2\n{EXPECT}"),
            &["a.toml:8", "from 0 to 1"],
        ),
        text(
            "a parameter is unknown",
            format!("{CRIME}[chain]\nsubnet.temp = 3\n{HONEST}{EXPECT}"),
            &["a.toml:4", "subnet.tempo"],
        ),
        text(
            "no network begins so",
            format!("{CRIME}[chain]\nsubnet.tempo = 0\n{HONEST}{EXPECT}"),
            &["a.toml:4", "at least 1"],
        ),
    ]
}

/// Things that cannot happen.
fn events() -> Vec<Case> {
    let event = |more: &str| format!("{CRIME}{HONEST}[[at]]\n{more}\n{EXPECT}");
    vec![
        text("a partition is of one side", event("height = 1\npartition = ['honest']"), &["a.toml:9"]),
        text(
            "a partition has somebody on both sides",
            event("height = 1\npartition = ['honest[0]', 'honest']"),
            &["a.toml:9"],
        ),
        text(
            "a partition is of strangers",
            event("height = 1\npartition = ['honest', 'others']"),
            &["a.toml:9", "others"],
        ),
        text(
            "a neuron is beyond its group",
            event("height = 1\nkill = 'honest[9]'"),
            &["a.toml:9", "honest[9]"],
        ),
        text("an event has no time", event("kill = 'honest[0]'"), &["time", "height", "epoch"]),
        text(
            "an event is two",
            event("height = 1\nkill = 'honest[0]'\nwipe = 'honest[1]'"),
            &["one thing too many"],
        ),
        text("an event does nothing", event("height = 1"), &["a.toml:7"]),
    ]
}

/// Expectations that nobody understands.
fn expectations() -> Vec<Case> {
    let expect = |more: &str| format!("{CRIME}{HONEST}[[expect]]\n{more}\n");
    vec![
        text("nothing is expected", format!("{CRIME}{HONEST}"), &["[[expect]]"]),
        text("a metric is unknown", expect("always = 'fork == 0'"), &["a.toml:8", "`forks`"]),
        text("an expectation is a number", expect("always = 'forks'"), &["a.toml:8", "compare it"]),
        text("an expectation has half a comparison", expect("always = 'forks =='"), &["a.toml:8"]),
        text(
            "an expectation has no end",
            expect(&format!("always = '{}forks == 0'", "(".repeat(5_000))),
            &["a.toml:8"],
        ),
        text(
            "an expectation is of a stranger",
            expect("always = \"stake{group='others'} > 0\""),
            &["a.toml:8", "others"],
        ),
    ]
}

/// Files that are not what they should be.
fn files() -> Vec<Case> {
    let run = "scenario run a.toml";
    let scripted = || format!("{CRIME}{HONEST}behaviour = 'a.star'\n{EXPECT}").into_bytes();
    vec![
        file("a file is not there", vec![], run, REFUSED, &["cannot read a.toml", "neuron scenario list"]),
        file("a bundled name is misspelt", vec![], "scenario run equivocater", REFUSED, &["`equivocator`"]),
        file(
            "a file is a directory",
            vec![("a.toml/", vec![])],
            run,
            REFUSED,
            &["cannot read a.toml", "directory"],
        ),
        file(
            "a file is no text",
            vec![("a.toml", vec![0xff, 0, 0x9f, 7])],
            run,
            REFUSED,
            &["cannot read a.toml", "UTF-8"],
        ),
        file("a file is a page of zeros", vec![("a.toml", vec![0; 4096])], run, REFUSED, &["a.toml:1"]),
        file(
            "a file has ten million bytes",
            vec![("a.toml", vec![b'#'; 10_000_000])],
            run,
            REFUSED,
            &["a.toml:1", "longer than"],
        ),
        file("a script is not there", vec![("a.toml", scripted())], run, REFUSED, &["a.toml:7", "a.star"]),
        file(
            "a script is a directory",
            vec![("a.toml", scripted()), ("a.star/", vec![])],
            run,
            REFUSED,
            &["a.toml:7", "a.star"],
        ),
        file(
            "a script is no text",
            vec![("a.toml", scripted()), ("a.star", vec![0xff])],
            run,
            REFUSED,
            &["a.star", "UTF-8"],
        ),
        file(
            "a script is too long",
            vec![("a.toml", scripted()), ("a.star", vec![b'#'; 40_000])],
            run,
            REFUSED,
            &["a.star", "at most"],
        ),
    ]
}

/// Lines that ask for what cannot be.
fn lines() -> Vec<Case> {
    let sound = || vec![("a.toml", format!("{CRIME}{HONEST}{EXPECT}").into_bytes())];
    vec![
        file(
            "seeds are the wrong way round",
            sound(),
            "scenario run a.toml --seeds 9..3",
            UNKNOWN,
            &["--seeds", "0..1000"],
        ),
        file(
            "seeds are too many",
            sound(),
            "scenario run a.toml --seeds 0..99999999999",
            REFUSED,
            &["--seeds", "fewer"],
        ),
        file(
            "two runs would share a folder",
            [sound(), vec![("b/", vec![]), ("b/a.toml", format!("{CRIME}{HONEST}{EXPECT}").into_bytes())]]
                .concat(),
            "scenario run a.toml b/a.toml",
            REFUSED,
            &["a.toml and b/a.toml would be run into one folder"],
        ),
        file("no file is named", vec![], "scenario run", UNKNOWN, &["FILE", "--help"]),
        file(
            "there is no place for the runs",
            sound(),
            "scenario run a.toml --out a.toml",
            REFUSED,
            &["cannot make a.toml"],
        ),
        file(
            "there is no run to step through",
            vec![],
            "replay nowhere",
            REFUSED,
            &["nowhere", "scenario run"],
        ),
        file(
            "what varies is unknown",
            sound(),
            "scenario frontier a.toml --vary stakes=1..9 --metric forks",
            REFUSED,
            &["`stakes`", "`stake`"],
        ),
        file(
            "it varies from nowhere to nowhere",
            sound(),
            "scenario frontier a.toml --vary stake=9..1 --metric forks",
            UNKNOWN,
            &["--vary", "greater"],
        ),
        file(
            "the verdict never flips",
            sound(),
            "scenario frontier a.toml --vary count=1..2 --steps 1 --metric forks",
            REFUSED,
            &["widen the range"],
        ),
    ]
}

/// A scenario with this script.
fn script(name: &'static str, script: &str, code: i32, words: &[&'static str]) -> Case {
    Case {
        name,
        files: vec![
            ("a.toml", format!("{CRIME}{HONEST}behaviour = 'a.star'\n{EXPECT}").into_bytes()),
            ("a.star", script.as_bytes().to_vec()),
        ],
        line: "scenario run a.toml",
        code,
        words: [&["a.star"], words].concat(),
    }
}

/// A script that does this at every settlement.
fn settled(body: &str) -> String {
    format!("def on_settled(ctx):\n    {body}\n")
}

/// Scripts that hang, or take all memory, within one statement.
fn statements() -> Vec<Case> {
    let case = script;
    vec![
        case(
            "a hook compares what holds itself a billion times",
            &settled(
                "x = []\n    y = []\n    for i in range(40):\n        x = [x, x]\n        y = [y, y]\n    x == y",
            ),
            UNKNOWN,
            &["a.star:1", "it takes longer than 10 s within one statement"],
        ),
        case(
            "a hook joins a long text",
            &settled("''.join(['x' * 1000000] * 6000)"),
            UNKNOWN,
            &["a.star:1", "it takes more than 2147483648 bytes of memory within one statement"],
        ),
    ]
}

/// Scripts that cannot be read, and such as fail later: then nobody can say what would have come of it.
fn scripts() -> Vec<Case> {
    let case = script;
    vec![
        case("a script is empty", "", REFUSED, &["no function in it is a hook"]),
        case("a script has a slip", "def on_vote(ctx vote):\n    pass\n", REFUSED, &["a.star:1"]),
        case("a hook is unknown", "def on_vot(ctx, vote):\n    pass\n", REFUSED, &["a.star:1", "on_vote"]),
        case("a hook takes too little", "def on_vote(ctx):\n    pass\n", REFUSED, &["a.star:1", "vote"]),
        case("a hook is a number", "on_vote = 3\n", REFUSED, &["a.star:1"]),
        case(
            "a script never ends",
            "def f():\n    for i in range(1000000000):\n        pass\nf()\ndef on_settled(ctx):\n    pass\n",
            REFUSED,
            &["a.star"],
        ),
        case(
            "a hook never ends",
            &settled("[0 for i in range(1000000000)]"),
            UNKNOWN,
            &["a.star:2", "no range is longer"],
        ),
        case("a hook calls itself", &settled("on_settled(ctx)"), UNKNOWN, &["a.star:2"]),
        case(
            "a hook doubles a list",
            &settled("x = [1]\n    for i in range(64):\n        x = x + x"),
            UNKNOWN,
            &["a.star:4"],
        ),
        case("a hook multiplies a text", &settled("x = 'x' * 1000000000"), UNKNOWN, &["a.star:2"]),
        case(
            "a hook doubles a text",
            &settled("x = 'x'\n    for i in range(64):\n        x = x.replace('x', 'xx')"),
            UNKNOWN,
            &["a.star:3"],
        ),
        case("a hook asks for what is not there", &settled("ctx.hight"), UNKNOWN, &["a.star:2", "hight"]),
        case(
            "a hook returns nonsense",
            "def on_vote(ctx, vote):\n    return 7\n",
            UNKNOWN,
            &["a.star:1", "on_vote"],
        ),
        case(
            "a script wants another file",
            "load('b.star', 'b')\ndef on_settled(ctx):\n    pass\n",
            REFUSED,
            &["a.star:1"],
        ),
    ]
}

/// Programs that cannot be started, and such as misbehave.
fn programs() -> Vec<Case> {
    let case = |name, command: &str, program: &str, code, words: &[&'static str]| Case {
        name,
        files: vec![
            ("a.toml", format!("{CRIME}{HONEST}behaviour = '''exec:{command}'''\n{EXPECT}").into_bytes()),
            ("a.sh", format!("echo $$ > pid\n{program}\n").into_bytes()),
        ],
        line: "scenario run a.toml",
        code,
        words: words.to_vec(),
    };
    let before = |name, program: &str, words: &[&'static str]| {
        case(name, "sh a.sh", program, REFUSED, &[&["a.toml:7", "exec:sh a.sh"], words].concat())
    };
    let after = |name, program: &str, words: &[&'static str]| {
        let greeting = "read -r it; echo '{\"init_ok\":{\"hooks\":[\"on_settled\"]}}'; read -r it";
        case(
            name,
            "sh a.sh",
            &format!("{greeting}\n{program}"),
            UNKNOWN,
            &[&["exec:sh a.sh"], words].concat(),
        )
    };
    vec![
        case("a program is not there", "./nowhere", "", REFUSED, &["a.toml:7", "exec:./nowhere"]),
        case("a program may not be run", "./a.sh", "", REFUSED, &["a.toml:7", "exec:./a.sh", "denied"]),
        case("a command has half its quotes", "sh \"a.sh", "", REFUSED, &["a.toml:7", "quotes"]),
        before("a program dies at once", "echo no numpy >&2; exit 3", &["it ended", "no numpy"]),
        before("a program never answers", "sleep 100", &["no reply to init"]),
        before("a program wants no hook", "echo '{\"init_ok\":{\"hooks\":[]}}'; cat", &["no hook"]),
        before(
            "a program wants an unknown hook",
            "echo '{\"init_ok\":{\"hooks\":[\"on_vot\"]}}'; cat",
            &["on_vote"],
        ),
        before("a program writes garbage", "head -c 100 /dev/zero; echo", &["no object of JSON"]),
        before("a program floods its output", "cat /dev/zero", &["a line of more than"]),
        after("a program dies in the middle", "exit 1", &["it ended"]),
        after("a program answers something else", "echo '{\"in_reply_to\":77}'; cat", &["replied to 77"]),
        after("a program answers with garbage", "echo garbage; cat", &["no object of JSON"]),
        after(
            "a program floods us with lines",
            "while :; do echo '{\"ask\":\"rand\"}'; done",
            &["lines without replying"],
        ),
        after("a program floods its errors", "cat /dev/zero >&2", &["no reply to on_settled"]),
        after("a program falls silent", "sleep 100", &["no reply to on_settled"]),
        after("a program stops itself", "kill -STOP $$", &["no reply to on_settled"]),
    ]
}

/// A scenario of which the text is wrong; the words are those of the place and the remedy.
fn text(name: &'static str, text: String, words: &[&'static str]) -> Case {
    Case {
        name,
        files: vec![("a.toml", text.into_bytes())],
        line: "scenario run a.toml",
        code: REFUSED,
        words: [&["a.toml:"], words].concat(),
    }
}

/// Files, a line that is typed beside them, and what comes of it.
fn file(
    name: &'static str,
    files: Vec<(&'static str, Vec<u8>)>,
    line: &'static str,
    code: i32,
    words: &[&'static str],
) -> Case {
    Case { name, files, line, code, words: words.to_vec() }
}

/// What a sound scenario begins with: two lines.
const CRIME: &str = "crime = 'x'\nuntil = { height = 2 }\n";

/// Four lines.
const HONEST: &str = "[[group]]\nname = 'honest'\nrole = 'validator'\nskew = '0ms'\n";

const EXPECT: &str = "[[expect]]\nalways = 'forks == 0'\n";
