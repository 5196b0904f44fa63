//! Bytes as a log file of a store: it opens whatever they are, and what it keeps it still has when it is opened again.
//!
//! The first byte says which log it is, and whether checksums are made right before, so that lengths are looked at.
use std::path::Path;

use storage::{MemoryDisk, Store};

const DIR: &str = "/neuron";

/// Which file the bytes are.
const FILES: [&str; 2] = ["settlements/00000000000000000001.log", "votes.log"];

/// The bit that asks for right checksums.
const MEND: u8 = 2;

/// Of the file: a version and a number.
const FILE_HEADER: usize = 4 + 8;

/// Of an entry: a flag, the length of what follows, and its checksum.
const ENTRY_HEADER: usize = 1 + 8 + 4;

/// What a store has: settlements, and the last votes.
#[derive(Debug, PartialEq)]
struct Kept {
    settlements: Vec<Vec<u8>>,
    votes: Result<Vec<Vec<u8>>, String>,
}

/// How many settlements and votes a store keeps of the bytes.
pub(crate) fn play(bytes: &[u8]) -> usize {
    let Some((&kind, file)) = bytes.split_first() else { return 0 };
    let (disk, dir) = (MemoryDisk::default(), Path::new(DIR));
    drop(Store::open_in_memory(&disk, dir).expect("an empty disk"));
    let file = if kind & MEND == 0 { file.to_vec() } else { mended(file.to_vec()) };
    disk.replace(&dir.join(FILES[usize::from(kind & 1)]), &file).expect("the disk works");
    let mut store = Store::open_in_memory(&disk, dir).expect("a store opens whatever its logs say");
    let mut kept = kept(&mut store);
    let found = kept.settlements.len() + kept.votes.as_ref().map_or(0, Vec::len);
    go_on(&mut store, &mut kept);
    drop(store);
    let mut again = Store::open_in_memory(&disk, dir).expect("what opened once opens again");
    assert_eq!(again.damage(), [], "what is damaged is found at once");
    assert_eq!(self::kept(&mut again), kept);
    found
}

fn kept(store: &mut Store) -> Kept {
    let settlements = (1..=store.tip()).map(|height| {
        let settlement = store.settlement(height).expect("it was found good");
        settlement.expect("none is missing up to the tip")
    });
    let settlements = settlements.collect();
    Kept { settlements, votes: store.votes(store.votes_height()).map_err(|error| error.to_string()) }
}

/// What comes next is taken in, whatever was lost.
fn go_on(store: &mut Store, kept: &mut Kept) {
    store.append_settlement(store.tip() + 1, b"+").expect("it follows the tip");
    kept.settlements.push(b"+".to_vec());
    if let Some(height) = store.votes_height().checked_add(1) {
        store.append_votes(height, &[b"+".to_vec()]).expect("a later height");
        kept.votes = Ok(vec![b"+".to_vec()]);
    }
}

/// The file with the checksum that every entry should have.
fn mended(mut file: Vec<u8>) -> Vec<u8> {
    let mut rest = file.get_mut(FILE_HEADER..).unwrap_or_default();
    while let Some((header, next)) = rest.split_at_mut_checked(ENTRY_HEADER) {
        let length = u64::from_be_bytes(header[1..9].try_into().expect("eight bytes"));
        let Some((data, next)) = usize::try_from(length).ok().and_then(|n| next.split_at_mut_checked(n))
        else {
            break;
        };
        header[9..].copy_from_slice(&crc32fast::hash(data).to_be_bytes());
        rest = next;
    }
    file
}

/// A sound file of each log.
pub(crate) fn samples() -> Vec<Vec<u8>> {
    let batch = |entry: &[u8]| [&(entry.len() as u32).to_be_bytes(), entry].concat();
    let settlements = [entry(1, b"one"), entry(2, b""), entry(3, &[7; 300])].concat();
    let votes = [entry(4, &batch(b"yes")), entry(4, &[batch(b"no"), batch(b"")].concat())].concat();
    let file = |kind, entries: &[u8]| [&[kind | MEND][..], &[0, 0, 0, 1], &[0; 8], entries].concat();
    vec![file(0, &settlements), file(1, &votes)]
}

/// An entry as it is written, but for its checksum.
fn entry(height: u64, content: &[u8]) -> Vec<u8> {
    let data = [&height.to_be_bytes(), content, &[1]].concat();
    [&[0][..], &(data.len() as u64).to_be_bytes(), &[0; 4], &data].concat()
}
