//! Replays a folder of vector files: one line for each that differs or is skipped, and a last one that counts.
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::Value;

use chain::Chain;
use function::Function;

mod chain;
mod function;
mod quantity;

/// Folders of DIR that are looked into as well.
const GROUPS: [&str; 2] = ["chain", "fn"];

/// No vector file is larger, in bytes.
const MAX_BYTES: u64 = 64 << 20;

/// What a folder came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Vector files.
    pub(crate) files: usize,
    /// Epochs replayed, and points of single functions.
    pub(crate) epochs: usize,
    /// Files that differ, unreadable ones among them.
    pub(crate) differ: usize,
}

/// What a file came to.
enum Verdict {
    /// So many epochs are equal.
    Equal(usize),
    /// The first difference, after so many epochs.
    Differs(usize, String),
    /// Not replayed, and why.
    Skipped(&'static str),
}

/// Replays every vector file of `dir` and writes the report to `out`.
pub(crate) fn folder(dir: &Path, out: &mut impl Write) -> io::Result<Tally> {
    let mut tally = Tally::default();
    for path in vector_files(dir)? {
        tally.files += 1;
        let name = path.strip_prefix(dir).unwrap_or(&path).display();
        match file(&path) {
            Ok(Verdict::Equal(epochs)) => tally.epochs += epochs,
            Ok(Verdict::Skipped(reason)) => writeln!(out, "{name}: skipped: {reason}")?,
            Ok(Verdict::Differs(epochs, difference)) => {
                tally.epochs += epochs;
                tally.differ += 1;
                writeln!(out, "{name}: {difference}")?;
            }
            Err(error) => {
                tally.differ += 1;
                writeln!(out, "{name}: malformed: {error}")?;
            }
        }
    }
    writeln!(out, "{} files, {} epochs, {} differ", tally.files, tally.epochs, tally.differ)?;
    Ok(tally)
}

fn vector_files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = files_of(dir)?;
    for group in GROUPS.iter().map(|group| dir.join(group)).filter(|group| group.is_dir()) {
        files.extend(files_of(&group)?);
    }
    files.sort();
    match files.is_empty() {
        true => Err(io::Error::other(format!("{}: no vector files here", dir.display()))),
        false => Ok(files),
    }
}

fn files_of(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let named = |error| io::Error::other(format!("{}: {error}", dir.display()));
    let paths: Vec<_> =
        dir.read_dir().map_err(named)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    let vectors = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.ends_with(".json") || name.ends_with(".json.gz")
    };
    Ok(paths.into_iter().filter(vectors).collect())
}

fn file(path: &Path) -> Result<Verdict, String> {
    let bytes = read(path).map_err(|error| error.to_string())?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    match value.get("family").and_then(Value::as_str) {
        Some("chain") => parsed::<Chain>(value)?.replay(),
        Some("function") => parsed::<Function>(value)?.replay(),
        _ => Err("its family is neither `chain` nor `function`".into()),
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    match path.extension().is_some_and(|extension| extension == "gz") {
        true => GzDecoder::new(file).take(MAX_BYTES).read_to_end(&mut bytes)?,
        false => file.take(MAX_BYTES).read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}

fn parsed<T: for<'de> Deserialize<'de>>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}
