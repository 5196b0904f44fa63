//! One certified state transition: what a chain calls a block.
//!
//! Neurons agree on inputs and the root they lead to; everyone re-executes, nobody votes on a result it did not
//! compute.
use crypto::merkle::Root;
use crypto::{Hash, Hotkey, Signature, hash};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::consensus::vote::{Ballot, Vote};
use crate::consensus::{Evidence, Proven, ValidatorSet};
use crate::transaction::Transaction;
use crate::weights::{Commit, Reveal};
use crate::{Error, Payload, Signed, Verified, codec};

/// The version of the header's layout.
pub const VERSION: u8 = 1;

/// The longest body, in bytes (DESIGN section 14).
pub const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// The most that sign a certificate; a genesis lets no more settle.
pub const MAX_SIGNERS: u16 = 512;

/// Room for a certificate: a hundred bytes and a little for each signer.
pub const CERTIFICATE_BYTES: usize = 64 * 1024;

/// Of every body, kept for commits and reveals, so that no amount of fees crowds out those who vote: 180 commits and
/// rows over 256 neurons, which in epochs of 30 settlements are the votes of 64 validators in 84 subnets.
pub const RESERVED_BYTES: usize = 320 * 1024;

/// The most evidence in a body: those who are caught wait no more than a few settlements, however many they are.
pub const MAX_EVIDENCE: usize = 32;

/// Of every body, kept for evidence, so that nothing crowds it out.
pub const EVIDENCE_BYTES: usize = MAX_EVIDENCE * Evidence::MAX_BYTES;

/// The most that a body's transactions take, encoded: 10 000 transfers fit.
pub const MAX_TRANSACTION_BYTES: usize = MAX_BODY_BYTES - CERTIFICATE_BYTES - EVIDENCE_BYTES - RESERVED_BYTES;

/// Signatures that one core checks in one go: about a millisecond, which waking another is worth.
const ONE_TASK: usize = 32;

/// The longest certified settlement: a body and its certificate's signatures.
pub const MAX_BYTES: usize = MAX_BODY_BYTES + CERTIFICATE_BYTES;

/// What a settlement binds; its hash is what validators vote on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Header {
    /// [`VERSION`].
    pub version: u8,
    /// The network.
    pub genesis: Hash,
    /// Counted from 1.
    pub height: u64,
    /// The proposer's clock, in milliseconds since 1970; later than the parent's.
    pub time: u64,
    /// The round it was first proposed in.
    pub round: u32,
    /// Who proposed it first.
    pub proposer: Hotkey,
    /// The hash of the parent's header; the genesis hash at height 1.
    pub parent: Hash,
    /// Commits to every input, in order, and to the parent's certificate.
    pub input_root: Hash,
    /// The ledger after these inputs.
    pub state_root: Root,
    /// The validators who settle the next height.
    pub next_set: Hash,
}

/// The signed inputs, in the order in which they apply.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Body {
    /// The certificate of the parent; `None` at height 1 only.
    pub parent_certificate: Option<Certificate>,
    /// Who signed two things where one is allowed; at most [`MAX_EVIDENCE`].
    pub evidence: Vec<Evidence>,
    /// Weight commits.
    pub commits: Vec<Signed<Commit>>,
    /// Weight reveals.
    pub reveals: Vec<Signed<Reveal>>,
    /// Orders of account owners.
    pub transactions: Vec<Signed<Transaction>>,
}

/// A header and the body it binds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Settlement {
    /// What is voted on.
    pub header: Header,
    /// What it binds.
    pub body: Body,
}

/// The inputs of a settlement, each proven to be its author's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Who signed two things where one is allowed.
    pub evidence: Vec<Proven>,
    /// Weight commits.
    pub commits: Vec<Verified<Commit>>,
    /// Weight reveals.
    pub reveals: Vec<Verified<Reveal>>,
    /// Orders of account owners.
    pub transactions: Vec<Verified<Transaction>>,
}

/// Precommits of more than two thirds of the stake for one header.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Certificate {
    /// The height settled.
    pub height: u64,
    /// The round it was decided in.
    pub round: u32,
    /// The hash of the header.
    pub header: Hash,
    /// Who precommitted, by rising hotkey.
    pub signatures: Vec<(Hotkey, Signature)>,
}

/// A settlement with the proof that it was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certified {
    /// What was decided.
    pub settlement: Settlement,
    /// The proof.
    pub certificate: Certificate,
}

/// Why a certificate does not prove its settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forged {
    /// It is about another height or header.
    #[error("certificate is for another settlement")]
    OtherSettlement,
    /// The body is not the one that the header binds.
    #[error("the body is another's")]
    OtherBody,
    /// Signers are out of order or appear twice.
    #[error("signers do not rise strictly")]
    Unordered,
    /// A signer has no vote at this height.
    #[error("{0:?} is not in the settling set")]
    Stranger(Hotkey),
    /// A signature is not the signer's precommit.
    #[error("bad precommit of {0:?}")]
    BadSignature(Hotkey),
    /// Too little stake signed.
    #[error("{signed} of {total} stake signed: more than two thirds are needed")]
    NoQuorum {
        /// Stake that signed.
        signed: u64,
        /// Stake of the whole set.
        total: u64,
    },
}

impl Header {
    /// What validators vote on.
    pub fn hash(&self) -> Hash {
        hash("neuron v1 header", &[&codec::encode(self)])
    }
}

impl Body {
    /// Binds every input in order.
    pub fn root(&self) -> Hash {
        hash("neuron v1 inputs", &[&codec::encode(self)])
    }

    /// What its transactions take, encoded; at most [`MAX_TRANSACTION_BYTES`] are allowed.
    pub fn transaction_bytes(&self) -> usize {
        codec::encode(&self.transactions).len()
    }

    /// Checks every signature of every input, each by itself, on all cores.
    pub fn verify(&self, genesis: &Hash) -> Result<Inputs, Error> {
        Ok(Inputs {
            evidence: self.evidence.iter().map(|e| e.clone().verify(genesis)).collect::<Result<_, _>>()?,
            commits: verified(&self.commits, genesis)?,
            reveals: verified(&self.reveals, genesis)?,
            transactions: verified(&self.transactions, genesis)?,
        })
    }
}

/// Of several inputs that fail the first one is named, whoever finds it when.
fn verified<T: Payload + Clone + Send + Sync>(
    inputs: &[Signed<T>],
    genesis: &Hash,
) -> Result<Vec<Verified<T>>, Error> {
    let inputs = inputs.par_iter().with_min_len(ONE_TASK);
    let results: Vec<_> = inputs.map(|input| input.clone().verify(genesis)).collect();
    results.into_iter().collect()
}

impl Inputs {
    /// The body that carries these inputs.
    pub fn into_body(self, parent_certificate: Option<Certificate>) -> Body {
        Body {
            parent_certificate,
            evidence: self.evidence.into_iter().map(Proven::into_evidence).collect(),
            commits: self.commits.into_iter().map(Verified::into_signed).collect(),
            reveals: self.reveals.into_iter().map(Verified::into_signed).collect(),
            transactions: self.transactions.into_iter().map(Verified::into_signed).collect(),
        }
    }

    /// Whether the inputs stand in the one order that a proposer may choose (DESIGN section 5). Of one offender there is
    /// one piece of evidence: more would change nothing.
    pub fn is_canonical(&self, parent: &Hash) -> bool {
        self.evidence.is_sorted_by(|a, b| a.offender() < b.offender())
            && self.commits.is_sorted_by_key(Verified::id)
            && self.reveals.is_sorted_by_key(Verified::id)
            && places(parent, &self.transactions).is_sorted()
    }
}

/// Accounts by blake3(parent ‖ account), an account's own transactions by nonce: nobody can choose to be first, and
/// leaving one out changes nothing in the order of the others.
pub fn in_order(parent: &Hash, mut transactions: Vec<Verified<Transaction>>) -> Vec<Verified<Transaction>> {
    transactions.sort_by_cached_key(|t| place(parent, t));
    transactions
}

fn places(parent: &Hash, transactions: &[Verified<Transaction>]) -> Vec<(Hash, u64, Hash)> {
    transactions.par_iter().with_min_len(ONE_TASK).map(|t| place(parent, t)).collect()
}

/// Whose turn it is, which of its own comes first, and a name against ties.
fn place(parent: &Hash, transaction: &Verified<Transaction>) -> (Hash, u64, Hash) {
    let draw = hash("neuron v1 transaction order", &[&parent.0, &transaction.signer().0]);
    (draw, transaction.nonce, transaction.id())
}

impl Settlement {
    /// Whether the body is the one that the header binds.
    pub fn check_body(&self) -> Result<(), Forged> {
        if self.body.root() == self.header.input_root { Ok(()) } else { Err(Forged::OtherBody) }
    }
}

impl Certified {
    /// The settlement in `bytes`, canonical and at most [`MAX_BYTES`] long; it proves nothing until it is
    /// [checked](Self::check).
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        codec::decode("settlement", bytes, MAX_BYTES)
    }

    /// Whether `set` decided this header on the network `genesis`, and the body is the one that it binds. Whoever
    /// relays a settlement can forge either.
    pub fn check(&self, genesis: &Hash, set: &ValidatorSet) -> Result<(), Forged> {
        self.settlement.check_body()?;
        self.certificate.check(genesis, &self.settlement.header, set)
    }
}

impl Certificate {
    /// Names this certificate, signatures included.
    pub fn hash(&self) -> Hash {
        hash("neuron v1 certificate", &[&codec::encode(self)])
    }

    /// Adds a precommit that came after the decision, if it is for this header and nobody's second.
    pub fn add(&mut self, vote: &Verified<Vote>) {
        let place = self.signatures.binary_search_by_key(&vote.signer(), |(signer, _)| *signer);
        if let (true, Err(place)) =
            (vote.height() == self.height && vote.certifies(self.header, self.round), place)
        {
            self.signatures.insert(place, (vote.signer(), vote.signed().signature()));
        }
    }

    /// Who precommitted.
    pub fn signers(&self) -> Vec<Hotkey> {
        self.signatures.iter().map(|(signer, _)| *signer).collect()
    }

    /// Whether more than two thirds of `set`'s stake precommitted `header` on the network `genesis`.
    ///
    /// Knows nothing of how consensus works: this is what a light client trusts.
    pub fn check(&self, genesis: &Hash, header: &Header, set: &ValidatorSet) -> Result<(), Forged> {
        if self.height != header.height || self.header != header.hash() {
            return Err(Forged::OtherSettlement);
        }
        if !self.signatures.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(Forged::Unordered);
        }
        let mut signed = 0u64;
        for (signer, signature) in &self.signatures {
            let power = set.power(signer).ok_or(Forged::Stranger(*signer))?;
            let vote = Vote::of(Ballot::Precommit, self.height, self.round, Some(self.header), *signer);
            Signed::assemble(*signer, &vote, *signature)
                .verify(genesis)
                .map_err(|_| Forged::BadSignature(*signer))?;
            signed = signed.saturating_add(power);
        }
        match set.is_quorum(signed) {
            true => Ok(()),
            false => Err(Forged::NoQuorum { signed, total: set.total() }),
        }
    }
}

#[cfg(test)]
mod tests;
