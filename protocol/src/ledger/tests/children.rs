//! Child hotkeys: who votes with whose stake, and whose the dividends are.
use super::*;
use crate::amount::COIN;

/// A part of a fifth of a hotkey's stake, exactly.
const FIFTH: u64 = u64::MAX / 5;

/// A network in which owners have coins for fees.
fn network() -> Network {
    let mut genesis = genesis();
    genesis.accounts.extend((1..=6).map(|n| (cold(COLD + n), Amount::coins(10))));
    Network::of(&genesis)
}

fn lend(n: u8, children: &[(u8, u64)]) -> Action {
    let mut children: Vec<_> = children.iter().map(|(child, part)| (hot(*child), *part)).collect();
    children.sort_unstable();
    Action::SetChildren { netuid: SUBNET, hotkey: hot(n), children }
}

fn keep(n: u8, take: u16) -> Action {
    Action::SetChildTake { netuid: SUBNET, hotkey: hot(n), take }
}

/// What each of these votes with, in coins.
fn votes<const N: usize>(network: &Network, of: [u8; N]) -> [u64; N] {
    let loans = network.ledger.loans(SUBNET);
    of.map(|n| {
        let votes = network.ledger.voting_stake(SUBNET, &hot(n));
        assert_eq!(votes, network.ledger.votes_of(&hot(n), &loans), "alone and with all others");
        votes.0 / COIN
    })
}

/// Hotkey 1 lends two fifths of its 500 coins to hotkey 2 and a fifth to hotkey 3.
fn lent() -> Network {
    let mut network = network();
    network.accept(COLD + 1, lend(1, &[(2, 2 * FIFTH), (3, FIFTH)]));
    network.idle_to(12);
    network
}

#[test]
fn a_hotkey_lends_parts_of_its_votes_from_the_end_of_an_epoch_on() {
    let mut network = network();
    network.accept(COLD + 1, lend(1, &[(2, 2 * FIFTH), (3, FIFTH)]));
    network.idle_to(11);
    assert_eq!(votes(&network, [1, 2, 3]), [500, 300, 200], "ten settlements have passed, the epoch has not");
    network.idle_to(12);
    assert_eq!(votes(&network, [1, 2, 3]), [200, 500, 300]);
    assert_eq!(network.ledger.children(SUBNET, &hot(1)).len(), 2);
    assert_eq!(network.ledger.stake_of(&hot(1)), Amount::coins(500), "stake stays where it is");
    assert_eq!(network.ledger.validators().power(&hot(1)), Some(500 * COIN), "and settles there");
    network.ledger.audit().expect("sound");
}

#[test]
fn a_later_plan_takes_the_place_of_an_earlier() {
    let mut network = network();
    network.accept(COLD + 1, lend(1, &[(2, FIFTH)]));
    network.idle_to(3);
    network.accept(COLD + 1, lend(1, &[(3, FIFTH)]));
    network.idle_to(12);
    assert_eq!(votes(&network, [1, 2, 3]), [500, 300, 200], "asked at height 4, due from 14 on");
    network.idle_to(15);
    assert_eq!(votes(&network, [1, 2, 3]), [400, 300, 300]);
    network.accept(COLD + 1, lend(1, &[]));
    network.idle_to(27);
    assert_eq!(votes(&network, [1, 2, 3]), [500, 300, 200]);
    assert!(network.ledger.children.is_empty() && network.ledger.planned.is_empty());
}

#[test]
fn dividends_are_divided_by_contribution_and_the_child_keeps_its_take() {
    let mut network = lent();
    network.accept(COLD + 2, keep(2, 1_000));
    let loans = network.ledger.loans(SUBNET);
    network.ledger.pay_voter(SUBNET, hot(2), Amount::coins(1_000), &loans);
    // Two fifths of what it voted with were lent to it: 400 coins, of which it keeps a tenth.
    assert_eq!(network.ledger.stake_of(&hot(1)), Amount::coins(500 + 360));
    assert_eq!(network.ledger.stake_of(&hot(2)), Amount::coins(300 + 640));
}

#[test]
fn hotkeys_of_one_owner_keep_nothing_from_each_other() {
    let mut network = lent();
    network.accept(COLD + 2, keep(2, 1_000));
    network.ledger.delegates.get_mut(&hot(2)).expect("known").owner = cold(COLD + 1);
    let loans = network.ledger.loans(SUBNET);
    network.ledger.pay_voter(SUBNET, hot(2), Amount::coins(1_000), &loans);
    assert_eq!(network.ledger.stake_of(&hot(1)), Amount::coins(500 + 400));
    assert_eq!(network.ledger.stake_of(&hot(2)), Amount::coins(300 + 600));
}

#[test]
fn what_rounding_leaves_is_the_childs() {
    let mut network = network();
    for n in [1, 3] {
        network.accept(COLD + n, lend(n, &[(2, u64::MAX / 3)]));
    }
    network.idle_to(12);
    // Thirds of 500 and 200 coins and its own 300: 166, 66 and 300 of 533.
    assert_eq!(votes(&network, [1, 2, 3]), [333, 533, 133]);
    let loans = network.ledger.loans(SUBNET);
    let before = [1, 2, 3].map(|n| network.ledger.stake_of(&hot(n)).0);
    network.ledger.pay_voter(SUBNET, hot(2), Amount(15), &loans);
    let paid: Vec<_> =
        [1, 2, 3].iter().zip(before).map(|(n, b)| network.ledger.stake_of(&hot(*n)).0 - b).collect();
    assert_eq!(paid, [4, 10, 1], "15 · 166 / 533 = 4.7 and 15 · 66 / 533 = 1.9, rounded down");
}

#[test]
fn an_epoch_pays_a_lender_through_its_child() {
    let mut network = network();
    network.accept(COLD + 1, lend(1, &[(2, u64::MAX)]));
    network.idle_to(12);
    assert_eq!(votes(&network, [1, 2, 3]), [0, 800, 200]);
    let row: &[(u16, u16)] = &[(3, 1), (4, 1)];
    let before = [1, 2].map(|n| network.ledger.stake_of(&hot(n)).0);
    for n in [2, 3] {
        network.settle(&network.commit(n, 4, row)).expect("in time");
    }
    network.idle_to(15);
    network.epoch_of(&[(2, row), (3, row)]);
    let paid = [0, 1].map(|i| network.ledger.stake_of(&hot(i as u8 + 1)).0 - before[i]);
    let earned = network.earned(2).0;
    assert!(earned > 0);
    assert_eq!(paid, [earned * 500 / 800, earned - earned * 500 / 800]);
    assert_eq!(network.earned(1), Amount::ZERO, "it did not vote itself");
}

#[test]
fn what_is_lent_to_a_hotkey_without_a_slot_votes_where_it_comes_from() {
    let mut network = network();
    network.accept(COLD + 1, lend(1, &[(6, 2 * FIFTH)]));
    network.idle_to(12);
    assert_eq!(votes(&network, [1, 6]), [300, 200]);
    let slot = network.ledger.slots.remove(&(SUBNET, Uid(5))).expect("hotkey 6 is in it");
    assert_eq!(votes(&network, [1, 6]), [500, 0]);
    network.ledger.slots.insert((SUBNET, Uid(5)), slot);
    assert_eq!(votes(&network, [1, 6]), [300, 200], "its slot is back");
    network.ledger.slots.remove(&(SUBNET, Uid(0)));
    assert_eq!(votes(&network, [6]), [200], "a lender needs no slot");
}

#[test]
fn who_takes_stake_back_lends_less_and_at_last_nothing() {
    let mut network = lent();
    let unstake = |coins| Action::RemoveStake { hotkey: hot(1), amount: Amount::coins(coins) };
    network.accept(COLD + 1, unstake(100));
    assert_eq!(votes(&network, [1, 2, 3]), [160, 460, 280], "fifths of 400");
    network.accept(COLD + 1, unstake(351));
    assert_eq!(network.ledger.children(SUBNET, &hot(1)).len(), 2, "until the epoch ends");
    network.idle_to(15);
    assert_eq!(votes(&network, [1, 2, 3]), [49, 300, 200], "less than 50 coins lend nothing");
    assert!(network.ledger.children.is_empty());
}

#[test]
fn of_too_many_lenders_the_least_staked_stop() {
    let mut network = network();
    let lender =
        |i: usize| Hotkey([&[9; 24][..], &(i as u64).to_be_bytes()].concat().try_into().expect("32"));
    let most = 4_096;
    for i in 0..=most {
        network.ledger.adopt(lender(i), cold(RICH));
        network.ledger.deposit(lender(i), cold(RICH), Amount(50 * COIN + (i as u64 + 7) % 4_097));
        network.ledger.children.insert((SUBNET, lender(i)), vec![(hot(1), 1)]);
    }
    network.ledger.renew_children(SUBNET);
    assert_eq!(network.ledger.children.rows().len(), most);
    assert!(network.ledger.children(SUBNET, &lender(4_090)).is_empty(), "it has 50 coins and no unit more");
}

#[test]
fn a_take_on_borrowed_stake_rises_once_in_a_while() {
    let mut network = network();
    assert_eq!(network.ledger.child_take(SUBNET, &hot(2)), 0);
    network.accept(COLD + 2, keep(2, 1_800));
    network.accept(COLD + 2, keep(2, 100));
    let order = network.order(COLD + 2, keep(2, 101));
    network.refuse(&order, "stays at 100 basis points or falls until height");
    assert_eq!(network.ledger.child_take(SUBNET, &hot(2)), 100);
    assert_eq!(network.ledger.child_take(Netuid(2), &hot(2)), 0, "in another subnet it is another");
}

#[test]
fn loans_end_with_their_subnet() {
    let mut genesis = genesis();
    let founding = &mut genesis.parameters.founding;
    (founding.limit, founding.immunity, founding.start_delay) = (2, 10, 5);
    genesis.accounts = vec![(cold(RICH), Amount::coins(1_000)), (cold(COLD + 1), Amount::coins(10))];
    let mut network = Network::of(&genesis);
    let found = || Action::Found { task: "sums".to_owned(), limit: None };
    network.accept(RICH, found());
    let netuid = Netuid(2);
    let children = vec![(hot(2), FIFTH)];
    network.accept(COLD + 1, Action::SetChildren { netuid, hotkey: hot(1), children: children.clone() });
    network.accept(COLD + 1, Action::SetChildTake { netuid, hotkey: hot(1), take: 1 });
    network.idle_to(15);
    assert_eq!(network.ledger.children(netuid, &hot(1)), children);
    network.accept(COLD + 1, Action::SetChildren { netuid, hotkey: hot(1), children: Vec::new() });
    network.accept(RICH, found());
    let ledger = &network.ledger;
    assert!(ledger.children.is_empty() && ledger.planned.is_empty() && ledger.child_takes.is_empty());
}
