//! JSON, read without mercy: bounded depth, no member twice.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::problem::Problem;

/// Reads a JSON text (RFC 8259) that is at most [`DEPTH_MAX`] levels deep and names no member of
/// an object twice.
///
/// # Errors
///
/// 400 with the place of the mistake.
pub(crate) fn read(text: &[u8]) -> Result<Value, Problem> {
    let malformed = |detail: String| Problem::malformed("json_malformed", detail);
    if text.is_empty() {
        return Err(malformed("the body is empty: send JSON".to_owned()));
    }
    let text =
        std::str::from_utf8(text).map_err(|_| malformed("the body is not UTF-8".to_owned()))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Level(DEPTH_MAX).deserialize(&mut reader);
    value
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| malformed(format!("the body is not proper JSON: {error}")))
}

/// How many levels may follow.
#[derive(Clone, Copy)]
struct Level(usize);

impl Level {
    fn next<E: serde::de::Error>(self) -> Result<Self, E> {
        let next = self.0.checked_sub(1).map(Self);
        next.ok_or_else(|| E::custom(format!("more than {DEPTH_MAX} levels deep")))
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).map(Value::Number);
        number.ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let level = self.next()?;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(level)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let level = self.next()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                let name: String = name.chars().take(NAME_SHOWN_CHARS).collect();
                return Err(A::Error::custom(format!(
                    "the member {name:?} is there twice"
                )));
            }
            let value = members.next_value_seed(level)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

/// How many levels of arrays and objects a body may have.
const DEPTH_MAX: usize = 32;

/// How much of a name an error repeats.
const NAME_SHOWN_CHARS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_are() {
        let text = r#"{"a":[1,-2,3.5,true,null,"x"],"b":{"a":18446744073709551615}}"#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(read(text.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(nested(DEPTH_MAX).as_bytes()).is_ok());
        assert!(read(nested(DEPTH_MAX + 1).as_bytes()).is_err());
        assert!(read("[".repeat(60_000).as_bytes()).is_err());
        assert!(read(r#"{"a":"#.repeat(10_000).as_bytes()).is_err());
    }

    #[test]
    fn what_is_no_proper_json_is_refused() {
        let texts: [&[u8]; 12] = [
            b"",
            b" ",
            b"{",
            b"{}{}",
            b"{\"a\":1,\"a\":2}",
            b"{\"a\":{\"b\":1,\"\\u0062\":2}}",
            b"1e400",
            b"-1e400",
            b"NaN",
            b"\"\\ud800\"",
            b"\"\xff\"",
            b"\xef\xbb\xbf{}",
        ];
        for text in texts {
            assert!(read(text).is_err(), "{:?}", String::from_utf8_lossy(text));
        }
    }
}
