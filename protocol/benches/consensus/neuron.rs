//! A validator as a neuron runs it, without disk, sockets and inputs: messages are decoded and verified, drafts judged,
//! and what is decided is checked before it is entered.
use std::collections::BTreeMap;

use crypto::{Hash, Keypair};
use protocol::codec::encode;
use protocol::consensus::vote::{Draft, Vote};
use protocol::consensus::{Engine, LinearTimeouts, Output, Speech, Step};
use protocol::genesis::GenesisNeuron;
use protocol::head::{Head, Judged};
use protocol::message::{Heard, Message};
use protocol::settlement::{Certificate, Certified, Inputs};
use protocol::subnet::Netuid;
use protocol::telling::{Telling, Words};
use protocol::transaction::Coldkey;
use protocol::{Amount, Genesis, Ledger, Signed, Verified};

use super::network::{Packet, Validator};

/// A validator of our network.
pub(crate) struct Neuron {
    keypair: Keypair,
    genesis: Hash,
    head: Head,
    engine: Engine,
    drafts: BTreeMap<Hash, Judged>,
}

/// All validators of a network.
pub(crate) fn network(keys: &[Keypair]) -> Vec<Neuron> {
    let ledger = Ledger::new(&genesis(keys)).expect("a sound genesis");
    keys.iter().map(|key| Neuron::new(key, ledger.clone())).collect()
}

fn genesis(keys: &[Keypair]) -> Genesis {
    let neuron = |key: &Keypair| GenesisNeuron {
        netuid: Netuid(1),
        hotkey: key.hotkey(),
        coldkey: Coldkey(key.hotkey()),
        stake: Amount::coins(1_000),
        settles: true,
        permit: false,
    };
    Genesis::dev(1_000, keys.iter().map(neuron).collect())
}

impl Neuron {
    fn new(keypair: &Keypair, ledger: Ledger) -> Self {
        let (genesis, set) = (ledger.genesis(), ledger.validators().clone());
        Self {
            keypair: keypair.clone(),
            genesis,
            head: Head::new(ledger, None),
            engine: Engine::new(keypair.clone(), genesis, set, LinearTimeouts::default()),
            drafts: BTreeMap::new(),
        }
    }

    /// Timers are left aside: nothing is late here.
    fn carry_out(&mut self, step: Step) -> Vec<Packet> {
        let mut packets = Vec::new();
        for output in step.outputs {
            match output {
                Output::Send(speech) => packets.push(self.tell(speech)),
                Output::Build { round } => packets.extend(self.propose(round)),
                Output::Decided(certificate) => packets.extend(self.decided(certificate)),
                Output::Accuse(_) | Output::Refused(_) | Output::Halt(_) => panic!("{output:?}"),
                _ => {}
            }
        }
        packets
    }

    fn tell(&self, speech: Speech) -> Packet {
        let telling = Telling { told: self.head.parent().1, speech };
        packet(&Message::Telling(Box::new(
            Signed::author(&self.keypair, &self.genesis, telling).into_signed(),
        )))
    }

    fn propose(&mut self, round: u32) -> Vec<Packet> {
        let judged = self.head.draft(self.head.ledger.clone(), Inputs::default(), 0, round);
        let settlement = judged.settlement.clone();
        let (height, hash) = (settlement.header.height, settlement.header.hash());
        self.drafts.insert(hash, judged);
        let draft = Signed::author(&self.keypair, &self.genesis, Draft { round, settlement });
        let step = self.engine.propose(height, round, hash);
        let told = packet(&Message::Draft(Box::new(draft.into_signed())));
        [vec![told], self.carry_out(step)].concat()
    }

    fn drafted(&mut self, draft: &Verified<Draft>) -> Vec<Packet> {
        let judged = self.head.judge(draft.settlement.clone(), u64::MAX).expect("a sound draft");
        let header = &draft.settlement.header;
        let (height, hash) = (header.height, header.hash());
        self.drafts.insert(hash, judged);
        let step = self.engine.judged(height, draft.round, draft.signer(), hash, true);
        self.carry_out(step)
    }

    fn spoken(&mut self, words: Words) -> Vec<Packet> {
        match words {
            Words::Votes(votes) => votes.into_iter().flat_map(|vote| self.voted(vote)).collect(),
            Words::Proposal(proposal) => {
                let step = self.engine.proposal(*proposal);
                self.carry_out(step)
            }
            Words::Polka(_) | Words::Skip(_) => panic!("nobody is late here"),
        }
    }

    /// A vote on what is settled already only shows who was there.
    fn voted(&mut self, vote: Verified<Vote>) -> Vec<Packet> {
        if vote.height() > self.head.ledger.height() {
            let step = self.engine.vote(vote);
            return self.carry_out(step);
        }
        let tip = self.head.tip.as_mut().expect("something is settled");
        tip.certificate.add(&vote);
        Vec::new()
    }

    fn decided(&mut self, certificate: Certificate) -> Option<Packet> {
        let judged = self.drafts.remove(&certificate.header).expect("judged before it was voted for");
        let proposer = judged.settlement.header.proposer;
        let certified = Certified { settlement: judged.settlement, certificate };
        self.head.check(&certified).expect("decided");
        self.drafts.clear();
        self.head.advance(judged.ledger, certified.clone());
        let told = || packet(&Message::Settled(Box::new(certified)));
        (proposer == self.keypair.hotkey()).then(told)
    }

    /// Whether a settlement that is told goes further: it is checked again, as its relayer may have forged it.
    fn settled_by_others(&self, certified: &Certified) {
        let set = self.head.ledger.previous_validators();
        certified.check(&self.genesis, set).expect("decided");
    }
}

impl Validator for Neuron {
    fn begin(&mut self) -> Vec<Packet> {
        let height = self.head.ledger.height() + 1;
        let step = self.engine.start(height, self.head.ledger.validators().clone(), &[]);
        self.carry_out(step)
    }

    fn hear(&mut self, (topic, bytes): &Packet) -> Vec<Packet> {
        let message = Message::decode(*topic, bytes).expect("encoded by us");
        match message.verify(&self.genesis).expect("signed by us") {
            Heard::Telling(words) => self.spoken(words),
            Heard::Draft(draft) => self.drafted(&draft),
            Heard::Settled(certified) => {
                self.settled_by_others(&certified);
                Vec::new()
            }
            _ => panic!("nobody says anything else"),
        }
    }

    fn settled(&self) -> u64 {
        self.head.ledger.height()
    }
}

fn packet(message: &Message) -> Packet {
    (message.topic(), encode(message).into())
}
