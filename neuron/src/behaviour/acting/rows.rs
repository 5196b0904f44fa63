//! A row of weights, where a behaviour may put another in its place: on disk, in the commit and in the reveal alike.
use std::collections::{BTreeMap, BTreeSet};

use protocol::message::Message;
use protocol::weights::{Commit, Reveal};
use protocol::{Payload, Signed};

use super::Mind;
use super::held::Held;
use crate::behaviour::view::{row, weights};
use crate::behaviour::{Act, Weights};
use crate::role::{Effect, Entry, Moment};

/// Epochs back that a reveal may be about.
const EPOCHS: u64 = 16;

/// The version of a row that no scoring led to.
const VERSION: u64 = 1;

/// What a behaviour made of its rows, by epoch.
#[derive(Default)]
pub(super) struct Rows {
    /// The row in place of the honest one; nothing if there is to be none.
    instead: BTreeMap<u64, Option<Reveal>>,
    /// Epochs for which the roles have no row: they know no miner that is worth anything.
    alone: BTreeSet<u64>,
}

impl Rows {
    pub(super) fn forget(&mut self, epoch: u64) {
        self.instead.retain(|known, _| known + EPOCHS > epoch);
        self.alone.retain(|known| known + EPOCHS > epoch);
    }

    /// Commits and reveals where the roles have nothing to commit to: who asks nobody may have a row all the same.
    pub(super) fn settled(&mut self, mind: &mut Mind, moment: Moment) -> Vec<Message> {
        let (netuid, me) = (mind.netuid, mind.keys.hotkey.hotkey());
        let ledger = &mind.head.ledger;
        let (Some(epoch), Some(present)) = (ledger.epoch(netuid), ledger.present_epoch(netuid)) else {
            return Vec::new();
        };
        let late = present.settled(ledger.height()) >= present.length() / 3;
        let committed = |epoch| ledger.commitment(netuid, &me, epoch).is_some();
        let due = late && ledger.may_vote(netuid, &me) && !committed(epoch);
        let shown = self.alone.range(..epoch).filter(|epoch| committed(**epoch));
        let shown = shown.filter_map(|epoch| self.instead.get(epoch)?.clone());
        let mut told: Vec<_> = shown.map(|reveal| Message::Reveal(signed(mind, reveal))).collect();
        if due && !self.instead.contains_key(&epoch) {
            let act = mind.ask(moment, |it, cx| it.on_weights(cx, &Weights::new()));
            if let Act::Replace(weights) = act {
                let (version, salt) = (VERSION, crypto::hash("neuron v1 behaviour salt", &[&moment.seed.0]));
                self.instead.insert(epoch, Some(Reveal { netuid, epoch, version, salt, row: row(&weights) }));
                self.alone.insert(epoch);
            }
        }
        if due
            && self.alone.contains(&epoch)
            && let Some(Some(reveal)) = self.instead.get(&epoch)
        {
            let commitment = reveal.commitment(&me);
            told.push(Message::Commit(signed(mind, Commit { netuid, epoch, commitment })));
        }
        told
    }

    /// Puts other rows into what is about to be written. The hook is asked once for each epoch.
    pub(super) fn rewrite(&mut self, mind: &mut Mind, moment: Moment, entries: &mut [Entry]) {
        for entry in entries {
            let Entry::Memory(memory) = entry else { continue };
            let known = mind.head.ledger.epoch(mind.netuid);
            for reveal in memory.rows_mut().filter(|reveal| Some(reveal.epoch) == known) {
                let instead = self.instead.entry(reveal.epoch).or_insert_with(|| {
                    let honest = weights(&reveal.row);
                    match mind.ask(moment, |it, cx| it.on_weights(cx, &honest)) {
                        Act::Drop => None,
                        Act::Replace(other) => Some(Reveal { row: row(&other), ..reveal.clone() }),
                        _ => Some(reveal.clone()),
                    }
                });
                if let Some(instead) = instead {
                    *reveal = instead.clone();
                }
            }
        }
    }

    /// What becomes of a commit or a reveal that is about to leave.
    pub(super) fn tell(
        &self,
        mind: &mut Mind,
        held: &mut Held,
        moment: Moment,
        message: Message,
    ) -> Vec<Effect> {
        let honest = Effect::Tell(Box::new(message.clone()));
        match message {
            Message::Commit(commit) => {
                let Ok(Commit { netuid, epoch, .. }) = commit.decode() else { return vec![honest] };
                let told = match self.instead.get(&epoch) {
                    Some(None) => return Vec::new(),
                    Some(Some(reveal)) => {
                        let commitment = reveal.commitment(&mind.keys.hotkey.hotkey());
                        let commit = signed(mind, Commit { netuid, epoch, commitment });
                        Effect::Tell(Box::new(Message::Commit(commit)))
                    }
                    None => honest,
                };
                let act = mind.ask(moment, |it, cx| it.on_commit(cx, epoch));
                held.follow(act, told, |()| None)
            }
            Message::Reveal(reveal) => {
                let Ok(honest_row) = reveal.decode() else { return vec![honest] };
                let own = match self.instead.get(&honest_row.epoch) {
                    Some(None) => return Vec::new(),
                    Some(Some(instead)) => instead.clone(),
                    None => honest_row,
                };
                let (epoch, shown) = (own.epoch, weights(&own.row));
                let act = mind.ask(moment, |it, cx| it.on_reveal(cx, epoch, &shown));
                let make = |reveal: Reveal| Message::Reveal(signed(mind, reveal));
                let told = Effect::Tell(Box::new(make(own.clone())));
                held.follow(act, told, |other| Some(make(Reveal { row: row(other), ..own.clone() })))
            }
            _ => vec![honest],
        }
    }
}

fn signed<T: Payload>(mind: &Mind, payload: T) -> Signed<T> {
    Signed::author(&mind.keys.hotkey, &mind.head.ledger.genesis(), payload).into_signed()
}
