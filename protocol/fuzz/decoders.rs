//! Bytes as everything that neurons read: what decodes has no other encoding, and nothing in it harms who looks at it.
//!
//! A decoder says whether it made anything of the bytes, so that whoever plays it knows that sound ones get through.
#![allow(dead_code, reason = "each of those who include it uses another part")]
use std::fmt::Debug;

use crypto::merkle::{self, Proof, Root};
use crypto::{Hash, Hotkey, Keypair, Signature};
use protocol::announcement::Profile;
use protocol::codec::{decode, encode};
use protocol::consensus::vote::{Ballot, Draft, Proposal, Vote};
use protocol::consensus::{Engine, Evidence, LinearTimeouts, LogEntry, ValidatorSet};
use protocol::head::Head;
use protocol::light::{LightClient, Skip};
use protocol::message::{Attestation, Heard, Message, Topic};
use protocol::query::{Answer, Question};
use protocol::settlement::{self, Body, Certificate, Certified, Header, Settlement};
use protocol::signed::FRAMING_BYTES;
use protocol::snapshot::{Anchor, Assembly, Chunk};
use protocol::telling::{Telling, Words};
use protocol::transaction::Transaction;
use protocol::weights::{Commit, Reveal};
use protocol::{Ledger, Payload, Signed, Verified};
use serde::Serialize;
use serde::de::DeserializeOwned;

#[path = "samples.rs"]
pub(crate) mod samples;

use samples::{HERE, KEYS, certify, genesis, head, set};

/// A network where nothing that is signed here counts.
const ELSEWHERE: Hash = Hash([2; 32]);

/// The longest header with room to spare, in bytes.
const MAX_HEADER: usize = 512;

/// The longest proof: 64 siblings, framed.
const MAX_PROOF: usize = 4 * 1024;

/// The most a log entry takes: a polka of the largest set, framed.
const MAX_LOG: usize = 256 * 1024;

/// How long the list is whose leaves are proven.
const LEAVES: u8 = 33;

/// A name and what plays bytes.
pub(crate) type Decoder = (&'static str, fn(&[u8]) -> bool);

/// Every decoder.
pub(crate) const DECODERS: [Decoder; 9] = [
    ("message", message),
    ("vote", vote),
    ("proposal", proposal),
    ("certificate", certificate),
    ("header", header),
    ("proof", proof),
    ("transaction", transaction),
    ("snapshot", snapshot),
    ("log_entry", log_entry),
];

/// Plays bytes with the decoder of that name.
pub(crate) fn play(name: &str, bytes: &[u8]) -> bool {
    let (_, play) = DECODERS.iter().find(|(known, _)| *known == name).expect("a decoder's name");
    play(bytes)
}

/// What is gossiped, or signed and then gossiped.
fn message(bytes: &[u8]) -> bool {
    let mut messages = Topic::ALL.into_iter().filter_map(|topic| Message::decode(topic, bytes).ok());
    let Some(message) = messages.next() else { return spoken(bytes) };
    assert!(messages.next().is_none(), "one message, two topics");
    assert_eq!(encode(&message), bytes);
    assert!(bytes.len() <= message.topic().limit());
    if let Ok(heard) = message.clone().verify(&HERE) {
        let unsigned = matches!(message, Message::Settled(_) | Message::Attestation(_));
        assert!(unsigned || message.verify(&ELSEWHERE).is_err(), "a signature crossed networks");
        hear(heard);
    }
    true
}

/// What is inside of messages, signed by us.
fn spoken(bytes: &[u8]) -> bool {
    let telling = authored::<Telling>(bytes);
    if let Some(telling) = &telling
        && let Ok(words) = Words::verify(telling.speech.clone(), &HERE)
    {
        hear(Heard::Telling(words));
    }
    let draft = authored::<Draft>(bytes).map(|draft| hear(Heard::Draft(Box::new(draft))));
    let evidence: Option<Evidence> = read(bytes, Evidence::MAX_BYTES);
    if let Some(evidence) = evidence.clone() {
        assert!(evidence.verify(&ELSEWHERE).is_err());
    }
    let proven = evidence.clone().and_then(|evidence| evidence.verify(&HERE).ok());
    proven.into_iter().for_each(|proven| hear(Heard::Evidence(Box::new(proven))));
    telling.is_some()
        || draft.is_some()
        || evidence.is_some()
        || authored::<Commit>(bytes).is_some()
        || authored::<Reveal>(bytes).is_some()
        || authored::<Profile>(bytes).is_some()
        || authored::<Question>(bytes).is_some()
        || authored::<Answer>(bytes).is_some()
}

fn hear(heard: Heard) {
    heard.height();
    match heard {
        Heard::Telling(words) => assert!(!words.authors().is_empty() || words.height() == 0),
        Heard::Draft(draft) => settle(&draft.settlement),
        Heard::Settled(certified) => {
            let _ = head().check(&certified);
            settle(&certified.settlement);
        }
        Heard::Attestation(attestation) => attest(&attestation),
        Heard::Evidence(proven) => {
            let copy = proven.evidence().clone().verify(&HERE).expect("proven");
            assert_eq!((copy.offender(), copy.height()), (proven.offender(), proven.height()));
        }
        _ => {}
    }
}

/// Whose stake a leaf shows is decided by the leaf that stands in the tree.
fn attest(attestation: &Attestation) {
    let ledger = &head().ledger;
    if let Some((hotkey, stake)) = attestation.stake(&ledger.root()) {
        assert_eq!(ledger.stake_of(&hotkey), stake);
    }
}

/// What follows the head is what the ledger leads to, whoever drafted it.
fn settle(settlement: &Settlement) {
    let head = head();
    let moved = Settlement { header: in_place(&settlement.header, &settlement.body), ..settlement.clone() };
    for settlement in [settlement.clone(), moved] {
        if let Ok(judged) = head.judge(settlement, u64::MAX) {
            let header = &judged.settlement.header;
            assert_eq!(judged.ledger.root(), header.state_root);
            assert_eq!(judged.ledger.validators().hash(), header.next_set);
            judged.ledger.audit().expect("every promise is kept");
        }
    }
}

/// The header where it would have to stand, so that its body is looked at.
fn in_place(header: &Header, body: &Body) -> Header {
    let head = head();
    let (height, (parent, earliest)) = (head.ledger.height() + 1, head.parent());
    Header {
        version: settlement::VERSION,
        genesis: *HERE,
        height,
        time: header.time.max(earliest),
        proposer: head.ledger.validators().proposer(height, header.round),
        parent,
        input_root: body.root(),
        ..header.clone()
    }
}

/// A vote as it travels, and as one who holds most of the stake would cast it.
fn vote(bytes: &[u8]) -> bool {
    let travels = signed::<Vote>(bytes);
    let Some(vote) = authored::<Vote>(&in_our_name(bytes)) else { return travels };
    for height in [1, vote.height()] {
        let (mut engine, votes) = (engine(height), [vote.clone()]);
        engine.skip(&votes);
        engine.polka(&votes);
        engine.vote(vote.clone());
    }
    true
}

/// A proposal as it travels, and in the name of one who may or may not have a turn, with and without its draft.
fn proposal(bytes: &[u8]) -> bool {
    let travels = signed::<Proposal>(bytes);
    let Some(proposal) = authored::<Proposal>(&in_our_name(bytes)) else { return travels };
    let (height, header) = (proposal.height(), proposal.header());
    for start in [1, height] {
        let mut engine = engine(start);
        engine.judged(height, proposal.round().unwrap_or(0), proposal.signer(), header, true);
        engine.proposal(proposal.clone());
    }
    true
}

/// A certificate convinces if and only if more than two thirds of the stake signed, each once.
fn certificate(bytes: &[u8]) -> bool {
    let Some(certificate) = read::<Certificate>(bytes, settlement::CERTIFICATE_BYTES) else { return false };
    let header = samples::header();
    assert!(certificate.check(&ELSEWHERE, &header, set()).is_err());
    let signed = certificate.check(&HERE, &header, set()).is_ok();
    let resigned = resign(certificate.clone(), &header);
    let signers = resigned.signers();
    let power: u64 = signers.iter().filter_map(|signer| set().power(signer)).sum();
    let sound = signers.is_sorted_by(|a, b| a < b)
        && signers.iter().all(|signer| set().power(signer).is_some())
        && u128::from(power) * 3 > u128::from(set().total()) * 2;
    assert_eq!(resigned.check(&HERE, &header, set()).is_ok(), sound);
    assert!(sound || !signed, "a forged certificate convinced");
    let round = certificate.round;
    let late = Vote::of(Ballot::Precommit, header.height, round, Some(header.hash()), KEYS[0].hotkey());
    let mut more = resigned;
    more.add(&Signed::author(&KEYS[0], &HERE, late));
    assert!(!sound || more.check(&HERE, &header, set()).is_ok(), "one more spoils nothing");
    true
}

/// The certificate with the signatures of those whose keys we have, for this header.
fn resign(certificate: Certificate, header: &Header) -> Certificate {
    let (height, header, round) = (header.height, header.hash(), certificate.round);
    let sign = |(signer, signature): (Hotkey, Signature)| {
        let vote = Vote::of(Ballot::Precommit, height, round, Some(header), signer);
        let key = KEYS.iter().find(|key| key.hotkey() == signer);
        let signature = key.map_or(signature, |key| Signed::author(key, &HERE, vote).signed().signature());
        (signer, signature)
    };
    let signatures = certificate.signatures.into_iter().map(sign).collect();
    Certificate { height, round, header, signatures }
}

/// A header alone, with its body, with its certificate, or as a light client is led to it.
fn header(bytes: &[u8]) -> bool {
    if let Some(header) = read::<Header>(bytes, MAX_HEADER) {
        let higher = Header { height: !header.height, ..header.clone() };
        assert_ne!(header.hash(), higher.hash());
        follow(&header);
        settle(&Settlement { header, body: Body::default() });
        return true;
    }
    if let Some(skip) = read::<Skip>(bytes, settlement::MAX_BYTES) {
        let mut client = LightClient::new(&genesis()).expect("a sound genesis");
        let (hash, now) = (skip.header.hash(), skip.header.time);
        let _ = skip.validators.proposer(skip.header.height, 0);
        assert!(client.skip(skip, now).is_err() || client.trusted().hash == hash);
        return true;
    }
    let certified = read::<Certified>(bytes, settlement::MAX_BYTES);
    let read = certified.is_some();
    certified.into_iter().for_each(|certified| hear(Heard::Settled(Box::new(certified))));
    read
}

/// Whatever stands in a header that is certified: a light client goes to it or not, and nowhere else.
fn follow(header: &Header) {
    let set = set();
    let height = header.height.wrapping_sub(1);
    let parent = Header { height, next_set: set.hash(), ..header.clone() };
    let header = Header { genesis: *HERE, parent: parent.hash(), next_set: set.hash(), ..header.clone() };
    let certificate = certify(&header);
    let mut client = LightClient::new(&genesis()).expect("a sound genesis");
    let before = client.clone();
    let (hash, now) = (header.hash(), header.time);
    let skip = Skip { parent: Some(parent), header, certificate, validators: set.clone(), next: set.clone() };
    match client.skip(skip, now) {
        Ok(()) => assert_eq!(client.trusted().hash, hash),
        Err(_) => assert_eq!(client, before),
    }
}

/// A proof that shows one leaf of a list shows no other, nowhere else, and in no other list.
fn proof(bytes: &[u8]) -> bool {
    type Claim = (Root, Vec<u8>, Proof);
    if let Some((root, leaf, proof)) = read::<Claim>(bytes, MAX_PROOF) {
        proof.verify(&root, &leaf);
        return true;
    }
    let Some((&length, bytes)) = bytes.split_first() else { return false };
    let Some(proof) = read::<Proof>(bytes, MAX_PROOF) else { return false };
    let list = samples::leaves(length % LEAVES);
    let root = merkle::root(&list);
    for (index, leaf) in list.iter().enumerate() {
        if proof.verify(&root, leaf) {
            assert_eq!(proof.index, index as u64);
            assert_eq!(
                Some(&proof),
                merkle::Tree::new(&list).prove(index).as_ref(),
                "two proofs of one leaf"
            );
            assert!(!proof.verify(&Root { leaves: proof.index, ..root }, leaf), "a shorter list");
        }
    }
    assert!(!proof.verify(&root, b"a leaf of no list"));
    true
}

fn transaction(bytes: &[u8]) -> bool {
    let Some(order) = authored::<Transaction>(bytes) else { return signed::<Transaction>(bytes) };
    let mut ledger = head().ledger.clone();
    let root = ledger.root();
    match ledger.try_transaction(&order) {
        Ok(()) => ledger.audit().expect("every promise is kept"),
        Err(_) => assert_eq!(ledger.root(), root, "a refusal changes nothing"),
    }
    true
}

/// A chunk is taken in if the ledger that was certified begins with it; an anchor alone makes no ledger.
fn snapshot(bytes: &[u8]) -> bool {
    if let Ok(anchor) = Anchor::decode(bytes) {
        assert_eq!(encode(&anchor), bytes);
        let _ = anchor.check_body();
        let assembly = Assembly::new(anchor);
        assert!(assembly.head().is_err());
        return true;
    }
    let Ok(chunk) = Chunk::decode(bytes) else { return false };
    assert_eq!(encode(&chunk), bytes);
    let _ = Ledger::from_leaves(&chunk.leaves).map(|ledger| ledger.root());
    let (mut assembly, ledger) = (Assembly::new(samples::anchor()), &head().ledger);
    if assembly.add(chunk.clone()).is_ok() {
        let leaves = ledger.leaves();
        assert!(chunk.leaves.iter().zip(&leaves).all(|(leaf, true_leaf)| leaf == true_leaf));
        match assembly.wants() {
            Some(_) => assert!(assembly.head().is_err()),
            None => assert_eq!(assembly.head().expect("it is whole").ledger.root(), ledger.root()),
        }
    }
    true
}

/// What the vote log may hold, gone through after a crash.
fn log_entry(bytes: &[u8]) -> bool {
    let one = read::<LogEntry>(bytes, MAX_LOG).map(|entry| vec![entry]);
    let Some(log) = one.or_else(|| read(bytes, MAX_LOG)) else { return false };
    let mut engine = idle();
    engine.start(1, set().clone(), &log);
    engine.start(2, set().clone(), &[]);
    true
}

/// The value that the bytes stand for, which stands for no others.
fn read<T: Serialize + DeserializeOwned>(bytes: &[u8], limit: usize) -> Option<T> {
    let value: T = decode("bytes", bytes, limit).ok()?;
    assert_eq!(encode(&value), bytes);
    Some(value)
}

/// What somebody signed, as it travels.
fn signed<T: Payload + Clone>(bytes: &[u8]) -> bool {
    let limit = T::MAX_BYTES + FRAMING_BYTES + size_of::<Hotkey>() + size_of::<Signature>();
    let Some(signed) = read::<Signed<T>>(bytes, limit) else { return false };
    assert!(bytes.len() <= signed.size() + FRAMING_BYTES);
    if let Ok(verified) = signed.clone().verify(&HERE) {
        assert!(encode(&*verified).len() <= T::MAX_BYTES);
        assert!(Signed::assemble(signed.signer, &*verified, signed.signature()).id() == signed.id());
        assert!(signed.verify(&ELSEWHERE).is_err(), "a signature crossed networks");
    }
    true
}

/// What we sign is ours, here and nowhere else, unless it breaks a rule.
fn authored<T: Payload + Clone + PartialEq + Debug>(bytes: &[u8]) -> Option<Verified<T>> {
    let value: T = read(bytes, T::MAX_BYTES)?;
    let signed = Signed::author(&KEYS[0], &HERE, value.clone()).into_signed();
    assert!(signed.clone().verify(&ELSEWHERE).is_err(), "a signature crossed networks");
    let verified = signed.verify(&HERE).ok()?;
    assert_eq!(*verified, value);
    Some(verified)
}

/// A vote or proposal, with us for its author, who stands last.
fn in_our_name(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(author) = bytes.last_chunk_mut::<32>() {
        *author = KEYS[0].hotkey().0;
    }
    bytes
}

/// An engine that decides a height.
fn engine(height: u64) -> Engine {
    let mut engine = idle();
    engine.start(height, set().clone(), &[]);
    engine
}

fn idle() -> Engine {
    Engine::new(KEYS[1].clone(), *HERE, set().clone(), LinearTimeouts::default())
}
