//! What is found once and what is not.
use super::*;
use crate::role::bench::Bench;

/// A network of four, and its head.
fn network() -> (Bench, Head) {
    let bench = Bench::new(4, 1);
    let head = Head::new(bench.tip.0.clone(), None);
    (bench, head)
}

#[test]
fn who_stands_on_an_equal_ledger_takes_what_another_found() {
    let (mut bench, head) = network();
    let other = Head::new(Ledger::new(&bench.genesis).unwrap(), None);
    let certified = bench.settle(&[]);
    let findings = Findings::shared();
    let first = findings.follow(&head, &certified).unwrap().unwrap();
    let second = findings.clone().follow(&other, &certified).unwrap().unwrap();
    assert!(Arc::ptr_eq(&first.0, &second.0));
    assert_eq!(first.0.ledger.root(), bench.tip.0.root());
    let alone = Findings::default().follow(&head, &certified).unwrap().unwrap();
    assert_eq!((alone.0.ledger.root(), &alone.0.changes), (first.0.ledger.root(), &first.0.changes));
}

#[test]
fn what_differs_in_anything_is_judged_by_itself() {
    let (mut bench, head) = network();
    let certified = bench.settle(&[]);
    let findings = Findings::shared();
    findings.follow(&head, &certified).unwrap().unwrap();

    let mut few = certified.clone();
    few.certificate.signatures.truncate(1);
    assert!(findings.follow(&head, &few).is_err(), "another certificate");

    let mut root = certified.settlement.clone();
    root.header.state_root.hash = Hash([1; 32]);
    assert!(findings.judge(&head, &root, u64::MAX).is_err(), "another root");

    let early = certified.settlement.header.time - 1;
    assert!(findings.judge(&head, &certified.settlement, early).is_err(), "too late for our clock");

    let ahead = Head::new(bench.tip.0.clone(), Some(certified.clone()));
    assert!(findings.judge(&ahead, &certified.settlement, u64::MAX).is_err(), "another place");
}

#[test]
fn no_more_is_kept_than_there_is_room_for() {
    let (mut bench, _) = network();
    let findings = Findings::shared();
    for _ in 0..=KEPT {
        let (ledger, tip) = bench.tip.clone();
        let certified = bench.settle(&[]);
        findings.follow(&Head::new(ledger, tip), &certified).unwrap().unwrap();
    }
    assert_eq!(findings.0.unwrap().lock().unwrap().len(), KEPT);
}
