//! Bytes as a history: what they hold is signed and submitted to a small ledger, which must keep its promises.
//!
//! A step is a byte that says what it is, one that says who signs, two for the length of a payload, and the payload as
//! the protocol encodes it. What signs is a key of its own, so that bytes decide everything but signatures.
#![allow(dead_code, reason = "each of those who include it uses another part")]
use std::sync::LazyLock;

use crypto::{Hash, Hotkey, Keypair};
use protocol::codec::{decode, encode};
use protocol::consensus::vote::{Ballot, Vote};
use protocol::consensus::{Evidence, Proven};
use protocol::genesis::GenesisNeuron;
use protocol::subnet::{Netuid, Rule, Uid};
use protocol::transaction::{Action, Coldkey, Transaction};
use protocol::weights::{Commit, Reveal, Row};
use protocol::{Amount, Genesis, Ledger, Payload, Signed, Verified};

/// The most steps of a history that are looked at, so that none takes long.
const MAX_STEPS: usize = 256;

/// A transaction as it stands.
const ORDER: u8 = 0;
/// A transaction with the nonce that its account expects.
const NEXT_ORDER: u8 = 1;
/// A commit as it stands.
const COMMIT: u8 = 2;
/// A reveal, to be committed to in the present epoch.
const HIDE: u8 = 3;
/// A reveal as it stands.
const REVEAL: u8 = 4;
/// A reveal of a commit of the epoch before.
const SHOW: u8 = 5;
/// Two votes of one signer, which may contradict each other.
const ACCUSE: u8 = 7;
/// The end of a settlement; who signs says who signed the one before.
const CLOSE: u8 = 6;
const KINDS: u8 = 8;

/// Hotkeys 1 to 3 validate, 4 to 6 mine; their owners are ten further on and have coins.
static KEYS: LazyLock<Vec<Keypair>> =
    LazyLock::new(|| (0..20).map(|n| Keypair::from_seed([n; 32])).collect());
static START: LazyLock<Ledger> = LazyLock::new(|| Ledger::new(&genesis()).expect("a sound genesis"));

fn key(n: u8) -> &'static Keypair {
    &KEYS[usize::from(n) % KEYS.len()]
}

fn hot(n: u8) -> Hotkey {
    key(n).hotkey()
}

fn cold(n: u8) -> Coldkey {
    Coldkey(hot(10 + n))
}

fn genesis() -> Genesis {
    let neuron = |n: u8| GenesisNeuron {
        netuid: Netuid(1),
        hotkey: hot(n),
        coldkey: cold(n),
        stake: Amount::coins(if n < 4 { 100 * u64::from(n) } else { 0 }),
        settles: n < 4,
        permit: n < 4,
    };
    let mut genesis = Genesis::dev(1_000, (1..=6).map(neuron).collect());
    genesis.accounts = (1..=6).map(|n| (cold(n), Amount::coins(20))).collect();
    let rules = &mut genesis.subnets[0].hyperparameters;
    (rules.slots, rules.permits, rules.immunity, rules.minimum_prunable) = (8, 6, 6, 2);
    let parameters = &mut genesis.parameters;
    (parameters.unbonding, parameters.evidence_expiry, parameters.trusting_period) = (10, 6, 6);
    (parameters.child_delay, parameters.child_change, parameters.take_rise) = (1, 1, 2);
    parameters.jail = 1;
    let founding = &mut parameters.founding;
    (founding.limit, founding.immunity, founding.start_delay) = (2, 2, 1);
    (parameters.founding.lock, parameters.founding.change_epochs) = (Amount::coins(1), 1);
    genesis
}

/// Plays a history, and counts the steps that were accepted. A refusal changes nothing, and every state is sound.
pub(crate) fn play(bytes: &[u8]) -> usize {
    let (mut ledger, mut rest) = (START.clone(), bytes);
    let mut accepted = 0;
    for _ in 0..MAX_STEPS {
        let Some((step, after)) = Step::read(rest) else { break };
        let before = ledger.root();
        match step.submit(&mut ledger) {
            Some(()) => accepted += 1,
            None => assert_eq!(ledger.root(), before, "a refusal changes nothing"),
        }
        ledger.audit().expect("every promise is kept");
        rest = after;
    }
    let copy = Ledger::from_entries(&ledger.entries()).expect("what entries() gave");
    assert_eq!(copy.root(), ledger.root());
    accepted
}

struct Step<'a> {
    kind: u8,
    who: u8,
    payload: &'a [u8],
}

impl<'a> Step<'a> {
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&[kind, who, high, low], rest) = bytes.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_be_bytes([high, low])).min(rest.len());
        let (payload, rest) = rest.split_at(length);
        Some((Self { kind: kind % KINDS, who, payload }, rest))
    }

    fn submit(&self, ledger: &mut Ledger) -> Option<()> {
        match self.kind {
            ORDER | NEXT_ORDER => {
                let order = self.order(ledger)?;
                ledger.try_transaction(&order).ok()
            }
            COMMIT | HIDE => {
                let commit = self.commit(ledger)?;
                ledger.try_commit(&commit).ok()
            }
            REVEAL | SHOW => {
                let reveal = self.reveal(ledger)?;
                ledger.try_reveal(&reveal).ok()
            }
            ACCUSE => {
                let proven = self.evidence(ledger)?;
                ledger.try_evidence(&proven).ok()
            }
            _ => {
                let signed = |n: &u8| self.who >> n & 1 == 1;
                let signers: Vec<_> = (1..=3).filter(signed).map(hot).collect();
                ledger.close(ledger.time() + 1, &signers);
                Some(())
            }
        }
    }

    fn order(&self, ledger: &Ledger) -> Option<Verified<Transaction>> {
        let mut order: Transaction = self.decode()?;
        if self.kind == NEXT_ORDER {
            order.nonce = ledger.nonce(&Coldkey(hot(self.who)));
        }
        self.sign(ledger, order)
    }

    fn commit(&self, ledger: &Ledger) -> Option<Verified<Commit>> {
        if self.kind == COMMIT {
            return self.sign(ledger, self.decode()?);
        }
        let hidden: Reveal = self.decode()?;
        let (netuid, epoch) = (hidden.netuid, ledger.epoch(hidden.netuid)?);
        let commitment = Reveal { epoch, ..hidden }.commitment(&hot(self.who));
        self.sign(ledger, Commit { netuid, epoch, commitment })
    }

    fn reveal(&self, ledger: &Ledger) -> Option<Verified<Reveal>> {
        let mut reveal: Reveal = self.decode()?;
        if self.kind == SHOW {
            reveal.epoch = ledger.epoch(reveal.netuid)?.saturating_sub(1);
        }
        self.sign(ledger, reveal)
    }

    fn evidence(&self, ledger: &Ledger) -> Option<Proven> {
        let (one, other): (Vote, Vote) = decode("votes", self.payload, 2 * Vote::MAX_BYTES).ok()?;
        let (one, other) = (self.sign(ledger, one)?, self.sign(ledger, other)?);
        Evidence::votes(one.into_signed(), other.into_signed()).verify(&ledger.genesis()).ok()
    }

    fn decode<T: Payload>(&self) -> Option<T> {
        decode(T::KIND, self.payload, T::MAX_BYTES).ok()
    }

    /// Signs, and takes the way of what comes from a peer.
    fn sign<T: Payload>(&self, ledger: &Ledger, value: T) -> Option<Verified<T>> {
        let genesis = ledger.genesis();
        Signed::author(key(self.who), &genesis, value).into_signed().verify(&genesis).ok()
    }
}

/// A step as [`play`] reads it.
fn step(kind: u8, who: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("a payload of 64 KiB is for others to try");
    [&[kind, who][..], &length.to_be_bytes(), payload].concat()
}

/// A sound history: validators vote for three epochs.
pub(crate) fn votes() -> Vec<u8> {
    let row = Row(vec![(Uid(3), 65_535), (Uid(4), 1)]);
    let reveal = Reveal { netuid: Netuid(1), epoch: 0, version: 1, salt: Hash([7; 32]), row };
    let vote = |kind| (1..=3).flat_map(|n| step(kind, n, &encode(&reveal))).collect::<Vec<_>>();
    let close = || step(CLOSE, 0b1110, &[]).repeat(3);
    [vote(HIDE), close(), vote(SHOW), vote(HIDE), close(), vote(SHOW), close()].concat()
}

/// A sound history: owners do one thing after the other.
pub(crate) fn orders() -> Vec<u8> {
    let (hotkey, netuid, amount) = (hot(1), Netuid(1), Amount::coins(2));
    let actions = [
        Action::Transfer { to: cold(2), amount },
        Action::Register { netuid, hotkey: hot(7), limit: Some(amount) },
        Action::AddStake { hotkey: hot(2), amount },
        Action::MoveStake { from: hotkey, to: hot(2), amount },
        Action::RemoveStake { hotkey, amount },
        Action::SetTake { hotkey, take: 900 },
        Action::SetChildren { netuid, hotkey, children: vec![(hot(2), u64::MAX / 2)] },
        Action::SetChildTake { netuid, hotkey, take: 100 },
        Action::Prefer { hotkey, row: vec![(netuid, 1)] },
        Action::Found { task: "sums".to_owned(), limit: None },
        Action::Settle { hotkey, settles: true },
    ];
    let order = |action| step(NEXT_ORDER, 11, &encode(&Transaction { nonce: 0, action }));
    let mut history: Vec<u8> = actions.into_iter().flat_map(order).collect();
    history.extend(step(CLOSE, 0b1110, &[]).repeat(9));
    let netuid = Netuid(2);
    let actions = [Action::SetRule { netuid, rule: Rule::BondsPenalty(9) }, Action::Start { netuid }];
    history.extend(actions.into_iter().flat_map(order));
    let vote = |header| Vote::of(Ballot::Precommit, 9, 0, header, hot(1));
    history.extend(step(ACCUSE, 1, &encode(&(vote(None), vote(Some(Hash([7; 32])))))));
    history.extend(step(CLOSE, 0b1110, &[]).repeat(4));
    history.extend(order(Action::Unjail { hotkey }));
    history
}
