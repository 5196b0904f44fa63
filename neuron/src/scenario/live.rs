//! A scenario in the real world: each neuron a process of its own on this machine, with its sockets, disk and model.
//!
//! What the neurons settle is read from each of them and judged here as in the simulated network, by the same record. Bad
//! links and wrong clocks are each neuron's own doing.
mod peer;
mod reading;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io, thread};

use crypto::{Hotkey, hash};
use protocol::Signed;
use protocol::genesis::Genesis;
use protocol::ledger::Ledger;
use protocol::settlement::Certified;
use protocol::transaction::{Action, Coldkey, Transaction};
use serde_json::{Value, json};
use tokio::runtime::{self, Runtime};
use tokio::time::timeout;

use self::peer::Peer;
use super::course::Course;
use super::world::World;
use super::{Action as Happening, Conduct, Judge, Moment, Scenario, keys};
use crate::behaviour::Doings;
use crate::genesis::GenesisFile;
use crate::network::{Listen, MILLION, Way};
use crate::neuron::Conditions;
use crate::simulation::{Cut, Line, Link, Links, Record};
use crate::{clock, genesis, key};

pub use super::course::Run;

/// How often the neurons are looked at, in milliseconds.
const LOOK_MS: u64 = 250;

/// How long a neuron may take to say how it does before it counts as silent.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a neuron may take to do what the scenario needs it to.
const COMMAND_PATIENCE: Duration = Duration::from_secs(15);

/// Before the first settlement is due, and what each process adds: it loads libtorch, in milliseconds.
const LOADING_MS: u64 = 1_000;
const LOADING_EACH_MS: u64 = 300;

/// Lines kept of a run; further ones are in the neurons' logs.
const LINES: usize = 1_000_000;

/// What the subnet is about unless the file says otherwise: models of libtorch.
const TASK: &str = "digits";

/// Where a run takes place.
#[derive(Clone, Debug)]
pub struct Site {
    /// This program.
    pub program: PathBuf,
    /// The scenario's folder: its scripts are there.
    pub folder: PathBuf,
    /// An empty folder for keys, logs and memories.
    pub dir: PathBuf,
}

/// Why a scenario cannot be played by real neurons.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It wants what only the simulated network has, or no network begins so.
    #[error(transparent)]
    Scenario(#[from] super::Error),
    /// Its keys or genesis cannot be written.
    #[error(transparent)]
    Key(#[from] key::Error),
    /// Its genesis cannot be written.
    #[error(transparent)]
    Genesis(#[from] genesis::Error),
    /// A folder, a port or a process is not to be had.
    #[error("{path}: {cause}; name an --out that you may write", path = .path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A neuron did not start.
    #[error("{name} does not start: {words}")]
    Stillborn {
        /// Which.
        name: String,
        /// Its last words.
        words: String,
    },
}

/// The neurons of a scenario, as its world.
struct Live<'a> {
    site: Site,
    runtime: Runtime,
    genesis: Genesis,
    peers: Vec<Peer>,
    /// What each did in all its lives.
    doings: Vec<Doings>,
    record: Record,
    /// What was settled first at each height.
    chain: Vec<Certified>,
    lines: Vec<Line>,
    links: Links,
    now: u64,
    /// Who watches.
    watch: &'a mut dyn FnMut(Moment),
}

/// Plays a scenario; `watch` is told how far it came.
pub fn run(scenario: &Scenario, seed: u64, site: Site, watch: &mut dyn FnMut(Moment)) -> Result<Run, Error> {
    refuse(scenario)?;
    let mut judge = Judge::new(scenario);
    let mut course = Course::new(scenario, Live::new(scenario, seed, site, watch)?);
    course.world.start()?;
    course.play(&mut judge);
    let lines = std::mem::take(&mut course.world.lines);
    let text = lines.iter().filter_map(|line| serde_json::to_vec(line).ok()).collect::<Vec<_>>().concat();
    Ok(course.end(judge, (lines, hash("neuron v1 live events", &[&text]))))
}

/// Refuses neurons that several keys reach, and links between those whom links do not tell apart.
fn refuse(scenario: &Scenario) -> Result<(), super::Error> {
    if let Some(group) = scenario.groups.iter().find(|group| group.identities > 0) {
        let why = "a real neuron is reached under one key: leave --live or `identities` out";
        return Err(scenario.refuse(group.place.clone(), why));
    }
    let twins = scenario.groups.iter().find(|group| group.twin_of.is_some());
    let is_link = |action: &Happening| {
        matches!(action, Happening::Partition(_) | Happening::Cut { .. } | Happening::Link(_))
    };
    let links = || scenario.events.iter().any(|event| is_link(&event.action));
    match twins.filter(|_| !scenario.links.is_empty() || links()) {
        Some(twins) => {
            let why = "real links know a neuron by its key, which twins share: leave --live or the links out";
            Err(scenario.refuse(twins.place.clone(), why))
        }
        None => Ok(()),
    }
}

impl<'a> Live<'a> {
    fn new(
        scenario: &'a Scenario,
        seed: u64,
        site: Site,
        watch: &'a mut dyn FnMut(Moment),
    ) -> Result<Self, Error> {
        let io = |cause| Error::Io { path: site.dir.clone(), cause };
        let runtime =
            runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(io)?;
        let ids: Vec<_> = scenario.neurons().collect();
        let soon = LOADING_MS + LOADING_EACH_MS * ids.len() as u64;
        let genesis =
            scenario.genesis_of(TASK, clock::now_ms() + soon, |id| keys::public(scenario, seed, id))?;
        let peers: Vec<_> = ids.iter().map(|id| Peer::new(scenario, seed, *id, &site.dir)).collect();
        let ledger = Ledger::new(&genesis).expect("a scenario's genesis is checked");
        let mut hotkeys = BTreeSet::new();
        let suspects = peers.iter().filter(|it| !hotkeys.insert(it.hotkey()) || it.acts());
        let suspects = suspects.map(Peer::hotkey).collect();
        let owners = peers.iter().map(Peer::owner).collect::<BTreeSet<_>>().into_iter().collect();
        Ok(Self {
            record: Record::new(&ledger, suspects, owners),
            doings: vec![Doings::default(); peers.len()],
            site,
            runtime,
            genesis,
            peers,
            chain: Vec::new(),
            lines: Vec::new(),
            links: Links::default(),
            now: 0,
            watch,
        })
    }

    /// Writes keys and genesis, starts all who are not absent, and waits until each answers.
    fn start(&mut self) -> Result<(), Error> {
        let dir = self.site.dir.clone();
        let io = |cause| Error::Io { path: dir.clone(), cause };
        fs::create_dir_all(&dir).map_err(io)?;
        let listen = Listen::on_loopback().map_err(io)?;
        self.peers.iter().try_for_each(Peer::write_keys)?;
        let present: Vec<_> = (0..self.peers.len()).filter(|node| !self.peers[*node].is_absent()).collect();
        if let Some(first) = present.first() {
            self.peers[*first].port = listen.port;
            let bootstrap = listen.addresses(&self.peers[*first].hotkey());
            let file = GenesisFile { genesis: self.genesis.clone(), bootstrap };
            file.write(&dir.join(peer::GENESIS))?;
        }
        for node in &present {
            let conditions = self.conditions(*node);
            self.peers[*node].start(&self.site, &conditions).map_err(io)?;
        }
        let deadline = self.genesis.time + PATIENCE.as_millis() as u64 * (1 + present.len() as u64);
        while present.iter().any(|node| self.peers[*node].status.is_none()) {
            self.look();
            let silent = present.iter().find(|node| self.peers[**node].status.is_none());
            let dead = present.iter().find(|node| !self.peers[**node].is_up());
            if let Some(node) = dead.or(silent.filter(|_| clock::now_ms() > deadline)) {
                let peer = &self.peers[*node];
                return Err(Error::Stillborn { name: peer.name.clone(), words: peer.last_words() });
            }
            thread::sleep(Duration::from_millis(LOOK_MS));
        }
        Ok(())
    }

    fn log(&mut self, node: usize, event: &'static str, what: Value) {
        if self.lines.len() < LINES {
            self.lines.push(Line { at: self.now, node, event, what });
        }
    }

    /// Every neuron is told anew what its peers' messages meet.
    fn relink(&mut self) {
        self.peers.iter_mut().for_each(|peer| peer.told = false);
    }

    /// What messages to a neuron meet, and how its clock runs.
    fn conditions(&self, to: usize) -> Conditions {
        let way = |from: usize| {
            let (link, cut) = (self.links.of(from, to), self.links.is_cut(from, to));
            Way {
                cut,
                latency_ms: link.latency_ms.unwrap_or_default(),
                jitter_ms: link.jitter_ms.unwrap_or_default(),
                lost: millionths(link.loss),
                doubled: millionths(link.duplicate),
                bandwidth: link.bandwidth,
            }
        };
        let others = (0..self.peers.len()).filter(|from| *from != to);
        let ways = others.map(|from| (self.peers[from].hotkey(), way(from)));
        let ways = ways.filter(|(_, way)| *way != Way::default()).collect();
        Conditions { ways, ahead_ms: self.peers[to].ahead_ms }
    }

    /// Has a neuron do what the scenario needs it to: if it refuses, nobody can say what came of the scenario.
    fn command<T, E: std::fmt::Display>(
        &mut self,
        node: usize,
        what: &'static str,
        asked: impl Future<Output = Result<T, E>>,
    ) {
        let refusal = match self.runtime.block_on(async { timeout(COMMAND_PATIENCE, asked).await }) {
            Ok(Ok(_)) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it does not answer".to_owned(),
        };
        self.log(node, what, json!({ "refused": refusal }));
        self.fail(node, what, &refusal);
    }

    fn fail(&mut self, node: usize, what: &str, refusal: &str) {
        let peer = &mut self.peers[node];
        peer.before.fail(format!("{} was not told to {what}: {refusal}", peer.name));
    }
}

impl World for Live<'_> {
    fn elapsed_ms(&self) -> u64 {
        self.now
    }

    fn go_on(&mut self, before: u64, until: u64) {
        let target = before.min(until).min(self.now + LOOK_MS);
        let now = || clock::now_ms().saturating_sub(self.genesis.time);
        while now() < target {
            thread::sleep(Duration::from_millis(target - now()));
        }
        self.now = self.now.max(now());
        self.look();
        let ledger = self.record.ledger();
        let epoch = ledger.epoch(super::NETUID).unwrap_or_default();
        let moment = Moment { time: Duration::from_millis(self.now), height: ledger.height(), epoch };
        (self.watch)(moment);
    }

    fn record(&self) -> &Record {
        &self.record
    }

    fn doings(&self) -> &[Doings] {
        &self.doings
    }

    fn score(&self, node: usize, miner: &Hotkey) -> Option<f64> {
        self.peers[node].status.as_ref()?.scores.get(miner).copied()
    }

    fn height_of(&self, node: usize) -> Option<u64> {
        let peer = &self.peers[node];
        peer.is_up().then(|| peer.status.as_ref().map_or(0, |status| status.height))
    }

    fn hotkey(&self, node: usize) -> Hotkey {
        self.peers[node].hotkey()
    }

    fn owner(&self, node: usize) -> Coldkey {
        self.peers[node].owner()
    }

    fn knows_refusals(&self) -> bool {
        false
    }

    fn link(&mut self, number: u64, from: BTreeSet<usize>, to: BTreeSet<usize>, link: Link) {
        self.links.ways.push((number, from, to, link));
        self.relink();
    }

    fn cut(&mut self, number: u64, cut: Cut) {
        self.links.cuts.push((number, cut));
        self.relink();
    }

    fn mend(&mut self, number: u64) {
        self.links.mend(number);
        self.relink();
    }

    fn skew(&mut self, node: usize, ms: i64) {
        (self.peers[node].ahead_ms, self.peers[node].told) = (ms, false);
    }

    fn kill(&mut self, node: usize) {
        if self.peers[node].is_up() {
            self.peers[node].kill();
            self.log(node, "down", Value::Null);
        }
    }

    fn revive(&mut self, node: usize) {
        if !self.peers[node].is_up() {
            let conditions = self.conditions(node);
            let started = self.peers[node].start(&self.site, &conditions);
            let fault = started.err().map(|error| error.to_string());
            self.log(node, "up", json!(fault));
        }
    }

    fn wipe(&mut self, node: usize) {
        self.kill(node);
        let fault = self.peers[node].wipe().err().map(|error| error.to_string());
        self.log(node, "wiped", json!(fault));
    }

    fn pause(&mut self, node: usize) {
        self.peers[node].pause();
        self.log(node, "paused", Value::Null);
    }

    fn resume(&mut self, node: usize) {
        self.peers[node].resume();
        self.log(node, "resumed", Value::Null);
    }

    fn turn(&mut self, node: usize, conduct: &Conduct) {
        self.record.suspect(self.peers[node].hotkey());
        self.peers[node].conduct = conduct.clone();
        let (client, folder) = (self.peers[node].client.clone(), self.site.folder.clone());
        let spec = conduct.behaviour.get_ref().spec().unwrap_or_else(|| "honest".to_owned());
        let (with, board) = (conduct.parameters(), self.site.dir.join(peer::BOARD));
        self.command(node, "behave", async move { client.behave(&spec, &folder, with, Some(&board)).await });
    }

    fn poll(&mut self, node: usize) {
        let client = self.peers[node].client.clone();
        // It takes as long as the slowest miner: nobody waits for it.
        self.runtime.spawn(async move { client.poll().await });
    }

    fn order_by(&mut self, node: usize, after: u64, action: Action) {
        let (coldkey, ledger) = (&self.peers[node].coldkey, self.record.ledger());
        let nonce = ledger.nonce(&Coldkey(coldkey.hotkey())) + after;
        let order = Signed::author(coldkey, &ledger.genesis(), Transaction { nonce, action });
        let Some(through) = self.peers.iter().find(|peer| peer.listens()) else {
            return self.fail(node, "order", "nobody is there to hear it");
        };
        let client = through.client.clone();
        self.command(node, "order", async move { client.submit(&order).await });
    }
}

/// A chance as so many of a million.
fn millionths(chance: Option<f64>) -> u32 {
    (chance.unwrap_or_default() * f64::from(MILLION)).round() as u32
}
