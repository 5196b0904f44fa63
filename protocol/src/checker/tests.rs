//! What the independent checker must refuse, and that it agrees with the check that neurons use.
use crypto::merkle::Root;
use crypto::{Keypair, Signature};
use proptest::prelude::*;

use super::*;
use crate::Signed;
use crate::consensus::ValidatorSet;
use crate::consensus::vote::{Ballot, Vote};
use crate::settlement::VERSION;

const NETWORK: Hash = Hash([7; 32]);

/// The stakes of five validators; 0 and 1 and 2 hold exactly two thirds, 3 and 4 the rest.
const STAKES: [u64; 5] = [200, 100, 100, 100, 100];

fn key(n: usize) -> Keypair {
    Keypair::from_seed([n as u8 + 1; 32])
}

fn set() -> ValidatorSet {
    ValidatorSet::new(STAKES.into_iter().enumerate().map(|(n, stake)| (key(n).hotkey(), stake)))
        .expect("some stake")
}

fn header() -> Header {
    Header {
        version: VERSION,
        genesis: NETWORK,
        height: 300,
        time: 1_700_000_000_000,
        round: 200,
        proposer: key(0).hotkey(),
        parent: Hash([1; 32]),
        input_root: Hash([2; 32]),
        state_root: Root { hash: Hash([3; 32]), leaves: 70_000 },
        next_set: Hash([4; 32]),
    }
}

fn sign(header: &Header, ballot: Ballot, round: u32, n: usize) -> (Hotkey, Signature) {
    let vote = Vote::of(ballot, header.height, round, Some(header.hash()), key(n).hotkey());
    (key(n).hotkey(), Signed::author(&key(n), &NETWORK, vote).signed().signature())
}

fn certify(header: &Header, signers: &[usize]) -> Certificate {
    let mut signatures: Vec<_> = signers.iter().map(|n| sign(header, Ballot::Precommit, 0, *n)).collect();
    signatures.sort_unstable();
    Certificate { height: header.height, round: 0, header: header.hash(), signatures }
}

/// The certificate of all five over the header of height 300, changed.
#[track_caller]
fn refuses(fault: &str, change: impl Fn(&mut Header, &mut Certificate)) {
    let (mut header, mut certificate) = (header(), certify(&header(), &[0, 1, 2, 3, 4]));
    change(&mut header, &mut certificate);
    let refused = check(&NETWORK, &header, &certificate, set().members()).expect_err("must be refused");
    assert!(refused.contains(fault), "{refused}");
}

#[test]
fn what_more_than_two_thirds_signed_is_settled() {
    let enough = certify(&header(), &[0, 1, 2, 3]);
    assert_eq!(check(&NETWORK, &header(), &enough, set().members()), Ok(()));
    let third = certify(&header(), &[0, 1, 2]);
    let refused = check(&NETWORK, &header(), &third, set().members());
    assert_eq!(refused, Err("no more than two thirds of the stake signed"));
}

#[test]
fn a_header_changed_anywhere_is_another() {
    let other = |change: fn(&mut Header)| refuses("another header", |header, _| change(header));
    other(|h| h.version = 2);
    other(|h| h.genesis = Hash([8; 32]));
    other(|h| h.height = 301);
    other(|h| h.time += 1);
    other(|h| h.round += 1);
    other(|h| h.proposer = key(1).hotkey());
    other(|h| h.parent = Hash([9; 32]));
    other(|h| h.input_root = Hash([9; 32]));
    other(|h| h.state_root.hash = Hash([9; 32]));
    other(|h| h.state_root.leaves += 1);
    other(|h| h.next_set = Hash([9; 32]));
    refuses("another header", |_, c| c.header = Hash([9; 32]));
    refuses("another header", |_, c| c.height = 301);
}

#[test]
fn a_certificate_changed_anywhere_proves_nothing() {
    refuses("a signature is bad", |_, c| c.round = 1);
    refuses("a signature is bad", |_, c| c.signatures[2].1.0[5] ^= 1);
    refuses("a signature is bad", |_, c| c.signatures[1].1 = c.signatures[0].1);
    let vote = |ballot, round| {
        move |header: &mut Header, c: &mut Certificate| {
            c.signatures = vec![sign(header, ballot, round, 0)];
        }
    };
    refuses("a signature is bad", vote(Ballot::Prevote, 0));
    refuses("a signature is bad", vote(Ballot::Precommit, 1));
    refuses("twice", |_, c| c.signatures[1] = c.signatures[0]);
    refuses("twice", |_, c| c.signatures.reverse());
    refuses("a stranger", |header, c| *c = certify(header, &[0, 1, 2, 3, 9]));
    refuses("two thirds", |_, c| c.signatures.clear());
}

#[test]
fn a_certificate_is_of_one_network() {
    let certificate = certify(&header(), &[0, 1, 2, 3]);
    assert!(check(&Hash([8; 32]), &header(), &certificate, set().members()).is_err());
    let moved = Header { genesis: Hash([8; 32]), ..header() };
    let certificate = Certificate { header: moved.hash(), ..certificate };
    let refused = check(&Hash([8; 32]), &moved, &certificate, set().members());
    assert_eq!(refused, Err("a signature is bad"));
}

#[test]
fn it_can_be_read_in_one_go() {
    let code = include_str!("../checker.rs").split("\n#[cfg(test)]").next().expect("some code");
    assert!(code.lines().count() <= 60);
}

#[test]
fn stakes_that_nobody_can_count_are_counted() {
    let rich: Vec<_> = (0..3).map(|n| (key(n).hotkey(), u64::MAX)).collect();
    let refused = check(&NETWORK, &header(), &certify(&header(), &[0, 1]), &rich);
    assert_eq!(refused, Err("no more than two thirds of the stake signed"));
    assert_eq!(check(&NETWORK, &header(), &certify(&header(), &[0, 1, 2]), &rich), Ok(()));
}

/// Whether somebody signed, and if so whether it was a precommit of the certificate's round.
fn signs() -> impl Strategy<Value = Option<(bool, bool)>> {
    let mostly = || proptest::bool::weighted(0.98);
    proptest::option::weighted(0.85, (mostly(), mostly()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn it_agrees_with_the_check_that_neurons_use(
        numbers in (any::<u64>(), any::<u64>(), any::<u32>(), any::<u64>()),
        shift in 0_u32..64,
        stakes in proptest::collection::vec(1_u64..1_000, 5),
        signing in proptest::collection::vec(signs(), 5),
        (stranger, twice, shuffled) in (proptest::bool::weighted(0.1), proptest::bool::weighted(0.1), proptest::bool::weighted(0.1)),
    ) {
        let (height, time, round, leaves) = numbers;
        let header = Header {
            height: height >> shift,
            time: time >> shift,
            round: round >> (shift / 2),
            state_root: Root { leaves: leaves >> shift, ..header().state_root },
            ..header()
        };
        let set = stakes.into_iter().enumerate().map(|(n, stake)| (key(n).hotkey(), stake));
        let set = ValidatorSet::new(set).expect("some stake");
        let sign = |(n, (precommits, on_time)): (usize, (bool, bool))| {
            let ballot = if precommits { Ballot::Precommit } else { Ballot::Prevote };
            sign(&header, ballot, u32::from(!on_time), n)
        };
        let signing = signing.into_iter().enumerate().filter_map(|(n, how)| Some((n, how?)));
        let mut signatures: Vec<_> = signing.chain(stranger.then_some((9, (true, true)))).map(sign).collect();
        signatures.sort_unstable();
        if shuffled {
            signatures.reverse();
        }
        if let (true, Some(first)) = (twice, signatures.first().copied()) {
            signatures.insert(0, first);
        }
        let certificate = Certificate { height: header.height, round: 0, header: header.hash(), signatures };
        let ours = check(&NETWORK, &header, &certificate, set.members());
        let theirs = certificate.check(&NETWORK, &header, &set);
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} and {:?}", ours, theirs);
    }
}
