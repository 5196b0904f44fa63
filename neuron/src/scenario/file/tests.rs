//! Files that say something, and many that do not.
use std::path::PathBuf;
use std::time::Duration;

use crypto::Hotkey;
use proptest::prelude::*;
use protocol::Amount;
use protocol::transaction::Coldkey;
use protocol::yuma::Incentive;

use crate::scenario::*;

/// The shortest file that says enough.
const SHORT: &str = r#"crime = "nobody does anything"
until = { height = 10 }

[[group]]
name = "honest"
role = "validator"
count = 4

[[expect]]
always = "forks == 0"
"#;

/// A file that uses everything there is.
const FULL: &str = r#"
crime = "copies weights instead of asking"
source = "Bittensor, commit-reveal"
limit = true
seed = 7
until = "60s"

[chain]
interval = 500
subnet.tempo = 5
founding.lock = 0.5

[chain.subnet.burn]
start = 0.25

[[group]]
name = "honest"
role = "validator"
count = 5
stake = 120.5

[[group]]
name = "copier"
role = "validator"
stake = 100
balance = 7
settles = false
behaviour = "attacks/copier.star"
with = { from = "consensus", share = 0.5 }
identities = 2
skew = "-200ms"

[[group]]
name = "miners"
role = "miner"
count = 8
skill = { from = 0.2, to = 0.9 }

[[group]]
name = "shadow"
twin_of = "honest[0]"

[[group]]
name = "late"
role = "miner"
behaviour = "exec:python late.py"
absent = true

[[link]]
latency = "40ms"
jitter = "10ms"
loss = 0.01

[[link]]
from = "honest"
to = ["miners[0:2]", "copier"]
latency = "1s"
duplicate = 0.5
bandwidth = "1MB/s"

[[at]]
time = "20s"
for = "10s"
partition = ["honest[0:3]", ["honest[3:5]", "copier"]]

[[at]]
height = 12
cut = { from = "copier", to = "*" }

[[at]]
epoch = 3
stake = { of = "copier", by = "honest[0]", add = 2.5 }

[[at]]
time = "30s"
behaviour = { of = "miners[7]", is = "lazy", with = { rest = 3 } }

[[at]]
time = "31s"
join = "late"

[[at]]
time = "32s"
skew = { of = "honest[1]", is = "1s" }

[[at]]
time = "33s"
link = { from = "copier", loss = 1 }

[[at]]
time = "34s"
wipe = ["honest[1]", "honest[1:3]"]

[[expect]]
eventually = "epoch >= 8"
within = { epoch = 9 }
after = { height = 2 }
why = "it must settle on"

[[expect]]
sometimes = 'fired{behaviour="copier", name="copied"} > 0'

[[expect]]
at_end = "dividends_per_stake{group='copier'} < 0.9 * dividends_per_stake{group='honest'}"
"#;

fn full() -> Scenario {
    Scenario::read("full.toml", FULL).unwrap_or_else(|error| panic!("{error}"))
}

fn selection(scenario: &Scenario, selector: &str) -> Selection {
    Selection::of(selector, &scenario.groups).unwrap()
}

#[test]
fn a_file_says_what_there_is() {
    let scenario = full();
    assert_eq!(
        (&*scenario.crime, scenario.limit, scenario.seed),
        ("copies weights instead of asking", true, 7)
    );
    assert_eq!(scenario.until, Point::Time(Duration::from_secs(60)));
    let [honest, copier, miners, shadow, late] = &scenario.groups[..] else { panic!("five groups") };
    assert_eq!((honest.duty, honest.count, honest.settles), (Duty::Validator, 5, true));
    assert_eq!((honest.stake, honest.balance), (Amount(120_500_000_000), Amount::coins(100)));
    assert_eq!((copier.identities, honest.identities), (2, 0));
    assert_eq!((copier.settles, copier.balance, copier.skew), (false, Amount::coins(7), Skew(-200)));
    let conduct = &copier.conduct;
    assert_eq!(*conduct.behaviour.get_ref(), Behaviour::Script(PathBuf::from("attacks/copier.star")));
    assert_eq!(conduct.with.get_ref().get("share").and_then(toml::Value::as_float), Some(0.5));
    assert_eq!((miners.stake, miners.settles, miners.skill_of(7)), (Amount::ZERO, false, 0.9));
    assert_eq!(shadow.twin_of, Some(NeuronId { group: 0, number: 0 }));
    assert_eq!((shadow.duty, shadow.stake, shadow.settles), (honest.duty, honest.stake, true));
    assert_eq!(*late.conduct.behaviour.get_ref(), Behaviour::Program("python late.py".to_owned()));
    assert_eq!((scenario.neurons().count(), scenario.conducts().count()), (16, 6));
    assert_eq!(scenario.name(NeuronId { group: 2, number: 3 }), "miners[3]");
}

#[test]
fn a_file_says_what_happens() {
    let scenario = full();
    let of = |selector| selection(&scenario, selector);
    let expected = [
        (
            Point::Time(Duration::from_secs(20)),
            Action::Partition(vec![of("honest[0:3]"), of("honest[3:5]").and(of("copier"))]),
        ),
        (Point::Height(12), Action::Cut { from: of("copier"), to: of("*") }),
        (
            Point::Epoch(3),
            Action::Stake {
                of: of("copier"),
                by: Some(of("honest[0]")),
                change: Change::Add(Amount(2_500_000_000)),
            },
        ),
    ];
    for (event, (at, action)) in scenario.events.iter().zip(expected) {
        assert_eq!((event.at, &event.action), (at, &action));
    }
    assert_eq!(scenario.events[0].lasts, Some(Duration::from_secs(10)));
    let Action::Behave(who, conduct) = &scenario.events[3].action else { panic!("a behaviour") };
    assert_eq!((who, conduct.behaviour.get_ref().name()), (&of("miners[7]"), "lazy".to_owned()));
    assert_eq!(scenario.events[4].action, Action::Join(of("late")));
    assert_eq!(scenario.events[5].action, Action::Skew(of("honest[1]"), Skew(1_000)));
    assert_eq!(scenario.events[7].action, Action::Wipe(of("honest[1:3]")));
}

#[test]
fn later_links_win_over_earlier_ones_in_what_they_say() {
    let scenario = full();
    let way = |from: &str, to: &str| {
        let id = |selector| selection(&scenario, selector).iter().next().unwrap();
        scenario.way(id(from), id(to))
    };
    let everywhere = Way {
        latency: Duration::from_millis(40),
        jitter: Duration::from_millis(10),
        loss: Chance(0.01),
        ..Way::default()
    };
    assert_eq!(way("miners[0]", "honest[0]"), everywhere);
    let slow = Way {
        latency: Duration::from_secs(1),
        duplicate: Chance(0.5),
        bandwidth: Some(Bandwidth(1_000_000)),
        ..everywhere
    };
    assert_eq!(way("honest[4]", "miners[1]"), slow);
    assert_eq!(way("honest[4]", "miners[2]"), everywhere);
}

#[test]
fn a_file_says_what_is_expected() {
    let scenario = full();
    let [eventually, sometimes, at_end] = &scenario.expectations[..] else { panic!("three") };
    assert_eq!(eventually.quantifier, Quantifier::Eventually);
    assert_eq!((eventually.within, eventually.after), (Some(Point::Epoch(9)), Some(Point::Height(2))));
    assert_eq!(eventually.why.as_deref(), Some("it must settle on"));
    assert!(sometimes.expression.asks_what_fired() && !at_end.expression.asks_what_fired());
    assert!(at_end.expression.text().starts_with("dividends_per_stake{group='copier'} < 0.9"));
}

#[test]
fn the_network_begins_as_the_file_says() {
    let keys = |neuron: NeuronId| {
        let byte = (neuron.group * 16 + neuron.number) as u8;
        (Hotkey([byte; 32]), Coldkey(Hotkey([byte ^ 0xff; 32])))
    };
    let genesis = full().genesis(5, keys).unwrap();
    assert_eq!((genesis.time, genesis.parameters.interval), (5, 500));
    assert_eq!(genesis.parameters.founding.lock, Amount(500_000_000));
    let subnet = &genesis.subnets[0];
    assert_eq!((&*subnet.task, subnet.hyperparameters.tempo), ("sums", 5));
    assert_eq!(subnet.hyperparameters.burn.start, Amount(250_000_000));
    assert_eq!(subnet.hyperparameters.incentive, Incentive::Consensus);
    assert_eq!((genesis.neurons.len(), genesis.accounts.len()), (14, 15), "the absent one has coins alone");
    assert_eq!(genesis.neurons.iter().filter(|neuron| neuron.settles).count(), 5);
    assert_eq!(genesis.neurons.iter().filter(|neuron| neuron.permit).count(), 6);
    assert!(full().genesis(5, |_| (Hotkey([1; 32]), Coldkey(Hotkey([2; 32])))).is_err());
}

/// Replaces a part of [`SHORT`], or adds lines to it, and expects words of the refusal and its line.
#[track_caller]
fn refuses(from: &str, to: &str, line: usize, words: &[&str]) {
    let file = match from {
        "" => format!("{SHORT}{to}"),
        from => SHORT.replacen(from, to, 1),
    };
    assert_ne!(file, SHORT);
    let error = Scenario::read("bad.toml", &file).expect_err(to);
    let shown = error.to_string();
    assert!(words.iter().all(|word| error.words.contains(word)), "{shown}");
    assert_eq!(error.line, line, "{shown}");
    assert!(shown.starts_with(&format!("bad.toml:{line}:")) && shown.ends_with('^'), "{shown}");
    assert!(!error.words.contains('\n') && error.words.len() < 300, "{shown}");
}

#[test]
fn what_is_no_toml_or_of_another_kind_is_refused() {
    refuses("crime = \"", "crime = ", 1, &["expected"]);
    refuses("count = 4", "count = 4\ncount = 5", 8, &["duplicate key"]);
    refuses("[[expect]]", "[[expect", 9, &["]]"]);
    refuses("crime", "krime", 1, &["no key `krime`", "did you mean `crime`?"]);
    refuses("crime = \"nobody does anything\"\n", "", 1, &["missing `crime`"]);
    refuses("nobody does anything", " ", 1, &["one sentence"]);
    refuses("until = { height = 10 }\n", "", 1, &["missing `until`"]);
    refuses("count = 4", "count = \"four\"", 7, &["\"four\"", "whole number"]);
    refuses("count = 4", "count = -1", 7, &["-1", "whole number"]);
    refuses("count = 4", "settles = 1", 7, &["true or false"]);
    refuses("count = 4", "stakes = 4", 7, &["no key `stakes`", "did you mean `stake`?"]);
    refuses("\"validator\"", "\"validater\"", 6, &["`validater`", "did you mean `validator`?"]);
    refuses("role = \"validator\"\n", "", 4, &["missing `role`"]);
    refuses("{ height = 10 }", "10", 2, &["10", "\"60s\""]);
    refuses("{ height = 10 }", "\"10\"", 2, &["\"10\" is not a duration", "\"20s\""]);
    refuses("{ height = 10 }", "{ hight = 10 }", 2, &["did you mean `height`?"]);
    refuses("{ height = 10 }", "{ height = 10, epoch = 2 }", 2, &["one thing too many", "`epoch`"]);
    refuses("{ height = 10 }", "{}", 2, &["say one of `time`, `height` and `epoch`"]);
}

#[test]
fn groups_that_cannot_be_are_refused() {
    refuses("count = 4", "count = 0", 7, &["a group of nobody"]);
    refuses("count = 4", "count = 4097", 7, &["more than 4096 neurons"]);
    refuses("count = 4", "stake = -3", 7, &["-3 is not an amount of coins"]);
    refuses("count = 4", "stake = \"3\"", 7, &["\"3\" is not an amount of coins"]);
    refuses("count = 4", "stake = 22e6", 4, &["`honest`", "more than 21000000"]);
    refuses("count = 4", "stake = 0", 4, &["nobody settles"]);
    refuses("count = 4", "settles = false", 4, &["nobody settles"]);
    refuses("count = 4", "skill = 0.5", 7, &["validators answer nothing"]);
    refuses("\"validator\"", "\"miner\"\nskill = 1.5", 7, &["1.5 is not a number from 0 to 1"]);
    refuses("\"validator\"", "\"miner\"\nskill = { from = 0, too = 1 }", 7, &["did you mean `to`?"]);
    refuses("\"honest\"", "\"hon est\"", 5, &["letters, digits"]);
    refuses("count = 4", "with = { a = 1 }", 7, &["name one"]);
    refuses("count = 4", "behaviour = \"exec:\"", 7, &["which program"]);
    refuses("count = 4", "behaviour = \"a b\"", 7, &["`a b` is no behaviour"]);
    refuses("count = 4", "skew = 5", 7, &["an offset of a clock"]);
    refuses("count = 4", "identities = 2", 7, &["only a `behaviour` uses further identities"]);
    let spare = |count| format!("identities = {count}\nbehaviour = \"a.star\"");
    refuses("count = 4", &spare(0), 7, &["1 to 64 further identities"]);
    refuses("count = 4", &spare(65), 7, &["1 to 64 further identities"]);
    refuses("count = 4", "absent = true", 4, &["nobody settles"]);
    let second = |rest: &str| format!("\n[[group]]\nname = \"b\"\n{rest}\n");
    refuses("", &second("role = \"miner\"\nabsent = true"), 12, &["`b` is absent for good"]);
    refuses("", "[[group]]\nname = \"honest\"\nrole = \"miner\"", 12, &["a group `honest` already"]);
    refuses("", &second("twin_of = \"honset[0]\""), 14, &["did you mean `honest`?"]);
    refuses("", &second("twin_of = \"honest\""), 14, &["is 4 neurons", "honest[0]"]);
    refuses("", &second("twin_of = \"honest[4]\""), 14, &["there are 4 in `honest`"]);
    refuses("", &second("twin_of = \"honest[0]\"\nstake = 5"), 15, &["the stake of its key"]);
    refuses("", &second("twin_of = \"honest[0]\"\nrole = \"miner\""), 15, &["does what `honest` does"]);
    let twin = second("twin_of = \"honest[0]\"\n[[group]]\nname = \"c\"\ntwin_of = \"b[0]\"");
    refuses("", &twin, 17, &["itself a twin"]);
}

#[test]
fn parameters_that_make_no_network_are_refused() {
    let chain = |rest: &str| format!("[chain]\n{rest}\n[[group]]");
    let refuses = |rest: &str, line, words: &[&str]| refuses("[[group]]", &chain(rest), line, words);
    refuses("interwal = 5", 5, &["no parameter `interwal`", "did you mean `interval`?"]);
    refuses("tempo = 5", 5, &["no parameter `tempo`; there is `subnet.tempo`"]);
    refuses("interval = \"soon\"", 5, &["`interval`: \"soon\" is no whole number"]);
    refuses("interval = [1]", 5, &["`interval` is a number, a word"]);
    refuses("subnet.tempo = 0", 5, &["no network begins so", "tempo must be"]);
    refuses("task = \"digit\"", 5, &["no task is called \"digit\"", "digits, sums"]);
    refuses("subnet.slots = 3", 1, &["room for 3"]);
}

#[test]
fn links_and_events_that_cannot_be_are_refused() {
    let at = |rest: &str| format!("[[at]]\ntime = \"1s\"\n{rest}\n");
    refuses("", "[[link]]\nlatancy = \"1s\"", 12, &["no key `latancy`", "did you mean `latency`?"]);
    refuses("", "[[link]]\nlatency = 40", 12, &["40", "a duration such as \"40ms\""]);
    refuses("", "[[link]]\nloss = 1.5", 12, &["1.5 is not a number from 0 to 1"]);
    refuses("", "[[link]]\nbandwidth = \"1MB\"", 12, &["\"1MB\" is not a bandwidth"]);
    refuses("", "[[link]]\nfrom = \"honest[9]\"", 12, &["there are 4 in `honest`"]);
    refuses("", "[[at]]\nkill = \"honest\"", 11, &["say one of `time`, `height` and `epoch`"]);
    refuses("", "[[at]]\nheight = 11\nkill = \"honest\"", 12, &["the run is over by then"]);
    refuses("", "[[at]]\ntime = \"1s\"\nheight = 1\nkill = \"*\"", 13, &["one thing too many"]);
    refuses("", &at(""), 11, &["an event does one thing"]);
    refuses("", &at("kill = \"*\"\npause = \"*\""), 14, &["one thing too many", "one thing"]);
    refuses("", &at("kil = \"*\""), 13, &["did you mean `kill`?"]);
    refuses("", &at("kill = 3"), 13, &["a selector such as \"honest\""]);
    refuses("", &at("kill = []"), 13, &["names nobody"]);
    refuses("", &at("kill = [\"honest\", \"onest\"]"), 13, &["did you mean `honest`?"]);
    refuses("", &at("kill = \"*\"\nfor = \"2s\""), 14, &["not undone by itself"]);
    refuses("", &at("partition = [\"honest[0:3]\", \"honest[2]\"]"), 13, &["`honest[2]` is on two sides"]);
    refuses("", &at("partition = [\"honest\"]"), 13, &["two sides or more"]);
    refuses("", &at("cut = { from = \"*\" }"), 13, &["missing `to`"]);
    refuses("", &at("join = \"honest\""), 13, &["`honest` is there from the beginning"]);
    refuses("", &at("stake = { of = \"*\", add = 1, remove = 1 }"), 13, &["`add` and `remove`"]);
    refuses("", &at("behaviour = { of = \"*\", is = \"exec:\" }"), 13, &["which program"]);
    refuses("", &at("skew = { of = \"*\", is = \"fast\" }"), 13, &["an offset of a clock"]);
}

#[test]
fn expectations_that_say_nothing_are_refused() {
    let refuses =
        |expect: &str, line, words: &[&str]| refuses("always = \"forks == 0\"", expect, line, words);
    refuses("why = \"x\"", 9, &["say one of `always`, `never`"]);
    refuses("always = \"forks == 0\"\nnever = \"forks > 0\"", 11, &["one thing too many"]);
    refuses("allways = \"forks == 0\"", 10, &["did you mean `always`?"]);
    refuses("always = \"forcks == 0\"", 10, &["no metric `forcks`", "did you mean `forks`?"]);
    refuses("always = \"stake{group='onest'} > 0\"", 10, &["did you mean `honest`?"]);
    refuses("always = \"forks == 0\"\nwithin = \"5s\"", 11, &["belongs to `eventually`"]);
    refuses("eventually = \"forks == 0\"\nwithin = { height = 11 }", 11, &["the run is over"]);
    refuses("always = \"forks == 0\"\nafter = { height = 11 }", 11, &["the run is over"]);
    let none = SHORT.split("[[expect]]").next().unwrap();
    assert!(Scenario::read("a", none).unwrap_err().words.contains("nothing is expected"));
}

#[test]
fn a_fault_in_an_expression_is_shown_where_it_is() {
    let file = SHORT.replace("forks == 0", "height > 3 and forcks == 0");
    let error = Scenario::read("bad.toml", &file).unwrap_err();
    assert_eq!((error.line, error.column), (10, 26));
    assert!(error.to_string().ends_with(&format!("{}^^^^^^", " ".repeat(25))), "{error}");
}

#[test]
fn a_file_that_goes_on_and_on_is_refused() {
    let long = format!("{SHORT}#{}", "x".repeat(300_000));
    assert!(Scenario::read("a", &long).unwrap_err().words.contains("longer than 262144 bytes"));
    let many = format!("{SHORT}{}", "[[link]]\n".repeat(1_025));
    assert!(Scenario::read("a", &many).unwrap_err().words.contains("more than 1024 tables"));
    let deep = format!("{SHORT}[[group]]\nname = \"a\"\nwith = {}", "[".repeat(5_000));
    assert!(Scenario::read("a", &deep).is_err());
    let chain = format!("[chain]\n{}x = 1\n{SHORT}", "a.".repeat(1_000));
    assert!(Scenario::read("a", &chain).is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(Scenario::read("a", &text).is_err_and(|error| !error.to_string().is_empty()));
    }

    #[test]
    fn no_change_of_a_file_makes_the_reader_panic(
        at in 0..FULL.len(), length in 0_usize..40, with in "[ -~\n]{0,12}",
    ) {
        let (start, end) = (at, (at + length).min(FULL.len()));
        let changed = format!("{}{with}{}", &FULL[..start], &FULL[end..]);
        if let Err(error) = Scenario::read("a", &changed) {
            prop_assert!(!error.words.is_empty());
        }
    }
}
