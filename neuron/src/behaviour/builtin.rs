//! Behaviours that the program brings along: those that need more than a script has.
use std::sync::Arc;

use protocol::Signed;
use protocol::consensus::Speech;
use protocol::consensus::vote::{Ballot, Vote};
use protocol::message::Message;
use protocol::telling::Telling;
use protocol::weights::Commit;

use super::{Act, Behaviour, Context, Make};

/// Makes one of them.
type New = fn() -> Box<dyn Behaviour>;

/// Their names, what each does, and what makes it.
pub const NAMED: [(&str, &str, New); 3] = [
    ("honest", "deviates in nothing", || Box::new(Honest)),
    ("forger", "tells votes in others' names and commits of epochs to come", || Box::new(Forger)),
    ("liar", "hands over a settlement that never was to whoever asks for settlements", || Box::new(Liar)),
];

/// How far ahead of its time a commit is told, in epochs.
const EPOCHS_AHEAD: u64 = 5;

/// What makes the behaviour of that name.
pub fn named(name: &str) -> Option<Make> {
    NAMED.into_iter().find(|(known, ..)| *known == name).map(|(.., make)| Arc::new(make) as Make)
}

/// Deviates in nothing.
pub struct Honest;

impl Behaviour for Honest {}

/// Speaks in others' names, and out of time.
struct Forger;

impl Behaviour for Forger {
    fn on_tick(&mut self, cx: &mut Context<'_>) {
        let (me, next, genesis) = (cx.me(), cx.height() + 1, cx.ledger.genesis());
        let Some((other, _)) = cx.validators().into_iter().find(|(hotkey, _)| *hotkey != me) else { return };
        let claimed = Vote::of(Ballot::Prevote, next, 0, None, other);
        let own = Vote::of(Ballot::Prevote, next, 0, None, me);
        let signature = Signed::author(cx.key(), &genesis, own).signed().signature();
        let vote = Signed::assemble(other, &claimed, signature);
        let telling = Telling { told: cx.now, speech: Speech::Votes(vec![vote]) };
        let telling = Signed::author(cx.key(), &genesis, telling).into_signed();
        cx.tell(Message::Telling(Box::new(telling)), None);
        let (netuid, epoch) = (cx.netuid, cx.epoch() + EPOCHS_AHEAD);
        let commitment = crypto::hash("neuron v1 forged commitment", &[&next.to_le_bytes()]);
        let commit = Signed::author(cx.key(), &genesis, Commit { netuid, epoch, commitment });
        cx.tell(Message::Commit(commit.into_signed()), None);
        cx.fired("forged");
    }
}

/// Makes up history for whoever asks.
struct Liar;

impl Behaviour for Liar {
    fn on_request(&mut self, cx: &mut Context<'_>, _first: u64) -> Act<()> {
        cx.fired("lied");
        Act::Replace(())
    }
}
