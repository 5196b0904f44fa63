//! How a neuron that has no ledger, or whose peers have pruned what it lacks, takes a snapshot of theirs.
//!
//! That is done before the roles begin: they know one ledger and follow it, and need not know that it may jump. A
//! snapshot is believed for what a light client believes of its anchor; each chunk proves itself, so that another peer
//! may go on where one failed.
use std::time::Duration;

use crypto::Hotkey;
use protocol::codec;
use protocol::head::Head;
use protocol::light::{Checkpoint, Doubt, LightClient};
use protocol::snapshot::{Anchor, Assembly, Chunk};
use storage::Store;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::gate::{RESPONSE_LIMIT, Request, Response};
use super::recovery::Remembered;
use super::{Config, Error, recovery};
use crate::clock;
use crate::network::{Event, Network, Verdict};

/// How long peers are waited for that have a snapshot to offer; longer than it takes to connect.
const PATIENCE: Duration = Duration::from_secs(3);

/// Longer than the network waits for an answer; without one a full queue lost the question.
const LONGEST_WAIT: Duration = Duration::from_secs(12);

/// Between two questions while nobody is there, or who is there is busy.
const PAUSE: Duration = Duration::from_millis(100);

/// Peers that sent nothing of use; with more, one is forgotten and may be asked again.
const USELESS: usize = 256;

/// A snapshot that a peer sent, proven.
struct Taken {
    height: u64,
    /// The anchor and the chunks.
    parts: Vec<Vec<u8>>,
}

/// The search for a snapshot: whom to ask for what, and what to think of what comes.
struct Search {
    client: LightClient,
    /// The height we are at.
    tip: u64,
    /// Not asked again.
    useless: Vec<Hotkey>,
    /// Who sends the chunks.
    sender: Option<Hotkey>,
    taking: Option<(Assembly, Vec<Vec<u8>>)>,
    outcome: Option<Option<Taken>>,
}

/// What a peer's answer was.
enum Answer {
    /// It brought us on.
    Useful,
    /// It has another snapshot, if any.
    Other,
    /// It had nothing for us.
    Useless,
    /// No honest peer sends it.
    Lie(String),
}

/// What a neuron remembers once it has taken a snapshot of its peers, if it needs one and they have one.
pub(super) async fn join(
    config: &Config,
    genesis: &Head,
    store: &mut Store,
    remembered: Remembered,
    (network, events): (&Network, &mut mpsc::Receiver<Event>),
) -> Result<Remembered, Error> {
    let recovered = &remembered.recovered;
    let ledger = recovered.ledger.as_ref().unwrap_or(&genesis.ledger);
    let head = Head::new(ledger.clone(), recovered.tip.clone());
    let alone = config.bootstrap.is_empty() && store.peers()?.is_empty();
    // What is followed on a checkpoint's word may have to be set aside: only a log can be.
    let is_claimed = recovered.trust.checkpoint.is_some();
    if alone || is_claimed || !is_behind(config, &head, clock::now_ms()) {
        return Ok(remembered);
    }
    let Some(taken) = take(network, events, config, &head).await? else {
        return Ok(remembered);
    };
    store.adopt(taken.height, &taken.parts)?;
    tracing::info!(height = taken.height, "begins after a snapshot");
    recovery::recover(store, &config.dir, genesis, None)
}

/// Whether the network may be a snapshot ahead of us, as settlements are never closer than the interval, and what we
/// know is not too old to vouch for one.
fn is_behind(config: &Config, head: &Head, now: u64) -> bool {
    let rules = head.ledger.parameters();
    let most = now.saturating_sub(head.ledger.time()) / rules.interval.max(1);
    (config.history.snapshots..rules.trusting_period).contains(&most)
}

/// The snapshot of a peer, if we need it and there is one; `head` is where we are.
async fn take(
    network: &Network,
    events: &mut mpsc::Receiver<Event>,
    config: &Config,
    head: &Head,
) -> Result<Option<Taken>, Error> {
    let mut search = Search::new(config, head)?;
    let (mut progress, mut ticket) = (Instant::now(), 0);
    while search.outcome.is_none() && progress.elapsed() < PATIENCE {
        ticket += 1;
        let request = codec::encode(&search.request());
        let _ = match search.sender {
            Some(peer) => network.ask(peer, ticket, request),
            None => network.ask_anyone(search.useless.clone(), ticket, request),
        };
        let answered = timeout(LONGEST_WAIT, answer(network, events, ticket)).await;
        match answered.unwrap_or(Some((search.sender, None))) {
            None => return Ok(None),
            Some((Some(peer), Some(response))) => match search.hear(peer, &response, clock::now_ms()) {
                Answer::Useful => progress = Instant::now(),
                Answer::Other => {}
                Answer::Useless => search.pass_over(peer),
                Answer::Lie(fault) => {
                    tracing::warn!(?peer, fault, "dropped a peer: its snapshot is not taken");
                    let _ = network.shun(peer);
                    search.pass_over(peer);
                }
            },
            Some((peer, _)) => {
                if let Some(peer) = peer.filter(|peer| search.sender == Some(*peer)) {
                    search.pass_over(peer);
                }
                sleep(PAUSE).await;
            }
        }
    }
    Ok(search.outcome.flatten())
}

/// Who answered under a ticket and what; meanwhile we have nothing to say to anybody. `None` if the network stopped.
async fn answer(
    network: &Network,
    events: &mut mpsc::Receiver<Event>,
    expected: u64,
) -> Option<(Option<Hotkey>, Option<Vec<u8>>)> {
    loop {
        match events.recv().await? {
            Event::Responded { from, ticket, result } if ticket == expected => {
                return Some((from, result.ok()));
            }
            Event::Responded { .. } => {}
            Event::Asked { ticket, .. } => {
                let _ = network.respond(ticket, codec::encode(&Response::Declined));
            }
            Event::Gossip { id, .. } => {
                let _ = network.judge(id, Verdict::Ignore);
            }
        }
    }
}

impl Search {
    fn new(config: &Config, head: &Head) -> Result<Self, Error> {
        let mut client = LightClient::new(&config.genesis)?;
        if let Some(tip) = &head.tip {
            let header = &tip.settlement.header;
            let own = Checkpoint { height: header.height, hash: header.hash() };
            client.trust(header, head.ledger.validators().clone(), own).expect("our own tip was certified");
        }
        let tip = head.ledger.height();
        Ok(Self { client, tip, useless: Vec::new(), sender: None, taking: None, outcome: None })
    }

    fn request(&self) -> Request {
        let wanted =
            self.taking.as_ref().and_then(|(assembly, _)| Some((assembly.height(), assembly.wants()?)));
        wanted.map_or(Request::Snapshot, |(height, number)| Request::Chunk(height, number))
    }

    fn hear(&mut self, peer: Hotkey, response: &[u8], now: u64) -> Answer {
        match codec::decode("response", response, RESPONSE_LIMIT) {
            Ok(Response::Anchor { first, anchor }) => self.anchored(peer, first, &anchor, now),
            Ok(Response::Chunk(chunk)) => self.brought(peer, chunk.into_vec()),
            Ok(Response::Declined) => match self.taking.take() {
                Some(_) if self.sender != Some(peer) => Answer::Other,
                _ => Answer::Useless,
            },
            Ok(_) => Answer::Lie("it answered something else".to_owned()),
            Err(error) => Answer::Lie(error.to_string()),
        }
    }

    /// A ledger that we have is left for a snapshot only if what follows it is not to be had.
    fn anchored(&mut self, peer: Hotkey, first: u64, bytes: &[u8], now: u64) -> Answer {
        let anchor = match Anchor::decode(bytes) {
            Ok(anchor) => anchor,
            Err(error) => return Answer::Lie(error.to_string()),
        };
        if self.tip > 0 && first <= self.tip + 1 {
            self.outcome = Some(None);
            return Answer::Useless;
        }
        if anchor.height() <= self.tip {
            return Answer::Useless;
        }
        match self.client.clone().skip(anchor.skip.clone(), now) {
            Ok(()) => {}
            // The peer cannot help it.
            Err(doubt @ (Doubt::Expired { .. } | Doubt::TooFar { .. })) => {
                tracing::warn!(height = anchor.height(), %doubt, "a snapshot is not taken");
                return Answer::Useless;
            }
            Err(doubt) => return Answer::Lie(doubt.to_string()),
        }
        if let Err(forged) = anchor.check_body() {
            return Answer::Lie(forged.to_string());
        }
        tracing::info!(height = anchor.height(), ?peer, "takes a snapshot");
        self.sender = Some(peer);
        self.taking = Some((Assembly::new(anchor), vec![bytes.to_vec()]));
        Answer::Useful
    }

    fn brought(&mut self, peer: Hotkey, bytes: Vec<u8>) -> Answer {
        let Some((assembly, parts)) = &mut self.taking else {
            return Answer::Lie("it sent a chunk of nothing".to_owned());
        };
        let added = Chunk::decode(&bytes).map_err(|error| error.to_string());
        if let Err(fault) = added.and_then(|chunk| assembly.add(chunk).map_err(|flaw| flaw.to_string())) {
            return Answer::Lie(fault);
        }
        self.sender = Some(peer);
        parts.push(bytes);
        if assembly.wants().is_none() {
            let height = assembly.height();
            self.outcome = self.taking.take().map(|(_, parts)| Some(Taken { height, parts }));
        }
        Answer::Useful
    }

    /// Asks others from now on; what came so far stays.
    fn pass_over(&mut self, peer: Hotkey) {
        self.sender = None;
        if self.useless.len() >= USELESS {
            self.useless.remove(0);
        }
        self.useless.push(peer);
    }
}

#[cfg(test)]
mod tests;
