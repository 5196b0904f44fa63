//! Everything that the reference chain has computed for us, computed anew.
use std::fs;
use std::path::{Path, PathBuf};

use replay::Tally;

#[path = "../examples/replay_vectors/replay.rs"]
mod replay;

/// An epoch of one voter and one miner; what is expected is put at the end.
const EPOCH: &str = r#"{"family": "chain", "n": 2, "params": {"raw": {"kappa_u16": 32767, "bonds_penalty_u16": 65535,
    "bonds_moving_average_ppm": 900000, "alpha_low_u16": 0, "alpha_high_u16": 0, "alpha_sigmoid_steepness": 1000},
    "yuma3": true, "liquid_alpha": false, "max_validators": 1, "stake_threshold": 0, "activity_cutoff": 9, "tempo": 1,
    "owner_uid": null, "commit_reveal": COMMIT_REVEAL, "epoch_emission": 1000, "sparse_path": true},
    "epochs": [{"block": 8, "stake": [5, 0], "weights_rows": {"0": [[1, 65535]]}, "permits_in": [1, 0],
    "last_update": [7, 0], "registered_at": [0, 3], "earliest_waiting_commit_block": {"0": 2}, "bonds_in_u16": {},
    "expected": EXPECTED}]}"#;

/// Replays a folder; its report has one line for each file that is not equal, and the tally.
#[track_caller]
fn check(folder: &Path, expected: &[&str], tally: Tally) {
    let mut report = Vec::new();
    let counted = replay::folder(folder, &mut report).expect("the folder is readable");
    let report = String::from_utf8(report).expect("a report is text");
    assert_eq!(report.lines().collect::<Vec<_>>(), expected);
    assert_eq!(counted, tally);
}

/// A folder with one file, of [`EPOCH`].
fn folder(name: &str, commit_reveal: &str, expected: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("a folder for the test");
    let text = EPOCH.replace("COMMIT_REVEAL", commit_reveal).replace("EXPECTED", expected);
    fs::write(folder.join("epoch.json"), text).expect("a file for the test");
    folder
}

#[test]
fn every_epoch_and_every_point_equals_the_reference() {
    let stored = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors"));
    let skipped = "chain/chain-owner-self-weight-dense.json.gz: skipped: the reference's test-only path, which its \
                   production path contradicts";
    let tally = Tally { files: 102, epochs: 1_782 + 1_257, differ: 0 };
    check(stored, &[skipped, "102 files, 3039 epochs, 0 differ"], tally);
}

#[test]
fn a_difference_in_the_last_bit_is_found() {
    let whole = folder("whole", "false", r#"{"bits": {"consensus": [0, 4294967296]}, "consensus": [0, 1]}"#);
    check(&whole, &["1 files, 1 epochs, 0 differ"], Tally { files: 1, epochs: 1, differ: 0 });
    let less = folder("less", "false", r#"{"bits": {"consensus": [0, 4294967295]}}"#);
    let difference = "epoch.json: epoch 0: bits/consensus[1]: expected 4294967295, got 4294967296";
    check(&less, &[difference, "1 files, 0 epochs, 1 differ"], Tally { files: 1, epochs: 0, differ: 1 });
}

#[test]
fn a_commit_older_than_a_miner_is_not_meant_for_it() {
    let hidden = folder("hidden", "true", r#"{"consensus": [0, 0], "validator_emission": [1000, 0]}"#);
    check(&hidden, &["1 files, 1 epochs, 0 differ"], Tally { files: 1, epochs: 1, differ: 0 });
}

#[test]
fn a_file_that_is_not_understood_is_not_equal() {
    let tally = Tally { files: 1, epochs: 0, differ: 1 };
    for (i, (expected, error)) in [
        (r#"{"luck": [0, 1]}"#, "epoch 0: expected has an unknown quantity: luck"),
        (r#"{"consensus": "high"}"#, "epoch 0: /consensus has another shape"),
        ("{}, {}", "key must be a string at line 7 column 21"),
    ]
    .into_iter()
    .enumerate()
    {
        let line = format!("epoch.json: malformed: {error}");
        let folder = folder(&format!("malformed-{i}"), "false", expected);
        check(&folder, &[&line, "1 files, 0 epochs, 1 differ"], Tally { ..tally });
    }
}

#[test]
fn a_folder_without_vectors_is_an_error() {
    let missing = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nowhere");
    let error = replay::folder(&missing, &mut Vec::new()).unwrap_err().to_string();
    assert!(error.contains("nowhere: No such file"), "{error}");
}
