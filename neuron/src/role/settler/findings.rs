//! What settlers of one process found out, once for all of them.
//!
//! Who stands on an equal ledger and is handed an equal settlement comes to the same end. A live neuron has one settler
//! and keeps nothing; in a network in memory the first does the work, and others take what it found.
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crypto::Hash;
use protocol::head::{Flaw, Head, Judged};
use protocol::ledger::Ledger;
use protocol::settlement::{Certified, Forged, Settlement};

use crate::role::Settled;

/// Findings kept: drafts of a few rounds, and settlements that slower settlers still have before them.
const KEPT: usize = 8;

/// What was found, shared by all clones; without [`Findings::shared`] nothing is kept.
#[derive(Clone, Default)]
pub struct Findings(Option<Arc<Mutex<VecDeque<Finding>>>>);

/// What follows from a settlement on a ledger.
struct Finding {
    ledger: Ledger,
    parent: Hash,
    judged: Arc<Judged>,
    /// The same with the certificate that it was told with first.
    settled: Option<Arc<Settled>>,
}

/// A settlement that was decided, and how its inputs were judged.
pub(super) type Entered = (Arc<Settled>, Arc<Judged>);

impl Findings {
    /// Findings that settlers with a clone share.
    pub fn shared() -> Self {
        Self(Some(Arc::default()))
    }

    /// As [`Head::judge`].
    pub(super) fn judge(
        &self,
        head: &Head,
        settlement: &Settlement,
        latest: u64,
    ) -> Result<Arc<Judged>, Flaw> {
        let in_time = settlement.header.time <= latest;
        let known = self.find(head, settlement, |found| in_time.then(|| Arc::clone(&found.judged)));
        if let Some(judged) = known {
            return Ok(judged);
        }
        let judged = Arc::new(head.judge(settlement.clone(), latest)?);
        self.keep(head, &judged);
        Ok(judged)
    }

    /// As [`Head::check`] and then [`Head::judge`], of what was decided.
    pub(super) fn follow(&self, head: &Head, certified: &Certified) -> Result<Result<Entered, Flaw>, Forged> {
        let settlement = &certified.settlement;
        let known = self.find(head, settlement, |found| {
            let settled = found.settled.as_ref()?;
            let same = settled.certified.certificate == certified.certificate;
            same.then(|| (Arc::clone(settled), Arc::clone(&found.judged)))
        });
        if let Some(entered) = known {
            return Ok(Ok(entered));
        }
        head.check(certified)?;
        Ok(self.judge(head, settlement, u64::MAX).map(|judged| {
            let settled = Arc::new(Settled::after(head, certified.clone(), &judged));
            self.find(head, settlement, |found| {
                found.settled.get_or_insert_with(|| Arc::clone(&settled));
                Some(())
            });
            (settled, judged)
        }))
    }

    /// What is wanted of the finding that was made from all of this, if there is one.
    fn find<T>(
        &self,
        head: &Head,
        settlement: &Settlement,
        wanted: impl FnOnce(&mut Finding) -> Option<T>,
    ) -> Option<T> {
        let mut kept = self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let parent = head.parent().0;
        let is_it = |found: &&mut Finding| {
            found.parent == parent
                && found.judged.settlement == *settlement
                && head.ledger.changes_since(&found.ledger).is_empty()
        };
        wanted(kept.iter_mut().rev().find(is_it)?)
    }

    fn keep(&self, head: &Head, judged: &Arc<Judged>) {
        let Some(kept) = &self.0 else { return };
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        let (ledger, parent) = (head.ledger.clone(), head.parent().0);
        kept.push_back(Finding { ledger, parent, judged: Arc::clone(judged), settled: None });
    }
}

#[cfg(test)]
mod tests;
