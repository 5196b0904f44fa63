//! What must hold in every history, checked as it unfolds.
use std::collections::BTreeSet;
use std::sync::Arc;

use crypto::{Hash, Hotkey};
use protocol::consensus::Evidence;
use protocol::ledger::Ledger;

use super::{Outcome, Plan};
use crate::role::Settled;

/// A rule that a history broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Two nodes settled different things at one height.
    Fork {
        /// The height.
        height: u64,
        /// The node that disagrees with the first.
        node: usize,
    },
    /// Coins appeared or vanished.
    Supply {
        /// The height.
        height: u64,
    },
    /// A certificate does not convince the independent check.
    Certificate {
        /// The height.
        height: u64,
    },
    /// A height took more rounds than any sound history needs.
    Rounds {
        /// The height.
        height: u64,
        /// The round that decided it.
        round: u32,
    },
    /// A validator that runs once was caught signing twice.
    HonestAccused(Hotkey),
    /// A node gave up.
    Halted {
        /// Which.
        node: usize,
        /// Why.
        reason: String,
    },
    /// A disk was asked for what the live one refuses, which stops a neuron.
    DiskRefused {
        /// Whose.
        node: usize,
        /// What the live store says.
        reason: String,
    },
    /// The planned height was not reached in time.
    Stuck {
        /// Virtual milliseconds waited.
        after_ms: u64,
        /// How far each node came.
        heights: Vec<u64>,
    },
}

/// The last round that may decide a height: timeouts grow, so the calm comes before it.
const LAST_ROUND: u32 = 12;

/// What was seen so far.
pub(super) struct Record {
    genesis: Hash,
    twins: BTreeSet<Hotkey>,
    settlements: Vec<Hash>,
    /// The ledger after each height, the genesis first.
    ledgers: Vec<Ledger>,
    violations: Vec<Violation>,
    honest_accused: usize,
    twins_accused: usize,
    worst_round: u32,
    /// With a quorum of one half the independent check must not be asked.
    checks_certificates: bool,
}

impl Record {
    pub(super) fn new(plan: &Plan, genesis: &Ledger) -> Self {
        Self {
            genesis: genesis.genesis(),
            twins: (0..plan.twins).map(|i| plan.keypair(i).hotkey()).collect(),
            settlements: Vec::new(),
            ledgers: vec![genesis.clone()],
            violations: Vec::new(),
            honest_accused: 0,
            twins_accused: 0,
            worst_round: 0,
            checks_certificates: plan.sabotage.is_none(),
        }
    }

    /// Checks what a node has on its disk, whether or not it lives to act on it.
    pub(super) fn settled(&mut self, node: usize, settled: &Arc<Settled>) {
        let header = &settled.certified.settlement.header;
        let (height, place) = (header.height, header.height as usize - 1);
        if let Some(known) = self.settlements.get(place) {
            if *known != header.hash() {
                self.violations.push(Violation::Fork { height, node });
            }
            return;
        }
        let set = self.ledgers[place].validators();
        if self.checks_certificates
            && settled.certified.certificate.check(&self.genesis, header, set).is_err()
        {
            self.violations.push(Violation::Certificate { height });
        }
        let round = settled.certified.certificate.round;
        self.worst_round = self.worst_round.max(round);
        if round > LAST_ROUND {
            self.violations.push(Violation::Rounds { height, round });
        }
        if !settled.ledger.supply().check() {
            self.violations.push(Violation::Supply { height });
        }
        self.settlements.push(header.hash());
        self.ledgers.push(settled.ledger.clone());
    }

    pub(super) fn accused(&mut self, evidence: &[Evidence]) {
        for offender in evidence.iter().map(Evidence::offender) {
            if self.is_twin(&offender) {
                self.twins_accused += 1;
            } else {
                self.honest_accused += 1;
                self.violations.push(Violation::HonestAccused(offender));
            }
        }
    }

    pub(super) fn refused(&mut self, node: usize, reason: String) {
        self.violations.push(Violation::DiskRefused { node, reason });
    }

    /// A twin finds the other's votes among its own and stops: that is its own affair.
    pub(super) fn halted(&mut self, node: usize, hotkey: Hotkey, reason: String) {
        if !self.is_twin(&hotkey) {
            self.violations.push(Violation::Halted { node, reason });
        }
    }

    pub(super) fn is_twin(&self, hotkey: &Hotkey) -> bool {
        self.twins.contains(hotkey)
    }

    pub(super) fn stuck(&mut self, after_ms: u64, heights: Vec<u64>) {
        self.violations.push(Violation::Stuck { after_ms, heights });
    }

    pub(super) fn is_broken(&self) -> bool {
        !self.violations.is_empty()
    }

    pub(super) fn outcome(mut self, events: u64, elapsed_ms: u64, recovery_ms: u64) -> Outcome {
        Outcome {
            settlements: self.settlements,
            violations: self.violations,
            ledger: self.ledgers.pop(),
            honest_accused: self.honest_accused,
            twins_accused: self.twins_accused,
            worst_round: self.worst_round,
            events,
            elapsed_ms,
            recovery_ms,
        }
    }
}
