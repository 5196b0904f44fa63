//! What disks of one network were told to write lately: those who are told the same keep it once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Shorter writes are not worth the search, in bytes.
const SMALL: usize = 1024;

/// Writes remembered: what each of the largest settling set writes at one height.
const KEPT: usize = 128;

/// The last writes of all who have a clone.
#[derive(Clone, Default)]
pub(super) struct Shelf(Arc<Mutex<VecDeque<Arc<[u8]>>>>);

impl Shelf {
    /// These bytes, shared with who wrote them before.
    pub(super) fn share(&self, bytes: &[u8]) -> Arc<[u8]> {
        if bytes.len() < SMALL {
            return bytes.into();
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.iter().rev().find(|known| ***known == *bytes) {
            return Arc::clone(known);
        }
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(bytes.into());
        Arc::clone(&kept[kept.len() - 1])
    }
}
