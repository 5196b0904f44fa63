//! The engine's part in rules broken on purpose.
use arc_malachitebft_core_consensus::ThresholdParams;
use arc_malachitebft_core_driver::Input::NewRound;
use arc_malachitebft_core_types::{LinearTimeouts, Round, ThresholdParam};
use crypto::{Hash, Keypair};

use super::Engine;
use crate::Fault;
use crate::consensus::ValidatorSet;
use crate::consensus::context::Height;

impl Engine {
    /// An engine that breaks a rule of consensus, if the fault is one.
    pub fn with_fault(
        keypair: Keypair,
        genesis: Hash,
        set: ValidatorSet,
        timeouts: LinearTimeouts,
        fault: Fault,
    ) -> Self {
        let mut thresholds = ThresholdParams::default();
        if fault == Fault::HalfIsQuorum {
            thresholds.quorum = ThresholdParam::new(1, 2);
        }
        let sound = Self::with_thresholds(keypair, genesis, set, timeouts, thresholds);
        Self { ignores_locks: fault == Fault::LockIgnored, ..sound }
    }

    /// Forgets what was precommitted: the core drops it for a height that is none, and comes back to its round.
    pub(super) fn ignore_lock(&mut self) {
        let driver = &mut self.state.driver;
        let locked = driver.step_is_precommit() && driver.valid_value().is_some();
        let (true, Some(&proposer)) = (self.ignores_locks && locked, driver.proposer_address()) else {
            return;
        };
        let (height, round, none) = (driver.height(), driver.round(), Round::new(u32::MAX));
        for (height, round) in [(Height(0), none), (height, none), (height, round)] {
            // What it says to this was said when the round began.
            let _ = driver.process(NewRound(height, round, proposer));
        }
    }
}
