//! What a neuron wants to know again after a restart: a file of its own, replaced whole.

use std::path::Path;

use crypto::{Hash, hash};

use crate::files::Files;
use crate::{Damage, Error, durable};

/// The longest note, in bytes: rows and scores of the largest subnet.
pub const MAX_NOTE: usize = 1 << 20;

const CHECK: usize = size_of::<Hash>();

/// Keeps the note, over the one before; it is on the disk when this returns.
pub(crate) fn save(disk: &dyn Files, path: &Path, note: &[u8]) -> Result<(), Error> {
    if note.len() > MAX_NOTE {
        return Err(Error::TooLarge {
            path: path.to_owned(),
            size: note.len() as u64,
            limit: MAX_NOTE as u64,
        });
    }
    let sealed = [&check(note).0, note].concat();
    durable::replace(disk, path, &durable::beside(path, ".new"), &sealed)
}

/// The note kept last; none if there is none, or a damaged one, which is set aside.
pub(crate) fn load(disk: &dyn Files, path: &Path) -> Result<(Option<Vec<u8>>, Option<Damage>), Error> {
    let Some(sealed) = durable::read(disk, path, (MAX_NOTE + CHECK) as u64)? else {
        return Ok((None, None));
    };
    match sealed.split_first_chunk::<CHECK>() {
        Some((sum, note)) if check(note).0 == *sum => Ok((Some(note.to_vec()), None)),
        _ => {
            durable::set_aside(disk, path, ".damaged")?;
            let lost = sealed.len() as u64;
            Ok((None, Some(Damage { path: path.to_owned(), kept: 0, lost, torn: false }.report())))
        }
    }
}

fn check(note: &[u8]) -> Hash {
    hash("neuron v1 note", &[note])
}
