//! Answers that earn nothing.
use super::*;
use crate::role::bench::{Bench, NETUID, moment};
use crate::task::{StandIn, Sums, Worker};
use protocol::query::Answer;

/// A validator (key 0) that has asked the miner of key 1; key 2 mines too.
fn asking() -> (Bench, Validator, Verified<Question>) {
    let bench = Bench::new(1, 2);
    let mut validator = Validator::new(bench.keys[0].clone(), NETUID, &Sums, bench.tip.0.clone());
    let profile = Profile { netuid: NETUID, number: 0, model: Hash([1; 32]), description: String::new() };
    let effects = validator.handle(moment(), &Input::Told(Heard::Profile(bench.author(1, profile))));
    let [Effect::Ask(question)] = &effects[..] else { panic!("{effects:?}") };
    let question = question.clone();
    (bench, validator, question)
}

/// An answer without a fault.
fn answer(bench: &Bench, question: &Verified<Question>) -> Answer {
    let mut worker = StandIn::new(1, bench.keys[1].hotkey(), 1.0);
    Answer { question: question.id(), body: worker.answer(&question.body).unwrap() }
}

/// The score of the miner of key 1 after an answer signed by `author`.
fn score(author: usize, change: impl Fn(&mut Answer)) -> Option<f64> {
    let (bench, mut validator, question) = asking();
    let mut answer = answer(&bench, &question);
    change(&mut answer);
    let answer = Some(bench.author(author, answer));
    validator.handle(moment(), &Input::Answered(Reply { question: question.id(), answer }));
    validator.scores.shown().get(&bench.keys[1].hotkey()).copied()
}

#[test]
fn a_right_answer_counts() {
    assert_eq!(score(1, |_| {}), Some(1.0));
}

#[test]
fn an_answer_that_somebody_else_signed_counts_as_none() {
    assert_eq!(score(2, |_| {}), Some(0.0));
}

#[test]
fn an_answer_to_another_question_counts_as_none() {
    assert_eq!(score(1, |answer| answer.question = Hash([1; 32])), Some(0.0));
}

#[test]
fn an_answer_that_makes_no_sense_counts_as_none() {
    assert_eq!(score(1, |answer| answer.body.clear()), Some(0.0));
    assert_eq!(score(1, |answer| answer.body = vec![0xff; 10_000]), Some(0.0));
}

#[test]
fn only_the_first_answer_to_a_question_counts_and_none_to_one_never_asked() {
    let (bench, mut validator, question) = asking();
    let right = Some(bench.author(1, answer(&bench, &question)));
    let never = Reply { question: Hash([1; 32]), answer: right.clone() };
    validator.handle(moment(), &Input::Answered(never));
    assert!(validator.scores.is_empty());
    for answer in [None, right] {
        validator.handle(moment(), &Input::Answered(Reply { question: question.id(), answer }));
    }
    assert_eq!(validator.scores.shown().get(&bench.keys[1].hotkey()), Some(&0.0));
}

#[test]
fn a_profile_from_outside_the_subnet_is_not_asked() {
    let (bench, mut validator, _) = asking();
    let stranger = Keypair::from_seed([99; 32]);
    let profile = Profile { netuid: NETUID, number: 0, model: Hash([1; 32]), description: String::new() };
    let profile = Signed::author(&stranger, &bench.genesis.hash(), profile);
    assert!(validator.handle(moment(), &Input::Told(Heard::Profile(profile))).is_empty());
}
