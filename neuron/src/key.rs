//! A key as a file: 64 hexadecimal digits that only their owner may read.
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crypto::Keypair;

/// The longest key file, in bytes: the digits and a few lines of comment.
const MAX_BYTES: u64 = 4096;

/// Permission bits of everyone but the owner.
const OTHERS: u32 = 0o077;

/// Why a key cannot be had from a file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refused.
    #[error("key file {path}: {cause}; name a file that you may read", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Others could read it.
    #[error("key file {path}: others may read it; run `chmod 600 {path}`", path = .0.display())]
    Exposed(PathBuf),
    /// It holds something else.
    #[error("key file {path}: not one line of 64 hexadecimal digits; name a file that `neuron run` wrote", path = .0.display())]
    Malformed(PathBuf),
}

/// The key in a file; lines that begin with `#` are passed over.
pub fn read(path: &Path) -> Result<Keypair, Error> {
    let file = File::open(path).map_err(io_at(path))?;
    if file.metadata().map_err(io_at(path))?.mode() & OTHERS != 0 {
        return Err(Error::Exposed(path.to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(io_at(path))?;
    let malformed = || Error::Malformed(path.to_owned());
    let text = String::from_utf8(bytes).map_err(|_| malformed())?;
    let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let (Some(digits), None) = (lines.next(), lines.next()) else {
        return Err(malformed());
    };
    let mut seed = [0; 32];
    hex::decode_to_slice(digits.trim(), &mut seed).map_err(|_| malformed())?;
    Ok(Keypair::from_seed(seed))
}

/// The key in a file; where there is none, a fresh one is written there.
pub fn read_or_create(path: &Path) -> Result<Keypair, Error> {
    if !path.exists() {
        write(
            path,
            &Keypair::from_seed(rand::random()),
            "made at the first run; whoever reads it is this neuron",
        )?;
    }
    read(path)
}

/// Writes a key that was not there, under a comment of one line.
pub fn write(path: &Path, keypair: &Keypair, comment: &str) -> Result<(), Error> {
    let text = format!("# {comment}\n{}\n", hex::encode(keypair.seed()));
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(io_at(path))
}

/// Makes a directory that only its owner may enter.
pub(crate) fn private_dir(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn io_at(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |cause| Error::Io { path: path.clone(), cause }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hotkey");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    #[test]
    fn a_key_is_made_once_and_read_ever_after() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hotkey");
        let made = read_or_create(&path).unwrap().hotkey();
        assert_eq!(read_or_create(&path).unwrap().hotkey(), made);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let (_dir, path) = file(&"07".repeat(32), 0o644);
        assert!(matches!(read(&path), Err(Error::Exposed(_))));
    }

    #[test]
    fn a_file_that_holds_no_key_is_refused() {
        for text in ["", "abc", "# nothing\n", &"0g".repeat(32), &"07".repeat(33), "\u{ff}"] {
            let (_dir, path) = file(text, 0o600);
            assert!(matches!(read(&path), Err(Error::Malformed(_))), "{text:?}");
        }
    }
}
