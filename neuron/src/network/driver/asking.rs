//! Requests: ours until their outcome, the others' until our answer.
use std::collections::HashSet;
use std::time::Instant;

use crypto::Hotkey;
use libp2p::request_response::{Event, Message, OutboundFailure, OutboundRequestId, ResponseChannel};
use libp2p::{Multiaddr, PeerId, kad};

use super::Driver;
use crate::network::exchange::Ask;
use crate::network::{self, Counter, Failure, Whom, address};

impl Driver {
    pub(super) fn hear_ask(&mut self, event: Event<Vec<u8>, Vec<u8>>) {
        match event {
            Event::Message { peer, message: Message::Request { request, channel, .. }, .. } => {
                self.asked(peer, request, channel);
            }
            Event::Message { message: Message::Response { request_id, response }, .. } => {
                self.answered(request_id, response);
            }
            Event::OutboundFailure { request_id, error, .. } => self.ask_failed(request_id, &error),
            Event::InboundFailure { error, .. } => {
                tracing::debug!(%error, "a request stayed unanswered");
                self.counters.add(Counter::RequestUnanswered);
            }
            Event::ResponseSent { .. } => {}
        }
    }

    /// Asks a peer, or whoever is connected.
    pub(super) fn ask(&mut self, whom: Whom, ticket: u64, bytes: Vec<u8>) {
        let Ok(outcome) = self.events.clone().try_reserve_owned() else {
            return self.counters.add(Counter::AskRefused);
        };
        let peer = match whom {
            Whom::Peer(hotkey) => Some(address::peer(&hotkey)),
            Whom::AnyoneBut(avoided) => self.anyone(&avoided, ticket),
        };
        let Some(peer) = peer else {
            outcome.send(network::Event::Responded { from: None, ticket, result: Err(Failure::NotFound) });
            return;
        };
        let ask = Ask { peer, ticket, bytes, since: Instant::now(), located: false, outcome };
        if self.asks.full() {
            self.counters.add(Counter::AskRefused);
            return ask.end(Err(Failure::Busy));
        }
        match self.reachable(&ask.peer) {
            Some(addresses) => self.send(ask, addresses),
            None => self.locate(ask),
        }
    }

    /// One of the connected peers that is not avoided, another for every ticket in turn.
    fn anyone(&self, avoided: &[Hotkey], ticket: u64) -> Option<PeerId> {
        let avoided: HashSet<_> = avoided.iter().map(address::peer).collect();
        let peers: Vec<_> =
            self.swarm.connected_peers().filter(|peer| !avoided.contains(peer)).copied().collect();
        let turn = ticket.checked_rem(peers.len() as u64)?;
        peers.get(turn as usize).copied()
    }

    fn reachable(&mut self, peer: &PeerId) -> Option<Vec<Multiaddr>> {
        match self.directory.is_connected(peer) {
            true => Some(Vec::new()),
            false => self.directory.addresses(&mut self.swarm, peer),
        }
    }

    fn send(&mut self, ask: Ask, addresses: Vec<Multiaddr>) {
        self.bypass(&ask.peer);
        self.directory.used(&ask.peer, Instant::now());
        let behaviour = &mut self.swarm.behaviour_mut().ask;
        let id = behaviour.send_request_with_addresses(&ask.peer, ask.bytes.clone(), addresses);
        self.asks.sent(id, ask);
    }

    fn locate(&mut self, ask: Ask) {
        if ask.peer == *self.swarm.local_peer_id() {
            return ask.end(Err(Failure::NotFound));
        }
        let now = Instant::now();
        self.asks.wait(Ask { located: true, since: now, ..ask });
        self.seek(now);
    }

    /// Seeks the addresses that requests wait for.
    pub(super) fn seek(&mut self, now: Instant) {
        self.asks.expire(now);
        for peer in self.asks.seek(now) {
            self.directory.locate(&mut self.swarm, peer);
        }
    }

    pub(super) fn located(&mut self, query: &kad::QueryId, result: kad::GetClosestPeersResult) {
        let found = match result {
            Ok(kad::GetClosestPeersOk { peers, .. }) => peers,
            Err(kad::GetClosestPeersError::Timeout { peers, .. }) => peers,
        };
        let Some((peer, addresses)) = self.directory.located(query, found) else {
            return;
        };
        if self.directory.is_connected(&peer) || !addresses.is_empty() {
            self.send_waiting(peer, addresses);
        }
    }

    pub(super) fn send_waiting(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) {
        for ask in self.asks.waiting(&peer) {
            self.send(ask, addresses.clone());
        }
    }

    fn answered(&mut self, id: OutboundRequestId, answer: Vec<u8>) {
        let Some(ask) = self.asks.returned(id) else { return };
        self.stop_bypassing(&ask.peer);
        ask.end(Ok(answer));
    }

    fn ask_failed(&mut self, id: OutboundRequestId, error: &OutboundFailure) {
        let Some(ask) = self.asks.returned(id) else { return };
        tracing::debug!(peer = %ask.peer, %error, "a request of ours failed");
        self.stop_bypassing(&ask.peer);
        match error {
            OutboundFailure::DialFailure if !ask.located => self.locate(ask),
            OutboundFailure::DialFailure => ask.end(Err(Failure::Unreachable)),
            OutboundFailure::Timeout => ask.end(Err(Failure::Timeout)),
            OutboundFailure::UnsupportedProtocols => ask.end(Err(Failure::Unsupported)),
            OutboundFailure::ConnectionClosed => ask.end(Err(Failure::Unreachable)),
            OutboundFailure::Io(_) => ask.end(Err(Failure::Refused)),
        }
    }

    fn asked(&mut self, peer: PeerId, bytes: Vec<u8>, channel: ResponseChannel<Vec<u8>>) {
        let now = Instant::now();
        if !self.requests.take(peer, 1, now) {
            return self.counters.add(Counter::RequestFlood);
        }
        self.directory.used(&peer, now);
        let Some(from) = address::hotkey(&peer).filter(|_| !self.tickets.full()) else {
            return self.counters.add(Counter::RequestRefused);
        };
        let event = network::Event::Asked { from, ticket: self.tickets.next(), bytes };
        match self.events.try_send(event) {
            Ok(()) => self.tickets.open(now, channel),
            Err(_) => self.counters.add(Counter::RequestRefused),
        }
    }

    pub(super) fn respond(&mut self, ticket: u64, bytes: Vec<u8>) {
        let channel = self.tickets.close(ticket);
        let sent = channel.map(|channel| self.swarm.behaviour_mut().ask.send_response(channel, bytes));
        if !matches!(sent, Some(Ok(()))) {
            self.counters.add(Counter::AnswerLate);
        }
    }
}
