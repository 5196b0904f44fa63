//! A checkpoint that a person gave: what is followed on its word alone counts once the log has its header.
//!
//! Until then the log says how far we came without it. If it turns out to be another's header, everything beyond that
//! is set aside at the next start; the settlement that contradicts it is in the log, so that nobody needs to say so.
use crypto::Hash;
use protocol::codec;
use protocol::light::Checkpoint;
use serde::{Deserialize, Serialize};
use storage::Store;

use super::Error;

/// The longest claim, in bytes.
const MAX_BYTES: usize = 256;

/// A checkpoint that the log may not have reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Claim {
    checkpoint: Checkpoint,
    /// The last height that was reached without it.
    from: u64,
    /// The log has another header: what follows `from` is being set aside.
    refuted: bool,
}

/// The checkpoint that is still to be reached: the one `given` now, or at an earlier start. `header` finds the hash of
/// a header in the log.
pub(super) fn pending(
    store: &mut Store,
    given: Option<Checkpoint>,
    header: impl Fn(&mut Store, u64) -> Result<Option<Hash>, Error>,
) -> Result<Option<Checkpoint>, Error> {
    let earlier = read(store)?;
    let from = earlier.map_or(store.tip(), |claim| claim.from);
    let Some(checkpoint) = given.or(earlier.map(|claim| claim.checkpoint)) else {
        return Ok(None);
    };
    let claim = Claim { checkpoint, from, refuted: false };
    let Some(hash) = header(store, checkpoint.height)? else {
        if checkpoint.height <= base(store) {
            return Err(Error::BehindLog { height: checkpoint.height, base: base(store) });
        }
        write(store, Some(claim))?;
        return Ok(Some(checkpoint));
    };
    let found = Checkpoint { hash, ..checkpoint };
    if checkpoint.height <= from {
        return match found == checkpoint {
            true => Ok(earlier.map(|claim| claim.checkpoint)),
            false => Err(Error::OtherCheckpoint { found, expected: checkpoint }),
        };
    }
    if found == checkpoint {
        write(store, None)?;
        return Ok(None);
    }
    tracing::warn!(%found, %checkpoint, from, "set aside what was followed: it does not lead to the checkpoint");
    set_aside(store, claim)?;
    write(store, given.map(|_| claim))?;
    Ok(given)
}

/// The claim on disk. One that was refuted is brought to its end; without a readable one nobody knows what counts.
fn read(store: &mut Store) -> Result<Option<Claim>, Error> {
    let damaged = store.damage().len();
    let Some(bytes) = store.claim()? else {
        if store.damage().len() > damaged {
            tracing::warn!("cannot read what was followed on a checkpoint's word: beginning at the genesis");
            let checkpoint = Checkpoint { height: 0, hash: Hash::default() };
            set_aside(store, Claim { checkpoint, from: 0, refuted: true })?;
            write(store, None)?;
        }
        return Ok(None);
    };
    let claim: Option<Claim> = codec::decode("claim", &bytes, MAX_BYTES).unwrap_or_default();
    if let Some(claim) = claim.filter(|claim| claim.refuted) {
        set_aside(store, claim)?;
        write(store, None)?;
        return Ok(None);
    }
    Ok(claim)
}

/// First it is written that this is being done: a half-cut log would not tell.
fn set_aside(store: &mut Store, claim: Claim) -> Result<(), Error> {
    write(store, Some(Claim { refuted: true, ..claim }))?;
    if claim.from < base(store) {
        return Err(Error::BehindLog { height: claim.from, base: base(store) });
    }
    Ok(store.set_settlements_aside(claim.from + 1)?)
}

/// The last height that the log cannot be cut back to: it is not kept, or what follows it stands in a snapshot.
fn base(store: &Store) -> u64 {
    let snapshot = store.snapshots().heights().last().copied().unwrap_or(0);
    snapshot.max(store.first() - 1)
}

fn write(store: &mut Store, claim: Option<Claim>) -> Result<(), Error> {
    Ok(store.save_claim(&codec::encode(&claim))?)
}
