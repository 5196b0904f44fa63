//! The version of a store's files, in a file beside them: another version's look damaged, and are not.

use std::path::Path;

use crate::files::Files;
use crate::{Error, durable};

/// Counted up whenever a file's layout changes.
const VERSION: u64 = 1;

/// The longest that is read, in bytes: a word and a number.
const MAX_BYTES: u64 = 64;

/// Refuses files of another version; where none is readable, they are taken for this one's.
pub(crate) fn check(disk: &dyn Files, dir: &Path) -> Result<(), Error> {
    let path = dir.join("format");
    let found = durable::read(disk, &path, MAX_BYTES)?;
    match found.as_deref().and_then(version) {
        Some(VERSION) => Ok(()),
        Some(found) => Err(Error::OtherVersion { path: dir.to_owned(), found, expected: VERSION }),
        None => {
            let line = format!("neuron {VERSION}\n");
            durable::replace(disk, &path, &durable::beside(&path, ".new"), line.as_bytes())
        }
    }
}

fn version(bytes: &[u8]) -> Option<u64> {
    std::str::from_utf8(bytes).ok()?.strip_prefix("neuron ")?.trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::Store;

    #[test]
    fn the_files_of_another_version_are_refused_in_one_line_and_left_as_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        store.append_settlement(1, &[7; 100]).unwrap();
        drop(store);
        let format = dir.path().join("format");
        fs::write(&format, "neuron 2\n").unwrap();
        let refused = Store::open(dir.path()).err().expect("another version").to_string();
        assert!(refused.contains("version 2") && refused.contains("another directory"), "{refused}");
        for ours in ["neuron 1\n", "", "\u{0}garbled"] {
            fs::write(&format, ours).unwrap();
            let store = Store::open(dir.path()).unwrap();
            assert_eq!((store.tip(), store.damage().len()), (1, 0), "{ours:?}");
            assert_eq!(fs::read_to_string(&format).unwrap(), "neuron 1\n");
        }
    }
}
