//! Snapshots of our own ledger: made every so many settlements on a thread of their own, read again at a start.
use std::thread::{self, JoinHandle};

use protocol::codec;
use protocol::head::Head;
use protocol::ledger::Ledger;
use protocol::light::Skip;
use protocol::settlement::{Certified, Header};
use protocol::snapshot::{Anchor, Assembly, Chunk, Flaw};
use storage::{Snapshots, Store};

use super::{History, claim};
use crate::role::Settled;

/// Why a snapshot on the disk is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// It cannot be read.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// It is not what was certified.
    #[error(transparent)]
    Flaw(#[from] Flaw),
    /// It cannot be decoded.
    #[error(transparent)]
    Bytes(#[from] protocol::Error),
    /// Part of it is missing.
    #[error("a part is missing")]
    Missing,
}

/// Makes snapshots while settlements are written, and prunes what is behind them.
pub(super) struct Photographer {
    history: History,
    /// The last one in the making.
    making: Option<JoinHandle<()>>,
}

impl Photographer {
    pub(super) fn new(history: History) -> Self {
        Self { history, making: None }
    }

    /// To be told of every settlement once it is in the log.
    pub(super) fn settled(&mut self, store: &mut Store, settled: &Settled) -> Result<(), storage::Error> {
        let height = settled.ledger.height();
        let is_busy = self.making.as_ref().is_some_and(|making| !making.is_finished());
        let heights = store.snapshots().heights().into_iter();
        // A log that begins after a snapshot is lost with it, unless there is another.
        let is_at_risk =
            store.first() > 1 && heights.filter(|height| height + 1 >= store.first()).count() < 2;
        if is_busy || !(is_at_risk || height.is_multiple_of(self.history.snapshots)) {
            return Ok(());
        }
        if claim::is_open(store, height)? {
            return Ok(());
        }
        // What was made before is on the disk.
        store.prune(self.history.keep)?;
        let parent = store.settlement(height - 1)?.and_then(|bytes| header(&bytes));
        if parent.is_none() && height > 1 {
            return Ok(());
        }
        let (snapshots, certified) = (store.snapshots().clone(), settled.certified.clone());
        let ledger = settled.ledger.clone();
        let make = move || {
            let parts = parts(parent, certified, &ledger);
            match snapshots.put(height, &parts) {
                Ok(()) => tracing::info!(height, parts = parts.len(), "made a snapshot"),
                Err(error) => tracing::warn!(height, %error, "a snapshot was not kept"),
            }
        };
        let log = tracing::dispatcher::get_default(Clone::clone);
        let make = move || tracing::dispatcher::with_default(&log, make);
        self.making = thread::Builder::new().name("snapshot".to_owned()).spawn(make).ok();
        Ok(())
    }
}

impl Drop for Photographer {
    /// Whoever opens the store next must not find somebody writing to it.
    fn drop(&mut self) {
        let _ = self.making.take().map(JoinHandle::join);
    }
}

fn header(bytes: &[u8]) -> Option<Header> {
    Some(Certified::decode(bytes).ok()?.settlement.header)
}

/// The anchor and the chunks.
pub(super) fn parts(parent: Option<Header>, certified: Certified, ledger: &Ledger) -> Vec<Vec<u8>> {
    let (validators, next) = (ledger.previous_validators().clone(), ledger.validators().clone());
    let (header, body) = (certified.settlement.header, certified.settlement.body);
    let skip = Skip { parent, header, certificate: certified.certificate, validators, next };
    let chunks = Chunk::all_of(ledger);
    [codec::encode(&Anchor { skip, body })].into_iter().chain(chunks.iter().map(codec::encode)).collect()
}

/// The ledger of a snapshot on the disk, with the settlement that led to it.
pub(super) fn load(snapshots: &Snapshots, height: u64) -> Result<Head, Error> {
    let part = |number| snapshots.part(height, number)?.ok_or(Error::Missing);
    let mut assembly = Assembly::new(Anchor::decode(&part(0)?)?);
    while let Some(number) = assembly.wants() {
        assembly.add(Chunk::decode(&part(number + 1)?)?)?;
    }
    Ok(assembly.head()?)
}
