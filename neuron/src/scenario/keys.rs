//! Whose keys a scenario's neurons have: all follow from the seed.
use crypto::{Hotkey, Keypair, hash};
use protocol::transaction::Coldkey;

use super::{NeuronId, Scenario};

/// A neuron's hotkey and its owner's key; a twin has its original's.
pub(super) fn of(scenario: &Scenario, seed: u64, neuron: NeuronId) -> (Keypair, Keypair) {
    let owner = scenario.group(neuron).twin_of.unwrap_or(neuron);
    (key("neuron v1 scenario key", seed, owner), key("neuron v1 scenario coldkey", seed, owner))
}

/// A neuron's further identities.
pub(super) fn spare(scenario: &Scenario, seed: u64, neuron: NeuronId) -> Vec<Keypair> {
    let (hotkey, _) = of(scenario, seed, neuron);
    let spare = |number: usize| {
        let number = (number as u64).to_le_bytes();
        Keypair::from_seed(hotkey.secret("neuron v1 scenario identity", &[&number]).0)
    };
    (0..scenario.group(neuron).identities).map(spare).collect()
}

/// What others know of these.
pub(super) fn public(scenario: &Scenario, seed: u64, neuron: NeuronId) -> (Hotkey, Coldkey) {
    let (hotkey, coldkey) = of(scenario, seed, neuron);
    (hotkey.hotkey(), Coldkey(coldkey.hotkey()))
}

fn key(what: &str, seed: u64, id: NeuronId) -> Keypair {
    let parts = [seed, id.group as u64, id.number as u64].map(u64::to_le_bytes);
    Keypair::from_seed(hash(what, &[&parts[0], &parts[1], &parts[2]]).0)
}
