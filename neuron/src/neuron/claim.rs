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

/// What a person said of a height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Claim {
    checkpoint: Checkpoint,
    /// The last height that was reached without it.
    from: u64,
    state: State,
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    /// The log may not have reached it.
    Pending,
    /// The log has another header: what follows `from` is being set aside.
    Refuted,
    /// The log had its header, or a snapshot was proven by it.
    Kept,
}

/// The checkpoint that is still to be reached: the one `given` now, or at an earlier start. `header` finds the hash of
/// a header in the log.
///
/// While one is, a snapshot gets into the store only if the checkpoint proves it: all up to it counts.
pub(super) fn pending(
    store: &mut Store,
    given: Option<Checkpoint>,
    header: impl Fn(&mut Store, u64) -> Result<Option<Hash>, Error>,
) -> Result<Option<Checkpoint>, Error> {
    let earlier = match read(store)? {
        Some(claim) if claim.state == State::Pending => resolve(store, claim, &header)?,
        // What was reached with it is lost.
        Some(claim) if claim.state == State::Kept && claim.checkpoint.height > reached(store) => None,
        other => other,
    };
    let open = earlier.filter(|claim| claim.state == State::Pending);
    let followed = open.map(|claim| claim.checkpoint);
    let Some(checkpoint) = given.filter(|given| earlier.is_none_or(|claim| claim.checkpoint != *given))
    else {
        return Ok(followed);
    };
    let from = open.map_or(store.tip(), |claim| claim.from);
    let claim = Claim { checkpoint, from, state: State::Pending };
    let base = base(store);
    let Some(hash) = header(store, checkpoint.height)? else {
        if checkpoint.height <= base {
            return Err(Error::BehindLog { height: checkpoint.height, base });
        }
        write(store, Some(claim))?;
        return Ok(Some(checkpoint));
    };
    let found = Checkpoint { hash, ..checkpoint };
    match (found == checkpoint, checkpoint.height <= from) {
        // It says nothing of what is above it.
        (true, true) if open.is_some() => Ok(followed),
        (true, _) => {
            write(store, Some(Claim { state: State::Kept, ..claim }))?;
            Ok(None)
        }
        (false, true) => Err(Error::OtherCheckpoint { found, expected: checkpoint }),
        (false, false) => {
            set_aside(store, claim, found)?;
            write(store, Some(claim))?;
            Ok(Some(checkpoint))
        }
    }
}

/// How far the log goes, or the snapshot before it.
fn reached(store: &Store) -> u64 {
    store.tip().max(base(store))
}

/// What became of a claim since it was made: kept, still open, or refuted and gone.
fn resolve(
    store: &mut Store,
    claim: Claim,
    header: impl Fn(&mut Store, u64) -> Result<Option<Hash>, Error>,
) -> Result<Option<Claim>, Error> {
    let Claim { checkpoint, .. } = claim;
    let base = base(store);
    // A snapshot that was taken since is proven by the checkpoint; damage may have cost us what we had.
    let from = claim.from.min(store.tip()).max(base);
    if from != claim.from {
        write(store, Some(Claim { from, ..claim }))?;
    }
    let claim = Claim { from, ..claim };
    let found = header(store, checkpoint.height)?.map(|hash| Checkpoint { hash, ..checkpoint });
    let is_kept = found.map_or(checkpoint.height <= base, |found| found == checkpoint);
    match found.filter(|_| !is_kept) {
        Some(found) => {
            set_aside(store, claim, found)?;
            Ok(None)
        }
        None if is_kept => {
            let kept = Claim { state: State::Kept, ..claim };
            write(store, Some(kept))?;
            Ok(Some(kept))
        }
        None => Ok(Some(claim)),
    }
}

/// Whether what is settled at a height might have to be set aside; a snapshot of it could not be.
pub(super) fn is_open(store: &mut Store, height: u64) -> Result<bool, storage::Error> {
    let claim = store.claim()?.and_then(|bytes| decode(&bytes));
    Ok(claim.is_some_and(|claim| claim.state == State::Pending && height <= claim.checkpoint.height))
}

/// The claim on disk. One that was refuted is brought to its end; without a readable one nobody knows what counts.
fn read(store: &mut Store) -> Result<Option<Claim>, Error> {
    let damaged = store.damage().len();
    let Some(bytes) = store.claim()? else {
        if store.damage().len() > damaged {
            let from = base(store);
            tracing::warn!(from, "cannot read what was followed on a checkpoint's word: going back");
            let checkpoint = Checkpoint { height: 0, hash: Hash::default() };
            refute(store, Claim { checkpoint, from, state: State::Refuted })?;
        }
        return Ok(None);
    };
    let claim = decode(&bytes);
    if let Some(claim) = claim.filter(|claim| claim.state == State::Refuted) {
        refute(store, claim)?;
        return Ok(None);
    }
    Ok(claim)
}

fn set_aside(store: &mut Store, claim: Claim, found: Checkpoint) -> Result<(), Error> {
    let Claim { checkpoint, from, .. } = claim;
    tracing::warn!(%found, %checkpoint, from, "set aside what was followed: it does not lead to the checkpoint");
    refute(store, claim)
}

/// First it is written that this is being done: a half-cut log would not tell.
fn refute(store: &mut Store, claim: Claim) -> Result<(), Error> {
    write(store, Some(Claim { state: State::Refuted, ..claim }))?;
    store.set_settlements_aside(claim.from + 1)?;
    write(store, None)
}

/// The last height that the log cannot be cut back to: it is not kept, or what follows it stands in a snapshot.
fn base(store: &Store) -> u64 {
    let snapshot = store.snapshots().heights().last().copied().unwrap_or(0);
    snapshot.max(store.first() - 1)
}

fn decode(bytes: &[u8]) -> Option<Claim> {
    codec::decode("claim", bytes, MAX_BYTES).ok().flatten()
}

fn write(store: &mut Store, claim: Option<Claim>) -> Result<(), Error> {
    Ok(store.save_claim(&codec::encode(&claim))?)
}
