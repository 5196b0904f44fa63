//! The hooks by the names under which scripts know them.
use std::fmt;

use crate::behaviour::Act;
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

/// Acts at a hook where nothing is decided.
const NONE: &[&str] = &[];

/// What may become of what others said.
const HEARD: &[&str] = &["drop", "delay", "repeat", "hold"];

/// Of questions and answers.
const ASKED: &[&str] = &["drop", "delay", "repeat", "hold", "replace"];

/// Of what a validator thinks.
const JUDGED: &[&str] = &["drop", "replace"];

/// Of a message whose words stand.
const TOLD: &[&str] = &["drop", "delay", "repeat", "hold", "only", "split"];

/// Of a message that may say something else.
const SHOWN: &[&str] = &["drop", "delay", "repeat", "hold", "only", "split", "replace"];

/// Every hook, its name, what it is given beside the context, and the acts that are possible there beside `forward`.
const HOOKS: [(Hook, &str, &[&str], &[&str]); 17] = [
    (Hook::Start, "on_start", &[], NONE),
    (Hook::Tick, "on_tick", &[], NONE),
    (Hook::Settled, "on_settled", &[], NONE),
    (Hook::Epoch, "on_epoch", &["epoch"], NONE),
    (Hook::Told, "on_told", &["message"], HEARD),
    (Hook::Tell, "on_tell", &["message"], TOLD),
    (Hook::Ask, "on_ask", &["question"], ASKED),
    (Hook::Question, "on_question", &["question"], ASKED),
    (Hook::Answer, "on_answer", &["question", "honest"], ASKED),
    (Hook::Reply, "on_reply", &["reply"], NONE),
    (Hook::Score, "on_score", &["miner", "honest"], JUDGED),
    (Hook::Weights, "on_weights", &["honest"], JUDGED),
    (Hook::Commit, "on_commit", &["epoch"], TOLD),
    (Hook::Reveal, "on_reveal", &["epoch", "row"], SHOWN),
    (Hook::Propose, "on_propose", &["proposal"], SHOWN),
    (Hook::Vote, "on_vote", &["vote"], SHOWN),
    (Hook::Request, "on_request", &["first"], ASKED),
];

impl Hook {
    #[cfg(test)]
    pub(super) fn all() -> impl Iterator<Item = Self> {
        HOOKS.into_iter().map(|(hook, ..)| hook)
    }

    /// The hook of a name, or what is wrong with it.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        let known = HOOKS.into_iter().find(|(_, known, ..)| *known == name);
        let (hook, ..) = known.ok_or_else(|| no_such("hook", name, HOOKS.map(|(_, name, ..)| name)))?;
        Ok(hook)
    }

    pub(super) fn name(self) -> &'static str {
        HOOKS[self as usize].1
    }

    /// What it is given beside the context.
    pub(super) fn parameters(self) -> &'static [&'static str] {
        HOOKS[self as usize].2
    }

    /// Refuses an act that means nothing here.
    pub(super) fn check<T>(self, act: Act<T>) -> Result<Act<T>, String> {
        let acts = HOOKS[self as usize].3;
        match act.name() {
            "forward" => Ok(act),
            name if acts.contains(&name) => Ok(act),
            name if acts.is_empty() => Err(format!("nothing is decided here: there is nothing to {name}")),
            name => Err(format!("`{name}` means nothing here; there is {}", acts.join(", "))),
        }
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
