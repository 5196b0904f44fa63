//! What a swarm is made of: how many neurons, their keys, stakes and skills, all from one seed.
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crypto::{Keypair, hash};
use protocol::Amount;
use protocol::genesis::{Genesis, GenesisNeuron};
use protocol::subnet::Netuid;
use protocol::transaction::Coldkey;
use serde::{Deserialize, Serialize};

use super::adversary::Crime;
use super::{Adversary, Error};
use crate::setting;
use crate::task::{self, RUNGS};

/// The swarm's one subnet.
pub(super) const NETUID: Netuid = Netuid(1);

/// Accounts with coins for neurons that join later.
pub const SPARE_ACCOUNTS: usize = 4;

/// What each of them has.
const SPARE: Amount = Amount::coins(100);

/// The stake of the first validator, in coins; the last has a little over half of it, so that any one of four or
/// more may stop and two thirds are left.
const STAKE: u64 = 1_000;

/// The most validators: the settling set.
const MAX_VALIDATORS: usize = 64;

/// The most miners: the slots of a subnet that are left.
const MAX_MINERS: usize = 192;

/// The longest model file, in bytes: what one blob may hold.
const MAX_MODEL: u64 = 64 << 20;

/// What a swarm is made of. The numbers are kept in its directory; the rest is each run's own.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// How many question miners and settle.
    pub validators: usize,
    /// How many serve models, from poor to good.
    pub miners: usize,
    /// The name of what it is about.
    pub task: String,
    /// Decides keys, data shards, questions and skills.
    pub seed: u64,
    /// Between two settlements, in milliseconds.
    pub interval_ms: u64,
    /// Other parameters by name, as [`setting::set`] takes them: "subnet.tempo" is "5".
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Further neurons, which misbehave.
    #[serde(default)]
    pub adversaries: Vec<Adversary>,
    /// Where everything is kept.
    #[serde(skip)]
    pub dir: PathBuf,
    /// Where the neurons live.
    #[serde(skip)]
    pub housing: Housing,
    /// Weights that the last miner serves instead of training.
    #[serde(skip)]
    pub model: Option<PathBuf>,
    /// What [`super::Swarm::first_emission`] counts from.
    #[serde(skip, default = "Instant::now")]
    pub began: Instant,
}

/// Where neurons live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Housing {
    /// In this process.
    #[default]
    Here,
    /// Each in a process of its own, of this program.
    Processes(PathBuf),
}

/// One neuron of a plan.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    /// "validator-0" and so on; names its directory too.
    pub(super) name: String,
    pub(super) hotkey: Keypair,
    pub(super) coldkey: Keypair,
    /// Where on the ladder; none for a validator.
    pub(super) rung: Option<usize>,
    stake: Amount,
    pub(super) model: Option<PathBuf>,
    /// What it does, unless it is honest.
    pub(super) crime: Option<Crime>,
}

impl Plan {
    /// The default swarm: four validators and six miners that read digits.
    pub fn new(dir: &Path) -> Self {
        Self {
            validators: 4,
            miners: 6,
            task: "digits".to_owned(),
            seed: 1,
            interval_ms: 1_000,
            settings: BTreeMap::new(),
            adversaries: Vec::new(),
            dir: dir.to_owned(),
            housing: Housing::Here,
            model: None,
            began: Instant::now(),
        }
    }

    /// Refuses what could not work, before anything is written.
    pub(super) fn check(&self) -> Result<(), Error> {
        within("--validators", self.validators as u64, 1, MAX_VALIDATORS as u64)?;
        within("--miners", self.miners as u64, 1, MAX_MINERS as u64)?;
        within("--interval", self.interval_ms, 100, 3_600_000)?;
        self.adversaries.iter().try_for_each(|adversary| adversary.crime().map(drop))?;
        self.genesis(0)?.check()?;
        let task = task::named(&self.task)?;
        let mut worker = task.worker(self.seed, &self.keypair("hotkey", "miner-0").hotkey(), 0)?;
        let Some(path) = &self.model else { return Ok(()) };
        let fault = |fault: String| Error::Model { path: path.clone(), fault };
        let weights = read_model(path).map_err(|error| fault(error.to_string()))?;
        worker.load(&weights).map_err(|error| fault(error.to_string()))
    }

    /// Every neuron: validators, miners, and those who misbehave.
    pub(super) fn seats(&self) -> Vec<Seat> {
        let validators = (0..self.validators).map(|number| self.validator(number));
        let miners = (0..self.miners).map(|number| self.miner(number));
        validators.chain(miners).chain(self.adversaries.iter().flat_map(|it| self.misbehaving(it))).collect()
    }

    /// Keys of accounts with coins for neurons that join later.
    pub(super) fn spare_keys(&self) -> Vec<Keypair> {
        (0..SPARE_ACCOUNTS).map(|number| self.keypair("coldkey", &format!("spare-{number}"))).collect()
    }

    /// The network, beginning at a time in milliseconds since 1970; an error if a setting is none.
    pub fn genesis(&self, time: u64) -> Result<Genesis, Error> {
        let neurons = self.seats().iter().map(Seat::genesis).collect();
        let mut genesis = Genesis::dev(time, neurons);
        genesis.parameters.interval = self.interval_ms;
        genesis.subnets[0].task.clone_from(&self.task);
        genesis.accounts = self.spare_keys().iter().map(|key| (Coldkey(key.hotkey()), SPARE)).collect();
        for (name, value) in &self.settings {
            let fault = |fault| Error::Setting { name: name.clone(), value: value.clone(), fault };
            setting::set(&mut genesis, name, value).map_err(fault)?;
        }
        Ok(genesis)
    }

    fn validator(&self, number: usize) -> Seat {
        let less = STAKE / 2 * number as u64 / self.validators as u64;
        Seat { stake: Amount::coins(STAKE - less), ..self.seat(format!("validator-{number}"), None) }
    }

    fn miner(&self, number: usize) -> Seat {
        let top = RUNGS - 1;
        let rung = if self.miners == 1 { top } else { number * top / (self.miners - 1) };
        let model = self.model.clone().filter(|_| number + 1 == self.miners);
        Seat { model, ..self.seat(format!("miner-{number}"), Some(rung)) }
    }

    /// Validators among them have what the least of the honest have.
    fn misbehaving(&self, adversary: &Adversary) -> Vec<Seat> {
        // Checked before anything starts.
        let Ok(crime) = adversary.crime() else { return Vec::new() };
        let rung = (!crime.validates).then_some((crime.skill * (RUNGS - 1) as f64).round() as usize);
        let stake = if crime.validates { self.validator(self.validators - 1).stake } else { Amount::ZERO };
        let seat = |number| {
            let seat = self.seat(format!("{}-{number}", adversary.name), rung);
            Seat { stake, crime: Some(crime.clone()), ..seat }
        };
        (0..adversary.count).map(seat).collect()
    }

    fn seat(&self, name: String, rung: Option<usize>) -> Seat {
        let (hotkey, coldkey) = (self.keypair("hotkey", &name), self.keypair("coldkey", &name));
        Seat { name, hotkey, coldkey, rung, stake: Amount::ZERO, model: None, crime: None }
    }

    /// A key that anyone can compute: for development only.
    fn keypair(&self, duty: &str, name: &str) -> Keypair {
        let parts = [&self.seed.to_le_bytes(), duty.as_bytes(), b" ", name.as_bytes()];
        Keypair::from_seed(hash("neuron v1 dev key", &parts).0)
    }
}

impl Seat {
    pub(super) fn is_validator(&self) -> bool {
        self.rung.is_none()
    }

    fn genesis(&self) -> GenesisNeuron {
        GenesisNeuron {
            netuid: NETUID,
            hotkey: self.hotkey.hotkey(),
            coldkey: Coldkey(self.coldkey.hotkey()),
            stake: self.stake,
            settles: self.is_validator(),
            permit: self.is_validator(),
        }
    }
}

/// The bytes of a model file, at most as many as one blob may hold.
pub(crate) fn read_model(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut weights = Vec::new();
    fs::File::open(path)?.take(MAX_MODEL + 1).read_to_end(&mut weights)?;
    match weights.len() as u64 <= MAX_MODEL {
        true => Ok(weights),
        false => Err(std::io::Error::other(format!("more than {MAX_MODEL} bytes"))),
    }
}

fn within(what: &'static str, value: u64, least: u64, most: u64) -> Result<(), Error> {
    match (least..=most).contains(&value) {
        true => Ok(()),
        false => Err(Error::Bounds { what, value, least, most }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan::new(Path::new("/nowhere"))
    }

    #[test]
    fn the_same_seed_gives_the_same_network_and_another_seed_another() {
        let hash = |plan: Plan| plan.genesis(5).unwrap().hash();
        assert_eq!(hash(plan()), hash(plan()));
        assert_ne!(hash(plan()), hash(Plan { seed: 2, ..plan() }));
    }

    #[test]
    fn any_validator_of_four_may_stop_and_two_thirds_of_the_stake_are_left() {
        for validators in [4, 5, 7, 16, 64] {
            let plan = Plan { validators, ..plan() };
            let stakes: Vec<u64> = plan.seats().iter().map(|seat| seat.stake.0).collect();
            let total: u64 = stakes.iter().sum();
            assert!(stakes[0] * 3 < total, "{validators}");
            assert!(stakes[..validators].windows(2).all(|pair| pair[0] > pair[1]));
        }
    }

    #[test]
    fn every_size_of_swarm_has_a_sound_genesis() {
        for (validators, miners) in [(1, 1), (2, 3), (4, 6), (16, 48), (MAX_VALIDATORS, MAX_MINERS)] {
            let plan = Plan { validators, miners, ..plan() };
            assert_eq!(plan.genesis(1).unwrap().check(), Ok(()), "{validators} and {miners}");
        }
    }

    #[test]
    fn skills_span_the_ladder() {
        let rungs: Vec<_> = plan().seats().into_iter().filter_map(|seat| seat.rung).collect();
        assert_eq!(rungs, [0, 1, 2, 4, 5, 7]);
    }

    #[test]
    fn numbers_out_of_bounds_are_named() {
        let plan = Plan { validators: 0, ..plan() };
        assert_eq!(plan.check().unwrap_err().to_string(), "--validators 0: must be 1 to 64");
    }
    #[test]
    fn any_parameter_can_be_set_and_what_makes_no_network_is_refused() {
        let set = |settings: &[(&str, &str)]| {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            Plan { task: "sums".to_owned(), settings: settings.iter().map(own).collect(), ..plan() }
        };
        let genesis =
            set(&[("subnet.tempo", "5"), ("founding.lock", "10"), ("interval", "250")]).genesis(1).unwrap();
        assert_eq!(genesis.subnets[0].hyperparameters.tempo, 5);
        assert_eq!((genesis.parameters.founding.lock, genesis.parameters.interval), (Amount::coins(10), 250));
        for (settings, fault) in [
            (&[("tempo", "5")][..], "--set tempo=5: there is no such parameter; choose from"),
            (&[("subnet.tempo", "soon")], "--set subnet.tempo=soon: \"soon\" is no whole number"),
            (&[("subnet.immunity", "1")], "no network begins so: subnet 1: immunity must last"),
            (&[("subnet.permits", "2")], "no network begins so: subnet 1 has 4 permits and room for 2"),
        ] {
            let refused = set(settings).check().unwrap_err().to_string();
            assert!(refused.starts_with(fault), "{refused}");
        }
    }
}
