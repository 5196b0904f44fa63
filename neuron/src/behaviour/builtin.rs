//! Behaviours that the program brings along: those that need more than a script has.
use std::sync::Arc;

use protocol::Signed;
use protocol::consensus::Speech;
use protocol::consensus::vote::{Ballot, Vote};
use protocol::message::{Heard, Message};
use protocol::telling::Telling;
use protocol::weights::Commit;

use super::{Act, Asking, Behaviour, Context, Gossip, Make};

/// Makes one of them.
type New = fn() -> Box<dyn Behaviour>;

/// Their names, what each does, and what makes it.
pub const NAMED: [(&str, &str, New); 4] = [
    ("honest", "deviates in nothing", || Box::new(Honest)),
    ("echoer", "commits to what another committed to, and shows what that one shows", || Box::new(Echoer)),
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

/// Hands in another's work: its commitment, and then its row.
struct Echoer;

impl Behaviour for Echoer {
    fn on_ask(&mut self, _cx: &mut Context<'_>, _question: &Asking) -> Act<Vec<u8>> {
        Act::Drop
    }

    fn on_settled(&mut self, cx: &mut Context<'_>) {
        let (me, netuid, epoch) = (cx.me(), cx.netuid, cx.epoch());
        let mut others = cx.ledger.commitments(netuid).filter(|(of, voter, ..)| *of == epoch && *voter != me);
        if let Some((.., commitment, _)) = others.next()
            && cx.ledger.commitment(netuid, &me, epoch).is_none()
        {
            let commit = Commit { netuid, epoch, commitment };
            let commit = Signed::author(cx.key(), &cx.ledger.genesis(), commit);
            cx.tell(Message::Commit(commit.into_signed()), None);
            cx.fired("echoed");
        }
    }

    fn on_told(&mut self, cx: &mut Context<'_>, _message: &Gossip) -> Act<()> {
        let Some(Heard::Reveal(reveal)) = cx.heard() else { return Act::Forward };
        let echoed = cx.ledger.commitment(cx.netuid, &cx.me(), reveal.epoch);
        if echoed == Some(reveal.digest()) {
            let own = Signed::author(cx.key(), &cx.ledger.genesis(), (**reveal).clone());
            cx.tell(Message::Reveal(own.into_signed()), None);
            cx.fired("shown");
        }
        Act::Forward
    }
}

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
