//! Every neuron's pay, explained to the unit.
use proptest::prelude::*;

use super::*;
use crate::explanation::{Cause, Explanation, Nothing};

const ROW: &[(u16, u16)] = &[(3, 65_535), (4, 32_768)];

/// Who earns as a miner what it may not have: it belongs to the subnet's owner.
const OWNED: u8 = 5;

impl Network {
    /// Settles, and explains every epoch that ended to each of `keys`.
    fn explained(&mut self, inputs: &Inputs, keys: &[u8]) -> Vec<Explanation> {
        let (mut explanations, time) = (Vec::new(), self.ledger.time() + 1_000);
        let signers = self.signers.clone();
        let watched = self.ledger.apply_watched(inputs, time, &signers, &mut |counted| {
            explanations.extend(keys.iter().map(|n| Explanation::of(counted, hot(*n))));
        });
        watched.expect("nothing to refuse");
        explanations
    }

    /// Settles nothing up to the end of the epoch, and explains it to a key.
    fn why(&mut self, n: u8) -> Explanation {
        let mut explanations = Vec::new();
        while explanations.is_empty() {
            explanations = self.explained(&Inputs::default(), &[n]);
        }
        explanations.remove(0)
    }

    /// The inputs of a validator that commits a row and reveals the one before, if it has them.
    fn vote(&mut self, n: u8, epoch: u64, row: Option<&[(u16, u16)]>, before: Option<&[(u16, u16)]>) {
        if let Some(row) = row {
            let inputs = self.commit(n, epoch, row);
            self.ledger.try_commit(&inputs.commits[0]).expect("the first of its epoch");
        }
        if let (Some(row), Some(last)) = (before, epoch.checked_sub(1)) {
            let inputs = self.reveal(n, last, row);
            self.ledger.try_reveal(&inputs.reveals[0]).expect("as committed");
        }
    }
}

/// The reasons sum to what the ledger paid, and what they call rounding is no more than that.
#[track_caller]
fn adds_up(explanation: &Explanation, paid: Amount) {
    let units = |reasons: &mut dyn Iterator<Item = &crate::explanation::Reason>| {
        reasons.map(|reason| reason.units).sum::<i64>()
    };
    assert_eq!(explanation.paid, paid, "{explanation:#?}");
    assert_eq!(units(&mut explanation.reasons.iter()), paid.0 as i64, "{explanation:#?}");
    let rounding = units(&mut explanation.reasons.iter().filter(|reason| reason.cause == Cause::Rounding));
    assert!(rounding.abs() <= 4, "{explanation:#?}");
    let Explanation { mining, validating, .. } = explanation;
    for (paid, nothing) in [(mining.paid, mining.nothing), (validating.paid, validating.nothing)] {
        assert_eq!(paid == Amount::ZERO, nothing.is_some(), "{explanation:#?}");
    }
}

/// A row as tests write it.
type Weights = Vec<(u16, u16)>;

fn row() -> impl Strategy<Value = Weights> {
    prop::collection::btree_map(0..6u16, prop_oneof![Just(0), any::<u16>()], 1..6)
        .prop_map(|row| row.into_iter().collect())
}

/// What happens in one epoch: rows of the validators, who signs, what somebody rich stakes.
fn epochs() -> impl Strategy<Value = Vec<([Option<Weights>; 3], u8, u8)>> {
    let rows = || prop::option::weighted(0.9, row());
    prop::collection::vec(([rows(), rows(), rows()], any::<u8>(), 1..7u8), 14)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn reasons_sum_to_what_the_ledger_paid_to_every_neuron_in_every_epoch(epochs in epochs()) {
        let mut genesis = genesis();
        genesis.subnets[0].owner = Some(cold(COLD + OWNED));
        let (mut network, mut before) = (Network::of(&genesis), [const { None }; 3]);
        for (epoch, (rows, signers, staked)) in epochs.iter().enumerate() {
            for (n, (row, before)) in (1..).zip(rows.iter().zip(&before)) {
                network.vote(n, epoch as u64, row.as_deref(), before.as_deref());
            }
            before.clone_from(rows);
            network.signers = (1..=3).filter(|n| signers >> n & 1 == 1).map(hot).collect();
            let amount = Amount::coins(u64::from(*signers));
            let mut inputs = network.order(RICH, Action::AddStake { hotkey: hot(*staked), amount });
            if amount == Amount::ZERO || amount > network.ledger.balance(&cold(RICH)) {
                inputs = Inputs::default();
            }
            let mut explanations = Vec::new();
            for _ in 0..TEMPO {
                explanations = network.explained(&inputs, &[1, 2, 3, 4, 5, 6]);
                inputs = Inputs::default();
            }
            let graph = network.ledger.metagraph(SUBNET).expect("there");
            prop_assert_eq!(explanations.len(), graph.neurons.len());
            for explanation in &explanations {
                adds_up(explanation, graph.neuron(&explanation.hotkey).expect("has a slot").latest);
            }
            let mined: u64 = explanations.iter().map(|explanation| explanation.mining.paid.0).sum();
            let voted: u64 = explanations.iter().map(|explanation| explanation.validating.paid.0).sum();
            prop_assert_eq!((mined, voted), (graph.payout.miners.0, graph.payout.validators.0));
        }
        prop_assert!(network.ledger.height() > 40);
    }
}

/// A network with a first epoch of commits behind it, in the second of which these reveal.
fn second_epoch(rows: &[(u8, &[(u16, u16)])]) -> Network {
    let mut network = Network::new();
    for (n, row) in rows {
        network.vote(*n, 0, Some(row), None);
    }
    network.idle_to(TEMPO);
    for (n, row) in rows {
        network.vote(*n, 1, None, Some(row));
    }
    network
}

/// The reason why one of them was paid nothing: as a miner, then as a validator.
#[track_caller]
fn nothing(mut network: Network, n: u8, as_miner: Option<Nothing>, as_validator: Option<Nothing>) {
    let explanation = network.why(n);
    assert_eq!((explanation.mining.nothing, explanation.validating.nothing), (as_miner, as_validator));
    if as_miner.is_some() && as_validator.is_some() {
        assert_eq!(explanation.paid, Amount::ZERO);
    }
}

#[test]
fn who_earns_nothing_is_told_the_first_thing_that_was_missing() {
    let agreed = || second_epoch(&[(1, ROW), (2, ROW)]);
    nothing(agreed(), 4, None, Some(Nothing::NoPermit));
    nothing(agreed(), 6, Some(Nothing::NoWeight), Some(Nothing::NoPermit));
    nothing(agreed(), 1, Some(Nothing::NoWeight), None);
    nothing(agreed(), 3, Some(Nothing::NoWeight), Some(Nothing::NotRevealed));
    nothing(agreed(), 77, Some(Nothing::NoSlot), Some(Nothing::NoSlot));
    nothing(second_epoch(&[]), 4, Some(Nothing::NoRows), Some(Nothing::NoPermit));
    let apart = || second_epoch(&[(2, &[(3, 1)]), (3, &[(4, 1)]), (1, &[(5, 1)])]);
    nothing(apart(), 4, Some(Nothing::NoAgreement), Some(Nothing::NoPermit));
    nothing(apart(), 1, Some(Nothing::NoWeight), Some(Nothing::NoAgreement));
    let alone = || second_epoch(&[(1, ROW), (2, ROW), (3, &[(5, 1)])]);
    nothing(alone(), 6, Some(Nothing::Clipped), Some(Nothing::NoPermit));
    nothing(alone(), 3, Some(Nothing::NoWeight), Some(Nothing::NoBonds));
}

#[test]
fn who_came_after_the_rows_were_committed_is_told_so() {
    let mut network = second_epoch(&[(1, ROW), (2, ROW)]);
    let register = Action::Register { netuid: SUBNET, hotkey: hot(8), limit: None };
    network.settle(&network.order(RICH, register)).expect("affordable");
    nothing(network, 8, Some(Nothing::TooNew), Some(Nothing::NoPermit));
}

#[test]
fn who_signs_no_certificate_is_told_so() {
    let mut network = second_epoch(&[(1, ROW), (2, ROW)]);
    network.signers.remove(1);
    let explanation = network.why(2);
    assert_eq!((explanation.validating.due, explanation.validating.signed), (3, 0));
    assert_eq!(explanation.validating.nothing, Some(Nothing::Absent));
    let lost = explanation.reasons.iter().find(|reason| reason.cause == Cause::Absence);
    assert!(lost.is_some_and(|lost| lost.units < -30_000_000), "{explanation:#?}");
}

#[test]
fn clipping_takes_from_whom_a_minority_favours_and_shows_who_did() {
    let minority: &[(u16, u16)] = &[(4, 65_535)];
    let mut network = second_epoch(&[(1, ROW), (2, ROW), (3, minority)]);
    let explanation = network.why(5);
    let cut = |cause| explanation.reasons.iter().find(|reason| reason.cause == cause).map(|r| r.units);
    assert!(cut(Cause::RawWeights) > Some(0) && cut(Cause::Clipping) < Some(0), "{explanation:#?}");
    let [.., vote] = &explanation.mining.votes[..] else { panic!("{explanation:#?}") };
    assert_eq!((vote.uid, vote.weight, vote.row), (Uid(2), Some(65_535), crate::yuma::Share::ONE));
    assert_eq!(vote.clipped, explanation.mining.consensus);
}

#[test]
fn a_validators_dividends_come_from_its_bonds_and_are_shared_with_its_stakers() {
    let mut network = second_epoch(&[(1, ROW), (2, ROW)]);
    let validating = network.why(1).validating;
    let brought: u64 = validating.bonds.iter().map(|bond| bond.pays.0).sum();
    assert!(validating.paid.0 - brought <= 2 && validating.bonds.len() == 2, "{validating:#?}");
    assert_eq!(validating.take, validating.paid.portion(18, 100));
    assert_eq!(validating.take.0 + validating.stakers.0, validating.paid.0);
}
