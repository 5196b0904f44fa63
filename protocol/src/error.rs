//! Who sent what that we refuse.
use crypto::Hotkey;

/// Why bytes are not a message we act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Longer than its kind may be; nothing was decoded.
    #[error("{kind} of {size} bytes: at most {limit} are allowed")]
    TooLarge {
        /// What it claims to be.
        kind: &'static str,
        /// Its length in bytes.
        size: usize,
        /// The longest allowed.
        limit: usize,
    },
    /// Not the encoding of such a message.
    #[error("malformed {kind}: {reason}")]
    Malformed {
        /// What it claims to be.
        kind: &'static str,
        /// What the decoder says.
        reason: String,
    },
    /// Decodes, but is not the one encoding of its value.
    #[error("{kind} is not in canonical form")]
    NotCanonical {
        /// What it claims to be.
        kind: &'static str,
    },
    /// The signature is not the signer's on this network.
    #[error("bad signature from {0:?} (or signed for another network)")]
    BadSignature(Hotkey),
    /// The signer speaks in somebody else's name.
    #[error("{signer:?} signed in the name of {claimed:?}")]
    WrongSigner {
        /// Who signed.
        signer: Hotkey,
        /// In whose name.
        claimed: Hotkey,
    },
    /// A field breaks a rule that needs no state to check.
    #[error("invalid {kind}: {reason}")]
    Invalid {
        /// What it claims to be.
        kind: &'static str,
        /// The rule it breaks.
        reason: &'static str,
    },
}

impl Error {
    /// The word for it in counters.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::Malformed { .. } => "malformed",
            Self::NotCanonical { .. } => "not_canonical",
            Self::BadSignature(_) => "bad_signature",
            Self::WrongSigner { .. } => "wrong_signer",
            Self::Invalid { .. } => "invalid",
        }
    }
}
