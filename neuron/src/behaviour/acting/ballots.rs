//! Votes of ours: a behaviour may cast others, or none, or different ones to different peers.
use std::collections::BTreeMap;

use protocol::consensus::Speech;
use protocol::message::Message;

use super::Mind;
use super::held::Held;
use crate::behaviour::context::telling;
use crate::behaviour::{Act, Voting};
use crate::role::{Effect, Moment};

/// What was made of each vote, so that repeating it repeats that.
#[derive(Default)]
pub(super) struct Ballots {
    acts: BTreeMap<(u64, u32, bool), Act<Voting>>,
}

impl Ballots {
    pub(super) fn forget(&mut self, height: u64) {
        self.acts.retain(|(about, ..), _| *about > height);
    }

    /// What becomes of messages of which one may be a vote of ours. The hook is asked once for each vote.
    pub(super) fn vote(
        &mut self,
        mind: &mut Mind,
        held: &mut Held,
        moment: Moment,
        told: Vec<Effect>,
    ) -> Vec<Effect> {
        let one = |effect| match own_vote(mind, &effect) {
            None => vec![effect],
            Some((told, vote)) => {
                let place = (vote.height, vote.round, vote.precommit);
                let act = self.acts.entry(place);
                let act = act.or_insert_with(|| mind.ask(moment, |it, cx| it.on_vote(cx, &vote))).clone();
                let (key, genesis) = (&mind.keys.hotkey, mind.head.ledger.genesis());
                held.follow(act, effect, |other| Some(telling(key, &genesis, told, other)))
            }
        };
        told.into_iter().flat_map(one).collect()
    }
}

/// The one vote that an effect tells, if it is ours, and when it is told.
fn own_vote(mind: &Mind, effect: &Effect) -> Option<(u64, Voting)> {
    let Effect::Tell(message) = effect else { return None };
    let Message::Telling(signed) = &**message else { return None };
    let telling = signed.decode().ok()?;
    let Speech::Votes(votes) = &telling.speech else { return None };
    let [vote] = &votes[..] else { return None };
    let ours = vote.signer == mind.keys.hotkey.hotkey();
    ours.then(|| Some((telling.told, Voting::of(&vote.decode().ok()?)?))).flatten()
}
