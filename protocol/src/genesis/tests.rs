//! What a genesis may not say.
use super::*;

fn neuron(n: u8, coins: u64) -> GenesisNeuron {
    GenesisNeuron {
        netuid: Netuid(1),
        hotkey: Hotkey([n; 32]),
        coldkey: Coldkey(Hotkey([n + 100; 32])),
        stake: Amount::coins(coins),
        settles: coins > 0,
        permit: coins > 0,
    }
}

fn dev() -> Genesis {
    Genesis::dev(0, (1..=4).map(|n| neuron(n, 100)).collect())
}

#[track_caller]
fn refuses(expected: &str, change: impl Fn(&mut Genesis)) {
    let mut genesis = dev();
    change(&mut genesis);
    let error = genesis.check().expect_err(expected).to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn numbers_out_of_bounds_are_refused_by_name() {
    refuses("subnet 1: tempo must be at least 1", |g| {
        g.subnets[0].hyperparameters.tempo = 0;
    });
    refuses("reveal_window", |g| {
        g.subnets[0].hyperparameters.reveal_window = 0;
    });
    refuses("burn.half_life", |g| {
        g.subnets[0].hyperparameters.burn.half_life = 0;
    });
    refuses("burn.multiplier", |g| {
        g.subnets[0].hyperparameters.burn.multiplier = 99;
    });
    refuses("burn.start", |g| {
        g.subnets[0].hyperparameters.burn.maximum = Amount(1);
    });
    refuses("cuts", |g| g.subnets[0].hyperparameters.owner_cut = 9_000);
    refuses("slots", |g| g.subnets[0].hyperparameters.slots = 5_000);
    refuses("immunity", |g| g.subnets[0].hyperparameters.immunity = 5);
    refuses("subnet 1: liquid.low must be at least 1638", |g| {
        g.subnets[0].hyperparameters.liquid.low = 1_637;
    });
    refuses("liquid.high", |g| {
        g.subnets[0].hyperparameters.liquid.high = 45_874;
    });
    refuses("liquid.steepness", |g| {
        g.subnets[0].hyperparameters.liquid.steepness = 4_001;
    });
    refuses("subnet 1: tempo must be longer than founding.freeze", |g| {
        (g.parameters.founding.freeze, g.parameters.founding.limits.least_tempo) = (3, 4);
        g.parameters.founding.defaults.tempo = 4;
    });
    refuses("founding.freeze must be shorter than limits.least_tempo", |g| g.parameters.founding.freeze = 3);
    refuses("limits.least_tempo must not pass", |g| g.parameters.founding.limits.most_tempo = 2);
    refuses("founding.start_delay", |g| g.parameters.founding.start_delay = 600);
    refuses("task", |g| g.subnets[0].task = "x".repeat(65));
    refuses("set_period", |g| g.parameters.set_period = 0);
    refuses("interval", |g| g.parameters.interval = 0);
    refuses("settling_set", |g| g.parameters.settling_set = 0);
    refuses("settling_set must not pass 512", |g| g.parameters.settling_set = 513);
    refuses("trusting_period", |g| g.parameters.trusting_period = 60);
    let leaves = "evidence_expiry and set_period must together be shorter than unbonding";
    refuses(leaves, |g| g.parameters.evidence_expiry = 57);
    refuses(leaves, |g| g.parameters.set_period = u64::MAX);
    refuses("child_change", |g| g.parameters.child_change = 11);
    refuses("minimum_stake", |g| g.parameters.minimum_stake = Amount::ZERO);
    refuses("default_take", |g| g.parameters.default_take = 1_801);
    refuses("subnet 1: tempo must not pass 2^32", |g| {
        let rules = &mut g.subnets[0].hyperparameters;
        (rules.tempo, rules.immunity) = (u64::MAX, u64::MAX);
    });
    refuses("time must not pass 2^48", |g| g.time = u64::MAX);
    refuses("gossip_window must not pass 2^48", |g| g.parameters.gossip_window = u64::MAX);
    refuses("unbonding must not pass 2^48", |g| g.parameters.unbonding = u64::MAX);
}

#[test]
fn neurons_that_do_not_fit_are_refused_by_name() {
    refuses("twice in subnet 1", |g| g.neurons.push(neuron(1, 5)));
    refuses("which does not exist", |g| g.neurons[0].netuid = Netuid(3));
    refuses("4 neurons and room for 3", |g| {
        g.subnets[0].hyperparameters.slots = 3;
    });
    refuses("4 permits and room for 3", |g| {
        g.subnets[0].hyperparameters.permits = 3;
    });
    refuses("two owners", |g| {
        g.subnets.push(GenesisSubnet { netuid: Netuid(2), ..g.subnets[0].clone() });
        g.neurons.push(GenesisNeuron {
            netuid: Netuid(2),
            coldkey: Coldkey(Hotkey([9; 32])),
            ..neuron(1, 1)
        });
    });
    refuses("sort by netuid", |g| g.subnets.push(g.subnets[0].clone()));
}

#[test]
fn a_network_that_nobody_settles_is_refused() {
    refuses("nobody settles", |g| {
        g.neurons.iter_mut().for_each(|n| n.settles = false);
    });
    refuses("at least 101.0", |g| {
        g.parameters.minimum_self_stake = Amount::coins(101);
    });
    refuses("nobody settles", |g| g.neurons.clear());
}

#[test]
fn more_coins_than_may_exist_are_refused() {
    let account = Coldkey(Hotkey([8; 32]));
    refuses("at most 21000000", |g| {
        g.accounts.push((account, Amount::coins(20_999_601)));
    });
    refuses("at most 21000000", |g| {
        g.accounts.push((account, Amount(u64::MAX)));
    });
    refuses("appears twice", |g| {
        g.accounts = vec![(account, Amount(1)), (account, Amount(2))];
    });
}

#[test]
fn a_third_of_the_stake_cannot_keep_a_reveal_out() {
    let equals = |n: u8| Genesis::dev(0, (1..=n).map(|n| neuron(n, 100)).collect());
    assert_eq!(equals(4).proposers_beyond_a_third(), 2);
    assert_eq!(equals(16).proposers_beyond_a_third(), 6);
    assert_eq!(equals(16).check(), Ok(()), "dev lengthens the tempo");
    let mut short = equals(16);
    short.subnets[0].hyperparameters.tempo = 5;
    let error = short.check().expect_err("too short").to_string();
    assert!(error.contains("subnet 1: rows can be revealed for 5 settlements, but it takes 6"), "{error}");
    let mut short = equals(16);
    short.parameters.founding.defaults.tempo = 5;
    let error = short.check().expect_err("too short").to_string();
    assert!(error.contains("founding.defaults: rows can be revealed for 5"), "{error}");
}

#[test]
fn the_hash_covers_rules_and_state_but_not_the_label() {
    let genesis = dev();
    let changed = |change: fn(&mut Genesis)| {
        let mut other = genesis.clone();
        change(&mut other);
        other.hash() != genesis.hash()
    };
    assert!(!changed(|g| g.name = "other".to_owned()));
    assert!(changed(|g| g.time = 1));
    assert!(changed(|g| g.parameters.interval = 1));
    assert!(changed(|g| g.neurons[0].stake = Amount(1)));
    assert!(changed(|g| g.subnets[0].task = "other".to_owned()));
}

#[test]
fn a_genesis_reads_back_from_json() {
    let text = serde_json::to_string(&dev()).expect("serialisable");
    assert_eq!(serde_json::from_str::<Genesis>(&text).expect("the same"), dev());
}

#[test]
fn the_public_networks_rules_are_sound() {
    let mut genesis = Genesis::dev(0, (1..=4).map(|n| neuron(n, 1_000)).collect());
    genesis.parameters = Parameters::testnet();
    genesis.subnets[0].hyperparameters = Hyperparameters::testnet();
    assert_eq!(genesis.check(), Ok(()));
}
