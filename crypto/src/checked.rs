//! Signatures that were found good: what is told, proposed and certified again need not be checked again.
use std::collections::HashSet;
use std::mem;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::{Hash, Hotkey, Signature, hash};

/// How many signatures fill a generation. Two are kept: the most that a network says within a few settlements, in
/// about 5 MB.
const GENERATION: usize = 1 << 16;

/// What this process remembers, once it is told to.
static CHECKED: OnceLock<Mutex<Generations>> = OnceLock::new();

/// Good signatures, the older half of which is forgotten when the younger is full.
#[derive(Default)]
struct Generations {
    young: HashSet<Hash>,
    old: HashSet<Hash>,
}

/// Makes [`Hotkey::verify`] remember what it found good, in the whole process and from now on.
///
/// No verdict changes: a signature is known by signer, bytes and signature, all of them, and only good ones are kept.
pub fn remember_signatures() {
    CHECKED.get_or_init(Mutex::default);
}

/// What a signature is remembered by; nothing where nothing is.
pub(crate) fn mark(signer: &Hotkey, bytes: &[u8], signature: &Signature) -> Option<Hash> {
    CHECKED.get().map(|_| hash("neuron v1 checked signature", &[&signer.0, &signature.0, bytes]))
}

pub(crate) fn is_known(mark: Hash) -> bool {
    with(|checked| checked.young.contains(&mark) || checked.old.contains(&mark)).unwrap_or(false)
}

pub(crate) fn remember(mark: Hash) {
    with(|checked| checked.insert(mark));
}

fn with<T>(act: impl FnOnce(&mut Generations) -> T) -> Option<T> {
    // A thread that panicked here left a set as it was.
    CHECKED.get().map(|checked| act(&mut checked.lock().unwrap_or_else(PoisonError::into_inner)))
}

impl Generations {
    fn insert(&mut self, mark: Hash) {
        if self.young.len() >= GENERATION {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(mark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Keypair;

    #[test]
    fn a_signature_that_was_good_says_nothing_of_other_bytes_or_another_signer() {
        remember_signatures();
        let (alice, bob) = (Keypair::from_seed([1; 32]), Keypair::from_seed([2; 32]));
        let signature = alice.sign(b"yes");
        for _ in 0..2 {
            assert!(alice.hotkey().verify(b"yes", &signature).is_ok());
            assert!(alice.hotkey().verify(b"no", &signature).is_err());
            assert!(bob.hotkey().verify(b"yes", &signature).is_err());
        }
        let known = |mark: Option<Hash>| is_known(mark.expect("this process remembers"));
        assert!(known(mark(&alice.hotkey(), b"yes", &signature)));
        assert!(!known(mark(&alice.hotkey(), b"no", &signature)));
    }

    #[test]
    fn no_more_than_two_generations_are_kept() {
        let mut checked = Generations::default();
        let marks = (0..3 * GENERATION as u64).map(|n| hash("neuron v1 test", &[&n.to_le_bytes()]));
        marks.clone().for_each(|mark| checked.insert(mark));
        assert_eq!((checked.young.len(), checked.old.len()), (GENERATION, GENERATION));
        assert!(
            marks.skip(GENERATION).all(|mark| checked.young.contains(&mark) || checked.old.contains(&mark))
        );
    }
}
