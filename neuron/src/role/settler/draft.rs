//! How a draft is made, heard, judged and remembered.
use std::sync::Arc;

use crypto::Hash;
use protocol::consensus::Output;
use protocol::consensus::vote::Draft;
use protocol::head::{Flaw, Judged};
use protocol::message::Message;
use protocol::settlement::Settlement;
use protocol::{Signed, Verified};

use super::{Moment, Settler};
use crate::role::{Effect, Entry};

/// Drafts looked at in one round: an honest proposer makes one, and one caught lying needs no third.
const DRAFTS_A_ROUND: u8 = 2;

/// Rounds ahead of ours whose drafts are looked at, as far as the core looks.
const ROUNDS_AHEAD: u32 = 10;

/// Drafts kept for the height after the one being decided.
const EARLY_DRAFTS: usize = 8;

impl Settler {
    /// Drafts the next settlement from the pool.
    pub(super) fn draft(&self, moment: Moment, round: u32) -> Judged {
        let mut ledger = self.head.ledger.clone();
        let inputs = self.pool.draft(&self.head.parent().0, &mut ledger);
        self.head.draft(ledger, inputs, moment.now, round)
    }

    /// Proposes what is known to propose, or drafts the next settlement. A draft in which coins appear or vanish is not
    /// proposed: the round ends with votes for nothing, ours too.
    pub(super) fn propose(&mut self, moment: Moment, round: u32) -> Vec<Effect> {
        if self.chosen.get(&round).is_some_and(|header| !self.drafts.contains_key(header)) {
            // What we proposed in it before a crash is gone, and anything else would be a second proposal.
            return Vec::new();
        }
        let (settlement, entries) = match self.known(round).cloned() {
            Some(known) => (known, Vec::new()),
            None => match self.draft(moment, round) {
                sound if sound.ledger.supply().check() => {
                    let settlement = self.keep(Arc::new(sound));
                    (settlement.clone(), vec![Entry::Draft(Box::new(settlement))])
                }
                broken => {
                    let supply = broken.ledger.supply();
                    tracing::error!(round, ?supply, "our draft does not keep the supply: report this");
                    return Vec::new();
                }
            },
        };
        let (height, header) = (settlement.header.height, settlement.header.hash());
        self.chosen.insert(round, header);
        let mut step = self.engine.propose(height, round, header);
        step.outputs.insert(0, Output::Restream { round, header });
        self.follow(moment, entries, step)
    }

    /// The draft to propose in `round` instead of a new one, on disk already: what we proposed in it before a crash, or
    /// what others may be locked on, or else any that failed in an earlier round.
    ///
    /// Somebody locked alone votes for nothing else, and without it there may be no quorum. Nor do rounds without end fill
    /// memory and disk.
    fn known(&self, round: u32) -> Option<&Settlement> {
        if let Some(header) = self.chosen.get(&round) {
            return self.drafts.get(header).map(|judged| &judged.settlement);
        }
        let favoured = self.engine.favoured();
        let mut known: Vec<_> = favoured.iter().filter_map(|header| self.drafts.get(header)).collect();
        if known.is_empty() && round > 0 {
            known.extend(self.drafts.values());
        }
        let turn = (round as usize).checked_rem(known.len())?;
        Some(&known[turn].settlement)
    }

    pub(super) fn keep(&mut self, judged: Arc<Judged>) -> Settlement {
        let settlement = judged.settlement.clone();
        self.drafts.insert(settlement.header.hash(), judged);
        settlement
    }

    pub(super) fn tell_draft(&self, round: u32, header: &Hash) -> Option<Effect> {
        let settlement = self.drafts.get(header)?.settlement.clone();
        let draft = Signed::author(&self.keypair, &self.genesis, Draft { round, settlement });
        Some(Effect::tell(Message::Draft(Box::new(draft.into_signed()))))
    }

    pub(super) fn drafted(&mut self, moment: Moment, draft: &Verified<Draft>) -> Vec<Effect> {
        let header = &draft.settlement.header;
        let next = self.head.ledger.height() + 1;
        if header.height == next + 1 {
            self.expect(draft);
        }
        let proposer = self.head.ledger.validators().proposer(header.height, draft.round);
        let may_vote = next >= self.votes_from && !self.may_have_forgotten(moment.now);
        let ours_to_judge = header.height == next && may_vote;
        let (hash, round) = (header.hash(), draft.round);
        if !ours_to_judge || draft.signer() != proposer || round > self.round() + ROUNDS_AHEAD {
            return Vec::new();
        }
        if self.drafts.contains_key(&hash) {
            let new = self.proposed.insert((round, hash));
            let step = new.then(|| self.engine.judged(next, round, proposer, hash, true));
            return step.map(|step| self.follow(moment, Vec::new(), step)).unwrap_or_default();
        }
        let looked_at = self.looked_at.entry(round).or_default();
        *looked_at += 1;
        if *looked_at > DRAFTS_A_ROUND {
            return Vec::new();
        }
        match self.judge(moment, &draft.settlement) {
            Ok(judged) => {
                self.proposed.insert((round, hash));
                self.drafts.insert(hash, judged);
                self.judged(moment, draft, true)
            }
            Err(refused) => {
                tracing::warn!(height = next, proposer = ?draft.signer(), %refused, "refused a draft");
                self.judged(moment, draft, false)
            }
        }
    }

    /// Keeps a draft that came while its parent is still being decided here. Whose turn it is we cannot tell yet.
    fn expect(&mut self, draft: &Verified<Draft>) {
        let room = self.early.len() < EARLY_DRAFTS || self.early.contains_key(&draft.signer());
        if room && draft.round == 0 && self.has_say(&draft.signer()) {
            self.early.insert(draft.signer(), draft.clone());
        }
    }

    /// The round being voted in; 0 while the height has not begun.
    pub(super) fn round(&self) -> u32 {
        if self.engine.height() > self.head.ledger.height() { self.engine.round() } else { 0 }
    }

    /// Tells consensus what we think of a draft; a valid one is durable before we can vote for it.
    fn judged(&mut self, moment: Moment, draft: &Verified<Draft>, valid: bool) -> Vec<Effect> {
        let header = &draft.settlement.header;
        let step = self.engine.judged(header.height, draft.round, draft.signer(), header.hash(), valid);
        let entry = valid.then(|| Entry::Draft(Box::new(draft.settlement.clone())));
        self.follow(moment, entry.into_iter().collect(), step)
    }

    /// Judges a draft that asks for our vote: it may not be of our future, clocks' drift allowed for.
    pub(super) fn judge(&self, moment: Moment, settlement: &Settlement) -> Result<Arc<Judged>, Flaw> {
        let latest = moment.now.max(self.head.parent().1) + self.head.ledger.parameters().clock_drift;
        self.findings.judge(&self.head, settlement, latest)
    }

    /// Keeps a draft found on disk, judged again: a disk is not taken on trust.
    pub(super) fn remember(&mut self, settlement: Settlement) {
        if let Ok(judged) = self.head.judge(settlement, u64::MAX) {
            self.keep(Arc::new(judged));
        }
    }
}
