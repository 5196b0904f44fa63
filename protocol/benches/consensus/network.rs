//! A network in memory: whatever one says reaches everybody else one hop later.
use std::rc::Rc;

use protocol::message::Topic;

/// The most hops a settlement may take where nothing is lost.
const MAX_HOPS: u32 = 16;

/// What is on its way, encoded.
pub(crate) type Packet = (Topic, Rc<[u8]>);

/// One of those who settle.
pub(crate) trait Validator {
    /// Begins the next height.
    fn begin(&mut self) -> Vec<Packet>;

    /// Hears what another said.
    fn hear(&mut self, packet: &Packet) -> Vec<Packet>;

    /// The last height that it settled.
    fn settled(&self) -> u64;
}

/// All that the first validator of a network heard, height by height.
#[derive(Default)]
pub(crate) struct Transcript(Vec<Vec<Packet>>);

/// What some settlements took.
#[derive(Default)]
pub(crate) struct Taken {
    pub(crate) settlements: u64,
    /// What all said, in bytes, each message once.
    pub(crate) bytes: usize,
    /// The most hops from the proposal to the last decision.
    pub(crate) hops: u32,
}

/// Validators who all hear each other.
pub(crate) struct Network<V> {
    validators: Vec<V>,
    transcript: Transcript,
    taken: Taken,
}

impl Taken {
    /// What each of so many validators said of one settlement, in bytes.
    pub(crate) fn bytes_each(&self, validators: usize) -> f64 {
        self.bytes as f64 / (self.settlements as f64 * validators as f64)
    }
}

impl Transcript {
    /// Cuts it into so many parts, or a few more.
    pub(crate) fn parts(&self, count: usize) -> impl Iterator<Item = &[Vec<Packet>]> {
        self.0.chunks((self.0.len() / count).max(1))
    }
}

/// Has a validator, equal to the first as it was, go through some heights again.
pub(crate) fn replay(heights: &[Vec<Packet>], validator: &mut impl Validator) {
    for packets in heights {
        validator.begin();
        packets.iter().for_each(|packet| drop(validator.hear(packet)));
    }
}

impl<V: Validator> Network<V> {
    pub(crate) fn new(validators: Vec<V>) -> Self {
        Self { validators, transcript: Transcript::default(), taken: Taken::default() }
    }

    /// Settles so often; what happened to the first, and what it took.
    pub(crate) fn settle(mut self, settlements: u64) -> (Transcript, Taken) {
        for height in 1..=settlements {
            let hops = self.settle_one(height);
            self.taken.hops = self.taken.hops.max(hops);
        }
        self.taken.settlements = settlements;
        (self.transcript, self.taken)
    }

    /// Goes on until nobody has more to say.
    fn settle_one(&mut self, height: u64) -> u32 {
        self.transcript.0.push(Vec::new());
        let mut said: Vec<_> =
            self.validators.iter_mut().enumerate().map(|(n, validator)| (n, validator.begin())).collect();
        let mut decided = None;
        for hop in 1..=MAX_HOPS {
            said = self.spread(&said);
            let all = self.validators.iter().all(|validator| validator.settled() == height);
            decided = decided.or(all.then_some(hop));
            if said.is_empty() {
                break;
            }
        }
        decided.expect("everybody settles where nothing is lost")
    }

    /// Hands everybody what the others said; what they say to that.
    fn spread(&mut self, said: &[(usize, Vec<Packet>)]) -> Vec<(usize, Vec<Packet>)> {
        let mut answers = Vec::new();
        for (from, packets) in said {
            for packet in packets {
                self.taken.bytes += packet.1.len();
                for to in (0..self.validators.len()).filter(|to| to != from) {
                    if to == 0 {
                        self.transcript.0.last_mut().expect("a height is begun").push(packet.clone());
                    }
                    let answer = self.validators[to].hear(packet);
                    answers.extend((!answer.is_empty()).then_some((to, answer)));
                }
            }
        }
        answers
    }
}
