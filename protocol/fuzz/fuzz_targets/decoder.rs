//! Whatever bytes say, they harm nobody who reads them. What is read stands in the program's name:
//! `make fuzz TARGET=vote`.
#![no_main]

#[path = "../decoders.rs"]
mod decoders;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    decoders::play(env!("CARGO_BIN_NAME"), bytes);
});
