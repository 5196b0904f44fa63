//! When epochs begin and end, and what may be committed and revealed at each of their edges.
use super::*;
use crate::genesis::GenesisSubnet;

const ROW: &[(u16, u16)] = &[(3, 65_535), (4, 32_768)];

/// Subnets 1 to `count` with everybody in each; rows may be revealed for `window` epochs.
fn staggered(count: u16, window: u64) -> Network {
    let mut genesis = genesis();
    genesis.subnets[0].hyperparameters.reveal_window = window;
    let (first, neurons) = (genesis.subnets[0].clone(), genesis.neurons.clone());
    for netuid in (2..=count).map(Netuid) {
        genesis.subnets.push(GenesisSubnet { netuid, ..first.clone() });
        let stake = Amount::ZERO;
        genesis.neurons.extend(neurons.iter().map(|n| GenesisNeuron { netuid, stake, ..n.clone() }));
    }
    Network::of(&genesis)
}

impl Network {
    /// A validator's commit to [`ROW`].
    fn committed(&self, n: u8, netuid: Netuid, epoch: u64) -> Verified<Commit> {
        let commitment = self.shown(netuid, epoch).commitment(&hot(n));
        self.sign(n, Commit { netuid, epoch, commitment })
    }

    fn shown(&self, netuid: Netuid, epoch: u64) -> Reveal {
        Reveal { netuid, ..shown(epoch, ROW) }
    }

    fn ends(&self, netuid: Netuid) -> (u64, u64) {
        let epoch = self.ledger.present_epoch(netuid).expect("it is there");
        (epoch.index, epoch.last)
    }
}

#[test]
fn subnets_count_their_epochs_and_end_them_at_heights_of_their_own() {
    let mut network = staggered(4, 1);
    let ends = |network: &Network| [1, 2, 3, 4].map(|n| network.ends(Netuid(n)));
    assert_eq!(ends(&network), [(0, 3), (0, 2), (0, 1), (0, 3)]);
    network.idle_to(1);
    assert_eq!(ends(&network), [(0, 3), (0, 2), (1, 4), (0, 3)]);
    network.idle_to(3);
    assert_eq!(ends(&network), [(1, 6), (1, 5), (1, 4), (1, 6)]);
    network.idle_to(30);
    assert_eq!(ends(&network), [(10, 33), (10, 32), (10, 31), (10, 33)]);
}

#[test]
fn a_founded_subnet_begins_with_the_next_height() {
    let mut network = staggered(4, 1);
    network.idle_to(10);
    let action = Action::Found { task: "sums".to_owned(), limit: None };
    network.settle(&network.order(RICH, action)).expect("funded");
    let epoch = network.ledger.present_epoch(Netuid(5)).expect("founded at height 11");
    assert_eq!((epoch.index, epoch.first, epoch.last, epoch.length()), (0, 12, 12, 1), "5 mod 3 are 2");
    network.idle_to(12);
    assert_eq!(network.ends(Netuid(5)), (1, 15));
}

#[test]
fn a_commit_is_taken_from_the_first_to_the_last_height_of_its_epoch() {
    let mut network = staggered(3, 1);
    // Of subnet n, epoch 1 spans the three heights from 5 - n on.
    for height in 1..=9 {
        for (netuid, first) in [(1, 4), (2, 3), (3, 2)] {
            let inside = (first..first + TEMPO).contains(&height);
            let commit = network.committed(1, Netuid(netuid), 1);
            let taken = network.ledger.clone().try_commit(&commit);
            assert_eq!(taken.is_ok(), inside, "subnet {netuid}, height {height}: {taken:?}");
            assert!(inside || matches!(taken, Err(Refusal::CommitEpoch { epoch: 1, .. })), "{taken:?}");
        }
        network.idle_to(height);
    }
}

#[test]
fn a_row_is_shown_from_the_first_to_the_last_height_of_its_window() {
    for window in [1, 2] {
        let mut network = staggered(3, window);
        for netuid in [1, 2, 3].map(Netuid) {
            network.ledger.try_commit(&network.committed(1, netuid, 0)).expect("its epoch");
        }
        for height in 1..=12 {
            // Epoch 0 of subnet n ends at height 4 - n.
            for (netuid, ended) in [(1, 3), (2, 2), (3, 1)] {
                let inside = (ended + 1..=ended + window * TEMPO).contains(&height);
                let reveal = network.sign(1, network.shown(Netuid(netuid), 0));
                let taken = network.ledger.clone().try_reveal(&reveal);
                assert_eq!(taken.is_ok(), inside, "subnet {netuid}, {height} of {window}: {taken:?}");
                assert!(inside || matches!(taken, Err(Refusal::RevealEpoch { epoch: 0, .. })), "{taken:?}");
            }
            network.idle_to(height);
        }
        assert!(network.ledger.commits.is_empty(), "what cannot be revealed is forgotten");
    }
}

#[test]
fn a_row_shown_at_the_last_height_of_an_epoch_votes_in_it() {
    for revealed_at in [4, 6, 7] {
        let mut network = staggered(1, 2);
        for n in [1, 2, 3] {
            network.ledger.try_commit(&network.commit(n, 0, ROW).commits[0]).expect("its epoch");
        }
        network.idle_to(revealed_at - 1);
        for n in [1, 2, 3] {
            network.ledger.try_reveal(&network.reveal(n, 0, ROW).reveals[0]).expect("its window");
        }
        network.idle_to(6);
        assert_eq!(network.earned(4) > Amount::ZERO, revealed_at <= 6, "epoch 1 ends at height 6");
        network.idle_to(9);
        assert!(network.earned(4) > Amount::ZERO, "epoch 2 ends at height 9");
    }
}

#[test]
fn epochs_of_several_subnets_end_in_one_settlement() {
    let mut network = staggered(4, 1);
    let subnets = [Netuid(1), Netuid(4)];
    for netuid in subnets {
        network.ledger.try_commit(&network.committed(1, netuid, 0)).expect("its epoch");
    }
    network.idle_to(3);
    for netuid in subnets {
        let reveal = network.sign(1, network.shown(netuid, 0));
        network.ledger.try_reveal(&reveal).expect("its window");
    }
    network.idle_to(6);
    for netuid in subnets {
        assert_eq!(network.ends(netuid), (2, 9));
        assert!(network.ledger.revealed(netuid).next().is_none(), "the row has voted");
    }
    assert!(network.ledger.supply().check());
}

#[test]
fn a_bond_outlives_its_epoch_unless_the_slot_changed_hands_in_the_present_one() {
    // Subnet 2 ends epochs at heights 2, 5 and 8, which no multiple of its tempo says.
    let bonded = |registered| {
        let mut network = staggered(2, 1);
        let netuid = Netuid(2);
        for n in [1, 2, 3] {
            network.ledger.try_commit(&network.committed(n, netuid, 0)).expect("its epoch");
        }
        network.idle_to(2);
        for n in [1, 2, 3] {
            network.ledger.try_reveal(&network.sign(n, network.shown(netuid, 0))).expect("its window");
        }
        network.idle_to(5);
        network.ledger.slots.get_mut(&(netuid, Uid(3))).expect("taken").registered = registered;
        network.idle_to(8);
        let bonds = network.ledger.bonds.get(&(netuid, Uid(0))).cloned().unwrap_or_default();
        bonds.iter().any(|(uid, _)| *uid == Uid(3))
    };
    assert_eq!([5, 6].map(bonded), [true, false], "epoch 2 begins at height 6");
}
