//! The store on a thread of its own: writes in order, and says when they are synced.
use std::sync::{Arc, mpsc as sync};
use std::thread;

use crypto::Hash;
use protocol::codec;
use serde_bytes::ByteBuf;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::desk::{Desk, Excerpt};
use super::gate::Response;
use super::snapshots::Photographer;
use super::{Error, History};
use crate::network::Network;
use crate::role::{Effect, Entry, Persist, Ticket};

/// Writes that may wait; the loop waits for room, since a write must not be lost.
const WRITES: usize = 256;

/// Requests for settlements that may wait; with more, peers could keep our own writes waiting.
const SERVES: usize = 8;

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
    Serve(Ticket, Wanted, OwnedSemaphorePermit),
    Blob(Vec<u8>),
    Peers(Vec<String>),
    Roots(u64, oneshot::Sender<Vec<(u64, Hash)>>),
    Find(Hash, u64, oneshot::Sender<Option<u64>>),
    Read(u64, oneshot::Sender<Excerpt>),
    /// All is done.
    End,
}

/// What a peer wants of what we keep.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
    /// Settlements from a height on.
    Settlements(u64),
    /// The anchor of the last snapshot.
    Snapshot,
    /// Of the snapshot of a height, the chunk of this number.
    Chunk(u64, u64),
}

impl Disk {
    pub(super) fn spawn(desk: Desk, network: Network, history: History) -> (Self, Synced) {
        let (jobs, queue) = sync::sync_channel(WRITES);
        // As many as the writes that wait: the thread itself must not, or it and the loop could wait for each other.
        let (done, synced) = mpsc::unbounded_channel();
        let clerk = Clerk { photographer: Photographer::new(history), desk, network };
        // The thread logs where the neuron does.
        let log = tracing::dispatcher::get_default(Clone::clone);
        thread::Builder::new()
            .name("disk".to_owned())
            .spawn(move || tracing::dispatcher::with_default(&log, || clerk.work(&queue, &done)))
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

    /// Sends what somebody wants; false if the disk is too busy, and they may ask again.
    pub(super) fn serve(&self, ticket: Ticket, wanted: Wanted) -> bool {
        let permit = Arc::clone(&self.serves).try_acquire_owned();
        permit.is_ok_and(|permit| self.jobs.try_send(Job::Serve(ticket, wanted, permit)).is_ok())
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

impl Drop for Disk {
    /// Whoever still reads does not hold the directory.
    fn drop(&mut self) {
        let _ = self.jobs.send(Job::End);
    }
}

impl Reader {
    /// A log in memory that begins at height `first`; what is empty is not there.
    #[cfg(test)]
    pub(super) fn of(first: u64, log: Vec<Vec<u8>>) -> Self {
        let (jobs, queue) = sync::sync_channel(WRITES);
        let from = move |height: u64| {
            let rest = log.iter().skip(height.saturating_sub(1) as usize);
            rest.take_while(|settlement| !settlement.is_empty())
                .take(crate::role::BATCH)
                .cloned()
                .collect::<Vec<_>>()
        };
        thread::spawn(move || {
            while let Ok(job) = queue.recv() {
                let Job::Read(height, answer) = job else { continue };
                let _ = answer.send(Excerpt { first, settlements: from(height) });
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

    /// Some settlements from a height on, as the log has them; none while the disk is busy.
    pub(super) async fn excerpt(&self, height: u64) -> Excerpt {
        let (answer, read) = oneshot::channel();
        if self.jobs.try_send(Job::Read(height, answer)).is_err() {
            return Excerpt::default();
        }
        read.await.unwrap_or_default()
    }

    /// The height of the first settlement there is. For a thread that may wait.
    pub(super) fn first(&self) -> u64 {
        self.settlements(0).first
    }

    /// Some settlements from a height on, as the log has them; none if it has not. For a thread that may wait.
    pub(super) fn settlements(&self, height: u64) -> Excerpt {
        let (answer, read) = oneshot::channel();
        let _ = self.jobs.send(Job::Read(height, answer));
        read.blocking_recv().unwrap_or_default()
    }
}

/// Works off what is to be written and read.
struct Clerk {
    /// Before the desk: it writes to its store until it is dropped.
    photographer: Photographer,
    desk: Desk,
    network: Network,
}

impl Clerk {
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
                Job::Serve(ticket, wanted, _permit) => {
                    let response = codec::encode(&self.response(wanted));
                    let _ = self.network.respond(ticket.0, response);
                }
                Job::Blob(bytes) => {
                    if let Err(error) = self.desk.store.blobs().put(&bytes) {
                        tracing::warn!(%error, "a blob was not kept");
                    }
                }
                Job::Peers(addresses) => {
                    if let Err(error) = self.desk.store.save_peers(&addresses) {
                        tracing::warn!(%error, "the addresses of peers were not kept");
                    }
                }
                Job::Roots(height, answer) => {
                    let _ = answer.send(self.desk.roots(height));
                }
                Job::Find(transaction, height, answer) => {
                    let _ = answer.send(self.desk.find(transaction, height));
                }
                Job::Read(height, answer) => {
                    let _ = answer.send(self.desk.read(height));
                }
                Job::End => return,
            }
        }
    }

    /// Writes, and makes a snapshot when it is time for one.
    fn write(&mut self, entries: &[Entry]) -> Result<(), storage::Error> {
        self.desk.write(entries)?;
        for entry in entries {
            if let Entry::Settled(settled) = entry {
                self.photographer.settled(&mut self.desk.store, settled)?;
            }
        }
        Ok(())
    }

    fn response(&mut self, wanted: Wanted) -> Response {
        let store = &self.desk.store;
        let part = |height, number| store.snapshots().part(height, number).ok().flatten();
        let response = match wanted {
            Wanted::Settlements(height) => {
                let Excerpt { first, settlements } = self.desk.read(height);
                let batch = settlements.into_iter().map(ByteBuf::from).collect();
                Some(Response::Settlements { batch, first, tip: self.desk.tip() })
            }
            Wanted::Snapshot => {
                let last = store.snapshots().heights().last().copied();
                let anchor = last.and_then(|height| part(height, 0)).map(ByteBuf::from);
                anchor.map(|anchor| Response::Anchor { anchor, first: store.first() })
            }
            Wanted::Chunk(height, number) => {
                let chunk = number.checked_add(1).and_then(|number| part(height, number));
                chunk.map(|chunk| Response::Chunk(chunk.into()))
            }
        };
        response.unwrap_or(Response::Declined)
    }
}
