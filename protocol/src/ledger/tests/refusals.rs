//! What is refused, kind by kind: the reason names the culprit and what is missing, and nothing changes.
use super::*;
use crate::amount::COIN;
use crate::genesis::GenesisSubnet;
use crate::subnet::Rule;

/// A second subnet, which belongs to [`FIRST`].
const OTHER: Netuid = Netuid(2);
/// No subnet.
const NOWHERE: Netuid = Netuid(9);
/// The owners of hotkeys 1, 2 and 4, each with ten coins.
const FIRST: u8 = COLD + 1;
const SECOND: u8 = COLD + 2;
const FOURTH: u8 = COLD + 4;
/// A coldkey with nothing.
const POOR: u8 = 50;
/// A hotkey that nobody has registered.
const STRANGER: u8 = 77;

/// A transaction costs a thousand units, whatever its length.
fn rules() -> Genesis {
    let mut genesis = genesis();
    let other = GenesisSubnet { netuid: OTHER, owner: Some(cold(FIRST)), ..genesis.subnets[0].clone() };
    genesis.subnets.push(other);
    genesis.accounts.extend([FIRST, SECOND, FOURTH].map(|n| (cold(n), Amount::coins(10))));
    let parameters = &mut genesis.parameters;
    (parameters.fee, parameters.fee_per_byte) = (Amount(1_000), Amount::ZERO);
    (parameters.minimum_stake, parameters.minimum_nomination) = (Amount(COIN / 500), Amount(COIN / 10));
    parameters.take_rise = 10;
    genesis
}

fn network() -> Network {
    Network::of(&rules())
}

/// Tries every row: who, what, and what the refusal says.
#[track_caller]
fn check<const N: usize>(network: &mut Network, rows: [(u8, Action, &str); N]) {
    for (n, action, reason) in rows {
        let order = network.order(n, action);
        network.refuse(&order, reason);
    }
}

fn give(n: u8, amount: u64) -> Action {
    Action::Transfer { to: cold(n), amount: Amount(amount) }
}

fn register(netuid: Netuid, n: u8, limit: Option<u64>) -> Action {
    Action::Register { netuid, hotkey: hot(n), limit: limit.map(Amount) }
}

fn stake(n: u8, amount: u64) -> Action {
    Action::AddStake { hotkey: hot(n), amount: Amount(amount) }
}

fn unstake(n: u8, amount: u64) -> Action {
    Action::RemoveStake { hotkey: hot(n), amount: Amount(amount) }
}

fn shift(from: u8, to: u8, amount: u64) -> Action {
    Action::MoveStake { from: hot(from), to: hot(to), amount: Amount(amount) }
}

fn take(n: u8, take: u16) -> Action {
    Action::SetTake { hotkey: hot(n), take }
}

fn prefer(n: u8, row: &[(Netuid, u16)]) -> Action {
    Action::Prefer { hotkey: hot(n), row: row.to_vec() }
}

fn found(letters: usize, limit: Option<u64>) -> Action {
    Action::Found { task: "x".repeat(letters), limit: limit.map(Amount) }
}

fn set(netuid: Netuid, rule: Rule) -> Action {
    Action::SetRule { netuid, rule }
}

fn settle(n: u8) -> Action {
    Action::Settle { hotkey: hot(n), settles: true }
}

fn lend(netuid: Netuid, n: u8, children: &[(u8, u64)]) -> Action {
    let children = children.iter().map(|(child, part)| (hot(*child), *part)).collect();
    Action::SetChildren { netuid, hotkey: hot(n), children }
}

fn keep(netuid: Netuid, n: u8, take: u16) -> Action {
    Action::SetChildTake { netuid, hotkey: hot(n), take }
}

/// One of each kind that [`FIRST`] may do in the seventh height, and what it takes besides the fee.
fn of_each_kind() -> Vec<(Action, u64)> {
    vec![
        (give(POOR, COIN), COIN),
        (register(OTHER, 1, None), COIN),
        (stake(1, COIN), COIN),
        (unstake(1, COIN), 0),
        (shift(1, 2, COIN), 0),
        (take(1, 0), 0),
        (lend(SUBNET, 1, &[(4, 1)]), 0),
        (keep(SUBNET, 1, 1), 0),
        (prefer(1, &[(SUBNET, 1)]), 0),
        (found(1, None), 2 * COIN),
        (set(OTHER, Rule::BondsPenalty(1)), 0),
        (settle(1), 0),
        (Action::Start { netuid: OTHER }, 0),
    ]
}

/// Until prices have settled: registering costs its minimum, and founding the second subnet what it does at first.
fn ready() -> Network {
    let mut genesis = rules();
    for subnet in &mut genesis.subnets {
        subnet.hyperparameters.burn.minimum = subnet.hyperparameters.burn.start;
    }
    genesis.parameters.founding.lock = Amount::coins(2);
    let mut network = Network::of(&genesis);
    network.idle_to(11);
    network.ledger.subnets.get_mut(&OTHER).expect("it is there").started = false;
    network
}

#[test]
fn every_kind_is_refused_out_of_turn() {
    for (action, _) in of_each_kind() {
        let mut network = ready();
        network.accept(FIRST, settle(1));
        for (nonce, action) in [(0, action.clone()), (2, action.clone()), (u64::MAX, action.clone())] {
            let transaction = Transaction { nonce, action };
            let order = Inputs { transactions: vec![network.sign(FIRST, transaction)], ..Inputs::default() };
            network.refuse(&order, "its next is 1");
        }
        network.accept(FIRST, action);
        assert_eq!(network.ledger.nonce(&cold(FIRST)), 2);
    }
}

#[test]
fn every_kind_is_refused_to_whom_a_unit_is_missing() {
    for (action, cost) in of_each_kind() {
        let mut network = ready();
        let need = Amount(cost + 1_000);
        network.ledger.accounts.insert(cold(FIRST), Account { balance: Amount(need.0 - 1), nonce: 0 });
        let order = network.order(FIRST, action.clone());
        let refusal = network.ledger.try_transaction(&order.transactions[0]).expect_err("a unit is missing");
        let have = Amount(need.0 - 1);
        let reason = format!("has {have} of {need} coins (0.000000001 missing), the fee of 0.000001000");
        assert!(refusal.to_string().contains(&reason), "{refusal}\nand not: {reason}");
        network.ledger.accounts.insert(cold(FIRST), Account { balance: need, nonce: 0 });
        network.ledger.try_transaction(&order.transactions[0]).expect("just enough");
        assert_eq!(network.ledger.balance(&cold(FIRST)), Amount::ZERO, "{action:?}");
    }
}

#[test]
fn transfers() {
    check(
        &mut network(),
        [
            (
                RICH,
                give(50, 1_000 * COIN),
                "has 1000.000000000 of 1000.000001000 coins (0.000001000 missing)",
            ),
            (POOR, give(51, COIN), "has 0.000000000 of 1.000001000 coins (1.000001000 missing)"),
            (
                RICH,
                give(51, COIN / 1_000 - 1),
                "would hold 0.000999999 of 0.001000000 coins (0.000000001 missing)",
            ),
            (RICH, give(50, u64::MAX), "of 18446744073.709551615 coins (18446743073.709551615 missing)"),
        ],
    );
}

#[test]
fn registrations() {
    check(
        &mut network(),
        [
            (RICH, register(NOWHERE, 40, None), "there is no subnet 9"),
            (RICH, register(SUBNET, 4, None), "belongs to"),
            (FOURTH, register(SUBNET, 4, None), "has slot 3 in subnet 1"),
            (
                RICH,
                register(SUBNET, 40, Some(COIN / 2)),
                "0.500000000 of 1.000000000 coins (0.500000000 missing)",
            ),
            (RICH, register(SUBNET, 40, Some(0)), "0.000000000 of 1.000000000 coins (1.000000000 missing)"),
            (POOR, register(SUBNET, 40, Some(u64::MAX)), "has 0.000000000 of 1.000001000 coins"),
        ],
    );
}

#[test]
fn a_registration_where_all_are_protected() {
    let mut genesis = rules();
    let rules = &mut genesis.subnets[0].hyperparameters;
    (rules.slots, rules.permits, rules.immunity, rules.minimum_prunable) = (6, 6, 6, 10);
    let mut network = Network::of(&genesis);
    network.idle_to(6);
    check(
        &mut network,
        [(RICH, register(SUBNET, 40, None), "all 6 slots of subnet 1 are taken and protected")],
    );
}

#[test]
fn stake_to_add() {
    check(
        &mut network(),
        [
            (RICH, stake(STRANGER, COIN), "is unknown"),
            (FIRST, stake(1, 0), "moves 0.000000000 of 0.002000000 coins (0.002000000 missing)"),
            (FIRST, stake(1, COIN / 1_000), "moves 0.001000000 of 0.002000000 coins (0.001000000 missing)"),
            (RICH, stake(1, COIN / 500), "moves 0.002000000 of 0.100000000 coins (0.098000000 missing)"),
            (RICH, stake(1, u64::MAX), "of 18446744073.709551615 coins"),
            (POOR, stake(1, COIN), "has 0.000000000 of 1.000001000 coins (1.000001000 missing)"),
        ],
    );
}

#[test]
fn a_share_costs_more_than_is_staked() {
    let mut network = network();
    let delegate = network.ledger.delegates.get_mut(&hot(1)).expect("known");
    delegate.shares /= COIN;
    network.ledger.shares.insert((hot(1), cold(FIRST)), 500);
    check(&mut network, [(RICH, stake(1, COIN - 1), "moves 0.999999999 of 1.000000000 coins")]);
}

#[test]
fn stake_to_take_back() {
    check(
        &mut network(),
        [
            (RICH, unstake(1, 1), "has 0.000000000 of 0.000000001 coins (0.000000001 missing)"),
            (RICH, unstake(STRANGER, 1), "has 0.000000000 of 0.000000001 coins (0.000000001 missing)"),
            (FIRST, unstake(1, 501 * COIN), "has 500.000000000 of 501.000000000 coins (1.000000000 missing)"),
            (FIRST, unstake(1, u64::MAX), "of 18446744073.709551615 coins"),
            (FIRST, unstake(1, 0), "moves 0.000000000 of 0.002000000 coins"),
            (FIRST, unstake(1, COIN / 1_000), "moves 0.001000000 of 0.002000000 coins (0.001000000 missing)"),
        ],
    );
}

#[test]
fn stake_to_move() {
    check(
        &mut network(),
        [
            (FIRST, shift(1, 1, COIN), "name another hotkey"),
            (FIRST, shift(1, STRANGER, COIN), "is unknown"),
            (FIRST, shift(STRANGER, 1, COIN), "has 0.000000000 of 1.000000000 coins"),
            (FIRST, shift(2, 1, COIN), "has 0.000000000 of 1.000000000 coins (1.000000000 missing)"),
            (
                FIRST,
                shift(1, 2, 501 * COIN),
                "has 500.000000000 of 501.000000000 coins (1.000000000 missing)",
            ),
            (FIRST, shift(1, 2, 0), "moves 0.000000000 of 0.002000000 coins"),
            (FIRST, shift(1, 2, COIN / 100), "moves 0.010000000 of 0.100000000 coins (0.090000000 missing)"),
            (FIRST, shift(1, 2, u64::MAX), "of 18446744073.709551615 coins"),
        ],
    );
}

#[test]
fn stake_that_has_just_arrived() {
    let mut network = network();
    network.accept(FIRST, shift(1, 2, 5 * COIN));
    network.accept(FIRST, stake(2, COIN));
    let reason = "1.000000000 of 2.000000000 coins (1.000000000 missing) may leave";
    let late = "the rest came from elsewhere and is free at height 61";
    check(&mut network, [(FIRST, unstake(2, 2 * COIN), reason), (FIRST, shift(2, 3, 2 * COIN), late)]);
    // To leave less than the least nomination is to leave nothing.
    check(
        &mut network,
        [(
            FIRST,
            unstake(2, 59 * COIN / 10 + 1),
            "1.000000000 of 6.000000000 coins (5.000000000 missing) may leave",
        )],
    );
}

#[test]
fn takes() {
    let mut network = network();
    network.accept(FIRST, take(1, 500));
    check(
        &mut network,
        [
            (FIRST, take(STRANGER, 0), "is unknown"),
            (RICH, take(1, 0), "belongs to"),
            (FIRST, take(1, 1_801), "at most 1800 are allowed"),
            (FIRST, take(1, u16::MAX), "at most 1800 are allowed"),
            (FIRST, take(1, 501), "stays at 500 basis points or falls until height 11"),
        ],
    );
}

#[test]
fn preferences() {
    check(
        &mut network(),
        [
            (FIRST, prefer(STRANGER, &[]), "is unknown"),
            (RICH, prefer(1, &[(SUBNET, 1)]), "belongs to"),
            (FIRST, prefer(1, &[(SUBNET, 1), (NOWHERE, 1)]), "there is no subnet 9"),
            (FIRST, prefer(1, &[(OTHER, 1), (SUBNET, 1)]), "out of order"),
            (FIRST, prefer(1, &[(OTHER, 1), (OTHER, 1)]), "out of order"),
        ],
    );
}

#[test]
fn subnets_to_found() {
    let mut genesis = rules();
    genesis.parameters.founding.limit = 3;
    genesis.subnets.iter_mut().for_each(|subnet| subnet.owner = None);
    let mut network = Network::of(&genesis);
    check(
        &mut network,
        [
            (RICH, found(0, None), "the name of a task has 0 bytes"),
            (RICH, found(65, None), "the name of a task has 65 bytes"),
            (RICH, found(1, Some(99 * COIN)), "99.000000000 of 100.000000000 coins (1.000000000 missing)"),
            (SECOND, found(1, None), "has 10.000000000 of 100.000001000 coins (90.000001000 missing)"),
        ],
    );
    network.accept(RICH, found(1, None));
    check(&mut network, [(RICH, found(1, None), "there are 3 subnets and none is old and weak enough")]);
}

#[test]
fn rules_to_set() {
    let mut network = network();
    check(&mut network, [(FIRST, set(OTHER, Rule::Permits(8)), "can change again at height 6")]);
    network.idle_to(6);
    check(
        &mut network,
        [
            (FIRST, set(NOWHERE, Rule::Permits(8)), "there is no subnet 9"),
            (FIRST, set(SUBNET, Rule::Permits(8)), "sign with its owner's key"),
            (RICH, set(OTHER, Rule::Permits(8)), "sign with its owner's key"),
            (FIRST, set(OTHER, Rule::Permits(0)), "permits"),
            (FIRST, set(OTHER, Rule::Immunity(1)), "newcomers are pruned unseen"),
            (FIRST, set(OTHER, Rule::RevealWindow(0)), "reveal_window"),
            (FIRST, set(OTHER, Rule::RevealWindow(u64::MAX)), "immunity"),
            (FIRST, set(OTHER, Rule::BondsMovingAverage(980_000)), "choose from 0 to 975000"),
            (FIRST, set(OTHER, Rule::BondsMovingAverage(u32::MAX)), "must not pass 1000000"),
            (FIRST, set(OTHER, Rule::MinimumBurn(Amount(u64::MAX))), "between minimum and maximum"),
        ],
    );
    network.accept(FIRST, set(OTHER, Rule::BondsPenalty(7)));
    check(&mut network, [(FIRST, set(OTHER, Rule::BondsPenalty(8)), "can change again at height 13")]);
    network.idle_to(16);
    check(&mut network, [(FIRST, set(OTHER, Rule::BondsPenalty(8)), "frozen while its epoch ends")]);
}

#[test]
fn willingness_to_settle() {
    check(&mut network(), [(FIRST, settle(STRANGER), "is unknown"), (FIRST, settle(2), "belongs to")]);
}

#[test]
fn children() {
    let mut network = network();
    let mut order: Vec<u8> = (1..=7).collect();
    order.sort_unstable_by_key(|n| hot(*n));
    let others: Vec<(u8, u64)> = order.iter().filter(|n| **n != 1).map(|n| (*n, 1)).collect();
    let (low, high) = (others[0].0, others[1].0);
    check(
        &mut network,
        [
            (FIRST, lend(NOWHERE, 1, &[]), "there is no subnet 9"),
            (FIRST, lend(SUBNET, STRANGER, &[]), "is unknown"),
            (RICH, lend(SUBNET, 1, &[]), "belongs to"),
            (FIRST, lend(SUBNET, 1, &others), "6 children are too many: name at most 5"),
            (FIRST, lend(SUBNET, 1, &[(high, 1), (low, 1)]), "out of order"),
            (FIRST, lend(SUBNET, 1, &[(low, 1), (low, 1)]), "out of order"),
            (FIRST, lend(SUBNET, 1, &[(1, 1)]), "among its own children"),
            (FIRST, lend(SUBNET, 1, &[(low, 0)]), "a part of nothing"),
            (FIRST, lend(SUBNET, 1, &[(low, u64::MAX), (high, 1)]), "sum to more than the whole"),
            (FIRST, lend(SUBNET, 1, &[(STRANGER, 1)]), "is unknown"),
            (FOURTH, lend(SUBNET, 4, &[(1, 1)]), "0.000000000 of 50.000000000 coins (50.000000000 missing)"),
        ],
    );
    network.accept(FIRST, lend(SUBNET, 1, &[(2, 1)]));
    let parent = "is another's parent or child, not both";
    check(
        &mut network,
        [
            (FIRST, lend(SUBNET, 1, &[]), "can change again at height 4"),
            (SECOND, lend(SUBNET, 2, &[(1, 1)]), parent),
        ],
    );
    network.idle_to(12);
    network.accept(FIRST, lend(SUBNET, 1, &[]));
    check(&mut network, [(SECOND, lend(SUBNET, 2, &[(1, 1)]), parent)]);
    network.accept(SECOND, lend(OTHER, 2, &[(1, 1)]));
}

#[test]
fn takes_on_borrowed_stake() {
    let mut network = network();
    network.accept(FIRST, keep(SUBNET, 1, 500));
    check(
        &mut network,
        [
            (FIRST, keep(NOWHERE, 1, 0), "there is no subnet 9"),
            (FIRST, keep(SUBNET, STRANGER, 0), "is unknown"),
            (RICH, keep(SUBNET, 1, 0), "belongs to"),
            (FIRST, keep(SUBNET, 1, 1_801), "at most 1800 are allowed"),
            (FIRST, keep(SUBNET, 1, 501), "stays at 500 basis points or falls until height 11"),
        ],
    );
}

#[test]
fn commits() {
    let mut network = network();
    let row: &[(u16, u16)] = &[(3, 1)];
    let elsewhere = |network: &Network| {
        let commit = Commit { netuid: NOWHERE, ..(*network.commit(1, 0, row).commits[0]).clone() };
        Inputs { commits: vec![network.sign(1, commit)], ..Inputs::default() }
    };
    for (commit, reason) in [
        (elsewhere(&network), "there is no subnet 9"),
        (network.commit(STRANGER, 0, row), "has no slot in subnet 1"),
        (network.commit(4, 0, row), "has 0.000000000 of 50.000000000 coins (50.000000000 missing) staked"),
        (network.commit(1, 1, row), "commits for epoch 1 of subnet 1, which is in epoch 0"),
        (network.commit(1, u64::MAX, row), "which is in epoch 0"),
    ] {
        network.refuse(&commit, reason);
    }
    network.settle(&network.commit(1, 0, row)).expect("the first");
    let again = network.commit(1, 0, &[]);
    network.refuse(&again, "has committed in epoch 0");
    network.idle_to(3);
    network.refuse(&again, "commits for epoch 0 of subnet 1, which is in epoch 1");
}

#[test]
fn reveals() {
    let mut network = network();
    let row: &[(u16, u16)] = &[(6, 1)];
    network.settle(&network.commit(1, 0, row)).expect("hidden");
    let reveal = network.reveal(1, 0, row);
    network.refuse(&reveal, "in epochs 1..=1");
    network.idle_to(3);
    let elsewhere = Reveal { netuid: NOWHERE, ..(*reveal.reveals[0]).clone() };
    let elsewhere = Inputs { reveals: vec![network.sign(1, elsewhere)], ..Inputs::default() };
    for (reveal, reason) in [
        (elsewhere, "there is no subnet 9"),
        (network.reveal(STRANGER, 0, row), "has no slot in subnet 1"),
        (network.reveal(4, 0, row), "has 0.000000000 of 50.000000000 coins (50.000000000 missing) staked"),
        (network.reveal(2, 0, row), "has no commit of epoch 0 waiting in subnet 1"),
        (network.reveal(1, 0, &[]), "reveals another row"),
        (network.reveal(1, u64::MAX, row), "in epochs 18446744073709551615..=18446744073709551615"),
        (reveal.clone(), "gives weight to uid 6 of 6 in subnet 1"),
    ] {
        network.refuse(&reveal, reason);
    }
    network.idle_to(6);
    network.refuse(&reveal, "in epochs 1..=1");
}
