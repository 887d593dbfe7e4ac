//! The stored form of readings: octets, for there are many.
//!
//! The sensor and the timestamp are in the key. The value is: the format, the type, the value, and
//! the text of the metadata where there is one. A text has its length ahead of it.

use fieldgate_core::model::id::SensorId;
use fieldgate_core::model::reading::{Finite, Reading, Value, ValueText};
use fieldgate_core::model::timestamp::Timestamp;

use super::{FORMAT, body, push_item, split_item};
use crate::error::Error;

/// The value that is stored for a reading.
pub(crate) fn encode_reading(reading: &Reading) -> Vec<u8> {
    let mut octets = vec![FORMAT];
    match &reading.value {
        Value::BigInt(integer) => {
            octets.push(BIG_INT);
            octets.extend_from_slice(&integer.to_be_bytes());
        }
        Value::Boolean(boolean) => octets.extend_from_slice(&[BOOLEAN, u8::from(*boolean)]),
        Value::Double(number) => {
            octets.push(DOUBLE);
            octets.extend_from_slice(&number.as_f64().to_bits().to_be_bytes());
        }
        Value::Text(text) => {
            octets.push(TEXT);
            push_item(&mut octets, text.as_str().as_bytes());
        }
    }
    if let Some(metadata) = &reading.metadata {
        octets.extend_from_slice(metadata.to_string().as_bytes());
    }
    octets
}

/// The reading that is stored as `octets` under a key of this sensor and timestamp.
pub(crate) fn decode_reading(
    sensor_id: SensorId,
    timestamp: Timestamp,
    octets: &[u8],
) -> Result<Reading, Error> {
    let cut_off = || Error::decode(WHAT, "it is cut off");
    let (kind, rest) = body(WHAT, octets)?.split_first().ok_or_else(cut_off)?;
    let number = || rest.split_first_chunk::<8>().ok_or_else(cut_off);
    let (value, metadata) = match *kind {
        BIG_INT => {
            let (octets, rest) = number()?;
            (Value::BigInt(i64::from_be_bytes(*octets)), rest)
        }
        BOOLEAN => {
            let (octet, rest) = rest.split_first().ok_or_else(cut_off)?;
            (Value::Boolean(*octet != 0), rest)
        }
        DOUBLE => {
            let (octets, rest) = number()?;
            let number = Finite::new(f64::from_bits(u64::from_be_bytes(*octets)));
            (Value::Double(number.map_err(Error::invalid(WHAT))?), rest)
        }
        TEXT => {
            let (text, rest) = split_item(WHAT, rest)?;
            let text = ValueText::new(utf8(text)?).map_err(Error::invalid(WHAT))?;
            (Value::Text(text), rest)
        }
        _ => return Err(Error::decode(WHAT, "its type is unknown")),
    };
    let metadata = match metadata {
        [] => None,
        text => Some(utf8(text)?.parse().map_err(Error::invalid(WHAT))?),
    };
    Ok(Reading {
        sensor_id,
        timestamp,
        value,
        metadata,
    })
}

fn utf8(octets: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(octets).map_err(|error| Error::decode(WHAT, error))
}

const WHAT: &str = "reading";

const BIG_INT: u8 = 1;
const BOOLEAN: u8 = 2;
const DOUBLE: u8 = 3;
const TEXT: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_what_they_are() {
        let double = |number| Value::Double(Finite::new(number).unwrap());
        let text = |text: &str| Value::Text(ValueText::new(text).unwrap());
        let metadata = r#"{"b":0.1,"a":[1e-7,-0.0,18446744073709551615]}"#;
        for value in [
            Value::BigInt(i64::MIN),
            Value::BigInt(i64::MAX),
            Value::Boolean(true),
            Value::Boolean(false),
            double(-0.0),
            double(f64::MIN_POSITIVE / 4.0),
            double(f64::MAX),
            text(""),
            text("\u{0}\u{10FFFF} \"quoted\""),
        ] {
            for metadata in [None, Some(metadata.parse().unwrap())] {
                let reading = Reading {
                    sensor_id: SensorId::new(Timestamp::UNIX_EPOCH, [3; 10]),
                    timestamp: Timestamp::UNIX_EPOCH,
                    value: value.clone(),
                    metadata,
                };
                let octets = encode_reading(&reading);
                let read = decode_reading(reading.sensor_id, reading.timestamp, &octets).unwrap();
                assert_eq!(read, reading);
                if let (Value::Double(read), Value::Double(stored)) = (&read.value, &value) {
                    assert_eq!(read.as_f64().to_bits(), stored.as_f64().to_bits());
                }
                let cut_off = decode_reading(reading.sensor_id, reading.timestamp, &octets[..2]);
                assert!(cut_off.is_err());
            }
        }
    }
}
