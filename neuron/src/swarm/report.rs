//! Everything about a swarm as one document.
use std::collections::BTreeMap;
use std::fmt;

use crypto::{Hash, Hotkey};
use protocol::emission::Schedule;
use protocol::genesis::Genesis;
use protocol::ledger::Supply;
use serde::Serialize;

use super::{Look, Member, Swarm};
use crate::api::{Neuron, Status};
use crate::behaviour::Conduct;

/// Everything about a swarm at one height; amounts in units of 1e-9 coins, shares 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The genesis hash.
    pub network: Hash,
    /// The last settled height.
    pub height: u64,
    /// The state root after it.
    pub state_root: Hash,
    /// What the swarm is about.
    pub task: String,
    /// What keys, shards, questions and skills follow from.
    pub seed: u64,
    /// Coins that exist or existed.
    pub issued: u64,
    /// What the emission schedule says they should be, reckoned from the genesis alone.
    pub scheduled: u64,
    /// Coins gone for good.
    pub burned: u64,
    /// All coins by place.
    pub supply: Supply,
    /// From process start to the first settlement that paid a miner and a validator, in seconds.
    pub first_emission_s: Option<f64>,
    /// Whether no two neurons have different state roots at one height.
    pub roots_agree: bool,
    /// Accusations of voting twice, by all neurons.
    pub accusations: u64,
    /// Every neuron of the subnet, by rising uid.
    pub neurons: Vec<Neuron>,
    /// Those who misbehave on purpose.
    pub adversaries: Vec<Culprit>,
}

/// One that misbehaves on purpose, and what that earned it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Culprit {
    /// What the swarm calls it.
    pub name: String,
    /// Who it is.
    pub hotkey: Hotkey,
    /// How it behaves.
    pub behaviour: String,
    /// How often its attack took place, by name.
    pub fired: BTreeMap<String, u64>,
    /// Earned in all, in units of 1e-9 coins.
    pub emission: u64,
}

impl Culprit {
    /// Those of a look, in the order of the swarm.
    pub fn all(members: &[Member], look: &Look) -> Vec<Self> {
        let neurons = look.neurons();
        let culprit = |(member, status): (&Member, &Option<Status>)| {
            let status = status.as_ref().filter(|status| status.behaviour != Conduct::HONEST)?;
            let row = neurons.iter().find(|neuron| neuron.hotkey == member.hotkey());
            Some(Self {
                name: member.name().to_owned(),
                hotkey: member.hotkey(),
                behaviour: status.behaviour.clone(),
                fired: status.doings.fired.clone(),
                emission: row.map_or(0, |row| row.emission),
            })
        };
        members.iter().zip(&look.statuses).filter_map(culprit).collect()
    }
}

impl fmt::Display for Culprit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fired: Vec<_> = self.fired.iter().map(|(name, times)| format!("{name} {times} times")).collect();
        let fired = if fired.is_empty() { "has not struck yet".to_owned() } else { fired.join(", ") };
        write!(f, "NOT HONEST  {} behaves as {}: {fired}", self.name, self.behaviour)
    }
}

impl Report {
    /// The report of a look, with each neuron's state roots by height; none if nobody answers.
    pub(super) fn new(swarm: &Swarm, look: &Look, roots: &[Vec<(u64, Hash)>]) -> Option<Self> {
        let furthest = look.furthest()?;
        let supply = furthest.supply;
        Some(Self {
            network: swarm.network,
            height: furthest.height,
            state_root: furthest.state_root,
            task: swarm.plan.task.clone(),
            seed: swarm.plan.seed,
            issued: supply.issued.0,
            scheduled: scheduled(&swarm.genesis, furthest.height),
            burned: supply.burned.0,
            supply,
            first_emission_s: swarm.first_emission().map(|first| first.as_secs_f64()),
            roots_agree: agree(roots),
            accusations: look.statuses.iter().flatten().map(|status| status.accusations).sum(),
            neurons: look.neurons(),
            adversaries: Culprit::all(&swarm.members, look),
        })
    }
}

fn scheduled(genesis: &Genesis, height: u64) -> u64 {
    let issued = genesis.issued().unwrap_or_default();
    let start = Schedule { issued, owed: 0, interval: genesis.parameters.interval };
    start.after(height).issued.0
}

fn agree(roots: &[Vec<(u64, Hash)>]) -> bool {
    let mut known = BTreeMap::new();
    roots.iter().flatten().all(|(height, root)| known.entry(height).or_insert(root) == &root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_roots_at_one_height_disagree() {
        let (a, b) = (Hash([1; 32]), Hash([2; 32]));
        assert!(agree(&[vec![(1, a), (2, b)], vec![(2, b), (3, a)], vec![]]));
        assert!(!agree(&[vec![(1, a), (2, b)], vec![(2, a)]]));
    }
}
