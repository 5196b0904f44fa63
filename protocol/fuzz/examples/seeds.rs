//! Writes sound histories for the fuzzer to begin with.
use std::path::Path;

#[path = "../history.rs"]
mod history;

fn main() -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/ledger");
    std::fs::create_dir_all(&corpus)?;
    std::fs::write(corpus.join("votes"), history::votes())?;
    std::fs::write(corpus.join("orders"), history::orders())
}
