//! Plays a scenario: engines, one queue of messages, one clock.
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crypto::{Hash, Hotkey, Keypair, hash};
use protocol::consensus::vote::{Proposal, Vote};
use protocol::consensus::{Engine, LinearTimeouts, Output, Speech, Step, Timeout, ValidatorSet};
use protocol::{Signed, Verified};

use super::scenario::{Scenario, Turn, VALIDATORS};

/// Names the network.
const GENESIS: Hash = Hash([7; 32]);

/// The stake of each validator.
const STAKE: u64 = 100;

/// The most steps a scenario may take: some forty are needed in a round.
const STEPS: usize = 10_000;

/// Who plays, and at which height which validators lead.
pub(crate) struct Cast {
    twins: usize,
    /// Of every neuron.
    keys: Vec<Keypair>,
    set: ValidatorSet,
    /// A height at which they lead in this order.
    heights: BTreeMap<Vec<usize>, u64>,
}

/// A neuron of the scenario.
struct Neuron {
    engine: Engine,
    timers: Vec<(Duration, Timeout)>,
    decided: Option<Hash>,
}

/// A message on its way.
#[derive(Clone)]
enum Message {
    Votes(Vec<Verified<Vote>>),
    Polka(Vec<Verified<Vote>>),
    Skip(Vec<Verified<Vote>>),
    Proposal(Verified<Proposal>),
}

/// A scenario in play.
struct World<'a> {
    cast: &'a Cast,
    turns: &'a [Turn],
    height: u64,
    now: Duration,
    neurons: Vec<Neuron>,
    /// Messages with their receivers.
    queue: VecDeque<(usize, Message)>,
}

/// Whether two neurons that run once decide differently.
pub(crate) fn forks(cast: &Cast, scenario: &Scenario) -> bool {
    let mut world = World::new(cast, &scenario.turns);
    world.play();
    let once = world.neurons.into_iter().skip(cast.keys.len() - (VALIDATORS - cast.twins));
    let mut decisions: Vec<_> = once.filter_map(|neuron| neuron.decided).collect();
    decisions.dedup();
    decisions.len() > 1
}

impl Cast {
    /// So many validators run twice; heights are found for every order of leaders.
    pub(crate) fn new(twins: usize, rounds: u32) -> Self {
        let key = |n: usize| Keypair::from_seed([n as u8 + 1; 32]);
        let set = ValidatorSet::new((0..VALIDATORS).map(|n| (key(n).hotkey(), STAKE))).expect("some stake");
        let place =
            |hotkey: Hotkey| (0..VALIDATORS).find(|n| key(*n).hotkey() == hotkey).expect("a validator");
        let mut heights = BTreeMap::new();
        let orders = VALIDATORS.pow(rounds);
        for height in 1.. {
            let order = (0..rounds).map(|round| place(set.proposer(height, round))).collect();
            heights.entry(order).or_insert(height);
            if heights.len() == orders {
                break;
            }
        }
        let keys = (0..twins).flat_map(|n| [n, n]).chain(twins..VALIDATORS).map(key).collect();
        Self { twins, keys, set, heights }
    }
}

impl<'a> World<'a> {
    fn new(cast: &'a Cast, turns: &'a [Turn]) -> Self {
        let leaders: Vec<_> = turns.iter().map(|turn| turn.leader).collect();
        let neuron = |key: &Keypair| Neuron {
            engine: Engine::new(key.clone(), GENESIS, cast.set.clone(), LinearTimeouts::default()),
            timers: Vec::new(),
            decided: None,
        };
        Self {
            cast,
            turns,
            height: cast.heights[&leaders],
            now: Duration::ZERO,
            neurons: cast.keys.iter().map(neuron).collect(),
            queue: VecDeque::new(),
        }
    }

    /// Until nobody says anything more in the rounds of the scenario.
    fn play(&mut self) {
        for n in 0..self.neurons.len() {
            let step = self.neurons[n].engine.start(self.height, self.cast.set.clone(), &[]);
            self.carry_out(n, step);
        }
        for _ in 0..STEPS {
            match self.queue.pop_front() {
                Some((to, message)) => self.hear(to, message),
                None if !self.ring() => return,
                None => {}
            }
        }
    }

    /// Lets the next timer run out; none is left once everybody is past the last round or has decided.
    fn ring(&mut self) -> bool {
        let timers = self.neurons.iter().enumerate().flat_map(|(n, neuron)| {
            neuron.timers.iter().enumerate().map(move |(place, (at, _))| (*at, n, place))
        });
        let Some((at, n, place)) = timers.min() else { return false };
        let (_, timeout) = self.neurons[n].timers.remove(place);
        self.now = at;
        let step = self.neurons[n].engine.elapsed(timeout);
        self.carry_out(n, step);
        true
    }

    fn hear(&mut self, to: usize, message: Message) {
        let (height, engine) = (self.height, &mut self.neurons[to].engine);
        let steps = match message {
            Message::Votes(votes) => votes.into_iter().map(|vote| engine.vote(vote)).collect(),
            Message::Polka(votes) => vec![engine.polka(&votes)],
            Message::Skip(votes) => vec![engine.skip(&votes)],
            Message::Proposal(proposal) => {
                let (round, header) = (proposal.round().unwrap_or(0), proposal.header());
                // Whatever is proposed is valid here: what is tested is agreement.
                let judged = engine.judged(height, round, proposal.signer(), header, true);
                vec![judged, engine.proposal(proposal)]
            }
        };
        steps.into_iter().for_each(|step| self.carry_out(to, step));
    }

    fn carry_out(&mut self, n: usize, step: Step) {
        for output in step.outputs {
            let neuron = &mut self.neurons[n];
            match output {
                Output::Send(speech) => self.send(n, heard(speech)),
                Output::StartTimer(timeout, wait) if timeout != Timeout::rebroadcast(timeout.round) => {
                    neuron.timers.push((self.now + wait, timeout));
                }
                Output::StopTimer(timeout) => neuron.timers.retain(|(_, other)| *other != timeout),
                Output::StopAllTimers => neuron.timers.clear(),
                Output::Build { round } => {
                    let header = hash("neuron v1 twins", &[&[n as u8], &round.to_le_bytes()]);
                    let step = neuron.engine.propose(self.height, round, header);
                    self.carry_out(n, step);
                }
                Output::Decided(certificate) => {
                    neuron.decided = Some(certificate.header);
                    neuron.timers.clear();
                }
                _ => {}
            }
        }
    }

    /// Puts a message on its way to all that the cut of its round leaves connected; none after the last round.
    fn send(&mut self, from: usize, message: Message) {
        let turn = message.round().and_then(|round| self.turns.get(round as usize));
        let Some(turn) = turn else { return };
        for to in (0..self.neurons.len()).filter(|to| *to != from && turn.connects(from, *to)) {
            self.queue.push_back((to, message.clone()));
        }
    }
}

impl Message {
    fn round(&self) -> Option<u32> {
        match self {
            Self::Votes(votes) | Self::Polka(votes) | Self::Skip(votes) => votes.first()?.round(),
            Self::Proposal(proposal) => proposal.round(),
        }
    }
}

fn heard(speech: Speech) -> Message {
    match speech {
        Speech::Votes(votes) => Message::Votes(verified(votes)),
        Speech::Polka(votes) => Message::Polka(verified(votes)),
        Speech::Skip(votes) => Message::Skip(verified(votes)),
        Speech::Proposal(proposal) => {
            Message::Proposal(proposal.verify(&GENESIS).expect("an engine signs what it says"))
        }
    }
}

fn verified(votes: Vec<Signed<Vote>>) -> Vec<Verified<Vote>> {
    let verify = |vote: Signed<Vote>| vote.verify(&GENESIS).expect("an engine passes on what it verified");
    votes.into_iter().map(verify).collect()
}
