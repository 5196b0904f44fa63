//! What a neuron tells about itself and its subnet, as JSON: amounts in units of 1e-9 coins, shares 0 to 1.
use std::collections::{BTreeMap, BTreeSet};

use crypto::{Hash, Hotkey};
use protocol::ledger::Supply;
use protocol::light::Checkpoint;
use protocol::metagraph::NeuronRow;
use protocol::subnet::{Netuid, Uid};
use protocol::yuma::Share;
use serde::{Deserialize, Serialize};

use super::Consensus;
use crate::behaviour::Doings;
use crate::figure::fraction;
use crate::neuron::View;

/// Which state of which network a document is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The genesis hash.
    pub network: Hash,
    /// The last settled height.
    pub height: u64,
    /// The state root after it.
    pub state_root: Hash,
}

/// A neuron as it sees itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The genesis hash.
    pub network: Hash,
    /// The last settled height.
    pub height: u64,
    /// The state root after it.
    pub state_root: Hash,
    /// Its row.
    pub neuron: Neuron,
    /// What its model is doing.
    pub activity: String,
    /// The hash of the weights that its model serves.
    pub model: Option<Hash>,
    /// Its running scores of miners; validators only.
    pub scores: BTreeMap<Hotkey, f64>,
    /// How settling goes; nothing in its first moment.
    pub consensus: Option<Consensus>,
    /// Connected peers.
    pub peers: usize,
    /// Where others reach it.
    pub addresses: Vec<String>,
    /// What its network refused or dropped, by reason.
    pub refused: BTreeMap<String, u64>,
    /// How it behaves: "honest" unless its owner wants otherwise.
    pub behaviour: String,
    /// What it did since it started.
    pub doings: Doings,
    /// Accusations it made against validators that signed twice.
    pub accusations: u64,
    /// Whom it accused.
    pub accused: BTreeSet<Hotkey>,
    /// All coins by place.
    pub supply: Supply,
    /// Its process.
    pub pid: u32,
}

/// A subnet as a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metagraph {
    /// The genesis hash.
    pub network: Hash,
    /// After which height.
    pub height: u64,
    /// The state root after it.
    pub state_root: Hash,
    /// The header of that height, for who trusts this neuron; only of the height that it is at.
    pub checkpoint: Option<Checkpoint>,
    /// Which subnet.
    pub netuid: Netuid,
    /// What it is about.
    pub task: String,
    /// The epoch that the next height belongs to.
    pub epoch: u64,
    /// What a slot costs now.
    pub price: u64,
    /// How settling goes; nothing in a subnet of the past.
    pub consensus: Option<Consensus>,
    /// Its neurons, by rising uid.
    pub neurons: Vec<Neuron>,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neuron {
    /// Its subnet.
    pub netuid: Netuid,
    /// Its slot, if it has one.
    pub uid: Option<Uid>,
    /// "validator", "miner" or "light".
    pub role: String,
    /// Who it is.
    pub hotkey: Hotkey,
    /// All stake behind it.
    pub stake: u64,
    /// Its owner's spendable coins.
    pub balance: u64,
    /// How good its model is on data that no question uses; only it knows.
    pub accuracy: Option<f64>,
    /// How good its answers were lately; only validators know.
    pub score: Option<f64>,
    /// Its share of the miners' pay in the last epoch.
    pub incentive: f64,
    /// Its share of the validators' pay in the last epoch.
    pub dividends: f64,
    /// Earned in all, stakers' part included.
    pub emission: u64,
    /// The height that it is at, as far as who says this knows.
    pub height: u64,
    /// The state root after that height.
    pub state_root: Hash,
}

impl Stamp {
    pub(super) fn of(view: &View) -> Self {
        Self { network: view.ledger.genesis(), height: view.height, state_root: view.state_root }
    }
}

impl Status {
    pub(super) fn of(view: &View, addresses: Vec<String>) -> Self {
        Self {
            network: view.ledger.genesis(),
            height: view.height,
            state_root: view.state_root,
            neuron: Neuron::own(view),
            activity: view.doing().to_owned(),
            model: view.model,
            scores: view.scores.iter().map(|(miner, score)| (*miner, score.mean)).collect(),
            consensus: Consensus::of(view),
            peers: view.peers,
            addresses,
            refused: view.refused.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect(),
            behaviour: view.behaviour.clone(),
            doings: view.doings.clone(),
            accusations: view.accusations,
            accused: view.accused.clone(),
            supply: view.ledger.supply(),
            pid: std::process::id(),
        }
    }
}

impl Metagraph {
    /// A subnet as the neuron of this view sees it.
    pub(super) fn of(view: &View, netuid: Netuid) -> Option<Self> {
        let graph = view.ledger.metagraph(netuid)?;
        Some(Self {
            network: view.ledger.genesis(),
            height: view.height,
            state_root: view.state_root,
            checkpoint: checkpoint(view),
            netuid,
            task: graph.task.clone(),
            epoch: graph.epoch,
            price: graph.price.0,
            consensus: Consensus::of(view),
            neurons: graph.neurons.iter().map(|row| Neuron::of(row, netuid, view)).collect(),
        })
    }
}

impl Neuron {
    fn own(view: &View) -> Self {
        let graph = view.ledger.metagraph(view.netuid);
        let row = graph.as_ref().and_then(|graph| graph.neuron(&view.hotkey));
        let row = row.map(|row| Self::of(row, view.netuid, view));
        Self { role: view.role.to_owned(), ..row.unwrap_or_else(|| Self::without_slot(view)) }
    }

    fn of(row: &NeuronRow, netuid: Netuid, view: &View) -> Self {
        Self {
            netuid,
            uid: Some(row.uid),
            role: role(row, view).to_owned(),
            hotkey: row.hotkey,
            stake: row.stake.0,
            balance: row.balance.0,
            accuracy: view.accuracy.filter(|_| row.hotkey == view.hotkey),
            score: view.scores.get(&row.hotkey).map(|score| score.mean),
            incentive: fraction(row.incentive),
            dividends: fraction(row.dividends),
            emission: row.emission.0,
            height: view.height,
            state_root: view.state_root,
        }
    }

    fn without_slot(view: &View) -> Self {
        Self {
            netuid: view.netuid,
            uid: None,
            role: view.role.to_owned(),
            hotkey: view.hotkey,
            stake: view.ledger.stake_of(&view.hotkey).0,
            balance: 0,
            accuracy: view.accuracy,
            score: None,
            incentive: 0.0,
            dividends: 0.0,
            emission: 0,
            height: view.height,
            state_root: view.state_root,
        }
    }
}

/// What others may begin to trust; nothing before this neuron settled something, or of an earlier height.
fn checkpoint(view: &View) -> Option<Checkpoint> {
    (view.tip != Hash::default()).then_some(Checkpoint { height: view.height, hash: view.tip })
}

/// What a neuron does, as far as the ledger shows: who earned enough as a miner holds a permit too.
fn role(row: &NeuronRow, view: &View) -> &'static str {
    let settles = view.ledger.validators().power(&row.hotkey).is_some();
    let validates = row.permit && (settles || row.dividends > Share::ZERO);
    if validates { "validator" } else { "miner" }
}
