//! How a draft is made, judged and remembered.
use protocol::head::{Flaw, Judged};
use protocol::settlement::{Header, Settlement, VERSION};

use super::{Moment, Settler};

impl Settler {
    /// Drafts the next settlement from the pool.
    pub(super) fn draft(&self, moment: Moment, round: u32) -> Judged {
        let (head, (parent, earliest)) = (&self.head, self.head.parent());
        let mut ledger = head.ledger.clone();
        let inputs = self.pool.draft(&parent, &mut ledger);
        let time = moment.now.max(earliest);
        let signers = head.tip.as_ref().map(|tip| tip.certificate.signers()).unwrap_or_default();
        ledger.close(time, &signers);
        let body = inputs.clone().into_body(head.tip.as_ref().map(|tip| tip.certificate.clone()));
        let header = Header {
            version: VERSION,
            genesis: self.genesis,
            height: head.ledger.height() + 1,
            time,
            round,
            proposer: self.keypair.hotkey(),
            parent,
            input_root: body.root(),
            state_root: ledger.root(),
            next_set: ledger.validators().hash(),
        };
        Judged { settlement: Settlement { header, body }, inputs, ledger }
    }

    /// Judges a draft that asks for our vote: it may not be of our future, clocks' drift allowed for.
    pub(super) fn judge(&self, moment: Moment, settlement: Settlement) -> Result<Judged, Flaw> {
        let latest = moment.now.max(self.head.parent().1) + self.head.ledger.parameters().clock_drift;
        self.head.judge(settlement, latest)
    }

    /// Keeps a draft found on disk, judged again: a disk is not taken on trust.
    pub(super) fn remember(&mut self, settlement: Settlement) {
        if let Ok(judged) = self.head.judge(settlement, u64::MAX) {
            self.keep(judged);
        }
    }
}
