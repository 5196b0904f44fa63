//! Rules that an owner changes: which, how far, how often and when.
use super::subnets::{accept, refuse};
use super::*;
use crate::subnet::Rule;
use crate::yuma::Share;

/// A subnet of [`RICH`]'s, of which six heights are settled: two epochs.
fn owned_where(change: impl Fn(&mut Genesis)) -> Network {
    let mut genesis = genesis();
    genesis.subnets[0].owner = Some(cold(RICH));
    change(&mut genesis);
    let mut network = Network::of(&genesis);
    network.idle_to(6);
    network
}

fn owned() -> Network {
    owned_where(|_| {})
}

fn set(rule: Rule) -> Action {
    Action::SetRule { netuid: SUBNET, rule }
}

#[test]
fn an_owner_sets_each_of_its_rules() {
    for (rule, name) in [
        (Rule::Tempo(4), "\"tempo\":4,"),
        (Rule::RevealWindow(2), "\"reveal_window\":2,"),
        (Rule::Immunity(40), "\"immunity\":40,"),
        (Rule::MinimumPrunable(128), "\"minimum_prunable\":128,"),
        (Rule::Permits(128), "\"permits\":128,"),
        (Rule::MinimumWeights(9), "\"minimum_weights\":9,"),
        (Rule::BondsPenalty(7), "\"bonds_penalty\":7,"),
        (Rule::BondsMovingAverage(975_000), "\"bonds_moving_average\":975000,"),
        (Rule::LiquidAlpha(true), "\"on\":true,"),
        (Rule::LiquidLow(1_638), "\"low\":1638,"),
        (Rule::LiquidHigh(65_535), "\"high\":65535,"),
        (Rule::LiquidSteepness(4_000), "\"steepness\":4000}"),
        (Rule::MinimumBurn(Amount::coins(1)), "\"minimum\":1000000000,"),
        (Rule::MaximumBurn(Amount::coins(1)), "\"maximum\":1000000000,"),
        (Rule::BurnHalfLife(1), "\"half_life\":1,"),
        (Rule::BurnMultiplier(100), "\"multiplier\":100}"),
    ] {
        let mut network = owned();
        accept(&mut network, RICH, set(rule));
        let rules = serde_json::to_string(network.ledger.hyperparameters(SUBNET).expect("it is there"));
        let rules = rules.expect("serialisable");
        assert!(rules.contains(name), "{name} in {rules}");
    }
}

#[test]
fn a_rule_out_of_bounds_or_not_the_signers_to_set_is_refused() {
    let mut network = owned();
    for (rule, reason) in [
        (Rule::Tempo(0), "tempo must be at least 1"),
        (Rule::Tempo(2), "tempo 2 is beyond the network's limits: choose from 3"),
        (Rule::Tempo(421), "immunity must last"),
        (Rule::RevealWindow(0), "reveal_window must be at least 1"),
        (Rule::RevealWindow(u64::MAX), "immunity must last"),
        (Rule::Immunity(5), "newcomers are pruned unseen"),
        (Rule::MinimumPrunable(129), "choose from 0 to 128"),
        (Rule::Permits(0), "permits must be at least 1"),
        (Rule::Permits(129), "choose from 1 to 128"),
        (Rule::BondsMovingAverage(975_001), "choose from 0 to 975000"),
        (Rule::LiquidLow(1_637), "liquid.low must be at least 1638"),
        (Rule::LiquidLow(58_983), "liquid.high must not be lower"),
        (Rule::LiquidHigh(45_874), "liquid.high must not be lower"),
        (Rule::LiquidSteepness(0), "liquid.steepness must be 1 to 4000"),
        (Rule::LiquidSteepness(4_001), "liquid.steepness must be 1 to 4000"),
        (Rule::MinimumBurn(Amount(1_000_000_001)), "choose from 0.000000000 to 1.000000000"),
        (Rule::MaximumBurn(Amount(99_999_999)), "choose from 0.1"),
        (Rule::BurnHalfLife(36_001), "choose from 1 to 36000"),
        (Rule::BurnMultiplier(301), "choose from 100 to 300"),
        (Rule::BurnHalfLife(0), "burn.half_life must be at least 1"),
        (Rule::BurnMultiplier(99), "burn.multiplier must be at least 100"),
    ] {
        refuse(&mut network, RICH, set(rule), reason);
    }
    refuse(&mut network, 1, set(Rule::Permits(8)), "sign with its owner's key");
    let rule = Rule::Permits(8);
    refuse(&mut network, RICH, Action::SetRule { netuid: Netuid(9), rule }, "no subnet 9:");
}

#[test]
fn long_epochs_and_windows_are_bounded_for_owners_whatever_the_immunity() {
    let mut patient = owned_where(|g| g.subnets[0].hyperparameters.immunity = 1_000);
    refuse(&mut patient, RICH, set(Rule::Tempo(421)), "tempo 421 is beyond");
    refuse(&mut patient, RICH, set(Rule::RevealWindow(101)), "choose from 1 to 100");
    accept(&mut patient, RICH, set(Rule::RevealWindow(100)));
}

#[test]
fn an_owner_cannot_make_the_time_to_reveal_too_short() {
    let two_at_least = |g: &mut Genesis| g.parameters.founding.limits.least_tempo = 2;
    let mut network = owned_where(two_at_least);
    refuse(&mut network, RICH, set(Rule::Tempo(2)), "or reveals can be kept out");
    let mut network = owned_where(|g| {
        two_at_least(g);
        g.subnets[0].hyperparameters.reveal_window = 2;
    });
    accept(&mut network, RICH, set(Rule::Tempo(2)));
    network.idle_to(13);
    refuse(&mut network, RICH, set(Rule::RevealWindow(1)), "or reveals can be kept out");
}

#[test]
fn a_new_tempo_counts_from_the_next_epoch() {
    let mut network = owned();
    let spans = |network: &Network| {
        let epoch = network.ledger.present_epoch(SUBNET).expect("it is there");
        (epoch.index, epoch.first, epoch.last)
    };
    assert_eq!(spans(&network), (2, 7, 9));
    accept(&mut network, RICH, set(Rule::Tempo(5)));
    assert_eq!(spans(&network), (2, 7, 9), "the present epoch ends as it was to");
    network.idle_to(9);
    assert_eq!(spans(&network), (3, 10, 14));
    network.idle_to(14);
    assert_eq!(spans(&network), (4, 15, 19));
}

#[test]
fn rules_change_once_in_two_tempos_and_versions_once_in_five() {
    let mut network = owned();
    accept(&mut network, RICH, set(Rule::BondsPenalty(7)));
    network.idle_to(11);
    refuse(&mut network, RICH, set(Rule::BondsPenalty(8)), "can change again at height 13");
    network.idle_to(12);
    refuse(&mut network, RICH, set(Rule::WeightsVersion(8)), "can change again at height 22");
    accept(&mut network, RICH, set(Rule::BondsPenalty(8)));
    network.idle_to(26);
    refuse(&mut network, RICH, set(Rule::WeightsVersion(8)), "can change again at height 28");
    network.idle_to(27);
    accept(&mut network, RICH, set(Rule::WeightsVersion(8)));
    assert_eq!(network.ledger.hyperparameters(SUBNET).expect("it is there").weights_version, 8);
}

#[test]
fn rules_do_not_change_in_the_last_settlements_of_an_epoch() {
    for freeze in [0, 1, 3] {
        let mut network = owned_where(|g| {
            (g.parameters.founding.freeze, g.subnets[0].hyperparameters.tempo) = (freeze, 5);
            (g.parameters.founding.limits.least_tempo, g.parameters.founding.defaults.tempo) = (4, 5);
        });
        network.idle_to(10);
        for height in 11..=20 {
            let mut asked = Network { ledger: network.ledger.clone(), signers: network.signers.clone() };
            // Epochs end at heights 15 and 20.
            let frozen = (height - 1) % 5 >= 5 - freeze;
            let until = if height > 15 { 21 } else { 16 };
            match frozen {
                true => refuse(&mut asked, RICH, set(Rule::Permits(8)), &format!("at height {until}")),
                false => accept(&mut asked, RICH, set(Rule::Permits(8))),
            }
            network.idle_to(height);
        }
    }
}

#[test]
fn a_new_subnet_is_left_alone_for_two_tempos() {
    let mut network = Network::new();
    accept(&mut network, RICH, subnets::found(None));
    let action = Action::SetRule { netuid: Netuid(2), rule: Rule::Permits(8) };
    refuse(&mut network, RICH, action.clone(), "can change again at height 7");
    network.idle_to(6);
    accept(&mut network, RICH, action);
}

#[test]
fn liquid_bonds_move_at_their_own_speed() {
    let bond = |on| {
        let mut genesis = genesis();
        genesis.subnets[0].hyperparameters.liquid.on = on;
        let mut network = Network::of(&genesis);
        let row: &[(u16, u16)] = &[(3, 1)];
        (0..2).for_each(|_| network.epoch_of(&[(1, row), (2, row), (3, row)]));
        network.ledger.bonds.get(&(SUBNET, Uid(0))).expect("it voted")[0].1
    };
    assert_eq!(bond(false), Share::ONE - Share::ratio(9, 10));
    let liquid = bond(true); // 0.7 and a little: what all agree on is bought slowly
    assert!((Share::ratio(7, 10)..Share::ratio(71, 100)).contains(&liquid), "{liquid}");
}
