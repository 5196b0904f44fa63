//! The story: hear one input, ask the roles, carry out their effects.

mod claim;
mod config;
pub(crate) mod desk;
mod disk;
mod error;
mod gate;
mod hands;
mod newcomer;
mod past;
mod prover;
pub(crate) mod recovery;
mod snapshots;
mod view;
mod witnesses;

use std::collections::VecDeque;

use crypto::{Hash, hash};
use protocol::head::Head;
use protocol::ledger::{Counted, Ledger};
use protocol::message::Message;
use protocol::subnet::Netuid;
use storage::Store;
use tokio::sync::{mpsc, oneshot, watch};

use crate::behaviour::{Conduct, Keys, Roles};
use crate::clock;
use crate::network::Network;
use crate::role::{Effect, Input, Moment, Poll, Role, Settler};

use self::desk::Desk;
use self::disk::Disk;
use self::gate::{Arrival, Tally};
use self::hands::{Hands, Next};
use self::past::Past;
use self::prover::Prover;
use self::recovery::Remembered;
use self::witnesses::Witnesses;

pub(crate) use self::config::may_behave;
pub use self::config::{Conditions, Config, Duty, History};
pub use self::error::Error;
pub(crate) use self::gate::{Request, Response};
pub use self::past::Error as PastError;
pub use self::view::View;

/// Inputs waiting for the roles; when full, requests are refused and gossip is dropped.
const ARRIVALS: usize = 1024;

/// A neuron that has read its memory and listens.
pub struct Neuron {
    roles: Roles,
    keys: Keys,
    netuid: Netuid,
    /// Its subnet was not founded when it started: it follows the ledger until then.
    waits: bool,
    /// How far it has come.
    head: Head,
    arrivals: mpsc::Receiver<Arrival>,
    hands: Hands,
    conditions: watch::Receiver<Conditions>,
    seed: Hash,
    heard: u64,
}

/// What others hold of a neuron: its view, and a way to ask it things.
#[derive(Clone)]
pub struct Handle {
    view: watch::Receiver<View>,
    arrivals: mpsc::Sender<Arrival>,
    network: Network,
    disk: disk::Reader,
    past: Past,
    refused: Tally,
    allows_adversaries: bool,
    conduct: watch::Sender<Option<Conduct>>,
    conditions: watch::Sender<Conditions>,
}

impl Neuron {
    /// Reads its memory, joins the network, and is ready to run.
    pub async fn start(config: Config) -> Result<(Self, Handle), Error> {
        config.check()?;
        let genesis = Head::new(Ledger::new(&config.genesis)?, None);
        let mut store = Store::open(&config.dir)?;
        let id = genesis.ledger.genesis();
        let (network, mut events, conditions) = config.join(id, store.peers()?)?;
        let remembered = recovery::recover(&mut store, &config.dir, &genesis, config.checkpoint)?;
        let remembered =
            newcomer::join(&config, &genesis, &mut store, remembered, (&network, &mut events)).await?;
        let Remembered { mut recovered, earliest, memory } = remembered;
        let ledger = recovered.ledger.clone().unwrap_or_else(|| genesis.ledger.clone());
        recovered.trust.period = config.genesis.trusting_period();
        if config.vote_anew {
            recovered.vote_anew();
        }
        if recovered.trust.checkpoint.is_none()
            && config.checkpoint.is_some_and(|it| it.height == ledger.height())
        {
            recovered.trust.vouched = clock::now_ms();
        }
        let waits = config.works() && ledger.epoch(config.netuid).is_none();
        let task = config.task(&ledger).ok();
        let settlers = ledger.validators().clone();

        let (arrive, arrivals) = mpsc::channel(ARRIVALS);
        let report = gate::model_events(arrive.clone());
        let model = task.map(|task| config.model(task, report)).transpose()?.flatten();
        let snapshots = store.snapshots().clone();
        let disk = Disk::spawn(Desk::new(store), network.clone(), config.history);
        let refused = Tally::default();
        let past = Past::new(disk.0.reader(), snapshots, earliest);
        let prover = Prover::spawn(disk.0.reader(), past.clone(), network.clone());
        let word = (Witnesses::new(config.history.snapshots, config.begun_anew), refused.clone());
        let allows_adversaries = config.genesis.allows_adversaries();
        let place = (id, allows_adversaries);
        let (gate, pending) = gate::Gate::new(place, network.clone(), arrive.clone(), prover, word);
        let (show, view) = watch::channel(View::new(&config, &ledger));
        tokio::spawn(past.known().follow(view.clone()));
        let handle = Handle {
            view,
            arrivals: arrive,
            network: network.clone(),
            disk: disk.0.reader(),
            past,
            refused: refused.clone(),
            allows_adversaries,
            conduct: watch::Sender::new(config.conduct.clone()),
            conditions: conditions.clone(),
        };
        tokio::spawn(gate.watch(events, handle.view.clone()));

        let keypair = config.keypair.clone();
        let head = Head::new(ledger.clone(), recovered.tip.clone());
        let keys = Keys { hotkey: keypair.clone(), coldkey: config.coldkey, spare: Vec::new() };
        let settler = Settler::new(keypair.clone(), genesis.ledger, recovered);
        let mut roles: Vec<Box<dyn Role>> = vec![Box::new(settler)];
        roles.extend(task.and_then(|task| config.duty.role(keypair, config.netuid, task, ledger, memory)));
        let mut hands = Hands::new(id, config.duty, network, disk, model, (pending, refused), show);
        hands.stay_close(&settlers);
        let seed = config.keypair.secret("neuron v1 moments", &[&clock::now_ms().to_le_bytes()]);
        let netuid = config.netuid;
        let roles = Roles::new(roles, config.conduct, keys.clone(), (netuid, head.clone()));
        let conditions = conditions.subscribe();
        let neuron = Self { roles, keys, netuid, waits, head, arrivals, hands, conditions, seed, heard: 0 };
        Ok((neuron, handle))
    }

    /// Runs until the last handle is gone or something stops it.
    pub async fn run(mut self) -> Result<(), Error> {
        self.hear(Input::Started)?;
        loop {
            tokio::select! {
                biased;
                next = self.hands.next() => match next? {
                    Next::Effects(effects) => self.carry_out(effects)?,
                    Next::Input(input) => self.hear(input)?,
                },
                arrival = self.arrivals.recv() => match arrival {
                    Some(Arrival::Turn(conduct)) => self.turn(*conduct)?,
                    Some(arrival) => {
                        if let Some(input) = self.hands.receive(arrival)? {
                            self.hear(input)?;
                        }
                    }
                    None => return Ok(()),
                },
            }
        }
    }

    /// Hears an input, and what carrying out its effects brings at once.
    fn hear(&mut self, input: Input) -> Result<(), Error> {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for effect in self.think(&input) {
                inputs.extend(self.hands.carry_out(effect)?);
            }
            if self.waits && self.head.ledger.epoch(self.netuid).is_some() {
                return Err(Error::Founded(self.netuid));
            }
        }
        Ok(())
    }

    fn think(&mut self, input: &Input) -> Vec<Effect> {
        if let Input::Settled(settled) = input {
            self.head = Head::new(settled.ledger.clone(), Some(settled.certified.clone()));
        }
        let moment = self.moment();
        self.roles.handle(moment, input)
    }

    fn moment(&mut self) -> Moment {
        self.heard += 1;
        let seed = hash("neuron v1 moment", &[&self.seed.0, &self.heard.to_le_bytes()]);
        let now = clock::now_ms().saturating_add_signed(self.conditions.borrow().ahead_ms);
        Moment { now, seed }
    }

    /// Behaves so from now on.
    fn turn(&mut self, conduct: Conduct) -> Result<(), Error> {
        self.hands.behave(&conduct);
        let (moment, place) = (self.moment(), (self.netuid, self.head.clone()));
        let effects = self.roles.turn(moment, conduct, self.keys.clone(), place);
        self.carry_out(effects)
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> Result<(), Error> {
        for effect in effects {
            if let Some(input) = self.hands.carry_out(effect)? {
                self.hear(input)?;
            }
        }
        Ok(())
    }
}

impl Handle {
    /// What the neuron knows and is, as of its last settlement.
    pub fn view(&self) -> View {
        let mut view = self.view.borrow().clone();
        view.peers = self.network.status().peers;
        view.refused = self.network.counters();
        view.refused.extend(self.refused.snapshot());
        view
    }

    /// Waits for the next change of the view; false once the neuron has stopped.
    pub async fn changed(&mut self) -> bool {
        self.view.changed().await.is_ok()
    }

    /// The addresses under which others reach it.
    pub async fn addresses(&self) -> Vec<String> {
        self.network.listening().await
    }

    /// Puts one question to every miner of the subnet; `None` from a neuron that does not validate.
    pub async fn poll(&self) -> Option<Poll> {
        let (answer, poll) = oneshot::channel();
        self.arrivals.send(Arrival::Poll(answer)).await.ok()?;
        poll.await.ok()
    }

    /// Whether the neuron may behave so: in most networks only honestly.
    pub fn may_behave(&self, name: &str) -> Result<(), Error> {
        config::may_behave(self.allows_adversaries, name)
    }

    /// Has the neuron behave so from now on, unless the network does not allow it.
    pub async fn turn(&self, conduct: Conduct) -> Result<(), Error> {
        self.may_behave(&conduct.name)?;
        self.conduct.send_replace(Some(conduct.clone()));
        // A neuron that has stopped behaves no more.
        let _ = self.arrivals.send(Arrival::Turn(Box::new(conduct))).await;
        Ok(())
    }

    /// What it was told while it ran, for the one that goes on in its place.
    pub(crate) fn bequeath(&self, config: &mut Config) {
        config.conduct.clone_from(&self.conduct.borrow());
        config.conditions.clone_from(&self.conditions.borrow());
    }

    /// Has its surroundings be so; false where the network does not allow it.
    pub fn impede(&self, conditions: Conditions) -> bool {
        if self.allows_adversaries {
            self.conditions.send_replace(conditions);
        }
        self.allows_adversaries
    }

    /// Gossips a message of ours and hears it ourselves.
    pub async fn tell(&self, message: Message) -> Result<(), protocol::Error> {
        let genesis = self.view.borrow().ledger.genesis();
        message.clone().verify(&genesis)?;
        // A neuron that has stopped hears nothing more.
        let _ = self.arrivals.send(Arrival::Tell(Box::new(message))).await;
        Ok(())
    }

    /// Where the log has the transaction of this id, at `height` or soon after.
    pub async fn find(&self, id: Hash, height: u64) -> Option<u64> {
        self.disk.find(id, height).await
    }

    /// The view as of an earlier height, replayed from the log; what the ledger does not say is left out.
    pub async fn view_at(&self, height: u64) -> Result<View, PastError> {
        let view = self.view();
        let ledger = self.past.at(height, view.height).await?;
        Ok(view.back_at(ledger))
    }

    /// What `tell` makes of how an epoch was counted, and the view as of its end; replayed from the log.
    pub async fn epoch<T: Send + 'static>(
        &self,
        netuid: Netuid,
        epoch: u64,
        tell: impl Fn(&Counted<'_>) -> T + Send + 'static,
    ) -> Result<(View, T), PastError> {
        let view = self.view();
        let (ledger, told) = self.past.epoch((netuid, epoch), view.height, tell).await?;
        Ok((view.back_at(ledger), told))
    }

    /// Settlements from a height on, each encoded, as the log has them: a batch at most.
    pub async fn settlements(&self, height: u64) -> Vec<Vec<u8>> {
        self.disk.excerpt(height).await.settlements
    }

    /// The state roots of settled heights, from `height` on, as the log has them.
    pub async fn state_roots(&self, height: u64) -> Vec<(u64, Hash)> {
        self.disk.state_roots(height).await
    }
}

#[cfg(test)]
mod tests;
