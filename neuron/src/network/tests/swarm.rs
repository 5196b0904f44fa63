//! Many neurons that know one address.
use std::collections::BTreeMap;
use std::time::Instant;

use super::*;

/// `count` neurons that pass on all they hear, and who heard which message.
struct Swarm {
    start: Instant,
    networks: Vec<Network>,
    heard: mpsc::UnboundedReceiver<Vec<u8>>,
}

impl Swarm {
    async fn start(count: u8) -> Self {
        let start = Instant::now();
        let (hearing, heard) = mpsc::unbounded_channel();
        let mut networks: Vec<Network> = Vec::new();
        for seed in 1..=count {
            let known = match networks.first() {
                Some(first) => first.listening().await[..1].to_vec(),
                None => vec![],
            };
            let mut node = Node::new(seed, &known);
            networks.push(node.network.clone());
            let hearing = hearing.clone();
            tokio::spawn(async move {
                while let Some(event) = node.events.recv().await {
                    let heard = match event {
                        Event::Gossip { id, bytes, .. } => {
                            node.network.judge(id, Verdict::Accept).unwrap();
                            bytes
                        }
                        Event::Asked { ticket, bytes, .. } => {
                            node.network.respond(ticket, bytes).unwrap();
                            continue;
                        }
                        Event::Responded { result, .. } => result.unwrap(),
                    };
                    let _ = hearing.send(heard);
                }
            });
        }
        Self { start, networks, heard }
    }

    /// The last neuron speaks until all others have heard the same message: which it was, and after how long.
    async fn gossip(&mut self) -> (u8, Duration) {
        let mut speaking = tokio::time::interval(Duration::from_millis(50));
        let (mut number, mut heard) = (0, BTreeMap::new());
        loop {
            tokio::select! {
                _ = speaking.tick() => {
                    self.networks.last().unwrap().publish(Topic::Inputs, vec![number]).unwrap();
                    number += 1;
                }
                Some(bytes) = self.heard.recv() => {
                    let ears: &mut usize = heard.entry(bytes[0]).or_default();
                    *ears += 1;
                    if *ears == self.networks.len() - 1 {
                        return (bytes[0], self.start.elapsed());
                    }
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_neurons_that_know_one_address_all_hear_one_message() {
    let mut swarm = Swarm::start(10).await;
    let (number, elapsed) = within(swarm.gossip()).await;
    eprintln!("all ten heard message {number} after {elapsed:?}");
}

/// Prints figures: `cargo test -p neuron --no-default-features -- --ignored --nocapture sixty_four`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn sixty_four_neurons_meet_without_knowing_everybody() {
    let (before, processor) = (resident(), processor_time());
    let mut swarm = Swarm::start(64).await;
    eprintln!("all started after {:?}", swarm.start.elapsed());
    let (number, elapsed) = within(swarm.gossip()).await;
    let spent = processor_time() - processor;
    eprintln!("all heard message {number} after {elapsed:?}, {spent} ms of processor time");
    let asking = Instant::now();
    for (asker, asked) in [(3, 50), (20, 41), (63, 8), (5, 33), (12, 60), (31, 30), (44, 13), (57, 26)] {
        let asked = swarm.networks[asked].hotkey();
        swarm.networks[asker].ask(asked, 0, b"who are you?".to_vec()).unwrap();
    }
    let mut answers = 0;
    while answers < 8 {
        if within(swarm.heard.recv()).await.unwrap() == b"who are you?" {
            answers += 1;
            eprintln!("a stranger answered after {:?}", asking.elapsed());
        }
    }
    eprintln!("eight questions to strangers answered after {:?}", asking.elapsed());
    for _ in 0..6 {
        let mut peers: Vec<usize> = swarm.networks.iter().map(|network| network.status().peers).collect();
        peers.sort_unstable();
        let memory = (resident() - before) / swarm.networks.len();
        eprintln!("peers min {} median {} max {}; {memory} KiB each", peers[0], peers[32], peers[63]);
        tokio::time::sleep(Duration::from_secs(15)).await;
    }
}

/// Resident memory of this process, in KiB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim_end_matches("kB").trim().parse().unwrap()
}

/// Processor time of this process so far, in milliseconds.
fn processor_time() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<u64> = stat.split(' ').skip(13).take(2).map(|field| field.parse().unwrap()).collect();
    (fields[0] + fields[1]) * 10
}
