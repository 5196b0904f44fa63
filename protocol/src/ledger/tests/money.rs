//! Coins: issued, moved, staked, never made or lost.
use super::*;
use crate::amount::COIN;
use crate::emission::CAP;

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
    network.accept(RICH, give(50, 7 * COIN));
    assert_eq!(network.ledger.balance(&cold(50)), Amount::coins(7));
    let fee = network.ledger.burned().fees;
    assert!(fee > Amount(2_000), "1000 and 10 for each of 100 bytes and more");
    assert_eq!(network.ledger.balance(&cold(RICH)).0, 1_000 * COIN - 7 * COIN - fee.0);
    assert_eq!(network.ledger.nonce(&cold(RICH)), 1);
}

#[test]
fn stake_comes_back_after_unbonding() {
    let mut network = Network::new();
    let unbonding = network.ledger.parameters().unbonding;
    network.accept(RICH, stake(1, 100 * COIN));
    assert_eq!(network.ledger.stake_of(&hot(1)), Amount::coins(600));
    network.accept(RICH, unstake(1, 40 * COIN));
    assert_eq!(network.ledger.stake_of(&hot(1)), Amount::coins(560));
    let before = network.ledger.balance(&cold(RICH));
    network.idle_to(2 + unbonding - 1);
    assert_eq!(network.ledger.supply().locks, Amount::coins(40));
    network.idle_to(2 + unbonding);
    assert_eq!(network.ledger.supply().locks, Amount::ZERO);
    assert_eq!(network.ledger.balance(&cold(RICH)).0 - before.0, 40 * COIN, "free again");
}

#[test]
fn a_dividend_pays_the_take_and_then_all_stakers_alike() {
    let mut network = Network::new();
    network.accept(RICH, stake(1, 500 * COIN));
    network.ledger.pay_dividend(hot(1), Amount::coins(100));
    let owner = network.ledger.stake_between(&hot(1), &cold(COLD + 1));
    let staker = network.ledger.stake_between(&hot(1), &cold(RICH));
    assert!(owner.0.abs_diff(559 * COIN) < 10, "500 + 18 + half of 82: {owner}");
    assert!(staker.0.abs_diff(541 * COIN) < 10, "500 + half of 82: {staker}");
    assert_eq!(network.ledger.stake_of(&hot(1)), Amount::coins(1_100));
}

#[test]
fn the_most_staked_of_the_willing_settle() {
    let mut network = Network::new();
    let hotkeys = |network: &Network| -> Vec<_> {
        let members = network.ledger.validators().members().iter();
        members.map(|(hotkey, _)| *hotkey).collect()
    };
    network.accept(RICH, stake(3, 400 * COIN));
    network.idle_to(2);
    assert_eq!(hotkeys(&network), [hot(1), hot(2), hot(3)], "chosen every third height");
    network.idle_to(3);
    assert_eq!(hotkeys(&network), [hot(3), hot(1), hot(2)]);
    assert_eq!(network.ledger.seats.only().last.members()[0].0, hot(1), "signs height 3");
}

#[test]
fn a_hotkey_stops_settling_when_its_owner_says_so() {
    let mut network = Network::new();
    network.accept(RICH, give(COLD + 2, COIN));
    let settle = |settles| Action::Settle { hotkey: hot(2), settles };
    network.accept(COLD + 2, settle(false));
    network.idle_to(3);
    assert_eq!(network.ledger.validators().power(&hot(2)), None);
}

#[test]
fn delegated_stake_alone_does_not_settle() {
    let mut network = Network::new();
    network.accept(RICH, give(COLD + 4, 3 * COIN));
    network.accept(RICH, stake(4, 500 * COIN));
    let willing = Action::Settle { hotkey: hot(4), settles: true };
    network.accept(COLD + 4, willing);
    network.idle_to(6);
    assert_eq!(network.ledger.validators().power(&hot(4)), None);
    network.accept(COLD + 4, stake(4, COIN));
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
    network.accept(RICH, stake(1, 100 * COIN));
    network.accept(RICH, shift(1, 2, 60 * COIN));
    let behind = |network: &Network, n| network.ledger.stake_between(&hot(n), &cold(RICH));
    assert_eq!((behind(&network, 1), behind(&network, 2)), (Amount::coins(40), Amount::coins(60)));
    network.accept(RICH, stake(2, 5 * COIN));
    let free = format!("free at height {}", 2 + unbonding);
    network.refuse(&network.order(RICH, unstake(2, 6 * COIN)), &free);
    network.refuse(&network.order(RICH, shift(2, 3, 6 * COIN)), &free);
    network.accept(RICH, shift(2, 3, 5 * COIN));
    network.idle_to(2 + unbonding);
    network.accept(RICH, unstake(2, 60 * COIN));
    assert_eq!(behind(&network, 2), Amount::ZERO);
}

#[test]
fn few_moves_to_a_hotkey_are_on_their_way_at_once() {
    let mut network = Network::new();
    let unbonding = network.ledger.parameters().unbonding;
    network.accept(RICH, stake(1, 100 * COIN));
    let first = network.ledger.height() + 1 + unbonding;
    for _ in 0..stake::MAX_ARRIVALS {
        network.accept(RICH, shift(1, 2, COIN));
    }
    network.refuse(&network.order(RICH, shift(1, 2, COIN)), &format!("over, at height {first}"));
    network.accept(RICH, shift(1, 3, COIN));
    network.idle_to(first);
    network.accept(RICH, shift(1, 2, COIN));
    network.ledger.audit().expect("sound");
}

#[test]
fn who_would_keep_next_to_nothing_is_paid_out_whole() {
    let mut genesis = genesis();
    (genesis.parameters.minimum_stake, genesis.parameters.minimum_nomination) =
        (Amount(COIN / 500), Amount(COIN / 10));
    let mut network = Network::of(&genesis);
    network.accept(RICH, stake(1, COIN));
    network.accept(RICH, unstake(1, COIN * 9 / 10));
    assert_eq!(network.ledger.stake_between(&hot(1), &cold(RICH)), Amount(COIN / 10));
    network.accept(RICH, unstake(1, COIN / 500));
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
    network.accept(owner, take(1, 500));
    network.refuse(&network.order(owner, take(1, 600)), "until height 11");
    network.idle_to(10);
    network.accept(owner, take(1, 600));
    network.refuse(&network.order(owner, take(1, 700)), "until height 21");
    network.accept(owner, take(1, 100));
    network.ledger.pay_dividend(hot(1), Amount::coins(100));
    assert_eq!(network.ledger.delegates.get(&hot(1)).unwrap().take, 100);
}

#[test]
fn a_staker_that_takes_all_back_leaves_nothing_behind() {
    let mut network = Network::new();
    network.accept(RICH, stake(1, 10));
    network.accept(RICH, unstake(1, 10));
    assert_eq!(network.ledger.stake_between(&hot(1), &cold(RICH)), Amount::ZERO);
    assert_eq!(network.ledger.shares.get(&(hot(1), cold(RICH))), None);
}

#[test]
fn a_share_of_which_a_little_is_asked_is_paid_out_whole() {
    let mut genesis = genesis();
    genesis.accounts.push((cold(COLD + 4), Amount::coins(1)));
    let mut network = Network::of(&genesis);
    network.ledger.deposit(hot(4), cold(COLD + 4), Amount(1));
    network.ledger.pay_dividend(hot(4), Amount(1_000_000));
    assert_eq!(network.ledger.stake_between(&hot(4), &cold(COLD + 4)), Amount(1_000_001), "one share");
    let order = network.order(COLD + 4, unstake(4, 1));
    network.ledger.try_transaction(&order.transactions[0]).expect("there is more");
    assert_eq!(network.ledger.supply().locks, Amount(1_000_001));
    assert_eq!(network.ledger.stake_of(&hot(4)), Amount::ZERO, "nothing is left that is nobody's");
}

#[test]
fn dividends_on_next_to_no_stake_do_not_make_shares_dear() {
    let mut genesis = genesis();
    genesis.parameters.minimum_stake = Amount(COIN / 500);
    let mut network = Network::of(&genesis);
    network.ledger.deposit(hot(4), cold(COLD + 4), Amount(1));
    network.ledger.pay_dividend(hot(4), Amount::coins(1));
    let pool = network.ledger.delegates.get(&hot(4)).expect("known");
    assert_eq!((pool.value.0, pool.shares), (COIN + 1, COIN + 1), "a share costs a unit as before");
}

#[test]
fn a_dividend_touches_no_staker_but_the_owner() {
    let mut network = Network::new();
    (200..=250).for_each(|n| network.ledger.deposit(hot(1), cold(n), Amount::coins(n.into())));
    let before = network.ledger.clone();
    network.ledger.pay_dividend(hot(1), Amount::coins(100));
    let changed: Vec<_> = network.ledger.changes_since(&before).into_iter().map(|(key, _)| key).collect();
    let touched = [before.delegates.key_bytes(&hot(1)), before.shares.key_bytes(&(hot(1), cold(COLD + 1)))];
    assert_eq!(changed, touched, "the pool, and the owner's shares for its take");
}

#[test]
fn less_than_a_nomination_is_staked_by_nobody_but_the_owner() {
    let mut genesis = genesis();
    genesis.parameters.minimum_nomination = Amount(COIN / 10);
    genesis.accounts.push((cold(COLD + 1), Amount::coins(1)));
    let mut network = Network::of(&genesis);
    network.accept(COLD + 1, stake(1, 5));
    network.refuse(&network.order(RICH, stake(1, COIN / 20)), "0.050000000 of 0.100000000 coins");
    network.accept(RICH, stake(1, COIN / 10));
    network.accept(RICH, stake(1, 5));
    network.accept(RICH, stake(2, COIN));
    network.refuse(&network.order(RICH, shift(2, 3, COIN / 20)), "0.050000000 of 0.100000000 coins");
    network.accept(RICH, shift(2, 3, COIN / 20 * 19));
    assert_eq!(
        network.ledger.stake_between(&hot(3), &cold(RICH)),
        Amount::coins(1),
        "the rest is swept along"
    );
}
