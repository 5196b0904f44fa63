//! Asks several neurons of a network what its ledger says, and believes none of them: it needs no ledger, no disk, no
//! model.
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crypto::{Hotkey, Keypair};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use protocol::codec;
use protocol::genesis::{Genesis, GenesisError};
use protocol::ledger::{Fact, Subject};
use protocol::light::{Checkpoint, Doubt, Inquiry, LightClient, Skip, Testimony};
use tokio::sync::{mpsc, oneshot};

use crate::clock;
use crate::network::{self, Event, Failure, Listen, Network};
use crate::neuron::{Request, Response};

/// Neurons asked at once: enough that some are up and honest, few enough to burden nobody.
const ASKED: usize = 8;

/// With so many that prove the same, the others need not be waited for.
const ENOUGH: usize = 3;

/// Headers gone through to one that is far: each halves the way to the last.
const HOPS: usize = 64;

/// Follows a network by its headers, and proves what stands under them.
pub struct Client {
    bootstrap: Vec<String>,
    network: Network,
    waiting: Waiting,
    tickets: AtomicU64,
    light: LightClient,
    checkpoint: Option<Checkpoint>,
}

/// What is proven.
#[derive(Clone, Debug)]
pub struct Proven {
    /// The header, and who settles next.
    pub light: LightClient,
    /// What led to it; nothing, if it was trusted already.
    pub skip: Option<Skip>,
    /// About each subject, what stands in the ledger after it; `None` if there is no such entry.
    pub facts: Vec<Option<Fact>>,
    /// Who proved it, or less.
    pub peers: Vec<Hotkey>,
    /// Who did not, and why.
    pub faults: Vec<Fault>,
}

/// Why a neuron proved nothing.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{peer}: {reason}")]
pub struct Fault {
    /// Its hotkey.
    pub peer: Hotkey,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with what a neuron says.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Reason {
    /// It says nothing.
    #[error(transparent)]
    Silent(#[from] Failure),
    /// It could, and does not.
    #[error("it cannot lead to that header; ask one whose log is whole")]
    Declined,
    /// It says something else than was asked.
    #[error("its answer is none: {0}")]
    Malformed(String),
    /// It has nothing newer than what is trusted.
    #[error("it is behind what is trusted")]
    Behind,
    /// It is proven to be wrong, or not proven.
    #[error("it proves nothing: {0}")]
    Doubted(#[from] Doubt),
}

/// Why nothing is proven.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The genesis breaks a rule.
    #[error("the genesis is refused: {0}")]
    Genesis(#[from] GenesisError),
    /// It cannot join.
    #[error(transparent)]
    Network(#[from] network::Error),
    /// What is trusted vouches for nothing any more.
    #[error("{0}: on their machine `neuron metagraph --json | jq -r .checkpoint` shows one")]
    Expired(Doubt),
    /// Whoever was asked proved nothing.
    #[error("nobody proves it: {}; name other peers with --bootstrap", list(.0))]
    Nobody(Vec<Fault>),
    /// Nobody is known.
    #[error("there is nobody to ask; name a peer with --bootstrap ADDR")]
    Alone,
    /// More than a third of the stake signs what it likes.
    #[error(
        "two headers are certified at height {height}: one by {}, the other by {}; trust neither, and tell those who \
         run the network",
        .peers[0], .peers[1]
    )]
    Fork {
        /// Where.
        height: u64,
        /// Who showed them.
        peers: [Hotkey; 2],
    },
}

/// Who waits for what we asked, by ticket.
type Waiting = Arc<Mutex<BTreeMap<u64, oneshot::Sender<Result<Vec<u8>, Failure>>>>>;

impl Client {
    /// Joins a network by these addresses; it trusts the genesis, or the checkpoint if there is one.
    pub fn join(
        genesis: &Genesis,
        bootstrap: Vec<String>,
        checkpoint: Option<Checkpoint>,
    ) -> Result<Self, Error> {
        let light = LightClient::new(genesis)?;
        let config = network::Config {
            keypair: Keypair::from_seed(rand::random()),
            genesis: genesis.hash(),
            listen: Listen { ip: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 0 },
            bootstrap: bootstrap.clone(),
            known: Vec::new(),
            topics: Vec::new(),
        };
        let (network, events) = network::spawn(config)?;
        let waiting = Waiting::default();
        tokio::spawn(distribute(events, network.clone(), Arc::clone(&waiting)));
        Ok(Self { bootstrap, network, waiting, tickets: AtomicU64::new(0), light, checkpoint })
    }

    /// Asks several neurons for the last header and what stands under it, and goes on from there.
    pub async fn prove(&mut self, subjects: &[Subject]) -> Result<Proven, Error> {
        let asked: Vec<_> = self.peers().into_iter().take(ASKED).collect();
        if asked.is_empty() {
            return Err(Error::Alone);
        }
        let client = &*self;
        let consult = |peer| async move { (peer, consult(client, peer, subjects).await) };
        let mut consulted: FuturesUnordered<_> = asked.into_iter().map(consult).collect();
        let (mut proven, mut faults) = (Vec::new(), Vec::new());
        while let Some((peer, outcome)) = consulted.next().await {
            match outcome {
                Ok(told) => proven.push((peer, told)),
                Err(Reason::Doubted(doubt @ Doubt::Expired { .. })) => return Err(Error::Expired(doubt)),
                Err(reason) => faults.push(Fault { peer, reason }),
            }
            if proven.len() >= ENOUGH {
                break;
            }
        }
        drop(consulted);
        let agreed = agree(proven, faults)?;
        self.light = agreed.light.clone();
        self.checkpoint = None;
        Ok(agreed)
    }

    /// Those at the addresses, then those who settle, most stake first: as far as they are known.
    fn peers(&self) -> Vec<Hotkey> {
        let near = self.bootstrap.iter().filter_map(|address| network::peer_at(address));
        let settling = self.light.trusted().validators.members().iter().map(|(hotkey, _)| *hotkey);
        let mut seen = BTreeSet::new();
        near.chain(settling).filter(|peer| seen.insert(*peer)).collect()
    }

    async fn ask(&self, peer: Hotkey, inquiry: Inquiry) -> Result<Testimony, Reason> {
        let ticket = self.tickets.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(ticket, answer);
        let asked = self.network.ask(peer, ticket, codec::encode(&Request::Inquiry(inquiry)));
        asked.map_err(|_| Failure::Busy)?;
        let bytes = answered.await.unwrap_or(Err(Failure::Timeout))?;
        match codec::decode("testimony", &bytes, Testimony::MAX_BYTES) {
            Ok(Response::Testimony(testimony)) => Ok(*testimony),
            Ok(Response::Declined) => Err(Reason::Declined),
            Ok(Response::Busy) => Err(Reason::Silent(Failure::Refused)),
            Ok(_) => Err(Reason::Malformed("it answers something else".to_owned())),
            Err(error) => Err(Reason::Malformed(error.to_string())),
        }
    }
}

/// What one neuron proves, believed as far as it is proven.
async fn consult(client: &Client, peer: Hotkey, subjects: &[Subject]) -> Result<Proven, Reason> {
    let mut light = client.light.clone();
    if let Some(checkpoint) = client.checkpoint {
        let inquiry = Inquiry { height: Some(checkpoint.height), ..Inquiry::default() };
        let skip = client.ask(peer, inquiry).await?.skip.ok_or(Reason::Declined)?;
        light.trust(&skip.header, skip.next, checkpoint)?;
    }
    let mut height = None;
    for _ in 0..HOPS {
        let wanted = if height.is_none() { subjects.to_vec() } else { Vec::new() };
        let inquiry = Inquiry { height, subjects: wanted };
        let Testimony { skip, shown } = client.ask(peer, inquiry).await?;
        match advance(&mut light, skip.as_ref()) {
            Ok(()) if height.is_none() => {
                if shown.len() != subjects.len() {
                    return Err(Reason::Malformed("it does not show what was asked".to_owned()));
                }
                let read = subjects.iter().zip(&shown).map(|(subject, shown)| light.read(subject, shown));
                let facts = read.collect::<Result<_, _>>()?;
                return Ok(Proven { light, skip, facts, peers: vec![peer], faults: Vec::new() });
            }
            Ok(()) => height = None,
            Err(Reason::Doubted(doubt @ Doubt::TooFar { .. })) => {
                let far = skip.as_ref().map_or(0, |skip| skip.header.height);
                height = Some(light.between(far).ok_or(doubt)?);
            }
            Err(reason) => return Err(reason),
        }
    }
    Err(Reason::Malformed("it leads nowhere".to_owned()))
}

/// Goes on to where a skip leads; one to what is trusted already leads nowhere else.
fn advance(light: &mut LightClient, skip: Option<&Skip>) -> Result<(), Reason> {
    let known = light.checkpoint();
    let Some(skip) = skip else {
        return if known.height == 0 { Ok(()) } else { Err(Reason::Behind) };
    };
    let found = Checkpoint { height: skip.header.height, hash: skip.header.hash() };
    match found.height {
        height if height < known.height => Err(Reason::Behind),
        _ if found == known => Ok(()),
        _ => Ok(light.skip(skip.clone(), clock::now_ms())?),
    }
}

/// The highest of what was proven, if no two contradict each other.
fn agree(mut proven: Vec<(Hotkey, Proven)>, faults: Vec<Fault>) -> Result<Proven, Error> {
    let mut certified = BTreeMap::new();
    for (peer, told) in &proven {
        let Checkpoint { height, hash } = told.light.checkpoint();
        let (first, known) = *certified.entry(height).or_insert((*peer, hash));
        if known != hash {
            return Err(Error::Fork { height, peers: [first, *peer] });
        }
    }
    proven.sort_by_key(|(_, told)| told.light.trusted().height);
    let peers = proven.iter().map(|(peer, _)| *peer).collect();
    match proven.pop() {
        Some((_, highest)) => Ok(Proven { peers, faults, ..highest }),
        None => Err(Error::Nobody(faults)),
    }
}

/// Hands responses to who waits for them; whoever asks us learns that we have nothing.
async fn distribute(mut events: mpsc::Receiver<Event>, network: Network, waiting: Waiting) {
    while let Some(event) = events.recv().await {
        match event {
            Event::Asked { ticket, .. } => {
                let _ = network.respond(ticket, codec::encode(&Response::Declined));
            }
            Event::Responded { ticket, result, .. } => {
                let waiter = waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&ticket);
                let _ = waiter.map(|waiter| waiter.send(result));
            }
            Event::Gossip { .. } => {}
        }
    }
}

fn list(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests;
