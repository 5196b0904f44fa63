//! What we speak, over which transports, within which limits.
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crypto::Hash;
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::identity::{self, Keypair};
use libp2p::multiaddr::{Multiaddr, Protocol};
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::{
    PeerId, StreamProtocol, Swarm, SwarmBuilder, identify, kad, noise, ping, quic, swarm, tcp, yamux,
};

use super::codec::Codec;
use super::gossip::{self, Gossipsub};
use super::{Config, Counters, Error, Listen};

/// A question that has reached its peer waits this long for the answer.
pub(super) const ASK_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that nothing uses is closed after this.
pub(super) const IDLE: Duration = Duration::from_secs(60);
/// Streams of one connection: gossip, Kademlia, identify, ping and [`ASKS_PER_PEER`] leave room.
const STREAMS: usize = 128;
/// Questions under way on one connection, each way.
const ASKS_PER_PEER: usize = 32;
/// All connections: gossip needs a dozen, the rest is for newcomers and questions.
const CONNECTIONS: u32 = 160;
/// Connections we dial; the rest stays free for those who dial us.
const DIALLED: u32 = 64;
/// Handshakes of those who dial us: a whole swarm may start at once.
const HANDSHAKES: u32 = 64;
/// Dials under way.
const DIALS: u32 = 8;
/// Two peers that dial each other at once have two connections.
const PER_PEER: u32 = 2;
/// Kademlia's bucket size and breadth of answers. The usual 20 connects all of a small swarm to all.
const BUCKET: NonZeroUsize = NonZeroUsize::new(8).expect("eight is not zero");
/// A Kademlia query that takes longer helps nobody.
const QUERY_TIMEOUT: Duration = Duration::from_secs(5);

/// Everything we speak. Limits come first: the later protocols never see a connection that they deny.
#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    pub(super) limits: connection_limits::Behaviour,
    pub(super) gossip: Gossipsub,
    pub(super) kad: kad::Behaviour<kad::store::MemoryStore>,
    pub(super) ask: request_response::Behaviour<Codec>,
    pub(super) identify: identify::Behaviour,
    pub(super) ping: ping::Behaviour,
}

/// The start of every protocol name and topic on the network of this genesis.
pub(super) fn network(genesis: &Hash) -> String {
    format!("/neuron/{}", genesis.short())
}

/// The swarm of `config`, not yet listening. Must run inside a tokio runtime.
pub(super) fn swarm(config: &Config, counters: Arc<Counters>) -> Result<Swarm<Behaviour>, Error> {
    let key = Keypair::ed25519_from_bytes(config.keypair.seed()).map_err(Error::setup)?;
    let behaviour = behaviour(&network(&config.genesis), &key, config, counters)?;
    let transports = SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, muxer)
        .map_err(Error::setup)?
        .with_quic_config(tune_quic);
    // A resolver per neuron is only worth its memory if there are names to resolve.
    if config.bootstrap.iter().any(|address| address.contains("/dns")) {
        let named = transports.with_dns().map_err(Error::setup)?.with_behaviour(|_| behaviour);
        return Ok(named.map_err(Error::setup)?.with_swarm_config(tune_swarm).build());
    }
    let numbered = transports.with_behaviour(|_| behaviour).map_err(Error::setup)?;
    Ok(numbered.with_swarm_config(tune_swarm).build())
}

fn muxer() -> yamux::Config {
    let mut config = yamux::Config::default();
    config.set_max_num_streams(STREAMS);
    config
}

/// Bounds what one peer may make us buffer, and notices a killed one within seconds.
fn tune_quic(mut config: quic::Config) -> quic::Config {
    config.max_concurrent_stream_limit = STREAMS as u32;
    config.max_stream_data = 2 * 1024 * 1024;
    config.max_connection_data = 8 * 1024 * 1024;
    config.keep_alive_interval = Duration::from_secs(3);
    config.max_idle_timeout = 9_000;
    config
}

fn tune_swarm(config: swarm::Config) -> swarm::Config {
    config.with_idle_connection_timeout(IDLE).with_smart_dial().with_max_negotiating_inbound_streams(STREAMS)
}

fn behaviour(
    network: &str,
    key: &Keypair,
    config: &Config,
    counters: Arc<Counters>,
) -> Result<Behaviour, Error> {
    Ok(Behaviour {
        limits: connection_limits::Behaviour::new(limits(true)),
        gossip: gossip::gossipsub(network, &config.topics)?,
        kad: kademlia(network, key.public().to_peer_id())?,
        ask: asking(network, Codec(counters))?,
        identify: identifying(network, key.public()),
        ping: ping::Behaviour::default(),
    })
}

/// The limits while Kademlia may dial whom it hears of, or may not. Peers that we dial for a reason bypass them.
pub(super) fn limits(kademlia_dials: bool) -> ConnectionLimits {
    ConnectionLimits::default()
        .with_max_pending_incoming(Some(HANDSHAKES))
        .with_max_pending_outgoing(Some(if kademlia_dials { DIALS } else { 0 }))
        .with_max_established_outgoing(Some(DIALLED))
        .with_max_established(Some(CONNECTIONS))
        .with_max_established_per_peer(Some(PER_PEER))
}

/// Kademlia finds peers and stores nothing. Everybody answers, and only [`super::directory`] adds addresses.
fn kademlia(network: &str, me: PeerId) -> Result<kad::Behaviour<kad::store::MemoryStore>, Error> {
    let mut config = kad::Config::new(protocol(network, "kad")?);
    config
        .set_kbucket_inserts(kad::BucketInserts::Manual)
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        .set_kbucket_size(BUCKET)
        .set_replication_factor(BUCKET)
        .set_periodic_bootstrap_interval(None)
        .set_query_timeout(QUERY_TIMEOUT);
    let mut kad = kad::Behaviour::with_config(me, kad::store::MemoryStore::new(me), config);
    kad.set_mode(Some(kad::Mode::Server));
    Ok(kad)
}

fn asking(network: &str, codec: Codec) -> Result<request_response::Behaviour<Codec>, Error> {
    let config = request_response::Config::default()
        .with_request_timeout(ASK_TIMEOUT)
        .with_max_concurrent_streams(ASKS_PER_PEER);
    let protocols = [(protocol(network, "ask")?, ProtocolSupport::Full)];
    Ok(request_response::Behaviour::with_codec(codec, protocols, config))
}

/// Peers tell each other their addresses, and the network they are on. Addresses are kept by Kademlia alone.
fn identifying(network: &str, key: identity::PublicKey) -> identify::Behaviour {
    let agent = concat!("neuron/", env!("CARGO_PKG_VERSION")).to_owned();
    let config = identify::Config::new(network.to_owned(), key).with_agent_version(agent).with_cache_size(0);
    identify::Behaviour::new(config)
}

fn protocol(network: &str, name: &str) -> Result<StreamProtocol, Error> {
    StreamProtocol::try_from_owned(format!("{network}/{name}/1")).map_err(Error::setup)
}

/// QUIC and TCP on the interface and port.
pub(super) fn listen_addresses(listen: &Listen) -> [Multiaddr; 2] {
    let ip = match listen.ip {
        IpAddr::V4(ip) => Multiaddr::from(ip),
        IpAddr::V6(ip) => Multiaddr::from(ip),
    };
    [ip.clone().with(Protocol::Udp(listen.port)).with(Protocol::QuicV1), ip.with(Protocol::Tcp(listen.port))]
}
