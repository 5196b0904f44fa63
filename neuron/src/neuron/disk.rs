//! The store on a thread of its own: writes in order, and says when they are synced.
use std::sync::{Arc, mpsc as sync};
use std::thread;

use crypto::Hash;
use protocol::codec;
use serde_bytes::ByteBuf;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::Error;
use super::desk::Desk;
use super::gate::Response;
use crate::network::Network;
use crate::role::{Effect, Persist, Ticket};

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
    Serve(Ticket, u64, OwnedSemaphorePermit),
    Blob(Vec<u8>),
    Peers(Vec<String>),
    Roots(u64, oneshot::Sender<Vec<(u64, Hash)>>),
    Find(Hash, u64, oneshot::Sender<Option<u64>>),
    Read(u64, oneshot::Sender<Vec<Vec<u8>>>),
}

impl Disk {
    pub(super) fn spawn(desk: Desk, network: Network) -> (Self, Synced) {
        let (jobs, queue) = sync::sync_channel(WRITES);
        // As many as the writes that wait: the thread itself must not, or it and the loop could wait for each other.
        let (done, synced) = mpsc::unbounded_channel();
        let clerk = Clerk { desk, network };
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
            rest.take_while(|settlement| !settlement.is_empty())
                .take(crate::role::BATCH)
                .cloned()
                .collect::<Vec<_>>()
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

/// Works off what is to be written and read.
struct Clerk {
    desk: Desk,
    network: Network,
}

impl Clerk {
    fn work(mut self, queue: &sync::Receiver<Job>, done: &mpsc::UnboundedSender<Result<Vec<Effect>, Error>>) {
        while let Ok(job) = queue.recv() {
            match job {
                Job::Write(persist) => {
                    let result = self.desk.write(&persist.entries).map(|()| persist.then);
                    let failed = result.is_err();
                    if done.send(result.map_err(Error::Storage)).is_err() || failed {
                        return;
                    }
                }
                Job::Serve(ticket, height, _permit) => self.serve(ticket, height),
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
            }
        }
    }

    fn serve(&mut self, ticket: Ticket, height: u64) {
        let batch = self.desk.read(height).into_iter().map(ByteBuf::from).collect();
        let response = Response::Settlements { batch, tip: self.desk.tip() };
        let _ = self.network.respond(ticket.0, codec::encode(&response));
    }
}
