//! Ledgers of earlier heights, replayed from the settlement log on a thread of their own.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use protocol::ledger::{Counted, Ledger, Watch};
use protocol::settlement::{Certificate, Certified, Settlement};
use protocol::subnet::Netuid;
use storage::Snapshots;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use super::disk::Reader;
use super::{View, snapshots};

/// Heights between two ledgers that are kept to begin a replay with.
const EVERY: u64 = 64;

/// The longest replay that strangers may ask for, in heights: to the next ledger that is kept, had one been missed.
const NEAR: u64 = 2 * EVERY;

/// Ledgers kept: of the last thousand heights.
const KEPT: usize = 16;

/// How long a replay may take; how far it came is kept, so that asking again goes on from there.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why an earlier ledger is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is none.
    #[error("height {height} is ahead: this neuron is at height {tip}")]
    Ahead {
        /// What was asked for.
        height: u64,
        /// What there is.
        tip: u64,
    },
    /// The log lacks it.
    #[error("settlement {0} is not in this neuron's log; ask one whose log is whole")]
    Missing(u64),
    /// The log no longer has it.
    #[error(
        "height {height} is pruned: this neuron's ledgers begin at height {earliest}; ask one that keeps more"
    )]
    Pruned {
        /// What was asked for.
        height: u64,
        /// The height of the earliest ledger there is.
        earliest: u64,
    },
    /// The log cannot be followed.
    #[error("settlement {height} of this neuron's log does not apply: {reason}; ask another neuron")]
    BadLog {
        /// Where.
        height: u64,
        /// Why.
        reason: String,
    },
    /// Somebody else asks.
    #[error("another replay is under way; try again")]
    Busy,
    /// There is much to replay.
    #[error("replayed up to height {reached} of {until}; ask again and it goes on from there")]
    Slow {
        /// How far it came.
        reached: u64,
        /// How far it is.
        until: u64,
    },
    /// That epoch is not over.
    #[error(
        "epoch {epoch} of subnet {netuid} has not ended by height {tip}; leave --epoch out for the last that has"
    )]
    NotEnded {
        /// The subnet.
        netuid: Netuid,
        /// What was asked for.
        epoch: u64,
        /// How far the neuron is.
        tip: u64,
    },
}

/// What can be replayed.
#[derive(Clone)]
pub(super) struct Past {
    log: Reader,
    snapshots: Snapshots,
    known: Known,
    turn: Arc<Semaphore>,
}

/// Ledgers to begin a replay with.
#[derive(Clone)]
pub(super) struct Known(Arc<Mutex<Kept>>);

struct Kept {
    /// Of the genesis, or where the log begins.
    earliest: Ledger,
    /// Of the last heights, some way apart.
    recent: BTreeMap<u64, Ledger>,
    /// Where the last replay stopped.
    reached: Option<Ledger>,
    /// The first height of the log for which a snapshot was looked for.
    first: u64,
}

impl Past {
    pub(super) fn new(log: Reader, snapshots: Snapshots, earliest: Ledger) -> Self {
        let kept = Kept { earliest, recent: BTreeMap::new(), reached: None, first: 0 };
        Self { log, snapshots, known: Known(Arc::new(Mutex::new(kept))), turn: Arc::new(Semaphore::new(1)) }
    }

    pub(super) fn known(&self) -> Known {
        self.known.clone()
    }

    /// The ledger after a height.
    pub(super) async fn at(&self, height: u64, tip: u64) -> Result<Ledger, Error> {
        if height > tip {
            return Err(Error::Ahead { height, tip });
        }
        let path = self.path(height);
        let find = move |gone: &dyn Fn() -> bool| {
            let start = path.start(|ledger| ledger.height() <= height);
            let start = start.map_err(|earliest| Error::Pruned { height, earliest })?;
            path.walk(start, &mut |_| (), gone, |_| false)
        };
        self.replay(find).await
    }

    /// The ledger after a height that is near one whose ledger is kept, unless it takes too long. For a thread that may
    /// wait.
    pub(super) fn near(&self, height: u64, too_long: &dyn Fn() -> bool) -> Option<Ledger> {
        let path = self.path(height);
        let start = path.start(|ledger| ledger.height() <= height).ok()?;
        if start.height() + NEAR < height {
            return None;
        }
        path.walk(start, &mut |_| (), too_long, |_| false).ok()
    }

    /// The ledger after the settlement that ended an epoch, and what `tell` makes of how the epoch was counted.
    pub(super) async fn epoch<T: Send + 'static>(
        &self,
        (netuid, epoch): (Netuid, u64),
        tip: u64,
        tell: impl Fn(&Counted<'_>) -> T + Send + 'static,
    ) -> Result<(Ledger, T), Error> {
        let path = self.path(tip);
        let find = move |gone: &dyn Fn() -> bool| {
            let start = path.start(|ledger| ledger.epoch(netuid).is_none_or(|now| now <= epoch));
            let pruned = |earliest: u64| Error::Pruned { height: earliest.saturating_sub(1), earliest };
            let start = start.map_err(pruned)?;
            let mut told = None;
            let mut watch = |counted: &Counted<'_>| {
                if (counted.netuid, counted.epoch) == (netuid, epoch) {
                    told = Some(tell(counted));
                }
            };
            let is_over = |ledger: &Ledger| ledger.epoch(netuid).is_some_and(|now| now > epoch);
            let ledger = path.walk(start, &mut watch, gone, is_over)?;
            told.map(|told| (ledger, told)).ok_or(Error::NotEnded { netuid, epoch, tip })
        };
        self.replay(find).await
    }

    fn path(&self, until: u64) -> Path {
        let (log, snapshots) = (self.log.clone(), self.snapshots.clone());
        Path { until, log, snapshots, known: self.known.clone() }
    }

    /// Works on a thread of its own, one at a time; `work` is told when nobody waits any more.
    async fn replay<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Fn() -> bool) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let turn: OwnedSemaphorePermit =
            Arc::clone(&self.turn).try_acquire_owned().map_err(|_| Error::Busy)?;
        let (answer, result) = oneshot::channel();
        let work = move || {
            let result = work(&|| answer.is_closed());
            drop(turn);
            let _ = answer.send(result);
        };
        thread::Builder::new().name("replay".to_owned()).spawn(work).map_err(|_| Error::Busy)?;
        result.await.unwrap_or(Err(Error::Busy))
    }
}

impl Known {
    /// Keeps the ledgers that a view passes, until the neuron stops.
    pub(super) async fn follow(self, mut view: watch::Receiver<View>) {
        while view.changed().await.is_ok() {
            let ledger = Arc::clone(&view.borrow_and_update().ledger);
            self.note(&ledger);
        }
    }

    fn note(&self, ledger: &Ledger) {
        let recent = &mut self.kept().recent;
        let newest = recent.last_key_value().map_or(0, |(height, _)| *height);
        if ledger.height() < newest + EVERY {
            return;
        }
        recent.insert(ledger.height(), ledger.clone());
        if recent.len() > KEPT {
            recent.pop_first();
        }
    }

    /// The last ledger of which this holds, or the height of the earliest if there is none.
    fn last(&self, holds: impl Fn(&Ledger) -> bool) -> Result<Ledger, u64> {
        let kept = self.kept();
        let known = kept.recent.values().chain(&kept.reached).chain([&kept.earliest]);
        let last = known.filter(|ledger| holds(ledger)).max_by_key(|ledger| ledger.height());
        last.cloned().ok_or(kept.earliest.height())
    }

    /// Lets go of ledgers that a log from `first` on no longer goes on from; the earliest is then a snapshot's.
    fn renew(&self, first: u64, snapshots: &Snapshots) {
        let leads = |height: u64| height.saturating_add(1) >= first;
        let tried = std::mem::replace(&mut self.kept().first, first) == first;
        if tried || leads(self.kept().earliest.height()) {
            return;
        }
        let mut heights = snapshots.heights().into_iter().filter(|height| leads(*height));
        let earliest = heights.find_map(|height| snapshots::load(snapshots, height).ok());
        let mut kept = self.kept();
        kept.recent.retain(|height, _| leads(*height));
        kept.reached.take_if(|reached| !leads(reached.height()));
        if let Some(head) = earliest {
            kept.earliest = head.ledger;
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way to a height.
struct Path {
    until: u64,
    log: Reader,
    snapshots: Snapshots,
    known: Known,
}

impl Path {
    /// The last ledger to begin with of which this holds, or the height of the earliest if there is none: what was
    /// pruned since the start is gone.
    fn start(&self, holds: impl Fn(&Ledger) -> bool) -> Result<Ledger, u64> {
        self.known.renew(self.log.first(), &self.snapshots);
        self.known.last(holds)
    }

    /// Goes on from a ledger to the end, or until it is over, or nobody waits, or patience ends. The last settlement is
    /// taken on trust no more than an index is.
    fn walk(
        &self,
        start: Ledger,
        watch: Watch<'_>,
        gone: &dyn Fn() -> bool,
        is_over: impl Fn(&Ledger) -> bool,
    ) -> Result<Ledger, Error> {
        let (began, mut ledger, mut root) = (Instant::now(), start, None);
        while ledger.height() < self.until && !is_over(&ledger) {
            let height = ledger.height() + 1;
            let excerpt = self.log.settlements(height);
            if excerpt.settlements.is_empty() {
                return Err(Error::Missing(height));
            }
            for bytes in excerpt.settlements {
                root = Some(step(&mut ledger, &bytes, watch)?);
                if is_over(&ledger) || ledger.height() == self.until {
                    break;
                }
                if gone() || began.elapsed() > PATIENCE {
                    let reached = ledger.height();
                    self.known.kept().reached = Some(ledger);
                    return Err(Error::Slow { reached, until: self.until });
                }
            }
        }
        if root.is_some_and(|root| root != ledger.root()) {
            let reason = "its state root is not what was certified".to_owned();
            return Err(Error::BadLog { height: ledger.height(), reason });
        }
        Ok(ledger)
    }
}

/// Applies one settlement of the log, and returns the root that was certified for it.
fn step(ledger: &mut Ledger, bytes: &[u8], watch: Watch<'_>) -> Result<crypto::merkle::Root, Error> {
    let height = ledger.height() + 1;
    let bad = |reason: String| Error::BadLog { height, reason };
    let certified = Certified::decode(bytes).map_err(|error| bad(error.to_string()))?;
    let Settlement { header, body } = certified.settlement;
    let inputs = body.verify(&ledger.genesis()).map_err(|error| bad(error.to_string()))?;
    let signers = body.parent_certificate.as_ref().map(Certificate::signers).unwrap_or_default();
    let applied = ledger.apply_watched(&inputs, header.time, &signers, watch);
    applied.map_err(|refusal| bad(refusal.to_string()))?;
    Ok(header.state_root)
}

#[cfg(test)]
mod tests;
