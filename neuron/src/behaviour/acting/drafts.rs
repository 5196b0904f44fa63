//! What is put to the vote: a behaviour may propose something else, or one thing to these and another to those.
use std::collections::BTreeMap;

use crypto::{Hash, Hotkey};
use protocol::Signed;
use protocol::consensus::Speech;
use protocol::consensus::vote::{Draft, Proposal};
use protocol::ledger::Ledger;
use protocol::message::Message;
use protocol::settlement::{Inputs, Settlement};
use protocol::telling::Telling;

use super::Mind;
use super::held::Held;
use crate::behaviour::{Act, Proposing};
use crate::role::{Effect, Moment};

/// Who sees what instead of the honest draft; nobody named means all.
type Instead = Vec<(Option<Vec<Hotkey>>, Draft)>;

/// What was proposed in which round, where it was not what the roles think.
#[derive(Default)]
pub(super) struct Drafts {
    instead: BTreeMap<(u64, u32), Option<Instead>>,
}

impl Drafts {
    pub(super) fn forget(&mut self, height: u64) {
        self.instead.retain(|(about, _), _| *about > height);
    }

    /// What becomes of a draft of ours. The hook is asked once in each round.
    pub(super) fn draft(
        &mut self,
        mind: &mut Mind,
        held: &mut Held,
        moment: Moment,
        draft: Option<Draft>,
        message: Message,
    ) -> Vec<Effect> {
        let honest = Effect::Tell(Box::new(message));
        let Some(draft) = draft else { return vec![honest] };
        let place = (draft.settlement.header.height, draft.round);
        let mut act = Act::Forward;
        let instead = self.instead.entry(place).or_insert_with(|| {
            let proposing = Proposing::of(&draft);
            act = mind.ask(moment, |it, cx| it.on_propose(cx, &proposing));
            instead(mind, &draft, &act)
        });
        match instead {
            Some(instead) => {
                let told = |(peers, draft): &(_, Draft)| {
                    let signed = Signed::author(&mind.keys.hotkey, &genesis(mind), draft.clone());
                    told(peers, Message::Draft(Box::new(signed.into_signed())))
                };
                instead.iter().map(told).collect()
            }
            None => held.follow(act, honest, |_| None),
        }
    }

    /// What becomes of the header of that draft, put to the vote.
    pub(super) fn proposal(&self, mind: &Mind, telling: &Telling, message: Message) -> Vec<Effect> {
        let honest = || vec![Effect::Tell(Box::new(message.clone()))];
        let Speech::Proposal(signed) = &telling.speech else { return honest() };
        let Ok(proposal) = signed.decode() else { return honest() };
        let place = (proposal.height(), proposal.round().unwrap_or_default());
        let Some(Some(instead)) = self.instead.get(&place) else { return honest() };
        let other = |(peers, draft): &(_, Draft)| {
            let header = draft.settlement.header.hash();
            told(peers, retold(mind, telling.told, proposal.clone().of_header(header)))
        };
        instead.iter().map(other).collect()
    }
}

/// Who is to see what; nothing if the honest draft stays, be it late or held back.
fn instead(mind: &Mind, draft: &Draft, act: &Act<Proposing>) -> Option<Instead> {
    let other = |proposing: &Proposing| edited(mind, draft, proposing);
    match act {
        Act::Drop => Some(Vec::new()),
        Act::Replace(proposing) => Some(vec![(None, other(proposing))]),
        Act::Split(parts) => Some(parts.iter().map(|(peers, it)| (Some(peers.clone()), other(it))).collect()),
        Act::Only(peers) => Some(vec![(Some(peers.clone()), draft.clone())]),
        _ => None,
    }
}

fn genesis(mind: &Mind) -> Hash {
    mind.head.ledger.genesis()
}

fn told(peers: &Option<Vec<Hotkey>>, message: Message) -> Effect {
    match peers {
        Some(peers) => Effect::Whisper(peers.clone(), Box::new(message)),
        None => Effect::Tell(Box::new(message)),
    }
}

fn retold(mind: &Mind, told: u64, proposal: Proposal) -> Message {
    let (key, genesis) = (&mind.keys.hotkey, genesis(mind));
    let speech = Speech::Proposal(Signed::author(key, &genesis, proposal).into_signed());
    Message::Telling(Box::new(Signed::author(key, &genesis, Telling { told, speech }).into_signed()))
}

/// The draft with the inputs that are left and the time and root that are given: executed again, so that it is valid
/// unless its root was changed.
fn edited(mind: &Mind, draft: &Draft, to: &Proposing) -> Draft {
    let honest = Proposing::of(draft);
    let Settlement { body, header } = &draft.settlement;
    let mut body = body.clone();
    keep(&mut body.evidence, &to.evidence, |it| it.offender());
    keep(&mut body.commits, &to.commits, |it| it.signer);
    keep(&mut body.reveals, &to.reveals, |it| it.signer);
    keep(&mut body.transactions, &to.transactions, Signed::id);
    let inputs = body.verify(&genesis(mind)).unwrap_or_else(|_| Inputs::default());
    let mut ledger = mind.head.ledger.clone();
    let inputs = applied(&mut ledger, inputs);
    let mut settlement = mind.head.draft(ledger, inputs, to.time, header.round).settlement;
    if to.state_root != honest.state_root {
        settlement.header.state_root.hash =
            crypto::hash("neuron v1 forged root", &[to.state_root.as_bytes()]);
    }
    Draft { round: to.round, settlement }
}

/// The inputs that still apply without those that were left out.
fn applied(ledger: &mut Ledger, mut inputs: Inputs) -> Inputs {
    inputs.evidence.retain(|it| ledger.try_evidence(it).is_ok());
    inputs.commits.retain(|it| ledger.try_commit(it).is_ok());
    inputs.reveals.retain(|it| ledger.try_reveal(it).is_ok());
    inputs.transactions.retain(|it| ledger.try_transaction(it).is_ok());
    inputs
}

/// Keeps what is named.
fn keep<T, K: PartialEq>(inputs: &mut Vec<T>, named: &[K], name: impl Fn(&T) -> K) {
    inputs.retain(|input| named.contains(&name(input)));
}
