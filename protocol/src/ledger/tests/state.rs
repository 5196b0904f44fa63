//! The ledger as bytes: root, entries, changes, proofs.
use super::*;

const ROW: &[(u16, u16)] = &[(3, 65_535), (4, 1)];

fn busy() -> Network {
    let mut network = Network::new();
    (0..3).for_each(|_| network.epoch_of(&[(1, ROW), (2, ROW)]));
    network.settle(&network.commit(1, 3, ROW)).expect("a commit waits");
    network.settle(&network.reveal(1, 2, ROW)).expect("a row is shown");
    let hotkey = hot(2);
    let actions = [
        Action::AddStake { hotkey, amount: Amount(5) },
        Action::RemoveStake { hotkey, amount: Amount(1) },
        Action::MoveStake { from: hotkey, to: hot(1), amount: Amount(2) },
    ];
    for action in actions {
        let order = network.order(RICH, action);
        network.ledger.try_transaction(&order.transactions[0]).expect("funded");
    }
    network.ledger.prefer(hotkey, &[(SUBNET, 1)]);
    network.ledger.plan_children(SUBNET, hotkey, &[(hot(1), 1)]);
    network.ledger.children.insert((SUBNET, hotkey), vec![(hot(3), 1)]);
    network.ledger.set_child_take(SUBNET, hot(3), 1);
    let proven = evidence::offence(&network, 3, network.ledger.height());
    network.ledger.try_evidence(&proven).expect("it has a seat");
    network
}

#[test]
fn entries_carry_the_whole_state() {
    let mut network = busy();
    let entries = network.ledger.entries();
    assert!(entries.is_sorted_by(|a, b| a.0 < b.0));
    let tables = entries.iter().map(|(key, _)| key[0]);
    let tables: std::collections::BTreeSet<_> = tables.collect();
    assert_eq!(tables.len(), TABLES, "every table is in use here");
    let mut copy = Ledger::from_entries(&entries).expect("what entries() gave");
    assert_eq!(copy.root(), network.ledger.root());
    let time = copy.time() + 1;
    copy.apply(&Inputs::default(), time, &[]).expect("goes on");
    network.ledger.apply(&Inputs::default(), time, &[]).expect("goes on");
    assert_eq!(copy.root(), network.ledger.root());
}

#[test]
fn broken_entries_are_refused_without_a_panic() {
    let entries = busy().ledger.entries();
    assert!(Ledger::from_entries(&[]).is_err());
    for index in 0..entries.len() {
        let mut broken = entries.clone();
        broken[index].0.pop();
        assert!(Ledger::from_entries(&broken).is_err(), "short key {index}");
        let mut broken = entries.clone();
        broken[index].1.pop();
        assert!(Ledger::from_entries(&broken).is_err(), "short value {index}");
    }
    let mut broken = entries;
    broken[0].0 = vec![200];
    assert!(Ledger::from_entries(&broken).is_err());
}

#[test]
fn changes_lead_from_one_state_to_the_next() {
    let mut network = busy();
    let before = network.ledger.clone();
    network.idle_to(before.height() + 70);
    let mut entries: std::collections::BTreeMap<_, _> = before.entries().into_iter().collect();
    for (key, value) in network.ledger.changes_since(&before) {
        match value {
            Some(value) => entries.insert(key, value),
            None => entries.remove(&key),
        };
    }
    assert!(network.ledger.changes_since(&network.ledger.clone()).is_empty());
    let entries: Vec<_> = entries.into_iter().collect();
    assert_eq!(entries, network.ledger.entries());
}

#[test]
fn stake_is_proven_against_the_root() {
    let ledger = busy().ledger;
    let root = ledger.root();
    for n in [1, 2, 3, 4] {
        let (leaf, proof) = ledger.prove_stake(&hot(n)).expect("a known hotkey");
        assert!(proof.verify(&root, &leaf));
        assert_eq!(Ledger::stake_in_leaf(&leaf), Some((hot(n), ledger.stake_of(&hot(n)))));
    }
    assert_eq!(ledger.prove_stake(&hot(77)), None);
    assert_eq!(Ledger::stake_in_leaf(&[]), None);
    assert_eq!(Ledger::stake_in_leaf(&[4; 40]), None);
}

#[test]
fn a_settlement_that_is_refused_in_part_changes_nothing() {
    let mut network = Network::new();
    let before = network.ledger.root();
    let mut inputs = network.commit(1, 0, ROW);
    inputs.commits.extend(network.commit(4, 0, ROW).commits);
    assert!(network.settle(&inputs).is_err());
    assert_eq!(network.ledger.root(), before);
    let refusal = network.ledger.apply(&Inputs::default(), 1_000, &[]);
    assert_eq!(refusal, Err(Refusal::Time { time: 1_000, last: 1_000 }));
}

#[test]
fn a_lost_coin_is_noticed() {
    let mut network = Network::new();
    network.ledger.credit(cold(50), Amount(1));
    assert!(!network.ledger.supply().check());
    assert!(matches!(network.settle(&Inputs::default()), Err(Refusal::Supply { height: 1, .. })));
}

#[test]
fn a_built_proposal_and_its_execution_agree() {
    let mut network = busy();
    let inputs = network.order(RICH, Action::Transfer { to: cold(50), amount: Amount::coins(7) });
    let mut draft = network.ledger.clone();
    draft.try_transaction(&inputs.transactions[0]).expect("funded");
    let time = draft.time() + 1_000;
    draft.close(time, &network.signers);
    network.settle(&inputs).expect("as in the draft");
    assert_eq!(draft.root(), network.ledger.root());
}

#[test]
fn what_the_ledger_shows_is_proven_and_so_is_what_it_does_not_hold() {
    let ledger = busy().ledger;
    let (tree, root) = (ledger.tree(), ledger.root());
    let fact = |subject: Subject| subject.proven(&tree.show(&subject), &root).expect("it is shown");
    let mut found = 0;
    for n in 0..=u8::MAX {
        let (hotkey, coldkey) = (Hotkey([n; 32]), Coldkey(Hotkey([n; 32])));
        assert_eq!(fact(Subject::Stake(hotkey)), None);
        assert_eq!(fact(Subject::Account(coldkey)), None);
        assert_eq!(fact(Subject::Share(hotkey, coldkey)), None);
    }
    for (coldkey, account) in ledger.accounts.rows() {
        let (balance, nonce) = (account.balance, account.nonce);
        assert_eq!(fact(Subject::Account(*coldkey)), Some(Fact::Account { balance, nonce }));
        found += 1;
    }
    for (hotkey, delegate) in ledger.delegates.rows() {
        let (owner, stake, shares) = (delegate.owner, delegate.value, delegate.shares);
        assert_eq!(fact(Subject::Stake(*hotkey)), Some(Fact::Stake { owner, stake, shares }));
        found += 1;
    }
    for ((hotkey, coldkey), share) in ledger.shares.rows() {
        assert_eq!(fact(Subject::Share(*hotkey, *coldkey)), Some(Fact::Share(*share)));
        found += 1;
    }
    assert!(found > 8, "{found}");
}

#[test]
fn what_is_shown_falsely_proves_nothing() {
    let ledger = busy().ledger;
    let (tree, root) = (ledger.tree(), ledger.root());
    let (subject, nobody) = (Subject::Stake(hot(1)), Subject::Stake(hot(77)));
    let (shown, nothing) = (tree.show(&subject), tree.show(&nobody));
    assert_eq!(nobody.proven(&shown, &root), None, "another's entry");
    assert_eq!(subject.proven(&nothing, &root), None, "neighbours that it does not stand between");
    let Shown::Entry(entry) = shown else { panic!("{shown:?}") };
    let Shown::Nothing { before, after } = nothing else { panic!("{nothing:?}") };
    let mut richer = entry.clone();
    *richer.leaf.last_mut().expect("a value") ^= 1;
    assert_eq!(subject.proven(&Shown::Entry(richer), &root), None, "another value");
    assert_eq!(subject.proven(&Shown::Entry(entry.clone()), &Root { leaves: 1, ..root }), None);
    let skipping = Shown::Nothing { before: before.clone(), after: None };
    assert_eq!(nobody.proven(&skipping, &root), None, "it is not the last");
    let next = |place: u64| {
        let leaf = |leaves: &[Vec<u8>]| leaves[place as usize].clone();
        let leaves: Vec<_> = ledger.entries().into_iter().map(|(key, value)| [key, value].concat()).collect();
        let proof = crypto::merkle::Tree::new(&leaves).prove(place as usize).expect("inside");
        Placed { leaf: leaf(&leaves), proof }
    };
    let (first, last) = (next(entry.proof.index - 1), next(entry.proof.index + 1));
    let around = Shown::Nothing { before: first, after: Some(last) };
    assert_eq!(subject.proven(&around, &root), None, "what stands between is left out");
    let swapped = Shown::Nothing { before: after.expect("a neighbour"), after: Some(before) };
    assert_eq!(nobody.proven(&swapped, &root), None, "neighbours in the wrong order");
}

#[test]
fn what_would_stand_last_is_not_there() {
    let coldkey = |n| Coldkey(Hotkey([n; 32]));
    let mut ledger = Ledger::empty();
    ledger.accounts.insert(coldkey(3), Account { balance: Amount(7), nonce: 0 });
    let (tree, root) = (ledger.tree(), ledger.root());
    let beyond = Subject::Account(coldkey(4));
    assert_eq!(beyond.proven(&tree.show(&beyond), &root), Some(None));
    let there = Subject::Account(coldkey(3));
    assert_eq!(there.proven(&tree.show(&beyond), &root), None);
}
