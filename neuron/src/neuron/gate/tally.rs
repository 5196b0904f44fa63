//! What was not let in, counted.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How often something was not let in, by reason.
#[derive(Clone, Default)]
pub(in crate::neuron) struct Tally(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl Tally {
    pub(in crate::neuron) fn count(&self, reason: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(reason).or_default() += 1;
    }

    pub(in crate::neuron) fn snapshot(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
