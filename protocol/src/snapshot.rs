//! The ledger at a settled height in chunks, each of which proves itself: whoever joins need not replay from genesis.
//!
//! An [`Anchor`] proves the height's header, that names the root of the ledger and how many leaves are under it; a
//! [`Chunk`] is a run of those leaves with its proof. So a chunk may come from anybody, and a forged one is known at
//! once, along with who sent it.
use crypto::merkle::{self, RunProof};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::head::Head;
use crate::ledger::Ledger;
use crate::light::Skip;
use crate::settlement::{self, Body, Certified, Forged, MAX_SIGNERS, Settlement};
use crate::{Error, codec};

/// Leaves are gathered into a chunk up to so many bytes: as much as a peer sends in one go, and four times the longest
/// leaf.
const CHUNK_BYTES: usize = 512 * 1024;

/// Room for the proof and the framing of a chunk, in bytes.
const ENVELOPE: usize = 8 * 1024;

/// The longest chunk, in bytes.
pub const MAX_CHUNK_BYTES: usize = CHUNK_BYTES + ENVELOPE;

/// Room for two sets and two headers, in bytes.
const SKIP_BYTES: usize = 2 * 64 * MAX_SIGNERS as usize + ENVELOPE;

/// The longest anchor, in bytes.
pub const MAX_ANCHOR_BYTES: usize = settlement::MAX_BYTES + SKIP_BYTES;

/// What MessagePack adds to a leaf, in bytes.
const FRAME: usize = 5;

/// A settled height, whose ledger follows in chunks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Leads a light client to the height.
    pub skip: Skip,
    /// What was settled there: the next settlement is built on it.
    pub body: Body,
}

/// A run of the ledger's leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// `table ‖ key ‖ value`, sorted.
    pub leaves: Vec<ByteBuf>,
    /// Shows that they stand under the root that the anchor names.
    pub proof: RunProof,
}

/// Chunks that came so far, in their order.
#[derive(Clone, Debug)]
pub struct Assembly {
    anchor: Anchor,
    chunks: u64,
    leaves: Vec<ByteBuf>,
}

/// Why chunks are not the ledger that was certified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// The settlement was not certified, or has another body.
    #[error("its anchor proves nothing: {0}")]
    Forged(#[from] Forged),
    /// Another chunk is next.
    #[error("its chunk begins at leaf {first}, and leaf {next} is next")]
    Misplaced {
        /// Where it begins.
        first: u64,
        /// Where it should.
        next: u64,
    },
    /// Leaves were changed, left out or added.
    #[error("its leaves from {0} on are not those that were certified")]
    Unproven(u64),
    /// Leaves are missing, or are not the ledger's.
    #[error("it is no ledger: {0}")]
    NoLedger(#[from] Error),
    /// The leaves are another ledger's.
    #[error("its ledger is not the one that was certified")]
    OtherLedger,
}

impl Anchor {
    /// The anchor in `bytes`, which proves nothing yet.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        codec::decode("anchor", bytes, MAX_ANCHOR_BYTES)
    }

    /// The height.
    pub fn height(&self) -> u64 {
        self.skip.header.height
    }

    /// Whether the body is the one that was settled; the header is for a light client to check.
    pub fn check_body(&self) -> Result<(), Forged> {
        self.certified().settlement.check_body()
    }

    fn certified(&self) -> Certified {
        let Skip { header, certificate, .. } = self.skip.clone();
        Certified { settlement: Settlement { header, body: self.body.clone() }, certificate }
    }
}

impl Chunk {
    /// The whole ledger in chunks.
    pub fn all_of(ledger: &Ledger) -> Vec<Self> {
        cut(ledger, CHUNK_BYTES)
    }

    /// The chunk in `bytes`, which proves nothing yet.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        codec::decode("chunk", bytes, MAX_CHUNK_BYTES)
    }
}

fn cut(ledger: &Ledger, room: usize) -> Vec<Chunk> {
    let leaves: Vec<_> = ledger.leaves().into_iter().map(ByteBuf::from).collect();
    let (mut lengths, mut used) = (Vec::new(), usize::MAX);
    for size in leaves.iter().map(|leaf| leaf.len() + FRAME) {
        if size > room.saturating_sub(used) {
            lengths.push(0);
            used = 0;
        }
        used += size;
        *lengths.last_mut().expect("the first leaf fits in no earlier chunk") += 1;
    }
    let proofs = merkle::prove_runs(&leaves, &lengths);
    let mut rest = leaves.into_iter();
    let chunk = |(length, proof)| Chunk { leaves: rest.by_ref().take(length).collect(), proof };
    lengths.into_iter().zip(proofs).map(chunk).collect()
}

impl Assembly {
    /// Nothing yet of what an anchor names; whether it is to be believed is for a light client to say.
    pub fn new(anchor: Anchor) -> Self {
        Self { anchor, chunks: 0, leaves: Vec::new() }
    }

    /// The height.
    pub fn height(&self) -> u64 {
        self.anchor.height()
    }

    /// The number of the next chunk; `None` once all leaves are there.
    pub fn wants(&self) -> Option<u64> {
        let there = self.leaves.len() as u64;
        (there < self.anchor.skip.header.state_root.leaves).then_some(self.chunks)
    }

    /// Takes in the next chunk, if it is proven.
    pub fn add(&mut self, chunk: Chunk) -> Result<(), Flaw> {
        let (first, next) = (chunk.proof.first, self.leaves.len() as u64);
        if first != next {
            return Err(Flaw::Misplaced { first, next });
        }
        if !chunk.proof.verify(&self.anchor.skip.header.state_root, &chunk.leaves) {
            return Err(Flaw::Unproven(first));
        }
        self.leaves.extend(chunk.leaves);
        self.chunks += 1;
        Ok(())
    }

    /// The ledger and the settlement that led to it, certified by those whom the ledger itself names.
    pub fn head(self) -> Result<Head, Flaw> {
        let ledger = Ledger::from_leaves(&self.leaves)?;
        let certified = self.anchor.certified();
        certified.check(&ledger.genesis(), ledger.previous_validators())?;
        match ledger.root() == certified.settlement.header.state_root {
            true => Ok(Head::new(ledger, Some(certified))),
            false => Err(Flaw::OtherLedger),
        }
    }
}

#[cfg(test)]
mod tests;
