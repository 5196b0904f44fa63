//! A settlement that never was, certified by nobody but us.
use protocol::Signed;
use protocol::consensus::vote::{Ballot, Vote};
use protocol::settlement::{Certificate, Certified, Inputs};

use super::Mind;
use crate::role::{Effect, Moment, Ticket};

/// How far we claim to be beyond it, in settlements.
const CLAIM: u64 = 1_000;

/// Hands over a settlement that follows where we began, as if many more came after it.
pub(super) fn hand_over(mind: &Mind, moment: Moment, ticket: Ticket) -> Effect {
    let (head, key) = (&mind.origin, &mind.keys.hotkey);
    let settlement = head.draft(head.ledger.clone(), Inputs::default(), moment.now, 0).settlement;
    let (height, header) = (settlement.header.height, settlement.header.hash());
    let vote = Vote::of(Ballot::Precommit, height, 0, Some(header), key.hotkey());
    let signature = Signed::author(key, &head.ledger.genesis(), vote).signed().signature();
    let signatures = vec![(key.hotkey(), signature)];
    let certificate = Certificate { height, round: 0, header, signatures };
    Effect::Deliver(ticket, vec![Certified { settlement, certificate }], height + CLAIM)
}
