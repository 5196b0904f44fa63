//! A chain of headers whose set changes a little at every height.
use crypto::Keypair;

use super::*;
use crate::consensus::vote::{Ballot, Vote};
use crate::genesis::GenesisNeuron;
use crate::settlement::VERSION;
use crate::subnet::Netuid;
use crate::transaction::Coldkey;
use crate::{Amount, Signed, codec};

/// When the network begins.
const BEGINNING: u64 = 1_000_000;
/// Between two settlements, in milliseconds.
const INTERVAL: u64 = 1_000;
/// How many settle, all with the same stake.
const SEATS: usize = 4;

fn key(n: usize) -> Keypair {
    Keypair::from_seed([n as u8 + 1; 32])
}

/// Height by height one validator leaves and another comes, from the third on.
fn seated(height: u64) -> Vec<usize> {
    let first = height.saturating_sub(2) as usize;
    (first..first + SEATS).collect()
}

fn set(height: u64) -> ValidatorSet {
    ValidatorSet::new(seated(height).into_iter().map(|n| (key(n).hotkey(), 100))).expect("some stake")
}

fn genesis() -> Genesis {
    let neuron = |n: usize| GenesisNeuron {
        netuid: Netuid(1),
        hotkey: key(n).hotkey(),
        coldkey: Coldkey(key(n).hotkey()),
        stake: Amount(2_000_000_000),
        settles: true,
        permit: true,
    };
    let dev = Genesis::dev(BEGINNING, (0..SEATS).map(neuron).collect());
    Genesis { name: "public".to_owned(), ..dev }
}

struct Chain {
    client: LightClient,
    headers: Vec<Header>,
}

impl Chain {
    fn new() -> Self {
        let client = LightClient::new(&genesis()).expect("sound");
        let mut headers: Vec<Header> = Vec::new();
        for height in 1..20 {
            let parent = headers.last().map_or(genesis().hash(), Header::hash);
            headers.push(Header {
                version: VERSION,
                genesis: genesis().hash(),
                height,
                time: BEGINNING + height * INTERVAL,
                round: 0,
                proposer: key(0).hotkey(),
                parent,
                input_root: Hash([1; 32]),
                state_root: Root { hash: Hash([height as u8; 32]), leaves: 1 },
                next_set: set(height + 1).hash(),
            });
        }
        Self { client, headers }
    }

    /// The skip to a height, signed by all who settle it but `absent`.
    fn skip(&self, height: u64, absent: usize) -> Skip {
        let header = self.headers[height as usize - 1].clone();
        let parent = height.checked_sub(2).map(|place| self.headers[place as usize].clone());
        let signers = seated(height).into_iter().skip(absent).collect();
        let certificate = certify(&header, signers);
        let validators = if height == 1 { self.client.trusted().validators.clone() } else { set(height) };
        Skip { parent, header, certificate, validators, next: set(height + 1) }
    }

    fn follow(&mut self, skip: Skip) -> Result<u64, Doubt> {
        let now = skip.header.time;
        self.client.skip(skip, now).map(|()| self.client.trusted().height)
    }
}

fn certify(header: &Header, signers: Vec<usize>) -> Certificate {
    let sign = |n: usize| {
        let vote = Vote::of(Ballot::Precommit, header.height, 0, Some(header.hash()), key(n).hotkey());
        (key(n).hotkey(), Signed::author(&key(n), &header.genesis, vote).signed().signature())
    };
    let mut signatures: Vec<_> = signers.into_iter().map(sign).collect();
    signatures.sort_unstable();
    Certificate { height: header.height, round: 0, header: header.hash(), signatures }
}

#[test]
fn a_light_client_goes_from_header_to_header() {
    let mut chain = Chain::new();
    for height in 1..20 {
        assert_eq!(chain.follow(chain.skip(height, 1)), Ok(height), "three of four sign");
    }
}

#[test]
fn it_skips_as_far_as_more_than_a_third_of_the_stake_it_knows_still_signs() {
    let mut chain = Chain::new();
    chain.follow(chain.skip(1, 0)).expect("the first header");
    // Those trusted settle height 2; at height 4 two of the four are left, at height 5 one.
    let far = chain.follow(chain.skip(5, 0));
    assert_eq!(far, Err(Doubt::TooFar { signed: 100, total: 400 }));
    assert_eq!(chain.follow(chain.skip(4, 0)), Ok(4));
    assert_eq!(chain.follow(chain.skip(5, 0)), Ok(5));
}

#[test]
fn nothing_unproven_is_believed() {
    let doubt = |height: u64, change: &dyn Fn(&mut Skip)| {
        let mut chain = Chain::new();
        chain.follow(chain.skip(1, 0)).expect("the first header");
        let mut skip = chain.skip(height, 0);
        change(&mut skip);
        let before = chain.client.clone();
        let doubt = chain.follow(skip).expect_err("must be doubted");
        assert_eq!(chain.client, before);
        doubt
    };
    assert_eq!(doubt(3, &|s| s.parent = None), Doubt::Mismatch("parent"));
    assert_eq!(doubt(3, &|s| s.parent = Some(s.header.clone())), Doubt::Mismatch("parent"));
    assert_eq!(doubt(3, &|s| s.validators = set(9)), Doubt::Mismatch("set"));
    assert_eq!(doubt(3, &|s| s.next = set(9)), Doubt::Mismatch("next set"));
    assert_eq!(doubt(3, &|s| s.header.genesis = Hash([9; 32])), Doubt::Mismatch("network"));
    assert_eq!(doubt(2, &|s| s.validators = set(9)), Doubt::Mismatch("parent or set"));
    assert_eq!(doubt(1, &|_| {}), Doubt::Old { height: 1, trusted: 1 });
    let forged = doubt(3, &|s| s.header.state_root = Root { hash: Hash([9; 32]), leaves: 1 });
    assert_eq!(forged, Doubt::Forged(Forged::OtherSettlement));
    let few = doubt(3, &|s| s.certificate = certify(&s.header, vec![1, 2]));
    assert_eq!(few, Doubt::Forged(Forged::NoQuorum { signed: 200, total: 400 }));
}

#[test]
fn heights_and_stakes_that_nobody_can_count_are_doubted_without_a_panic() {
    let mut chain = Chain::new();
    chain.follow(chain.skip(1, 0)).expect("the first header");
    let (sound, parent) = (chain.skip(4, 0), chain.headers[2].clone());
    let under = |parent: Header| {
        let header = Header { parent: parent.hash(), ..sound.header.clone() };
        Skip { parent: Some(parent), certificate: certify(&header, vec![2]), header, ..sound.clone() }
    };
    let high = under(Header { height: u64::MAX, ..parent.clone() });
    assert_eq!(chain.follow(high), Err(Doubt::Mismatch("parent")));
    let rich: ValidatorSet = codec::decode(
        "validator set",
        &codec::encode(&[(key(2).hotkey(), u64::MAX), (key(3).hotkey(), u64::MAX)]),
        1_000,
    )
    .expect("a set as it travels");
    let rich = Skip { validators: rich.clone(), ..under(Header { next_set: rich.hash(), ..parent }) };
    assert_eq!(chain.follow(rich), Err(Doubt::TooFar { signed: 100, total: 400 }));
}

#[test]
fn a_set_invented_for_a_certificate_is_not_the_one_that_the_parent_names() {
    let mut chain = Chain::new();
    chain.follow(chain.skip(1, 0)).expect("the first header");
    let mut skip = chain.skip(4, 0);
    let alone = ValidatorSet::new([(key(2).hotkey(), 100)]).expect("some stake");
    skip.certificate = certify(&skip.header, vec![2]);
    skip.validators = alone;
    assert_eq!(chain.follow(skip), Err(Doubt::Mismatch("set")));
}

#[test]
fn what_is_trusted_vouches_for_its_period_only() {
    let mut chain = Chain::new();
    let period = genesis().parameters.trusting_period * INTERVAL;
    let skip = chain.skip(1, 0);
    let late = chain.client.clone().skip(skip.clone(), BEGINNING + period + 1);
    assert_eq!(late, Err(Doubt::Expired { height: 0, age_s: period / 1_000, period_s: period / 1_000 }));
    assert_eq!(chain.client.skip(skip, BEGINNING + period), Ok(()));
}

#[test]
fn in_a_network_for_development_the_genesis_vouches_for_ever() {
    let chain = Chain::new();
    let dev = Genesis { name: "dev".to_owned(), ..genesis() };
    let late = u64::MAX / 2;
    assert_eq!(LightClient::new(&dev).expect("sound").skip(chain.skip(1, 0), late), Ok(()));
    assert!(matches!(chain.client.clone().skip(chain.skip(1, 0), late), Err(Doubt::Expired { .. })));
}

#[test]
fn a_header_from_the_future_is_doubted() {
    let mut chain = Chain::new();
    let drift = genesis().parameters.clock_drift;
    let skip = chain.skip(1, 0);
    let early = skip.header.time - drift - 1;
    assert!(matches!(chain.client.clone().skip(skip.clone(), early), Err(Doubt::Untimely { .. })));
    assert_eq!(chain.client.skip(skip, early + 1), Ok(()));
}

#[test]
fn a_checkpoint_is_believed_if_it_is_the_header_that_was_named() {
    let mut chain = Chain::new();
    let header = chain.headers[9].clone();
    let named = Checkpoint { height: 10, hash: header.hash() };
    for other in [Checkpoint { hash: Hash([9; 32]), ..named }, Checkpoint { height: 9, ..named }] {
        let refused = chain.client.clone().trust(&header, set(11), other);
        assert_eq!(refused, Err(Doubt::OtherCheckpoint { found: named, expected: other }));
    }
    assert_eq!(chain.client.clone().trust(&header, set(12), named), Err(Doubt::Mismatch("next set")));
    assert_eq!(chain.client.trust(&header, set(11), named), Ok(()));
    assert_eq!(chain.follow(chain.skip(11, 0)), Ok(11));
}

#[test]
fn the_way_to_a_far_header_is_halved() {
    let mut chain = Chain::new();
    let mut check = |trusted, far, between| {
        chain.client.trusted.height = trusted;
        assert_eq!(chain.client.between(far), between, "{trusted} {far}");
    };
    check(10, 20, Some(15));
    check(10, 12, Some(11));
    check(10, 11, None);
    check(10, 9, None);
    check(u64::MAX - 1, u64::MAX, None);
}

#[test]
fn a_height_before_the_trusted_one_is_settled_by_whom_its_parent_names() {
    let mut chain = Chain::new();
    let (skip, later) = (chain.skip(3, 0), chain.skip(4, 0));
    chain.follow(later).unwrap();
    let doubts = |change: &dyn Fn(&mut Skip)| {
        let mut skip = skip.clone();
        change(&mut skip);
        chain.client.check_earlier(&skip).err()
    };
    assert_eq!(doubts(&|_| ()), None);
    assert_eq!(doubts(&|skip| skip.parent = None), Some(Doubt::Mismatch("parent")));
    assert_eq!(doubts(&|skip| skip.header.genesis = Hash([9; 32])), Some(Doubt::Mismatch("network")));
    assert_eq!(doubts(&|skip| skip.validators = set(60)), Some(Doubt::Mismatch("set")));
    assert!(matches!(doubts(&|skip| skip.certificate.signatures.clear()), Some(Doubt::Forged(_))));
}
