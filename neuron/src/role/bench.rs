//! A small network in hand, for tests: everybody's keys, and settlements that all validators certify.
use crypto::Keypair;
use protocol::consensus::vote::{Ballot, Vote};
use protocol::genesis::{Genesis, GenesisNeuron};
use protocol::ledger::Ledger;
use protocol::message::{Heard, Message};
use protocol::settlement::{Certificate, Certified, Settlement};
use protocol::subnet::Netuid;
use protocol::transaction::Coldkey;
use protocol::{Amount, Payload, Signed, Verified};

use super::{Effect, Input, Moment, Recovered, Role, Settled, Settler, Timer};

/// The one subnet.
pub(crate) const NETUID: Netuid = Netuid(1);

/// When the network begins, in milliseconds since 1970.
const BEGINNING: u64 = 1_000_000;

/// Who makes up the network, validators first.
pub(crate) struct Bench {
    pub(crate) genesis: Genesis,
    pub(crate) keys: Vec<Keypair>,
    validators: usize,
    /// The ledger at the last settlement and that settlement.
    pub(crate) tip: (Ledger, Option<Certified>),
}

impl Bench {
    /// Validators of equal stake, and miners.
    pub(crate) fn new(validators: u8, miners: u8) -> Self {
        let keys: Vec<_> = (0..validators + miners).map(|n| Keypair::from_seed([n + 1; 32])).collect();
        let neuron = |(n, key): (usize, &Keypair)| neuron(key, n < usize::from(validators));
        let mut genesis = Genesis::dev(BEGINNING, keys.iter().enumerate().map(neuron).collect());
        genesis.subnets[0].task = "sums".to_owned();
        let tip = (Ledger::new(&genesis).expect("the genesis is sound"), None);
        Self { genesis, keys, validators: validators.into(), tip }
    }

    pub(crate) fn author<T: Payload>(&self, key: usize, payload: T) -> Verified<T> {
        Signed::author(&self.keys[key], &self.genesis.hash(), payload)
    }

    /// The settler of a key, at the tip.
    pub(crate) fn settler(&self, key: usize) -> Settler {
        let (ledger, tip) = self.tip.clone();
        self.recovered(key, Recovered { ledger: Some(ledger), tip, ..Recovered::default() })
    }

    pub(crate) fn recovered(&self, key: usize, recovered: Recovered) -> Settler {
        let genesis = Ledger::new(&self.genesis).expect("the genesis is sound");
        Settler::new(self.keys[key].clone(), genesis, recovered)
    }

    /// Long after whatever was settled last, so that the next is due.
    pub(crate) fn moment(&self) -> Moment {
        Moment { now: self.tip.0.time() + 10_000, ..moment() }
    }

    /// Whose turn it is to propose the next settlement, in round 0.
    pub(crate) fn proposer(&self) -> usize {
        let proposer = self.tip.0.validators().proposer(self.tip.0.height() + 1, 0);
        self.keys.iter().position(|key| key.hotkey() == proposer).expect("a validator's key is here")
    }

    /// What the next proposer drafts after having heard `inputs`.
    pub(crate) fn draft(&self, inputs: &[Heard]) -> Settlement {
        let mut settler = self.settler(self.proposer());
        settler.handle(self.moment(), &Input::Started);
        for input in inputs {
            settler.handle(self.moment(), &Input::Told(input.clone()));
        }
        let effects = flat(settler.handle(self.moment(), &Input::Elapsed(Timer::NextHeight)));
        let mut drafts = effects.into_iter().filter_map(|effect| match effect {
            Effect::Tell(message) => match *message {
                Message::Draft(draft) => draft.verify(&self.genesis.hash()).ok(),
                _ => None,
            },
            _ => None,
        });
        drafts.next().expect("the proposer has its turn").settlement.clone()
    }

    /// A settlement with the precommits of all validators.
    pub(crate) fn certify(&self, settlement: Settlement) -> Certified {
        let (height, header) = (settlement.header.height, settlement.header.hash());
        let precommit = |n: usize| {
            let hotkey = self.keys[n].hotkey();
            let vote = Vote::of(Ballot::Precommit, height, 0, Some(header), hotkey);
            (hotkey, self.author(n, vote).signed().signature())
        };
        let mut signatures: Vec<_> = (0..self.validators).map(precommit).collect();
        signatures.sort_unstable();
        Certified { settlement, certificate: Certificate { height, round: 0, header, signatures } }
    }

    /// Settles what the next proposer drafts.
    pub(crate) fn settle(&mut self, inputs: &[Heard]) -> Certified {
        let certified = self.certify(self.draft(inputs));
        let heard = Input::Told(Heard::Settled(Box::new(certified.clone())));
        let settled = settled(&self.settler(0).handle(self.moment(), &heard)).expect("it holds every rule");
        self.tip = (settled.ledger.clone(), Some(certified.clone()));
        certified
    }
}

/// What is settled by these effects, if anything.
pub(crate) fn settled(effects: &[Effect]) -> Option<std::sync::Arc<Settled>> {
    flat(effects.to_vec()).into_iter().find_map(|effect| match effect {
        Effect::Settle(settled) => Some(settled),
        _ => None,
    })
}

/// The effects with those that wait for a write.
pub(crate) fn flat(effects: Vec<Effect>) -> Vec<Effect> {
    let inner = |effect| match effect {
        Effect::Persist(persist) => flat(persist.then),
        effect => vec![effect],
    };
    effects.into_iter().flat_map(inner).collect()
}

pub(crate) fn moment() -> Moment {
    Moment { now: BEGINNING + 10_000, seed: crypto::Hash([9; 32]) }
}

fn neuron(key: &Keypair, settles: bool) -> GenesisNeuron {
    let (hotkey, coldkey) = (key.hotkey(), Coldkey(key.hotkey()));
    let stake = if settles { Amount::coins(1_000) } else { Amount::ZERO };
    GenesisNeuron { netuid: NETUID, hotkey, coldkey, stake, settles, permit: settles }
}
