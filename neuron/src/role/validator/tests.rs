//! Answers that earn nothing.
use super::*;
use crate::role::bench::{Bench, NETUID, flat, moment};
use crate::task::{StandIn, Sums, Worker};
use protocol::query::Answer;

/// A validator (key 0) that has asked the miner of key 1; key 2 mines too.
fn asking() -> (Bench, Validator, Verified<Question>) {
    let bench = Bench::new(1, 2);
    let mut validator =
        Validator::new(bench.keys[0].clone(), NETUID, &Sums, bench.tip.0.clone(), Memory::default());
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
    score_after(0, author, change)
}

/// The same, so many milliseconds after the question.
fn score_after(ms: u64, author: usize, change: impl Fn(&mut Answer)) -> Option<f64> {
    let (bench, mut validator, question) = asking();
    let mut answer = answer(&bench, &question);
    change(&mut answer);
    let answer = Some(bench.author(author, answer));
    let later = Moment { now: moment().now + ms, ..moment() };
    validator.handle(later, &Input::Answered(Reply { question: question.id(), answer }));
    validator.memory.scores.shown().get(&bench.keys[1].hotkey()).map(|score| score.mean)
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
fn an_answer_after_its_time_counts_as_none() {
    assert_eq!(score_after(ANSWER_MS, 1, |_| {}), Some(1.0));
    assert_eq!(score_after(ANSWER_MS + 1, 1, |_| {}), Some(0.0));
}

#[test]
fn only_the_first_answer_to_a_question_counts_and_none_to_one_never_asked() {
    let (bench, mut validator, question) = asking();
    let right = Some(bench.author(1, answer(&bench, &question)));
    let never = Reply { question: Hash([1; 32]), answer: right.clone() };
    validator.handle(moment(), &Input::Answered(never));
    assert!(validator.memory.scores.is_empty());
    for answer in [None, right] {
        validator.handle(moment(), &Input::Answered(Reply { question: question.id(), answer }));
    }
    assert_eq!(validator.memory.scores.shown()[&bench.keys[1].hotkey()].mean, 0.0);
}

#[test]
fn a_profile_from_outside_the_subnet_is_not_asked() {
    let (bench, mut validator, _) = asking();
    let stranger = Keypair::from_seed([99; 32]);
    let profile = Profile { netuid: NETUID, number: 0, model: Hash([1; 32]), description: String::new() };
    let profile = Signed::author(&stranger, &bench.genesis.hash(), profile);
    assert!(validator.handle(moment(), &Input::Told(Heard::Profile(profile))).is_empty());
}

#[test]
fn a_profile_that_somebody_repeats_is_no_sign_of_life() {
    let (bench, mut validator, _) = asking();
    let miner = bench.keys[1].hotkey();
    let mut hear = |number| {
        let profile = Profile { netuid: NETUID, number, model: Hash([1; 32]), description: String::new() };
        validator.handle(moment(), &Input::Told(Heard::Profile(bench.author(1, profile))));
        validator.serving[&miner].number
    };
    assert_eq!([5, 4, 6].map(&mut hear), [5, 5, 6]);
}

#[test]
fn nobody_waits_for_a_poll_that_asks_nobody() {
    let bench = Bench::new(1, 1);
    let ledger = bench.tip.0.clone();
    let mut validator = Validator::new(bench.keys[0].clone(), NETUID, &Sums, ledger, Memory::default());
    let effects = validator.handle(moment(), &Input::Polled(Ticket(1)));
    assert!(matches!(&effects[..], [Effect::Report(Ticket(1), poll)] if poll.asked == 0), "{effects:?}");
}

/// What a validator does about the next settlement, heard so many milliseconds after its time.
fn settled(bench: &mut Bench, validator: &mut Validator, inputs: &[Heard], late: u64) -> Vec<Effect> {
    let before = bench.tip.0.clone();
    let certified = bench.settle(inputs);
    let (ledger, changes) = (bench.tip.0.clone(), bench.tip.0.changes_since(&before).into());
    let now = Moment { now: ledger.time() + late, ..moment() };
    validator.handle(now, &Input::Settled(Arc::new(Settled { certified, ledger, changes })))
}

/// What leaves a validator once its writes are synced, and the memory it wrote.
fn settle(bench: &mut Bench, validator: &mut Validator, inputs: &[Heard]) -> (Vec<Message>, Option<Memory>) {
    let effects = settled(bench, validator, inputs, 0);
    let memory = effects.iter().find_map(|effect| match effect {
        Effect::Persist(Persist { entries, .. }) => match &entries[..] {
            [Entry::Memory(memory)] => Some((**memory).clone()),
            _ => None,
        },
        _ => None,
    });
    let told = flat(effects).into_iter().filter_map(|effect| match effect {
        Effect::Tell(message) => Some(*message),
        _ => None,
    });
    (told.collect(), memory)
}

#[test]
fn a_validator_that_was_away_does_not_hold_it_against_miners() {
    let (mut bench, mut validator, question) = asking();
    let answer = Some(bench.author(1, answer(&bench, &question)));
    validator.handle(moment(), &Input::Answered(Reply { question: question.id(), answer }));
    let miner = bench.keys[1].hotkey();
    for _ in 0..30 {
        let effects = settled(&mut bench, &mut validator, &[], 60_000);
        assert!(effects.is_empty(), "it only catches up: {effects:?}");
    }
    validator.serving.clear();
    for _ in 0..SILENT_EPOCHS * validator.epoch_length() {
        settled(&mut bench, &mut validator, &[], 0);
        assert_eq!(validator.memory.scores.shown()[&miner].mean, 1.0);
    }
    settled(&mut bench, &mut validator, &[], 0);
    settled(&mut bench, &mut validator, &[], 0);
    assert!(validator.memory.scores.shown()[&miner].mean < 1.0, "now it is silent");
}

#[test]
fn a_validator_restarted_after_its_commit_reveals_the_row_it_committed_to() {
    let (mut bench, mut validator, question) = asking();
    let answer = Some(bench.author(1, answer(&bench, &question)));
    validator.handle(moment(), &Input::Answered(Reply { question: question.id(), answer }));
    let (commit, memory) = (0..5)
        .find_map(|_| {
            let (told, memory) = settle(&mut bench, &mut validator, &[]);
            let commit = told.into_iter().find_map(|message| match message {
                Message::Commit(commit) => commit.verify(&bench.genesis.hash()).ok(),
                _ => None,
            });
            Some((commit?, memory.expect("the row is written before its commit leaves")))
        })
        .expect("it commits within an epoch");
    let ledger = bench.tip.0.clone();
    let mut restarted = Validator::new(bench.keys[0].clone(), NETUID, &Sums, ledger, memory);
    let mut inputs = vec![Heard::Commit(commit.clone())];
    let reveal = (0..5).find_map(|_| {
        let (told, _) = settle(&mut bench, &mut restarted, &std::mem::take(&mut inputs));
        told.into_iter().find_map(|message| match message {
            Message::Reveal(reveal) => reveal.verify(&bench.genesis.hash()).ok(),
            _ => None,
        })
    });
    let reveal = reveal.expect("it reveals in the next epoch");
    assert_eq!((reveal.epoch, reveal.commitment(&bench.keys[0].hotkey())), (commit.epoch, commit.commitment));
}
