//! How a neuron behaves, and its roles with that before them.
use std::fmt;
use std::sync::Arc;

use protocol::head::Head;
use protocol::subnet::Netuid;
use serde_json::Value;

use super::{Acting, Board, Honest, Keys, Make};
use crate::role::{Effect, Input, Moment, Role};

/// How a neuron behaves.
#[derive(Clone)]
pub struct Conduct {
    /// What people call it.
    pub name: String,
    /// Makes its behaviour, at each start anew.
    pub make: Make,
    /// The behaviour's parameters.
    pub with: Value,
    /// Shared with whom it colludes.
    pub board: Board,
}

impl Conduct {
    /// What a neuron is called that deviates in nothing.
    pub const HONEST: &str = "honest";

    /// Deviates in nothing.
    pub fn honest() -> Self {
        Self {
            name: Self::HONEST.to_owned(),
            make: Arc::new(|| Box::new(Honest)),
            with: Value::Null,
            board: Board::default(),
        }
    }

    /// Whether it deviates in nothing.
    pub fn is_honest(&self) -> bool {
        self.name == Self::HONEST
    }
}

impl fmt::Debug for Conduct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conduct").field("name", &self.name).field("with", &self.with).finish_non_exhaustive()
    }
}

/// The roles of a neuron, each of which hears every input.
pub enum Roles {
    /// As they are.
    Honest(Vec<Box<dyn Role>>),
    /// Behind a behaviour, be it an honest one.
    Acting(Box<Acting>),
}

impl Roles {
    /// The roles of a neuron that works in a subnet and knows a ledger; a behaviour stands before them only if one is named.
    pub fn new(
        roles: Vec<Box<dyn Role>>,
        conduct: Option<Conduct>,
        keys: Keys,
        place: (Netuid, Head),
    ) -> Self {
        match conduct {
            None => Self::Honest(roles),
            Some(conduct) => Self::Acting(Box::new(Acting::new(conduct, roles, keys, place))),
        }
    }

    /// Hears an input.
    pub fn handle(&mut self, moment: Moment, input: &Input) -> Vec<Effect> {
        match self {
            Self::Honest(roles) => roles.iter_mut().flat_map(|role| role.handle(moment, input)).collect(),
            Self::Acting(acting) => acting.handle(moment, input),
        }
    }

    /// Behaves so from now on.
    pub fn turn(
        &mut self,
        moment: Moment,
        conduct: Conduct,
        keys: Keys,
        place: (Netuid, Head),
    ) -> Vec<Effect> {
        match self {
            Self::Honest(_) if conduct.is_honest() => Vec::new(),
            Self::Honest(roles) => {
                let mut acting = Acting::new(conduct, std::mem::take(roles), keys, place);
                let effects = acting.begin(moment);
                *self = Self::Acting(Box::new(acting));
                effects
            }
            Self::Acting(acting) => acting.turn(moment, conduct),
        }
    }
}
