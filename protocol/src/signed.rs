//! Proof of authorship by type: `Signed<T>` may lie, `Verified<T>` cannot.
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use crypto::{Hash, Hotkey, Keypair, Signature, hash};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Error, codec};

/// What an encoded [`Signed`] takes at most beside payload, key and signature: the array's byte, and before each of the
/// three its kind and length.
pub const FRAMING_BYTES: usize = 1 + 2 + 5 + 2;

/// Something a key can sign.
pub trait Payload: Clone + Serialize + DeserializeOwned {
    /// The domain of its signatures: kind and version ("neuron v1 vote").
    const KIND: &'static str;
    /// The longest encoding that is looked at, in bytes.
    const MAX_BYTES: usize;
    /// The domain of [`Verified::digest`].
    const DIGEST: &'static str = "neuron v1 payload digest";

    /// Rules that need no state: bounds, order, the signer being who the payload says.
    fn check(&self, _signer: &Hotkey) -> Result<(), Error> {
        Ok(())
    }
}

/// A payload as it travels: bytes and a signature nobody has checked yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Signed<T> {
    /// Who claims to have signed.
    pub signer: Hotkey,
    #[serde(with = "serde_bytes")]
    payload: Vec<u8>,
    signature: Signature,
    #[serde(skip)]
    kind: PhantomData<T>,
}

/// A payload whose author is certain. Made only by [`Signed::verify`] and [`Signed::author`]; copies share it.
#[derive(Clone, Debug)]
pub struct Verified<T> {
    proof: Arc<Proof<T>>,
}

#[derive(Clone, Debug)]
struct Proof<T> {
    signed: Signed<T>,
    value: T,
    /// What names it, once somebody asked.
    digest: OnceLock<Hash>,
}

impl<T: Payload> Signed<T> {
    /// Signs `value` for the network that `genesis` names.
    pub fn author(keypair: &Keypair, genesis: &Hash, value: T) -> Verified<T> {
        let payload = codec::encode(&value);
        let signature = keypair.sign(&signing_bytes::<T>(genesis, &payload).0);
        Verified::of(Self { signer: keypair.hotkey(), payload, signature, kind: PhantomData }, value)
    }

    /// Puts a payload and a signature back together, as certificates keep them apart.
    pub fn assemble(signer: Hotkey, value: &T, signature: Signature) -> Self {
        Self { signer, payload: codec::encode(value), signature, kind: PhantomData }
    }

    /// Checks size, encoding, stateless rules and last the signature, over the bytes as received.
    pub fn verify(self, genesis: &Hash) -> Result<Verified<T>, Error> {
        let value = self.decode()?;
        value.check(&self.signer)?;
        self.signer
            .verify(&signing_bytes::<T>(genesis, &self.payload).0, &self.signature)
            .map_err(|_| Error::BadSignature(self.signer))?;
        Ok(Verified::of(self, value))
    }

    /// Names this payload by this signer; what replays are recognised by.
    pub fn id(&self) -> Hash {
        hash("neuron v1 payload id", &[T::KIND.as_bytes(), &self.signer.0, &self.payload])
    }

    /// The value, if the bytes hold one; says nothing about who wrote them.
    pub fn decode(&self) -> Result<T, Error> {
        codec::decode(T::KIND, &self.payload, T::MAX_BYTES)
    }

    /// The signature alone.
    pub fn signature(&self) -> Signature {
        self.signature
    }

    /// How much room it takes, in bytes, framing of up to [`FRAMING_BYTES`] left aside.
    pub fn size(&self) -> usize {
        self.payload.len() + size_of::<Hotkey>() + size_of::<Signature>()
    }
}

impl<T> Verified<T> {
    fn of(signed: Signed<T>, value: T) -> Self {
        Self { proof: Arc::new(Proof { signed, value, digest: OnceLock::new() }) }
    }

    /// Who said it.
    pub fn signer(&self) -> Hotkey {
        self.proof.signed.signer
    }

    /// The form that travels.
    pub fn signed(&self) -> &Signed<T> {
        &self.proof.signed
    }
}

impl<T: Clone> Verified<T> {
    /// The form that travels, giving up the proof.
    pub fn into_signed(self) -> Signed<T> {
        Arc::unwrap_or_clone(self.proof).signed
    }
}

impl<T> PartialEq for Verified<T> {
    /// The value follows from the bytes.
    fn eq(&self, other: &Self) -> bool {
        let (one, another) = (self.signed(), other.signed());
        one.signer == another.signer && one.payload == another.payload && one.signature == another.signature
    }
}

impl<T> Eq for Verified<T> {}

impl<T: Payload> Verified<T> {
    /// Names this payload by this signer, as others may commit to it beforehand; reckoned once.
    pub fn digest(&self) -> Hash {
        let Signed { signer, payload, .. } = self.signed();
        *self.proof.digest.get_or_init(|| hash(T::DIGEST, &[&signer.0, payload]))
    }

    /// See [`Signed::id`].
    pub fn id(&self) -> Hash {
        self.proof.signed.id()
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.proof.value
    }
}

/// What a signature covers: kind, network, and the payload's bytes.
fn signing_bytes<T: Payload>(genesis: &Hash, payload: &[u8]) -> Hash {
    hash(T::KIND, &[&genesis.0, payload])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Note(u64);
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Order(u64);

    impl Payload for Note {
        const KIND: &'static str = "neuron v1 test note";
        const MAX_BYTES: usize = 9;
        fn check(&self, _: &Hotkey) -> Result<(), Error> {
            if self.0 == 13 { Err(Error::Invalid { kind: Self::KIND, reason: "unlucky" }) } else { Ok(()) }
        }
    }
    impl Payload for Order {
        const KIND: &'static str = "neuron v1 test order";
        const MAX_BYTES: usize = 9;
    }

    const HERE: Hash = Hash([1; 32]);
    const ELSEWHERE: Hash = Hash([2; 32]);

    fn alice() -> Keypair {
        Keypair::from_seed([1; 32])
    }

    fn signed(value: u64) -> Signed<Note> {
        Signed::author(&alice(), &HERE, Note(value)).into_signed()
    }

    #[test]
    fn what_alice_signed_verifies_as_hers() {
        let verified = signed(7).verify(&HERE).expect("honest");
        assert_eq!((verified.0, verified.signer()), (7, alice().hotkey()));
    }

    #[test]
    fn a_signature_does_not_cross_networks() {
        assert_eq!(signed(7).verify(&ELSEWHERE), Err(Error::BadSignature(alice().hotkey())));
    }

    #[test]
    fn a_signature_does_not_cross_kinds() {
        let Signed { signer, payload, signature, .. } = signed(7);
        let order = Signed::<Order> { signer, payload, signature, kind: PhantomData };
        assert_eq!(order.verify(&HERE), Err(Error::BadSignature(signer)));
    }

    #[test]
    fn a_changed_payload_or_signer_is_refused() {
        let mut changed = signed(7);
        changed.payload = codec::encode(&Note(8));
        assert!(matches!(changed.verify(&HERE), Err(Error::BadSignature(_))));
        let mut stolen = signed(7);
        stolen.signer = Keypair::from_seed([2; 32]).hotkey();
        assert!(matches!(stolen.verify(&HERE), Err(Error::BadSignature(_))));
    }

    #[test]
    fn rules_and_sizes_are_checked_before_the_signature() {
        assert!(matches!(signed(13).verify(&HERE), Err(Error::Invalid { .. })));
        let mut large = signed(7);
        large.payload = vec![0; 10];
        assert!(matches!(large.verify(&HERE), Err(Error::TooLarge { .. })));
        let mut loose = signed(7);
        loose.payload = vec![0x91, 0xcc, 7];
        assert!(matches!(loose.verify(&HERE), Err(Error::NotCanonical { .. } | Error::Malformed { .. })));
    }
}
