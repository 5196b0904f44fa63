//! What can be wrong with a key, a signature or a hash.

/// What can be wrong with a key, a signature or a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is not the hexadecimal form of 32 bytes.
    #[error("not 64 hexadecimal digits")]
    Malformed,
    /// The 32 bytes are no point of the curve.
    #[error("no ed25519 public key")]
    BadKey,
    /// The signature is not the key's over these bytes.
    #[error("signature does not match")]
    BadSignature,
}
