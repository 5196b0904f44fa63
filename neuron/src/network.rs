//! How a neuron reaches the others: bytes gossiped to all, bytes asked of one.
//!
//! [`spawn`] starts a task that owns the sockets. [`Network`] is the handle that sends it commands; what the
//! others say comes out of the receiver as [`Event`]s. Nothing here waits: a full queue refuses and counts.
//! This module knows bytes, not messages: whoever hears [`Event::Gossip`] decodes it, checks it and then
//! [judges](Network::judge) it, and only what was judged [`Verdict::Accept`] is passed on.
//!
//! The first eight hexadecimal digits of the genesis hash stand in every protocol name and topic, so that
//! neurons of two networks never understand each other by accident.

mod address;
mod behaviour;
mod codec;
mod counters;
mod directory;
mod driver;
mod exchange;
mod gossip;
mod links;
mod rate;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};
use std::ops::Range;
use std::sync::Arc;

use crypto::{Hash, Hotkey, Keypair};
use libp2p::TransportError;
use tokio::sync::{mpsc, watch};

pub use codec::{ANSWER_LIMIT, REQUEST_LIMIT};
pub use counters::{Counter, Counters};
pub use gossip::{GossipId, Topic};
pub(crate) use links::impede;
pub use links::{MILLION, Way, Ways};

use driver::Driver;

/// Commands that wait for the task; one settlement of 64 neurons needs fewer.
const COMMANDS: usize = 1024;
/// Events that wait for the neuron; kept small because each may hold a proposal of 2 MiB.
const EVENTS: usize = 512;
/// Ports that are not handed out to sockets without one: those lie above (Linux: from 32,768, others: from 49,152).
const CHOSEN_PORTS: Range<u16> = 10_000..32_768;
/// How many of them are tried until one is free for QUIC and TCP alike.
const PORTS_TRIED: usize = 32;

/// Who we are and how we join.
pub struct Config {
    /// The hotkey's pair: the same key is the libp2p identity.
    pub keypair: Keypair,
    /// The network: its first eight hexadecimal digits are part of every protocol name and topic.
    pub genesis: Hash,
    /// Where others reach us.
    pub listen: Listen,
    /// Addresses known beforehand, with the peer: `/ip4/127.0.0.1/tcp/4000/p2p/12D3Koo…`.
    pub bootstrap: Vec<String>,
    /// What [`Status::known`] said in an earlier run.
    pub known: Vec<String>,
    /// What we want to hear. Speaking needs no subscription.
    pub topics: Vec<Topic>,
}

/// Where to listen, for QUIC and TCP alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// The address of the interface; the unspecified address means all of them.
    pub ip: IpAddr,
    /// The UDP port and the TCP port; 0 lets the system choose two.
    pub port: u16,
}

impl Listen {
    /// A port of the loopback interface that was free a moment ago, and that no other socket is given unasked.
    pub(crate) fn on_loopback() -> io::Result<Self> {
        let ip = Ipv4Addr::LOCALHOST;
        let mut tried = 0;
        loop {
            let port = rand::random_range(CHOSEN_PORTS);
            tried += 1;
            match TcpListener::bind((ip, port)).and_then(|_| UdpSocket::bind((ip, port))) {
                Err(_) if tried < PORTS_TRIED => {}
                bound => return bound.map(|_| Self { ip: ip.into(), port }),
            }
        }
    }

    /// The addresses under which `hotkey` is reached here, QUIC first: what others write behind `--bootstrap`.
    pub fn addresses(&self, hotkey: &Hotkey) -> Vec<String> {
        let peer = address::peer(hotkey);
        behaviour::listen_addresses(self).into_iter().map(|at| format!("{at}/p2p/{peer}")).collect()
    }
}

/// Whom an address with `/p2p/` leads to.
pub fn peer_at(address: &str) -> Option<Hotkey> {
    address::parse(address).and_then(|(peer, _)| address::hotkey(&peer))
}

/// Joins the network from inside a tokio runtime. The task ends when the last handle is dropped.
pub fn spawn(config: Config) -> Result<(Network, mpsc::Receiver<Event>), Error> {
    let (command_sender, commands) = mpsc::channel(COMMANDS);
    let (events, event_receiver) = mpsc::channel(EVENTS);
    let (status_sender, status) = watch::channel(Status::default());
    let counters = Arc::new(Counters::default());
    let hotkey = config.keypair.hotkey();
    let driver = Driver::new(&config, commands, events, status_sender, Arc::clone(&counters))?;
    tokio::spawn(driver.run());
    Ok((Network { hotkey, commands: command_sender, status, counters }, event_receiver))
}

/// What the network heard.
#[derive(Debug)]
pub enum Event {
    /// Somebody's gossip. Until it is [judged](Network::judge), it goes no further.
    Gossip {
        /// What it is about.
        topic: Topic,
        /// Who passed it on to us, which is seldom who wrote it.
        from: Hotkey,
        /// What [`Network::judge`] wants to see again.
        id: GossipId,
        /// The message.
        bytes: Vec<u8>,
    },
    /// A peer asks us; [`Network::respond`] with the same ticket answers.
    Asked {
        /// Who asks.
        from: Hotkey,
        /// Our name for this request.
        ticket: u64,
        /// The request.
        bytes: Vec<u8>,
    },
    /// What became of our own [`Network::ask`].
    Responded {
        /// Who was asked; `None` if there was nobody.
        from: Option<Hotkey>,
        /// The asker's name for the request.
        ticket: u64,
        /// The answer.
        result: Result<Vec<u8>, Failure>,
    },
}

/// What gossip is worth to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Good: pass it on.
    Accept,
    /// Not for us to say, or late: drop it, blame nobody.
    Ignore,
    /// The relayer could have known that it is bad: drop it and lower the relayer's score.
    Reject,
}

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Kademlia knows no address of that hotkey.
    #[error("no address is known for the peer; is it running, on this network?")]
    NotFound,
    /// None of its addresses took our connection.
    #[error("the peer's addresses do not accept a connection")]
    Unreachable,
    /// It closed the request unanswered: it is busy, we ask too often, or the request is malformed.
    #[error("the peer refused the request; ask less often")]
    Refused,
    /// It did not answer within ten seconds.
    #[error("the peer did not answer in time")]
    Timeout,
    /// It speaks another protocol: another network, or another version.
    #[error("the peer does not speak this network's protocol")]
    Unsupported,
    /// We have too many requests under way ourselves.
    #[error("too many requests under way")]
    Busy,
}

/// Where we are reached, and by how many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// The addresses that we listen on, with `/p2p/` and our peer id.
    pub listening: Vec<String>,
    /// Both transports listen: `listening` is complete.
    pub bound: bool,
    /// Connected peers.
    pub peers: usize,
    /// Addresses of the peers we know, to be given to the next start as [`Config::known`].
    pub known: Vec<String>,
}

/// The handle of the network's task; clones are cheap.
#[derive(Clone)]
pub struct Network {
    hotkey: Hotkey,
    commands: mpsc::Sender<Command>,
    status: watch::Receiver<Status>,
    counters: Arc<Counters>,
}

/// What the handle asks of the task.
enum Command {
    Publish { topic: Topic, bytes: Vec<u8> },
    Judge { id: GossipId, verdict: Verdict },
    Ask { whom: Whom, ticket: u64, bytes: Vec<u8> },
    Respond { ticket: u64, bytes: Vec<u8> },
    Keep { peers: Vec<Hotkey> },
    Vouch { peer: Hotkey, coins: u64 },
    Shun { peer: Hotkey },
}

/// Whom a request is for.
enum Whom {
    Peer(Hotkey),
    AnyoneBut(Vec<Hotkey>),
}

impl Network {
    /// Who we are on this network.
    pub fn hotkey(&self) -> Hotkey {
        self.hotkey
    }

    /// Tells everybody who hears `topic`. While nobody does, the message waits a few seconds.
    pub fn publish(&self, topic: Topic, bytes: Vec<u8>) -> Result<(), Refused> {
        self.fits(bytes.len(), topic.limit())?;
        self.send(Command::Publish { topic, bytes })
    }

    /// Says whether gossip goes further. Unjudged gossip is forgotten after some seconds.
    pub fn judge(&self, id: GossipId, verdict: Verdict) -> Result<(), Refused> {
        self.send(Command::Judge { id, verdict })
    }

    /// Asks one peer, found and dialled if need be. [`Event::Responded`] with `ticket` follows, unless the
    /// event queue was full.
    pub fn ask(&self, peer: Hotkey, ticket: u64, bytes: Vec<u8>) -> Result<(), Refused> {
        self.fits(bytes.len(), REQUEST_LIMIT)?;
        self.send(Command::Ask { whom: Whom::Peer(peer), ticket, bytes })
    }

    /// Asks one of the connected peers that is not `avoided`, another for every ticket in turn. As [`Network::ask`]
    /// otherwise.
    pub fn ask_anyone(&self, avoided: Vec<Hotkey>, ticket: u64, bytes: Vec<u8>) -> Result<(), Refused> {
        self.fits(bytes.len(), REQUEST_LIMIT)?;
        self.send(Command::Ask { whom: Whom::AnyoneBut(avoided), ticket, bytes })
    }

    /// Answers [`Event::Asked`]; a ticket that is too old does nothing.
    pub fn respond(&self, ticket: u64, bytes: Vec<u8>) -> Result<(), Refused> {
        self.fits(bytes.len(), ANSWER_LIMIT)?;
        self.send(Command::Respond { ticket, bytes })
    }

    /// Stays connected to these, say the settling validators, whatever else happens: each keeps a few of them
    /// that together link all. Replaces the former list.
    pub fn keep(&self, peers: Vec<Hotkey>) -> Result<(), Refused> {
        self.send(Command::Keep { peers })
    }

    /// Raises the gossip score of a peer that is proven to have so many whole coins at stake: a flood costs it
    /// more than one without stake has to lose. To be repeated, since a peer that left is forgotten.
    pub fn vouch(&self, peer: Hotkey, coins: u64) -> Result<(), Refused> {
        self.send(Command::Vouch { peer, coins })
    }

    /// Lowers the gossip score of a peer that was caught lying, as much as an invalid message would.
    pub fn shun(&self, peer: Hotkey) -> Result<(), Refused> {
        self.send(Command::Shun { peer })
    }

    /// Where we are reached and by how many, as of a moment ago.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Our addresses, once both transports listen; empty if the network stopped before.
    pub async fn listening(&self) -> Vec<String> {
        let mut status = self.status.clone();
        status
            .wait_for(|status| status.bound)
            .await
            .map(|status| status.listening.clone())
            .unwrap_or_default()
    }

    /// What was refused or dropped so far, by reason.
    pub fn counters(&self) -> BTreeMap<&'static str, u64> {
        self.counters.snapshot()
    }

    fn fits(&self, size: usize, limit: usize) -> Result<(), Refused> {
        if size <= limit {
            return Ok(());
        }
        self.counters.add(Counter::CommandTooLarge);
        Err(Refused::TooLarge { size, limit })
    }

    fn send(&self, command: Command) -> Result<(), Refused> {
        self.commands.try_send(command).map_err(|error| {
            self.counters.add(Counter::CommandRefused);
            match error {
                mpsc::error::TrySendError::Full(_) => Refused::Busy,
                mpsc::error::TrySendError::Closed(_) => Refused::Stopped,
            }
        })
    }
}

/// Why the handle did not take a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// More commands wait than the task can carry out.
    #[error("the network is busy; try again later")]
    Busy,
    /// No peer would accept the message.
    #[error("{size} bytes exceed the limit of {limit}; split the message")]
    TooLarge {
        /// Bytes given.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The task has ended.
    #[error("the network has stopped")]
    Stopped,
}

/// Why the network does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A bootstrap address is malformed.
    #[error("bootstrap address {0:?} is none; write /ip4/ADDRESS/tcp/PORT/p2p/PEER")]
    BadBootstrap(String),
    /// A port is taken or an interface missing.
    #[error("cannot listen on {address}: {reason}; choose another --port or stop the other process")]
    Listen {
        /// The libp2p address.
        address: String,
        /// What the system says.
        reason: String,
    },
    /// The encryption, the resolver or a protocol name could not be set up.
    #[error("cannot set up the network: {0}")]
    Setup(String),
}

impl Error {
    fn setup(error: impl std::fmt::Display) -> Self {
        Self::Setup(error.to_string())
    }

    fn listen(address: &libp2p::Multiaddr, error: TransportError<std::io::Error>) -> Self {
        let reason = match error {
            TransportError::MultiaddrNotSupported(_) => "no transport for this address".to_owned(),
            TransportError::Other(error) => error.to_string(),
        };
        Self::Listen { address: address.to_string(), reason }
    }
}

#[cfg(test)]
mod tests;
