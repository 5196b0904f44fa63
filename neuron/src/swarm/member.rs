//! One neuron of a swarm and whoever looks after it.
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crypto::{Hash, Hotkey};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::adversary::Crime;
use super::directory::Directory;
use super::plan::{NETUID, Seat, read_model};
use super::{Error, Housing, Plan, process};
use crate::api::{Client, Status};
use crate::behaviour::{Board, Conduct};
use crate::host::Host;
use crate::log;
use crate::network::Listen;
use crate::neuron::{Conditions, Config, Duty, History};
use crate::script::{self, Pace};

/// How long a neuron may take to say how it does before it counts as silent.
const STATUS_PATIENCE: Duration = Duration::from_secs(2);

/// Settlements whose state roots are compared.
const ROOTS: u64 = 4096;

/// One neuron of a swarm.
pub struct Member {
    name: String,
    hotkey: Hotkey,
    dir: PathBuf,
    client: Client,
    fate: Arc<OnceLock<String>>,
    stop: oneshot::Sender<()>,
    keeper: JoinHandle<()>,
}

/// What a keeper tells the swarm.
pub(super) struct Tidings {
    pub(super) name: String,
    pub(super) dir: PathBuf,
    /// Set once the neuron is given up.
    pub(super) fate: Arc<OnceLock<String>>,
    pub(super) news: mpsc::Sender<String>,
}

impl Member {
    pub(super) async fn start(
        seat: Seat,
        plan: &Plan,
        directory: &Directory,
        news: mpsc::Sender<String>,
    ) -> Result<Self, Error> {
        let (stop, stopped) = oneshot::channel();
        let (name, dir, hotkey) = (seat.name.clone(), directory.of(&seat.name), seat.hotkey.hotkey());
        let fate = Arc::new(OnceLock::new());
        let tidings = Tidings { name: name.clone(), dir: dir.clone(), fate: Arc::clone(&fate), news };
        let keeper = match &plan.housing {
            Housing::Here => {
                let host = Host::start(config(seat, plan, directory)?).await;
                let host = host.map_err(|cause| Error::Host { name: name.clone(), cause })?;
                tokio::spawn(keep(host, stopped, tidings))
            }
            Housing::Processes(program) => {
                let arguments = process::arguments(&seat, plan, directory);
                tokio::spawn(process::keep(program.clone(), arguments, stopped, tidings))
            }
        };
        Ok(Self { name, hotkey, client: Client::new(&dir), dir, fate, stop, keeper })
    }

    /// "validator-0" and so on.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who it is.
    pub fn hotkey(&self) -> Hotkey {
        self.hotkey
    }

    /// Where it keeps everything.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A way to ask it more.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// How it does, if it answers.
    pub async fn status(&self) -> Option<Status> {
        timeout(STATUS_PATIENCE, self.client.status()).await.ok()?.ok()
    }

    /// The state roots of its latest settlements.
    pub(super) async fn state_roots(&self) -> Vec<(u64, Hash)> {
        let height = self.status().await.map_or(0, |status| status.height);
        self.client.state_roots(height.saturating_sub(ROOTS - 1).max(1)).await.unwrap_or_default()
    }

    pub(super) fn has_given_up(&self) -> bool {
        self.fate.get().is_some()
    }

    pub(super) fn why_given_up(&self) -> Error {
        Error::GivenUp {
            name: self.name.clone(),
            reason: self.fate.get().cloned().unwrap_or_default(),
            log: self.dir.join(log::FILE),
        }
    }

    pub(super) async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.keeper.await;
    }
}

impl Tidings {
    pub(super) fn tell(&self, what: &str) {
        // Nobody reads: the neuron's log has it too.
        let _ = self.news.try_send(format!("{} {what}", self.name));
    }

    pub(super) fn give_up(&self, reason: String) {
        self.tell(&format!("stopped for good: {reason}"));
        let _ = self.fate.set(reason);
    }
}

/// Looks after a neuron of this process.
async fn keep(mut host: Host, mut stopped: oneshot::Receiver<()>, tidings: Tidings) {
    tokio::select! {
        ended = host.ended() => {
            tidings.give_up(ended.err().map_or_else(|| "it was asked to".to_owned(), |error| error.to_string()));
            return;
        }
        _ = &mut stopped => {}
    }
    // Why it could not stop cleanly is in its log.
    let _ = host.stop().await;
}

fn config(seat: Seat, plan: &Plan, directory: &Directory) -> Result<Config, Error> {
    let is_bootstrap = seat.name == "validator-0";
    let file = directory.genesis();
    Ok(Config {
        dir: directory.of(&seat.name),
        genesis: file.genesis.clone(),
        duty: duty(&seat)?,
        keypair: seat.hotkey,
        netuid: NETUID,
        listen: Listen {
            ip: Ipv4Addr::LOCALHOST.into(),
            port: if is_bootstrap { directory.bootstrap_port() } else { 0 },
        },
        bootstrap: if is_bootstrap { Vec::new() } else { file.bootstrap.clone() },
        checkpoint: None,
        vote_anew: false,
        begun_anew: 0,
        seed: plan.seed,
        history: History::default(),
        conduct: seat.crime.as_ref().map(|crime| conduct(crime, directory)).transpose()?,
        conditions: Conditions::default(),
        coldkey: seat.crime.is_some().then_some(seat.coldkey),
    })
}

fn conduct(crime: &Crime, directory: &Directory) -> Result<Conduct, Error> {
    let board =
        Board::at(&directory.board()).map_err(|cause| Error::Io { path: directory.board(), cause })?;
    Ok(script::conduct(&crime.spec, &directory.attacks(), Pace::Live, crime.with.clone(), board)?)
}

fn duty(seat: &Seat) -> Result<Duty, Error> {
    let Some(rung) = seat.rung else {
        return Ok(Duty::Validate);
    };
    let fault =
        |path: &PathBuf, error: std::io::Error| Error::Model { path: path.clone(), fault: error.to_string() };
    let weights = seat.model.as_ref().map(|path| read_model(path).map_err(|error| fault(path, error)));
    Ok(Duty::Mine { rung, weights: weights.transpose()? })
}
