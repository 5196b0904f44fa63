//! A neuron's memory, in a directory of its own.

use std::any::Any;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crypto::Hash;

use crate::files::{Disk, MemoryDisk, System};
use crate::ledger::{Change, Ledger};
use crate::settlements::Settlements;
use crate::snapshots::Snapshots;
use crate::votes::Votes;
use crate::{Blobs, Damage, Error, Index, MAX_BLOB, durable, format, note, peers};

/// How many settlements a file of the log holds: few files in a year, and each small enough to copy about.
const SEGMENT_LENGTH: u64 = 1024;

/// The file of the vote log.
pub const VOTES: &str = "votes.log";

/// A neuron's memory, in a directory that no other process may use meanwhile.
pub struct Store {
    disk: Disk,
    settlements: Settlements,
    snapshots: Snapshots,
    votes: Votes,
    ledger: Ledger,
    blobs: Blobs,
    peers: PathBuf,
    note: PathBuf,
    claim: PathBuf,
    damage: Vec<Damage>,
    /// Held until the rest is closed, so it stands last.
    _lock: Box<dyn Any + Send>,
}

impl Store {
    /// Opens the store in `dir`, or makes it, readable by its owner alone.
    ///
    /// Whatever the files went through, this succeeds with the settlements from height 1, or from before the end of
    /// the last snapshot, to the first that is missing or damaged, and [`Store::damage`] tells what was wrong. It fails
    /// if the system refuses to read or write, if the directory is in use, or if another version wrote it.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        Self::open_on(Arc::new(System), dir)
    }

    /// Opens the store in `dir` of a disk in memory, as [`Store::open`] does.
    pub fn open_in_memory(disk: &MemoryDisk, dir: &Path) -> Result<Self, Error> {
        Self::open_on(Arc::new(disk.clone()), dir)
    }

    fn open_on(disk: Disk, dir: &Path) -> Result<Self, Error> {
        durable::create_dir(&*disk, dir)?;
        let lock = lock(&disk, dir)?;
        format::check(&*disk, dir)?;
        let mut damage = Vec::new();
        let snapshots = Snapshots::open(&disk, &dir.join("snapshots"), &mut damage)?;
        let base = snapshots.heights().last().copied().unwrap_or(0);
        let settlements =
            Settlements::open(&disk, &dir.join("settlements"), (SEGMENT_LENGTH, base), &mut damage)?;
        Ok(Self {
            votes: Votes::open(&disk, &dir.join(VOTES), settlements.tip(), &mut damage)?,
            settlements,
            snapshots,
            ledger: open_ledger(&disk, &dir.join("index"), &mut damage)?,
            blobs: Blobs::open(&disk, &dir.join("blobs"), MAX_BLOB)?,
            peers: dir.join("peers"),
            note: dir.join("note"),
            claim: dir.join("claim"),
            damage,
            disk,
            _lock: lock,
        })
    }

    /// What was found wrong since the store was opened, and was got over.
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// Appends the settlement after the tip; it is on the disk when this returns.
    ///
    /// At most [`MAX_ENTRY`](crate::MAX_ENTRY) bytes with its height. Write the index after, never before.
    pub fn append_settlement(&mut self, height: u64, bytes: &[u8]) -> Result<(), Error> {
        self.append_settlements(height, &[bytes.to_vec()])
    }

    /// Appends the settlements after the tip, `height` and on, with one sync: a crash keeps all of them or some of the
    /// first. As [`Store::append_settlement`] otherwise.
    pub fn append_settlements(&mut self, height: u64, settlements: &[Vec<u8>]) -> Result<(), Error> {
        self.settlements.append(height, settlements)
    }

    /// The height of the last settlement, or of the snapshot that the log begins after; 0 for neither.
    pub fn tip(&self) -> u64 {
        self.settlements.tip()
    }

    /// The height of the first settlement that is kept, or will be if there is none yet.
    pub fn first(&self) -> u64 {
        self.settlements.first()
    }

    /// The settlement at `height`; `None` above the tip and below the first.
    pub fn settlement(&mut self, height: u64) -> Result<Option<Vec<u8>>, Error> {
        self.settlements.get(height)
    }

    /// The settlements from `height` on that together take at most `max_bytes`, but one at least if there is
    /// one, so that whoever catches up gets on.
    pub fn settlements_from(&mut self, height: u64, max_bytes: usize) -> Result<Vec<Vec<u8>>, Error> {
        self.settlements.from(height, max_bytes)
    }

    /// Sets the settlements from `height` on aside, beside their files, since they cannot be what was certified:
    /// they are to be fetched again.
    pub fn set_settlements_aside(&mut self, height: u64) -> Result<(), Error> {
        let damage = self.settlements.set_aside(height)?;
        self.damage.extend(damage);
        Ok(())
    }

    /// The last snapshots.
    pub fn snapshots(&self) -> &Snapshots {
        &self.snapshots
    }

    /// Goes on after a snapshot that came from elsewhere: the log before it is set aside, and the index begins anew. A crash
    /// meanwhile leaves the one state or the other.
    pub fn adopt(&mut self, height: u64, parts: &[Vec<u8>]) -> Result<(), Error> {
        self.snapshots.put(height, parts)?;
        let aside = self.settlements.begin_after(height)?;
        self.damage.extend(aside);
        self.ledger.clear()
    }

    /// Goes on from the genesis: the snapshots and the log are set aside, since none leads anywhere, and so is the
    /// index. Votes stay. A crash meanwhile leaves a log that the next opening sets aside.
    pub fn begin_anew(&mut self) -> Result<(), Error> {
        let mut aside = self.snapshots.set_aside()?;
        aside.extend(self.settlements.begin_after(0)?);
        self.damage.extend(aside);
        self.reset_index()
    }

    /// Keeps the last `keep` settlements, and all since the last snapshot but one: files that hold older ones only are
    /// removed. With a single snapshot all are kept, as they were lost with it.
    pub fn prune(&mut self, keep: u64) -> Result<(), Error> {
        let [.., covered, _] = self.snapshots.heights()[..] else { return Ok(()) };
        self.settlements.prune(covered.min(self.tip().saturating_sub(keep)))
    }

    /// Appends to what was voted and proposed at `height`, all entries or none; on the disk when this
    /// returns. No entries change nothing.
    ///
    /// Refused below [`Store::votes_height`]: what was voted there is forgotten, and voting again could be
    /// voting twice. At most [`MAX_ENTRY`](crate::MAX_ENTRY) bytes at once.
    pub fn append_votes(&mut self, height: u64, entries: &[Vec<u8>]) -> Result<(), Error> {
        self.votes.append(height, entries)
    }

    /// All entries that were appended at `height`, in order; none if votes of a later height followed.
    pub fn votes(&self, height: u64) -> Result<Vec<Vec<u8>>, Error> {
        self.votes.get(height)
    }

    /// The height of the last votes, 0 for none. It may lie above `tip() + 1` if the log was damaged: follow
    /// until then without voting.
    pub fn votes_height(&self) -> u64 {
        self.votes.height()
    }

    /// Whether votes that left at `height` may be missing, since the log was damaged or taken away while that height was
    /// in progress: follow until the next one without voting. No restart forgets it.
    pub fn has_lost_votes(&self, height: u64) -> bool {
        self.votes.has_lost(height)
    }

    /// The ledger's state as the index has it; `None` if it is missing, unreadable or ahead of the log.
    ///
    /// An index that is more than missing is set aside first. Errors mean that no new one could be made.
    pub fn index(&mut self) -> Result<Option<Index>, Error> {
        match self.ledger.read() {
            Ok(Some(index)) if index.height > self.tip() => self.doubt("ahead of the settlement log"),
            Ok(index) => Ok(index),
            Err(error) => self.doubt(&error.to_string()),
        }
    }

    /// Takes the index to `height` in one step: all `changes` with `height` and `root`, or nothing.
    ///
    /// An empty index takes the whole state this way. Not synced: a crash takes it back by some heights,
    /// which are applied again from the log. After an error the index is empty.
    pub fn write_index(
        &mut self,
        height: u64,
        root: Hash,
        changes: impl Into<Arc<[Change]>>,
    ) -> Result<(), Error> {
        let written = self.ledger.write(height, root, &changes.into());
        if let Err(error) = &written {
            self.doubt(&error.to_string())?;
        }
        written
    }

    /// Sets the index aside, over one set aside before, and starts an empty one.
    pub fn reset_index(&mut self) -> Result<(), Error> {
        self.ledger.reset()
    }

    /// Keeps the addresses of peers for the next start, at most [`MAX_PEERS`](crate::MAX_PEERS) of at most
    /// [`MAX_ADDRESS`](crate::MAX_ADDRESS) bytes.
    pub fn save_peers(&self, addresses: &[String]) -> Result<(), Error> {
        peers::save(&*self.disk, &self.peers, addresses)
    }

    /// The addresses kept last.
    pub fn peers(&self) -> Result<Vec<String>, Error> {
        peers::load(&*self.disk, &self.peers)
    }

    /// Keeps what a role wants to know again after a restart, over what was kept before: at most
    /// [`MAX_NOTE`](crate::MAX_NOTE) bytes, on the disk when this returns.
    pub fn save_note(&self, note: &[u8]) -> Result<(), Error> {
        note::save(&*self.disk, &self.note, note)
    }

    /// The note kept last, whole and unchanged or not at all.
    pub fn note(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let (note, damage) = note::load(&*self.disk, &self.note)?;
        self.damage.extend(damage);
        Ok(note)
    }

    /// Keeps on whose word settlements are followed, as [`Store::save_note`] keeps a note.
    pub fn save_claim(&self, claim: &[u8]) -> Result<(), Error> {
        note::save(&*self.disk, &self.claim, claim)
    }

    /// The claim kept last, whole and unchanged or not at all.
    pub fn claim(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let (claim, damage) = note::load(&*self.disk, &self.claim)?;
        self.damage.extend(damage);
        Ok(claim)
    }

    /// Contents by their hash.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    fn doubt(&mut self, cause: &str) -> Result<Option<Index>, Error> {
        tracing::warn!(dir = ?self.ledger.dir(), cause, "the ledger index is doubtful");
        let broken = broken(self.ledger.dir());
        self.damage.retain(|earlier| earlier.path != broken.path);
        self.damage.push(broken);
        self.ledger.reset()?;
        Ok(None)
    }
}

fn lock(disk: &Disk, dir: &Path) -> Result<Box<dyn Any + Send>, Error> {
    let path = dir.join("lock");
    let lock = disk.lock(&path).map_err(Error::at(&path))?;
    lock.ok_or_else(|| Error::Locked { path: dir.to_owned() })
}

fn open_ledger(disk: &Disk, dir: &Path, damage: &mut Vec<Damage>) -> Result<Ledger, Error> {
    Ledger::open(disk, dir).or_else(|_| {
        damage.push(broken(dir));
        Ledger::start_anew(disk, dir)
    })
}

/// sled does not tell how much is lost of an index that will not open.
fn broken(dir: &Path) -> Damage {
    Damage { path: dir.to_owned(), kept: 0, lost: 0, torn: false }.report()
}
