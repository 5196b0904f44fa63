//! What the fuzzer does without end, for a moment: bytes as everything that neurons read.
use std::fs;
use std::path::Path;

use rand::SeedableRng;
use rand::rngs::StdRng;

#[path = "../fuzz/decoders.rs"]
mod decoders;
#[path = "../fuzz/mutation.rs"]
mod mutation;

use decoders::{DECODERS, samples};
use mutation::mutated;

/// How often the bytes for each decoder are changed.
const CHANGES: usize = 1_000;

#[test]
fn sound_bytes_decode() {
    for (name, play) in DECODERS {
        let samples = samples::of(name);
        assert!(!samples.is_empty(), "{name} has no samples");
        for (place, sample) in samples.iter().enumerate() {
            assert!(play(sample), "{name} refuses sample {place}");
        }
    }
}

#[test]
fn what_the_fuzzer_found_worth_keeping_harms_nobody() {
    for (name, play) in DECODERS {
        corpus(name).iter().for_each(|bytes| _ = play(bytes));
    }
}

#[test]
fn sound_bytes_with_changes_harm_nobody() {
    let mut random = StdRng::seed_from_u64(1);
    for (name, play) in DECODERS {
        let bytes = [samples::of(name), corpus(name)].concat();
        let mut decoded = 0;
        for place in 0..CHANGES {
            decoded += usize::from(play(&mutated(&mut random, bytes[place % bytes.len()].clone())));
        }
        assert!(decoded > 0, "{name} refuses all that is not perfect: nothing was tried");
    }
}

/// What is kept of the fuzzer's finds, in the order of names.
fn corpus(decoder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(decoder);
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = files.map(|file| file.expect("a readable folder").path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect("a readable file")).collect()
}
