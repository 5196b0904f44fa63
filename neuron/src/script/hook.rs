//! The hooks by the names under which scripts know them.
use std::fmt;

use crate::scenario::near;

/// A moment at which a behaviour is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hook {
    Start,
    Tick,
    Settled,
    Epoch,
    Told,
    Tell,
    Ask,
    Question,
    Answer,
    Reply,
    Score,
    Weights,
    Commit,
    Reveal,
    Propose,
    Vote,
    Request,
}

/// Every hook, its name and what it is given beside the context.
const HOOKS: [(Hook, &str, &[&str]); 17] = [
    (Hook::Start, "on_start", &[]),
    (Hook::Tick, "on_tick", &[]),
    (Hook::Settled, "on_settled", &[]),
    (Hook::Epoch, "on_epoch", &["epoch"]),
    (Hook::Told, "on_told", &["message"]),
    (Hook::Tell, "on_tell", &["message"]),
    (Hook::Ask, "on_ask", &["question"]),
    (Hook::Question, "on_question", &["question"]),
    (Hook::Answer, "on_answer", &["question", "honest"]),
    (Hook::Reply, "on_reply", &["reply"]),
    (Hook::Score, "on_score", &["miner", "honest"]),
    (Hook::Weights, "on_weights", &["honest"]),
    (Hook::Commit, "on_commit", &["epoch"]),
    (Hook::Reveal, "on_reveal", &["epoch", "row"]),
    (Hook::Propose, "on_propose", &["proposal"]),
    (Hook::Vote, "on_vote", &["vote"]),
    (Hook::Request, "on_request", &["first"]),
];

impl Hook {
    #[cfg(test)]
    pub(super) fn all() -> impl Iterator<Item = Self> {
        HOOKS.into_iter().map(|(hook, ..)| hook)
    }

    /// The hook of a name, or what is wrong with it.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        let known = HOOKS.into_iter().find(|(_, known, _)| *known == name);
        let (hook, ..) = known.ok_or_else(|| no_such("hook", name, HOOKS.map(|(_, name, _)| name)))?;
        Ok(hook)
    }

    pub(super) fn name(self) -> &'static str {
        HOOKS[self as usize].1
    }

    /// What it is given beside the context.
    pub(super) fn parameters(self) -> &'static [&'static str] {
        HOOKS[self as usize].2
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Says that there is no such thing, and which was perhaps meant.
pub(super) fn no_such<'a>(thing: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<_> = known.into_iter().collect();
    format!("there is no {thing} `{name}`{}", near::instead(name, &known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_stand_in_their_order() {
        for hook in Hook::all() {
            assert_eq!(Hook::named(hook.name()), Ok(hook));
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_understood() {
        assert_eq!(Hook::named("on_wieghts"), Err(no_such("hook", "on_wieghts", ["on_weights"])));
        assert!(Hook::named("on_vot").unwrap_err().ends_with("did you mean `on_vote`?"));
        assert!(Hook::named("lunch").unwrap_err().contains("there is `on_start`, `on_tick`"));
    }
}
