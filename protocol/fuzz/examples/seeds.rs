//! Writes sound histories, and sound bytes for every decoder, for the fuzzer to begin with: into the folder named.
use std::path::{Path, PathBuf};
use std::{env, fs, io};

#[path = "../decoders.rs"]
mod decoders;
#[path = "../history.rs"]
mod history;
#[path = "../log.rs"]
mod log;

use decoders::{DECODERS, samples};

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::args().nth(1).expect("usage: seeds FOLDER"));
    write(&folder.join("ledger"), &[history::votes(), history::orders()])?;
    write(&folder.join("log"), &log::samples())?;
    DECODERS.iter().try_for_each(|(name, _)| write(&folder.join(name), &samples::of(name)))
}

fn write(folder: &Path, seeds: &[Vec<u8>]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    seeds.iter().enumerate().try_for_each(|(n, seed)| fs::write(folder.join(format!("seed-{n}")), seed))
}
