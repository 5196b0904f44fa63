//! The only place where bytes become messages: MessagePack, one encoding for each value.
//!
//! Structs are arrays, enums are named variants. A value has exactly one accepted encoding: bytes that decode but
//! differ from their re-encoding are refused, which closes trailing bytes, padded integers and reordered fields.
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;

/// The bytes that stand for `value`.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    rmp_serde::to_vec(value).expect("messages hold nothing that MessagePack cannot express")
}

/// The value that `bytes` stand for; `limit` is checked before anything is allocated.
pub fn decode<T: Serialize + DeserializeOwned>(
    kind: &'static str,
    bytes: &[u8],
    limit: usize,
) -> Result<T, Error> {
    if bytes.len() > limit {
        return Err(Error::TooLarge { kind, size: bytes.len(), limit });
    }
    let value = rmp_serde::from_slice(bytes).map_err(|e| Error::Malformed { kind, reason: e.to_string() })?;
    if encode(&value) != bytes {
        return Err(Error::NotCanonical { kind });
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refuses(bytes: &[u8], expected: &str) {
        let error = decode::<(u64, String)>("pair", bytes, 16).expect_err("must be refused");
        assert!(error.to_string().contains(expected), "{error}");
    }

    #[test]
    fn a_value_has_one_accepted_encoding() {
        let good = encode(&(1u64, "a".to_owned()));
        assert_eq!(good, [0x92, 0x01, 0xa1, b'a']);
        assert_eq!(decode::<(u64, String)>("pair", &good, 16), Ok((1, "a".to_owned())));
        refuses(&[&good[..], &[0]].concat(), "canonical"); // trailing byte
        refuses(&[0x92, 0xcc, 0x01, 0xa1, b'a'], "canonical"); // 1 as u8 instead of fixint
        refuses(&[0x92, 0x01, 0xd9, 0x01, b'a'], "canonical"); // str8 instead of fixstr
        refuses(&[0x93, 0x01, 0xa1, b'a', 0x01], "malformed");
        refuses(&[0x92, 0x01], "malformed");
        refuses(&[0xdd, 0xff, 0xff, 0xff, 0xff], "malformed"); // claims 2³²−1 elements
        refuses(&[0; 17], "at most 16");
    }
}
