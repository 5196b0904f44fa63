//! Where the socket lies, however long the path to it.
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use super::SOCKET;

/// The longest path that the system takes for a socket, in bytes.
const MAX_PATH: usize = 107;

/// A path to bind or connect to, good as long as this lives.
pub(super) struct Door {
    path: PathBuf,
    _dir: Option<File>,
}

impl Door {
    /// The socket of a directory; where the path is too long, it leads through the open directory.
    pub(super) fn of(dir: &Path) -> io::Result<Self> {
        let path = dir.join(SOCKET);
        if path.as_os_str().len() <= MAX_PATH {
            return Ok(Self { path, _dir: None });
        }
        let dir = File::open(dir)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", dir.as_raw_fd()));
        Ok(Self { path, _dir: Some(dir) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}
