//! What is gossiped: the topics, gossipsub's configuration, and messages that wait for a listener.
use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use crypto::{Hash, Hotkey, hash};
use libp2p::gossipsub::{
    Behaviour, Config, ConfigBuilder, IdentTopic, Message, MessageAuthenticity, MessageId, PeerScoreParams,
    PeerScoreThresholds, TopicHash, TopicScoreParams, ValidationMode, WhitelistSubscriptionFilter,
    score_parameter_decay,
};

use super::Error;

pub use protocol::message::Topic;

/// gossipsub as we configure it: only our own topics exist.
pub(super) type Gossipsub = Behaviour<libp2p::gossipsub::IdentityTransform, WhitelistSubscriptionFilter>;

/// A vote, a commit, a transaction: everything but a body of a settlement.
const SMALL: usize = 64 * 1024;
/// The largest settlement (2 MiB) with its header, certificate and envelope.
const BODY: usize = 2 * 1024 * 1024 + SMALL;
/// What gossipsub adds to a message: the topic's name and a few tags.
const ENVELOPE: usize = 256;
/// A message id's bytes; short ids let one IHAVE name more messages.
const ID_LENGTH: usize = 20;
/// Longer than gossip remembers what to offer (6 heartbeats), so that none returns as new by itself; short enough that
/// an input that got lost is told again. Where all is silent gossipsub forgets nothing: see `Telling`.
const DUPLICATES: Duration = Duration::from_secs(8);
/// The first heartbeat builds the meshes, so it comes as soon as peers are connected.
const FIRST_HEARTBEAT: Duration = Duration::from_millis(150);
/// Messages of ours that wait for a listener: those of one neuron's first seconds.
const OUTBOX_MESSAGES: usize = 64;
/// Their bytes together: two settlements.
const OUTBOX_BYTES: usize = 2 * BODY;
/// After this a settlement has passed and the message with it.
const OUTBOX_PATIENCE: Duration = Duration::from_secs(5);

/// One message as one peer relayed it, to be [judged](super::Network::judge).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GossipId {
    message: [u8; ID_LENGTH],
    relayer: Hotkey,
}

impl GossipId {
    pub(super) fn new(message: &MessageId, relayer: Hotkey) -> Option<Self> {
        Some(Self { message: message.0.as_slice().try_into().ok()?, relayer })
    }

    pub(super) fn message(&self) -> MessageId {
        MessageId::new(&self.message)
    }

    pub(super) fn relayer(&self) -> Hotkey {
        self.relayer
    }
}

/// The topics of one network.
#[derive(Debug, Clone)]
pub(super) struct Topics(HashMap<TopicHash, Topic>);

impl Topics {
    /// `network` is [`super::behaviour::network`].
    pub(super) fn of(network: &str) -> Self {
        Self(Topic::ALL.into_iter().map(|topic| (ident(network, topic).hash(), topic)).collect())
    }

    pub(super) fn get(&self, hash: &TopicHash) -> Option<Topic> {
        self.0.get(hash).copied()
    }

    fn hashes(&self) -> HashSet<TopicHash> {
        self.0.keys().cloned().collect()
    }
}

/// The topic's name on the wire.
pub(super) fn ident(network: &str, topic: Topic) -> IdentTopic {
    IdentTopic::new(format!("{network}/{}/1", topic.name()))
}

/// gossipsub, subscribed to `subscriptions` of the topics of `network`.
pub(super) fn gossipsub(network: &str, subscriptions: &[Topic]) -> Result<Gossipsub, Error> {
    let topics = Topics::of(network);
    let filter = WhitelistSubscriptionFilter(topics.hashes());
    let mut gossipsub = Gossipsub::new_with_subscription_filter(
        MessageAuthenticity::Anonymous,
        configuration(network, &topics)?,
        filter,
    )
    .map_err(Error::setup)?;
    gossipsub.with_peer_score(scores(&topics), thresholds()).map_err(Error::setup)?;
    for topic in subscriptions {
        gossipsub.subscribe(&ident(network, *topic)).map_err(Error::setup)?;
    }
    Ok(gossipsub)
}

/// Signatures are checked once by whoever judges, not for every copy. Limits are wide where gossipsub closes
/// the stream for good when they are met: it counts buffered bytes against the largest message and the names
/// of all recent messages against the largest control message.
fn configuration(network: &str, topics: &Topics) -> Result<Config, Error> {
    let mut builder = ConfigBuilder::default();
    builder
        .protocol_id_prefix(format!("{network}/meshsub"))
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(message_id)
        .duplicate_cache_time(DUPLICATES)
        .heartbeat_initial_delay(FIRST_HEARTBEAT)
        .history_length(6)
        .history_gossip(3)
        .mesh_n(8)
        .mesh_n_low(6)
        .mesh_n_high(12)
        .mesh_outbound_min(3)
        .flood_publish(true)
        .forward_queue_duration(Duration::from_secs(5))
        .connection_handler_queue_len(512)
        .max_transmit_size(2 * BODY)
        .max_control_message_size(256 * 1024)
        .max_control_messages_sent(1000)
        .max_publish_messages(1000);
    for (hash, topic) in &topics.0 {
        builder.max_transmit_size_for_topic(topic.limit() + ENVELOPE, hash.clone());
    }
    builder.build().map_err(Error::setup)
}

/// The same bytes on the same topic are the same message, whoever relays them.
fn message_id(message: &Message) -> MessageId {
    let topic = message.topic.as_str().as_bytes();
    let Hash(id) = hash("neuron v1 gossip id", &[&(topic.len() as u64).to_le_bytes(), topic, &message.data]);
    MessageId::new(&id[..ID_LENGTH])
}

/// Lotus' set: invalid messages count by their square, so that the fifth within an hour silences a peer; missing
/// ones do not count, for topics have no known rate. Neurons of one machine may share its loopback address.
fn scores(topics: &Topics) -> PeerScoreParams {
    let hour = score_parameter_decay(Duration::from_secs(3600));
    let topic = TopicScoreParams {
        topic_weight: 0.1,
        time_in_mesh_weight: 0.0003,
        time_in_mesh_quantum: Duration::from_secs(1),
        time_in_mesh_cap: 1.0,
        first_message_deliveries_weight: 0.5,
        first_message_deliveries_decay: score_parameter_decay(Duration::from_secs(600)),
        first_message_deliveries_cap: 100.0,
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: -1000.0,
        invalid_message_deliveries_decay: hour,
        ..TopicScoreParams::default()
    };
    PeerScoreParams {
        topics: topics.hashes().into_iter().map(|hash| (hash, topic.clone())).collect(),
        app_specific_weight: 1.0,
        ip_colocation_factor_weight: -100.0,
        ip_colocation_factor_threshold: 5.0,
        ip_colocation_factor_whitelist: HashSet::from([
            Ipv4Addr::LOCALHOST.into(),
            Ipv6Addr::LOCALHOST.into(),
        ]),
        behaviour_penalty_weight: -10.0,
        behaviour_penalty_threshold: 6.0,
        behaviour_penalty_decay: hour,
        retain_score: Duration::from_secs(6 * 3600),
        ..PeerScoreParams::default()
    }
}

fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: -500.0,
        publish_threshold: -1000.0,
        graylist_threshold: -2500.0,
        accept_px_threshold: 1000.0,
        opportunistic_graft_threshold: 3.5,
    }
}

/// Messages of ours that nobody could hear yet; the oldest are given up first.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<(Instant, Topic, Vec<u8>)>,
    bytes: usize,
}

impl Outbox {
    /// Keeps a message; returns how many it displaced.
    pub(super) fn push(&mut self, now: Instant, topic: Topic, bytes: Vec<u8>) -> usize {
        self.bytes += bytes.len();
        self.waiting.push_back((now, topic, bytes));
        self.drop_front(|outbox, _| outbox.waiting.len() > OUTBOX_MESSAGES || outbox.bytes > OUTBOX_BYTES)
    }

    /// Gives up what has waited too long; returns how many.
    pub(super) fn expire(&mut self, now: Instant) -> usize {
        self.drop_front(|_, since| now.duration_since(since) > OUTBOX_PATIENCE)
    }

    /// Takes out all messages of `topic`, with the time since when each waits.
    pub(super) fn take(&mut self, topic: Topic) -> Vec<(Instant, Vec<u8>)> {
        let (taken, kept) = self.waiting.drain(..).partition::<VecDeque<_>, _>(|(_, of, _)| *of == topic);
        self.waiting = kept;
        self.bytes = self.waiting.iter().map(|(_, _, bytes)| bytes.len()).sum();
        taken.into_iter().map(|(since, _, bytes)| (since, bytes)).collect()
    }

    fn drop_front(&mut self, due: impl Fn(&Self, Instant) -> bool) -> usize {
        let mut dropped = 0;
        while let Some((since, _, bytes)) = self.waiting.front() {
            if !due(self, *since) {
                break;
            }
            self.bytes -= bytes.len();
            self.waiting.pop_front();
            dropped += 1;
        }
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(network: &str, topic: Topic, data: &[u8]) -> MessageId {
        let topic = ident(network, topic).hash();
        message_id(&Message { source: None, data: data.to_vec(), sequence_number: None, topic })
    }

    #[test]
    fn ids_bind_network_topic_and_bytes() {
        let one = id("/neuron/aa", Topic::Inputs, b"x");
        assert_eq!(one, id("/neuron/aa", Topic::Inputs, b"x"));
        for other in [
            id("/neuron/aa", Topic::Inputs, b"y"),
            id("/neuron/aa", Topic::Consensus, b"x"),
            id("/neuron/bb", Topic::Inputs, b"x"),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn the_outbox_is_bounded_by_number_bytes_and_time() {
        let (mut outbox, start) = (Outbox::default(), Instant::now());
        let displaced: usize = (0..100).map(|_| outbox.push(start, Topic::Inputs, vec![0])).sum();
        assert_eq!(displaced, 100 - OUTBOX_MESSAGES);
        assert_eq!(outbox.push(start, Topic::Settlements, vec![0; OUTBOX_BYTES]), OUTBOX_MESSAGES);
        assert_eq!(outbox.push(start + OUTBOX_PATIENCE, Topic::Inputs, vec![0]), 1);
        assert_eq!(outbox.expire(start + OUTBOX_PATIENCE), 0);
        assert_eq!(outbox.take(Topic::Inputs).len(), 1);
        assert_eq!(outbox.bytes, 0);
    }
}
