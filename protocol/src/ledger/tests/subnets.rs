//! Subnets: how emission is divided between them, and how they come, change and go.
use super::*;
use crate::yuma::Share;

const OTHER: Netuid = Netuid(2);

/// Two subnets that begin with equal shares.
fn two() -> Network {
    let mut genesis = genesis();
    let other = crate::genesis::GenesisSubnet { netuid: OTHER, ..genesis.subnets[0].clone() };
    genesis.subnets.push(other);
    genesis.accounts.extend(VALIDATORS.map(|(n, _)| (cold(COLD + n), Amount::coins(1))));
    Network::of(&genesis)
}

fn prefer(network: &mut Network, validators: &[u8], row: &[(Netuid, u16)]) {
    for n in validators {
        let action = Action::Prefer { hotkey: hot(*n), row: row.to_vec() };
        network.settle(&network.order(COLD + n, action)).expect("its owner says so");
    }
}

fn thousandths(network: &Network, netuid: Netuid) -> i64 {
    network.ledger.share(netuid).expect("it is there").bits() * 1_000 / Share::ONE.bits()
}

#[test]
fn what_more_than_half_of_the_stake_prefers_wins_in_the_long_run() {
    let mut network = two();
    assert_eq!((thousandths(&network, SUBNET), thousandths(&network, OTHER)), (500, 500));
    prefer(&mut network, &[1, 2], &[(SUBNET, 1), (OTHER, 3)]);
    let height = network.ledger.height();
    let before = thousandths(&network, OTHER);
    network.idle_to(height + 10);
    let after = thousandths(&network, OTHER);
    assert!((750 - after) * 2 - (750 - before) <= 2, "half of the way: {before} to {after}");
    network.idle_to(height + 200);
    assert_eq!(thousandths(&network, OTHER), 749);
    assert!(network.ledger.supply().check());
}

#[test]
fn half_of_the_stake_cannot_move_emission_to_a_subnet_of_its_own() {
    let mut network = two();
    prefer(&mut network, &[1], &[(OTHER, 1)]);
    network.idle_to(100);
    assert_eq!(thousandths(&network, OTHER), 500, "500 of 1000 coins are not more than half");
    prefer(&mut network, &[2, 3], &[(SUBNET, 1)]);
    let (height, before) = (network.ledger.height(), thousandths(&network, OTHER));
    network.idle_to(height + 100);
    assert_eq!(thousandths(&network, OTHER), before, "nor can the other half");
}

#[test]
fn a_short_burst_gains_little_and_not_for_long() {
    let mut network = two();
    prefer(&mut network, &[1, 2], &[(SUBNET, 1), (OTHER, 1)]);
    prefer(&mut network, &[1, 2], &[(OTHER, 1)]);
    prefer(&mut network, &[1, 2], &[(SUBNET, 1), (OTHER, 1)]);
    // Three settlements in a half-life of ten: 1 - 2^-0.3 of the other half.
    assert!(thousandths(&network, OTHER) <= 594, "{}", thousandths(&network, OTHER));
    let height = network.ledger.height();
    network.idle_to(height + 60);
    assert!(thousandths(&network, OTHER) <= 501);
}

#[test]
fn emission_follows_shares_to_the_unit() {
    let mut network = two();
    prefer(&mut network, &[1, 2, 3], &[(OTHER, 1)]);
    network.idle_to(400);
    let paid = |netuid| network.ledger.metagraph(netuid).expect("it is there").payout;
    let of = |payout: Payout| payout.owner.0 + payout.miners.0 + payout.validators.0 + payout.burned.0;
    let (first, other) = (of(paid(SUBNET)), of(paid(OTHER)));
    assert!(first * 1_000 < other, "{first} and {other}");
    assert!(network.ledger.supply().check());
}

pub(super) fn found(limit: Option<Amount>) -> Action {
    Action::Found { task: "sums".to_owned(), limit }
}

#[track_caller]
pub(super) fn refuse(network: &mut Network, n: u8, action: Action, reason: &str) {
    let order = network.order(n, action);
    let before = network.ledger.root();
    let refusal = network.settle(&order).expect_err("must be refused").to_string();
    assert!(refusal.contains(reason), "{refusal}");
    assert_eq!(network.ledger.root(), before);
}

#[track_caller]
pub(super) fn accept(network: &mut Network, n: u8, action: Action) {
    network.settle(&network.order(n, action)).expect("must be accepted");
}

#[test]
fn founding_locks_a_price_that_doubles_and_halves() {
    let mut network = Network::new();
    assert_eq!(network.ledger.lock_price(), Amount::coins(100));
    accept(&mut network, RICH, found(None));
    assert_eq!(network.ledger.supply().locks, Amount::coins(100));
    assert!(network.ledger.lock_price() > Amount::coins(199), "{}", network.ledger.lock_price());
    refuse(&mut network, RICH, found(Some(Amount::coins(150))), "150.000000000 of 199.");
    network.idle_to(1_001);
    let price = network.ledger.lock_price();
    assert!(price.0.abs_diff(Amount::coins(100).0) < Amount::coins(1).0, "{price}");
    network.idle_to(1_100);
    assert_eq!(network.ledger.lock_price(), Amount::coins(100), "no lower than it began");
}

#[test]
fn a_new_subnet_has_the_rules_of_the_network_and_earns_once_it_is_started_and_preferred() {
    let mut network = two();
    accept(&mut network, RICH, found(None));
    let third = Netuid(3);
    assert_eq!(network.ledger.hyperparameters(third), Some(&network.ledger.parameters().founding.defaults));
    assert_eq!(thousandths(&network, third), 0);
    accept(&mut network, RICH, Action::Register { netuid: third, hotkey: hot(40), limit: None });
    assert_eq!(network.ledger.slot(third, &hot(40)), Some(Uid(0)));
    prefer(&mut network, &[1, 2], &[(third, 1)]);
    network.idle_to(20);
    assert_eq!(thousandths(&network, third), 0, "nobody started it");
    accept(&mut network, RICH, Action::Start { netuid: third });
    network.idle_to(30);
    assert!(thousandths(&network, third) > 450, "{}", thousandths(&network, third));
}

#[test]
fn one_subnet_too_many_ends_the_weakest_and_its_founder_has_the_lock_back() {
    let mut genesis = genesis();
    (genesis.parameters.founding.limit, genesis.parameters.founding.immunity) = (2, 10);
    genesis.parameters.founding.start_delay = 2;
    genesis.accounts.push((cold(50), Amount::coins(1_000)));
    let mut network = Network::of(&genesis);
    accept(&mut network, RICH, found(None));
    accept(&mut network, RICH, Action::Register { netuid: OTHER, hotkey: hot(40), limit: None });
    network.idle_to(9);
    refuse(&mut network, 50, found(None), "none is old and weak enough");
    network.idle_to(11);
    let before = network.ledger.balance(&cold(RICH));
    accept(&mut network, 50, found(None));
    assert_eq!(network.ledger.netuids(), [SUBNET, Netuid(3)], "no number is used twice");
    assert_eq!(network.ledger.balance(&cold(RICH)).0 - before.0, Amount::coins(100).0);
    assert_eq!(network.ledger.slot(OTHER, &hot(40)), None);
    assert!(network.ledger.supply().check());
    refuse(&mut network, 50, Action::Found { task: String::new(), limit: None }, "1 to 64");
}

#[test]
fn only_its_owner_starts_a_subnet_once_and_not_at_once() {
    let mut network = Network::new();
    accept(&mut network, RICH, found(None));
    let start = |netuid| Action::Start { netuid };
    refuse(&mut network, RICH, start(Netuid(9)), "no subnet 9:");
    refuse(&mut network, 1, start(OTHER), "sign with its owner's key");
    refuse(&mut network, RICH, start(SUBNET), "sign with its owner's key");
    refuse(&mut network, RICH, start(OTHER), "started from height 11 on");
    network.idle_to(9);
    refuse(&mut network, RICH, start(OTHER), "started from height 11 on");
    network.idle_to(10);
    accept(&mut network, RICH, start(OTHER));
    refuse(&mut network, RICH, start(OTHER), "subnet 2 was started before");
}

#[test]
fn what_is_preferred_before_its_start_is_left_out_of_the_division() {
    let mut network = two();
    accept(&mut network, RICH, found(None));
    prefer(&mut network, &[1, 2, 3], &[(SUBNET, 1), (OTHER, 1), (Netuid(3), 8)]);
    network.idle_to(100);
    let shares = [SUBNET, OTHER, Netuid(3)].map(|netuid| thousandths(&network, netuid));
    assert_eq!(shares, [499, 499, 0], "as if the third were not named");
    assert_eq!(network.ledger.metagraph(Netuid(3)).expect("it is there").payout, Payout::default());
}
