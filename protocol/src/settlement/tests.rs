//! Certificates that do not prove what they seem to.
use crypto::Keypair;

use super::*;
use crate::Amount;
use crate::signed::FRAMING_BYTES;
use crate::subnet::{Netuid, Uid};
use crate::transaction::{Action, Coldkey};
use crate::weights::Row;

const GENESIS: Hash = Hash([7; 32]);

/// The stake of each validator; any three of them hold more than two thirds.
const STAKES: [u64; 4] = [100, 101, 102, 103];

fn key(n: usize) -> Keypair {
    Keypair::from_seed([n as u8 + 1; 32])
}

fn set() -> ValidatorSet {
    ValidatorSet::new(STAKES.into_iter().enumerate().map(|(n, stake)| (key(n).hotkey(), stake))).unwrap()
}

fn header() -> Header {
    let (hash, leaves) = (Hash([1; 32]), 1);
    Header {
        version: VERSION,
        genesis: GENESIS,
        height: 5,
        time: 1,
        round: 0,
        proposer: key(0).hotkey(),
        parent: hash,
        input_root: hash,
        state_root: Root { hash, leaves },
        next_set: hash,
    }
}

fn vote(ballot: Ballot, genesis: &Hash, round: u32, n: usize) -> (Hotkey, Signature) {
    let vote = Vote::of(ballot, 5, round, Some(header().hash()), key(n).hotkey());
    (key(n).hotkey(), Signed::author(&key(n), genesis, vote).signed().signature())
}

fn certificate(signers: &[usize]) -> Certificate {
    let mut signatures: Vec<_> = signers.iter().map(|n| vote(Ballot::Precommit, &GENESIS, 0, *n)).collect();
    signatures.sort_unstable();
    Certificate { height: 5, round: 0, header: header().hash(), signatures }
}

/// What the check says of a certificate by three of four, once it is changed.
fn check(change: impl Fn(&mut Certificate)) -> Result<(), Forged> {
    let mut certificate = certificate(&[0, 1, 2]);
    change(&mut certificate);
    certificate.check(&GENESIS, &header(), &set())
}

#[test]
fn three_of_four_prove_a_settlement() {
    assert_eq!(check(|_| {}), Ok(()));
}

#[test]
fn a_certificate_proves_no_other_height_or_header() {
    assert_eq!(check(|c| c.height = 6), Err(Forged::OtherSettlement));
    assert_eq!(check(|c| c.header = Hash([9; 32])), Err(Forged::OtherSettlement));
    let other = Header { time: 2, ..header() };
    assert_eq!(certificate(&[0, 1, 2]).check(&GENESIS, &other, &set()), Err(Forged::OtherSettlement));
}

#[test]
fn nobody_counts_twice() {
    assert_eq!(check(|c| c.signatures[1] = c.signatures[0]), Err(Forged::Unordered));
    assert_eq!(check(|c| c.signatures.reverse()), Err(Forged::Unordered));
}

#[test]
fn strangers_do_not_count() {
    let stranger = key(9).hotkey();
    let signed = check(|c| {
        c.signatures.push(vote(Ballot::Precommit, &GENESIS, 0, 9));
        c.signatures.sort_unstable();
    });
    assert_eq!(signed, Err(Forged::Stranger(stranger)));
}

#[test]
fn a_signature_under_anything_else_does_not_count() {
    let forge = |signature: (Hotkey, Signature)| {
        check(|c| {
            let place = c.signatures.iter().position(|(signer, _)| *signer == signature.0).unwrap();
            c.signatures[place] = signature;
        })
    };
    let bad = Err(Forged::BadSignature(key(1).hotkey()));
    assert_eq!(forge(vote(Ballot::Prevote, &GENESIS, 0, 1)), bad, "a prevote");
    assert_eq!(forge(vote(Ballot::Precommit, &Hash([8; 32]), 0, 1)), bad, "another network");
    assert_eq!(forge(vote(Ballot::Precommit, &GENESIS, 1, 1)), bad, "another round");
    assert_eq!(forge((key(1).hotkey(), vote(Ballot::Precommit, &GENESIS, 0, 2).1)), bad, "another's");
    assert_eq!(forge((key(1).hotkey(), Signature([0; 64]))), bad, "nothing");
}

#[test]
fn two_thirds_exactly_are_too_little() {
    let set = ValidatorSet::new((0..3).map(|n| (key(n).hotkey(), 100))).unwrap();
    let checked = certificate(&[0, 1]).check(&GENESIS, &header(), &set);
    assert_eq!(checked, Err(Forged::NoQuorum { signed: 200, total: 300 }));
    assert_eq!(certificate(&[0, 1, 2]).check(&GENESIS, &header(), &set), Ok(()));
    let nobody = Certificate { signatures: Vec::new(), ..certificate(&[]) };
    assert_eq!(nobody.check(&GENESIS, &header(), &set), Err(Forged::NoQuorum { signed: 0, total: 300 }));
}

#[test]
fn a_full_certificate_and_ten_thousand_transfers_leave_the_room_of_votes_free() {
    let longest = (Hotkey([255; 32]), Signature([255; 64]));
    let signatures = vec![longest; MAX_SIGNERS.into()];
    let full = Certificate { height: u64::MAX, round: u32::MAX, header: Hash([1; 32]), signatures };
    let action = Action::Transfer { to: Coldkey(key(0).hotkey()), amount: Amount(u64::MAX) };
    let transfer = Signed::author(&key(0), &GENESIS, Transaction { nonce: u64::MAX, action });
    let transactions = vec![transfer.into_signed(); 10_000];
    let body = Body { parent_certificate: Some(full), transactions, ..Body::default() };
    assert!(body.transaction_bytes() <= MAX_TRANSACTION_BYTES, "{}", body.transaction_bytes());
    let whole = codec::encode(&body).len();
    assert!(whole + RESERVED_BYTES <= MAX_BODY_BYTES, "{whole}");
}

#[test]
fn what_is_kept_for_votes_holds_those_of_a_large_network() {
    let (netuid, epoch) = (Netuid(u16::MAX), 1 << 20);
    let commit = Signed::author(&key(0), &GENESIS, Commit { netuid, epoch, commitment: Hash([1; 32]) });
    let row = Row((0..256).map(|uid| (Uid(uid), u16::MAX)).collect());
    let reveal = Reveal { netuid, epoch, version: 1 << 20, salt: Hash([1; 32]), row };
    let reveal = Signed::author(&key(0), &GENESIS, reveal);
    let vote = codec::encode(commit.signed()).len() + codec::encode(reveal.signed()).len();
    assert!(180 * vote <= RESERVED_BYTES, "{vote}");
}

#[test]
fn a_signed_input_takes_little_more_than_its_size() {
    for length in [0, 31, 250, 300, 16_000] {
        let action = Action::Found { task: "x".repeat(length), limit: None };
        let signed = Signed::author(&key(0), &GENESIS, Transaction { nonce: 0, action }).into_signed();
        let framing = codec::encode(&signed).len() - signed.size();
        assert!(framing <= FRAMING_BYTES, "{framing} for {length}");
    }
}

#[test]
fn a_settlement_reads_back_whole_and_not_with_more_behind_it() {
    let settlement = Settlement { header: header(), body: Body::default() };
    let certified = Certified { settlement, certificate: certificate(&[0, 1, 2]) };
    let mut bytes = codec::encode(&certified);
    assert_eq!(Certified::decode(&bytes).unwrap(), certified);
    bytes.push(0);
    assert_eq!(Certified::decode(&bytes).unwrap_err().reason(), "not_canonical");
    bytes.resize(MAX_BYTES + 1, 0);
    assert_eq!(Certified::decode(&bytes).unwrap_err().reason(), "too_large");
}
