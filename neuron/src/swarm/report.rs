//! Everything about a swarm as one document.
use std::collections::BTreeMap;

use crypto::Hash;
use protocol::emission::Schedule;
use protocol::genesis::Genesis;
use protocol::ledger::Supply;
use serde::Serialize;

use super::{Look, Swarm};
use crate::api::Neuron;

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
