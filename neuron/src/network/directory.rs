//! Who can be found where: bootstrap addresses, Kademlia, whom to dial next and whom to leave.
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use libp2p::core::ConnectedPoint;
use libp2p::multiaddr::Multiaddr;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{DialError, Swarm};
use libp2p::{PeerId, identify, kad};
use rand::seq::IteratorRandom;

use super::Error;
use super::address::{Reach, is_tcp, parse};
use super::behaviour::{self, Behaviour, IDLE};

/// Connected peers that we want: gossip meshes hold eight, some leave.
const PEERS: usize = 12;
/// Of these, dialled by us: nobody else chooses all of our neighbours. With so many, Kademlia dials no more, or
/// its searches would connect all of a swarm to all.
const DIALLED: usize = 8;
/// Two connections within this time mean that both sides dialled.
const BOTH_DIALLED: Duration = Duration::from_secs(2);
/// Peers that we stay connected to on request, at most.
const KEPT: usize = 16;
/// Peers that may connect although the limits are reached, at most: a full set of settling validators.
pub(super) const BYPASS: usize = 128;
/// Addresses that we believe of one peer: what it says about itself is its own word.
const ADDRESSES: usize = 8;
/// Peers of an earlier run to begin with, at most.
const REMEMBERED: usize = 64;
/// Searches for single peers under way.
const LOOKUPS: usize = 64;
/// The first pause after a failed dial: at start, others may not listen yet.
const FIRST_RETRY: Duration = Duration::from_millis(200);
/// The longest pause: a restarted neuron is back among the others this soon.
const LAST_RETRY: Duration = Duration::from_secs(8);
/// The first pause between two looks around in Kademlia, while we are short of peers.
const FIRST_REFRESH: Duration = Duration::from_secs(1);
/// The longest one; each dials dozens of peers.
const LAST_REFRESH: Duration = Duration::from_secs(300);

/// What we know of the others, and when to try them again.
#[derive(Debug)]
pub(super) struct Directory {
    me: PeerId,
    bootstrap: BTreeMap<PeerId, Vec<Multiaddr>>,
    favoured: Vec<PeerId>,
    kept: BTreeSet<PeerId>,
    connected: HashMap<PeerId, Link>,
    retries: HashMap<PeerId, Backoff>,
    lookups: HashMap<kad::QueryId, PeerId>,
    refresh: Backoff,
    looked_around: bool,
}

impl Directory {
    pub(super) fn new(me: PeerId, bootstrap: &[String]) -> Result<Self, Error> {
        let mut addresses: BTreeMap<PeerId, Vec<Multiaddr>> = BTreeMap::new();
        for text in bootstrap {
            let (peer, address) = parse(text).ok_or_else(|| Error::BadBootstrap(text.clone()))?;
            if peer != me {
                addresses.entry(peer).or_default().push(address);
            }
        }
        Ok(Self {
            me,
            bootstrap: addresses,
            favoured: Vec::new(),
            kept: BTreeSet::new(),
            connected: HashMap::new(),
            retries: HashMap::new(),
            lookups: HashMap::new(),
            refresh: Backoff::new(FIRST_REFRESH),
            looked_around: false,
        })
    }

    /// Tries these addresses of an earlier run while we are short of peers; whoever left is not missed.
    pub(super) fn remember(&self, swarm: &mut Swarm<Behaviour>, addresses: &[String]) {
        let known = addresses.iter().filter_map(|text| parse(text)).filter(|(peer, _)| *peer != self.me);
        for (peer, address) in known.take(REMEMBERED) {
            swarm.behaviour_mut().kad.add_address(&peer, address);
        }
    }

    /// One address of each peer in the routing table, for a later run.
    pub(super) fn memorable(swarm: &mut Swarm<Behaviour>) -> Vec<String> {
        let kad = &mut swarm.behaviour_mut().kad;
        let entries = kad.kbuckets().flat_map(|bucket| {
            let entries = bucket.iter().map(|entry| (entry.node.key.preimage(), entry.node.value.first()));
            entries.map(|(peer, address)| format!("{address}/p2p/{peer}")).collect::<Vec<_>>()
        });
        entries.take(REMEMBERED).collect()
    }

    pub(super) fn bootstrap_peers(&self) -> impl Iterator<Item = &PeerId> {
        self.bootstrap.keys()
    }

    /// Dials who is missing and looks around, each when its time has come.
    pub(super) fn tick(&mut self, swarm: &mut Swarm<Behaviour>, now: Instant) {
        for peer in self.wanted(swarm, now) {
            self.dial(swarm, peer, now);
        }
        self.retries.retain(|_, retry| retry.due + LAST_RETRY > now);
        if (1..PEERS).contains(&self.peers()) && self.refresh.due(now, LAST_REFRESH) {
            let _ = swarm.behaviour_mut().kad.bootstrap();
        }
        self.gate(swarm);
        self.part(swarm, now);
    }

    /// Leaves peers beyond those we want that no mesh and no request needs: gossipsub's own streams keep every
    /// connection open.
    fn part(&self, swarm: &mut Swarm<Behaviour>, now: Instant) {
        let beyond = self.peers().saturating_sub(PEERS);
        let idle = |(peer, link): (&PeerId, &Link)| {
            (now.duration_since(link.used) > IDLE && !self.favours(peer)).then_some(*peer)
        };
        let idle: Vec<PeerId> = self.connected.iter().filter_map(idle).take(beyond).collect();
        if idle.is_empty() {
            return;
        }
        let meshed: HashSet<PeerId> = swarm.behaviour().gossip.all_mesh_peers().copied().collect();
        for peer in idle.into_iter().filter(|peer| !meshed.contains(peer)) {
            let _ = swarm.disconnect_peer_id(peer);
        }
    }

    /// Lets Kademlia dial strangers while we lack peers or seek one.
    pub(super) fn gate(&self, swarm: &mut Swarm<Behaviour>) {
        let dialled = swarm.network_info().connection_counters().num_established_outgoing() as usize;
        let open = dialled < DIALLED || !self.lookups.is_empty();
        *swarm.behaviour_mut().limits.limits_mut() = behaviour::limits(open);
    }

    /// Whether limits do not hold for `peer`.
    pub(super) fn favours(&self, peer: &PeerId) -> bool {
        self.bootstrap.contains_key(peer) || self.favoured.contains(peer)
    }

    /// Stays connected to these from now on, or to some of them if they are many. Returns the former list.
    pub(super) fn keep(&mut self, peers: Vec<PeerId>) -> Vec<PeerId> {
        self.kept = neighbours(self.me, peers.iter().copied().collect());
        std::mem::replace(&mut self.favoured, peers)
    }

    pub(super) fn is_connected(&self, peer: &PeerId) -> bool {
        self.connected.contains_key(peer)
    }

    pub(super) fn peers(&self) -> usize {
        self.connected.len()
    }

    pub(super) fn connected(&mut self, peer: PeerId, endpoint: &ConnectedPoint) {
        self.retries.remove(&peer);
        let (reach, now) = (Reach::of(endpoint.get_remote_address()), Instant::now());
        let since = self.connected.get(&peer).map_or(now, |link| link.since);
        self.connected.insert(peer, Link { reach, since, used: now });
    }

    /// Whether `peer` connects anew although we think it connected, and not because both dialled at once: it was
    /// started again, and the old connection is dead without our knowledge.
    pub(super) fn is_reborn(&self, peer: &PeerId) -> bool {
        self.connected.get(peer).is_some_and(|link| link.since.elapsed() > BOTH_DIALLED)
    }

    /// A request goes to or came from `peer`: that is a reason to stay connected.
    pub(super) fn used(&mut self, peer: &PeerId, now: Instant) {
        self.connected.get_mut(peer).into_iter().for_each(|link| link.used = now);
    }

    pub(super) fn disconnected(&mut self, peer: &PeerId) {
        self.connected.remove(peer);
    }

    /// Says which bootstrap address failed and why; it is tried again.
    pub(super) fn failed(&self, peer: &PeerId, error: &DialError) {
        match error {
            DialError::Transport(causes) if self.bootstrap.contains_key(peer) => {
                for (address, cause) in causes {
                    tracing::warn!(%address, %cause, "bootstrap address does not answer; trying again");
                }
            }
            error if self.bootstrap.contains_key(peer) => {
                tracing::warn!(%peer, %error, "bootstrap peer cannot be reached; trying again");
            }
            error => tracing::debug!(%peer, %error, "dial failed"),
        }
    }

    /// A peer is of another network: not again soon.
    pub(super) fn stranger(&mut self, peer: PeerId, its: &str, now: Instant) {
        if self.bootstrap.contains_key(&peer) {
            tracing::warn!(%peer, its, "bootstrap peer is on another network; check the genesis and the address");
        }
        let due = now + LAST_RETRY;
        self.retries.insert(peer, Backoff { wait: LAST_RETRY, due });
    }

    /// Learns a peer's addresses from itself.
    pub(super) fn identified(&mut self, swarm: &mut Swarm<Behaviour>, peer: PeerId, info: &identify::Info) {
        let kad = &mut swarm.behaviour_mut().kad;
        let speaks_kad = info.protocols.iter().any(|protocol| kad.protocol_names().contains(protocol));
        let Some(Link { reach, .. }) = self.connected.get(&peer).filter(|_| speaks_kad) else {
            return;
        };
        let useful = |address: &&Multiaddr| Reach::of(address) >= *reach;
        // QUIC serves lossy and long paths; within a machine it only costs twice TCP's memory.
        let local = |address: &&Multiaddr| *reach == Reach::Machine && is_tcp(address);
        let addresses = info.listen_addrs.iter().filter(useful);
        let tcp: Vec<&Multiaddr> = addresses.clone().filter(local).collect();
        let chosen = if tcp.is_empty() { addresses.collect() } else { tcp };
        for address in chosen.into_iter().take(ADDRESSES) {
            kad.add_address(&peer, address.clone());
        }
        // Kademlia looks for our nearest by itself. Gossip needs some that are not.
        if !std::mem::replace(&mut self.looked_around, true) {
            kad.get_closest_peers(PeerId::random());
        }
    }

    /// Addresses to dial `peer` at, beside those Kademlia adds; none if neither knows any.
    pub(super) fn addresses(&self, swarm: &mut Swarm<Behaviour>, peer: &PeerId) -> Option<Vec<Multiaddr>> {
        if let Some(addresses) = self.bootstrap.get(peer) {
            return Some(addresses.clone());
        }
        let key = kad::KBucketKey::from(*peer);
        let bucket = swarm.behaviour_mut().kad.kbucket(*peer)?;
        let known = bucket.iter().any(|entry| *entry.node.key == key);
        known.then(Vec::new)
    }

    /// Starts a search for `peer`, unless one or too many are under way.
    pub(super) fn locate(&mut self, swarm: &mut Swarm<Behaviour>, peer: PeerId) {
        let sought = self.lookups.values().any(|sought| *sought == peer);
        if !sought && self.lookups.len() < LOOKUPS {
            self.lookups.insert(swarm.behaviour_mut().kad.get_closest_peers(peer), peer);
            // Among peers who answer at once, the search is over before the next tick.
            self.gate(swarm);
        }
    }

    /// A search ended: whom it was for, and that peer's addresses.
    pub(super) fn located(
        &mut self,
        query: &kad::QueryId,
        found: Vec<kad::PeerInfo>,
    ) -> Option<(PeerId, Vec<Multiaddr>)> {
        let peer = self.lookups.remove(query)?;
        let info = found.into_iter().find(|info| info.peer_id == peer);
        Some((peer, info.map(|info| info.addrs).unwrap_or_default()))
    }

    /// Kept peers, the bootstrap peers and known ones while we are short of peers, if it is time to try them.
    fn wanted(&self, swarm: &mut Swarm<Behaviour>, now: Instant) -> Vec<PeerId> {
        let missing = |peer: &PeerId| !self.is_connected(peer) && *peer != self.me;
        let due = |peer: &PeerId| self.retries.get(peer).is_none_or(|retry| retry.due <= now);
        let mut wanted: Vec<PeerId> = self.kept.iter().copied().collect();
        let short = self.short_of(swarm);
        if short > 0 {
            wanted.extend(self.bootstrap.keys());
            let known =
                known(&mut swarm.behaviour_mut().kad).into_iter().filter(|peer| missing(peer) && due(peer));
            wanted.extend(known.sample(&mut rand::rng(), short));
        }
        wanted.retain(|peer| missing(peer) && due(peer));
        wanted
    }

    fn short_of(&self, swarm: &Swarm<Behaviour>) -> usize {
        let info = swarm.network_info();
        let counters = info.connection_counters();
        let pending = counters.num_pending_outgoing() as usize;
        let peers = PEERS.saturating_sub(self.peers() + pending);
        peers.max(DIALLED.saturating_sub(counters.num_established_outgoing() as usize + pending))
    }

    fn dial(&mut self, swarm: &mut Swarm<Behaviour>, peer: PeerId, now: Instant) {
        self.retries.entry(peer).or_insert_with(|| Backoff::new(FIRST_RETRY)).due(now, LAST_RETRY);
        let Some(addresses) = self.addresses(swarm, &peer) else {
            self.locate(swarm, peer);
            return;
        };
        // A QUIC dial into the void takes five seconds to fail; the next one need not wait for it.
        let options = DialOpts::peer_id(peer)
            .condition(PeerCondition::Disconnected)
            .addresses(addresses)
            .extend_addresses_through_behaviour();
        if let Err(error) = swarm.dial(options.build()) {
            tracing::debug!(%peer, %error, "did not dial");
        }
    }
}

/// A pause that doubles each time.
#[derive(Debug)]
pub(super) struct Backoff {
    wait: Duration,
    due: Instant,
}

impl Backoff {
    /// Due at once, then after `wait`.
    pub(super) fn new(wait: Duration) -> Self {
        Self { wait, due: Instant::now() }
    }

    /// Whether the pause is over; if so, the next begins.
    pub(super) fn due(&mut self, now: Instant, longest: Duration) -> bool {
        let due = self.due <= now;
        if due {
            self.due = now + self.wait;
            self.wait = (self.wait * 2).min(longest);
        }
        due
    }
}

/// A peer that we are connected to.
#[derive(Debug)]
struct Link {
    reach: Reach,
    since: Instant,
    /// Since when, or when we last asked one another something.
    used: Instant,
}

/// Everybody in the routing table.
fn known(kad: &mut kad::Behaviour<kad::store::MemoryStore>) -> Vec<PeerId> {
    kad.kbuckets()
        .flat_map(|bucket| bucket.iter().map(|entry| *entry.node.key.preimage()).collect::<Vec<_>>())
        .collect()
}

/// All of few; of many those 1, 2, 3, 4, 8, 16 … places after us in order, which links all within few steps.
fn neighbours(me: PeerId, mut peers: BTreeSet<PeerId>) -> BTreeSet<PeerId> {
    peers.remove(&me);
    if peers.len() <= KEPT {
        return peers;
    }
    let ring: Vec<PeerId> = peers.range(me..).chain(peers.range(..me)).copied().collect();
    let steps = [3].into_iter().chain((0..).map(|power| 1 << power).take_while(|step| *step <= ring.len()));
    steps.take(KEPT).map(|step| ring[step - 1]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_neighbours_link_all_validators() {
        let all: BTreeSet<PeerId> = (0..128).map(|_| PeerId::random()).collect();
        let first = *all.first().unwrap();
        let mut reached = BTreeSet::from([first]);
        for _ in 0..7 {
            let next: Vec<_> = reached.iter().flat_map(|peer| neighbours(*peer, all.clone())).collect();
            reached.extend(next);
        }
        assert_eq!(reached, all);
        assert!(neighbours(first, all).len() <= KEPT);
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let now = Instant::now();
        let mut backoff = Backoff { wait: FIRST_RETRY, due: now };
        assert!(backoff.due(now, LAST_RETRY));
        assert!(!backoff.due(now, LAST_RETRY));
        for _ in 0..10 {
            assert!(backoff.due(backoff.due, LAST_RETRY));
        }
        assert_eq!(backoff.wait, LAST_RETRY);
    }
}
