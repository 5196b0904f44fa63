//! What a swarm keeps on disk: its plan, its genesis, and a directory for each neuron with its dev keys.
//!
//! ```text
//! DIR/swarm.toml            how many neurons, which task and seed
//! DIR/genesis.toml          the network, and where to join it
//! DIR/miner-0/              a neuron: its keys, its log, its socket, its memory
//! DIR/attacks/              the scripts of those who misbehave, and the board that they share
//! DIR/spare-0/coldkey       an account with coins, for a neuron that joins later
//! ```
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crypto::Keypair;

use super::{Adversary, Error, Housing, Plan};
use crate::genesis::GenesisFile;
use crate::network::Listen;
use crate::scenario::unpack;
use crate::{clock, key};

/// Scripts and what they share, in a swarm's directory.
const ATTACKS: &str = "attacks";

/// Where they tell each other what nobody should know, among these.
const BOARD: &str = "board";

/// Before the first settlement is due: until then validators find each other, in milliseconds.
const MESHING_MS: u64 = 300;

/// What each neuron adds to that: they share the machine's cores.
const MESHING_EACH_MS: u64 = 20;

/// What each process adds: it loads libtorch.
const LOADING_EACH_MS: u64 = 300;

/// A swarm's directory, complete.
pub(super) struct Directory {
    dir: PathBuf,
    genesis: GenesisFile,
    port: u16,
}

impl Plan {
    /// The plan of an earlier run, if the directory holds one.
    pub fn read(dir: &Path) -> Result<Option<Self>, Error> {
        let path = dir.join("swarm.toml");
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|cause| Error::Io { path: path.clone(), cause })?,
        };
        let plan: Self = toml::from_str(&text).map_err(|error| Error::Malformed {
            fault: error.message().replace('\n', " "),
            path: path.clone(),
        })?;
        Ok(Some(Self { dir: dir.to_owned(), ..plan }))
    }
}

impl Plan {
    /// The settings as the command line takes them.
    fn set(&self) -> String {
        let pairs: Vec<_> = self.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { "nothing".to_owned() } else { pairs.join(" ") }
    }
}

impl Directory {
    /// Goes on with what an earlier run left, or writes everything anew.
    pub(super) fn open(plan: &Plan) -> Result<Self, Error> {
        let dir = plan.dir.clone();
        let bootstrap = plan.seats()[0].hotkey.hotkey();
        let listen = Listen::on_loopback().map_err(|cause| Error::Io { path: dir.clone(), cause })?;
        let bootstrap = listen.addresses(&bootstrap);
        let path = dir.join("genesis.toml");
        let genesis = match Plan::read(&dir)? {
            Some(earlier) => {
                same(plan, &earlier)?;
                GenesisFile::read(&path)?.genesis
            }
            None => {
                write_keys(plan)?;
                plan.genesis(clock::now_ms() + meshing(plan))?
            }
        };
        let genesis = GenesisFile { genesis, bootstrap };
        genesis.write(&path)?;
        if !plan.adversaries.is_empty() {
            let attacks = dir.join(ATTACKS);
            let ready = empty(&attacks.join(BOARD)).and_then(|()| unpack(&attacks));
            ready.map_err(|cause| Error::Io { path: attacks, cause })?;
        }
        write_plan(plan)?;
        Ok(Self { dir, genesis, port: listen.port })
    }

    pub(super) fn genesis(&self) -> &GenesisFile {
        &self.genesis
    }

    pub(super) fn genesis_path(&self) -> PathBuf {
        self.dir.join("genesis.toml")
    }

    pub(super) fn of(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Where the scripts of those who misbehave lie.
    pub(super) fn attacks(&self) -> PathBuf {
        self.dir.join(ATTACKS)
    }

    /// Where they tell each other what nobody should know.
    pub(super) fn board(&self) -> PathBuf {
        self.attacks().join(BOARD)
    }

    /// The port of the neuron that the others know.
    pub(super) fn bootstrap_port(&self) -> u16 {
        self.port
    }
}

/// What stood on the board of an earlier run is over.
fn empty(board: &Path) -> io::Result<()> {
    match fs::remove_dir_all(board) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn meshing(plan: &Plan) -> u64 {
    let neurons = plan.seats().len() as u64;
    let each = match plan.housing {
        Housing::Here => MESHING_EACH_MS,
        Housing::Processes(_) => LOADING_EACH_MS,
    };
    MESHING_MS + neurons * each
}

fn same(plan: &Plan, earlier: &Plan) -> Result<(), Error> {
    let settings = |plan: &Plan| {
        [
            ("--validators", plan.validators.to_string()),
            ("--miners", plan.miners.to_string()),
            ("--task", plan.task.clone()),
            ("--seed", plan.seed.to_string()),
            ("--interval", plan.interval_ms.to_string()),
            ("--set", plan.set()),
            ("--adversary", plan.adversaries.iter().map(Adversary::to_string).collect::<Vec<_>>().join(" ")),
        ]
    };
    let mut pairs = settings(plan).into_iter().zip(settings(earlier));
    match pairs.find(|(wanted, found)| wanted != found) {
        Some(((what, wanted), (_, found))) => {
            Err(Error::Differs { dir: plan.dir.clone(), what, found, wanted })
        }
        None => Ok(()),
    }
}

/// The plan is written last: a directory with a plan is complete.
fn write_plan(plan: &Plan) -> Result<(), Error> {
    let path = plan.dir.join("swarm.toml");
    let text = toml::to_string(plan).expect("a plan is numbers and words");
    fs::write(&path, text).map_err(|cause| Error::Io { path, cause })
}

fn write_keys(plan: &Plan) -> Result<(), Error> {
    for seat in plan.seats() {
        write_key(&plan.dir.join(&seat.name), "hotkey", &seat.hotkey)?;
        write_key(&plan.dir.join(&seat.name), "coldkey", &seat.coldkey)?;
    }
    for (number, coldkey) in plan.spare_keys().iter().enumerate() {
        write_key(&plan.dir.join(format!("spare-{number}")), "coldkey", coldkey)?;
    }
    Ok(())
}

fn write_key(dir: &Path, name: &str, keypair: &Keypair) -> Result<(), Error> {
    key::private_dir(dir).map_err(|cause| Error::Io { path: dir.to_owned(), cause })?;
    let path = dir.join(name);
    if path.exists() {
        // Left by a run that did not get as far as its plan.
        fs::remove_file(&path).map_err(|cause| Error::Io { path: path.clone(), cause })?;
    }
    Ok(key::write(&path, keypair, "dev key: follows from the swarm's seed, worth nothing elsewhere")?)
}
