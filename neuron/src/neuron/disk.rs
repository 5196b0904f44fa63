//! The store on a thread of its own: writes in order, and says when they are synced.
use std::sync::{Arc, mpsc as sync};
use std::thread;

use crypto::Hash;
use protocol::codec;
use protocol::consensus::LogEntry;
use protocol::settlement::{self, Certified, Settlement};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use storage::Store;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::Error;
use super::gate::Response;
use crate::network::Network;
use crate::role::{Effect, Entry, Persist, Settled, Ticket};

/// Writes that may wait; the loop waits for room, since a write must not be lost.
const WRITES: usize = 256;

/// Requests for settlements that may wait; with more, peers could keep our own writes waiting.
const SERVES: usize = 8;

/// The most settlements handed over at once.
pub(super) const BATCH: usize = 64;

/// The most bytes of settlements handed over at once; a single larger one still goes.
const BATCH_BYTES: usize = 1024 * 1024;

/// The most settlements read for one look at the log.
const LOOK: usize = 4096;

/// What the vote log holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Logged {
    /// What consensus took in.
    Vote(LogEntry),
    /// A settlement that may get our vote.
    Draft(Box<Settlement>),
}

/// Effects that waited for their writes, or why the disk failed.
pub(super) type Synced = mpsc::UnboundedReceiver<Result<Vec<Effect>, Error>>;

/// The store's thread.
pub(super) struct Disk {
    jobs: sync::SyncSender<Job>,
    serves: Arc<Semaphore>,
}

/// Reads only.
#[derive(Clone)]
pub(super) struct Reader {
    jobs: sync::SyncSender<Job>,
}

enum Job {
    Write(Persist),
    /// The permit is free again once it is served.
    Serve(Ticket, u64, OwnedSemaphorePermit),
    Blob(Vec<u8>),
    Peers(Vec<String>),
    Roots(u64, oneshot::Sender<Vec<(u64, Hash)>>),
    Find(Hash, u64, oneshot::Sender<Option<u64>>),
    Read(u64, oneshot::Sender<Vec<Vec<u8>>>),
}

impl Disk {
    pub(super) fn spawn(store: Store, network: Network) -> (Self, Synced) {
        let (jobs, queue) = sync::sync_channel(WRITES);
        // As many as the writes that wait: the thread itself must not, or it and the loop could wait for each other.
        let (done, synced) = mpsc::unbounded_channel();
        let desk = Desk { store, network };
        // The thread logs where the neuron does.
        let log = tracing::dispatcher::get_default(Clone::clone);
        thread::Builder::new()
            .name("disk".to_owned())
            .spawn(move || tracing::dispatcher::with_default(&log, || desk.work(&queue, &done)))
            .expect("the system grants one more thread");
        (Self { jobs, serves: Arc::new(Semaphore::new(SERVES)) }, synced)
    }

    pub(super) fn reader(&self) -> Reader {
        Reader { jobs: self.jobs.clone() }
    }

    /// Writes, and has the rest carried out once it is synced.
    pub(super) fn write(&self, persist: Persist) -> Result<(), Error> {
        self.jobs.send(Job::Write(persist)).map_err(|_| Error::Disk("its thread is gone".to_owned()))
    }

    /// Sends settlements to whoever wants them; false if the disk is too busy, and they may ask again.
    pub(super) fn serve(&self, ticket: Ticket, height: u64) -> bool {
        let permit = Arc::clone(&self.serves).try_acquire_owned();
        permit.is_ok_and(|permit| self.jobs.try_send(Job::Serve(ticket, height, permit)).is_ok())
    }

    /// Keeps bytes under their hash.
    pub(super) fn keep(&self, bytes: Vec<u8>) {
        let _ = self.jobs.try_send(Job::Blob(bytes));
    }

    /// Keeps addresses of peers for the next start.
    pub(super) fn keep_peers(&self, addresses: Vec<String>) {
        let _ = self.jobs.try_send(Job::Peers(addresses));
    }
}

impl Reader {
    /// A log in memory; what is empty is not there.
    #[cfg(test)]
    pub(super) fn of(log: Vec<Vec<u8>>) -> Self {
        let (jobs, queue) = sync::sync_channel(WRITES);
        let from = move |height: u64| {
            let rest = log.iter().skip(height.saturating_sub(1) as usize);
            rest.take_while(|settlement| !settlement.is_empty()).take(BATCH).cloned().collect::<Vec<_>>()
        };
        thread::spawn(move || {
            while let Ok(job) = queue.recv() {
                let Job::Read(height, answer) = job else { continue };
                let _ = answer.send(from(height));
            }
        });
        Self { jobs }
    }

    pub(super) async fn state_roots(&self, height: u64) -> Vec<(u64, Hash)> {
        let (answer, roots) = oneshot::channel();
        if self.jobs.try_send(Job::Roots(height, answer)).is_err() {
            return Vec::new();
        }
        roots.await.unwrap_or_default()
    }

    pub(super) async fn find(&self, transaction: Hash, height: u64) -> Option<u64> {
        let (answer, found) = oneshot::channel();
        self.jobs.try_send(Job::Find(transaction, height, answer)).ok()?;
        found.await.ok().flatten()
    }

    /// Some settlements from a height on, as the log has them; none if it has not. For a thread that may wait.
    pub(super) fn settlements(&self, height: u64) -> Vec<Vec<u8>> {
        let (answer, read) = oneshot::channel();
        let _ = self.jobs.send(Job::Read(height, answer));
        read.blocking_recv().unwrap_or_default()
    }
}

struct Desk {
    store: Store,
    network: Network,
}

impl Desk {
    fn work(mut self, queue: &sync::Receiver<Job>, done: &mpsc::UnboundedSender<Result<Vec<Effect>, Error>>) {
        while let Ok(job) = queue.recv() {
            match job {
                Job::Write(persist) => {
                    let result = self.write(&persist.entries).map(|()| persist.then);
                    let failed = result.is_err();
                    if done.send(result.map_err(Error::Storage)).is_err() || failed {
                        return;
                    }
                }
                Job::Serve(ticket, height, _permit) => self.serve(ticket, height),
                Job::Blob(bytes) => {
                    if let Err(error) = self.store.blobs().put(&bytes) {
                        tracing::warn!(%error, "a blob was not kept");
                    }
                }
                Job::Peers(addresses) => {
                    if let Err(error) = self.store.save_peers(&addresses) {
                        tracing::warn!(%error, "the addresses of peers were not kept");
                    }
                }
                Job::Roots(height, answer) => {
                    let _ = answer.send(self.roots(height));
                }
                Job::Find(transaction, height, answer) => {
                    let _ = answer.send(self.find(transaction, height));
                }
                Job::Read(height, answer) => {
                    let _ = answer.send(self.read(height));
                }
            }
        }
    }

    /// Vote log entries first, with one sync; a settlement makes them obsolete.
    fn write(&mut self, entries: &[Entry]) -> Result<(), storage::Error> {
        let mut votes = Vec::new();
        let mut height = 0;
        for entry in entries {
            match entry {
                Entry::Vote(at, vote) => {
                    height = *at;
                    votes.push(codec::encode(&Logged::Vote(vote.clone())));
                }
                Entry::Draft(draft) => {
                    height = draft.header.height;
                    votes.push(codec::encode(&Logged::Draft(draft.clone())));
                }
                Entry::Settled(settled) => self.settle(settled)?,
                Entry::Memory(memory) => self.store.save_note(&codec::encode(memory))?,
            }
        }
        if votes.is_empty() { Ok(()) } else { self.store.append_votes(height, &votes) }
    }

    fn settle(&mut self, settled: &Settled) -> Result<(), storage::Error> {
        let header = &settled.certified.settlement.header;
        self.store.append_settlement(header.height, &codec::encode(&settled.certified))?;
        let written = self.store.write_index(header.height, header.state_root.hash, &settled.changes);
        if let Err(error) = written {
            // The log is the truth: a lost index is rebuilt from it at the next start.
            tracing::warn!(height = header.height, %error, "the index was not written");
        }
        Ok(())
    }

    fn serve(&mut self, ticket: Ticket, height: u64) {
        let batch = self.read(height);
        let response = Response::Settlements(batch.into_iter().map(ByteBuf::from).collect());
        let _ = self.network.respond(ticket.0, codec::encode(&response));
    }

    fn read(&mut self, height: u64) -> Vec<Vec<u8>> {
        let mut batch = self.store.settlements_from(height, BATCH_BYTES).unwrap_or_default();
        batch.truncate(BATCH);
        batch
    }

    fn roots(&mut self, height: u64) -> Vec<(u64, Hash)> {
        let root = |settlement: Settlement| (settlement.header.height, settlement.header.state_root.hash);
        self.look(height).map(root).collect()
    }

    fn find(&mut self, transaction: Hash, height: u64) -> Option<u64> {
        let holds = |settlement: &Settlement| {
            settlement.body.transactions.iter().any(|signed| signed.id() == transaction)
        };
        self.look(height).find(holds).map(|settlement| settlement.header.height)
    }

    /// Settlements from a height on, as the log has them.
    fn look(&mut self, height: u64) -> impl Iterator<Item = Settlement> {
        let heights = (height.max(1)..=self.store.tip()).take(LOOK);
        heights.filter_map(|height| {
            let bytes = self.store.settlement(height).ok().flatten()?;
            let certified: Certified = codec::decode("settlement", &bytes, settlement::MAX_BYTES).ok()?;
            Some(certified.settlement)
        })
    }
}
