//! Readings: single, structured, or an array of either.

use std::collections::HashSet;
use std::fmt;

use bytes::Bytes;
use fieldgate_core::model::Invalid;
use fieldgate_core::model::id::SensorId;
use fieldgate_core::model::ingestion::{ReportedReading, SensorAddress};
use fieldgate_core::model::key::Key;
use fieldgate_core::model::quarantine::{QuarantineReason, Rejection};
use fieldgate_core::model::reading::{Finite, Value, ValueText};
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::transport::Inbound;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::payload::Refused;
use crate::payload::json::{self, Text};

/// Reads readings; what is wrong with one of them concerns that one alone.
pub(super) fn decode(payload: &Bytes) -> Result<Inbound, Refused> {
    let first = payload.iter().find(|octet| !octet.is_ascii_whitespace());
    let Items { items, untold } = match first {
        Some(b'[') => json::parse_payload::<Items<'_>>(payload)?,
        _ => Items {
            items: vec![json::parse_payload::<&RawValue>(payload)?],
            untold: 0,
        },
    };
    let mut readings = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let raw = json::part(payload, item.get());
        if index >= ITEMS_MAX {
            readings.push(Err(too_many_items("").rejection(&raw)));
            continue;
        }
        match reading(item.get(), &raw) {
            Ok(Item::Single(reading)) => readings.push(Ok(reading)),
            Ok(Item::Structured(values)) if readings.len() + values.len() > READINGS_MAX => {
                let detail = format!("a message has at most {READINGS_MAX} readings");
                let refused = Refused::new(QuarantineReason::LimitExceeded, detail);
                readings.push(Err(refused.rejection(&raw)));
            }
            Ok(Item::Structured(values)) => readings.extend(values),
            Err(refused) => readings.push(Err(refused.rejection(&raw))),
        }
    }
    if untold > 0 {
        let refused = too_many_items(&format!(": {untold} more were refused"));
        readings.push(Err(refused.rejection(payload)));
    }
    Ok(Inbound::Readings(readings))
}

fn too_many_items(further: &str) -> Refused {
    let detail = format!("a message has at most {ITEMS_MAX} items{further}");
    Refused::new(QuarantineReason::LimitExceeded, detail)
}

/// What an item of a message comes to.
enum Item {
    Single(ReportedReading),
    Structured(Vec<Result<ReportedReading, Rejection>>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReadingDto<'a> {
    #[serde(borrow)]
    sensor_id: Option<Text<'a>>,
    #[serde(borrow)]
    component: Option<Text<'a>>,
    #[serde(borrow)]
    sensor: Option<Text<'a>>,
    #[serde(borrow)]
    timestamp: Option<Text<'a>>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(borrow)]
    values: Option<Values<'a>>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

fn reading(text: &str, raw: &Bytes) -> Result<Item, Refused> {
    if !text.starts_with('{') {
        return Err(Refused::malformed("a reading is a JSON object"));
    }
    let dto: ReadingDto<'_> = json::parse(text)?;
    let timestamp = dto
        .timestamp
        .as_ref()
        .map(|text| parse::<Timestamp>("timestamp", &text.0))
        .transpose()?;
    match dto {
        ReadingDto {
            value: Some(value),
            values: None,
            ..
        } => {
            let metadata = dto.metadata.map(json::metadata).transpose();
            Ok(Item::Single(ReportedReading {
                sensor: address(&dto)?,
                timestamp,
                value: parse_value(value.get()).map_err(|refused| refused.at("value"))?,
                metadata: metadata.map_err(|refused| refused.at("metadata"))?,
                raw: raw.clone(),
            }))
        }
        ReadingDto {
            value: None,
            values: Some(values),
            sensor_id: None,
            sensor: None,
            metadata: None,
            component,
            ..
        } => {
            let component = component_key(component.as_ref())?;
            Ok(Item::Structured(structured(
                &component, timestamp, &values, raw,
            )))
        }
        ReadingDto {
            values: Some(_), ..
        } => Err(Refused::malformed(
            "beside `values` stand only `component` and `timestamp`",
        )),
        ReadingDto { .. } => Err(Refused::malformed(
            "`value` is missing or null: a number, a text, true or false is wanted",
        )),
    }
}

fn address(dto: &ReadingDto<'_>) -> Result<SensorAddress, Refused> {
    match (&dto.sensor_id, &dto.sensor) {
        (Some(id), None) if dto.component.is_none() => {
            parse::<SensorId>("sensorId", &id.0).map(SensorAddress::Id)
        }
        (None, Some(sensor)) => Ok(SensorAddress::Keys {
            component: component_key(dto.component.as_ref())?,
            sensor: parse("sensor", &sensor.0)?,
        }),
        (None, None) => Err(Refused::malformed(
            "a sensor is named by `sensorId`, or by `sensor` and `component`",
        )),
        (Some(_), _) => Err(Refused::malformed(
            "beside `sensorId` there is neither `component` nor `sensor`",
        )),
    }
}

fn component_key(text: Option<&Text<'_>>) -> Result<Key, Refused> {
    text.map_or_else(|| Ok(Key::main()), |text| parse("component", &text.0))
}

fn structured(
    component: &Key,
    timestamp: Option<Timestamp>,
    values: &Values<'_>,
    raw: &Bytes,
) -> Vec<Result<ReportedReading, Rejection>> {
    let readings = values.0.iter().map(|entry| {
        // A small item goes to the quarantine whole; of a large one only the value, or else one
        // message could fill the quarantine, and the memory, many times over.
        let raw = match raw.len() * values.0.len() {
            0..=ITEM_RAW_MAX_BYTES => raw.clone(),
            _ => json::part(raw, entry.value.get()),
        };
        let reading = || {
            Ok(ReportedReading {
                sensor: SensorAddress::Keys {
                    component: component.clone(),
                    sensor: parse("values", &entry.key.0)?,
                },
                timestamp,
                value: parse_value(entry.value.get())?,
                metadata: None,
                raw: raw.clone(),
            })
        };
        reading()
            .map_err(|refused: Refused| refused.at(&format!("`{}`", entry.key.0)).rejection(&raw))
    });
    readings.collect()
}

/// Reads a value by its text: what is written as an integer and fits 64 bits is one.
fn parse_value(text: &str) -> Result<Value, Refused> {
    let out_of_range = |detail: String| Refused::new(QuarantineReason::ValueOutOfRange, detail);
    match text.as_bytes().first() {
        Some(b't') => Ok(Value::Boolean(true)),
        Some(b'f') => Ok(Value::Boolean(false)),
        Some(b'"') => {
            let text: String = json::parse(text)?;
            ValueText::new(text)
                .map(Value::Text)
                .map_err(|invalid| out_of_range(invalid.to_string()))
        }
        Some(b'-' | b'0'..=b'9') => {
            let is_integer = !text.contains(['.', 'e', 'E']);
            if let Some(integer) = text.parse().ok().filter(|_| is_integer) {
                return Ok(Value::BigInt(integer));
            }
            let number: f64 = text
                .parse()
                .map_err(|_| Refused::malformed("it is not a number"))?;
            Finite::new(number)
                .map(Value::Double)
                .map_err(|_| out_of_range("the number is out of the range of 64 bits".to_owned()))
        }
        _ => Err(Refused::malformed(
            "a value is a number, a text, true or false",
        )),
    }
}

fn parse<T: std::str::FromStr<Err = Invalid>>(field: &str, text: &str) -> Result<T, Refused> {
    text.parse()
        .map_err(|invalid: Invalid| Refused::malformed(invalid.to_string()).at(field))
}

/// The items of an array, with as many of those that are too many as are told apart.
struct Items<'a> {
    items: Vec<&'a RawValue>,
    /// How many there are beyond.
    untold: usize,
}

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemsVisitor;

        impl<'de> Visitor<'de> for ItemsVisitor {
            type Value = Items<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of readings")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Items<'de>, A::Error> {
                let (mut items, mut untold) = (Vec::new(), 0);
                while let Some(item) = array.next_element()? {
                    if items.len() < TOLD_APART_MAX {
                        items.push(item);
                    } else {
                        untold += 1;
                    }
                }
                Ok(Items { items, untold })
            }
        }

        deserializer.deserialize_seq(ItemsVisitor)
    }
}

/// The values of a structured reading, in their order, each name once.
struct Values<'a>(Vec<Entry<'a>>);

struct Entry<'a> {
    key: Text<'a>,
    value: &'a RawValue,
}

impl<'de: 'a, 'a> Deserialize<'de> for Values<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValuesVisitor;

        impl<'de> Visitor<'de> for ValuesVisitor {
            type Value = Values<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values<'de>, A::Error> {
                let mut seen = HashSet::new();
                let mut entries: Vec<Entry<'de>> = Vec::new();
                while let Some((key, value)) = map.next_entry::<Text<'de>, &RawValue>()? {
                    if entries.len() == VALUES_MAX {
                        let detail = format!("a reading has at most {VALUES_MAX} values");
                        return Err(A::Error::custom(detail));
                    }
                    if !seen.insert(key.0.clone()) {
                        return Err(A::Error::custom(format!("duplicate field `{}`", key.0)));
                    }
                    entries.push(Entry { key, value });
                }
                if entries.is_empty() {
                    return Err(A::Error::custom("`values` has a value at least"));
                }
                Ok(Values(entries))
            }
        }

        deserializer.deserialize_map(ValuesVisitor)
    }
}

/// How many items one message may have.
const ITEMS_MAX: usize = 1000;

/// How many items of a message are refused one by one; more could be a hundred times the message
/// in memory, and push one another out of the quarantine.
const TOLD_APART_MAX: usize = 10_000;

/// How many values one structured reading may have: one for each sensor that a device may have.
const VALUES_MAX: usize = 1024;

/// How many readings one message may come to; what it has beyond is refused item by item.
const READINGS_MAX: usize = 10_000;

/// Up to which size a structured reading is kept whole for each of its values, all of these copies
/// together.
const ITEM_RAW_MAX_BYTES: usize = 4 * 1024;

#[cfg(test)]
mod tests;
