//! Says whether a header was settled, by the independent checker: what `neuron light header --json` prints comes in, a
//! verdict goes out.
//!
//! ```sh
//! neuron light header --json | cargo run -p protocol --example check_certificate
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]
use std::io::Read;
use std::process::ExitCode;

use crypto::{Hash, Hotkey};
use protocol::checker;
use protocol::settlement::{Certificate, Header};
use serde::Deserialize;

/// What is read of the document; the rest is passed over.
#[derive(Deserialize)]
struct Document {
    network: Hash,
    proof: Proof,
}

#[derive(Deserialize)]
struct Proof {
    header: Header,
    certificate: Certificate,
    validators: Vec<(Hotkey, u64)>,
}

fn main() -> ExitCode {
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text).map_err(|error| error.to_string());
    let verdict = read.and_then(|_| judge(&text));
    match &verdict {
        Ok(settled) => println!("{settled}"),
        Err(fault) => eprintln!("not proven: {fault}"),
    }
    if verdict.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn judge(text: &str) -> Result<String, String> {
    let Document { network, proof } = serde_json::from_str(text).map_err(|error| error.to_string())?;
    checker::check(&network, &proof.header, &proof.certificate, &proof.validators)?;
    let (signers, all) = (proof.certificate.signatures.len(), proof.validators.len());
    Ok(format!("height {} was settled: {signers} of {all} validators signed it", proof.header.height))
}
