//! Batch verification: what neurons could gain, and must not.
//!
//! It can accept what the strict rule refuses (keys and points of small order) and, depending on who else is in the
//! batch, refuse what it accepts. Neurons that batch would fork; it is here to be measured.
use ed25519_dalek::VerifyingKey;

use crate::{Error, Hash, Hotkey, Signature};

/// Checks that every key signed its message, all at once; does not tell whose signature is bad.
pub fn verify(signed: &[(Hotkey, Hash, Signature)]) -> Result<(), Error> {
    let keys = signed.iter().map(|(key, ..)| VerifyingKey::from_bytes(&key.0).map_err(|_| Error::BadKey));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    let messages: Vec<&[u8]> = signed.iter().map(|(_, message, _)| &message.0[..]).collect();
    let signatures = signed.iter().map(|(.., signature)| ed25519_dalek::Signature::from_bytes(&signature.0));
    let signatures: Vec<_> = signatures.collect();
    ed25519_dalek::verify_batch(&messages, &signatures, &keys).map_err(|_| Error::BadSignature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keypair, hash};

    #[test]
    fn one_bad_signature_spoils_the_batch() {
        let sign = |n: u8| {
            let (key, message) = (Keypair::from_seed([n; 32]), hash("neuron v1 test", &[&[n]]));
            (key.hotkey(), message, key.sign(&message.0))
        };
        let mut signed: Vec<_> = (0..8).map(sign).collect();
        assert_eq!(verify(&signed), Ok(()));
        signed[3].1 = Hash([0; 32]);
        assert_eq!(verify(&signed), Err(Error::BadSignature));
    }
}
