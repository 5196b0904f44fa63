//! Inputs that wait to be settled.
use std::collections::BTreeMap;

use crypto::Hash;
use protocol::Verified;
use protocol::ledger::Ledger;
use protocol::message::Heard;
use protocol::settlement::{Inputs, in_order};
use protocol::transaction::{Coldkey, Transaction};
use protocol::weights::{Commit, Reveal};

/// Inputs of one kind that may wait; when full, new ones are dropped and may be told again later.
const ROOM: usize = 4096;

/// Heights after which an input that never applied is dropped.
const PATIENCE: u64 = 64;

/// Room in a body for inputs, in bytes; the rest of the 2 MiB is for the parent's certificate and framing.
const BODY_BYTES: usize = 1536 * 1024;

/// Whether the ledger gives reason to keep an input and pass it on: room is for those who may vote, those who can pay
/// and those who hold a slot, or free keys would take it all.
pub(crate) fn is_welcome(ledger: &Ledger, input: &Heard) -> bool {
    match input {
        Heard::Commit(commit) => ledger.has_permit(commit.netuid, &commit.signer()),
        Heard::Reveal(reveal) => ledger.has_permit(reveal.netuid, &reveal.signer()),
        Heard::Profile(profile) => ledger.slot(profile.netuid, &profile.signer()).is_some(),
        Heard::Transaction(order) => {
            let account = Coldkey(order.signer());
            let fee = ledger.fee(order.signed().size());
            order.nonce >= ledger.nonce(&account) && ledger.balance(&account) >= fee
        }
        _ => false,
    }
}

/// Inputs that wait to be settled, by id: the order does not depend on who told us first.
#[derive(Default)]
pub(crate) struct Pool {
    commits: BTreeMap<Hash, (u64, Verified<Commit>)>,
    reveals: BTreeMap<Hash, (u64, Verified<Reveal>)>,
    transactions: BTreeMap<Hash, (u64, Verified<Transaction>)>,
}

impl Pool {
    /// Keeps an input that was told at a height.
    pub(crate) fn keep(&mut self, height: u64, heard: &Heard) {
        match heard {
            Heard::Commit(commit) => insert(&mut self.commits, commit.id(), height, commit),
            Heard::Reveal(reveal) => insert(&mut self.reveals, reveal.id(), height, reveal),
            Heard::Transaction(order) => insert(&mut self.transactions, order.id(), height, order),
            _ => {}
        }
    }

    /// Applies to `ledger` what can be applied and returns it in canonical order (DESIGN section 5).
    pub(crate) fn draft(&self, parent: &Hash, ledger: &mut Ledger) -> Inputs {
        let mut room = BODY_BYTES;
        let commits = fitting(waiting(&self.commits), &mut room, |c| ledger.try_commit(c).is_ok());
        let reveals = fitting(waiting(&self.reveals), &mut room, |r| ledger.try_reveal(r).is_ok());
        let orders = in_order(parent, waiting(&self.transactions).cloned().collect());
        let transactions = fitting(orders.iter(), &mut room, |t| ledger.try_transaction(t).is_ok());
        Inputs { commits, reveals, transactions }
    }

    /// Forgets what was settled and what waited too long.
    pub(crate) fn settled(&mut self, height: u64, inputs: &Inputs) {
        inputs.commits.iter().for_each(|c| drop(self.commits.remove(&c.id())));
        inputs.reveals.iter().for_each(|r| drop(self.reveals.remove(&r.id())));
        inputs.transactions.iter().for_each(|t| drop(self.transactions.remove(&t.id())));
        let fresh = |told: u64| told + PATIENCE >= height;
        self.commits.retain(|_, (told, _)| fresh(*told));
        self.reveals.retain(|_, (told, _)| fresh(*told));
        self.transactions.retain(|_, (told, _)| fresh(*told));
    }
}

fn insert<T: Clone>(
    waiting: &mut BTreeMap<Hash, (u64, Verified<T>)>,
    id: Hash,
    height: u64,
    input: &Verified<T>,
) {
    if waiting.len() < ROOM {
        waiting.entry(id).or_insert_with(|| (height, input.clone()));
    }
}

fn waiting<T>(inputs: &BTreeMap<Hash, (u64, Verified<T>)>) -> impl Iterator<Item = &Verified<T>> {
    inputs.values().map(|(_, input)| input)
}

fn fitting<'a, T: protocol::Payload + Clone + 'a>(
    waiting: impl Iterator<Item = &'a Verified<T>>,
    room: &mut usize,
    mut applies: impl FnMut(&Verified<T>) -> bool,
) -> Vec<Verified<T>> {
    let mut chosen = Vec::new();
    for input in waiting {
        let size = input.signed().size();
        if size <= *room && applies(input) {
            *room -= size;
            chosen.push(input.clone());
        }
    }
    chosen
}
