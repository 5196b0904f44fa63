//! How all neurons do at one moment.
use crypto::Hotkey;

use super::Member;
use crate::api::{Consensus, Metagraph, Neuron, Status};

/// How all neurons do at one moment.
#[derive(Clone, Debug)]
pub struct Look {
    /// What each member says, in order; none from those that do not answer.
    pub statuses: Vec<Option<Status>>,
    /// The subnet as the member that is furthest sees it.
    pub graph: Option<Metagraph>,
}

impl Look {
    pub(super) async fn new(statuses: Vec<Option<Status>>, members: &[Member]) -> Self {
        let furthest = furthest(&statuses).and_then(|furthest| {
            let member = members.iter().find(|member| member.hotkey() == furthest.neuron.hotkey);
            member.map(Member::client)
        });
        let graph = match furthest {
            Some(client) => client.metagraph(None, None).await.ok(),
            None => None,
        };
        Self { statuses, graph }
    }

    /// Members that answer.
    pub fn answering(&self) -> usize {
        self.statuses.iter().flatten().count()
    }

    /// The highest height that any member has settled.
    pub fn height(&self) -> u64 {
        self.furthest().map_or(0, |status| status.height)
    }

    /// The height that every member has settled; 0 if one does not answer.
    pub fn lowest(&self) -> u64 {
        let heights = self.statuses.iter().map(|status| status.as_ref().map_or(0, |status| status.height));
        heights.min().unwrap_or(0)
    }

    /// What the member says that is furthest.
    pub fn furthest(&self) -> Option<&Status> {
        furthest(&self.statuses)
    }

    /// How settling goes, as the member says that is furthest.
    pub fn consensus(&self) -> Option<&Consensus> {
        self.furthest()?.consensus.as_ref()
    }

    /// The row of every neuron of the subnet, members and guests: what the ledger says, what the neuron says of
    /// itself, and the mean of what validators say of it.
    pub fn neurons(&self) -> Vec<Neuron> {
        let rows = self.graph.iter().flat_map(|graph| &graph.neurons);
        rows.map(|row| {
            let own = self.status(&row.hotkey).map_or(row, |status| &status.neuron);
            let score = self.score(&row.hotkey);
            Neuron {
                role: own.role.clone(),
                accuracy: own.accuracy,
                height: own.height,
                state_root: own.state_root,
                score,
                ..row.clone()
            }
        })
        .collect()
    }

    /// What a member says of itself.
    pub fn status(&self, hotkey: &Hotkey) -> Option<&Status> {
        self.statuses.iter().flatten().find(|status| status.neuron.hotkey == *hotkey)
    }

    /// The stake of all validators, in units of 1e-9 coins.
    pub fn stake(&self) -> u64 {
        let rows = self.graph.iter().flat_map(|graph| &graph.neurons);
        rows.filter(|row| row.role == "validator").map(|row| row.stake).sum()
    }

    /// What is missing, for whoever waits.
    pub(super) fn diagnosis(&self) -> String {
        let (answering, all) = (self.answering(), self.statuses.len());
        let mut miners = self.statuses.iter().flatten().filter(|status| status.neuron.role == "miner");
        let peers = self.statuses.iter().flatten().map(|status| status.peers).min().unwrap_or(0);
        let scored =
            self.statuses.iter().flatten().any(|status| status.scores.values().any(|score| *score > 0.0));
        let (lowest, height) = (self.lowest(), self.height());
        if answering < all {
            format!("{} of {all} neurons do not answer, the others are at height {height}", all - answering)
        } else if height == 0 {
            format!("no settlement was certified: each neuron has at least {peers} peers")
        } else if lowest < height {
            format!("a neuron is at height {lowest} while others are at {height}: it does not catch up")
        } else if miners.all(|status| status.model.is_none()) {
            format!("no miner has a model at height {height}: training takes too long")
        } else if !scored {
            format!("no answer was worth anything at height {height}: miners do not reach validators")
        } else {
            format!(
                "no epoch paid a miner and a validator up to height {height}: weights were not revealed in time"
            )
        }
    }

    fn score(&self, miner: &Hotkey) -> Option<f64> {
        let scores: Vec<f64> =
            self.statuses.iter().flatten().filter_map(|status| status.scores.get(miner).copied()).collect();
        (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
    }
}

fn furthest(statuses: &[Option<Status>]) -> Option<&Status> {
    // The first of several: validators stand before miners.
    statuses.iter().flatten().rev().max_by_key(|status| status.height)
}
