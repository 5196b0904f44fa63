//! blake3 under a domain, so that no two kinds of thing share a hash.
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// 32 bytes of blake3.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hash(#[serde(with = "crate::text")] pub [u8; 32]);

/// Hashes `parts` one after the other in blake3's key-derivation mode.
///
/// `domain` names what is hashed ("neuron v1 header"). Parts are joined without separators: give all but one a
/// fixed length.
pub fn hash(domain: &str, parts: &[&[u8]]) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key(domain);
    for part in parts {
        hasher.update(part);
    }
    Hash(hasher.finalize().into())
}

impl Hash {
    /// The first eight bytes as a number: a seed, or a draw.
    pub fn to_u64(self) -> u64 {
        u64::from_le_bytes(self.0[..8].try_into().expect("a hash has 32 bytes"))
    }

    /// The first eight hexadecimal digits, for people.
    pub fn short(&self) -> String {
        hex::encode(&self.0[..4])
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

impl FromStr for Hash {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| Error::Malformed)?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_under_two_domains_differ() {
        assert_ne!(hash("neuron v1 a", &[b"x"]), hash("neuron v1 b", &[b"x"]));
    }

    #[test]
    fn a_hash_reads_back_from_its_text() {
        let h = hash("neuron v1 test", &[b"x"]);
        assert_eq!(h.to_string().parse(), Ok(h));
        assert_eq!("12".parse::<Hash>(), Err(Error::Malformed));
    }
}
