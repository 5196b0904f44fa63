//! How a neuron that has no ledger, or whose peers have pruned what it lacks, takes a snapshot of theirs.
//!
//! That is done before the roles begin: they know one ledger and follow it, and need not know that it may jump; a
//! neuron that finds it lacks what is pruned while it runs is begun anew. A
//! snapshot is believed for what a light client believes of its anchor, or since settlements lead from it to a
//! checkpoint that a person gave; each chunk proves itself, so that another peer may go on where one failed.
mod search;

use std::time::Duration;

use crypto::Hotkey;
use protocol::codec;
use protocol::head::Head;
use protocol::ledger::Ledger;
use protocol::light::{Checkpoint, Doubt};
use storage::Store;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use self::search::{Answer, Search, Taken};
use super::gate::Response;
use super::recovery::Remembered;
use super::{Config, Error, recovery};
use crate::clock;
use crate::network::{Event, Failure, Network, Verdict};

/// How long peers are waited for that have a snapshot to offer; longer than it takes to connect.
const PATIENCE: Duration = Duration::from_secs(3);

/// Longer than the network waits for an answer; without one a full queue lost the question.
const LONGEST_WAIT: Duration = Duration::from_secs(12);

/// How long peers are waited for that are busy.
const BUSY_PATIENCE: Duration = Duration::from_secs(30);

/// Between two questions while nobody is there, or who is there is busy.
const PAUSE: Duration = Duration::from_millis(100);

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
    let checkpoint = recovered.trust.checkpoint;
    let alone = config.bootstrap.is_empty() && store.peers()?.is_empty();
    if alone || !may_help(config, &head, checkpoint, clock::now_ms()) {
        return Ok(remembered);
    }
    let search = Search::new(config, &head, checkpoint)?;
    let Some(taken) = take(network, events, search).await else {
        return Ok(remembered);
    };
    store.adopt(taken.height, &taken.parts)?;
    tracing::info!(height = taken.height, "begins after a snapshot");
    recovery::recover(store, &config.dir, genesis, None)
}

/// Whether the network may be a snapshot ahead of us, and what we know is young enough to vouch for one, or a person
/// does.
fn may_help(config: &Config, head: &Head, checkpoint: Option<Checkpoint>, now: u64) -> bool {
    let (height, time) = (head.ledger.height(), head.ledger.time());
    let doubt = || Doubt::of_age((height, time), now, config.genesis.trusting_period());
    may_be_ahead(&head.ledger, config.history.snapshots, now) && (checkpoint.is_some() || doubt().is_none())
}

/// Whether the network may have settled so much since a ledger: settlements are never closer than the interval.
pub(super) fn may_be_ahead(ledger: &Ledger, settlements: u64, now: u64) -> bool {
    now.saturating_sub(ledger.time()) / ledger.parameters().interval.max(1) >= settlements
}

/// The snapshot of a peer, if we need it and there is one.
async fn take(network: &Network, events: &mut mpsc::Receiver<Event>, mut search: Search) -> Option<Taken> {
    let (mut progress, mut patience, mut ticket) = (Instant::now(), PATIENCE, 0);
    while !search.is_over() && progress.elapsed() < patience {
        ticket += 1;
        let request = codec::encode(&search.request());
        let _ = match search.sender {
            Some(peer) => network.ask(peer, ticket, request),
            None => network.ask_anyone(search.useless(), ticket, request),
        };
        let lost = Some((search.sender, Err(Failure::Timeout)));
        let answer = match timeout(LONGEST_WAIT, answer(network, events, ticket)).await.unwrap_or(lost)? {
            (Some(peer), Ok(response)) => (peer, search.hear(peer, &response, clock::now_ms())),
            (Some(peer), Err(Failure::Refused | Failure::Busy)) => (peer, Answer::Busy),
            (Some(peer), Err(_)) => {
                // Others had no turn meanwhile.
                progress = Instant::now();
                (peer, Answer::Useless)
            }
            (None, _) if search.may_follow() => break,
            (None, _) => {
                sleep(PAUSE).await;
                continue;
            }
        };
        patience = PATIENCE;
        match answer {
            (_, Answer::Useful) => progress = Instant::now(),
            (_, Answer::Other) => {}
            (_, Answer::Busy) => {
                patience = BUSY_PATIENCE;
                sleep(PAUSE).await;
            }
            (peer, Answer::Useless) => search.pass_over(peer),
            (peer, Answer::Lie(fault)) => {
                tracing::warn!(?peer, fault, "dropped a peer: its snapshot is not taken");
                let _ = network.shun(peer);
                search.pass_over(peer);
            }
        }
    }
    search.taken()
}

/// Who answered under a ticket and what; meanwhile we have nothing to say to anybody. `None` if the network stopped.
async fn answer(
    network: &Network,
    events: &mut mpsc::Receiver<Event>,
    expected: u64,
) -> Option<(Option<Hotkey>, Result<Vec<u8>, Failure>)> {
    loop {
        match events.recv().await? {
            Event::Responded { from, ticket, result } if ticket == expected => return Some((from, result)),
            Event::Responded { .. } => {}
            Event::Asked { ticket, .. } => {
                let _ = network.respond(ticket, codec::encode(&Response::Busy));
            }
            Event::Gossip { id, .. } => {
                let _ = network.judge(id, Verdict::Ignore);
            }
        }
    }
}

#[cfg(test)]
mod tests;
