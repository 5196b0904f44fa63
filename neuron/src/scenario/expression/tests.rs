//! What expressions say, and those that say nothing.
use proptest::prelude::*;

use super::*;
use crate::scenario::Sample;
use crate::scenario::group::{Behaviour, Conduct, Duty, Group};

/// Two validators, three miners of which the first copies.
fn groups() -> [Group; 3] {
    let validator = Group { duty: Duty::Validator, ..Group::named("honest", 2) };
    let mut copier = Group::named("copier", 1);
    copier.conduct = Conduct {
        behaviour: toml::Spanned::new(0..0, Behaviour::Named("copying".to_owned())),
        ..copier.conduct
    };
    [validator, copier, Group::named("miners", 2)]
}

/// Figures as in a run: metric, group, number, value, and for how much.
struct Figures(&'static [Row]);

type Row = (Metric, Option<(usize, usize)>, f64, f64);

const RUN: Figures = Figures(&[
    (Metric::Height, None, 12.0, 1.0),
    (Metric::Epoch, None, 0.0, 1.0),
    (Metric::Earned, Some((0, 0)), 3.0, 1.0),
    (Metric::Earned, Some((0, 1)), 5.0, 1.0),
    (Metric::Earned, Some((1, 0)), -1.5, 1.0),
    (Metric::EarnedPerStake, Some((0, 0)), 3.0, 10.0),
    (Metric::EarnedPerStake, Some((0, 1)), 5.0, 30.0),
    (Metric::EarnedPerStake, Some((1, 0)), 1.0, 0.0),
    (Metric::Score, Some((1, 0)), 0.25, 1.0),
    (Metric::Score, Some((2, 0)), 0.5, 1.0),
    (Metric::Score, Some((2, 1)), 1.0, 1.0),
    (Metric::Fired, Some((1, 0)), 7.0, 1.0),
]);

impl Source for Figures {
    fn samples(&self, metric: Metric, mark: Option<&str>) -> Vec<Sample> {
        let own =
            self.0.iter().filter(|figure| figure.0 == metric && mark.is_none_or(|mark| mark == "copied"));
        let id = |(group, number)| NeuronId { group, number };
        own.map(|(_, neuron, value, per)| Sample { neuron: neuron.map(id), value: *value, per: *per })
            .collect()
    }
}

fn read(text: &str) -> Result<Expression, Fault> {
    let groups = groups();
    Expression::read(text, &Cast::new(&groups, &[]))
}

fn judge(text: &str) -> Outcome {
    read(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}")).judge(&RUN)
}

#[test]
fn an_expression_holds_or_does_not() {
    for (text, holds) in [
        ("height == 12", true),
        ("height != 12", false),
        ("height >= 12 and height <= 12", true),
        ("height < 12 or height > 12", false),
        ("not height > 12", true),
        ("not height == 12 or height == 12", true),
        ("height == 0 and epoch == 0 or height == 12", true),
        ("(height == 12)", true),
        ("(height + 1) * 2 == 26", true),
        ("height + 1 * 2 == 14", true),
        ("height - 1 - 1 == 10", true),
        ("height / 2 / 3 == 2", true),
        ("-height == -12", true),
        ("2 - -1 == 3", true),
        ("1.5 > .5", true),
    ] {
        assert_eq!(judge(text).holds, Some(holds), "{text}");
    }
}

#[test]
fn several_neurons_together_are_a_sum_or_the_ratio_of_two() {
    for text in [
        "earned{group=\"honest\"} == 8",
        "earned{group='honest', neuron='honest[1]'} == 5",
        "earned{role='validator'} == 8",
        "earned{behaviour='copying'} == -1.5",
        "earned{behaviour='honest'} == 8",
        "earned == 6.5",
        "earned_per_stake{group='honest'} == 0.2",
        "sum(earned{group='honest'}) == 8",
        "mean(score{group='miners'}) == 0.75",
        "min(score) == 0.25 and max(score) == 1 and count(score) == 3",
        "max(earned_per_stake{group='honest'}) == 0.3",
        "score{group='copier'} < mean(score)",
        "fired{name='copied'} == 7",
        "count(fired{name='rested'}) == 0",
    ] {
        assert_eq!(judge(text).holds, Some(true), "{text}: {}", judge(text).detail);
    }
}

#[test]
fn what_nobody_has_or_is_divided_by_zero_is_unknown_unless_the_rest_decides() {
    for (text, why) in [
        ("height / epoch > 1", "12 / 0 is unknown"),
        ("earned_per_stake{group='copier'} > 1", "`earned_per_stake{group='copier'}` is for each of nothing"),
        ("max(earned_per_stake) > 1", "one of `earned_per_stake` is for each of nothing"),
        ("balance > 1", "nobody has `balance` yet"),
        ("mean(balance) > 1", "nobody has `balance` yet"),
        ("not balance > 1", "nobody has `balance` yet"),
        ("height == 12 and balance > 1", "nobody has `balance` yet"),
        ("balance > 1 or height == 0", "nobody has `balance` yet"),
        ("fired{name='rested'} > 0", "nobody has `fired{name='rested'}` yet"),
    ] {
        assert_eq!((judge(text).holds, &*judge(text).detail), (None, why), "{text}");
    }
    assert_eq!(judge("balance > 1 and height == 0").holds, Some(false));
    assert_eq!(judge("balance > 1 or height == 12").holds, Some(true));
}

#[test]
fn the_figures_on_both_sides_are_shown_and_who_decided() {
    let honest = Some(NeuronId { group: 0, number: 1 });
    let copier = Some(NeuronId { group: 1, number: 0 });
    for (text, detail, neuron) in [
        ("height > 12", "12 > 12 is false", None),
        ("earned{group='honest'} < 0.9 * height", "8 < 0.9 * 12: 8 < 10.8 is true", honest),
        ("(height + 1) * 2 < height - (epoch - 1)", "(12 + 1) * 2 < 12 - (0 - 1): 26 < 13 is false", None),
        ("min(score) > 1 / 3", "0.25 > 1 / 3: 0.25 > 0.333333 is false", copier),
        ("height == 12 and epoch == 1", "0 == 1 is false", None),
        ("height == 12 and epoch == 0", "12 == 12 is true and 0 == 0 is true", None),
    ] {
        let outcome = judge(text);
        assert_eq!((&*outcome.detail, outcome.neuron), (detail, neuron), "{text}");
    }
}

#[test]
fn numbers_are_shown_with_as_many_digits_as_anyone_reads() {
    for (value, shown) in [
        (0.0, "0"),
        (-0.0, "0"),
        (-10.0, "-10"),
        (1e15, "1000000000000000"),
        (0.1 + 0.2, "0.3"),
        (1_234_567.89, "1234568"),
        (0.000_012_345_678, "0.0000123457"),
        (-2.5, "-2.5"),
    ] {
        assert_eq!(value::show(value), shown);
    }
}

#[test]
fn an_expression_that_says_nothing_is_told_where_and_why() {
    for (text, start, words) in [
        ("", 0, "a number, a metric or a `(` is missing"),
        ("height", 0, "this is a number; compare it"),
        ("height >", 8, "is missing"),
        ("height > 3 4", 11, "an operator such as"),
        ("1 < height < 3", 0, "a number is wanted"),
        ("height and 1 > 0", 0, "compare it with another"),
        ("height + (1 > 0) > 1", 9, "a number is wanted"),
        ("hight > 3", 0, "no metric `hight`; did you mean `height`?"),
        ("height > 3 $ 4", 11, "`$` means nothing"),
        ("1.2.3 > 0", 0, "`1.2.3` is no number"),
        ("(height > 3", 11, "a `)` is missing"),
        ("earned{group='honset'} > 0", 13, "did you mean `honest`?"),
        ("earned{group='honest[2]'} > 0", 13, "there are 2 in `honest`"),
        ("earned{grup='honest'} > 0", 7, "no label `grup`; did you mean `group`?"),
        ("earned{role='minor'} > 0", 12, "did you mean `miner`?"),
        ("earned{behaviour='copyng'} > 0", 17, "did you mean `copying`?"),
        ("earned{name='copied'} > 0", 7, "only `fired` has"),
        ("earned{group=honest} > 0", 13, "stands in quotes"),
        ("earned{group='honest} > 0", 13, "opened and not closed"),
        ("earned{group='honest' role='miner'} > 0", 22, "a `,` or a `}` is missing"),
        ("earned{group='honest', role='miner'} > 0", 0, "select nobody"),
        ("height{group='honest'} > 0", 0, "`height` is the network's"),
        ("score > 0", 0, "5 neurons have no `score` together; say mean(…)"),
        ("median(score) > 0", 0, "no `median(…)`"),
        ("maxx(score) > 0", 0, "did you mean `max`?"),
        ("max(1) > 0", 4, "of a metric"),
        ("max(score + 1) > 0", 10, "of one metric"),
    ] {
        let fault = read(text).expect_err(text);
        assert!(fault.words.contains(words), "{text}: {fault:?}");
        assert_eq!(fault.place.start, start, "{text}: {fault:?}");
    }
}

#[test]
fn an_expression_without_end_is_refused() {
    let long = format!("{}1 > 0", "1 + ".repeat(300));
    assert!(read(&long).unwrap_err().words.contains("1024 bytes"));
    for prefix in ["(", "-", "not "] {
        let deep = format!("{}height > 0", prefix.repeat(33));
        assert!(read(&deep).unwrap_err().words.contains("deeper than 32"), "{prefix}");
    }
    assert_eq!(judge(&format!("{}1 > 0", "1 + ".repeat(250))).holds, Some(true));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        let _ = read(&text);
    }

    #[test]
    fn no_words_make_the_reader_panic(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "height", "earned", "score", "{", "}", "(", ")", "group", "=", "'honest'", ",", "max", "not", "and",
                "or", "<", "==", "+", "-", "*", "/", "1", "0.5", "\"", "é",
            ]),
            0..24,
        ),
    ) {
        if let Ok(expression) = read(&words.join(" ")) {
            prop_assert!(!expression.judge(&RUN).detail.is_empty());
        }
    }
}
