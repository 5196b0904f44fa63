//! Who signs two things where one is allowed: what it costs, whom, and how often.
use super::*;
use crate::amount::COIN;
use crate::consensus::vote::{Ballot, Vote};
use crate::consensus::{Evidence, Proven};

/// What key `n` may not sign: two precommits of one height.
pub(super) fn offence(network: &Network, n: u8, height: u64) -> Proven {
    let vote = |header| {
        let vote = Vote::of(Ballot::Precommit, height, 0, header, hot(n));
        network.sign(n, vote).into_signed()
    };
    let evidence = Evidence::votes(vote(None), vote(Some(Hash([7; 32]))));
    evidence.verify(&network.ledger.genesis()).expect("it contradicts itself")
}

fn against(network: &Network, n: u8, height: u64) -> Inputs {
    Inputs { evidence: vec![offence(network, n, height)], ..Inputs::default() }
}

#[track_caller]
fn convict(network: &mut Network, n: u8, height: u64) {
    let inputs = against(network, n, height);
    network.settle(&inputs).expect("it had a seat");
    assert_eq!(network.ledger.audit(), Ok(()));
}

fn slashed(network: &Network) -> u64 {
    network.ledger.burned().slashes.0
}

/// Behind hotkey 1: 500 of its owner's, and of 100 by a delegator 40 are still there, 40 unbond, 20 are behind hotkey 2.
fn delegated() -> Network {
    let mut network = Network::new();
    let (hotkey, coins) = (hot(1), Amount::coins);
    network.accept(RICH, Action::AddStake { hotkey, amount: coins(100) });
    network.accept(RICH, Action::RemoveStake { hotkey, amount: coins(40) });
    network.accept(RICH, Action::MoveStake { from: hotkey, to: hot(2), amount: coins(20) });
    network
}

#[test]
fn a_slash_takes_the_part_from_all_that_backed_the_offender() {
    let mut network = delegated();
    convict(&mut network, 1, 3);
    let ledger = &network.ledger;
    let stake = |n, by| ledger.stake_between(&hot(n), &cold(by));
    assert_eq!(stake(1, COLD + 1), Amount::coins(475), "of 500");
    assert_eq!(stake(1, RICH), Amount::coins(38), "of 40 that are there");
    assert_eq!(ledger.supply().locks, Amount::coins(38), "of 40 that unbond");
    assert_eq!(stake(2, RICH), Amount::coins(19), "of 20 that went elsewhere");
    assert_eq!(stake(2, COLD + 2), Amount::coins(300), "another's stake is no concern of it");
    assert_eq!(slashed(&network), 30 * COIN, "a twentieth of 600");
}

#[test]
fn stake_that_left_before_the_set_was_chosen_is_not_slashed() {
    let mut network = delegated();
    network.idle_to(7);
    convict(&mut network, 1, 7);
    let ledger = &network.ledger;
    assert_eq!(ledger.supply().locks, Amount::coins(40));
    assert_eq!(ledger.stake_between(&hot(2), &cold(RICH)), Amount::coins(20));
    assert_eq!(slashed(&network), 27 * COIN, "a twentieth of 540");
}

#[test]
fn stake_that_unbonds_or_moves_between_offence_and_evidence_is_slashed() {
    let mut network = Network::new();
    network.accept(RICH, Action::AddStake { hotkey: hot(1), amount: Amount::coins(100) });
    network.idle_to(6);
    network.accept(RICH, Action::MoveStake { from: hot(1), to: hot(3), amount: Amount::coins(60) });
    network.accept(RICH, Action::RemoveStake { hotkey: hot(1), amount: Amount::coins(40) });
    network.idle_to(40);
    convict(&mut network, 1, 6);
    assert_eq!(slashed(&network), 30 * COIN);
    let after = network.ledger.parameters().unbonding + 8;
    network.idle_to(after);
    assert_eq!(network.ledger.supply().locks, Amount::ZERO);
    assert_eq!(network.ledger.audit(), Ok(()));
}

#[test]
fn a_dear_share_is_never_taken_whole_for_a_part_of_it() {
    let mut network = Network::new();
    network.ledger.pay_dividend(hot(2), Amount::coins(7));
    network.ledger.check_supply().expect_err("coins from nowhere, for the test");
    let mut issued = network.ledger.chain.only().issued;
    issued.0 += 7 * COIN;
    network.ledger.chain.only_mut().issued = issued;
    network.accept(RICH, Action::AddStake { hotkey: hot(1), amount: Amount(1_001) });
    network.accept(RICH, Action::MoveStake { from: hot(1), to: hot(2), amount: Amount(999) });
    convict(&mut network, 1, 2);
    let left = network.ledger.stake_between(&hot(2), &cold(RICH));
    assert!((948..=951).contains(&left.0), "about a twentieth of 999 is gone: {left}");
}

#[test]
fn any_number_of_slashes_leaves_a_sound_pool() {
    let mut network = delegated();
    for n in 0..200 {
        let before = network.ledger.stake_of(&hot(1));
        network.ledger.jails.rows_mut().clear();
        network.ledger.note_terms(network.ledger.height());
        let inputs = against(&network, 1, 3);
        network.ledger.try_evidence(&inputs.evidence[0]).expect("as if it were the first");
        let after = network.ledger.stake_of(&hot(1));
        assert!(after < before && after > Amount::ZERO, "slash {n}: {before} to {after}");
        assert_eq!(network.ledger.audit(), Ok(()));
    }
}

#[test]
fn the_jailed_lose_their_seat_at_once_and_come_back_when_their_owner_asks() {
    let mut network = Network::new();
    network.accept(RICH, Action::Transfer { to: cold(COLD + 1), amount: Amount::coins(1) });
    let unjail = || Action::Unjail { hotkey: hot(1) };
    let order = network.order(COLD + 1, unjail());
    network.refuse(&order, "is not jailed");
    convict(&mut network, 1, 1);
    assert_eq!(network.ledger.jailed_since(&hot(1)), Some(2));
    assert_eq!(network.ledger.validators().power(&hot(1)), None);
    let order = network.order(RICH, unjail());
    network.refuse(&order, "belongs to");
    network.idle_to(30);
    assert_eq!(network.ledger.validators().power(&hot(1)), None);
    let order = network.order(COLD + 1, unjail());
    network.refuse(&order, "can be released at height 32");
    network.idle_to(31);
    network.accept(COLD + 1, unjail());
    network.idle_to(33);
    assert_eq!(network.ledger.validators().power(&hot(1)), Some(475 * COIN));
    network.idle_to(42);
    assert!(network.ledger.jails.is_empty(), "no evidence can be so old");
}

#[test]
fn evidence_that_leads_to_nothing_is_refused() {
    let mut network = Network::new();
    network.idle_to(5);
    for (n, height, reason) in [
        (4, 5, "it had no seat then"),
        (77, 5, "it had no seat then"),
        (1, 0, "it had no seat then"),
        (1, 6, "not settled yet"),
        (1, 1_000, "not settled yet"),
    ] {
        let inputs = against(&network, n, height);
        network.refuse(&inputs, reason);
    }
    network.idle_to(41);
    let inputs = against(&network, 1, 1);
    network.refuse(&inputs, "it counted until height 41");
    convict(&mut network, 1, 2);
}

#[test]
fn nothing_is_punished_twice() {
    let mut network = Network::new();
    network.idle_to(5);
    let twice =
        Inputs { evidence: vec![offence(&network, 1, 4), offence(&network, 1, 5)], ..Inputs::default() };
    network.refuse(&twice, "it was punished at height 6");
    convict(&mut network, 1, 4);
    for height in 1..=6 {
        let inputs = against(&network, 1, height);
        network.refuse(&inputs, "it was punished at height 6");
    }
    assert_eq!(slashed(&network), 25 * COIN);
}

#[test]
fn who_left_answers_for_what_it_did_while_it_had_a_seat() {
    let mut network = Network::new();
    network.accept(RICH, Action::Transfer { to: cold(COLD + 2), amount: Amount::coins(1) });
    network.accept(COLD + 2, Action::Settle { hotkey: hot(2), settles: false });
    network.idle_to(9);
    assert_eq!(network.ledger.validators().power(&hot(2)), None);
    let inputs = against(&network, 2, 4);
    network.refuse(&inputs, "it had no seat then");
    convict(&mut network, 2, 3);
    assert_eq!(slashed(&network), 15 * COIN);
}

#[test]
fn if_all_are_jailed_those_who_settle_go_on() {
    let mut network = Network::new();
    network.idle_to(4);
    let evidence = [1, 2, 3].map(|n| offence(&network, n, 4)).to_vec();
    network.settle(&Inputs { evidence, ..Inputs::default() }).expect("all had a seat");
    assert_eq!(network.ledger.validators().members().len(), 3);
    network.idle_to(6);
    convict(&mut network, 1, 6);
    assert_eq!(slashed(&network), 50 * COIN + 475 * COIN / 20, "what it did since is new");
}
