//! Contents by their hash: model weights, checkpoints, whatever is too large to be sent unasked.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crypto::Hash;

use crate::files::{Disk, Kind};
use crate::{Error, durable};

/// The most bytes one blob may have: a model that two cores can train, with room.
pub const MAX_BLOB: u64 = 256 << 20;

const DOMAIN: &str = "neuron v1 blob";

/// What the name of an unfinished file starts with.
const UNFINISHED: char = '.';

/// Contents by their hash, a file each. A clone works on the same files, from any thread.
#[derive(Clone, Debug)]
pub struct Blobs {
    disk: Disk,
    dir: PathBuf,
    limit: u64,
    /// Numbers the unfinished files, so that two writers never share one.
    written: Arc<AtomicU64>,
}

impl Blobs {
    pub(crate) fn open(disk: &Disk, dir: &Path, limit: u64) -> Result<Self, Error> {
        durable::create_dir(&**disk, dir)?;
        for file in disk.list(dir).map_err(Error::at(dir))? {
            let name = file.file_name().unwrap_or_default();
            if name.to_string_lossy().starts_with(UNFINISHED) {
                disk.remove(&file).map_err(Error::at(&file))?;
            }
        }
        Ok(Self { disk: disk.clone(), dir: dir.to_owned(), limit, written: Arc::default() })
    }

    /// The name of a content: blake3 under the domain "neuron v1 blob".
    pub fn hash(bytes: &[u8]) -> Hash {
        crypto::hash(DOMAIN, &[bytes])
    }

    /// Keeps a content; it is on the disk when this returns. At most [`MAX_BLOB`] bytes.
    pub fn put(&self, bytes: &[u8]) -> Result<Hash, Error> {
        let (hash, size) = (Self::hash(bytes), bytes.len() as u64);
        if size > self.limit {
            return Err(Error::TooLarge { path: self.dir.clone(), size, limit: self.limit });
        }
        if self.get(hash)?.is_none() {
            let number = self.written.fetch_add(1, Ordering::Relaxed);
            let unfinished = self.dir.join(format!("{UNFINISHED}{hash}.{number}"));
            durable::replace(&*self.disk, &self.path(hash), &unfinished, bytes)?;
        }
        Ok(hash)
    }

    /// The content of this hash, checked against it. A damaged file is set aside, as if it was never there.
    pub fn get(&self, hash: Hash) -> Result<Option<Vec<u8>>, Error> {
        let path = self.path(hash);
        // One byte over the limit tells that a file is too long.
        let Some(bytes) = durable::read(&*self.disk, &path, self.limit + 1)? else {
            return Ok(None);
        };
        if Self::hash(&bytes) == hash {
            return Ok(Some(bytes));
        }
        tracing::warn!(?path, "damaged blob set aside");
        match durable::set_aside(&*self.disk, &path, ".damaged") {
            Err(Error::Io { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            done => done.map(|()| None),
        }
    }

    /// Whether there is a file of this hash; only [`Blobs::get`] checks what it holds.
    pub fn contains(&self, hash: Hash) -> bool {
        self.disk.kind(&self.path(hash)) == Some(Kind::File)
    }

    /// The file of a hash, for programs that take a path. [`Blobs::get`] checks its content.
    pub fn path(&self, hash: Hash) -> PathBuf {
        self.dir.join(hash.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::files::System;

    fn open(dir: &Path, limit: u64) -> Blobs {
        Blobs::open(&(Arc::new(System) as Disk), dir, limit).unwrap()
    }

    #[test]
    fn a_blob_over_the_limit_is_refused_and_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = open(dir.path(), 4);
        assert!(matches!(blobs.put(b"12345"), Err(Error::TooLarge { size: 5, limit: 4, .. })));
        assert!(!blobs.contains(Blobs::hash(b"12345")));
        assert!(blobs.put(b"1234").is_ok());
    }

    #[test]
    fn an_unfinished_file_is_removed_when_opened() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".0f.3"), b"half").unwrap();
        open(dir.path(), MAX_BLOB);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
