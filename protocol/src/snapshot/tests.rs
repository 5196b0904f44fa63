//! A small ledger in many chunks, as a peer sends it who may be mistaken.
use std::sync::LazyLock;

use crypto::{Hash, Hotkey, Keypair};
use proptest::prelude::*;

use super::*;
use crate::consensus::vote::{Ballot, Vote};
use crate::genesis::{Genesis, GenesisNeuron};
use crate::light::LightClient;
use crate::settlement::{Certificate, Header, Inputs, VERSION};
use crate::subnet::Netuid;
use crate::transaction::Coldkey;
use crate::{Amount, Signed};

/// Room of a chunk: a few leaves fit.
const ROOM: usize = 400;
/// How many settle.
const SEATS: u8 = 4;
/// The height of the snapshot.
const HEIGHT: u64 = 3;

fn key(n: u8) -> Keypair {
    Keypair::from_seed([n + 1; 32])
}

fn genesis() -> Genesis {
    let neuron = |n| GenesisNeuron {
        netuid: Netuid(1),
        hotkey: key(n).hotkey(),
        coldkey: Coldkey(key(n).hotkey()),
        stake: Amount::coins(10),
        settles: true,
        permit: true,
    };
    let mut genesis = Genesis::dev(1_000, (0..SEATS).map(neuron).collect());
    genesis.accounts = (20..60).map(|n| (Coldkey(key(n).hotkey()), Amount::coins(1))).collect();
    genesis
}

fn certify(header: &Header) -> Certificate {
    let sign = |n| {
        let vote = Vote::of(Ballot::Precommit, header.height, 0, Some(header.hash()), key(n).hotkey());
        (key(n).hotkey(), Signed::author(&key(n), &header.genesis, vote).signed().signature())
    };
    let mut signatures: Vec<_> = (0..SEATS).map(sign).collect();
    signatures.sort_unstable();
    Certificate { height: header.height, round: 0, header: header.hash(), signatures }
}

fn settled() -> (Anchor, Ledger) {
    static SETTLED: LazyLock<(Anchor, Ledger)> = LazyLock::new(settle);
    SETTLED.clone()
}

/// Settles nothing until [`HEIGHT`].
fn settle() -> (Anchor, Ledger) {
    let mut ledger = Ledger::new(&genesis()).expect("sound");
    let signers: Vec<Hotkey> = (0..SEATS).map(|n| key(n).hotkey()).collect();
    let (mut parent, mut before) = (None::<Header>, None);
    for height in 1..=HEIGHT {
        let time = ledger.time() + 1_000;
        let validators = ledger.validators().clone();
        ledger.apply(&Inputs::default(), time, &signers).expect("nothing to refuse");
        let body = Body { parent_certificate: parent.as_ref().map(certify), ..Body::default() };
        let header = Header {
            version: VERSION,
            genesis: genesis().hash(),
            height,
            time,
            round: 0,
            proposer: signers[0],
            parent: parent.as_ref().map_or(genesis().hash(), Header::hash),
            input_root: body.root(),
            state_root: ledger.root(),
            next_set: ledger.validators().hash(),
        };
        before = Some((parent.replace(header), validators, body));
    }
    let (header, (before, validators, body)) = parent.zip(before).expect("some heights");
    let (certificate, next) = (certify(&header), ledger.validators().clone());
    (Anchor { skip: Skip { parent: before, header, certificate, validators, next }, body }, ledger)
}

fn assemble(anchor: Anchor, chunks: &[Chunk]) -> Result<Head, Flaw> {
    let mut assembly = Assembly::new(anchor);
    chunks.iter().try_for_each(|chunk| assembly.add(chunk.clone()))?;
    assert_eq!(assembly.wants(), None);
    assembly.head()
}

#[test]
fn chunks_make_the_ledger_that_a_light_client_was_led_to() {
    let (anchor, ledger) = settled();
    let chunks = cut(&ledger, ROOM);
    assert!(chunks.len() > 10, "{}", chunks.len());
    let mut client = LightClient::new(&genesis()).expect("sound");
    client.skip(anchor.skip.clone(), ledger.time()).expect("those of the genesis settled it");
    anchor.check_body().expect("what was settled");
    let head = assemble(anchor, &chunks).expect("all of it");
    assert_eq!(head.ledger.root(), client.trusted().state_root);
    assert_eq!(head.parent().0, client.trusted().hash);
    assert_eq!(head.ledger.entries(), ledger.entries());
}

#[test]
fn an_anchor_and_its_chunks_have_one_encoding() {
    let (anchor, ledger) = settled();
    assert_eq!(Anchor::decode(&codec::encode(&anchor)), Ok(anchor));
    for chunk in Chunk::all_of(&ledger) {
        assert_eq!(Chunk::decode(&codec::encode(&chunk)), Ok(chunk));
    }
    assert!(matches!(Anchor::decode(&vec![0; MAX_ANCHOR_BYTES + 1]), Err(Error::TooLarge { .. })));
    assert!(matches!(Chunk::decode(&vec![0; MAX_CHUNK_BYTES + 1]), Err(Error::TooLarge { .. })));
}

#[test]
fn a_full_chunk_fits_its_limit() {
    let leaf = |n: u64| [n.to_be_bytes().as_slice(), &[7; 100]].concat();
    let leaves: Vec<_> = (0..20_000).map(leaf).map(ByteBuf::from).collect();
    let fitting = CHUNK_BYTES / (leaves[0].len() + FRAME);
    let mut proofs = merkle::prove_runs(&leaves, &[1, fitting]);
    let chunk = Chunk { leaves: leaves[1..=fitting].to_vec(), proof: proofs.remove(1) };
    let size = codec::encode(&chunk).len();
    assert!((CHUNK_BYTES * 9 / 10..MAX_CHUNK_BYTES).contains(&size), "{size}");
}

/// Refused at the fourth chunk, or at the end.
#[track_caller]
fn refuses(change: impl Fn(&mut Vec<Chunk>), expected: &Flaw) {
    let (anchor, ledger) = settled();
    let mut chunks = cut(&ledger, ROOM);
    change(&mut chunks);
    assert_eq!(assemble(anchor, &chunks).expect_err("must be refused"), *expected);
}

#[test]
fn a_chunk_that_was_changed_is_refused_where_it_comes() {
    let first = cut(&settled().1, ROOM)[3].proof.first;
    let unproven = Flaw::Unproven(first);
    refuses(|chunks| *chunks[3].leaves[0].last_mut().expect("long") ^= 1, &unproven);
    refuses(|chunks| drop(chunks[3].leaves.pop()), &unproven);
    refuses(|chunks| chunks[3].leaves.clear(), &unproven);
    refuses(|chunks| chunks[3].leaves.push(ByteBuf::from([3; 50])), &unproven);
    refuses(|chunks| chunks[3].leaves.swap(0, 1), &unproven);
    refuses(|chunks| chunks[3].proof.path.truncate(1), &unproven);
    refuses(|chunks| chunks[3].proof.path[0] = Hash([1; 32]), &unproven);
    refuses(|chunks| chunks[3].proof.first += 1, &Flaw::Misplaced { first: first + 1, next: first });
    let next = cut(&settled().1, ROOM)[4].proof.first;
    refuses(|chunks| drop(chunks.remove(3)), &Flaw::Misplaced { first: next, next: first });
}

#[test]
fn more_chunks_than_were_certified_are_refused() {
    let (anchor, ledger) = settled();
    let (mut assembly, chunks) = (Assembly::new(anchor), cut(&ledger, ROOM));
    for (number, chunk) in chunks.iter().enumerate() {
        assert_eq!(assembly.wants(), Some(number as u64));
        assembly.add(chunk.clone()).expect("the next");
    }
    assert_eq!(assembly.wants(), None);
    let mut more = chunks[0].clone();
    more.proof.first = ledger.root().leaves;
    assert_eq!(assembly.add(more), Err(Flaw::Unproven(ledger.root().leaves)));
}

#[test]
fn an_anchor_of_something_else_leads_to_no_ledger() {
    let (anchor, ledger) = settled();
    let chunks = cut(&ledger, ROOM);
    let mut other = anchor.clone();
    other.body.parent_certificate = None;
    assert_eq!(other.check_body(), Err(Forged::OtherBody));
    assert_eq!(assemble(other, &chunks).expect_err("another body"), Flaw::Forged(Forged::OtherBody));
    let mut few = anchor.clone();
    few.skip.certificate.signatures.truncate(2);
    let flaw = assemble(few, &chunks).expect_err("half of the stake");
    assert!(matches!(flaw, Flaw::Forged(Forged::NoQuorum { .. })), "{flaw}");
    let empty = Assembly::new(anchor).head().expect_err("no leaf came");
    assert!(matches!(empty, Flaw::NoLedger(_)), "{empty}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// What a hostile peer makes of sound bytes is refused, or is what it was.
    #[test]
    fn corrupted_bytes_are_refused_without_a_panic(
        chunk in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut_off: bool
    ) {
        let (anchor, ledger) = settled();
        let chunks = cut(&ledger, ROOM);
        let number = chunk.index(chunks.len());
        let corrupt = |mut bytes: Vec<u8>| {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if cut_off {
                bytes.truncate(at);
            }
            bytes
        };
        if let Ok(chunk) = Chunk::decode(&corrupt(codec::encode(&chunks[number]))) {
            let mut assembly = Assembly::new(anchor.clone());
            chunks[..number].iter().for_each(|sound| assembly.add(sound.clone()).expect("sound"));
            prop_assert!(assembly.add(chunk.clone()).is_err() || chunk == chunks[number]);
        }
        if let Ok(other) = Anchor::decode(&corrupt(codec::encode(&anchor))) {
            let mut client = LightClient::new(&genesis()).expect("sound");
            let believed = client.skip(other.skip.clone(), ledger.time()).is_ok() && other.check_body().is_ok();
            prop_assert!(!believed || other.skip.header == anchor.skip.header);
        }
    }

    /// An index in doubt may hold anything.
    #[test]
    fn corrupted_leaves_are_refused_or_show_in_the_root(
        leaf in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut_off: bool
    ) {
        let ledger = settled().1;
        let mut leaves = ledger.leaves();
        let number = leaf.index(leaves.len());
        let at = at.index(leaves[number].len());
        let before = leaves[number].clone();
        leaves[number][at] = byte;
        if cut_off {
            leaves[number].truncate(at);
        }
        let changed = leaves[number] != before;
        if let Ok(other) = Ledger::from_leaves(&leaves) {
            prop_assert_eq!(other.root() != ledger.root(), changed);
        }
    }
}

/// What a snapshot costs: `cargo test -p protocol snapshots_of -- --ignored --nocapture`.
#[test]
#[ignore = "prints figures"]
fn snapshots_of_small_and_large_ledgers() {
    let mut coldkey = 0u64;
    for accounts in [10, 10_000, 100_000] {
        let mut genesis = genesis();
        genesis.accounts.extend((0..accounts).map(|_| {
            coldkey += 1;
            (Coldkey(Hotkey(crypto::hash("account", &[&coldkey.to_le_bytes()]).0)), Amount::coins(1))
        }));
        genesis.accounts.sort_unstable();
        let ledger = Ledger::new(&genesis).expect("sound");
        let began = std::time::Instant::now();
        let chunks: Vec<_> = Chunk::all_of(&ledger).iter().map(codec::encode).collect();
        let made = began.elapsed();
        let mut anchor = settled().0;
        anchor.skip.header.state_root = ledger.root();
        let mut assembly = Assembly::new(anchor);
        chunks.iter().for_each(|chunk| assembly.add(Chunk::decode(chunk).expect("sound")).expect("the next"));
        let proven = began.elapsed();
        assert_eq!(Ledger::from_leaves(&assembly.leaves).expect("sound").root(), ledger.root());
        let bytes: usize = chunks.iter().map(Vec::len).sum();
        eprintln!(
            "{accounts:>7} accounts: {:>3} chunks, {bytes:>9} bytes, made in {made:?}, proven in {:?}, a ledger in {:?}",
            chunks.len(),
            proven - made,
            began.elapsed() - proven
        );
    }
}
