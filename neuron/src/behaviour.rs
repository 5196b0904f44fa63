//! What a peer does differently: hooks at the edge of its roles, honest unless a behaviour says otherwise.
//!
//! A behaviour states only its deviation. It is asked before anything leaves or enters the honest roles that it stands
//! before, and may also act of itself through its [`Context`].
//!
//! ```
//! use neuron::behaviour::{Act, Behaviour, Context, Weights};
//!
//! /// Gives every miner the same weight.
//! struct Lazy;
//!
//! impl Behaviour for Lazy {
//!     fn on_weights(&mut self, cx: &mut Context<'_>, honest: &Weights) -> Act<Weights> {
//!         cx.fired("lazy");
//!         Act::Replace(honest.keys().map(|uid| (*uid, 1.0)).collect())
//!     }
//! }
//! ```

mod acting;
mod board;
mod builtin;
mod conduct;
mod context;
mod doings;
mod view;

use std::sync::Arc;

use crypto::Hotkey;

pub use self::acting::Acting;
pub use self::board::Board;
pub use self::builtin::{Honest, NAMED, named};
pub use self::conduct::{Conduct, Roles};
pub use self::context::{Context, Keys};
pub use self::doings::Doings;
pub use self::view::{Asking, Gossip, Neighbour, Proposing, Replying, Voting, Weights};

/// What a peer does differently. Every hook defaults to honest.
pub trait Behaviour: Send {
    /// Its neuron has started, or started again: it remembers nothing.
    fn on_start(&mut self, _cx: &mut Context<'_>) {}

    /// One settlement interval has passed.
    fn on_tick(&mut self, _cx: &mut Context<'_>) {}

    /// The ledger moved on.
    fn on_settled(&mut self, _cx: &mut Context<'_>) {}

    /// An epoch of the subnet has begun.
    fn on_epoch(&mut self, _cx: &mut Context<'_>, _epoch: u64) {}

    /// A message came by gossip; `Replace` is not for others' words and counts as `Forward`.
    fn on_told(&mut self, _cx: &mut Context<'_>, _message: &Gossip) -> Act<()> {
        Act::Forward
    }

    /// A message of ours is about to be gossiped.
    fn on_tell(&mut self, _cx: &mut Context<'_>, _message: &Gossip) -> Act<()> {
        Act::Forward
    }

    /// A validator is about to ask a miner. `Replace` asks something else, whose answer is nobody's to judge, `Drop`
    /// nothing: the miner then counts as silent.
    fn on_ask(&mut self, _cx: &mut Context<'_>, _question: &Asking) -> Act<Vec<u8>> {
        Act::Forward
    }

    /// A miner was asked. `Replace` answers without the model.
    fn on_question(&mut self, _cx: &mut Context<'_>, _question: &Asking) -> Act<Vec<u8>> {
        Act::Forward
    }

    /// A miner's model has answered.
    fn on_answer(&mut self, _cx: &mut Context<'_>, _question: &Asking, _honest: &[u8]) -> Act<Vec<u8>> {
        Act::Forward
    }

    /// What came of [`Context::ask`].
    fn on_reply(&mut self, _cx: &mut Context<'_>, _reply: &Replying) {}

    /// A validator has judged a miner's answer: the honest score is 0 to 1.
    fn on_score(&mut self, _cx: &mut Context<'_>, _miner: Hotkey, _honest: f64) -> Act<f64> {
        Act::Forward
    }

    /// A validator is about to commit to its row.
    fn on_weights(&mut self, _cx: &mut Context<'_>, _honest: &Weights) -> Act<Weights> {
        Act::Forward
    }

    /// The commit of an epoch is about to leave, for the first time or again.
    fn on_commit(&mut self, _cx: &mut Context<'_>, _epoch: u64) -> Act<()> {
        Act::Forward
    }

    /// The reveal of an epoch's row is about to leave. `Replace` shows another row than was committed to.
    fn on_reveal(&mut self, _cx: &mut Context<'_>, _epoch: u64, _row: &Weights) -> Act<Weights> {
        Act::Forward
    }

    /// It is our turn to propose.
    fn on_propose(&mut self, _cx: &mut Context<'_>, _proposal: &Proposing) -> Act<Proposing> {
        Act::Forward
    }

    /// A vote is about to leave. Further votes of one's own are [`Context::vote`]'s.
    fn on_vote(&mut self, _cx: &mut Context<'_>, _vote: &Voting) -> Act<Voting> {
        Act::Forward
    }

    /// A peer wants settlements from a height on. `Replace` hands over one that never was, where nothing was settled since
    /// we began.
    fn on_request(&mut self, _cx: &mut Context<'_>, _first: u64) -> Act<()> {
        Act::Forward
    }

    /// Why it cannot go on: a script's traceback. Asked after every hook; whatever it did not decide is honest.
    fn fault(&mut self) -> Option<String> {
        None
    }
}

/// Makes a behaviour that remembers nothing, for each start of a neuron.
pub type Make = Arc<dyn Fn() -> Box<dyn Behaviour> + Send + Sync>;

/// What becomes of something that an honest neuron does.
#[derive(Clone, Debug, PartialEq)]
pub enum Act<T> {
    /// It stays as it is.
    Forward,
    /// It does not happen.
    Drop,
    /// It happens later, by so many milliseconds.
    Delay(u64),
    /// It happens so many times.
    Repeat(u8),
    /// It waits until [`Context::release`] names it.
    Hold(String),
    /// It becomes something else.
    Replace(T),
    /// Only these peers see it.
    Only(Vec<Hotkey>),
    /// These peers see this and those that; who is not named sees nothing.
    Split(Vec<(Vec<Hotkey>, T)>),
}

impl<T> Act<T> {
    /// The word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Drop => "drop",
            Self::Delay(_) => "delay",
            Self::Repeat(_) => "repeat",
            Self::Hold(_) => "hold",
            Self::Replace(_) => "replace",
            Self::Only(_) => "only",
            Self::Split(_) => "split",
        }
    }
}
