//! Gossip, ours and the others'.
use std::time::Instant;

use crypto::Hotkey;
use libp2p::PeerId;
use libp2p::gossipsub::{Message, MessageAcceptance, MessageId, PublishError};

use super::Driver;
use crate::network::gossip::{GossipId, ident};
use crate::network::{Counter, Event, Topic, Verdict, address};

/// Every message costs its relayer one unit of [`super::GOSSIP`], and one more for each of these many bytes.
const UNIT: usize = 16 * 1024;

/// What a peer's stake adds to its gossip score, times the natural logarithm of its coins.
const STAKE_SCORE: f64 = 10.0;
/// The most that stake adds; an invalid message costs ten times as much.
const STAKE_SCORE_MAX: f64 = 100.0;
/// The score of a peer caught lying, until its stake is vouched for again.
const SHUNNED_SCORE: f64 = -10.0 * STAKE_SCORE_MAX;

impl Driver {
    pub(super) fn publish(&mut self, since: Instant, topic: Topic, bytes: Vec<u8>) {
        let ident = ident(&self.network, topic);
        match self.swarm.behaviour_mut().gossip.publish(ident, bytes.clone()) {
            Ok(_) => {}
            Err(PublishError::NoPeersSubscribedToTopic) => {
                let displaced = self.outbox.push(since, topic, bytes);
                self.counters.add_many(Counter::GossipExpired, displaced);
            }
            Err(error) => {
                tracing::debug!(%error, ?topic, "gossip of ours was not sent");
                self.counters.add(Counter::GossipUnsent);
            }
        }
    }

    /// Stake counts by its logarithm: a thousand coins are worth twice what thirty are.
    pub(super) fn vouch(&mut self, peer: &Hotkey, coins: u64) {
        let score = (STAKE_SCORE * (coins as f64).ln_1p()).min(STAKE_SCORE_MAX);
        self.swarm.behaviour_mut().gossip.set_application_score(&address::peer(peer), score);
    }

    pub(super) fn shun(&mut self, peer: &Hotkey) {
        self.swarm.behaviour_mut().gossip.set_application_score(&address::peer(peer), SHUNNED_SCORE);
    }

    pub(super) fn publish_waiting(&mut self, topic: Topic) {
        for (since, bytes) in self.outbox.take(topic) {
            self.publish(since, topic, bytes);
        }
    }

    pub(super) fn gossiped(&mut self, source: PeerId, id: &MessageId, message: Message) {
        let heard = address::hotkey(&source)
            .and_then(|from| Some((from, GossipId::new(id, from)?, self.topics.get(&message.topic)?)));
        let Some((from, id, topic)) = heard else { return };
        let verdict = self.offer(source, from, id, topic, message.data);
        if let Err((counter, verdict)) = verdict {
            self.counters.add(counter);
            self.judge(&id, verdict);
        }
    }

    /// Hands gossip to the neuron, unless that is refused for a reason.
    fn offer(
        &mut self,
        source: PeerId,
        from: Hotkey,
        id: GossipId,
        topic: Topic,
        bytes: Vec<u8>,
    ) -> Result<(), (Counter, Verdict)> {
        let units = 1 + u32::try_from(bytes.len() / UNIT).unwrap_or(u32::MAX);
        if bytes.len() > topic.limit() {
            return Err((Counter::GossipTooLarge, Verdict::Reject));
        }
        if !self.gossip.take(source, units, Instant::now()) {
            return Err((Counter::GossipFlood, Verdict::Ignore));
        }
        let event = Event::Gossip { topic, from, id, bytes };
        self.events.try_send(event).map_err(|_| (Counter::GossipDropped, Verdict::Ignore))
    }

    pub(super) fn judge(&mut self, id: &GossipId, verdict: Verdict) {
        let acceptance = match verdict {
            Verdict::Accept => MessageAcceptance::Accept,
            Verdict::Ignore => MessageAcceptance::Ignore,
            Verdict::Reject => MessageAcceptance::Reject,
        };
        let relayer = address::peer(&id.relayer());
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        if !gossip.report_message_validation_result(&id.message(), &relayer, acceptance) {
            self.counters.add(Counter::GossipJudgedLate);
        }
    }
}
