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

/// What happens to a validator.
enum Event {
    Begin,
    Hear(Packet),
}

/// All that happened to the first validator of a network.
#[derive(Default)]
pub(crate) struct Transcript(Vec<Event>);

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
    pub(crate) fn bytes_each(&self, validators: u16) -> f64 {
        self.bytes as f64 / (self.settlements as f64 * f64::from(validators))
    }
}

impl Transcript {
    /// Has another, equal to the first as it was, go through the same.
    pub(crate) fn replay(&self, validator: &mut impl Validator) {
        for event in &self.0 {
            match event {
                Event::Begin => validator.begin(),
                Event::Hear(packet) => validator.hear(packet),
            };
        }
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
        self.transcript.0.push(Event::Begin);
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
                        self.transcript.0.push(Event::Hear(packet.clone()));
                    }
                    let answer = self.validators[to].hear(packet);
                    answers.extend((!answer.is_empty()).then_some((to, answer)));
                }
            }
        }
        answers
    }
}
