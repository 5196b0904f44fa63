//! What hooks see, in the shape in which scripts see it too.
use std::collections::BTreeMap;

use crypto::{Hash, Hotkey};
use protocol::consensus::vote::{Ballot, Draft, Proposal, Vote};
use protocol::consensus::{Evidence, Speech};
use protocol::message::{Heard, Message};
use protocol::metagraph::NeuronRow;
use protocol::query::Question;
use protocol::settlement::{Certified, Settlement};
use protocol::subnet::Uid;
use protocol::telling::Words;
use protocol::transaction::Transaction;
use protocol::weights::{Commit, Reveal, Row};
use protocol::{Signed, Verified};
use serde::{Deserialize, Serialize};

use crate::figure::{coins, fraction};

/// A row: how much of what a validator has to give goes to which uid. Only proportions count.
pub type Weights = BTreeMap<u16, f64>;

/// A gossiped message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gossip {
    /// vote, votes, proposal, draft, settlement, commit, reveal, transaction, attestation, profile or evidence.
    pub kind: String,
    /// Who signed it, where one did.
    pub sender: Option<Hotkey>,
    /// The height it is about.
    pub height: Option<u64>,
    /// The round it is about.
    pub round: Option<u32>,
    /// The header it is about.
    pub header: Option<Hash>,
    /// The epoch it is about.
    pub epoch: Option<u64>,
    /// The row that it reveals.
    pub row: Option<Weights>,
    /// What a transaction orders, in its own words.
    pub order: Option<serde_json::Value>,
}

/// A question on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asking {
    /// Who asks.
    pub sender: Hotkey,
    /// Who is asked.
    pub to: Hotkey,
    /// The height at which.
    pub height: u64,
    /// The task's own encoding.
    pub body: Vec<u8>,
}

/// What came of a question of a behaviour's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replying {
    /// Who was asked.
    pub sender: Hotkey,
    /// What.
    pub question: Vec<u8>,
    /// What it answered, if it did.
    pub body: Option<Vec<u8>>,
}

/// A settlement put to the vote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposing {
    /// The height.
    pub height: u64,
    /// The round.
    pub round: u32,
    /// The proposer's clock, in milliseconds since 1970.
    pub time: u64,
    /// The ledger's root after it; another one makes the settlement invalid.
    pub state_root: String,
    /// Whose offences it holds: those left out are not in it.
    pub evidence: Vec<Hotkey>,
    /// Whose commits it holds.
    pub commits: Vec<Hotkey>,
    /// Whose reveals it holds.
    pub reveals: Vec<Hotkey>,
    /// The transactions it holds.
    pub transactions: Vec<Hash>,
}

/// A vote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voting {
    /// Whether it is a precommit, otherwise a prevote.
    pub precommit: bool,
    /// The height.
    pub height: u64,
    /// The round.
    pub round: u32,
    /// For which header, or for nothing.
    pub header: Option<Hash>,
}

/// A neuron of the subnet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Its slot.
    pub uid: u16,
    /// Who it is.
    pub hotkey: Hotkey,
    /// Whether it may set weights.
    pub permit: bool,
    /// All stake behind it, in coins.
    pub stake: f64,
    /// The weight that enough stake agreed on, 0 to 1.
    pub consensus: f64,
    /// Its share of the miners' pay, 0 to 1.
    pub incentive: f64,
    /// Its share of the validators' pay, 0 to 1.
    pub dividends: f64,
}

/// A row as a behaviour sees it.
pub(super) fn weights(row: &Row) -> Weights {
    row.0.iter().map(|(uid, weight)| (uid.0, f64::from(*weight))).collect()
}

/// The row of which the proportions are these; what is no weight counts as none.
pub(super) fn row(weights: &Weights) -> Row {
    let sound = |weight: f64| if weight.is_finite() && weight > 0.0 { weight } else { 0.0 };
    let top = weights.values().copied().map(sound).fold(0.0, f64::max);
    let scaled = |weight: f64| if top > 0.0 { (sound(weight) / top * 65535.0).round() as u16 } else { 0 };
    Row(weights.iter().map(|(uid, weight)| (Uid(*uid), scaled(*weight))).collect())
}

impl Gossip {
    fn of(kind: &str, from: Option<Hotkey>) -> Self {
        let kind = kind.to_owned();
        Self {
            kind,
            sender: from,
            height: None,
            round: None,
            header: None,
            epoch: None,
            row: None,
            order: None,
        }
    }

    /// What was heard.
    pub(super) fn heard(heard: &Heard) -> Self {
        match heard {
            Heard::Telling(Words::Proposal(proposal)) => Self::proposal(proposal.signer(), proposal),
            Heard::Telling(Words::Votes(votes) | Words::Polka(votes) | Words::Skip(votes)) => {
                Self::votes(votes.iter().map(|vote| (vote.signer(), &**vote)))
            }
            Heard::Draft(draft) => Self::draft(draft.signer(), draft),
            Heard::Settled(certified) => Self::settled(certified),
            Heard::Commit(commit) => Self::commit(commit.signer(), commit),
            Heard::Reveal(reveal) => Self::reveal(reveal.signer(), reveal),
            Heard::Transaction(order) => Self::transaction(order.signer(), order),
            Heard::Attestation(it) => Self { height: Some(it.height), ..Self::of("attestation", None) },
            Heard::Profile(profile) => Self::of("profile", Some(profile.signer())),
            Heard::Evidence(proven) => {
                Self { height: Some(proven.height()), ..Self::of("evidence", Some(proven.offender())) }
            }
        }
    }

    fn votes<'a>(votes: impl ExactSizeIterator<Item = (Hotkey, &'a Vote)>) -> Self {
        let kind = if votes.len() == 1 { "vote" } else { "votes" };
        let mut gossip = Self::of(kind, None);
        for (from, vote) in votes {
            gossip.sender = (kind == "vote").then_some(from);
            (gossip.height, gossip.round) = (Some(vote.height()), vote.round());
            gossip.header = vote.header();
        }
        gossip
    }

    fn proposal(from: Hotkey, it: &Proposal) -> Self {
        let header = Some(it.header());
        Self { height: Some(it.height()), round: it.round(), header, ..Self::of("proposal", Some(from)) }
    }

    fn draft(from: Hotkey, it: &Draft) -> Self {
        let header = &it.settlement.header;
        let (height, round) = (Some(header.height), Some(it.round));
        Self { height, round, header: Some(header.hash()), ..Self::of("draft", Some(from)) }
    }

    fn settled(it: &Certified) -> Self {
        let header = &it.settlement.header;
        let (height, round) = (Some(header.height), Some(it.certificate.round));
        Self { height, round, header: Some(header.hash()), ..Self::of("settlement", None) }
    }

    fn commit(from: Hotkey, it: &Commit) -> Self {
        Self { epoch: Some(it.epoch), ..Self::of("commit", Some(from)) }
    }

    fn reveal(from: Hotkey, it: &Reveal) -> Self {
        Self { epoch: Some(it.epoch), row: Some(weights(&it.row)), ..Self::of("reveal", Some(from)) }
    }

    fn transaction(from: Hotkey, it: &Transaction) -> Self {
        Self { order: serde_json::to_value(&it.action).ok(), ..Self::of("transaction", Some(from)) }
    }

    /// What is about to be told by us.
    pub(crate) fn told(message: &Message) -> Self {
        let bare = |from| Self::of(message.kind(), Some(from));
        let view = match message {
            Message::Telling(it) => it.decode().ok().map(|telling| Self::speech(&telling.speech)),
            Message::Draft(it) => it.decode().ok().map(|draft| Self::draft(it.signer, &draft)),
            Message::Settled(certified) => Some(Self::settled(certified)),
            Message::Commit(it) => it.decode().ok().map(|commit| Self::commit(it.signer, &commit)),
            Message::Reveal(it) => it.decode().ok().map(|reveal| Self::reveal(it.signer, &reveal)),
            Message::Transaction(it) => it.decode().ok().map(|order| Self::transaction(it.signer, &order)),
            Message::Attestation(it) => {
                Some(Self { height: Some(it.height), ..Self::of("attestation", None) })
            }
            Message::Profile(it) => Some(bare(it.signer)),
            Message::Evidence(it) => Some(bare(it.offender())),
        };
        view.unwrap_or_else(|| Self::of(message.kind(), None))
    }

    fn speech(speech: &Speech) -> Self {
        match speech {
            Speech::Votes(votes) | Speech::Polka(votes) | Speech::Skip(votes) => {
                let decoded: Vec<_> =
                    votes.iter().filter_map(|it| Some((it.signer, it.decode().ok()?))).collect();
                Self::votes(decoded.iter().map(|(from, vote)| (*from, vote)))
            }
            Speech::Proposal(it) => match it.decode() {
                Ok(proposal) => Self::proposal(it.signer, &proposal),
                Err(_) => Self::of("proposal", Some(it.signer)),
            },
        }
    }
}

impl Asking {
    pub(super) fn of(question: &Verified<Question>) -> Self {
        let body = question.body.clone();
        Self { sender: question.signer(), to: question.miner, height: question.height, body }
    }
}

impl Voting {
    pub(super) fn of(vote: &Vote) -> Option<Self> {
        let precommit = vote.ballot() == Ballot::Precommit;
        Some(Self { precommit, height: vote.height(), round: vote.round()?, header: vote.header() })
    }
}

impl Proposing {
    pub(super) fn of(draft: &Draft) -> Self {
        let Settlement { header, body } = &draft.settlement;
        Self {
            height: header.height,
            round: draft.round,
            time: header.time,
            state_root: format!("{:?}", header.state_root),
            evidence: body.evidence.iter().map(Evidence::offender).collect(),
            commits: body.commits.iter().map(|commit| commit.signer).collect(),
            reveals: body.reveals.iter().map(|reveal| reveal.signer).collect(),
            transactions: body.transactions.iter().map(Signed::id).collect(),
        }
    }
}

impl Neighbour {
    pub(super) fn of(row: &NeuronRow) -> Self {
        Self {
            uid: row.uid.0,
            hotkey: row.hotkey,
            permit: row.permit,
            stake: coins(row.stake),
            consensus: fraction(row.consensus),
            incentive: fraction(row.incentive),
            dividends: fraction(row.dividends),
        }
    }
}
