//! Inputs that wait to be settled.
use std::collections::BTreeMap;

use crypto::{Hash, Hotkey};
use protocol::consensus::Proven;
use protocol::ledger::{Dismissed, Ledger};
use protocol::message::Heard;
use protocol::settlement::{
    CERTIFICATE_BYTES, EVIDENCE_BYTES, Inputs, MAX_BODY_BYTES, MAX_EVIDENCE, MAX_TRANSACTION_BYTES, in_order,
};
use protocol::signed::FRAMING_BYTES;
use protocol::subnet::Netuid;
use protocol::transaction::{Coldkey, Transaction};
use protocol::weights::{Commit, Reveal};
use protocol::{Payload, Refusal, Verified};

/// Inputs of one kind that may wait; when full, new ones are dropped and may be told again later.
const ROOM: usize = 4096;

/// Transactions of one account that may wait.
const QUEUED: u64 = 16;

/// Heights after which an input that never applied is dropped.
const PATIENCE: u64 = 64;

/// Room in a body for inputs, in bytes, beside evidence and the parent's certificate, whose own framing leaves enough for
/// lists.
const BODY_BYTES: usize = MAX_BODY_BYTES - CERTIFICATE_BYTES - EVIDENCE_BYTES;

/// Room for transactions, the length of their list aside.
const TRANSACTION_BYTES: usize = MAX_TRANSACTION_BYTES - 5;

/// Room in a body that is cramped on purpose, in bytes: for the votes of a dozen validators, or for as much else.
#[cfg(feature = "planted-faults")]
const CRAMPED_BYTES: usize = 8 * 1024;

/// Whether the ledger gives reason to keep an input and pass it on: room is for those who may vote, those who can pay
/// and those who hold a slot, or free keys would take it all.
pub(crate) fn is_welcome(ledger: &Ledger, input: &Heard) -> bool {
    match input {
        Heard::Commit(commit) => {
            // We may be a settlement behind who tells it.
            let now = ledger.epoch(commit.netuid).is_some_and(|now| (now..=now + 1).contains(&commit.epoch));
            now && ledger.may_vote(commit.netuid, &commit.signer())
        }
        Heard::Reveal(reveal) => {
            let (netuid, hotkey) = (reveal.netuid, reveal.signer());
            let commitment = ledger.commitment(netuid, &hotkey, reveal.epoch);
            commitment.is_some_and(|commitment| ledger.opens(&commitment, reveal))
        }
        Heard::Profile(profile) => ledger.slot(profile.netuid, &profile.signer()).is_some(),
        Heard::Transaction(order) => {
            let account = Coldkey(order.signer());
            let fee = ledger.fee(order.signed().size());
            let next = ledger.nonce(&account);
            #[cfg(feature = "planted-faults")]
            let next = if ledger.lacks(protocol::Defence::OrdersOnce) { next.min(order.nonce) } else { next };
            (next..next.saturating_add(QUEUED)).contains(&order.nonce) && ledger.balance(&account) >= fee
        }
        Heard::Evidence(proven) => may_be_settled(ledger, proven),
        _ => false,
    }
}

/// Whether evidence leads to a punishment now, or once its height is settled: we may be a settlement behind who tells it.
fn may_be_settled(ledger: &Ledger, proven: &Proven) -> bool {
    match ledger.check_evidence(proven) {
        Err(Refusal::Evidence { reason: Dismissed::Unsettled, height, .. }) => height == ledger.height() + 1,
        checked => checked.is_ok(),
    }
}

/// Inputs that wait to be settled: of a signer one commit and one reveal for each epoch, and few transactions, one for
/// each nonce, or one signer could take all the room. Of an offender one piece of evidence: one punishment covers all.
#[derive(Default)]
pub(crate) struct Pool {
    evidence: BTreeMap<Hotkey, Proven>,
    commits: BTreeMap<(Netuid, Hotkey, u64), Waiting<Commit>>,
    reveals: BTreeMap<(Netuid, Hotkey, u64), Waiting<Reveal>>,
    transactions: BTreeMap<(Hotkey, u64), Waiting<Transaction>>,
}

/// An input and the height at which it was told.
struct Waiting<T> {
    told: u64,
    input: Verified<T>,
}

impl Pool {
    /// Keeps an input that was told at a height. A later one of the same name takes its place once a settlement passed
    /// it over.
    pub(crate) fn keep(&mut self, height: u64, heard: &Heard) {
        match heard {
            Heard::Commit(c) => insert(&mut self.commits, (c.netuid, c.signer(), c.epoch), height, c),
            Heard::Reveal(r) => insert(&mut self.reveals, (r.netuid, r.signer(), r.epoch), height, r),
            Heard::Transaction(t) => insert(&mut self.transactions, (t.signer(), t.nonce), height, t),
            Heard::Evidence(proven) => self.keep_evidence(proven),
            _ => {}
        }
    }

    /// Keeps the latest of each offender: it is the last to expire.
    fn keep_evidence(&mut self, proven: &Proven) {
        let offender = proven.offender();
        let kept = self.evidence.get(&offender).map(Proven::height);
        if kept.map_or(self.evidence.len() < ROOM, |height| height < proven.height()) {
            self.evidence.insert(offender, proven.clone());
        }
    }

    /// Evidence that waits.
    pub(crate) fn evidence(&self) -> impl Iterator<Item = &Proven> {
        self.evidence.values()
    }

    /// Applies to `ledger` what can be applied and returns it in canonical order (DESIGN section 5).
    pub(crate) fn draft(&self, parent: &Hash, ledger: &mut Ledger) -> Inputs {
        let applies = |proven: &&Proven| ledger.try_evidence(proven).is_ok();
        let evidence = self.evidence.values().filter(applies).take(MAX_EVIDENCE).cloned().collect();
        let (whole, for_orders) = room(ledger);
        let taken = self.taken_first(ledger, whole);
        let mut room = whole - taken;
        let commits = fitting(by_id(&self.commits), &mut room, |c| ledger.try_commit(c).is_ok());
        let reveals = fitting(by_id(&self.reveals), &mut room, |r| ledger.try_reveal(r).is_ok());
        let orders = in_order(parent, self.transactions.values().map(|t| t.input.clone()).collect());
        let mut room = (room + taken).min(for_orders);
        let transactions = fitting(orders, &mut room, |t| ledger.try_transaction(t).is_ok());
        Inputs { evidence, commits, reveals, transactions }
    }

    /// What orders take before votes may have any: nothing, or there would be a price at which nobody votes.
    #[cfg(not(feature = "planted-faults"))]
    fn taken_first(&self, _: &Ledger, _: usize) -> usize {
        0
    }

    /// The same, unless that defence was taken away.
    #[cfg(feature = "planted-faults")]
    fn taken_first(&self, ledger: &Ledger, whole: usize) -> usize {
        let orders = self.transactions.values().map(|order| order.input.clone());
        let (mut room, mut ledger) = (whole, ledger.clone());
        if ledger.lacks(protocol::Defence::RoomForVotes) {
            drop(fitting(orders.collect(), &mut room, |order| ledger.try_transaction(order).is_ok()));
        }
        whole - room
    }

    /// Forgets what was settled and what waited too long.
    pub(crate) fn settled(&mut self, ledger: &Ledger, inputs: &Inputs) {
        let height = ledger.height();
        self.evidence.retain(|_, proven| may_be_settled(ledger, proven));
        inputs.commits.iter().for_each(|c| drop(self.commits.remove(&(c.netuid, c.signer(), c.epoch))));
        inputs.reveals.iter().for_each(|r| drop(self.reveals.remove(&(r.netuid, r.signer(), r.epoch))));
        inputs.transactions.iter().for_each(|t| drop(self.transactions.remove(&(t.signer(), t.nonce))));
        let fresh = |told: u64| told + PATIENCE >= height;
        self.commits.retain(|_, waiting| fresh(waiting.told));
        self.reveals.retain(|_, waiting| fresh(waiting.told));
        self.transactions.retain(|_, waiting| fresh(waiting.told));
    }
}

/// Room in a body beside evidence and the parent's certificate, and what of it is for transactions, in bytes.
fn room(_ledger: &Ledger) -> (usize, usize) {
    #[cfg(feature = "planted-faults")]
    match _ledger.fault() {
        Some(protocol::Fault::Cramped) => return (CRAMPED_BYTES, CRAMPED_BYTES / 2),
        Some(protocol::Fault::Without(protocol::Defence::RoomForVotes)) => {
            return (CRAMPED_BYTES, CRAMPED_BYTES);
        }
        _ => {}
    }
    (BODY_BYTES, TRANSACTION_BYTES)
}

fn insert<K: Ord, T: Clone>(waiting: &mut BTreeMap<K, Waiting<T>>, name: K, told: u64, input: &Verified<T>) {
    let kept = waiting.get(&name);
    let room = kept.map_or(waiting.len() < ROOM, |kept| kept.told < told);
    if room {
        waiting.insert(name, Waiting { told, input: input.clone() });
    }
}

fn by_id<K, T: Payload + Clone>(waiting: &BTreeMap<K, Waiting<T>>) -> Vec<Verified<T>> {
    let mut inputs: Vec<_> = waiting.values().map(|waiting| waiting.input.clone()).collect();
    inputs.sort_by_cached_key(Verified::id);
    inputs
}

fn fitting<T: Payload>(
    inputs: Vec<Verified<T>>,
    room: &mut usize,
    mut applies: impl FnMut(&Verified<T>) -> bool,
) -> Vec<Verified<T>> {
    let fits = |input: &Verified<T>| {
        let size = input.signed().size() + FRAMING_BYTES;
        let fits = size <= *room && applies(input);
        *room -= if fits { size } else { 0 };
        fits
    };
    inputs.into_iter().filter(fits).collect()
}

#[cfg(test)]
mod tests {
    use crypto::Keypair;
    use protocol::Amount;
    use protocol::consensus::Evidence;
    use protocol::consensus::vote::{Ballot, Vote};
    use protocol::genesis::GenesisSubnet;
    use protocol::subnet::Uid;
    use protocol::transaction::Action;
    use protocol::weights::Row;

    use super::*;
    use crate::role::bench::{Bench, NETUID};

    fn commit(bench: &Bench, key: usize, epoch: u64, commitment: u8) -> Heard {
        Heard::Commit(bench.author(key, Commit { netuid: NETUID, epoch, commitment: Hash([commitment; 32]) }))
    }

    fn order(bench: &Bench, key: usize, nonce: u64) -> Heard {
        let action = Action::Transfer { to: Coldkey(bench.keys[0].hotkey()), amount: Amount(1) };
        Heard::Transaction(bench.author(key, Transaction { nonce, action }))
    }

    fn offence(bench: &Bench, key: usize, height: u64) -> Heard {
        let vote = |header| {
            let vote = Vote::of(Ballot::Prevote, height, 0, header, bench.keys[key].hotkey());
            bench.author(key, vote).into_signed()
        };
        let evidence = Evidence::votes(vote(None), vote(Some(Hash([1; 32]))));
        Heard::Evidence(Box::new(evidence.verify(&bench.genesis.hash()).unwrap()))
    }

    #[test]
    fn one_signer_cannot_take_the_room_of_others() {
        let (bench, mut pool) = (Bench::new(2, 0), Pool::default());
        (0..=255).for_each(|commitment| pool.keep(0, &commit(&bench, 0, 0, commitment)));
        pool.keep(0, &commit(&bench, 1, 0, 1));
        assert_eq!(pool.commits.len(), 2);
        let inputs = pool.draft(&Hash::default(), &mut bench.tip.0.clone());
        assert_eq!(inputs.commits.len(), 2);
    }

    #[test]
    fn a_later_input_takes_the_place_of_one_that_was_passed_over() {
        let (bench, mut pool) = (Bench::new(1, 0), Pool::default());
        let commitment = |pool: &Pool| pool.commits.values().next().unwrap().input.commitment.0[0];
        for (height, sent, kept) in [(5, 1, 1), (5, 2, 1), (6, 3, 3)] {
            pool.keep(height, &commit(&bench, 0, 0, sent));
            assert_eq!(commitment(&pool), kept);
        }
    }

    /// A network of so many subnets that a word on each takes 16 KiB, with its ledger in epoch 1.
    fn crowded(validators: u8, miners: u8) -> (Bench, Ledger) {
        let mut bench = Bench::new(validators, miners);
        let first = bench.genesis.subnets[0].clone();
        bench
            .genesis
            .subnets
            .extend((2..=2_350).map(|n| GenesisSubnet { netuid: Netuid(n), ..first.clone() }));
        let purse = |key: &Keypair| (Coldkey(key.hotkey()), Amount::coins(5));
        bench.genesis.accounts = bench.keys.iter().map(purse).collect();
        let mut ledger = Ledger::new(&bench.genesis).unwrap();
        let tempo = ledger.hyperparameters(NETUID).unwrap().tempo;
        for key in 0..usize::from(validators) {
            let commitment = row(&bench, key).commitment(&bench.keys[key].hotkey());
            ledger.try_commit(&bench.author(key, Commit { netuid: NETUID, epoch: 0, commitment })).unwrap();
        }
        (0..tempo).for_each(|_| ledger.close(ledger.time() + 1_000, &[]));
        (bench, ledger)
    }

    fn row(bench: &Bench, key: usize) -> Verified<Reveal> {
        let row = Row(vec![(Uid(5), 1)]);
        bench.author(key, Reveal { netuid: NETUID, epoch: 0, version: 1, salt: Hash::default(), row })
    }

    #[test]
    fn transactions_that_would_fill_a_body_leave_room_for_every_commit_and_reveal() {
        let (bench, mut ledger) = crowded(4, 4);
        let mut pool = Pool::default();
        let row: Vec<_> = (1..=2_350).map(|n| (Netuid(n), u16::MAX)).collect();
        for (key, nonce) in (0..8).flat_map(|key| (0..QUEUED).map(move |nonce| (key, nonce))) {
            let action = Action::Prefer { hotkey: bench.keys[key].hotkey(), row: row.clone() };
            pool.keep(0, &Heard::Transaction(bench.author(key, Transaction { nonce, action })));
        }
        for key in 0..4 {
            pool.keep(0, &commit(&bench, key, 1, 1));
            pool.keep(0, &Heard::Reveal(self::row(&bench, key)));
        }
        let inputs = pool.draft(&Hash::default(), &mut ledger);
        assert_eq!((inputs.commits.len(), inputs.reveals.len()), (4, 4));
        let large = inputs.transactions[0].signed().size();
        assert!(large > 16_000 && inputs.transactions.len() < pool.transactions.len());
        let taken = inputs.into_body(None).transaction_bytes();
        assert!((MAX_TRANSACTION_BYTES - 2 * large..=MAX_TRANSACTION_BYTES).contains(&taken), "{taken}");
    }

    #[test]
    fn only_what_may_be_settled_soon_is_welcome() {
        let mut bench = Bench::new(2, 1);
        let reveal = |bench: &Bench, salt| {
            let row = Row(Vec::new());
            bench.author(0, Reveal { netuid: NETUID, epoch: 0, version: 1, salt: Hash([salt; 32]), row })
        };
        let (commitment, signer) = (reveal(&bench, 1), bench.keys[0].hotkey());
        let commitment = commitment.commitment(&signer);
        bench.settle(&[Heard::Commit(bench.author(0, Commit { netuid: NETUID, epoch: 0, commitment }))]);
        let ledger = &bench.tip.0;
        for (what, input, welcome) in [
            ("this epoch's commit", commit(&bench, 0, 0, 1), true),
            ("the next epoch's", commit(&bench, 0, 1, 1), true),
            ("a later epoch's", commit(&bench, 0, 2, 1), false),
            ("a miner's", commit(&bench, 2, 0, 1), false),
            ("the row that was committed to", Heard::Reveal(reveal(&bench, 1)), true),
            ("another row", Heard::Reveal(reveal(&bench, 2)), false),
            ("an order that nobody can pay", order(&bench, 2, 0), false),
            ("a validator's offence", offence(&bench, 1, 1), true),
            ("an offence at the next height", offence(&bench, 1, 2), true),
            ("an offence at a later height", offence(&bench, 1, 3), false),
            ("a miner's offence", offence(&bench, 2, 1), false),
        ] {
            assert_eq!(is_welcome(ledger, &input), welcome, "{what}");
        }
    }

    #[test]
    fn an_account_has_few_transactions_waiting() {
        let mut bench = Bench::new(1, 0);
        bench.genesis.accounts = vec![(Coldkey(bench.keys[0].hotkey()), Amount::coins(5))];
        let ledger = Ledger::new(&bench.genesis).unwrap();
        let welcome = (0..100).filter(|nonce| is_welcome(&ledger, &order(&bench, 0, *nonce)));
        assert_eq!(welcome.count() as u64, QUEUED);
    }
}
