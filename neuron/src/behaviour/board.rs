//! What colluders tell each other behind everybody's back.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, io, process};

use crypto::hash;
use serde_json::Value;

/// Entries on a board; when full, new ones are refused.
const ENTRIES: usize = 4_096;

/// Drafts that this process wrote: its neurons write at the same time.
static DRAFTS: AtomicU64 = AtomicU64::new(0);

/// A board that neurons of one process share, or those of one machine.
#[derive(Clone, Debug)]
pub struct Board(Place);

#[derive(Clone, Debug)]
enum Place {
    Memory(Arc<Mutex<BTreeMap<String, Value>>>),
    Folder(PathBuf),
}

impl Default for Board {
    fn default() -> Self {
        Self(Place::Memory(Arc::default()))
    }
}

impl Board {
    /// One in a folder, for neurons in processes of their own: a file for each entry.
    pub fn at(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self(Place::Folder(folder.to_owned())))
    }

    /// What stands under a name.
    pub fn get(&self, name: &str) -> Option<Value> {
        match &self.0 {
            Place::Memory(entries) => {
                entries.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
            }
            Place::Folder(folder) => serde_json::from_slice(&fs::read(file(folder, name)).ok()?).ok(),
        }
    }

    /// Writes under a name; false if there is no room.
    pub fn put(&self, name: &str, value: Value) -> bool {
        match &self.0 {
            Place::Memory(entries) => {
                let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
                let room = entries.len() < ENTRIES || entries.contains_key(name);
                if room {
                    entries.insert(name.to_owned(), value);
                }
                room
            }
            Place::Folder(folder) => write(folder, name, &value).unwrap_or(false),
        }
    }
}

fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{}.json", hash("neuron v1 board", &[name.as_bytes()])))
}

/// Whole or not at all: others read meanwhile.
fn write(folder: &Path, name: &str, value: &Value) -> io::Result<bool> {
    let path = file(folder, name);
    if !path.exists() && fs::read_dir(folder)?.count() >= ENTRIES {
        return Ok(false);
    }
    let draft = path.with_extension(format!("{}-{}", process::id(), DRAFTS.fetch_add(1, Ordering::Relaxed)));
    fs::write(&draft, serde_json::to_vec(value)?)?;
    fs::rename(draft, path)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn what_one_writes_another_reads_here_or_in_a_folder() {
        let dir = TempDir::new().unwrap();
        let here = Board::default();
        let boards = [(here.clone(), here), (Board::at(dir.path()).unwrap(), Board::at(dir.path()).unwrap())];
        for (one, other) in boards {
            assert!(one.put("row ../x", json!({ "7": 0.5 })));
            assert_eq!(other.get("row ../x"), Some(json!({ "7": 0.5 })));
            assert!(other.put("row ../x", json!(null)) && one.get("nobody's").is_none());
            assert_eq!(one.get("row ../x"), Some(Value::Null));
        }
    }
}
