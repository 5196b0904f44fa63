//! The public key that names a neuron and checks what it signed.
use std::fmt;
use std::str::FromStr;

use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};

use crate::{Error, Hash, Signature, checked};

/// An ed25519 public key: who a neuron is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hotkey(#[serde(with = "crate::text")] pub [u8; 32]);

impl Hotkey {
    /// Checks that this key signed `bytes`, by the strict rule on which all neurons agree.
    ///
    /// Batch verification can disagree with the strict rule at the edges and is never used.
    pub fn verify(&self, bytes: &[u8], signature: &Signature) -> Result<(), Error> {
        let mark = checked::mark(self, bytes, signature);
        if mark.is_some_and(checked::is_known) {
            return Ok(());
        }
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| Error::BadKey)?;
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        key.verify_strict(bytes, &signature).map_err(|_| Error::BadSignature)?;
        mark.into_iter().for_each(checked::remember);
        Ok(())
    }

    /// The first eight hexadecimal digits, for people.
    pub fn short(&self) -> String {
        Hash(self.0).short()
    }
}

impl fmt::Display for Hotkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hash(self.0).fmt(f)
    }
}

impl fmt::Debug for Hotkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

impl FromStr for Hotkey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let Hash(bytes) = text.parse()?;
        VerifyingKey::from_bytes(&bytes).map_err(|_| Error::BadKey)?;
        Ok(Self(bytes))
    }
}
