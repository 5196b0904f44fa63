//! One entry of a log file, as `arc-malachitebft-wal` writes it, read without trusting a byte.
//!
//! ```text
//! flag (1, always 0) | length (8, BE) | CRC-32 of the data (4, BE) | data: height (8, BE) ‖ content ‖ 255
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

/// What every entry ends in, as nothing that was not written to its end does. Far from a zero, so that no changed bit
/// makes it one; earlier files have a 1.
const END: u8 = 0xff;

/// The most bytes to go through in search of an entry: less than a second of checksums, whatever the bytes say.
const MAX_SEARCH: usize = 1 << 30;

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

impl Entry {
    /// Whether it has no content.
    pub(crate) fn is_empty(&self) -> bool {
        self.size == ENTRY_HEADER_SIZE + sealed_size(&[])
    }
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

/// How many bytes [`seal`] makes of `content`.
pub(crate) fn sealed_size(content: &[u8]) -> u64 {
    (HEIGHT + content.len() + 1) as u64
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
    let length = match length(&header) {
        None => return Ok(Found::Damaged),
        Some(length) if length > rest => return Ok(Found::Torn),
        Some(length) => length,
    };
    data.resize(length as usize, 0);
    source.read_exact(data)?;
    Ok(match passes(&header, data) {
        true => Found::Whole { height: be_u64(&data[..HEIGHT]), size: ENTRY_HEADER_SIZE + length },
        false if length == rest && data.last() == Some(&0) => Found::Torn,
        false => Found::Damaged,
    })
}

/// Whether a whole entry lies in `torn`, the end of a file from where it seems to break off: then it is a changed length
/// that says so, and no crash. What takes too long to go through is taken for one too.
pub(crate) fn is_within(torn: &[u8]) -> bool {
    let mut searched = 0;
    (0..torn.len()).any(|start| {
        let Some((header, rest)) = torn[start..].split_first_chunk() else { return false };
        // The first has no length to believe: it may have been the last of the file.
        let size = if start == 0 { Some(rest.len()) } else { length(header).map(|length| length as usize) };
        let Some(data) = size.and_then(|size| rest.get(..size)).filter(|data| data.len() > HEIGHT) else {
            return false;
        };
        searched += data.len();
        searched > MAX_SEARCH || passes(header, data)
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

/// How many bytes of data the header promises, if it can be one.
fn length(header: &[u8; HEADER]) -> Option<u64> {
    let length = be_u64(&header[1..9]);
    (header[0] == 0 && length > HEIGHT as u64 && length <= MAX_ENTRY).then_some(length)
}

fn passes(header: &[u8; HEADER], data: &[u8]) -> bool {
    crc32fast::hash(data).to_be_bytes() == header[9..]
}

fn be_u64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}
