//! Coins: issued, moved, staked, never made or lost.
use super::*;
use crate::amount::COIN;
use crate::emission::CAP;

#[track_caller]
fn refused(network: &mut Network, n: u8, action: Action, reason: &str) {
    let before = network.ledger.root();
    let order = network.order(n, action);
    let refusal = network.settle(&order).expect_err("must be refused").to_string();
    assert!(refusal.contains(reason), "{refusal}");
    assert_eq!(network.ledger.root(), before);
}

#[track_caller]
fn accepted(network: &mut Network, n: u8, action: Action) {
    network.settle(&network.order(n, action)).expect("must be accepted");
}

fn stake(n: u8, amount: u64) -> Action {
    Action::AddStake { hotkey: hot(n), amount: Amount(amount) }
}

fn unstake(n: u8, amount: u64) -> Action {
    Action::RemoveStake { hotkey: hot(n), amount: Amount(amount) }
}

fn give(n: u8, amount: u64) -> Action {
    Action::Transfer { to: cold(n), amount: Amount(amount) }
}

#[test]
fn issued_follows_the_schedule_across_a_halving() {
    let mut genesis = genesis();
    let staked = VALIDATORS.iter().map(|(_, coins)| coins * COIN).sum::<u64>();
    genesis.accounts = vec![(cold(RICH), Amount(CAP.0 / 2 - staked - 2 * COIN))];
    let mut network = Network::of(&genesis);
    let schedule = network.ledger.schedule();
    for height in 1..=60 {
        network.idle_to(height);
        let supply = network.ledger.supply();
        assert_eq!(supply.issued, schedule.after(height).issued, "height {height}");
        assert!(supply.check(), "{supply:?}");
    }
    let issued = network.ledger.supply().issued.0 - CAP.0 / 2;
    assert_eq!(issued, 36 * COIN / 24, "24 settlements at a full rate, 36 at half");
}

#[test]
fn a_transfer_moves_coins_and_burns_its_fee() {
    let mut network = Network::new();
    accepted(&mut network, RICH, give(50, 7 * COIN));
    assert_eq!(network.ledger.balance(&cold(50)), Amount::coins(7));
    let fee = network.ledger.burned().fees;
    assert!(fee > Amount(2_000), "1000 and 10 for each of 100 bytes and more");
    assert_eq!(network.ledger.balance(&cold(RICH)).0, 1_000 * COIN - 7 * COIN - fee.0);
    assert_eq!(network.ledger.nonce(&cold(RICH)), 1);
}

#[test]
fn a_replayed_or_unfunded_transaction_is_refused() {
    let mut network = Network::new();
    let order = network.order(RICH, give(50, 1));
    network.settle(&order).expect("the first time");
    let before = network.ledger.root();
    let refusal = network.settle(&order).expect_err("a replay");
    assert!(refusal.to_string().contains("its next is 1"), "{refusal}");
    assert_eq!(network.ledger.root(), before);
    refused(&mut network, RICH, give(50, 1_000 * COIN), "fund it");
    refused(&mut network, 50, give(51, 1), "fund it");
    refused(&mut network, RICH, give(50, u64::MAX), "fund it");
}

#[test]
fn stake_comes_back_after_unbonding() {
    let mut network = Network::new();
    let unbonding = network.ledger.parameters().unbonding;
    accepted(&mut network, RICH, stake(1, 100 * COIN));
    assert_eq!(network.ledger.stake_of(&hot(1)), Amount::coins(600));
    accepted(&mut network, RICH, unstake(1, 40 * COIN));
    assert_eq!(network.ledger.stake_of(&hot(1)), Amount::coins(560));
    let before = network.ledger.balance(&cold(RICH));
    network.idle_to(2 + unbonding - 1);
    assert_eq!(network.ledger.supply().locks, Amount::coins(40));
    network.idle_to(2 + unbonding);
    assert_eq!(network.ledger.supply().locks, Amount::ZERO);
    assert_eq!(network.ledger.balance(&cold(RICH)).0 - before.0, 40 * COIN, "free again");
}

#[test]
fn no_more_stake_is_taken_back_than_was_put_in() {
    let mut network = Network::new();
    refused(&mut network, RICH, unstake(1, 1), "ask for no more");
    accepted(&mut network, RICH, stake(1, 10));
    refused(&mut network, RICH, unstake(1, 11), "ask for no more");
    refused(&mut network, RICH, unstake(1, 0), "too little");
    refused(&mut network, RICH, stake(1, 0), "too little");
    refused(&mut network, RICH, stake(77, 1), "unknown");
    accepted(&mut network, RICH, unstake(1, 10));
    assert_eq!(network.ledger.stake_between(&hot(1), &cold(RICH)), Amount::ZERO);
    assert_eq!(network.ledger.shares.get(&(hot(1), cold(RICH))), None, "nothing stays behind");
}

#[test]
fn a_dividend_pays_the_take_and_then_all_stakers_alike() {
    let mut network = Network::new();
    accepted(&mut network, RICH, stake(1, 500 * COIN));
    network.ledger.pay_dividend(hot(1), Amount::coins(100));
    let owner = network.ledger.stake_between(&hot(1), &cold(COLD + 1));
    let staker = network.ledger.stake_between(&hot(1), &cold(RICH));
    assert!(owner.0.abs_diff(559 * COIN) < 10, "500 + 18 + half of 82: {owner}");
    assert!(staker.0.abs_diff(541 * COIN) < 10, "500 + half of 82: {staker}");
    assert_eq!(network.ledger.stake_of(&hot(1)), Amount::coins(1_100));
}

#[test]
fn a_share_that_cannot_be_bought_whole_is_refused() {
    let mut network = Network::new();
    network.ledger.deposit(hot(4), cold(COLD + 4), Amount(1));
    network.ledger.pay_dividend(hot(4), Amount(1_000_000));
    refused(&mut network, RICH, stake(4, 1_000), "the least here is");
}

#[test]
fn the_most_staked_of_the_willing_settle() {
    let mut network = Network::new();
    let hotkeys = |network: &Network| -> Vec<_> {
        let members = network.ledger.validators().members().iter();
        members.map(|(hotkey, _)| *hotkey).collect()
    };
    accepted(&mut network, RICH, stake(3, 400 * COIN));
    network.idle_to(2);
    assert_eq!(hotkeys(&network), [hot(1), hot(2), hot(3)], "chosen every third height");
    network.idle_to(3);
    assert_eq!(hotkeys(&network), [hot(3), hot(1), hot(2)]);
    assert_eq!(network.ledger.seats.only().last.members()[0].0, hot(1), "signs height 3");
}

#[test]
fn a_hotkey_stops_settling_when_its_owner_says_so() {
    let mut network = Network::new();
    accepted(&mut network, RICH, give(COLD + 2, COIN));
    let settle = |settles| Action::Settle { hotkey: hot(2), settles };
    refused(&mut network, RICH, settle(false), "belongs to");
    accepted(&mut network, COLD + 2, settle(false));
    network.idle_to(3);
    assert_eq!(network.ledger.validators().power(&hot(2)), None);
}

#[test]
fn delegated_stake_alone_does_not_settle() {
    let mut network = Network::new();
    accepted(&mut network, RICH, give(COLD + 4, 3 * COIN));
    accepted(&mut network, RICH, stake(4, 500 * COIN));
    let willing = Action::Settle { hotkey: hot(4), settles: true };
    accepted(&mut network, COLD + 4, willing);
    network.idle_to(6);
    assert_eq!(network.ledger.validators().power(&hot(4)), None);
    accepted(&mut network, COLD + 4, stake(4, COIN));
    network.idle_to(9);
    assert!(network.ledger.validators().power(&hot(4)).is_some());
}

#[test]
fn if_nobody_is_willing_those_who_settle_go_on() {
    let mut network = Network::new();
    for (n, _) in VALIDATORS {
        network.ledger.set_willing(hot(n), false);
    }
    network.idle_to(6);
    assert_eq!(network.ledger.validators().members().len(), 3);
}

fn shift(from: u8, to: u8, amount: u64) -> Action {
    Action::MoveStake { from: hot(from), to: hot(to), amount: Amount(amount) }
}

fn take(n: u8, take: u16) -> Action {
    Action::SetTake { hotkey: hot(n), take }
}

#[test]
fn moved_stake_counts_at_once_and_stays_until_unbonding_is_over() {
    let mut network = Network::new();
    let unbonding = network.ledger.parameters().unbonding;
    accepted(&mut network, RICH, stake(1, 100 * COIN));
    accepted(&mut network, RICH, shift(1, 2, 60 * COIN));
    let behind = |network: &Network, n| network.ledger.stake_between(&hot(n), &cold(RICH));
    assert_eq!((behind(&network, 1), behind(&network, 2)), (Amount::coins(40), Amount::coins(60)));
    accepted(&mut network, RICH, stake(2, 5 * COIN));
    let free = format!("free at height {}", 2 + unbonding);
    refused(&mut network, RICH, unstake(2, 6 * COIN), &free);
    refused(&mut network, RICH, shift(2, 3, 6 * COIN), &free);
    accepted(&mut network, RICH, shift(2, 3, 5 * COIN));
    network.idle_to(2 + unbonding);
    accepted(&mut network, RICH, unstake(2, 60 * COIN));
    assert_eq!(behind(&network, 2), Amount::ZERO);
}

#[test]
fn a_move_that_leads_nowhere_is_refused() {
    let mut network = Network::new();
    accepted(&mut network, RICH, stake(1, 10));
    refused(&mut network, RICH, shift(1, 1, 1), "name another hotkey");
    refused(&mut network, RICH, shift(1, 77, 1), "unknown");
    refused(&mut network, RICH, shift(1, 2, 11), "ask for no more");
    refused(&mut network, RICH, shift(1, 2, 0), "too little");
    refused(&mut network, RICH, shift(2, 1, 1), "ask for no more");
}

#[test]
fn who_would_keep_next_to_nothing_is_paid_out_whole() {
    let mut genesis = genesis();
    (genesis.parameters.minimum_stake, genesis.parameters.minimum_nomination) =
        (Amount(COIN / 500), Amount(COIN / 10));
    let mut network = Network::of(&genesis);
    refused(&mut network, RICH, stake(1, COIN / 500 - 1), "the least here is 0.002");
    accepted(&mut network, RICH, stake(1, COIN));
    accepted(&mut network, RICH, unstake(1, COIN * 9 / 10));
    assert_eq!(network.ledger.stake_between(&hot(1), &cold(RICH)), Amount(COIN / 10));
    accepted(&mut network, RICH, unstake(1, COIN / 500));
    assert_eq!(network.ledger.stake_between(&hot(1), &cold(RICH)), Amount::ZERO);
    assert_eq!(network.ledger.supply().locks, Amount::coins(1));
}

#[test]
fn a_take_falls_at_once_and_rises_once_in_a_while() {
    let mut genesis = genesis();
    genesis.parameters.take_rise = 10;
    genesis.accounts.push((cold(COLD + 1), Amount::coins(1)));
    let mut network = Network::of(&genesis);
    let owner = COLD + 1;
    refused(&mut network, RICH, take(1, 0), "belongs to");
    refused(&mut network, owner, take(1, 1_801), "at most 1800");
    accepted(&mut network, owner, take(1, 500));
    refused(&mut network, owner, take(1, 600), "until height 11");
    network.idle_to(10);
    accepted(&mut network, owner, take(1, 600));
    refused(&mut network, owner, take(1, 700), "until height 21");
    accepted(&mut network, owner, take(1, 100));
    network.ledger.pay_dividend(hot(1), Amount::coins(100));
    assert_eq!(network.ledger.delegates.get(&hot(1)).unwrap().take, 100);
}

#[test]
fn a_slot_over_the_limit_is_refused() {
    let mut network = Network::new();
    let register = |limit| Action::Register { netuid: SUBNET, hotkey: hot(40), limit: Some(Amount(limit)) };
    refused(&mut network, RICH, register(COIN / 2), "over the limit of 0.5");
    accepted(&mut network, RICH, register(COIN));
}
