//! Who may commit and reveal, and what a row must be (spec section 6).
use super::votes::refused;
use super::*;
use crate::parameters::Hyperparameters;

const ROW: &[(u16, u16)] = &[(3, 65_535), (4, 32_768)];

impl Network {
    /// Changes rules without asking whether an owner may.
    fn rule(&mut self, change: impl Fn(&mut Hyperparameters)) {
        change(&mut self.ledger.subnets.get_mut(&SUBNET).expect("it is there").hyperparameters);
    }

    fn permit(&mut self, uid: u16, permit: bool) {
        self.ledger.slots.get_mut(&(SUBNET, Uid(uid))).expect("taken").permit = permit;
    }

    fn reveal_of(&self, n: u8, version: u64, row: &[(u16, u16)]) -> Inputs {
        Inputs { reveals: vec![self.sign(n, Reveal { version, ..shown(0, row) })], ..Inputs::default() }
    }

    /// Commits in epoch 0 to a row of some version, and goes on to epoch 1.
    fn hide(&mut self, n: u8, version: u64, row: &[(u16, u16)]) {
        let commitment = Reveal { version, ..shown(0, row) }.commitment(&hot(n));
        let commit = self.sign(n, Commit { netuid: SUBNET, epoch: 0, commitment });
        self.ledger.try_commit(&commit).expect("it may vote");
        self.idle_to(TEMPO);
    }
}

/// Key 1's row of version 3, committed to under `rules` and shown in epoch 1.
fn shown_under(rules: impl Fn(&mut Hyperparameters), row: &[(u16, u16)]) -> (Network, Inputs) {
    let mut network = Network::new();
    network.rule(rules);
    network.hide(1, 3, row);
    let reveal = network.reveal_of(1, 3, row);
    (network, reveal)
}

#[test]
fn a_commit_is_refused_by_the_first_rule_it_breaks() {
    let mut network = Network::new();
    let mut elsewhere = network.commit(77, 0, ROW);
    elsewhere.commits[0] = network.sign(77, Commit { netuid: Netuid(9), ..(*elsewhere.commits[0]).clone() });
    refused(&mut network, elsewhere, "no subnet 9");
    let stranger = network.commit(77, 0, ROW);
    refused(&mut network, stranger, "has no slot");
    let miner = network.commit(4, 0, ROW);
    refused(
        &mut network,
        miner.clone(),
        "coins (50.000000000 missing) staked that it takes to vote in subnet 1",
    );
    network.ledger.deposit(hot(4), cold(RICH), Amount::coins(50));
    assert!(matches!(network.ledger.try_commit(&miner.commits[0]), Err(Refusal::NoPermit { .. })));
    network.permit(3, true);
    network.ledger.try_commit(&miner.commits[0]).expect("stake, permit and slot");
}

#[test]
fn a_reveal_is_refused_by_the_first_rule_it_breaks() {
    // Two targets too many, one unknown, of an old version, without permit and stake.
    let bad: Vec<(u16, u16)> = (0..8).map(|uid| (uid, 1)).collect();
    let (mut network, reveal) = shown_under(|rules| rules.weights_version = 4, &bad);
    let stake = network.ledger.stake_of(&hot(1));
    network.permit(0, false);
    network.ledger.withdraw(hot(1), cold(COLD + 1), Amount::coins(451));
    let refuse = |network: &mut Network, reason: &str| {
        let refusal = network.ledger.clone().try_reveal(&reveal.reveals[0]).expect_err("must be refused");
        assert!(refusal.to_string().contains(reason), "{refusal}");
    };
    refuse(&mut network, "has 49.000000000 of");
    network.ledger.deposit(hot(1), cold(COLD + 1), Amount::coins(451));
    assert_eq!(network.ledger.stake_of(&hot(1)), stake);
    refuse(&mut network, "scores by version 3, and subnet 1 counts 4 and later");
    network.ledger.commits.get_mut(&(SUBNET, 0, hot(1))).expect("it waits").version = 3;
    refuse(&mut network, "no validator permit");
    network.permit(0, true);
    refuse(&mut network, "gives weight to 8 of 6 neurons");
}

#[test]
fn a_row_that_names_an_empty_slot_is_refused() {
    let (mut network, reveal) = shown_under(|_| {}, &[(6, 1)]);
    refused(&mut network, reveal, "uid 6 of 6");
}

#[test]
fn a_row_names_as_many_targets_as_the_rule_asks_or_as_there_are() {
    let three: &[(u16, u16)] = &[(3, 1), (4, 0), (5, 0)];
    let all: Vec<(u16, u16)> = (0..6).map(|uid| (uid, 0)).collect();
    for (least, row, taken) in [
        (0, &[] as &[(u16, u16)], true),
        (1, &[], false),
        (2, ROW, true),
        (3, ROW, false),
        (3, three, true),
        (99, three, false),
        (99, &all, true),
        (99, &[(0, 1)], true),  // itself alone
        (99, &[(1, 1)], false), // somebody else alone
    ] {
        let (mut network, reveal) = shown_under(|rules| rules.minimum_weights = least, row);
        let fewest = least.min(6);
        match taken {
            true => network.settle(&reveal).expect("names enough"),
            false => refused(&mut network, reveal, &format!("name at least {fewest}, with weight 0")),
        }
    }
}

#[test]
fn what_changes_while_a_row_is_hidden_does_not_make_it_unsound() {
    let (mut network, reveal) = shown_under(|_| {}, ROW);
    network.rule(|rules| (rules.weights_version, rules.minimum_weights) = (4, 7));
    network
        .settle(&network.order(RICH, Action::Register { netuid: SUBNET, hotkey: hot(40), limit: None }))
        .expect("there is room");
    network.settle(&reveal).expect("as good as when it was committed to");
}

#[test]
fn a_version_of_zero_admits_all() {
    let mut network = Network::new();
    network.hide(1, 0, ROW);
    network.settle(&network.reveal_of(1, 0, ROW)).expect("nothing is asked");
}

#[test]
fn the_owners_first_neuron_votes_without_permit_or_stake_and_for_itself() {
    let mut genesis = genesis();
    genesis.subnets[0].owner = Some(cold(COLD + 4));
    genesis.accounts.push((cold(COLD + 4), Amount::coins(5)));
    let mut network = Network::of(&genesis);
    network
        .settle(&network.order(COLD + 4, Action::Register { netuid: SUBNET, hotkey: hot(40), limit: None }))
        .expect("there is room");
    assert!(network.ledger.may_vote(SUBNET, &hot(4)));
    let second = network.commit(40, 0, ROW);
    refused(&mut network, second, "it takes to vote in subnet 1");
    let stake = Action::AddStake { hotkey: hot(4), amount: Amount::coins(1) };
    network.settle(&network.order(RICH, stake)).expect("funded");
    let itself: &[(u16, u16)] = &[(3, 1)];
    network.hide(4, 0, itself);
    for n in [1, 2, 3] {
        assert!(network.ledger.commitment(SUBNET, &hot(n), 0).is_none());
    }
    network.ledger.try_reveal(&network.reveal_of(4, 0, itself).reveals[0]).expect("it is the owner's");
    network.idle_to(2 * TEMPO);
    let row = network.ledger.metagraph(SUBNET).expect("there").neuron(&hot(4)).expect("has a slot").clone();
    assert!(row.permit && row.consensus > crate::yuma::Share::ZERO, "{row:?}");
}
