//! The network of a scenario as it begins.
use std::collections::BTreeMap;

use crypto::Hotkey;
use protocol::genesis::{Genesis, GenesisError, GenesisNeuron};
use protocol::subnet::Netuid;
use protocol::transaction::Coldkey;
use toml::Spanned;

use super::group::{Duty, Group};
use super::text::{Error, Fault};
use super::{NeuronId, Point, Scenario, Setting, near};
use crate::{setting, task};

/// A scenario's one subnet.
pub const NETUID: Netuid = Netuid(1);

/// What the subnet is about unless the file says otherwise: what needs no libtorch.
const TASK: &str = "sums";

/// What a neuron's part in a settlement takes, in a run and in the honest one beside it: in seconds: the mean of
/// the bundled ones.
const COST: f64 = 0.0023;

/// The setting that names it.
const TASK_SETTING: &str = "task";

impl Scenario {
    /// The network at its beginning, in milliseconds since 1970, with each neuron's keys as `keys` says; a twin has
    /// its original's. Those who are absent have coins and no slot.
    pub fn genesis(&self, time: u64, keys: impl Fn(NeuronId) -> (Hotkey, Coldkey)) -> Result<Genesis, Error> {
        self.genesis_of(TASK, time, keys)
    }

    /// The same, about another task if the file names none.
    pub(super) fn genesis_of(
        &self,
        task: &str,
        time: u64,
        keys: impl Fn(NeuronId) -> (Hotkey, Coldkey),
    ) -> Result<Genesis, Error> {
        self.founded(task, time, keys).map_err(|fault| self.text.error(fault))
    }

    /// What the subnet is about.
    pub fn task(&self) -> &str {
        let named = self.settings.iter().rfind(|setting| setting.name.get_ref() == TASK_SETTING);
        named.map_or(TASK, |setting| setting.word.get_ref())
    }

    /// About how many seconds a run takes on one core, with the honest one beside it.
    pub fn cost(&self) -> f64 {
        let Ok(Genesis { parameters, subnets, .. }) = self.sketch() else { return 0.0 };
        let settlements = match self.until {
            Point::Height(height) => height as f64,
            Point::Epoch(epoch) => epoch as f64 * subnets[0].hyperparameters.tempo as f64,
            Point::Time(time) => time.as_millis() as f64 / parameters.interval as f64,
        };
        COST * settlements * self.neurons().count() as f64
    }

    /// The network with made-up keys; refuses parameters of which none can be made.
    pub(super) fn sketch(&self) -> Result<Genesis, Fault> {
        let named = |of: u8, neuron: NeuronId| {
            let mut bytes = [of; 32];
            bytes[..8].copy_from_slice(&(neuron.group as u64).to_le_bytes());
            bytes[8..16].copy_from_slice(&(neuron.number as u64).to_le_bytes());
            Hotkey(bytes)
        };
        self.founded(TASK, 0, |neuron| (named(1, neuron), Coldkey(named(2, neuron))))
    }

    fn founded(
        &self,
        task: &str,
        time: u64,
        keys: impl Fn(NeuronId) -> (Hotkey, Coldkey),
    ) -> Result<Genesis, Fault> {
        let own = || self.neurons().filter(|neuron| self.group(*neuron).twin_of.is_none());
        let present = own().filter(|neuron| !self.group(*neuron).absent);
        let seats = present.map(|neuron| seat(self.group(neuron), keys(neuron))).collect();
        let mut genesis = Genesis::dev(time, seats);
        let mut purses = BTreeMap::new();
        for neuron in own() {
            let purse: &mut u64 = purses.entry(keys(neuron).1).or_default();
            *purse = purse.saturating_add(self.group(neuron).balance.0);
        }
        genesis.accounts =
            purses.into_iter().map(|(owner, units)| (owner, protocol::Amount(units))).collect();
        genesis.subnets[0].task = task.to_owned();
        self.settings.iter().try_for_each(|setting| setting.apply(&mut genesis))?;
        genesis.check().map(|()| genesis).map_err(|rule| self.broken(&rule))
    }

    /// Points at the parameter that breaks a rule.
    fn broken(&self, rule: &GenesisError) -> Fault {
        let named = |setting: &&Setting| match rule {
            GenesisError::Rule { name, .. } => setting.name.get_ref().ends_with(name),
            GenesisError::WindowTooShort { .. } => setting.name.get_ref().starts_with("subnet."),
            _ => false,
        };
        let culprit = self.settings.iter().find(named);
        Fault::new(
            culprit.map_or(0..0, |setting| setting.word.span()),
            format_args!("no network begins so: {rule}"),
        )
    }
}

impl Setting {
    fn apply(&self, genesis: &mut Genesis) -> Result<(), Fault> {
        let (name, word) = (self.name.get_ref(), self.word.get_ref());
        if name == TASK_SETTING {
            task::named(word).map_err(|error| Fault::new(self.word.span(), error))?;
            genesis.subnets[0].task.clone_from(word);
            return Ok(());
        }
        self.check_name(&setting::names(genesis))?;
        setting::set(genesis, name, word)
            .map_err(|fault| Fault::new(self.word.span(), format_args!("`{name}`: {fault}")))
    }

    fn check_name(&self, known: &[String]) -> Result<(), Fault> {
        let name: &Spanned<String> = &self.name;
        if known.contains(name.get_ref()) {
            return Ok(());
        }
        let of_subnets = format!("subnet.{}", name.get_ref());
        let known: Vec<_> = known.iter().map(String::as_str).chain([TASK_SETTING]).collect();
        let known = if known.contains(&&*of_subnets) { vec![&*of_subnets] } else { known };
        let words =
            format!("there is no parameter `{}`{}", name.get_ref(), near::instead(name.get_ref(), &known));
        Err(Fault::new(name.span(), words))
    }
}

fn seat(group: &Group, (hotkey, coldkey): (Hotkey, Coldkey)) -> GenesisNeuron {
    GenesisNeuron {
        netuid: NETUID,
        hotkey,
        coldkey,
        stake: group.stake,
        settles: group.settles,
        permit: group.duty == Duty::Validator,
    }
}
