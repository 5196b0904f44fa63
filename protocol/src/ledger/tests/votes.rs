//! Commits, reveals, and what they earn.
use super::*;

const ROW: &[(u16, u16)] = &[(3, 65_535), (4, 32_768)];
const ALL: [(u8, &[(u16, u16)]); 3] = [(1, ROW), (2, ROW), (3, ROW)];

#[track_caller]
pub(super) fn refused(network: &mut Network, inputs: Inputs, reason: &str) {
    let before = network.ledger.root();
    let refusal = network.settle(&inputs).expect_err("must be refused").to_string();
    assert!(refusal.contains(reason), "{refusal}");
    assert_eq!(network.ledger.root(), before);
}

#[test]
fn a_row_is_committed_in_one_epoch_and_revealed_in_the_next() {
    for (committed_at, revealed_at) in [(1, 4), (3, 4), (1, 6), (3, 6)] {
        let mut network = Network::new();
        network.idle_to(committed_at - 1);
        network.settle(&network.commit(1, 0, ROW)).expect("heights 1 to 3 are epoch 0");
        network.idle_to(revealed_at - 1);
        network.settle(&network.reveal(1, 0, ROW)).expect("heights 4 to 6 are epoch 1");
    }
}

#[test]
fn a_commit_for_another_epoch_is_refused() {
    let mut network = Network::new();
    let early = network.commit(1, 1, ROW);
    refused(&mut network, early.clone(), "in epoch 0");
    network.idle_to(3);
    let late = network.commit(1, 0, ROW);
    refused(&mut network, late, "in epoch 1");
    network.settle(&early).expect("its time has come");
}

#[test]
fn a_reveal_before_or_after_its_epoch_is_refused() {
    let mut network = Network::new();
    network.settle(&network.commit(1, 0, ROW)).expect("in time");
    let reveal = network.reveal(1, 0, ROW);
    refused(&mut network, reveal.clone(), "in epochs 1..=1");
    network.idle_to(6);
    refused(&mut network, reveal, "in epochs 1..=1");
    assert!(network.ledger.commits.is_empty(), "what cannot be revealed is forgotten");
}

#[test]
fn one_commit_an_epoch_and_one_reveal_a_commit() {
    let mut network = Network::new();
    network.settle(&network.commit(1, 0, ROW)).expect("the first");
    let second = network.commit(1, 0, &[]);
    refused(&mut network, second, "has committed in epoch 0");
    network.idle_to(3);
    let other = network.reveal(1, 0, &[]);
    refused(&mut network, other, "another row");
    let uncommitted = network.reveal(2, 0, ROW);
    refused(&mut network, uncommitted, "no commit of epoch 0");
    network.settle(&network.reveal(1, 0, ROW)).expect("as committed");
    let again = network.reveal(1, 0, ROW);
    refused(&mut network, again, "no commit of epoch 0");
}

#[test]
fn a_revealed_salt_moves_the_beacon() {
    let mut network = Network::new();
    network.settle(&network.commit(1, 0, ROW)).expect("in time");
    network.idle_to(3);
    let before = network.ledger.beacon();
    network.settle(&network.reveal(1, 0, ROW)).expect("in time");
    assert_ne!(network.ledger.beacon(), before);
}

#[test]
fn an_epoch_pays_miners_and_validators_and_burns_the_rest() {
    let mut network = Network::new();
    network.epoch_of(&ALL);
    assert_eq!(network.earned(1), Amount::ZERO);
    network.epoch_of(&ALL);
    let payout = network.ledger.metagraph(SUBNET).expect("there").payout;
    let pool = 250_000_000; // 3 settlements of 1/12 coin
    let cut = pool * 41 / 100;
    assert!((cut - 8..=cut).contains(&payout.miners.0), "{payout:?}");
    assert!((cut - 8..=cut).contains(&payout.validators.0), "{payout:?}");
    assert_eq!(payout.burned.0, pool - payout.miners.0 - payout.validators.0);
    let (first, second) = (network.earned(4).0, network.earned(5).0);
    assert!((first * 32_768).abs_diff(second * 65_535) < 1 << 20, "two to one");
    assert_eq!(network.earned(6), Amount::ZERO);
}

#[test]
fn no_agreement_burns_the_epoch() {
    let mut network = Network::new();
    let rows: [(u8, &[(u16, u16)]); 3] = [(1, &[(3, 1)]), (2, &[(4, 1)]), (3, &[(5, 1)])];
    network.epoch_of(&rows);
    let before = network.ledger.burned().withheld;
    network.epoch_of(&rows);
    let payout = network.ledger.metagraph(SUBNET).expect("there").payout;
    assert_eq!(payout, Payout { burned: Amount(250_000_000), ..Payout::default() });
    assert_eq!(network.ledger.burned().withheld.0 - before.0, 250_000_000);
}

#[test]
fn a_validator_that_does_not_reveal_earns_nothing() {
    let mut network = Network::new();
    network.epoch_of(&ALL);
    let silent = network.commit(3, 1, ROW);
    network.epoch_of(&ALL[..2]);
    assert!(silent.commits[0].epoch == 1);
    assert!(network.earned(1) > Amount::ZERO);
    assert_eq!(network.earned(3), Amount::ZERO);
    let bonds = network.ledger.bonds.rows().len();
    assert_eq!(bonds, 2, "nobody bonds without a vote");
}

#[test]
fn an_absent_signer_loses_dividends_in_proportion() {
    let mut network = Network::new();
    network.signers.pop();
    network.epoch_of(&ALL);
    network.epoch_of(&ALL);
    assert!(network.earned(2) > Amount::ZERO);
    assert_eq!(network.earned(3), Amount::ZERO);
    let late = Attendance { due: 3, signed: 1 };
    assert_eq!(late.kept_since(Attendance::default()), (3, 6));
    let enough = Attendance { due: 3, signed: 2 };
    assert_eq!(enough.kept_since(Attendance::default()), (6, 6));
    assert_eq!(enough.kept_since(enough), (1, 1), "without a seat nothing is lost");
}

#[test]
fn stake_takes_a_permit_at_the_end_of_the_epoch() {
    let mut network = Network::new();
    let hotkey = hot(4);
    let amount = Amount::coins(51);
    network.settle(&network.order(RICH, Action::AddStake { hotkey, amount })).expect("funded");
    let early = network.commit(4, 0, ROW);
    refused(&mut network, early, "no validator permit");
    network.idle_to(3);
    network.settle(&network.commit(4, 1, &[(4, 1)])).expect("permitted from epoch 1 on");
}
