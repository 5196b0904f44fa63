//! A secret key: signs.
use std::fmt;

use ed25519_dalek::{Signer, SigningKey};

use crate::{Hash, Hotkey, Signature, hash};

/// An ed25519 secret key, wiped from memory when dropped.
#[derive(Clone)]
pub struct Keypair(SigningKey);

impl Keypair {
    /// The key that 32 secret bytes stand for.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// The secret bytes, for the keystore and for libp2p's identity.
    pub fn seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The public half.
    pub fn hotkey(&self) -> Hotkey {
        Hotkey(self.0.verifying_key().to_bytes())
    }

    /// Signs `bytes`; the same bytes always give the same signature (RFC 8032).
    pub fn sign(&self, bytes: &[u8]) -> Signature {
        Signature(self.0.sign(bytes).to_bytes())
    }

    /// A secret that only the holder of this key can compute, one for each `purpose` and `parts`.
    pub fn secret(&self, purpose: &str, parts: &[&[u8]]) -> Hash {
        let seed = hash("neuron v1 derived secret", &[&self.seed(), &hash(purpose, parts).0]);
        hash(purpose, &[&seed.0])
    }
}

impl fmt::Debug for Keypair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keypair({:?})", self.hotkey())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn only_the_signer_over_the_same_bytes_verifies() {
        let (alice, bob) = (Keypair::from_seed([1; 32]), Keypair::from_seed([2; 32]));
        let signature = alice.sign(b"pay bob");
        assert_eq!(alice.hotkey().verify(b"pay bob", &signature), Ok(()));
        assert_eq!(alice.hotkey().verify(b"pay eve", &signature), Err(Error::BadSignature));
        assert_eq!(bob.hotkey().verify(b"pay bob", &signature), Err(Error::BadSignature));
    }

    #[test]
    fn a_weak_key_that_accepts_any_message_is_refused() {
        // The identity point: `verify` without "strict" accepts R = identity, s = 0 for every message.
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut forged = [0; 64];
        forged[0] = 1;
        assert!(Hotkey(identity).verify(b"anything", &Signature(forged)).is_err());
    }

    #[test]
    fn debug_output_does_not_leak_the_secret() {
        let keypair = Keypair::from_seed([7; 32]);
        assert!(!format!("{keypair:?}").contains("0707"));
    }
}
