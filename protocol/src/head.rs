//! Where the ledger stands, and what may follow: the one judge of drafts, of what others settled, and of our own log.
use crypto::Hash;

use crate::codec;
use crate::consensus::ValidatorSet;
use crate::ledger::{Ledger, Refusal};
use crate::settlement::{
    Certificate, Certified, Forged, Header, Inputs, MAX_BODY_BYTES, MAX_EVIDENCE, MAX_TRANSACTION_BYTES,
    Settlement, VERSION,
};

/// The ledger and the settlement that led to it.
#[derive(Clone, Debug)]
pub struct Head {
    /// The ledger after the last settlement.
    pub ledger: Ledger,
    /// The last settlement; `None` at the genesis.
    pub tip: Option<Certified>,
}

/// A settlement that holds every rule, with what it leads to.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The settlement.
    pub settlement: Settlement,
    /// Its inputs, each proven to be its author's.
    pub inputs: Inputs,
    /// The ledger after them.
    pub ledger: Ledger,
}

/// Which rule a settlement breaks.
#[derive(Debug, thiserror::Error)]
pub enum Flaw {
    /// It is for another place.
    #[error("it belongs to another network, version or parent")]
    Misplaced,
    /// It was somebody else's turn.
    #[error("its proposer had no turn in its round")]
    OutOfTurn,
    /// Times are in milliseconds since 1970.
    #[error("its time {time} is not between {earliest} and {latest}")]
    Untimely {
        /// Its time.
        time: u64,
        /// The earliest allowed.
        earliest: u64,
        /// The latest allowed.
        latest: u64,
    },
    /// Nothing shows that the parent was decided.
    #[error("its parent's certificate does not prove the parent")]
    UnprovenParent,
    /// The body was changed.
    #[error("its body is not what its header binds")]
    OtherBody,
    /// The body is too long.
    #[error("its body has {0} bytes: at most {MAX_BODY_BYTES} are allowed")]
    TooLong(usize),
    /// Transactions take the room of commits and reveals.
    #[error("its transactions have {0} bytes: {MAX_TRANSACTION_BYTES} are theirs, the rest is for votes")]
    Crowded(usize),
    /// More evidence than there is room for.
    #[error("its body has {0} pieces of evidence: at most {MAX_EVIDENCE} are allowed")]
    Overcharged(usize),
    /// There is one order only.
    #[error("its inputs are out of order")]
    Unordered,
    /// An input proves nothing.
    #[error("an input is refused: {0}")]
    Input(#[from] crate::Error),
    /// An input breaks a rule of the ledger.
    #[error("an input does not apply: {0}")]
    Inapplicable(#[from] Refusal),
    /// Its roots are wrong.
    #[error("its state root or next set is not what its inputs lead to")]
    OtherState,
}

impl Head {
    /// The head after `tip`, which led to `ledger`.
    pub fn new(ledger: Ledger, tip: Option<Certified>) -> Self {
        Self { ledger, tip }
    }

    /// Goes on to the ledger that a settlement led to.
    pub fn advance(&mut self, ledger: Ledger, tip: Certified) {
        self.ledger = ledger;
        self.tip = Some(tip);
    }

    /// Whether those who settle the next height decided this, and the body is the one that was decided.
    pub fn check(&self, certified: &Certified) -> Result<(), Forged> {
        certified.settlement.check_body()?;
        self.prove(&certified.certificate, &certified.settlement.header, self.ledger.validators())
    }

    /// Drafts what follows, for the validator whose turn `round` is: `ledger` is a copy of ours on which `inputs` were
    /// tried, and the time is `now` (milliseconds since 1970), or later if that is too early.
    pub fn draft(&self, mut ledger: Ledger, inputs: Inputs, now: u64, round: u32) -> Judged {
        let (height, (parent, earliest)) = (self.ledger.height() + 1, self.parent());
        let time = now.max(earliest);
        let certificate = self.tip.as_ref().map(|tip| tip.certificate.clone());
        ledger.close(time, &certificate.as_ref().map(Certificate::signers).unwrap_or_default());
        let body = inputs.clone().into_body(certificate);
        let header = Header {
            version: VERSION,
            genesis: self.ledger.genesis(),
            height,
            time,
            round,
            proposer: self.ledger.validators().proposer(height, round),
            parent,
            input_root: body.root(),
            state_root: ledger.root(),
            next_set: ledger.validators().hash(),
        };
        Judged { settlement: Settlement { header, body }, inputs, ledger }
    }

    /// Executes a settlement and checks every rule; its time may not pass `latest` (milliseconds since 1970).
    pub fn judge(&self, settlement: Settlement, latest: u64) -> Result<Judged, Flaw> {
        let header = &settlement.header;
        self.check_place(header)?;
        self.check_time(header.time, latest)?;
        self.check_parent(&settlement)?;
        let size = codec::encode(&settlement.body).len();
        if size > MAX_BODY_BYTES {
            return Err(Flaw::TooLong(size));
        }
        let size = settlement.body.transaction_bytes();
        if size > MAX_TRANSACTION_BYTES {
            return Err(Flaw::Crowded(size));
        }
        let evidence = settlement.body.evidence.len();
        if evidence > MAX_EVIDENCE {
            return Err(Flaw::Overcharged(evidence));
        }
        settlement.check_body().map_err(|_| Flaw::OtherBody)?;
        let inputs = settlement.body.verify(&self.ledger.genesis())?;
        if !inputs.is_canonical(&header.parent) {
            return Err(Flaw::Unordered);
        }
        let mut ledger = self.ledger.clone();
        let signers = settlement.body.parent_certificate.as_ref().map(Certificate::signers);
        ledger.apply(&inputs, header.time, &signers.unwrap_or_default())?;
        if ledger.root() != header.state_root || ledger.validators().hash() != header.next_set {
            return Err(Flaw::OtherState);
        }
        Ok(Judged { settlement, inputs, ledger })
    }

    /// The parent's hash and the earliest time of its child.
    pub fn parent(&self) -> (Hash, u64) {
        let interval = self.ledger.parameters().interval;
        match &self.tip {
            Some(tip) => (tip.settlement.header.hash(), tip.settlement.header.time + interval),
            None => (self.ledger.genesis(), self.ledger.time() + interval),
        }
    }

    fn check_place(&self, header: &Header) -> Result<(), Flaw> {
        let here = header.version == VERSION && header.genesis == self.ledger.genesis();
        if !here || header.height != self.ledger.height() + 1 || header.parent != self.parent().0 {
            return Err(Flaw::Misplaced);
        }
        if header.proposer != self.ledger.validators().proposer(header.height, header.round) {
            return Err(Flaw::OutOfTurn);
        }
        Ok(())
    }

    /// Never earlier than one interval after the parent. How late it may be follows from the voter's clock alone: a
    /// locked settlement keeps its time through later rounds.
    fn check_time(&self, time: u64, latest: u64) -> Result<(), Flaw> {
        let earliest = self.parent().1;
        if time < earliest || time > latest {
            return Err(Flaw::Untimely { time, earliest, latest });
        }
        Ok(())
    }

    fn check_parent(&self, settlement: &Settlement) -> Result<(), Flaw> {
        match (&self.tip, &settlement.body.parent_certificate) {
            (None, None) => Ok(()),
            (Some(tip), Some(certificate)) => {
                let set = self.ledger.previous_validators();
                let proven = self.prove(certificate, &tip.settlement.header, set);
                proven.map_err(|_| Flaw::UnprovenParent)
            }
            _ => Err(Flaw::UnprovenParent),
        }
    }

    fn prove(&self, certificate: &Certificate, header: &Header, set: &ValidatorSet) -> Result<(), Forged> {
        let proven = certificate.check(&self.ledger.genesis(), header, set);
        #[cfg(feature = "planted-faults")]
        if let Err(Forged::NoQuorum { signed, total }) = proven
            && self.ledger.breaks(crate::Fault::HalfIsQuorum)
            && signed > total / 2
        {
            return Ok(());
        }
        proven
    }
}

#[cfg(test)]
mod tests {
    use crypto::Keypair;

    use super::*;
    use crate::consensus::vote::{Ballot, Vote};
    use crate::genesis::GenesisNeuron;
    use crate::subnet::Netuid;
    use crate::transaction::Coldkey;
    use crate::{Amount, Genesis, Signed};

    fn key() -> Keypair {
        Keypair::from_seed([1; 32])
    }

    /// A network of one.
    fn head() -> Head {
        let neuron = GenesisNeuron {
            netuid: Netuid(1),
            hotkey: key().hotkey(),
            coldkey: Coldkey(key().hotkey()),
            stake: Amount::coins(10),
            settles: true,
            permit: false,
        };
        Head::new(Ledger::new(&Genesis::dev(1_000, vec![neuron])).expect("sound"), None)
    }

    fn certify(settlement: Settlement) -> Certified {
        let (height, header) = (settlement.header.height, settlement.header.hash());
        let vote = Vote::of(Ballot::Precommit, height, 0, Some(header), key().hotkey());
        let vote = Signed::author(&key(), &settlement.header.genesis, vote);
        let signatures = vec![(vote.signer(), vote.signed().signature())];
        Certified { certificate: Certificate { height, round: 0, header, signatures }, settlement }
    }

    #[test]
    fn a_draft_holds_every_rule_and_so_does_the_next_one() {
        let mut head = head();
        for (height, lateness) in [(1, -5), (2, 7), (3, 0)] {
            let (_, earliest) = head.parent();
            let now = earliest.saturating_add_signed(lateness);
            let draft = head.draft(head.ledger.clone(), Inputs::default(), now, 0);
            let header = &draft.settlement.header;
            assert_eq!((header.height, header.time), (height, now.max(earliest)));
            let judged = head.judge(draft.settlement, now.max(earliest)).expect("it holds every rule");
            let certified = certify(judged.settlement);
            head.check(&certified).expect("all of the stake signed");
            head.advance(judged.ledger, certified);
        }
    }
}
