//! Sorted entries under one tag, cheap to clone, encoded only when they changed.
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crypto::Hotkey;
use rayon::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::subnet::{Netuid, Uid};
use crate::transaction::Coldkey;
use crate::{Error, codec};

/// The longest value of an entry, in bytes: a row over every slot of the largest subnet fits.
const MAX_VALUE_BYTES: usize = 128 * 1024;

/// Entries that one core encodes in one go: some ten microseconds, which waking another is worth.
const ONE_TASK: usize = 128;

/// The key of a leaf with its new value, or with `None` where it goes.
pub type Change = (Vec<u8>, Option<Vec<u8>>);

/// One table of the ledger. `TAG` is the first byte of all its leaves.
#[derive(Clone, Debug)]
pub(super) struct Table<const TAG: u8, K, V> {
    rows: Arc<BTreeMap<K, V>>,
    leaves: OnceLock<Arc<Vec<Vec<u8>>>>,
}

/// A key whose bytes sort as it does.
pub(super) trait Key: Ord + Clone + Send + Sync {
    /// Its length in bytes.
    const WIDTH: usize;
    /// Appends its bytes.
    fn write(&self, bytes: &mut Vec<u8>);
    /// The key that exactly [`Self::WIDTH`] bytes stand for.
    fn read(bytes: &[u8]) -> Option<Self>;
}

/// A table as the ledger's root and index see it: bytes.
pub(super) trait Leaves {
    /// `tag ‖ key ‖ value` of every entry, sorted.
    fn leaves(&self) -> Arc<Vec<Vec<u8>>>;
    /// How many bytes tag and key take.
    fn key_width(&self) -> usize;
    /// Puts back an entry that [`Leaves::leaves`] gave, its tag taken off.
    fn load(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error>;
}

impl<const TAG: u8, K: Key, V: Clone> Table<TAG, K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    pub(super) fn rows(&self) -> &BTreeMap<K, V> {
        &self.rows
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn rows_mut(&mut self) -> &mut BTreeMap<K, V> {
        self.leaves = OnceLock::new();
        Arc::make_mut(&mut self.rows)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.rows_mut().get_mut(key)
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        self.rows_mut().insert(key, value);
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        self.rows.get(key)?;
        self.rows_mut().remove(key)
    }

    /// Keeps what `keep` says; a table that loses nothing counts as unchanged.
    pub(super) fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        if !self.rows.keys().all(&keep) {
            self.rows_mut().retain(|key, _| keep(key));
        }
    }
}

impl<const TAG: u8, K: Key, V> Table<TAG, K, V> {
    /// `tag ‖ key`, as the key's leaf begins.
    pub(super) fn key_bytes(&self, key: &K) -> Vec<u8> {
        let mut bytes = vec![TAG];
        key.write(&mut bytes);
        bytes
    }
}

impl<const TAG: u8, V: Clone> Table<TAG, (), V> {
    pub(super) fn of(value: V) -> Self {
        let mut table = Self::default();
        table.insert((), value);
        table
    }

    /// The one entry of a table without keys.
    pub(super) fn only(&self) -> &V {
        self.get(&()).expect("made and loaded with its one entry")
    }

    pub(super) fn only_mut(&mut self) -> &mut V {
        self.get_mut(&()).expect("made and loaded with its one entry")
    }
}

impl<const TAG: u8, K, V> Default for Table<TAG, K, V> {
    fn default() -> Self {
        Self { rows: Arc::default(), leaves: OnceLock::new() }
    }
}

impl<const TAG: u8, K: Key, V: Clone + Send + Sync + Serialize + DeserializeOwned> Leaves
    for Table<TAG, K, V>
{
    fn leaves(&self) -> Arc<Vec<Vec<u8>>> {
        if let Some(leaves) = self.leaves.get() {
            return Arc::clone(leaves);
        }
        let leaf = |(key, value): &(&K, &V)| {
            let mut bytes = self.key_bytes(key);
            bytes.extend(codec::encode(value));
            bytes
        };
        let rows: Vec<_> = self.rows.iter().collect();
        let leaves = Arc::new(rows.par_iter().with_min_len(ONE_TASK).map(leaf).collect());
        Arc::clone(self.leaves.get_or_init(|| leaves))
    }

    fn key_width(&self) -> usize {
        1 + K::WIDTH
    }

    fn load(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let malformed =
            || Error::Malformed { kind: "ledger entry", reason: format!("key {key:?} of table {TAG}") };
        let key = K::read(key).ok_or_else(malformed)?;
        let value = codec::decode("ledger entry", value, MAX_VALUE_BYTES)?;
        self.insert(key, value);
        Ok(())
    }
}

/// What turns `before` into `now`; nothing to look at when they share their leaves.
pub(super) fn changes(now: &dyn Leaves, before: &dyn Leaves) -> Vec<Change> {
    let (now, before, width) = (now.leaves(), before.leaves(), now.key_width());
    if Arc::ptr_eq(&now, &before) {
        return Vec::new();
    }
    let (mut changes, mut old) = (Vec::new(), before.iter().peekable());
    for leaf in now.iter() {
        let (key, value) = leaf.split_at(width);
        while let Some(gone) = old.next_if(|old| old[..width] < *key) {
            changes.push((gone[..width].to_vec(), None));
        }
        if old.next_if(|old| old[..width] == *key).is_none_or(|old| old[width..] != *value) {
            changes.push((key.to_vec(), Some(value.to_vec())));
        }
    }
    changes.extend(old.map(|gone| (gone[..width].to_vec(), None)));
    changes
}

impl Key for () {
    const WIDTH: usize = 0;
    fn write(&self, _: &mut Vec<u8>) {}
    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.is_empty().then_some(())
    }
}

impl Key for u64 {
    const WIDTH: usize = 8;
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_be_bytes());
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_be_bytes(bytes.try_into().ok()?))
    }
}

impl Key for Netuid {
    const WIDTH: usize = 2;
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.0.to_be_bytes());
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self(u16::from_be_bytes(bytes.try_into().ok()?)))
    }
}

impl Key for Uid {
    const WIDTH: usize = 2;
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.0.to_be_bytes());
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self(u16::from_be_bytes(bytes.try_into().ok()?)))
    }
}

impl Key for Hotkey {
    const WIDTH: usize = 32;
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.0);
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }
}

impl Key for Coldkey {
    const WIDTH: usize = Hotkey::WIDTH;
    fn write(&self, bytes: &mut Vec<u8>) {
        self.0.write(bytes);
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        Hotkey::read(bytes).map(Self)
    }
}

impl<A: Key, B: Key> Key for (A, B) {
    const WIDTH: usize = A::WIDTH + B::WIDTH;
    fn write(&self, bytes: &mut Vec<u8>) {
        self.0.write(bytes);
        self.1.write(bytes);
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        let (a, b) = bytes.split_at_checked(A::WIDTH)?;
        Some((A::read(a)?, B::read(b)?))
    }
}

impl<A: Key, B: Key, C: Key> Key for (A, B, C) {
    const WIDTH: usize = A::WIDTH + B::WIDTH + C::WIDTH;
    fn write(&self, bytes: &mut Vec<u8>) {
        self.0.write(bytes);
        self.1.write(bytes);
        self.2.write(bytes);
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        let (a, rest) = bytes.split_at_checked(A::WIDTH)?;
        let (b, c) = rest.split_at_checked(B::WIDTH)?;
        Some((A::read(a)?, B::read(b)?, C::read(c)?))
    }
}
