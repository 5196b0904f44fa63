//! Peers that send garbage.
use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, StreamProtocol, Swarm, SwarmBuilder, gossipsub, noise, tcp, yamux};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

/// Writes the request as it is, on any protocol.
#[derive(Clone, Default)]
struct Raw;

impl request_response::Codec for Raw {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, _: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut bytes = Vec::new();
        io.read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, bytes: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&bytes).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, _: &mut T, _: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        Ok(())
    }
}

fn swarm<B: libp2p::swarm::NetworkBehaviour>(behaviour: B) -> Swarm<B> {
    SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|_| behaviour)
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(DEADLINE))
        .build()
}

/// Sends `bytes` on `protocol` to the neuron at `address` until it has shut the stream.
async fn send(protocol: &str, address: &Multiaddr, peer: &Hotkey, bytes: Vec<u8>) {
    let protocol =
        StreamProtocol::try_from_owned(format!("{}{protocol}", behaviour::network(&GENESIS))).unwrap();
    let behaviour: request_response::Behaviour<Raw> =
        request_response::Behaviour::new([(protocol, ProtocolSupport::Outbound)], Default::default());
    let mut swarm = swarm(behaviour);
    let peer = address::peer(peer);
    swarm.behaviour_mut().send_request_with_addresses(&peer, bytes, vec![address.clone()]);
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::Behaviour(request_response::Event::OutboundFailure { error, .. }) => {
                assert!(matches!(error, request_response::OutboundFailure::Io(_)), "{error}");
                return;
            }
            SwarmEvent::Behaviour(_) => return,
            _ => {}
        }
    }
}

#[tokio::test]
async fn garbage_on_any_protocol_does_not_stop_the_loop() {
    let echo = Node::new(1, &[]).echo();
    let known = echo.listening().await;
    let tcp: Multiaddr = known.iter().find(|address| address.contains("/tcp/")).unwrap().parse().unwrap();
    for protocol in ["/ask/1", "/kad/1", "/meshsub/1.1.0", "/meshsub/1.0.0"] {
        for garbage in [vec![0xff; 4], vec![0xff; 100_000], b"\x08\x00\x00\x00cut".to_vec()] {
            within(send(protocol, &tcp, &echo.hotkey(), garbage)).await;
        }
    }
    until(|| echo.counters()["request_malformed"] == 3).await;
    let mut asker = Node::new(2, &known);
    assert_eq!(asker.ask(&echo, b"still there?").await, Ok(b"still there?".to_vec()));
}

#[tokio::test]
async fn garbage_on_the_port_does_not_stop_the_loop() {
    let listen = Listen::on_loopback().unwrap();
    let echo = Node::start(Config { listen, ..Node::config(1, &[]) }).echo();
    let known = echo.listening().await;
    for garbage in [vec![0xff; 100], vec![0; 100_000], b"GET / HTTP/1.1\r\n\r\n".to_vec()] {
        let mut stream = tokio::net::TcpStream::connect((listen.ip, listen.port)).await.unwrap();
        let _ = (stream.write_all(&garbage).await, stream.shutdown().await);
        let _ = within(stream.read_to_end(&mut Vec::new())).await;
        let datagrams = tokio::net::UdpSocket::bind((listen.ip, 0)).await.unwrap();
        datagrams.send_to(&garbage[..garbage.len().min(1200)], (listen.ip, listen.port)).await.unwrap();
    }
    until(|| echo.counters()["connection_refused"] >= 3).await;
    let mut asker = Node::new(2, &known);
    assert_eq!(asker.ask(&echo, b"still there?").await, Ok(b"still there?".to_vec()));
}

#[tokio::test]
async fn only_accepted_gossip_goes_further() {
    let mut relay = Node::new(1, &[]);
    let known = relay.network.listening().await;
    let mut listener = swarm(gossip::gossipsub(&behaviour::network(&GENESIS), &[Topic::Inputs]).unwrap());
    let tcp = known.iter().find(|address| address.contains("/tcp/")).unwrap();
    listener.dial(tcp.parse::<Multiaddr>().unwrap()).unwrap();
    let author = Node::new(2, &known);
    let (hearing, mut heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            match listener.select_next_some().await {
                SwarmEvent::Behaviour(gossipsub::Event::Message { message, .. }) => {
                    hearing.send(message.data).unwrap();
                }
                SwarmEvent::Behaviour(gossipsub::Event::Subscribed { .. }) => hearing.send(vec![]).unwrap(),
                _ => {}
            }
        }
    });
    for _ in Topic::ALL {
        assert_eq!(within(heard.recv()).await.unwrap(), b"", "the relay subscribes to every topic");
    }
    let said: [(&[u8], Option<Verdict>); 4] = [
        (b"rejected", Some(Verdict::Reject)),
        (b"ignored", Some(Verdict::Ignore)),
        (b"unjudged", None),
        (b"accepted", Some(Verdict::Accept)),
    ];
    for (bytes, verdict) in said {
        author.network.publish(Topic::Inputs, bytes.to_vec()).unwrap();
        let Event::Gossip { id, from, topic, .. } = relay.next().await else { panic!("expected gossip") };
        assert_eq!((from, topic), (author.network.hotkey(), Topic::Inputs));
        verdict.into_iter().for_each(|verdict| relay.network.judge(id, verdict).unwrap());
    }
    assert_eq!(within(heard.recv()).await.unwrap(), b"accepted");
}
