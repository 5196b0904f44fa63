//! For how long those who settled last are believed, and what counts once that time is over.
//!
//! Stake that left is no longer held to account: who kept the keys of a set that is long gone can certify another
//! history for free. So an old set proves nothing, and a person has to name a checkpoint. What leads there is followed
//! without voting; only if its header is the one that was named does it count.
use std::sync::Arc;

use protocol::light::{Checkpoint, Doubt};

use super::Settler;
use crate::role::{Effect, Entry, Moment, Persist, Settled};

/// On whose word a settler goes on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trust {
    /// For how long the last settlement vouches for those who settle next; see
    /// [`Genesis::trusting_period`](protocol::Genesis::trusting_period).
    pub period: Option<u64>,
    /// When a person vouched for the tip, in milliseconds since 1970; 0 if nobody did.
    pub vouched: u64,
    /// A header that a person vouches for and that is not reached yet: until it is, nothing that is settled counts.
    pub checkpoint: Option<Checkpoint>,
}

impl Trust {
    /// The first height to have a say in: what is not trusted gets no vote.
    pub(super) fn votes_from(&self) -> u64 {
        self.checkpoint.map_or(0, |checkpoint| checkpoint.height.saturating_add(1))
    }
}

impl Settler {
    /// What stops us if those who settle the next height are known for too long.
    pub(super) fn expired(&self, moment: Moment) -> Option<Effect> {
        let Trust { period, vouched, checkpoint: None } = self.trust else {
            return None;
        };
        let ledger = &self.head.ledger;
        let time = ledger.time().max(vouched);
        let doubt = Doubt::of_age((ledger.height(), time), moment.now, period)?;
        let tip = self.head.tip.as_ref().map_or(self.genesis, |tip| tip.settlement.header.hash());
        let own = Checkpoint { height: ledger.height(), hash: tip };
        Some(Effect::Halt(format!(
            "{doubt}: `neuron metagraph --json` shows one at a neuron that is up to date; only if the whole network \
             stood still, name our own, {own}"
        )))
    }

    /// What follows from a settlement that would be next, if it stands where the checkpoint does and is another: it is
    /// written, so that the next start finds the contradiction, and we stop.
    pub(super) fn contradiction(&mut self, settled: &Arc<Settled>) -> Option<Vec<Effect>> {
        let header = &settled.certified.settlement.header;
        let found = Checkpoint { height: header.height, hash: header.hash() };
        let expected = self.trust.checkpoint.filter(|checkpoint| checkpoint.height == found.height)?;
        if found == expected {
            tracing::info!(%found, "reached the checkpoint");
            self.trust.checkpoint = None;
            return None;
        }
        let halt = Effect::Halt(format!(
            "what was followed leads to {found}, the checkpoint says {expected}: the next start sets it aside; join at \
             other peers, or name the right checkpoint"
        ));
        let entries = vec![Entry::Settled(Arc::clone(settled))];
        Some(vec![Effect::Persist(Persist { entries, then: vec![halt] })])
    }
}

#[cfg(test)]
mod tests;
