//! Whatever bytes the logs of a store hold, it opens and goes on: `make fuzz TARGET=log`.
#![no_main]

#[path = "../log.rs"]
mod log;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    log::play(bytes);
});
