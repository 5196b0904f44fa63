//! What a disk holds, and what of it a power cut leaves.

mod content;
mod pieces;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use self::content::Content;
use crate::files::Kind;
use crate::ledger::{Change, Whole};

/// Writes of a table that a crash may take back: as many as a second of settlements makes.
const UNFLUSHED: usize = 4;

/// Writes of a table before they are taken into it: as many as a long scenario makes.
const GATHERED: usize = 1_000;

/// What a power cut does to what was not synced. A table goes back by some writes in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// All of it is gone.
    All,
    /// Of writes and names, each is kept or lost; later bytes than a lost write's follow zeros.
    Half,
    /// All is kept but the end of each file's last write, from any byte on: the file ends there or in zeros.
    Torn,
}

impl Loss {
    /// Every kind of loss.
    pub const ALL: [Self; 3] = [Self::All, Self::Half, Self::Torn];
}

/// What a disk holds: names, files and tables, synced and not.
#[derive(Clone, Debug, Default)]
pub struct Platter {
    names: BTreeMap<PathBuf, Node>,
    synced_names: BTreeMap<PathBuf, Node>,
    unsynced_names: Vec<Naming>,
    files: BTreeMap<u64, Content>,
    tables: BTreeMap<u64, Records>,
    /// Numbers files and tables.
    made: u64,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Directory,
    File(u64),
    Table(u64),
}

/// A change of names: `from` goes, `to` comes.
#[derive(Clone, Debug)]
struct Naming {
    from: Option<PathBuf>,
    to: Option<(PathBuf, Node)>,
}

impl Naming {
    fn is_in(&self, dir: &Path) -> bool {
        let to = self.to.as_ref().map(|(path, _)| path);
        self.from.iter().chain(to).any(|path| path.parent() == Some(dir))
    }

    fn apply(self, names: &mut BTreeMap<PathBuf, Node>) {
        if let Some(from) = self.from {
            names.retain(|path, _| !path.starts_with(&from));
        }
        names.extend(self.to);
    }
}

/// A table, and its last writes apart.
#[derive(Clone, Debug, Default)]
struct Records {
    header: Vec<u8>,
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Not taken into the entries yet: tables that change alike share them.
    writes: VecDeque<Write>,
    /// How many of them a crash may take back.
    unflushed: usize,
}

/// One write of a table: its header, and what else changes.
pub(super) type Write = (Vec<u8>, Arc<[Change]>);

impl Records {
    /// Takes all writes but so many of the last into the entries.
    fn take_in(&mut self, keep: usize) {
        let ripe = self.writes.len().saturating_sub(keep);
        for (header, changes) in self.writes.drain(..ripe) {
            self.header = header;
            for (key, value) in changes.iter() {
                match value {
                    Some(value) => self.entries.insert(key.clone(), value.clone()),
                    None => self.entries.remove(key),
                };
            }
        }
    }
}

impl Platter {
    /// The power goes and comes back.
    pub fn crash(&mut self, loss: Loss, seed: u64) {
        let mut rng = SmallRng::seed_from_u64(seed);
        for naming in std::mem::take(&mut self.unsynced_names) {
            if loss == Loss::Torn || (loss == Loss::Half && rng.random()) {
                naming.apply(&mut self.synced_names);
            }
        }
        self.names = self.synced_names.clone();
        for file in self.files.values_mut() {
            file.crash(loss, &mut rng);
        }
        for table in self.tables.values_mut() {
            let kept = rng.random_range(0..=table.unflushed);
            table.writes.truncate(table.writes.len() - (table.unflushed - kept));
            table.unflushed = kept;
        }
    }

    pub(super) fn kind(&self, path: &Path) -> Option<Kind> {
        if is_root(path) {
            return Some(Kind::Directory);
        }
        Some(match self.names.get(path)? {
            Node::File(_) => Kind::File,
            Node::Directory | Node::Table(_) => Kind::Directory,
        })
    }

    pub(super) fn list(&self, dir: &Path) -> Vec<PathBuf> {
        self.names.keys().filter(|path| path.parent() == Some(dir)).cloned().collect()
    }

    pub(super) fn create_dir(&mut self, dir: &Path) -> io::Result<()> {
        self.create(dir, Node::Directory)
    }

    pub(super) fn create_file(&mut self, path: &Path) -> io::Result<u64> {
        self.made += 1;
        self.create(path, Node::File(self.made))?;
        self.files.insert(self.made, Content::default());
        Ok(self.made)
    }

    pub(super) fn create_table(&mut self, path: &Path) -> io::Result<u64> {
        self.made += 1;
        self.create(path, Node::Table(self.made))?;
        self.tables.insert(self.made, Records::default());
        Ok(self.made)
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let node = *self.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        self.name(Naming { from: Some(from.to_owned()), to: Some((to.to_owned(), node)) });
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.kind(path).ok_or(io::ErrorKind::NotFound)?;
        self.name(Naming { from: Some(path.to_owned()), to: None });
        Ok(())
    }

    pub(super) fn sync_dir(&mut self, dir: &Path) {
        for naming in self.unsynced_names.extract_if(.., |naming| naming.is_in(dir)) {
            naming.apply(&mut self.synced_names);
        }
    }

    pub(super) fn file(&self, path: &Path) -> io::Result<u64> {
        match self.names.get(path) {
            Some(Node::File(file)) => Ok(*file),
            Some(_) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// What an open file holds: it is there as long as the disk, under whatever name.
    pub(super) fn content(&mut self, file: u64) -> &mut Content {
        self.files.entry(file).or_default()
    }

    pub(super) fn table(&self, path: &Path) -> Option<u64> {
        match self.names.get(path)? {
            Node::Table(table) => Some(*table),
            _ => None,
        }
    }

    pub(super) fn read_table(&self, table: u64) -> Option<Whole> {
        let mut records = self.tables.get(&table)?.clone();
        records.take_in(0);
        (!records.header.is_empty()).then(|| (records.header, records.entries.into_iter().collect()))
    }

    pub(super) fn write_table(&mut self, table: u64, write: Write) {
        let records = self.tables.entry(table).or_default();
        records.writes.push_back(write);
        records.unflushed = UNFLUSHED.min(records.unflushed + 1);
        if records.writes.len() > GATHERED {
            records.take_in(UNFLUSHED);
        }
    }

    fn create(&mut self, path: &Path, node: Node) -> io::Result<()> {
        if self.kind(path).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if path.parent().and_then(|parent| self.kind(parent)) != Some(Kind::Directory) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.name(Naming { from: None, to: Some((path.to_owned(), node)) });
        Ok(())
    }

    fn name(&mut self, naming: Naming) {
        naming.clone().apply(&mut self.names);
        self.unsynced_names.push(naming);
    }
}

/// The directory that is always there.
fn is_root(path: &Path) -> bool {
    path.parent().is_none()
}
