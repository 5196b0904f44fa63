//! Whatever bytes say, a ledger keeps its promises. From the root of the repository, with sound histories to begin with:
//!
//! ```sh
//! cargo run --manifest-path protocol/fuzz/Cargo.toml --target-dir target/fuzz --example seeds
//! cargo +nightly fuzz run --fuzz-dir protocol/fuzz --target-dir target/fuzz ledger -- -max_total_time=600
//! ```
#![no_main]

#[path = "../history.rs"]
mod history;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    history::play(bytes);
});
