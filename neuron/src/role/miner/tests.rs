//! Whom a miner does not answer.
use protocol::genesis::GenesisSubnet;

use super::*;
use crate::role::bench::{Bench, NETUID, moment};

/// Key 0 validates, keys 1 and 2 mine.
fn trained() -> (Bench, Miner) {
    let bench = Bench::new(1, 2);
    let mut miner = Miner::new(bench.keys[1].clone(), NETUID, bench.tip.0.clone());
    miner.handle(
        moment(),
        &Input::Trained(Model { hash: Hash([1; 32]), description: "a stand-in".to_owned() }),
    );
    (bench, miner)
}

fn question(bench: &Bench) -> Question {
    Question { netuid: NETUID, miner: bench.keys[1].hotkey(), height: 0, number: 0, body: vec![1] }
}

fn ask(miner: &mut Miner, bench: &Bench, asker: usize, question: Question) -> Option<&'static str> {
    let asked = Input::Asked(Ticket(question.number), bench.author(asker, question));
    match &miner.handle(moment(), &asked)[..] {
        [Effect::Infer(..)] => None,
        [Effect::Decline(_, reason)] => Some(reason),
        effects => panic!("{effects:?}"),
    }
}

#[track_caller]
fn declines(reason: &str, asker: usize, change: impl Fn(&Bench, &mut Question)) {
    let (bench, mut miner) = trained();
    let mut question = question(&bench);
    change(&bench, &mut question);
    assert_eq!(ask(&mut miner, &bench, asker, question), Some(reason));
}

#[test]
fn those_without_a_permit_get_no_answer() {
    declines("no_permit", 2, |_, _| {});
}

#[test]
fn stale_questions_and_those_of_the_future_get_no_answer() {
    declines("stale", 0, |_, question| question.height = QUESTION_AGE + 1);
    declines("stale", 0, |_, question| question.height = u64::MAX);
}

#[test]
fn what_is_asked_of_another_miner_or_subnet_gets_no_answer() {
    declines("not_ours", 0, |bench, question| {
        question.miner = bench.keys[2].hotkey();
    });
    declines("not_ours", 0, |_, question| question.netuid = Netuid(2));
}

#[test]
fn a_replayed_question_gets_no_second_answer() {
    let (bench, mut miner) = trained();
    assert_eq!(ask(&mut miner, &bench, 0, question(&bench)), None);
    assert_eq!(ask(&mut miner, &bench, 0, question(&bench)), Some("replayed"));
    miner.handle(moment(), &Input::Inferred(Ticket(0), Ok(vec![2])));
    assert_eq!(ask(&mut miner, &bench, 0, question(&bench)), Some("replayed"));
}

#[test]
fn more_than_can_wait_is_declined_and_what_was_answered_makes_room() {
    let (bench, mut miner) = trained();
    let numbered = |number| Question { number, ..question(&bench) };
    for number in 0..WAITING as u64 {
        assert_eq!(ask(&mut miner, &bench, 0, numbered(number)), None);
    }
    assert_eq!(ask(&mut miner, &bench, 0, numbered(1_000)), Some("busy"));
    miner.handle(moment(), &Input::Inferred(Ticket(0), Ok(vec![2])));
    assert_eq!(ask(&mut miner, &bench, 0, numbered(1_000)), None);
}

#[test]
fn what_is_remembered_against_replays_is_bounded_and_never_forgotten_while_fresh() {
    let (bench, mut miner) = trained();
    for number in 0..REMEMBERED as u64 {
        assert_eq!(ask(&mut miner, &bench, 0, Question { number, ..question(&bench) }), None);
        miner.handle(moment(), &Input::Inferred(Ticket(number), Err("busy".to_owned())));
    }
    assert_eq!(ask(&mut miner, &bench, 0, Question { number: 9_999, ..question(&bench) }), Some("busy"));
    assert_eq!(ask(&mut miner, &bench, 0, question(&bench)), Some("replayed"));
}

#[test]
fn before_its_model_is_ready_a_miner_answers_nobody() {
    let (bench, _) = trained();
    let mut miner = Miner::new(bench.keys[1].clone(), NETUID, bench.tip.0.clone());
    assert_eq!(ask(&mut miner, &bench, 0, question(&bench)), Some("busy"));
}

#[test]
fn a_miner_says_that_it_serves_whenever_an_epoch_of_its_subnet_begins() {
    let (mut bench, _) = trained();
    // The second subnet of a genesis ends its first epoch a settlement early.
    let before = GenesisSubnet { netuid: Netuid(0), ..bench.genesis.subnets[0].clone() };
    bench.genesis.subnets.insert(0, before);
    bench.tip = (Ledger::new(&bench.genesis).unwrap(), None);
    let mut miner = Miner::new(bench.keys[1].clone(), NETUID, bench.tip.0.clone());
    let description = "a stand-in".to_owned();
    miner.handle(moment(), &Input::Trained(Model { hash: Hash([1; 32]), description }));
    let speaks = |_: &u64| {
        let certified = bench.settle(&[]);
        let settled = Settled { certified, ledger: bench.tip.0.clone(), changes: [].into() };
        !miner.handle(moment(), &Input::Settled(Arc::new(settled))).is_empty()
    };
    assert_eq!((1..=8).filter(speaks).collect::<Vec<u64>>(), [2, 5, 8]);
}
