//! What a light client knows: headers that those who settle certified, and so every entry that is proven under them.
//!
//! It holds no ledger and replays nothing. From a header that it trusts it skips ahead to any later one that more than
//! a third of the stake it knows signed, along with more than two thirds of the stake of its own set: with less than a
//! third of the stake dishonest, an honest validator is among the signers and the header is the network's. The period
//! in which an old set may vouch for a later header is shorter than the time after which stake can leave unpunished.
use crypto::merkle::Root;
use crypto::{Hash, Hotkey};
use serde::{Deserialize, Serialize};

use crate::Genesis;
use crate::consensus::ValidatorSet;
use crate::genesis::GenesisError;
use crate::ledger::{Fact, Ledger, Shown, Subject};
use crate::settlement::{Certificate, Forged, Header, MAX_SIGNERS};

mod checkpoint;
mod inquiry;

pub use checkpoint::{Checkpoint, NoCheckpoint};
pub use inquiry::{Inquiry, Testimony};

/// Follows a network by its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LightClient {
    genesis: Hash,
    /// See [`Genesis::trusting_period`].
    trusting_period: Option<u64>,
    /// How far a header's clock may be ahead of ours, in milliseconds.
    clock_drift: u64,
    trusted: Trusted,
}

/// The last header that a light client believes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    /// Its height; 0 for the genesis.
    pub height: u64,
    /// Its hash; the network's for the genesis.
    pub hash: Hash,
    /// Its time, in milliseconds since 1970.
    pub time: u64,
    /// The ledger after it.
    pub state_root: Root,
    /// Who settles the next height.
    pub validators: ValidatorSet,
}

/// What leads to a later header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skip {
    /// The parent of the header, which names the set that settled it; not needed right after what is trusted.
    pub parent: Option<Header>,
    /// The later header.
    pub header: Header,
    /// The proof that it was settled.
    pub certificate: Certificate,
    /// Who settled it.
    pub validators: ValidatorSet,
    /// Who settles the height after it.
    pub next: ValidatorSet,
}

/// Why a later header is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// What is trusted is too old to vouch for anything.
    #[error(
        "the last trusted header (height {height}) is {age_s} s old and vouches for {period_s} s; name a recent \
         --checkpoint HEIGHT:HASH that you have from somebody you trust"
    )]
    Expired {
        /// Of what is trusted.
        height: u64,
        /// How old it is, in seconds.
        age_s: u64,
        /// For how long it vouches, in seconds.
        period_s: u64,
    },
    /// It is no news.
    #[error("height {height} is not above {trusted}, which is trusted")]
    Old {
        /// Its height.
        height: u64,
        /// Of what is trusted.
        trusted: u64,
    },
    /// It is not later, or it is from the future.
    #[error("its time {time} is not after {earliest} and at most {latest} (ms since 1970)")]
    Untimely {
        /// Its time.
        time: u64,
        /// Of what is trusted.
        earliest: u64,
        /// By our clock.
        latest: u64,
    },
    /// A part of it does not belong to the others.
    #[error("its {0} is not the one that its headers name")]
    Mismatch(&'static str),
    /// It was not settled.
    #[error("its certificate proves nothing: {0}")]
    Forged(#[from] Forged),
    /// Too few of those we know signed.
    #[error(
        "{signed} of {total} stake that is trusted signed it: more than a third is needed; ask for one nearer"
    )]
    TooFar {
        /// Trusted stake that signed.
        signed: u64,
        /// All trusted stake.
        total: u64,
    },
    /// What is shown of a subject does not stand in the ledger.
    #[error("what it shows of {0:?} is not in the ledger")]
    Unproven(Subject),
    /// A checkpoint is another header's.
    #[error("the header is {found}, the checkpoint says {expected}")]
    OtherCheckpoint {
        /// The header's.
        found: Checkpoint,
        /// What was expected.
        expected: Checkpoint,
    },
}

impl Doubt {
    /// That a header, of this height and time, is too old at `now` to vouch for later ones, if it is; in milliseconds,
    /// and the period as [`Genesis::trusting_period`] says.
    pub fn of_age((height, time): (u64, u64), now: u64, period: Option<u64>) -> Option<Self> {
        let (age, period) = (now.saturating_sub(time), period?);
        let (age_s, period_s) = (age / 1_000, period / 1_000);
        (age > period).then_some(Self::Expired { height, age_s, period_s })
    }
}

impl LightClient {
    /// Trusts the first state of a network.
    pub fn new(genesis: &Genesis) -> Result<Self, GenesisError> {
        let ledger = Ledger::new(genesis)?;
        let trusted = Trusted {
            height: 0,
            hash: genesis.hash(),
            time: genesis.time,
            state_root: ledger.root(),
            validators: ledger.validators().clone(),
        };
        let rules = &genesis.parameters;
        Ok(Self {
            genesis: genesis.hash(),
            trusting_period: genesis.trusting_period(),
            clock_drift: rules.clock_drift,
            trusted,
        })
    }

    /// What is trusted.
    pub fn trusted(&self) -> &Trusted {
        &self.trusted
    }

    /// The hash that names the network.
    pub fn genesis(&self) -> Hash {
        self.genesis
    }

    /// What names it to others.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { height: self.trusted.height, hash: self.trusted.hash }
    }

    /// Trusts a header because its user does: the hash came from somebody they believe.
    pub fn trust(&mut self, header: &Header, next: ValidatorSet, expected: Checkpoint) -> Result<(), Doubt> {
        let found = Checkpoint { height: header.height, hash: header.hash() };
        if found != expected {
            return Err(Doubt::OtherCheckpoint { found, expected });
        }
        if header.genesis != self.genesis {
            return Err(Doubt::Mismatch("network"));
        }
        self.go_on(header, next)
    }

    /// Goes on to a later header, if it is proven; `now` is in milliseconds since 1970.
    pub fn skip(&mut self, skip: Skip, now: u64) -> Result<(), Doubt> {
        self.check_time(&skip.header, now)?;
        self.check_place(&skip)?;
        skip.certificate.check(&self.genesis, &skip.header, &skip.validators)?;
        self.check_known(&skip.certificate)?;
        self.go_on(&skip.header, skip.next)
    }

    /// Whether a height up to the trusted one was settled as `skip` says by those whom its parent names. Whether it is
    /// this network's is for the headers to show that lead from there to the trusted one.
    pub fn check_earlier(&self, skip: &Skip) -> Result<(), Doubt> {
        self.check_set(skip)?;
        skip.check_parent()?;
        Ok(skip.certificate.check(&self.genesis, &skip.header, &skip.validators)?)
    }

    /// A height half-way from what is trusted to one that is too far, if there is one between.
    pub fn between(&self, far: u64) -> Option<u64> {
        let trusted = self.trusted.height;
        let height = trusted + far.checked_sub(trusted)? / 2;
        (trusted < height && height < far).then_some(height)
    }

    /// What is proven about a subject in the ledger after the trusted header; `None` if there is no such entry.
    pub fn read(&self, subject: &Subject, shown: &Shown) -> Result<Option<Fact>, Doubt> {
        subject.proven(shown, &self.trusted.state_root).ok_or(Doubt::Unproven(*subject))
    }

    fn check_time(&self, header: &Header, now: u64) -> Result<(), Doubt> {
        let Trusted { height: trusted, time, .. } = self.trusted;
        Doubt::of_age((trusted, time), now, self.trusting_period).map_or(Ok(()), Err)?;
        if header.height <= trusted {
            return Err(Doubt::Old { height: header.height, trusted });
        }
        let latest = now.saturating_add(self.clock_drift);
        match time < header.time && header.time <= latest {
            true => Ok(()),
            false => Err(Doubt::Untimely { time: header.time, earliest: time, latest }),
        }
    }

    /// Whether the header is this network's and its set the one that the header before it names.
    fn check_place(&self, skip: &Skip) -> Result<(), Doubt> {
        let Trusted { height, hash, ref validators, .. } = self.trusted;
        self.check_set(skip)?;
        if Some(skip.header.height) != height.checked_add(1) {
            return skip.check_parent();
        }
        let known = skip.header.parent == hash && skip.validators == *validators;
        if known { Ok(()) } else { Err(Doubt::Mismatch("parent or set")) }
    }

    fn check_set(&self, skip: &Skip) -> Result<(), Doubt> {
        if skip.validators.members().len() > MAX_SIGNERS.into() {
            return Err(Doubt::Mismatch("set"));
        }
        match skip.header.genesis == self.genesis {
            true => Ok(()),
            false => Err(Doubt::Mismatch("network")),
        }
    }

    /// Whether more than a third of the stake we know signed: somebody honest among them.
    fn check_known(&self, certificate: &Certificate) -> Result<(), Doubt> {
        let known = &self.trusted.validators;
        let power = |(signer, _): &(Hotkey, _)| known.power(signer).unwrap_or(0);
        let signed: u64 = certificate.signatures.iter().map(power).sum();
        match known.has_honest(signed) {
            true => Ok(()),
            false => Err(Doubt::TooFar { signed, total: known.total() }),
        }
    }

    fn go_on(&mut self, header: &Header, next: ValidatorSet) -> Result<(), Doubt> {
        if header.next_set != next.hash() {
            return Err(Doubt::Mismatch("next set"));
        }
        self.trusted = Trusted {
            height: header.height,
            hash: header.hash(),
            time: header.time,
            state_root: header.state_root,
            validators: next,
        };
        Ok(())
    }
}

impl Skip {
    fn check_parent(&self) -> Result<(), Doubt> {
        let parent = self.parent.as_ref().ok_or(Doubt::Mismatch("parent"))?;
        if self.header.parent != parent.hash() || parent.height.checked_add(1) != Some(self.header.height) {
            return Err(Doubt::Mismatch("parent"));
        }
        match parent.next_set == self.validators.hash() {
            true => Ok(()),
            false => Err(Doubt::Mismatch("set")),
        }
    }
}

#[cfg(test)]
mod tests;
