//! Neurons that answer a light client truly, falsely, or not at all.
use std::time::Duration;

use protocol::ledger::{Ledger, Shown};
use protocol::settlement::{Certified, Header};
use protocol::transaction::Coldkey;

use super::*;
use crate::role::bench::Bench;

/// Whatever takes longer has failed, even on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// A network of one validator, key 0, and one miner, key 1, that began a while ago and settled twice.
struct Chain {
    bench: Bench,
    first: Certified,
}

impl Chain {
    fn new() -> Self {
        Self::begun(clock::now_ms() - 100_000, 50_000)
    }

    /// In milliseconds since 1970; how many settlements what is trusted vouches for.
    fn begun(time: u64, trusting_period: u64) -> Self {
        let mut bench = Bench::new(1, 1);
        let rules = &mut bench.genesis.parameters;
        (rules.trusting_period, rules.unbonding) = (trusting_period, 60_000);
        bench.genesis.name = "public".to_owned();
        bench.genesis.time = time;
        bench.tip.0 = Ledger::new(&bench.genesis).unwrap();
        let first = bench.settle(&[]);
        bench.settle(&[]);
        Self { bench, first }
    }

    fn subject(&self) -> Subject {
        Subject::Stake(self.bench.keys[0].hotkey())
    }

    fn fact(&self) -> Option<Fact> {
        let (hotkey, ledger) = (self.bench.keys[0].hotkey(), &self.bench.tip.0);
        let stake = ledger.stake_of(&hotkey);
        Some(Fact::Stake { owner: Coldkey(hotkey), stake, shares: stake.0 })
    }

    /// What an honest neuron says.
    fn testimony(&self) -> Testimony {
        let (ledger, tip) = &self.bench.tip;
        let Certified { settlement, certificate } = tip.clone().unwrap();
        let skip = Skip {
            parent: Some(self.first.settlement.header.clone()),
            header: settlement.header,
            certificate,
            validators: ledger.previous_validators().clone(),
            next: ledger.validators().clone(),
        };
        Testimony { skip: Some(skip), shown: vec![ledger.tree().show(&self.subject())] }
    }

    /// A header as its author likes it, certified by all.
    fn certified(&self, change: impl Fn(&mut Header)) -> Testimony {
        let mut settlement = self.bench.tip.1.clone().unwrap().settlement;
        change(&mut settlement.header);
        let Certified { settlement, certificate } = self.bench.certify(settlement);
        let mut testimony = self.testimony();
        let skip = testimony.skip.as_mut().unwrap();
        (skip.header, skip.certificate) = (settlement.header, certificate);
        testimony
    }

    /// Where a neuron with this key answers every inquiry so.
    async fn witness(&self, key: usize, response: Vec<u8>) -> String {
        let config = network::Config {
            keypair: self.bench.keys[key].clone(),
            genesis: self.bench.genesis.hash(),
            listen: Listen { ip: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 0 },
            bootstrap: Vec::new(),
            known: Vec::new(),
            topics: Vec::new(),
        };
        let (network, mut events) = network::spawn(config).unwrap();
        let address = network.listening().await.pop().unwrap();
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Event::Asked { ticket, .. } = event {
                    network.respond(ticket, response.clone()).unwrap();
                }
            }
        });
        address
    }

    async fn ask(&self, witnesses: Vec<String>, checkpoint: Option<Checkpoint>) -> Result<Proven, Error> {
        let mut client = Client::join(&self.bench.genesis, witnesses, checkpoint)?;
        tokio::time::timeout(DEADLINE, client.prove(&[self.subject()])).await.unwrap()
    }
}

fn encode(testimony: Testimony) -> Vec<u8> {
    codec::encode(&Response::Testimony(Box::new(testimony)))
}

/// The one validator lies so: it is named, and why it is not believed.
async fn refuses(response: impl Fn(&Chain) -> Vec<u8>, why: &str) {
    let chain = Chain::new();
    let liar = chain.witness(0, response(&chain)).await;
    let error = chain.ask(vec![liar], None).await.unwrap_err().to_string();
    let name = chain.bench.keys[0].hotkey().to_string();
    assert!(error.contains(&name) && error.contains(why) && !error.contains('\n'), "{error}");
}

#[tokio::test]
async fn what_is_proven_is_believed() {
    let chain = Chain::new();
    let witness = chain.witness(0, encode(chain.testimony())).await;
    let proven = chain.ask(vec![witness], None).await.unwrap();
    assert_eq!((proven.light.trusted().height, &proven.facts), (2, &vec![chain.fact()]));
    assert_eq!(proven.peers, [chain.bench.keys[0].hotkey()]);
}

#[tokio::test]
async fn who_lies_is_named() {
    let change = |change: fn(&mut Testimony)| {
        move |chain: &Chain| {
            let mut testimony = chain.testimony();
            change(&mut testimony);
            encode(testimony)
        }
    };
    let skip = |edit: fn(&mut Skip)| {
        move |chain: &Chain| {
            let mut testimony = chain.testimony();
            edit(testimony.skip.as_mut().unwrap());
            encode(testimony)
        }
    };
    let richer = |testimony: &mut Testimony| {
        let Shown::Entry(entry) = &mut testimony.shown[0] else { panic!("an entry") };
        *entry.leaf.last_mut().unwrap() ^= 1;
    };
    refuses(change(richer), "is not in the ledger").await;
    refuses(change(|testimony| testimony.shown.clear()), "does not show what was asked").await;
    refuses(change(|testimony| testimony.skip = None), "is not in the ledger").await;
    refuses(skip(|skip| skip.header.state_root.leaves += 1), "certificate is for another").await;
    refuses(skip(|skip| skip.certificate.signatures.clear()), "more than two thirds").await;
    refuses(skip(|skip| skip.certificate.signatures[0].1.0[3] ^= 1), "bad precommit").await;
    refuses(skip(|skip| skip.validators = Default::default()), "set is not the one").await;
    refuses(skip(|skip| skip.next = Default::default()), "next set is not the one").await;
    refuses(|_| vec![0xc1; 100], "its answer is none").await;
    refuses(|_| codec::encode(&Response::Declined), "cannot lead to that header").await;
    refuses(|chain| encode(chain.certified(|header| header.time += 1_000_000_000)), "its time").await;
}

#[tokio::test]
async fn one_honest_neuron_among_liars_is_enough() {
    let chain = Chain::new();
    let mut forged = chain.testimony();
    forged.skip.as_mut().unwrap().certificate.signatures.clear();
    let liar = chain.witness(1, encode(forged)).await;
    let honest = chain.witness(0, encode(chain.testimony())).await;
    let proven = chain.ask(vec![liar, honest], None).await.unwrap();
    assert_eq!(proven.facts, [chain.fact()]);
    let [Fault { peer, reason: Reason::Doubted(_) }] = proven.faults[..] else {
        panic!("{:?}", proven.faults)
    };
    assert_eq!(peer, chain.bench.keys[1].hotkey());
}

#[tokio::test]
async fn two_certified_headers_at_one_height_are_an_alarm() {
    let chain = Chain::new();
    let one = chain.witness(0, encode(chain.testimony())).await;
    let other = chain.witness(1, encode(chain.certified(|header| header.time += 1))).await;
    let error = chain.ask(vec![one, other], None).await.unwrap_err();
    assert!(matches!(error, Error::Fork { height: 2, .. }), "{error}");
}

#[tokio::test]
async fn what_is_too_old_needs_a_checkpoint_that_is_the_header_s() {
    let chain = Chain::begun(clock::now_ms() - 1_000_000, 30);
    let witness = chain.witness(0, encode(chain.testimony())).await;
    let ask = |checkpoint| chain.ask(vec![witness.clone()], checkpoint);
    let error = ask(None).await.unwrap_err().to_string();
    assert!(error.contains("--checkpoint HEIGHT:HASH") && error.contains("neuron metagraph"), "{error}");
    let header = chain.testimony().skip.unwrap().header;
    let checkpoint = Checkpoint { height: 2, hash: header.hash() };
    assert_eq!(ask(Some(checkpoint)).await.unwrap().facts, [chain.fact()]);
    let other = Checkpoint { height: 1, hash: chain.first.settlement.header.hash() };
    let error = ask(Some(other)).await.unwrap_err().to_string();
    assert!(error.contains("the checkpoint says 1:"), "{error}");
}
