//! Whatever bytes say, a ledger keeps its promises: `make fuzz TARGET=ledger`.
#![no_main]

#[path = "../history.rs"]
mod history;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    history::play(bytes);
});
