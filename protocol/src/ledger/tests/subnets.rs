//! Subnets: how emission is divided between them.
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
fn a_preference_that_names_nothing_or_is_anothers_is_refused() {
    let mut network = two();
    for (n, row, reason) in [
        (RICH, vec![(SUBNET, 1)], "belongs to"),
        (COLD + 1, vec![(Netuid(9), 1)], "no subnet 9"),
        (COLD + 1, vec![(OTHER, 1), (SUBNET, 1)], "out of order"),
        (COLD + 1, vec![(OTHER, 1), (OTHER, 1)], "out of order"),
    ] {
        let order = network.order(n, Action::Prefer { hotkey: hot(1), row });
        let before = network.ledger.root();
        let refusal = network.settle(&order).expect_err("must be refused").to_string();
        assert!(refusal.contains(reason), "{refusal}");
        assert_eq!(network.ledger.root(), before);
    }
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
