//! What the ledger shows to those who do not hold it: an entry, or that there is none, by its place in the tree.
use std::sync::Arc;

use crypto::Hotkey;
use crypto::merkle::{self, Proof, Root};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Ledger;
use super::entry::{Account, Delegate};
use super::table::{Leaves, Table};
use crate::transaction::Coldkey;
use crate::{Amount, codec};

type Accounts = Table<3, Coldkey, Account>;
type Delegates = Table<4, Hotkey, Delegate>;
type Shares = Table<5, (Hotkey, Coldkey), u64>;

/// The longest value that is read of an entry, in bytes: a delegate's has about a hundred.
const MAX_VALUE: usize = 1024;

/// What an entry of the ledger is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subject {
    /// An account.
    Account(Coldkey),
    /// The stake behind a hotkey.
    Stake(Hotkey),
    /// An account's part of it.
    Share(Hotkey, Coldkey),
}

/// What an entry says about its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Of an account.
    Account {
        /// What can be spent.
        balance: Amount,
        /// The nonce of its next transaction.
        nonce: u64,
    },
    /// Of a hotkey.
    Stake {
        /// Whose the hotkey is.
        owner: Coldkey,
        /// All coins behind it.
        stake: Amount,
        /// Into how many shares they are divided.
        shares: u64,
    },
    /// How many of these shares are the account's.
    Share(u64),
}

/// An entry as it stands in the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// `table ‖ key ‖ value`.
    #[serde(with = "serde_bytes")]
    pub leaf: Vec<u8>,
    /// Its place.
    pub proof: Proof,
}

/// What shows an entry, or that there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shown {
    /// The entry.
    Entry(Placed),
    /// Two neighbours, between which the entry would stand.
    Nothing {
        /// The one before.
        before: Placed,
        /// The one after it, unless the one before is the last.
        after: Option<Placed>,
    },
}

/// A ledger's entries with their tree.
pub struct Tree {
    tables: Vec<Arc<Vec<Vec<u8>>>>,
    tree: merkle::Tree,
}

impl Ledger {
    /// The tree whose root is [`Ledger::root`].
    pub fn tree(&self) -> Tree {
        let tables = self.tables().map(Leaves::leaves).to_vec();
        let leaves: Vec<&[u8]> = tables.iter().flat_map(|table| table.iter()).map(Vec::as_slice).collect();
        let tree = merkle::Tree::new(&leaves);
        Tree { tables, tree }
    }

    /// The ledger entry that says how much stake a hotkey has, with its place under [`Ledger::root`].
    pub fn prove_stake(&self, hotkey: &Hotkey) -> Option<(Vec<u8>, Proof)> {
        match self.tree().show(&Subject::Stake(*hotkey)) {
            Shown::Entry(Placed { leaf, proof }) => Some((leaf, proof)),
            Shown::Nothing { .. } => None,
        }
    }

    /// Whose stake the leaf of a proof states, and how much.
    pub fn stake_in_leaf(leaf: &[u8]) -> Option<(Hotkey, Amount)> {
        let mut table = Delegates::default();
        let (key, value) = leaf.split_at_checked(table.key_width())?;
        table.load(key.strip_prefix(&[4])?, value).ok()?;
        let (hotkey, delegate) = table.rows().first_key_value()?;
        Some((*hotkey, delegate.value))
    }
}

impl Tree {
    /// The entry about a subject, or that there is none.
    pub fn show(&self, subject: &Subject) -> Shown {
        let key = subject.key();
        let below = |table: &Arc<Vec<Vec<u8>>>| table.partition_point(|leaf| *leaf < key);
        let place = self.tables.iter().map(below).sum();
        match self.placed(place) {
            Some(entry) if entry.leaf.starts_with(&key) => Shown::Entry(entry),
            after => {
                let before = place.checked_sub(1).and_then(|place| self.placed(place));
                Shown::Nothing { before: before.expect("the parameters stand before all subjects"), after }
            }
        }
    }

    fn placed(&self, place: usize) -> Option<Placed> {
        let leaf = self.tables.iter().flat_map(|table| table.iter()).nth(place)?.clone();
        Some(Placed { leaf, proof: self.tree.prove(place)? })
    }
}

impl Subject {
    /// What is proven about it by what is shown under a root, if anything is; no entry is something too.
    pub fn proven(&self, shown: &Shown, root: &Root) -> Option<Option<Fact>> {
        match shown {
            Shown::Entry(entry) => entry.stands(root).then(|| self.read(&entry.leaf).map(Some)).flatten(),
            Shown::Nothing { before, after } => self.is_missing(before, after.as_ref(), root).then_some(None),
        }
    }

    /// `table ‖ key`, as its leaf begins.
    fn key(&self) -> Vec<u8> {
        match self {
            Self::Account(coldkey) => Accounts::default().key_bytes(coldkey),
            Self::Stake(hotkey) => Delegates::default().key_bytes(hotkey),
            Self::Share(hotkey, coldkey) => Shares::default().key_bytes(&(*hotkey, *coldkey)),
        }
    }

    fn read(&self, leaf: &[u8]) -> Option<Fact> {
        let value = leaf.strip_prefix(&*self.key())?;
        Some(match self {
            Self::Account(_) => {
                let Account { balance, nonce } = decode(value)?;
                Fact::Account { balance, nonce }
            }
            Self::Stake(_) => {
                let Delegate { owner, value: stake, shares, .. } = decode(value)?;
                Fact::Stake { owner, stake, shares }
            }
            Self::Share(..) => Fact::Share(decode(value)?),
        })
    }

    /// Leaves are sorted: nothing stands between two neighbours, and nothing after the last.
    fn is_missing(&self, before: &Placed, after: Option<&Placed>, root: &Root) -> bool {
        let (key, next) = (self.key(), before.proof.index.checked_add(1));
        let ends = match after {
            Some(after) => {
                let above = after.leaf > key && !after.leaf.starts_with(&key);
                above && after.stands(root) && next == Some(after.proof.index)
            }
            None => next == Some(root.leaves),
        };
        ends && before.leaf < key && before.stands(root)
    }
}

impl Placed {
    fn stands(&self, root: &Root) -> bool {
        self.proof.verify(root, &self.leaf)
    }
}

fn decode<T: Serialize + DeserializeOwned>(value: &[u8]) -> Option<T> {
    codec::decode("ledger entry", value, MAX_VALUE).ok()
}
