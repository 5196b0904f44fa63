//! Names and addresses: hotkeys as peer ids, and how far an address reaches.
use std::net::IpAddr;

use crypto::Hotkey;
use libp2p::PeerId;
use libp2p::multiaddr::{Multiaddr, Protocol};

/// Ed25519 keys are their own peer ids: these bytes (identity multihash, protobuf, key type), then the key.
const PEER_ID: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// The libp2p name of a hotkey.
pub(super) fn peer(hotkey: &Hotkey) -> PeerId {
    let bytes = [PEER_ID.as_slice(), &hotkey.0].concat();
    PeerId::from_bytes(&bytes).expect("six fixed bytes and a key are a peer id")
}

/// The hotkey that a peer id contains; none if it is of another kind of key.
pub(super) fn hotkey(peer: &PeerId) -> Option<Hotkey> {
    let key = peer.to_bytes().strip_prefix(&PEER_ID).map(<[u8; 32]>::try_from)?.ok()?;
    Some(Hotkey(key))
}

/// The peer and the rest of an address that ends in `/p2p/PEER`.
pub(super) fn parse(text: &str) -> Option<(PeerId, Multiaddr)> {
    let mut address: Multiaddr = text.parse().ok()?;
    match address.pop()? {
        Protocol::P2p(peer) if !address.is_empty() => Some((peer, address)),
        _ => None,
    }
}

/// Whether it is TCP.
pub(super) fn is_tcp(address: &Multiaddr) -> bool {
    address.iter().any(|part| matches!(part, Protocol::Tcp(_)))
}

/// From how far away an address can be reached. Whom we meet far away does not send us to our own loopback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    Nowhere,
    Machine,
    Site,
    World,
}

impl Reach {
    pub(super) fn of(address: &Multiaddr) -> Self {
        if address.iter().any(|part| part == Protocol::P2pCircuit) {
            return Self::Nowhere;
        }
        match address.iter().next() {
            Some(Protocol::Ip4(ip)) => Self::of_ip(ip.into()),
            Some(Protocol::Ip6(ip)) => Self::of_ip(ip.into()),
            Some(Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_) | Protocol::Dnsaddr(_)) => {
                Self::World
            }
            _ => Self::Nowhere,
        }
    }

    fn of_ip(ip: IpAddr) -> Self {
        let site = match ip {
            IpAddr::V4(ip) => ip.is_private() || ip.is_link_local(),
            IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
        };
        match ip {
            ip if ip.is_unspecified() || ip.is_multicast() => Self::Nowhere,
            ip if ip.is_loopback() => Self::Machine,
            _ if site => Self::Site,
            _ => Self::World,
        }
    }
}

#[cfg(test)]
mod tests {
    use crypto::Keypair;

    use super::*;

    #[test]
    fn a_hotkey_is_its_peer_id() {
        let pair = Keypair::from_seed([7; 32]);
        let identity = libp2p::identity::Keypair::ed25519_from_bytes(pair.seed()).unwrap();
        assert_eq!(peer(&pair.hotkey()), identity.public().to_peer_id());
        assert_eq!(hotkey(&peer(&pair.hotkey())), Some(pair.hotkey()));
        assert_eq!(hotkey(&PeerId::random()), None);
    }

    #[test]
    fn a_bootstrap_address_names_its_peer() {
        let peer = PeerId::random();
        let (found, address) = parse(&format!("/ip4/127.0.0.1/tcp/4000/p2p/{peer}")).unwrap();
        assert_eq!((found, address.to_string()), (peer, "/ip4/127.0.0.1/tcp/4000".to_owned()));
        for bad in ["", "/ip4/127.0.0.1/tcp/4000", "127.0.0.1:4000", &format!("/p2p/{peer}")] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn addresses_are_as_wide_as_their_network() {
        let check = |text: &str, reach| assert_eq!(Reach::of(&text.parse().unwrap()), reach, "{text}");
        check("/ip4/127.0.0.1/tcp/1", Reach::Machine);
        check("/ip6/::1/udp/1/quic-v1", Reach::Machine);
        check("/ip4/192.168.1.4/tcp/1", Reach::Site);
        check("/ip4/8.8.8.8/tcp/1", Reach::World);
        check("/dns4/neuron.example/tcp/1", Reach::World);
        check("/ip4/0.0.0.0/tcp/1", Reach::Nowhere);
        check("/memory/4", Reach::Nowhere);
    }
}
