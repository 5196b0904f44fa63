//! The addresses of peers met before, so that a restart needs no bootstrap address.

use std::path::Path;

use crate::files::Files;
use crate::{Error, durable};

/// The most addresses kept: more than a neuron has neighbours.
pub const MAX_PEERS: usize = 1024;

/// The most bytes of one address: the longest relayed multiaddr is shorter.
pub const MAX_ADDRESS: usize = 512;

/// Keeps the first [`MAX_PEERS`] addresses; one that is too long or not one line is left out.
pub(crate) fn save(disk: &dyn Files, path: &Path, addresses: &[String]) -> Result<(), Error> {
    let lines: String = addresses
        .iter()
        .filter(|address| is_address(address))
        .take(MAX_PEERS)
        .map(|address| format!("{address}\n"))
        .collect();
    durable::replace(disk, path, &durable::beside(path, ".new"), lines.as_bytes())
}

/// The addresses kept last; lines that are none are passed over.
pub(crate) fn load(disk: &dyn Files, path: &Path) -> Result<Vec<String>, Error> {
    let bytes = durable::read(disk, path, (MAX_PEERS * (MAX_ADDRESS + 1)) as u64)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().filter(|line| is_address(line)).take(MAX_PEERS).map(str::to_owned).collect())
}

fn is_address(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_ADDRESS && text.bytes().all(|byte| byte.is_ascii_graphic())
}
