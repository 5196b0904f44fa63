//! Sound bytes for every decoder, of a small network that settled once.
use std::sync::LazyLock;

use super::*;
use protocol::consensus::{Output, Speech};
use protocol::genesis::GenesisNeuron;
use protocol::head::Judged;
use protocol::settlement::Inputs;
use protocol::subnet::{Netuid, Rule, Uid};
use protocol::transaction::{Action, Coldkey};
use protocol::weights::Row;
use protocol::{Amount, Genesis};

/// Of those who settle; the first holds more than two thirds of the stake.
pub(crate) static KEYS: LazyLock<Vec<Keypair>> =
    LazyLock::new(|| (1..=4).map(|n| Keypair::from_seed([n; 32])).collect());

/// The network.
pub(crate) static HERE: LazyLock<Hash> = LazyLock::new(|| genesis().hash());

static HEAD: LazyLock<Head> = LazyLock::new(|| {
    let start = Head::new(Ledger::new(&genesis()).expect("a sound genesis"), None);
    let Judged { settlement, ledger, .. } = draft(&start);
    let certificate = certify(&settlement.header);
    Head::new(ledger, Some(Certified { settlement, certificate }))
});

pub(crate) fn genesis() -> Genesis {
    let neuron = |(n, key): (usize, &Keypair)| GenesisNeuron {
        netuid: Netuid(1),
        hotkey: key.hotkey(),
        coldkey: Coldkey(key.hotkey()),
        stake: Amount::coins(if n == 0 { 700 } else { 100 }),
        settles: true,
        permit: true,
    };
    let mut genesis = Genesis::dev(1_000, KEYS.iter().enumerate().map(neuron).collect());
    genesis.accounts = vec![(Coldkey(KEYS[0].hotkey()), Amount::coins(20))];
    genesis
}

/// The network after its first settlement.
pub(crate) fn head() -> &'static Head {
    &HEAD
}

/// Who settles.
pub(crate) fn set() -> &'static ValidatorSet {
    HEAD.ledger.validators()
}

/// The header of the first settlement.
pub(crate) fn header() -> Header {
    certified().settlement.header.clone()
}

fn certified() -> &'static Certified {
    HEAD.tip.as_ref().expect("it settled once")
}

/// The settlement after `head`, without inputs.
fn draft(head: &Head) -> Judged {
    head.draft(head.ledger.clone(), Inputs::default(), 0, 0)
}

/// Everybody's precommit.
pub(crate) fn certify(header: &Header) -> Certificate {
    let hash = header.hash();
    let sign = |key: &Keypair| {
        let vote = Vote::of(Ballot::Precommit, header.height, 0, Some(hash), key.hotkey());
        (key.hotkey(), Signed::author(key, &header.genesis, vote).signed().signature())
    };
    let mut signatures: Vec<_> = KEYS.iter().map(sign).collect();
    signatures.sort_unstable();
    Certificate { height: header.height, round: 0, header: hash, signatures }
}

/// A list of so many leaves.
pub(crate) fn leaves(length: u8) -> Vec<[u8; 3]> {
    (0..length).map(|n| [n; 3]).collect()
}

/// Sound bytes for a decoder.
pub(crate) fn of(decoder: &str) -> Vec<Vec<u8>> {
    match decoder {
        "message" => messages(),
        "vote" => votes().iter().flat_map(|vote| [encode(vote), encode(&sign(vote.clone()))]).collect(),
        "proposal" => vec![proposal(), encode(&proposed())],
        "certificate" => certificates(),
        "header" => headers(),
        "proof" => proofs(),
        "transaction" => orders().into_iter().flat_map(|o| [encode(&o), encode(&sign(o))]).collect(),
        "snapshot" => snapshot(),
        "log_entry" => log(),
        _ => Vec::new(),
    }
}

fn sign<T: Payload>(value: T) -> Signed<T> {
    Signed::author(&KEYS[0], &HERE, value).into_signed()
}

fn votes() -> Vec<Vote> {
    let vote = |ballot, header| Vote::of(ballot, 1, 0, header, KEYS[0].hotkey());
    let hash = header().hash();
    vec![
        vote(Ballot::Prevote, Some(hash)),
        vote(Ballot::Precommit, Some(hash)),
        vote(Ballot::Precommit, None),
        Vote::of(Ballot::Prevote, 1, 3, None, KEYS[0].hotkey()),
    ]
}

/// The proposal of an engine whose turn it is, as it is signed.
fn proposed() -> Signed<Proposal> {
    let proposer = set().proposer(1, 0);
    let key = KEYS.iter().find(|key| key.hotkey() == proposer).expect("one of us");
    let mut engine = Engine::new(key.clone(), *HERE, set().clone(), LinearTimeouts::default());
    engine.start(1, set().clone(), &[]);
    let said = engine.propose(1, 0, header().hash()).outputs.into_iter();
    let proposal = |output| match output {
        Output::Send(Speech::Proposal(proposal)) => Some(proposal),
        _ => None,
    };
    said.filter_map(proposal).next().expect("its turn")
}

fn proposal() -> Vec<u8> {
    encode(&*proposed().verify(&HERE).expect("an engine signs what it says"))
}

/// The certificate, and one that a few sign over and over.
fn certificates() -> Vec<Vec<u8>> {
    let mut stuffed = certified().certificate.clone();
    let few = stuffed.signatures.iter().find(|(signer, _)| *signer != KEYS[0].hotkey()).copied();
    stuffed.signatures = vec![few.expect("all sign"); 9];
    vec![encode(&certified().certificate), encode(&stuffed)]
}

fn messages() -> Vec<Vec<u8>> {
    let signed: Vec<_> = votes().into_iter().map(sign).collect();
    let speeches = [
        Speech::Votes(signed[..1].to_vec()),
        Speech::Polka(signed[..1].to_vec()),
        Speech::Skip(signed.clone()),
        Speech::Proposal(proposed()),
    ];
    let tellings = speeches.map(|speech| Telling { told: 9, speech });
    let draft = Draft { round: 0, settlement: draft(head()).settlement };
    let evidence = Evidence::votes(signed[1].clone(), signed[2].clone());
    let commit = Commit { netuid: Netuid(1), epoch: 0, commitment: *HERE };
    let row = Row(vec![(Uid(1), 65_535), (Uid(2), 0)]);
    let reveal = Reveal { netuid: Netuid(1), epoch: 0, version: 1, salt: *HERE, row };
    let profile = Profile { netuid: Netuid(1), number: 1, model: *HERE, description: "mlp-64".to_owned() };
    let question =
        Question { netuid: Netuid(1), miner: KEYS[1].hotkey(), height: 1, number: 2, body: vec![1, 2] };
    let answer = Answer { question: *HERE, body: vec![3] };
    let (leaf, proof) = head().ledger.prove_stake(&KEYS[0].hotkey()).expect("it has stake");
    let told = tellings.iter().map(|telling| Message::Telling(Box::new(sign(telling.clone()))));
    let others = [
        Message::Draft(Box::new(sign(draft.clone()))),
        Message::Settled(Box::new(certified().clone())),
        Message::Commit(sign(commit.clone())),
        Message::Reveal(sign(reveal.clone())),
        Message::Transaction(sign(orders().remove(0))),
        Message::Attestation(Attestation { height: 1, leaf, proof }),
        Message::Profile(sign(profile.clone())),
        Message::Evidence(Box::new(evidence.clone())),
    ];
    let bare = [
        encode(&draft),
        encode(&evidence),
        encode(&commit),
        encode(&reveal),
        encode(&profile),
        encode(&question),
        encode(&answer),
    ];
    let framed = told.chain(others).map(|message| encode(&message));
    framed.chain(tellings.iter().map(encode)).chain(bare).collect()
}

fn headers() -> Vec<Vec<u8>> {
    let next = draft(head()).settlement;
    vec![encode(&header()), encode(&next.header), encode(certified()), encode(&skip())]
}

/// What leads a light client from the genesis to the first settlement.
fn skip() -> Skip {
    let (validators, next) = (set().clone(), set().clone());
    let Certified { settlement, certificate } = certified().clone();
    Skip { parent: None, header: settlement.header, certificate, validators, next }
}

/// What the ledger after the first settlement is proven by.
pub(crate) fn anchor() -> Anchor {
    Anchor { skip: skip(), body: certified().settlement.body.clone() }
}

/// The anchor, the whole ledger, and its first leaves.
fn snapshot() -> Vec<Vec<u8>> {
    let [whole] = <[Chunk; 1]>::try_from(Chunk::all_of(&head().ledger)).expect("a small ledger");
    let first = whole.leaves.len() / 2;
    let lengths = [first, whole.leaves.len() - first];
    let proof = merkle::prove_runs(&whole.leaves, &lengths).remove(0);
    let half = Chunk { leaves: whole.leaves[..first].to_vec(), proof };
    vec![encode(&anchor()), encode(&whole), encode(&half)]
}

fn proofs() -> Vec<Vec<u8>> {
    let prove = |(length, index): (u8, usize)| {
        let proof = merkle::Tree::new(&leaves(length)).prove(index).expect("inside the list");
        [vec![length], encode(&proof)].concat()
    };
    let (list, index) = (leaves(5), 4);
    let claim = (merkle::root(&list), list[index].to_vec(), merkle::Tree::new(&list).prove(index));
    [(1, 0), (2, 1), (5, 4), (7, 6), (8, 3), (32, 31)]
        .into_iter()
        .map(prove)
        .chain([encode(&claim)])
        .collect()
}

fn orders() -> Vec<Transaction> {
    let (hotkey, to, netuid, amount) =
        (KEYS[0].hotkey(), Coldkey(KEYS[1].hotkey()), Netuid(1), Amount::coins(2));
    let actions = [
        Action::Transfer { to, amount },
        Action::Register { netuid, hotkey: Hotkey([9; 32]), limit: Some(amount) },
        Action::AddStake { hotkey, amount },
        Action::RemoveStake { hotkey, amount },
        Action::MoveStake { from: hotkey, to: KEYS[1].hotkey(), amount },
        Action::SetTake { hotkey, take: 900 },
        Action::SetChildren { netuid, hotkey, children: vec![(KEYS[1].hotkey(), u64::MAX / 2)] },
        Action::SetChildTake { netuid, hotkey, take: 100 },
        Action::Prefer { hotkey, row: vec![(netuid, 1)] },
        Action::Found { task: "sums".to_owned(), limit: None },
        Action::SetRule { netuid, rule: Rule::BondsPenalty(9) },
        Action::Settle { hotkey, settles: false },
        Action::Unjail { hotkey },
        Action::Start { netuid },
    ];
    actions.into_iter().map(|action| Transaction { nonce: 0, action }).collect()
}

fn log() -> Vec<Vec<u8>> {
    let signed: Vec<_> = votes().into_iter().map(sign).collect();
    let (proposer, header) = (set().proposer(1, 0), header().hash());
    let mut timers =
        idle().start(1, set().clone(), &[]).outputs.into_iter().filter_map(|output| match output {
            Output::StartTimer(timeout, _) => Some(timeout),
            _ => None,
        });
    let log = vec![
        LogEntry::Proposal(proposed()),
        LogEntry::Judged { round: 0, proposer, header, valid: true },
        LogEntry::Vote(signed[0].clone()),
        LogEntry::Polka(signed[..1].to_vec()),
        LogEntry::Elapsed(timers.next().expect("it waits for a proposal")),
        LogEntry::Vote(signed[1].clone()),
    ];
    log.iter().map(encode).chain([encode(&log)]).collect()
}
