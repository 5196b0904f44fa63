//! How a network begins: its rules and who owns what.
use std::collections::{BTreeMap, BTreeSet};

use crypto::{Hash, Hotkey, hash};
use serde::{Deserialize, Serialize};

use crate::parameters::{BASIS_POINTS, Hyperparameters, Parameters};
use crate::settlement::MAX_SIGNERS;
use crate::subnet::Netuid;
use crate::transaction::Coldkey;
use crate::{Amount, codec, emission};

mod error;

pub use error::GenesisError;

/// The latest beginning, in milliseconds since 1970, and the longest of the spans that are added to heights and times.
const MAX_SPAN: u64 = 1 << 48;

/// The longest name of a network or task, in bytes.
pub const MAX_NAME: usize = 64;

/// The name of every network for development, and of no other.
const DEVELOPMENT: &str = "dev";

/// The first state of a network. Its hash names the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    /// What people call it; a label, not covered by the hash.
    pub name: String,
    /// When it begins, in milliseconds since 1970.
    pub time: u64,
    /// Rules of the whole network.
    pub parameters: Parameters,
    /// Spendable coins.
    pub accounts: Vec<(Coldkey, Amount)>,
    /// Subnets, by rising netuid.
    pub subnets: Vec<GenesisSubnet>,
    /// Neurons; in each subnet uids follow this order.
    pub neurons: Vec<GenesisNeuron>,
}

/// A subnet that is there from the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenesisSubnet {
    /// Its number.
    pub netuid: Netuid,
    /// The name of what it is about.
    pub task: String,
    /// Who receives the owner's cut; without one it burns.
    pub owner: Option<Coldkey>,
    /// Its rules.
    pub hyperparameters: Hyperparameters,
}

/// A neuron that has a slot from the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenesisNeuron {
    /// Where.
    pub netuid: Netuid,
    /// Who.
    pub hotkey: Hotkey,
    /// Whose.
    pub coldkey: Coldkey,
    /// What its owner has staked on it.
    pub stake: Amount,
    /// Whether it is willing to settle.
    pub settles: bool,
    /// Whether it may vote in the first epoch.
    pub permit: bool,
}

impl Genesis {
    /// For how long those who settle are believed after their last header, in milliseconds. After that they may have
    /// taken out their stake, and certify for free whatever they like.
    ///
    /// `None`, for ever, in a network for development: anyone can compute its keys, so that no period protects it, and
    /// whoever runs it stops and resumes it at will.
    pub fn trusting_period(&self) -> Option<u64> {
        let Parameters { trusting_period, interval, .. } = self.parameters;
        (self.name != DEVELOPMENT).then_some(trusting_period.saturating_mul(interval))
    }

    /// Whether neurons may misbehave on purpose: only in a network for development, where nothing is at stake.
    pub fn allows_adversaries(&self) -> bool {
        self.name == DEVELOPMENT
    }

    /// A local network of one subnet with the task "digits" and tempo enough for all who settle.
    pub fn dev(time: u64, neurons: Vec<GenesisNeuron>) -> Self {
        let subnet = GenesisSubnet {
            netuid: Netuid(1),
            task: "digits".to_owned(),
            owner: None,
            hyperparameters: Hyperparameters::dev(),
        };
        let mut genesis = Self {
            name: DEVELOPMENT.to_owned(),
            time,
            parameters: Parameters::dev(),
            accounts: Vec::new(),
            subnets: vec![subnet],
            neurons,
        };
        let needed = genesis.proposers_beyond_a_third();
        let founding = &mut genesis.parameters.founding.defaults;
        for rules in [&mut genesis.subnets[0].hyperparameters, founding] {
            rules.tempo = rules.tempo.max(needed);
            rules.immunity = rules.immunity.max(2 * rules.tempo);
        }
        genesis
    }

    /// Names the network: covers rules and first state, not the label.
    pub fn hash(&self) -> Hash {
        let covered = (self.time, &self.parameters, &self.accounts, &self.subnets, &self.neurons);
        hash("neuron v1 genesis", &[&codec::encode(&covered)])
    }

    /// Coins that exist at the start.
    pub fn issued(&self) -> Option<Amount> {
        let accounts = self.accounts.iter().map(|(_, amount)| *amount);
        let stakes = self.neurons.iter().map(|neuron| neuron.stake);
        accounts.chain(stakes).try_fold(Amount::ZERO, Amount::checked_add)
    }

    /// Refuses what breaks a stated rule, naming it.
    pub fn check(&self) -> Result<(), GenesisError> {
        self.check_spans()?;
        self.check_parameters()?;
        self.check_accounts()?;
        self.check_subnets()?;
        self.check_neurons()?;
        self.check_settling_set()?;
        self.check_window("founding.defaults", &self.parameters.founding.defaults)?;
        let of = |subnet: &GenesisSubnet| self.check_window(&subnet.place(), &subnet.hyperparameters);
        self.subnets.iter().try_for_each(of)
    }

    /// What is added to heights and times stays far from what they can count to.
    fn check_spans(&self) -> Result<(), GenesisError> {
        let p = &self.parameters;
        let spans = [
            ("time", self.time),
            ("interval", p.interval),
            ("unbonding", p.unbonding),
            ("clock_drift", p.clock_drift),
            ("gossip_window", p.gossip_window),
        ];
        let rules =
            spans.map(|(name, span)| (span <= MAX_SPAN, name, "must not pass 2^48, or sums overflow"));
        require_all("parameters", &rules)
    }

    fn check_parameters(&self) -> Result<(), GenesisError> {
        let p = &self.parameters;
        let limits = &p.founding.limits;
        for (name, value) in [
            ("interval", p.interval),
            ("set_period", p.set_period),
            ("settling_set", p.settling_set.into()),
            ("division_half_life", p.division_half_life),
        ] {
            require_positive("parameters", name, value)?;
        }
        let rules = [
            (
                p.trusting_period < p.unbonding,
                "trusting_period",
                "must be shorter than unbonding, or stake can leave before it is held to account",
            ),
            (
                p.evidence_expiry.saturating_add(p.set_period) < p.unbonding,
                "evidence_expiry",
                "and set_period must together be shorter than unbonding, or a cheat leaves with its stake",
            ),
            (
                p.minimum_stake > Amount::ZERO,
                "minimum_stake",
                "must be positive, or moves of nothing fill the ledger",
            ),
            (
                p.settling_set <= MAX_SIGNERS,
                "settling_set",
                "must not pass 512, or certificates get too long",
            ),
            (
                p.child_change <= p.child_delay,
                "child_change",
                "must not pass child_delay: what is in force says nothing about when it was named",
            ),
            (p.default_take <= p.maximum_take, "default_take", "must not pass maximum_take"),
            (u64::from(p.maximum_take) <= BASIS_POINTS, "maximum_take", "must not pass 10000"),
            (
                u64::from(p.slash) < BASIS_POINTS,
                "slash",
                "must be below 10000, or a pool is left with nothing",
            ),
            (p.founding.limit > 0, "founding.limit", "must be at least 1"),
            (p.founding.lock_half_life > 0, "founding.lock_half_life", "must be at least 1"),
            (p.founding.lock > Amount::ZERO, "founding.lock", "must be positive, or it never doubles"),
            (
                p.founding.start_delay < p.founding.immunity,
                "founding.start_delay",
                "must be shorter than founding.immunity, or a subnet can end before it may earn",
            ),
            (
                limits.least_tempo <= limits.most_tempo,
                "limits.least_tempo",
                "must not pass limits.most_tempo",
            ),
            (
                p.founding.freeze < limits.least_tempo.min(p.founding.defaults.tempo),
                "founding.freeze",
                "must be shorter than limits.least_tempo and a new subnet's tempo, or its rules never change",
            ),
        ];
        let broken = |(name, rule)| GenesisError::Rule { place: "founding.defaults".to_owned(), name, rule };
        p.founding.defaults.check().map_err(broken)?;
        require_all("parameters", &rules)
    }

    fn check_accounts(&self) -> Result<(), GenesisError> {
        let mut seen = BTreeSet::new();
        if let Some((twice, _)) = self.accounts.iter().find(|(coldkey, _)| !seen.insert(*coldkey)) {
            return Err(GenesisError::AccountTwice(*twice));
        }
        match self.issued() {
            Some(issued) if issued <= emission::CAP => Ok(()),
            issued => Err(GenesisError::TooMuch { issued: issued.unwrap_or(Amount(u64::MAX)) }),
        }
    }

    fn check_subnets(&self) -> Result<(), GenesisError> {
        if let Some(pair) = self.subnets.windows(2).find(|pair| pair[0].netuid >= pair[1].netuid) {
            return Err(GenesisError::SubnetOrder { first: pair[0].netuid, second: pair[1].netuid });
        }
        self.subnets.iter().try_for_each(|subnet| subnet.check(self.parameters.founding.freeze))
    }

    fn check_neurons(&self) -> Result<(), GenesisError> {
        let mut owners = BTreeMap::new();
        let mut slots = BTreeSet::new();
        for neuron in &self.neurons {
            let (netuid, hotkey) = (neuron.netuid, neuron.hotkey);
            if !self.subnets.iter().any(|subnet| subnet.netuid == netuid) {
                return Err(GenesisError::NoSubnet { hotkey, netuid });
            }
            if !slots.insert((netuid, hotkey)) {
                return Err(GenesisError::HotkeyTwice { hotkey, netuid });
            }
            if *owners.entry(hotkey).or_insert(neuron.coldkey) != neuron.coldkey {
                return Err(GenesisError::TwoOwners(hotkey));
            }
        }
        self.subnets.iter().try_for_each(|subnet| self.check_slots(subnet))
    }

    fn check_slots(&self, subnet: &GenesisSubnet) -> Result<(), GenesisError> {
        let inside = self.neurons.iter().filter(|n| n.netuid == subnet.netuid);
        let permits = inside.clone().filter(|n| n.permit).count();
        let rules = &subnet.hyperparameters;
        for (what, have, limit) in
            [("neurons", inside.count(), rules.slots), ("permits", permits, rules.permits)]
        {
            if have > usize::from(limit) {
                let netuid = subnet.netuid;
                return Err(GenesisError::TooMany { netuid, what, have, limit });
            }
        }
        Ok(())
    }

    fn check_settling_set(&self) -> Result<(), GenesisError> {
        match self.settling_stakes().is_empty() {
            true => Err(GenesisError::NobodySettles { minimum: self.parameters.minimum_self_stake }),
            false => Ok(()),
        }
    }

    /// A third of the stake must not be able to keep a reveal out for its whole window.
    fn check_window(&self, place: &str, rules: &Hyperparameters) -> Result<(), GenesisError> {
        let window = rules.tempo.saturating_mul(rules.reveal_window);
        let needed = self.proposers_beyond_a_third();
        if window < needed {
            return Err(GenesisError::WindowTooShort { place: place.to_owned(), window, needed });
        }
        Ok(())
    }

    /// The fewest heights in which proposers with more than a third of the stake can have had their turn.
    fn proposers_beyond_a_third(&self) -> u64 {
        let mut stakes = self.settling_stakes();
        stakes.sort_unstable_by(|a, b| b.cmp(a));
        let total: u128 = stakes.iter().map(|stake| u128::from(stake.0)).sum();
        let mut turns = 0;
        let mut proposed = 0u128;
        for stake in stakes {
            if proposed * 3 > total {
                break;
            }
            proposed += u128::from(stake.0);
            turns += 1;
        }
        turns
    }

    /// The stake of every hotkey that will settle the first heights, unsorted.
    fn settling_stakes(&self) -> Vec<Amount> {
        let mut stakes = BTreeMap::<Hotkey, (Amount, bool)>::new();
        for neuron in &self.neurons {
            let (stake, settles) = stakes.entry(neuron.hotkey).or_default();
            *stake = Amount(stake.0.saturating_add(neuron.stake.0));
            *settles |= neuron.settles;
        }
        let least = self.parameters.minimum_self_stake.max(Amount(1));
        let mut chosen: Vec<_> = stakes
            .into_values()
            .filter(|(stake, settles)| *settles && *stake >= least)
            .map(|(stake, _)| stake)
            .collect();
        chosen.sort_unstable_by(|a, b| b.cmp(a));
        chosen.truncate(self.parameters.settling_set.into());
        chosen
    }
}

impl GenesisSubnet {
    fn place(&self) -> String {
        format!("subnet {}", self.netuid)
    }

    /// The last settlements of an epoch are frozen, but not all of it.
    fn check(&self, freeze: u64) -> Result<(), GenesisError> {
        let broken = |(name, rule)| GenesisError::Rule { place: self.place(), name, rule };
        let rules = &self.hyperparameters;
        rules.check().map_err(broken)?;
        let named = (1..=MAX_NAME).contains(&self.task.len());
        let checks = [
            (named, "task", "must have 1 to 64 bytes"),
            (rules.tempo > freeze, "tempo", "must be longer than founding.freeze, or its rules never change"),
        ];
        require_all(&self.place(), &checks)
    }
}

fn require_positive(place: &str, name: &'static str, value: u64) -> Result<(), GenesisError> {
    require_all(place, &[(value > 0, name, "must be at least 1")])
}

fn require_all(place: &str, rules: &[(bool, &'static str, &'static str)]) -> Result<(), GenesisError> {
    match rules.iter().find(|(holds, ..)| !holds) {
        Some((_, name, rule)) => Err(GenesisError::Rule { place: place.to_owned(), name, rule }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
