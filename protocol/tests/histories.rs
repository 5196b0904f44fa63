//! What the fuzzer does without end, for a moment: bytes as histories, random and almost sound.
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

#[path = "../fuzz/history.rs"]
mod history;
#[path = "../fuzz/mutation.rs"]
mod mutation;

use history::{orders, play, votes};
use mutation::mutated;

/// How many histories of either kind are played.
const HISTORIES: usize = 1_000;

#[test]
fn sound_histories_are_accepted() {
    assert_eq!(play(&votes()), 3 + 3 + 3 + 3 + 3 + 3 + 3);
    assert_eq!(play(&orders()), 11 + 9 + 2 + 1 + 4 + 1);
}

#[test]
fn random_bytes_break_no_promise() {
    let mut random = StdRng::seed_from_u64(1);
    for _ in 0..HISTORIES {
        let mut bytes = vec![0; random.random_range(0..512)];
        random.fill(&mut bytes[..]);
        play(&bytes);
    }
}

#[test]
fn sound_histories_with_changes_break_no_promise() {
    let mut random = StdRng::seed_from_u64(2);
    let accepted: usize = (0..HISTORIES).map(|_| play(&changed(&mut random))).sum();
    assert!(accepted > 2 * HISTORIES, "only {accepted} steps of {HISTORIES} histories were accepted");
}

/// The two sound histories, one after the other, with changes.
fn changed(random: &mut StdRng) -> Vec<u8> {
    let history = match random.random() {
        true => [orders(), votes()].concat(),
        false => [votes(), orders()].concat(),
    };
    mutated(random, history)
}
