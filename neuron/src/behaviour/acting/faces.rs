//! Further identities that mine: each is an honest miner with a key of its own, and all have one model.
use crypto::Hotkey;
use protocol::ledger::Ledger;
use protocol::subnet::Netuid;

use crate::behaviour::Keys;
use crate::role::{Effect, Input, Miner, Moment, Role};

/// Miners beside the one that its neuron is known as.
pub(super) struct Faces(Vec<(Hotkey, Miner)>);

impl Faces {
    pub(super) fn of(keys: &Keys, netuid: Netuid, ledger: &Ledger) -> Self {
        let face = |key: &crypto::Keypair| (key.hotkey(), Miner::new(key.clone(), netuid, ledger.clone()));
        Self(keys.spare.iter().map(face).collect())
    }

    /// Whether one of them is asked, and not the neuron that others know.
    pub(super) fn are_asked(&self, input: &Input) -> bool {
        let Input::Asked(_, question) = input else { return false };
        self.0.iter().any(|(hotkey, _)| *hotkey == question.miner)
    }

    /// What they do; the model they have in common is trained once, by the neuron itself.
    pub(super) fn handle(&mut self, moment: Moment, input: &Input) -> Vec<Effect> {
        let hears = |face: &Hotkey| match input {
            Input::Started => false,
            Input::Asked(_, question) => *face == question.miner,
            _ => true,
        };
        let hearing = self.0.iter_mut().filter(|(hotkey, _)| hears(hotkey));
        hearing.flat_map(|(_, miner)| miner.handle(moment, input)).collect()
    }
}
