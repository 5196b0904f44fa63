//! What the fuzzer does without end, for a moment: bytes as log files.
use rand::SeedableRng;
use rand::rngs::StdRng;

#[path = "../../protocol/fuzz/log.rs"]
mod log;
#[path = "../../protocol/fuzz/mutation.rs"]
mod mutation;

/// How often each sound file is changed.
const CHANGES: usize = 1_000;

#[test]
fn a_sound_log_is_kept_whole() {
    let kept: Vec<_> = log::samples().iter().map(|sample| log::play(sample)).collect();
    assert_eq!(kept, [3, 3]);
}

#[test]
fn a_log_with_changes_opens_and_keeps_what_it_has() {
    let mut random = StdRng::seed_from_u64(1);
    let samples = log::samples();
    let mut play = |sample: &Vec<u8>| log::play(&mutation::mutated(&mut random, sample.clone()));
    let kept: usize = (0..CHANGES).flat_map(|_| &samples).map(&mut play).sum();
    assert!(kept > CHANGES, "hardly anything was kept");
}
