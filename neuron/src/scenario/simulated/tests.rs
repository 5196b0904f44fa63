//! Scenarios run, and what comes of them.
use super::*;
use crate::behaviour::{Act, Asking, Context, Voting, Weights};
use crate::scenario::{Books, Conclusion, Template};

/// Five honest validators, a crook, and miners; a height, who the crook is, and what is expected come first.
fn scenario(until: u64, crook: &str, expected: &[&str]) -> Scenario {
    let expected: String = expected.iter().map(|it| format!("[[expect]]\n{it}\n")).collect();
    let text = format!(
        "crime = \"Somebody does something.\"\nuntil = {{ height = {until} }}\n\
         [[group]]\nname = \"honest\"\nrole = \"validator\"\ncount = 5\n\
         [[group]]\nname = \"crook\"\n{crook}\n\
         [[group]]\nname = \"miners\"\nrole = \"miner\"\ncount = 4\nskill = {{ from = 0.3, to = 0.9 }}\n{expected}"
    );
    Scenario::read("test.toml", &text).unwrap_or_else(|error| panic!("{error}"))
}

/// Lets the crook behave so.
fn crook(make: fn() -> Box<dyn Behaviour>) -> BTreeMap<usize, Make> {
    BTreeMap::from([(1, Arc::new(make) as Make)])
}

const VALIDATOR: &str = "role = \"validator\"\nbehaviour = \"forger\"";

/// Asks nobody, and copies what others showed last.
struct Copier;

impl Behaviour for Copier {
    fn on_ask(&mut self, _: &mut Context<'_>, _: &Asking) -> Act<Vec<u8>> {
        Act::Drop
    }

    fn on_weights(&mut self, cx: &mut Context<'_>, _: &Weights) -> Act<Weights> {
        let mut sums = Weights::new();
        for (_, _, row) in cx.rows().into_iter().filter(|(from, ..)| *from != cx.me()) {
            row.iter().for_each(|(uid, weight)| *sums.entry(*uid).or_default() += weight);
        }
        if sums.is_empty() {
            return Act::Forward;
        }
        cx.fired("copied");
        Act::Replace(sums)
    }
}

#[test]
fn who_copies_weights_earns_less_than_who_asks_and_it_shows_in_the_books() {
    let expected = [
        "never = \"forks + supply_errors + root_errors + forged + honest_accused > 0\"",
        "sometimes = \"fired{group='crook', name='copied'} > 0\"",
        "at_end = \"earned_per_stake{group='crook'} < 0.95 * earned_per_stake{group='honest'}\"",
        "always = \"up{group='honest'} == 5\"",
    ];
    let scenario = scenario(30, VALIDATOR, &expected);
    let run = run(&scenario, 7, crook(|| Box::new(Copier))).unwrap();
    assert_eq!(Conclusion::of(&run.verdicts), Conclusion::Pass, "{:?}", run.verdicts);
    let honest = super::run(&scenario.without_crime(), 7, BTreeMap::new()).unwrap();
    let books = Books::of(&scenario, &run, &honest);
    assert!(books.gain() < 0.0 && books.harm() < 0.0, "{books:?}");
    assert_eq!((run.doings[5].questions, honest.doings[5].questions > 0), (0, true));
}

#[test]
fn the_same_seed_gives_the_same_events_and_another_seed_others() {
    let scenario = scenario(8, VALIDATOR, &["at_end = \"height >= 8\""]);
    let hash = |seed| run(&scenario, seed, crook(|| Box::new(Copier))).unwrap().hash;
    assert_eq!(hash(1), hash(1));
    assert_ne!(hash(1), hash(2));
}

/// Votes for a header and for nothing.
struct DoubleVoter;

impl Behaviour for DoubleVoter {
    fn on_vote(&mut self, cx: &mut Context<'_>, vote: &Voting) -> Act<Voting> {
        if vote.header.is_some() {
            cx.vote(&Voting { header: None, ..*vote }, None, None);
            cx.fired("voted_twice");
        }
        Act::Forward
    }
}

#[test]
fn who_votes_twice_is_slashed_once_and_jailed() {
    let expected = [
        "never = \"forks + honest_accused > 0\"",
        "eventually = \"slashed{group='crook'} == 5\"",
        "at_end = \"jailed{group='crook'} == 1 and evidence == 1\"",
    ];
    let scenario = scenario(12, VALIDATOR, &expected);
    let run = run(&scenario, 3, crook(|| Box::new(DoubleVoter))).unwrap();
    assert_eq!(Conclusion::of(&run.verdicts), Conclusion::Pass, "{:?}", run.verdicts);
}

/// Holds every answer back for so long, in milliseconds.
struct Late<const WAIT: u64>;

impl<const WAIT: u64> Behaviour for Late<WAIT> {
    fn on_answer(&mut self, cx: &mut Context<'_>, _: &Asking, _: &[u8]) -> Act<Vec<u8>> {
        cx.fired("late");
        Act::Delay(WAIT)
    }
}

#[test]
fn an_answer_counts_if_it_comes_before_whoever_asked_gives_up() {
    let paid = |make| {
        let miner = "role = \"miner\"\nskill = 0.9\nbehaviour = \"forger\"";
        let scenario = scenario(12, miner, &["sometimes = \"fired{group='crook'} > 0\""]);
        let run = run(&scenario, 3, crook(make)).unwrap();
        assert_eq!(Conclusion::of(&run.verdicts), Conclusion::Pass);
        run.wealth[5].last() > run.wealth[5].first()
    };
    assert!(paid(|| Box::new(Late::<500>)));
    assert!(!paid(|| Box::new(Late::<2_500>)));
}

/// Finds every answer wrong.
struct Sceptic;

impl Behaviour for Sceptic {
    fn on_score(&mut self, cx: &mut Context<'_>, _: Hotkey, honest: f64) -> Act<f64> {
        assert!((0.0..=1.0).contains(&honest));
        cx.fired("doubted");
        Act::Replace(0.0)
    }
}

#[test]
fn a_validator_scores_as_its_behaviour_says() {
    let mean = |make: BTreeMap<usize, Make>| {
        let mut scenario = scenario(20, VALIDATOR, &["always = \"forks == 0\""]);
        scenario.measure("score{neuron='miners[3]'}").unwrap();
        run(&scenario, 5, make).unwrap().measured.unwrap()
    };
    let (doubted, honest) = (mean(crook(|| Box::new(Sceptic))), mean(BTreeMap::new()));
    assert!((doubted - honest * 5.0 / 6.0).abs() < 0.05, "one of six finds nothing: {doubted} of {honest}");
}

#[test]
fn an_attack_that_never_strikes_is_unknown_and_not_a_success() {
    let expected = ["never = \"forks > 0\"", "sometimes = \"fired{group='crook'} > 0\""];
    let scenario = scenario(5, VALIDATOR, &expected);
    let run = run(&scenario, 3, crook(|| Box::new(crate::behaviour::Honest))).unwrap();
    assert_eq!(Conclusion::of(&run.verdicts), Conclusion::Unknown);
}

#[test]
fn who_joins_is_registered_and_who_leaves_is_gone() {
    let crook = "role = \"miner\"\nskill = 0.9\nabsent = true\nattacks = true";
    let events = "at_end = \"up{group='crook'} == 0\"\n[[at]]\nheight = 2\njoin = \"crook\"\n[[at]]\nheight = 12\n\
                  leave = \"crook\"\n[[at]]\nheight = 13\nrestart = \"crook\"";
    let scenario = scenario(16, crook, &["eventually = \"registered{group='crook'} == 1\"", events]);
    let run = run(&scenario, 3, BTreeMap::new()).unwrap();
    assert_eq!(Conclusion::of(&run.verdicts), Conclusion::Pass, "{:?}", run.verdicts);
    assert!(run.doings[5].answers > 0, "it was asked while it was there");
}

#[test]
fn a_network_cut_in_two_stands_still_until_it_is_mended() {
    let expected = [
        "sometimes = \"stall > 9\"",
        "always = \"stall < 25\"",
        "never = \"forks > 0\"\n[[at]]\ntime = \"4s\"\nfor = \"10s\"\npartition = [\"honest[0:3]\", [\"honest[3:5]\", \"crook\"]]",
    ];
    let scenario = scenario(12, "role = \"validator\"", &expected);
    let run = run(&scenario, 3, BTreeMap::new()).unwrap();
    assert_eq!(Conclusion::of(&run.verdicts), Conclusion::Pass, "{:?}", run.verdicts);
}

#[test]
fn a_validator_that_is_wiped_paused_and_restarted_comes_back_and_is_not_punished() {
    let expected = [
        "at_end = \"height_of{group='crook'} >= height - 2 and slashed_total == 0\"",
        "sometimes = \"up{group='crook'} == 0\"\n[[at]]\ntime = \"3s\"\nwipe = \"crook\"\n[[at]]\ntime = \"5s\"\n\
         restart = \"crook\"\n[[at]]\ntime = \"9s\"\nfor = \"3s\"\npause = \"crook\"",
    ];
    let scenario = scenario(24, "role = \"validator\"", &expected);
    let run = run(&scenario, 3, BTreeMap::new()).unwrap();
    assert_eq!(Conclusion::of(&run.verdicts), Conclusion::Pass, "{:?}", run.verdicts);
}

#[test]
fn a_template_runs_and_its_attack_strikes() {
    let folder = tempfile::tempdir().unwrap();
    let template = Template::new("mine").unwrap();
    std::fs::write(folder.path().join("mine.star"), &template.script).unwrap();
    let scenario = Scenario::read("mine.toml", &template.file).unwrap();
    let run = run(&scenario, scenario.seed, makes(&scenario, folder.path()).unwrap()).unwrap();
    assert_eq!((Conclusion::of(&run.verdicts), &run.faults[..]), (Conclusion::Pass, &[][..]), "{:?}", run.verdicts);
}

#[test]
fn a_script_that_cannot_go_on_makes_what_would_pass_unknown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.star"), "def on_settled(ctx):\n    return 1 // 0\n").unwrap();
    let crook = "role = \"validator\"\nbehaviour = \"bad.star\"";
    let scenario = scenario(4, crook, &["never = \"forks > 0\""]);
    let run = run(&scenario, 1, makes(&scenario, folder.path()).unwrap()).unwrap();
    assert_eq!(Conclusion::of(&run.verdicts), Conclusion::Unknown);
    assert!(run.faults[0].contains("bad.star:2"), "{:?}", run.faults);
}

#[test]
fn a_behaviour_that_is_not_there_is_refused_with_its_place_in_the_file() {
    let scenario = scenario(4, "role = \"validator\"\nbehaviour = \"nowhere.star\"", &["never = \"forks > 0\""]);
    let refused = makes(&scenario, Path::new(".")).err().expect("there is no such file").to_string();
    assert!(refused.starts_with("test.toml:") && refused.contains("nowhere.star"), "{refused}");
}
