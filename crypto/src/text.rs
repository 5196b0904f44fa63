//! Bytes of a fixed number as hexadecimal digits in formats that people read, as bytes elsewhere.
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

pub(crate) fn serialize<S: Serializer, const N: usize>(
    bytes: &[u8; N],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match serializer.is_human_readable() {
        true => serializer.serialize_str(&hex::encode(bytes)),
        false => serializer.serialize_bytes(bytes),
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(from: D) -> Result<[u8; N], D::Error> {
    if !from.is_human_readable() {
        return serde_bytes::deserialize(from);
    }
    let text = String::deserialize(from)?;
    let mut bytes = [0; N];
    let wrong = |_| D::Error::custom(format!("{text:?} is not {} hexadecimal digits", 2 * N));
    hex::decode_to_slice(&text, &mut bytes).map_err(wrong)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use serde::Serialize;
    use serde::de::DeserializeOwned;

    use crate::{Hash, Hotkey, Signature};

    #[track_caller]
    fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T, length: usize, byte: u8) {
        let digits = format!("{byte:02x}").repeat(length);
        assert_eq!(serde_json::to_string(&value).unwrap(), format!("{digits:?}"));
        assert_eq!(serde_json::from_str::<T>(&format!("{digits:?}")).unwrap(), value);
        for wrong in [&digits[1..], &digits[2..], &digits.replace('1', "g"), ""] {
            let error = serde_json::from_str::<T>(&format!("{wrong:?}")).unwrap_err().to_string();
            assert!(error.contains(&format!("not {} hexadecimal digits", 2 * length)), "{error}");
        }
    }

    #[test]
    fn people_read_and_write_hexadecimal_digits() {
        check(Hash([0x1f; 32]), 32, 0x1f);
        check(Hotkey([0x21; 32]), 32, 0x21);
        check(Signature([0xa1; 64]), 64, 0xa1);
    }
}
