//! What a neuron finds in its memory: the log is the truth, the index saves going through it.
use std::path::Path;

use crypto::Hash;
use protocol::codec;
use protocol::head::Head;
use protocol::ledger::Ledger;
use protocol::light::Checkpoint;
use protocol::settlement::{self, Certified};
use storage::Store;

use super::desk::Logged;
use super::{Error, claim, snapshots};
use crate::role::{Memory, Recovered};

/// A neuron's memory, read.
pub(crate) struct Remembered {
    pub(crate) recovered: Recovered,
    /// The ledger before the first settlement of the log.
    pub(crate) earliest: Ledger,
    /// What a validator wrote for itself.
    pub(crate) memory: Memory,
}

/// Reads the store in `dir` and goes on from its tip, or from `genesis`; towards a checkpoint, if one was `given`.
pub(crate) fn recover(
    store: &mut Store,
    dir: &Path,
    genesis: &Head,
    given: Option<Checkpoint>,
) -> Result<Remembered, Error> {
    for damage in store.damage() {
        tracing::warn!(?damage, "found damage and got over it");
    }
    let log = Log { dir, genesis };
    let checkpoint = claim::pending(store, given, |store, height| log.header(store, height))?;
    let Head { ledger, tip } = log.head(store)?;
    let base = log.base(store, Wish::Earliest).ok().flatten();
    let earliest = base.map_or_else(|| ledger.clone(), |head| head.ledger);
    let height = ledger.height() + 1;
    let mut recovered = Recovered { ledger: Some(ledger), tip, ..Recovered::default() };
    recovered.trust.checkpoint = checkpoint;
    recovered.votes_from = votes_from(store, height);
    recovered.last_votes = store.votes_height();
    recovered.is_new = store.votes_height() == 0;
    for bytes in store.votes(height)? {
        match codec::decode("log entry", &bytes, settlement::MAX_BYTES) {
            Ok(Logged::Vote(vote)) => recovered.log.push(vote),
            Ok(Logged::Draft(draft)) => recovered.drafts.push(*draft),
            Err(error) => {
                tracing::warn!(height, %error, "cannot read how we voted: following until the next height");
                recovered.votes_from = height + 1;
                break;
            }
        }
    }
    Ok(Remembered { recovered, earliest, memory: memory(store)? })
}

/// A validator without its memory scores anew and cannot reveal what it committed to: a loss, and no harm to others.
fn memory(store: &mut Store) -> Result<Memory, Error> {
    let Some(note) = store.note()? else {
        return Ok(Memory::default());
    };
    Ok(codec::decode("memory", &note, storage::MAX_NOTE).unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot read scores and rows: beginning anew");
        Memory::default()
    }))
}

/// The first height to vote in, given the one in progress.
fn votes_from(store: &Store, height: u64) -> u64 {
    let from = Recovered::may_vote_from(height, store.votes_height(), store.has_lost_votes(height));
    if from > height {
        tracing::warn!(
            height,
            from,
            "votes that left may be forgotten: following until then (see --vote-anew)"
        );
    }
    from
}

/// Which snapshot is wished for.
#[derive(Clone, Copy)]
enum Wish {
    /// With the longest log after it.
    Earliest,
    /// With the shortest.
    Latest,
}

/// Reads the settlement log of one network.
struct Log<'a> {
    dir: &'a Path,
    genesis: &'a Head,
}

impl Log<'_> {
    /// The end of the log; the index is brought up to it, or made anew when it is missing or in doubt.
    ///
    /// From a settlement on that does not hold, the log is set aside: peers have the rest.
    fn head(&self, store: &mut Store) -> Result<Head, Error> {
        let indexed = self.indexed(store)?;
        let sound = indexed.is_some();
        let mut head = match indexed {
            Some(head) => head,
            None => self.base(store, Wish::Latest)?.map_or_else(|| self.begin_anew(store), Ok)?,
        };
        while head.ledger.height() < store.tip() {
            let next = match self.follow(store, &head)? {
                Ok(next) => next,
                Err(reason) => {
                    let height = head.ledger.height() + 1;
                    tracing::warn!(
                        height,
                        reason,
                        "the log does not hold: set aside from here, peers have the rest"
                    );
                    store.set_settlements_aside(height)?;
                    break;
                }
            };
            if sound {
                index(store, &next.ledger, next.ledger.changes_since(&head.ledger));
            }
            head = next;
        }
        if !sound {
            let whole = head.ledger.entries().into_iter().map(|(key, value)| (key, Some(value)));
            index(store, &head.ledger, whole.collect());
        }
        Ok(head)
    }

    /// Where the log may be gone through from: a snapshot, or the genesis if it begins there. `None` if nothing leads
    /// to it.
    fn base(&self, store: &Store, wish: Wish) -> Result<Option<Head>, Error> {
        let mut heights = store.snapshots().heights();
        heights.retain(|height| height + 1 >= store.first());
        match wish {
            Wish::Earliest if store.first() == 1 => heights.clear(),
            Wish::Earliest => heights.truncate(1),
            Wish::Latest => heights.reverse(),
        }
        for height in heights {
            match self.snapshot(store, height)? {
                Ok(head) => return Ok(Some(head)),
                Err(reason) => tracing::warn!(height, reason, "a snapshot is of no use"),
            }
        }
        Ok((store.first() == 1).then(|| self.genesis.clone()))
    }

    /// The genesis, once the log that nothing leads to is set aside: peers have it, or a snapshot. Votes stay, and none
    /// is cast again.
    fn begin_anew(&self, store: &mut Store) -> Result<Head, Error> {
        tracing::warn!(
            first = store.first(),
            "no snapshot leads to the log: set aside, begins anew at the genesis"
        );
        store.begin_anew()?;
        Ok(self.genesis.clone())
    }

    /// A snapshot is taken on trust no more than the log is.
    fn snapshot(&self, store: &Store, height: u64) -> Result<Result<Head, String>, Error> {
        let head = match snapshots::load(store.snapshots(), height) {
            Ok(head) => head,
            Err(snapshots::Error::Storage(error @ storage::Error::Io { .. })) => return Err(error.into()),
            Err(error) => return Ok(Err(error.to_string())),
        };
        let (found, expected) = (head.ledger.genesis(), self.genesis.ledger.genesis());
        if found != expected {
            return Err(Error::OtherNetwork { dir: self.dir.to_owned(), found, expected });
        }
        Ok(Ok(head))
    }

    /// The head that the index holds, if it is the one certified at its height. What is not is cleared away.
    fn indexed(&self, store: &mut Store) -> Result<Option<Head>, Error> {
        let Some(index) = store.index()? else {
            return Ok(None);
        };
        if index.height < store.first() && store.first() > 1 {
            tracing::info!(height = index.height, first = store.first(), "the index is older than the log");
            store.reset_index()?;
            return Ok(None);
        }
        let tip = self.settlement(store, index.height)?.ok();
        let certified = match &tip {
            Some(tip) => tip.settlement.header.state_root,
            None => self.genesis.ledger.root(),
        };
        let ledger = Ledger::from_entries(&index.entries).ok();
        let sound = ledger.filter(|ledger| ledger.height() == index.height && ledger.root() == certified);
        if sound.is_none() {
            tracing::warn!(
                height = index.height,
                "the index is not what was certified: making it anew from the log"
            );
            store.reset_index()?;
        }
        #[cfg(feature = "planted-faults")]
        let sound = sound.map(|ledger| ledger.with_fault_of(&self.genesis.ledger));
        Ok(sound.map(|ledger| Head::new(ledger, tip)))
    }

    /// The head after the next settlement, or why there is none: the log is taken on trust no more than a peer is.
    fn follow(&self, store: &mut Store, head: &Head) -> Result<Result<Head, String>, Error> {
        let next = self.settlement(store, head.ledger.height() + 1)?;
        Ok(next.and_then(|certified| {
            head.check(&certified).map_err(|forged| forged.to_string())?;
            let judged = head.judge(certified.settlement.clone(), u64::MAX);
            let ledger = judged.map_err(|flaw| flaw.to_string())?.ledger;
            Ok(Head::new(ledger, Some(certified)))
        }))
    }

    /// The hash of a header, the network's at height 0; `None` if the log has it not.
    fn header(&self, store: &mut Store, height: u64) -> Result<Option<Hash>, Error> {
        if height == 0 {
            return Ok(Some(self.genesis.ledger.genesis()));
        }
        Ok(self.settlement(store, height)?.ok().map(|certified| certified.settlement.header.hash()))
    }

    /// The settlement at a height, or why it cannot be read.
    fn settlement(&self, store: &mut Store, height: u64) -> Result<Result<Certified, String>, Error> {
        let Some(bytes) = store.settlement(height)? else {
            return Ok(Err("it is missing".to_owned()));
        };
        let certified = match Certified::decode(&bytes) {
            Ok(certified) => certified,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let (found, expected) = (certified.settlement.header.genesis, self.genesis.ledger.genesis());
        if found != expected {
            return Err(Error::OtherNetwork { dir: self.dir.to_owned(), found, expected });
        }
        Ok(Ok(certified))
    }
}

/// Writes to the index, which may fail: the log is the truth.
fn index(store: &mut Store, ledger: &Ledger, changes: Vec<storage::Change>) {
    let (height, root) = (ledger.height(), ledger.root().hash);
    if let Err(error) = store.write_index(height, root, changes) {
        tracing::warn!(height, %error, "the index was not written");
    }
}

#[cfg(test)]
mod tests;
