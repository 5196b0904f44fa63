//! One entry of a log file, as `arc-malachitebft-wal` writes it, read without trusting a byte.
//!
//! ```text
//! flag (1, always 0) | length (8, BE) | CRC-32 of the data (4, BE) | data: height (8, BE) ‖ content ‖ 1
//! ```
//!
//! The height is ours: it stands under the checksum, which the log's own header does not. So is the last byte: where a
//! power cut kept the end of an entry from the disk, the file ends in a zero.

use std::io::{self, Read, SeekFrom};

use arc_malachitebft_wal::constants::ENTRY_HEADER_SIZE;

use crate::files::File;

/// The most bytes one entry may have: eight of the largest settlements, and nothing to run out of memory by.
pub const MAX_ENTRY: u64 = 16 << 20;

const HEADER: usize = ENTRY_HEADER_SIZE as usize;
const HEIGHT: usize = size_of::<u64>();

/// What every entry ends in, as nothing that was not written to its end does.
const END: u8 = 1;

/// Where an entry lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The height it belongs to.
    pub(crate) height: u64,
    /// Where it starts, in bytes from the start of the file.
    pub(crate) offset: u64,
    /// How many bytes it takes.
    pub(crate) size: u64,
}

/// What is found where an entry should start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// An entry that passes its check.
    Whole { height: u64, size: u64 },
    /// The end of the file.
    End,
    /// An entry that the end of the file cut short, or that is the last and was not written to its end.
    Torn,
    /// Something else.
    Damaged,
}

/// The data of an entry: `content` under its height.
pub(crate) fn seal(height: u64, content: &[u8]) -> Vec<u8> {
    [&height.to_be_bytes(), content, &[END]].concat()
}

/// Reads the entry that starts here, with `rest` bytes left in the file, into `data`.
pub(crate) fn read(source: &mut impl Read, rest: u64, data: &mut Vec<u8>) -> io::Result<Found> {
    let mut header = [0; HEADER];
    let Some(rest) = rest.checked_sub(ENTRY_HEADER_SIZE) else {
        return Ok(if rest == 0 { Found::End } else { Found::Torn });
    };
    source.read_exact(&mut header)?;
    let length = be_u64(&header[1..9]);
    if header[0] != 0 || length <= HEIGHT as u64 || length > MAX_ENTRY {
        return Ok(Found::Damaged);
    }
    if length > rest {
        return Ok(Found::Torn);
    }
    data.resize(length as usize, 0);
    source.read_exact(data)?;
    Ok(match crc32fast::hash(data).to_be_bytes() == header[9..] {
        true => Found::Whole { height: be_u64(&data[..HEIGHT]), size: ENTRY_HEADER_SIZE + length },
        false if length == rest && data.last() == Some(&0) => Found::Torn,
        false => Found::Damaged,
    })
}

/// The content of `entry`, or `None` where the file no longer holds it.
pub(crate) fn content(mut file: &mut dyn File, entry: Entry) -> io::Result<Option<Vec<u8>>> {
    let mut data = Vec::new();
    let rest = file.size()?.saturating_sub(entry.offset);
    file.seek(SeekFrom::Start(entry.offset))?;
    Ok(match read(&mut file, rest, &mut data)? {
        Found::Whole { height, .. } if height == entry.height => {
            data.pop();
            Some(data.split_off(HEIGHT))
        }
        _ => None,
    })
}

fn be_u64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}
