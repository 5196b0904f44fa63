//! One neuron of a live scenario: a process, what it was started with, and what it said last.
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crypto::{Hotkey, Keypair};
use protocol::transaction::Coldkey;

use super::Site;
use crate::api::{Client, Status};
use crate::behaviour::Doings;
use crate::neuron::Conditions;
use crate::scenario::{Conduct, Duty, NETUID, NeuronId, Scenario, keys};
use crate::task::RUNGS;
use crate::{key, process};

/// The network, in a site's folder.
pub(super) const GENESIS: &str = "genesis.toml";

/// What colluders tell each other, in a site's folder.
pub(super) const BOARD: &str = "board";

/// What a neuron's surroundings do to it, in its folder.
const CONDITIONS: &str = "conditions.json";

/// How long it may take to stop at the end.
const FAREWELL: Duration = Duration::from_secs(3);

/// What a process says before its log is open, or when it ends.
const STDERR: &str = "stderr.log";

/// One neuron.
pub(super) struct Peer {
    pub(super) name: String,
    pub(super) coldkey: Keypair,
    keypair: Keypair,
    /// Its memory.
    dir: PathBuf,
    /// Its keys, which outlive its memory.
    keys: PathBuf,
    duty: Duty,
    /// Where on its task's ladder, if it mines.
    rung: usize,
    seed: u64,
    absent: bool,
    /// 0 lets the system choose.
    pub(super) port: u16,
    pub(super) conduct: Conduct,
    pub(super) client: Client,
    process: Option<Child>,
    /// What it said last; nothing while it is down or silent.
    pub(super) status: Option<Status>,
    /// Whom it accused so far.
    pub(super) accused: BTreeSet<Hotkey>,
    /// What it did in its earlier lives.
    pub(super) before: Doings,
    /// How far its settlements were read.
    pub(super) read: u64,
    /// Whether it knows what its surroundings are to do to it.
    pub(super) told: bool,
    /// By how much its clock runs ahead, in milliseconds.
    pub(super) ahead_ms: i64,
    /// Whether it stands still.
    paused: bool,
}

impl Peer {
    pub(super) fn new(scenario: &Scenario, seed: u64, id: NeuronId, site: &Path) -> Self {
        let group = scenario.group(id);
        let (keypair, coldkey) = keys::of(scenario, seed, id);
        let name = format!("{}-{}", group.name, id.number);
        let dir = site.join(&name);
        Self {
            client: Client::new(&dir),
            keys: site.join("keys").join(&name),
            dir,
            name,
            coldkey,
            keypair,
            duty: group.duty,
            rung: (group.skill_of(id.number) * (RUNGS - 1) as f64).round() as usize,
            seed,
            absent: group.absent,
            port: 0,
            conduct: group.conduct.clone(),
            process: None,
            status: None,
            accused: BTreeSet::new(),
            before: Doings::default(),
            read: 0,
            told: true,
            ahead_ms: group.skew.0,
            paused: false,
        }
    }

    pub(super) fn hotkey(&self) -> Hotkey {
        self.keypair.hotkey()
    }

    pub(super) fn owner(&self) -> Coldkey {
        Coldkey(self.coldkey.hotkey())
    }

    pub(super) fn is_absent(&self) -> bool {
        self.absent
    }

    /// Whether it is other than honest.
    pub(super) fn acts(&self) -> bool {
        !self.conduct.is_honest()
    }

    pub(super) fn is_up(&self) -> bool {
        self.process.is_some()
    }

    pub(super) fn write_keys(&self) -> Result<(), super::Error> {
        let io = |cause| super::Error::Io { path: self.keys.clone(), cause };
        key::private_dir(&self.keys).map_err(io)?;
        for (name, keypair) in [("hotkey", &self.keypair), ("coldkey", &self.coldkey)] {
            let comment = "dev key: follows from the scenario's seed, worth nothing elsewhere";
            key::write(&self.keys.join(name), keypair, comment)?;
        }
        Ok(())
    }

    /// Whether it answers, or would soon.
    pub(super) fn listens(&self) -> bool {
        self.is_up() && !self.paused
    }

    /// Starts its process.
    pub(super) fn start(&mut self, site: &Site, conditions: &Conditions) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let told = self.dir.join(CONDITIONS);
        fs::write(&told, serde_json::to_vec(conditions)?)?;
        let mut command = Command::new(&site.program);
        command.args(["run", "--tied", "--netuid"]).arg(NETUID.to_string());
        command.arg("--genesis").arg(site.dir.join(GENESIS)).arg("--dir").arg(&self.dir);
        command.arg("--key").arg(self.keys.join("hotkey")).arg("--coldkey").arg(self.keys.join("coldkey"));
        command.args(["--seed", &self.seed.to_string(), "--port", &self.port.to_string()]);
        command.arg("--conditions").arg(told);
        match self.duty {
            Duty::Validator => command.args(["--role", "validator"]),
            Duty::Miner => command.args(["--role", "miner", "--rung", &self.rung.to_string()]),
        };
        if let Some(spec) = self.conduct.behaviour.get_ref().spec() {
            command.args(["--behaviour", &spec, "--with", &self.conduct.parameters().to_string()]);
            command.arg("--board").arg(site.dir.join(BOARD));
        }
        // It looks for scripts where it is, watches its stdin, and is not our terminal's to interrupt.
        command.current_dir(&site.folder).stdin(Stdio::piped()).stdout(Stdio::null()).process_group(0);
        self.process = Some(command.stderr(File::create(self.dir.join(STDERR))?).spawn()?);
        (self.status, self.told, self.paused) = (None, true, false);
        Ok(())
    }

    /// Whether its process ended by itself since the last call.
    pub(super) fn ended(&mut self) -> bool {
        let ended = |child: &mut Child| !matches!(child.try_wait(), Ok(None));
        let ended = self.process.as_mut().is_some_and(ended);
        if ended {
            self.process = None;
            self.bury();
        }
        ended
    }

    /// Kills it.
    pub(super) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process::kill(&mut process);
        }
        self.bury();
    }

    /// Removes its memory.
    pub(super) fn wipe(&mut self) -> io::Result<()> {
        self.read = 0;
        fs::remove_dir_all(&self.dir)
    }

    pub(super) fn pause(&mut self) {
        self.process.iter().for_each(process::pause);
        self.paused = true;
    }

    pub(super) fn resume(&mut self) {
        self.process.iter().for_each(process::resume);
        self.paused = false;
    }

    /// What it did in this life and in those before.
    pub(super) fn doings(&self) -> Doings {
        let now = self.status.as_ref().map(|status| status.doings.clone()).unwrap_or_default();
        self.before.clone().and(now)
    }

    /// The last line that it said.
    pub(super) fn last_words(&self) -> String {
        let words = fs::read_to_string(self.dir.join(STDERR)).unwrap_or_default();
        let last = words.lines().rev().find(|line| !line.trim().is_empty());
        last.unwrap_or("it says nothing").trim_start_matches("neuron: ").to_owned()
    }

    /// What its life counted is kept.
    fn bury(&mut self) {
        self.before = self.doings();
        self.status = None;
    }
}

impl Drop for Peer {
    /// Once its stdin closes it stops, and so does the program that it started.
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            process::resume(process);
            drop(process.stdin.take());
            let deadline = Instant::now() + FAREWELL;
            while matches!(process.try_wait(), Ok(None)) && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(10));
            }
        }
        self.kill();
    }
}
