//! Houses one neuron: a thread with its own loop, its own log file and its own local socket.
//!
//! One that finds while it runs that only a snapshot helps, or that its subnet is founded, is begun anew: it takes the
//! one, and reads the other's task, before its roles begin.
use std::path::PathBuf;
use std::time::Duration;
use std::{io, thread};

use tokio::runtime;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep};

use crate::neuron::{self, Config, Handle, Neuron};
use crate::{api, key, log};

/// How long a directory may still be held by a neuron that is about to end.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// A neuron at work. Dropped, it stops.
pub struct Host {
    dir: PathBuf,
    handles: Handles,
    stop: watch::Sender<bool>,
    end: oneshot::Receiver<Result<(), Error>>,
}

/// The handle of a housed neuron, which is another one when the neuron was begun anew.
#[derive(Clone)]
pub struct Handles(watch::Receiver<Option<Handle>>);

/// Why a neuron is not housed, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The neuron itself.
    #[error(transparent)]
    Neuron(#[from] neuron::Error),
    /// Its socket.
    #[error(transparent)]
    Api(#[from] api::Error),
    /// Its directory, log or thread.
    #[error("{dir}: {cause}; name a --dir that you may write", dir = .dir.display())]
    Io {
        /// The directory.
        dir: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// It panicked: a bug.
    #[error("the neuron in {dir} broke down; its neuron.log tells where, please report it", dir = .0.display())]
    Panicked(PathBuf),
}

impl Host {
    /// Starts a neuron and returns once it has read its memory and its socket is open.
    pub async fn start(config: Config) -> Result<Self, Error> {
        // A transaction is checked when it is told and again when it is proposed; a vote, when it is in a certificate.
        crypto::remember_signatures();
        let dir = config.dir.clone();
        let ((show, mut shown), (over, end)) = (watch::channel(None), oneshot::channel());
        let (stop, stopped) = watch::channel(false);
        thread::Builder::new()
            .name("neuron".to_owned())
            .spawn(move || {
                let result = live(config, &show, stopped);
                let _ = over.send(result);
            })
            .map_err(|cause| Error::Io { dir: dir.clone(), cause })?;
        let started = shown.wait_for(Option::is_some).await.is_ok();
        match started {
            true => Ok(Self { dir, handles: Handles(shown), stop, end }),
            false => Err(match end.await {
                Ok(Err(error)) => error,
                _ => Error::Panicked(dir),
            }),
        }
    }

    /// A way to ask it things.
    pub fn handle(&self) -> Handle {
        self.handles.now()
    }

    /// A way to ask it things for as long as it is housed.
    pub fn handles(&self) -> Handles {
        self.handles.clone()
    }

    /// Waits, at most once, until it stops by itself or is asked to through its socket.
    pub async fn ended(&mut self) -> Result<(), Error> {
        match (&mut self.end).await {
            Ok(result) => result,
            Err(_) => Err(Error::Panicked(self.dir.clone())),
        }
    }

    /// Stops it and waits until it has.
    pub async fn stop(mut self) -> Result<(), Error> {
        self.stop.send_replace(true);
        self.ended().await
    }
}

impl Handles {
    /// The one of the neuron that runs, or ran last.
    pub fn now(&self) -> Handle {
        self.0.borrow().clone().expect("a host is there once its neuron is")
    }

    /// Waits for the one of the neuron begun anew; `None` once it is housed no more.
    pub async fn next(&mut self) -> Option<Handle> {
        self.0.changed().await.ok()?;
        self.0.borrow_and_update().clone()
    }
}

/// A neuron's whole life, on a thread where everything it logs goes to its file.
fn live(
    config: Config,
    show: &watch::Sender<Option<Handle>>,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), Error> {
    let (dir, mut config) = (config.dir.clone(), config);
    let io = |cause| Error::Io { dir: dir.clone(), cause };
    key::private_dir(&dir).map_err(io)?;
    let log = log::open(&dir).map_err(io)?;
    let _log = tracing::dispatcher::set_default(&log);
    loop {
        // Sockets and tasks end with it.
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(io)?;
        match runtime.block_on(work(&config, show, &mut stopped)) {
            Err(Error::Neuron(reason @ (neuron::Error::TooFarBehind { .. } | neuron::Error::Founded(_)))) => {
                tracing::warn!(%reason, "begins anew");
                if let Some(handle) = &*show.borrow() {
                    handle.bequeath(&mut config);
                }
                if let neuron::Error::TooFarBehind { .. } = reason {
                    // That was the owner's word for one start.
                    config.vote_anew = false;
                    // Seldom: it waits for its peers' word, and for their time to make a snapshot.
                    config.begun_anew = config.begun_anew.saturating_add(1);
                }
            }
            Err(error) => {
                tracing::error!(%error, "stopped");
                return Err(error);
            }
            Ok(()) => return Ok(()),
        }
    }
}

async fn work(
    config: &Config,
    show: &watch::Sender<Option<Handle>>,
    stopped: &mut watch::Receiver<bool>,
) -> Result<(), Error> {
    let (neuron, handle) = tokio::select! {
        begun = begin(config) => begun?,
        _ = stopped.changed() => return Ok(()),
    };
    let server = api::Server::bind(&config.dir)?;
    show.send_replace(Some(handle.clone()));
    tokio::select! {
        result = neuron.run() => Ok(result?),
        () = server.serve(handle) => Ok(()),
        // An error is a dropped host.
        _ = stopped.changed() => Ok(()),
    }
}

/// Starts the neuron; a directory that another holds, or our own disk until it is done, may become free in a moment.
async fn begin(config: &Config) -> Result<(Neuron, Handle), Error> {
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match Neuron::start(config.clone()).await {
            Err(neuron::Error::Storage(storage::Error::Locked { .. })) if Instant::now() < deadline => {
                sleep(Duration::from_millis(50)).await;
            }
            started => return Ok(started?),
        }
    }
}
