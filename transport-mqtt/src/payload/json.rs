//! JSON, read strictly: no name comes twice in an object, and every depth and number is bounded.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use fieldgate_core::model::metadata::Metadata;
use fieldgate_core::model::quarantine::QuarantineReason;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::payload::Refused;

/// Says whether octets are JSON at all: whatever the depth, and whatever the numbers.
pub(super) fn check(octets: &[u8]) -> Result<(), String> {
    match serde_json::from_slice::<&RawValue>(octets) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads a shape; what does not fit is malformed.
pub(super) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Refused> {
    serde_json::from_str(text).map_err(|error| Refused::malformed(message(&error)))
}

/// Reads a shape from a payload that is known to be JSON.
pub(super) fn parse_payload<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Result<T, Refused> {
    serde_json::from_slice(payload).map_err(|error| Refused::malformed(message(&error)))
}

/// What is wrong, without where: a line and a column say nothing of one item.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// The octets of a part of a payload, without copying them.
pub(super) fn part(payload: &Bytes, text: &str) -> Bytes {
    let (start, base) = (text.as_ptr().addr(), payload.as_ptr().addr());
    let offset = start.checked_sub(base);
    match offset.filter(|offset| offset + text.len() <= payload.len()) {
        Some(offset) => payload.slice(offset..offset + text.len()),
        None => Bytes::copy_from_slice(text.as_bytes()),
    }
}

/// A text, borrowed where it has no escapes.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// Reads free-form data.
pub(super) fn metadata(raw: &RawValue) -> Result<Metadata, Refused> {
    match strict_value(raw.get())? {
        Value::Object(members) => Metadata::new(members).map_err(|invalid| {
            Refused::new(QuarantineReason::MetadataTooLarge, invalid.to_string())
        }),
        _ => Err(Refused::malformed("it is a JSON object")),
    }
}

/// Reads any value in which no name comes twice, at most 128 levels deep.
pub(super) fn strict_value(text: &str) -> Result<Value, Refused> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Strict.deserialize(&mut deserializer).map_err(|error| {
        let message = message(&error);
        let reason = match message.as_str() {
            "recursion limit exceeded" => QuarantineReason::MetadataTooLarge,
            _ => QuarantineReason::Malformed,
        };
        Refused::new(reason, message)
    })
}

/// Reads any value, as `Value` does, but for names that come twice.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(Self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format!("duplicate field `{name}`")));
            }
            let value = entries.next_value_seed(Self)?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_json_however_deep_or_large_its_numbers() {
        for text in ["1", " null ", "1e400", "[]", "{\"a\":{\"a\":1}}"] {
            assert!(check(text.as_bytes()).is_ok(), "{text}");
        }
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(check(deep.as_bytes()).is_ok());
        for text in [
            "",
            "x",
            "{",
            "1 2",
            "{'a':1}",
            "\u{feff}1",
            "NaN",
            "01",
            "[1,]",
        ] {
            assert!(check(text.as_bytes()).is_err(), "{text}");
        }
        assert!(check(b"\"\xff\"").is_err());
    }

    #[test]
    fn a_name_comes_once() {
        assert!(strict_value(r#"{"a":1,"b":{"a":2}}"#).is_ok());
        assert!(strict_value(r#"{"b":{"a":1,"a":2}}"#).is_err());
        assert!(strict_value(r#"{"a":1e400}"#).is_err());
    }

    #[test]
    fn metadata_has_its_limits() {
        let metadata_of = |text: &str| {
            let raw: &RawValue = serde_json::from_str(text).unwrap();
            metadata(raw).map_err(|refused| refused.reason)
        };
        let of_size = |size: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(size - 8));
        assert!(metadata_of(&of_size(Metadata::MAX_BYTES)).is_ok());
        let too_large = Err(QuarantineReason::MetadataTooLarge);
        assert_eq!(metadata_of(&of_size(Metadata::MAX_BYTES + 1)), too_large);
        let of_depth = |depth: usize| "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth);
        assert!(metadata_of(&of_depth(16)).is_ok());
        assert_eq!(metadata_of(&of_depth(17)), too_large);
        assert_eq!(metadata_of(&of_depth(10_000)), too_large);
        assert_eq!(metadata_of("[1]"), Err(QuarantineReason::Malformed));
    }

    #[test]
    fn a_part_is_not_copied() {
        let payload = Bytes::from_static(b"[1, 23]");
        let text = std::str::from_utf8(&payload[4..6]).unwrap();
        let part = part(&payload, text);
        assert_eq!(part, "23");
        assert_eq!(part.as_ptr(), text.as_ptr());
    }
}
