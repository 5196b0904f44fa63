//! What a behaviour knows and can do of itself, beside answering its hooks.
use crypto::{Hash, Hotkey, Keypair};
use protocol::Signed;
use protocol::consensus::Speech;
use protocol::consensus::vote::{Ballot, Vote};
use protocol::ledger::Ledger;
use protocol::message::{Heard, Message};
use protocol::subnet::Netuid;
use protocol::telling::Telling;
use protocol::transaction::{Action, Coldkey, Transaction};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::Value;

use super::view::{Neighbour, Weights, weights};
use super::{Board, Voting};
use crate::role::{Effect, Note};

/// Keys that a behaviour may sign with.
#[derive(Clone)]
pub struct Keys {
    /// Its neuron's own.
    pub hotkey: Keypair,
    /// Its owner's, if it has it.
    pub coldkey: Option<Keypair>,
    /// Further identities.
    pub spare: Vec<Keypair>,
}

impl Keys {
    /// The key of a further identity, or else the neuron's own.
    pub(super) fn of(&self, hotkey: &Hotkey) -> &Keypair {
        self.spare.iter().find(|key| key.hotkey() == *hotkey).unwrap_or(&self.hotkey)
    }
}

/// What a behaviour knows at a hook, and what it does there of itself.
pub struct Context<'a> {
    /// By its own clock, in milliseconds since 1970.
    pub now: u64,
    /// The subnet it works in.
    pub netuid: Netuid,
    /// The ledger, as far as it has come here.
    pub ledger: &'a Ledger,
    /// The parameters that a scenario gave it.
    pub with: &'a Value,
    keys: &'a Keys,
    board: &'a Board,
    rng: StdRng,
    /// Transactions told since the ledger last moved.
    told: &'a mut u64,
    /// What came by gossip, in the hook that hears it.
    heard: Option<&'a Heard>,
    pub(super) deeds: Vec<Deed>,
}

/// What it may do of itself at one hook; more is a fault.
const DEEDS: usize = 1_024;

/// What it does of itself.
pub(super) enum Deed {
    Effect(Effect),
    /// So many milliseconds later.
    Later(u64, Effect),
    Ask(Hotkey, Vec<u8>),
    Release(String),
}

impl<'a> Context<'a> {
    pub(super) fn new(
        now: u64,
        rng: StdRng,
        (netuid, ledger): (Netuid, &'a Ledger),
        (keys, with, board): (&'a Keys, &'a Value, &'a Board),
        told: &'a mut u64,
        heard: Option<&'a Heard>,
    ) -> Self {
        Self { now, netuid, ledger, with, keys, board, rng, told, heard, deeds: Vec::new() }
    }

    /// Its own hotkey.
    pub fn me(&self) -> Hotkey {
        self.keys.hotkey.hotkey()
    }

    /// Its own slot.
    pub fn uid(&self) -> Option<u16> {
        self.ledger.slot(self.netuid, &self.me()).map(|uid| uid.0)
    }

    /// The height of the ledger.
    pub fn height(&self) -> u64 {
        self.ledger.height()
    }

    /// The epoch of the subnet that the next height belongs to.
    pub fn epoch(&self) -> u64 {
        self.ledger.epoch(self.netuid).unwrap_or_default()
    }

    /// Everybody in the subnet, by rising uid.
    pub fn neurons(&self) -> Vec<Neighbour> {
        let metagraph = self.ledger.metagraph(self.netuid);
        metagraph.map(|it| it.neurons.iter().map(Neighbour::of).collect()).unwrap_or_default()
    }

    /// The rows that were shown in this epoch: by whom, and at which height it was committed to.
    pub fn rows(&self) -> Vec<(Hotkey, u64, Weights)> {
        let rows = self.ledger.revealed(self.netuid);
        rows.map(|(hotkey, row, epoch)| (hotkey, epoch, weights(row))).collect()
    }

    /// Those who settle, each with its stake in units.
    pub fn validators(&self) -> Vec<(Hotkey, u64)> {
        self.ledger.validators().members().to_vec()
    }

    /// Whose turn it is to propose.
    pub fn proposer(&self, height: u64, round: u32) -> Hotkey {
        self.ledger.validators().proposer(height, round)
    }

    /// A number from 0 up to 1, which follows from the seed of the run; another one at every call.
    pub fn rand(&mut self) -> f64 {
        self.rng.random()
    }

    /// What stands on the board of colluders.
    pub fn get(&self, name: &str) -> Option<Value> {
        self.board.get(name)
    }

    /// Writes on the board of colluders; false if it is full.
    pub fn put(&self, name: &str, value: Value) -> bool {
        self.board.put(name, value)
    }

    /// Marks that the attack took place: `fired{name="…"}` counts it.
    pub fn fired(&mut self, name: &str) {
        self.does(Deed::Effect(Effect::Note(Note::Fired(name.to_owned()))));
    }

    /// Lets go what [`super::Act::Hold`] held under a name.
    pub fn release(&mut self, name: &str) {
        self.does(Deed::Release(name.to_owned()));
    }

    /// Further identities that it may sign for: each is a miner once it has a slot, with the model of this neuron.
    pub fn spare(&self) -> Vec<Hotkey> {
        self.keys.spare.iter().map(Keypair::hotkey).collect()
    }

    /// Signs an order with its owner's key and tells it; false without that key.
    pub fn transact(&mut self, action: Action) -> bool {
        let Some(coldkey) = self.keys.coldkey.as_ref().filter(|_| self.deeds.len() < DEEDS) else {
            return false;
        };
        let nonce = self.ledger.nonce(&Coldkey(coldkey.hotkey())) + *self.told;
        let order = Signed::author(coldkey, &self.ledger.genesis(), Transaction { nonce, action });
        *self.told += 1;
        self.tell(Message::Transaction(order.into_signed()), None);
        true
    }

    /// Signs a further vote and tells it, to these peers alone if any are named; `by` a further identity, if one is named.
    pub fn vote(&mut self, vote: &Voting, to: Option<Vec<Hotkey>>, by: Option<Hotkey>) {
        let key = by.map_or(self.key(), |by| self.key_of(&by));
        let message = telling(key, &self.ledger.genesis(), self.now, vote);
        self.tell(message, to);
    }

    /// Tells a message, to these peers alone if any are named.
    pub fn tell(&mut self, message: Message, to: Option<Vec<Hotkey>>) {
        let message = Box::new(message);
        self.does(Deed::Effect(match to {
            Some(peers) => Effect::Whisper(peers, message),
            None => Effect::Tell(message),
        }));
    }

    fn does(&mut self, deed: Deed) {
        match self.deeds.len() {
            ..DEEDS => self.deeds.push(deed),
            DEEDS => {
                let fault =
                    format!("it does more than {DEEDS} things at one hook: the others did not happen");
                self.deeds.push(Deed::Effect(Effect::Note(Note::Fault(fault))));
            }
            _ => {}
        }
    }

    /// Asks a miner something of its own; [`super::Behaviour::on_reply`] hears what came of it. A miner serves those with
    /// a permit alone.
    pub fn ask(&mut self, miner: Hotkey, body: Vec<u8>) {
        self.does(Deed::Ask(miner, body));
    }

    /// What came by gossip, in [`super::Behaviour::on_told`].
    pub fn heard(&self) -> Option<&'a Heard> {
        self.heard
    }

    /// Tells again, as its author signed it, the commit, reveal or order that just came, so many milliseconds later;
    /// false where none did.
    pub fn retell(&mut self, wait: u64) -> bool {
        let message = match self.heard {
            Some(Heard::Commit(commit)) => Message::Commit(commit.signed().clone()),
            Some(Heard::Reveal(reveal)) => Message::Reveal(reveal.signed().clone()),
            Some(Heard::Transaction(order)) => Message::Transaction(order.signed().clone()),
            _ => return false,
        };
        self.does(Deed::Later(wait, Effect::Tell(Box::new(message))));
        true
    }

    /// Signs as itself what [`Context::tell`] is to tell.
    pub fn key(&self) -> &Keypair {
        &self.keys.hotkey
    }

    /// Signs as one of [`Context::spare`]; as itself for any other.
    pub fn key_of(&self, identity: &Hotkey) -> &Keypair {
        self.keys.of(identity)
    }
}

/// A vote of ours, as it is told.
pub(super) fn telling(key: &Keypair, genesis: &Hash, told: u64, vote: &Voting) -> Message {
    let ballot = if vote.precommit { Ballot::Precommit } else { Ballot::Prevote };
    let vote = Vote::of(ballot, vote.height, vote.round, vote.header, key.hotkey());
    let vote = Signed::author(key, genesis, vote).into_signed();
    let telling = Telling { told, speech: Speech::Votes(vec![vote]) };
    Message::Telling(Box::new(Signed::author(key, genesis, telling).into_signed()))
}
