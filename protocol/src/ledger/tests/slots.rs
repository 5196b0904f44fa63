//! Registration: its price, and who makes room.
use super::*;
use crate::amount::COIN;

fn register(n: u8) -> Action {
    Action::Register { netuid: SUBNET, hotkey: hot(n), limit: None }
}

/// A subnet of as many slots as there are neurons, each immune for `immunity` settlements.
fn full(immunity: u64) -> Network {
    let mut genesis = genesis();
    let rules = &mut genesis.subnets[0].hyperparameters;
    rules.slots = 6;
    rules.immunity = immunity;
    rules.minimum_prunable = 2;
    rules.permits = 6;
    Network::of(&genesis)
}

#[test]
fn a_registration_burns_the_price_and_raises_it() {
    let mut network = Network::new();
    let price = network.ledger.price(SUBNET).expect("there");
    assert_eq!(price, Amount::coins(1));
    network.settle(&network.order(RICH, register(40))).expect("funded");
    assert_eq!(network.ledger.slot(SUBNET, &hot(40)), Some(Uid(6)));
    assert_eq!(network.ledger.burned().registrations, price);
    let raised = network.ledger.price(SUBNET).expect("there").0;
    assert!((COIN * 125 / 100..COIN * 126 / 100).contains(&raised), "{raised}");
}

#[test]
fn an_unwanted_price_halves_in_its_half_life() {
    let mut network = Network::new();
    network.idle_to(360);
    let price = network.ledger.price(SUBNET).expect("there").0;
    assert_eq!(price, 499_999_865); // executed by the reference chain
}

#[test]
fn the_least_earning_makes_room() {
    let mut network = full(6);
    let row: &[(u16, u16)] = &[(3, 3), (4, 2), (5, 4)];
    for _ in 0..3 {
        network.epoch_of(&[(1, row), (2, row), (3, row)]);
    }
    network.settle(&network.order(RICH, register(40))).expect("room is made");
    assert_eq!(network.ledger.slot(SUBNET, &hot(3)), None, "validator 3 earns the least");
    assert_eq!(network.ledger.slot(SUBNET, &hot(40)), Some(Uid(2)));
    let late = network.commit(3, 3, row);
    assert!(network.settle(&late).is_err(), "votes leave with the slot");
    assert_eq!(network.ledger.stake_of(&hot(3)).0 / COIN, 200, "stake does not");
}

#[test]
fn the_immune_stay_while_others_can_go() {
    let mut network = full(6);
    network.idle_to(6);
    for n in 40..44 {
        network.settle(&network.order(RICH, register(n))).expect("room is made");
    }
    let there: Vec<_> = (40..44).filter(|n| network.ledger.slot(SUBNET, &hot(*n)).is_some()).collect();
    assert_eq!(there, [40, 41, 42, 43], "four of the first six made room");
    // Two of the first are left, too few to choose from: the immune are pruned, oldest first.
    network.settle(&network.order(RICH, register(44))).expect("room is made");
    assert_eq!(network.ledger.slot(SUBNET, &hot(40)), None);
}

#[test]
fn the_owners_oldest_slot_is_never_pruned() {
    let mut genesis = genesis();
    genesis.subnets[0].owner = Some(cold(COLD + 1));
    genesis.subnets[0].hyperparameters.slots = 6;
    let mut network = Network::of(&genesis);
    network.settle(&network.order(RICH, register(40))).expect("room is made");
    assert_eq!(network.ledger.slot(SUBNET, &hot(1)), Some(Uid(0)));
    assert_eq!(network.ledger.slot(SUBNET, &hot(2)), None);
}

#[test]
fn of_an_owners_slots_all_but_the_oldest_are_pruned_like_any() {
    let mut genesis = genesis();
    genesis.subnets[0].owner = Some(cold(RICH));
    let rules = &mut genesis.subnets[0].hyperparameters;
    (rules.slots, rules.immunity, rules.minimum_prunable) = (2, 6, 0);
    genesis.neurons = vec![neuron(1, 500)];
    genesis.subnets[0].hyperparameters.permits = 1;
    let mut network = Network::of(&genesis);
    network.signers.truncate(1);
    network.settle(&network.order(RICH, register(40))).expect("a slot is empty");
    network.idle_to(7);
    network.settle(&network.order(RICH, register(41))).expect("validator 1 makes room");
    network.idle_to(13);
    for newcomer in [42, 43] {
        network.settle(&network.order(RICH, register(newcomer))).expect("the owner's second makes room");
        let seated = [40, 41, 42, 43].map(|n| network.ledger.slot(SUBNET, &hot(n)).is_some());
        assert_eq!(seated, [true, false, newcomer == 42, newcomer == 43]);
        network.idle_to(20);
    }
}

#[test]
fn a_subnet_whose_owner_has_the_only_slot_is_full() {
    let mut genesis = genesis();
    genesis.subnets[0].owner = Some(cold(COLD + 1));
    genesis.neurons.truncate(1);
    (genesis.subnets[0].hyperparameters.slots, genesis.subnets[0].hyperparameters.permits) = (1, 1);
    let mut network = Network::of(&genesis);
    let order = network.order(RICH, register(40));
    let refusal = network.settle(&order).expect_err("nobody may go");
    assert_eq!(refusal, Refusal::Full { netuid: SUBNET, slots: 1 });
}

#[test]
fn who_was_pruned_comes_back_as_a_newcomer_with_its_stake() {
    let mut genesis = genesis();
    genesis.accounts.push((cold(COLD + 3), Amount::coins(50)));
    let rules = &mut genesis.subnets[0].hyperparameters;
    (rules.slots, rules.immunity, rules.minimum_prunable, rules.permits) = (6, 6, 2, 6);
    let mut network = Network::of(&genesis);
    let row: &[(u16, u16)] = &[(3, 3), (4, 2), (5, 4)];
    (0..3).for_each(|_| network.epoch_of(&[(1, row), (2, row), (3, row)]));
    network.settle(&network.order(RICH, register(40))).expect("validator 3 makes room");
    let stake = network.ledger.stake_of(&hot(3));
    let anothers = network.settle(&network.order(RICH, register(3))).expect_err("not its owner");
    assert!(matches!(anothers, Refusal::NotOwner { .. }), "{anothers}");
    network.settle(&network.order(COLD + 3, register(3))).expect("its owner buys another slot");
    let uid = network.ledger.slot(SUBNET, &hot(3)).expect("it is back");
    assert_ne!(uid, Uid(2), "its old slot is the newcomer's, and immune");
    let slot = network.ledger.slots.get(&(SUBNET, uid)).expect("taken");
    assert_eq!((slot.registered, slot.permit, slot.emission), (11, false, Amount::ZERO));
    assert_eq!(network.ledger.bonds.get(&(SUBNET, uid)), None);
    assert_eq!(network.ledger.stake_of(&hot(3)), stake);
    network.idle_to(12);
    assert!(network.ledger.may_vote(SUBNET, &hot(3)), "its stake earns a permit again");
}

#[test]
fn votes_for_a_slots_former_holder_do_not_pay_the_newcomer() {
    let mut network = full(6);
    network.idle_to(6);
    let row: &[(u16, u16)] = &[(3, 1), (4, 1), (5, 1)];
    network.epoch_of(&[]);
    for (n, _) in VALIDATORS {
        network.settle(&network.commit(n, 3, row)).expect("in time");
    }
    let slot = network.ledger.slots.get_mut(&(SUBNET, Uid(3))).expect("taken");
    *slot = Slot::new(hot(40), network.ledger.chain.only().height, Attendance::default());
    network.ledger.adopt(hot(40), cold(RICH));
    for (n, _) in VALIDATORS {
        network.settle(&network.reveal(n, 3, row)).expect("in time");
    }
    assert_eq!(network.earned(40), Amount::ZERO);
    assert!(network.earned(5) > Amount::ZERO);
}

#[test]
fn the_owner_of_a_subnet_takes_its_cut_but_cannot_mine() {
    let mut genesis = genesis();
    genesis.subnets[0].owner = Some(cold(COLD + 4));
    let mut network = Network::of(&genesis);
    let row: &[(u16, u16)] = &[(3, 1), (4, 1)];
    (0..2).for_each(|_| network.epoch_of(&[(1, row), (2, row), (3, row)]));
    let payout = network.ledger.metagraph(SUBNET).expect("there").payout;
    assert_eq!(payout.owner, Amount(250_000_000 * 18 / 100));
    assert_eq!(network.ledger.balance(&cold(COLD + 4)), payout.owner);
    assert_eq!(network.earned(4), Amount::ZERO);
    assert_eq!(network.earned(5), payout.miners);
}
