//! What colluders tell each other behind everybody's back.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

/// Entries on a board; when full, new ones are refused.
const ENTRIES: usize = 4_096;

/// A board that neurons of one process share.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<BTreeMap<String, Value>>>);

impl Board {
    /// What stands under a name.
    pub fn get(&self, name: &str) -> Option<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Writes under a name; false if there is no room.
    pub fn put(&self, name: &str, value: Value) -> bool {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = entries.len() < ENTRIES || entries.contains_key(name);
        if room {
            entries.insert(name.to_owned(), value);
        }
        room
    }
}
