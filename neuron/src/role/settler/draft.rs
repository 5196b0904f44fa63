//! What a settlement must be to get our vote, and how to make one that is.
use std::collections::BTreeSet;

use crypto::Hash;
use protocol::codec;
use protocol::ledger::{Ledger, Refusal};
use protocol::settlement::{Certificate, Header, Inputs, MAX_BODY_BYTES, Settlement, VERSION};

use super::{Moment, Settler};
use crate::role::pool::is_canonical;

/// A settlement that holds every rule, with what it leads to.
pub(super) struct Judged {
    pub(super) settlement: Settlement,
    pub(super) inputs: Inputs,
    pub(super) ledger: Ledger,
    /// The rounds in which consensus was told of it, since we are up.
    pub(super) rounds: BTreeSet<u32>,
}

/// Which rule a settlement breaks.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("it belongs to another network, version or parent")]
    Misplaced,
    #[error("its proposer had no turn in its round")]
    OutOfTurn,
    #[error("its time {time} is not between {earliest} and {latest}")]
    Untimely { time: u64, earliest: u64, latest: u64 },
    #[error("its parent's certificate does not prove the parent")]
    UnprovenParent,
    #[error("its body is not what its header binds")]
    OtherBody,
    #[error("its body has {0} bytes: at most {MAX_BODY_BYTES} are allowed")]
    TooLong(usize),
    #[error("its inputs are out of order")]
    Unordered,
    #[error("an input is refused: {0}")]
    Input(#[from] protocol::Error),
    #[error("an input does not apply: {0}")]
    Inapplicable(#[from] Refusal),
    #[error("its state root or next set is not what its inputs lead to")]
    OtherState,
}

impl Settler {
    /// Drafts the next settlement from the pool.
    pub(super) fn draft(&self, moment: Moment, round: u32) -> Judged {
        let (parent, earliest) = self.parent();
        let mut ledger = self.ledger.clone();
        let inputs = self.pool.draft(&parent, &mut ledger);
        let time = moment.now.max(earliest);
        let signers = self.tip.as_ref().map(|tip| tip.certificate.signers()).unwrap_or_default();
        ledger.close(time, &signers);
        let body = inputs.clone().into_body(self.tip.as_ref().map(|tip| tip.certificate.clone()));
        let header = Header {
            version: VERSION,
            genesis: self.genesis,
            height: self.ledger.height() + 1,
            time,
            round,
            proposer: self.keypair.hotkey(),
            parent,
            input_root: body.root(),
            state_root: ledger.root(),
            next_set: ledger.validators().hash(),
        };
        Judged { settlement: Settlement { header, body }, inputs, ledger, rounds: BTreeSet::new() }
    }

    /// Executes a settlement and checks every rule; `timely` also checks it against our clock.
    pub(super) fn judge(
        &self,
        moment: Moment,
        settlement: Settlement,
        timely: bool,
    ) -> Result<Judged, Refused> {
        let header = &settlement.header;
        self.check_place(header)?;
        self.check_time(moment, header.time, timely)?;
        self.check_parent(&settlement)?;
        let size = codec::encode(&settlement.body).len();
        if size > MAX_BODY_BYTES {
            return Err(Refused::TooLong(size));
        }
        if settlement.body.root() != header.input_root {
            return Err(Refused::OtherBody);
        }
        let inputs = settlement.body.verify(&self.genesis)?;
        if !is_canonical(&header.parent, &inputs) {
            return Err(Refused::Unordered);
        }
        let mut ledger = self.ledger.clone();
        let signers =
            settlement.body.parent_certificate.as_ref().map(Certificate::signers).unwrap_or_default();
        ledger.apply(&inputs, header.time, &signers)?;
        if ledger.root() != header.state_root || ledger.validators().hash() != header.next_set {
            return Err(Refused::OtherState);
        }
        Ok(Judged { settlement, inputs, ledger, rounds: BTreeSet::new() })
    }

    /// Keeps a draft found on disk, judged again: a disk is not taken on trust.
    pub(super) fn remember(&mut self, settlement: Settlement) {
        let moment = Moment { now: settlement.header.time, seed: Hash::default() };
        if let Ok(judged) = self.judge(moment, settlement, false) {
            self.keep(judged);
        }
    }

    fn check_place(&self, header: &Header) -> Result<(), Refused> {
        let here = header.version == VERSION && header.genesis == self.genesis;
        if !here || header.height != self.ledger.height() + 1 || header.parent != self.parent().0 {
            return Err(Refused::Misplaced);
        }
        if header.proposer != self.ledger.validators().proposer(header.height, header.round) {
            return Err(Refused::OutOfTurn);
        }
        Ok(())
    }

    /// Never earlier than one interval after the parent; not in our future, clocks' drift allowed for.
    ///
    /// There is no bound on how late it may be: a locked settlement keeps its time through later rounds.
    fn check_time(&self, moment: Moment, time: u64, timely: bool) -> Result<(), Refused> {
        let earliest = self.parent().1;
        let latest =
            if timely { moment.now.max(earliest) + self.ledger.parameters().clock_drift } else { u64::MAX };
        if time < earliest || time > latest {
            return Err(Refused::Untimely { time, earliest, latest });
        }
        Ok(())
    }

    fn check_parent(&self, settlement: &Settlement) -> Result<(), Refused> {
        match (&self.tip, &settlement.body.parent_certificate) {
            (None, None) => Ok(()),
            (Some(tip), Some(certificate)) => {
                let set = self.ledger.previous_validators();
                let proven = certificate.check(&self.genesis, &tip.settlement.header, set);
                proven.map_err(|_| Refused::UnprovenParent)
            }
            _ => Err(Refused::UnprovenParent),
        }
    }

    /// The parent's hash and the earliest time of its child.
    fn parent(&self) -> (Hash, u64) {
        let interval = self.ledger.parameters().interval;
        match &self.tip {
            Some(tip) => (tip.settlement.header.hash(), tip.settlement.header.time + interval),
            None => (self.genesis, self.ledger.time() + interval),
        }
    }
}
