//! The loop: hears the swarm and the handle, and carries out what they ask.
mod asking;
mod gossiping;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crypto::Hotkey;
use futures::StreamExt;
use libp2p::core::transport::ListenerId;

use libp2p::swarm::{DialError, Swarm, SwarmEvent};
use libp2p::{Multiaddr, PeerId, gossipsub, identify, kad, ping};
use tokio::sync::{mpsc, watch};

use super::address;
use super::behaviour::{self, Behaviour, BehaviourEvent};
use super::directory::{self, Directory};
use super::exchange::{Asks, Tickets};
use super::gossip::{Outbox, Topics};
use super::rate::Rate;
use super::{Command, Config, Counter, Counters, Error, Event, Status, Topic};

/// How often overdue things are looked at; short, because a swarm starts within a second.
const TICK: Duration = Duration::from_millis(200);
/// Requests of one peer per second, and at once.
const REQUESTS: (u32, u32) = (32, 64);
/// Gossip relayed by one peer per second, and at once, in units of 16 KiB.
const GOSSIP: (u32, u32) = (512, 2048);

/// Owns the sockets and all that is under way.
pub(super) struct Driver {
    swarm: Swarm<Behaviour>,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    status: watch::Sender<Status>,
    counters: Arc<Counters>,
    network: String,
    topics: Topics,
    directory: Directory,
    outbox: Outbox,
    asks: Asks,
    tickets: Tickets,
    requests: Rate,
    gossip: Rate,
    listeners: Vec<ListenerId>,
}

impl Driver {
    /// Binds the sockets of `config`. Must run inside a tokio runtime.
    pub(super) fn new(
        config: &Config,
        commands: mpsc::Receiver<Command>,
        events: mpsc::Sender<Event>,
        status: watch::Sender<Status>,
        counters: Arc<Counters>,
    ) -> Result<Self, Error> {
        let mut swarm = behaviour::swarm(config, Arc::clone(&counters))?;
        let directory = Directory::new(*swarm.local_peer_id(), &config.bootstrap)?;
        directory.bootstrap_peers().for_each(|peer| swarm.behaviour_mut().limits.bypass_peer_id(peer));
        directory.remember(&mut swarm, &config.known);
        let mut listeners = Vec::new();
        for address in behaviour::listen_addresses(&config.listen) {
            let listener =
                swarm.listen_on(address.clone()).map_err(|error| Error::listen(&address, error))?;
            listeners.push(listener);
        }
        let network = behaviour::network(&config.genesis);
        Ok(Self {
            swarm,
            commands,
            events,
            status,
            counters,
            topics: Topics::of(&network),
            network,
            directory,
            outbox: Outbox::default(),
            asks: Asks::default(),
            tickets: Tickets::default(),
            requests: Rate::new(REQUESTS.0, REQUESTS.1),
            gossip: Rate::new(GOSSIP.0, GOSSIP.1),
            listeners,
        })
    }

    /// Until the last handle is dropped.
    pub(super) async fn run(mut self) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.hear(event),
                command = self.commands.recv() => match command {
                    Some(command) => self.obey(command),
                    None => return,
                },
                _ = tick.tick() => self.tick(Instant::now()),
            }
        }
    }

    fn tick(&mut self, now: Instant) {
        self.directory.tick(&mut self.swarm, now);
        self.seek(now);
        for topic in Topic::ALL {
            self.publish_waiting(topic);
        }
        self.counters.add_many(Counter::GossipExpired, self.outbox.expire(now));
        self.counters.add_many(Counter::AnswerLate, self.tickets.expire(now));
        self.requests.forget_full(now);
        self.gossip.forget_full(now);
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Publish { topic, bytes } => self.publish(Instant::now(), topic, bytes),
            Command::Judge { id, verdict } => self.judge(&id, verdict),
            Command::Ask { whom, ticket, bytes } => self.ask(whom, ticket, bytes),
            Command::Respond { ticket, bytes } => self.respond(ticket, bytes),
            Command::Keep { peers } => self.keep(&peers),
            Command::Vouch { peer, coins } => self.vouch(&peer, coins),
            Command::Shun { peer } => self.shun(&peer),
        }
    }

    fn hear(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.hear_behaviour(event),
            SwarmEvent::NewListenAddr { listener_id, address } => self.listening(listener_id, &address),
            // gossipsub tells its topics on the first connection only: one that was started again would never
            // learn ours. Both sides dial again at once.
            SwarmEvent::ConnectionEstablished { peer_id, .. } if self.directory.is_reborn(&peer_id) => {
                let _ = self.swarm.disconnect_peer_id(peer_id);
            }
            SwarmEvent::ConnectionEstablished { peer_id, endpoint, .. } => {
                self.directory.connected(peer_id, &endpoint);
                self.connections_changed();
                self.send_waiting(peer_id, Vec::new());
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                self.directory.disconnected(&peer_id);
                self.connections_changed();
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), error, .. } => {
                self.dial_failed(&peer, &error);
            }
            SwarmEvent::IncomingConnectionError { error, .. } => {
                tracing::debug!(%error, "a connection did not come about");
                self.counters.add(Counter::ConnectionRefused);
            }
            _ => {}
        }
    }

    fn hear_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Gossip(gossipsub::Event::Message { propagation_source, message_id, message }) => {
                self.gossiped(propagation_source, &message_id, message);
            }
            BehaviourEvent::Gossip(gossipsub::Event::Subscribed { topic, .. }) => {
                self.topics.get(&topic).into_iter().for_each(|topic| self.publish_waiting(topic));
            }
            BehaviourEvent::Gossip(gossipsub::Event::SlowPeer { .. }) => self.counters.add(Counter::SlowPeer),
            BehaviourEvent::Ask(event) => self.hear_ask(event),
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                self.identified(peer_id, &info);
            }
            BehaviourEvent::Kad(kad::Event::OutboundQueryProgressed {
                id,
                result: kad::QueryResult::GetClosestPeers(result),
                step,
                ..
            }) if step.last => self.located(&id, result),
            BehaviourEvent::Ping(ping::Event { connection, result: Err(ping::Failure::Timeout), .. }) => {
                self.swarm.close_connection(connection);
            }
            _ => {}
        }
    }

    fn keep(&mut self, peers: &[Hotkey]) {
        let peers: Vec<PeerId> = peers.iter().take(directory::BYPASS).map(address::peer).collect();
        for former in self.directory.keep(peers.clone()) {
            self.stop_bypassing(&former);
        }
        peers.iter().for_each(|peer| self.bypass(peer));
    }

    /// Dials to and by `peer` need not mind the limits.
    fn bypass(&mut self, peer: &PeerId) {
        self.swarm.behaviour_mut().limits.bypass_peer_id(peer);
    }

    fn stop_bypassing(&mut self, peer: &PeerId) {
        if !self.directory.favours(peer) {
            self.swarm.behaviour_mut().limits.remove_peer_id(peer);
        }
    }

    fn identified(&mut self, peer: PeerId, info: &identify::Info) {
        if info.protocol_version == self.network && address::hotkey(&peer).is_some() {
            self.directory.identified(&mut self.swarm, peer, info);
            let known = Directory::memorable(&mut self.swarm);
            self.status.send_modify(|status| status.known = known);
            return;
        }
        self.counters.add(Counter::WrongNetwork);
        self.directory.stranger(peer, &info.protocol_version, Instant::now());
        let _ = self.swarm.disconnect_peer_id(peer);
    }

    fn dial_failed(&mut self, peer: &PeerId, error: &DialError) {
        if !matches!(error, DialError::DialPeerConditionFalse(_)) {
            self.counters.add(Counter::DialFailed);
            self.directory.failed(peer, error);
        }
    }

    fn listening(&mut self, listener: ListenerId, address: &Multiaddr) {
        let address = format!("{address}/p2p/{}", self.swarm.local_peer_id());
        tracing::info!(%address, "listening");
        self.listeners.retain(|unbound| *unbound != listener);
        let bound = self.listeners.is_empty();
        self.status.send_modify(|status| {
            status.listening.push(address);
            status.bound = bound;
        });
    }

    fn connections_changed(&mut self) {
        self.directory.gate(&mut self.swarm);
        let peers = self.directory.peers();
        self.status.send_if_modified(|status| std::mem::replace(&mut status.peers, peers) != peers);
    }
}
