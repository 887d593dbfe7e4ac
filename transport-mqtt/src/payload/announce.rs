//! Announcements, and what became of them.

use bytes::Bytes;
use fieldgate_core::model::Invalid;
use fieldgate_core::model::announcement::{
    AnnouncedComponent, AnnouncedSensor, AnnouncementOutcome, AnnouncementRefusal,
};
use fieldgate_core::model::quarantine::QuarantineReason;
use fieldgate_core::transport::Inbound;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::payload::Refused;
use crate::payload::json::{self, Text};
use crate::text::clip;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AnnouncementDto<'a> {
    #[serde(borrow)]
    firmware_version: Option<Text<'a>>,
    #[serde(borrow)]
    profile: Option<Text<'a>>,
    #[serde(borrow)]
    components: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ComponentDto<'a> {
    #[serde(borrow)]
    key: Text<'a>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    profile: Option<Text<'a>>,
    #[serde(borrow, default)]
    sensors: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SensorDto<'a> {
    #[serde(borrow)]
    key: Text<'a>,
    #[serde(borrow)]
    value_type: Text<'a>,
    #[serde(borrow)]
    unit: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
}

/// Only the key of something, to say what it is that is refused.
#[derive(Deserialize)]
struct KeyDto<'a> {
    #[serde(borrow)]
    key: Text<'a>,
}

/// Reads an announcement; what is wrong with an item concerns that item alone.
pub(super) fn decode(payload: &Bytes) -> Result<Inbound, Refused> {
    let dto: AnnouncementDto<'_> = json::parse_payload(payload)?;
    let mut reader = Reader::default();
    let firmware_version = reader.optional("firmwareVersion", dto.firmware_version.as_ref());
    let profile = reader.optional("profile", dto.profile.as_ref());
    if dto.components.len() > COMPONENTS_MAX {
        return Err(Refused::new(
            QuarantineReason::LimitExceeded,
            format!("an announcement has at most {COMPONENTS_MAX} components"),
        ));
    }
    for component in dto.components {
        if let Some(component) = reader.component(component.get())? {
            reader.components.push(component);
        }
    }
    Ok(Inbound::Announce {
        firmware_version,
        profile,
        components: reader.components,
        refused: reader.refused,
    })
}

#[derive(Default)]
struct Reader {
    components: Vec<AnnouncedComponent>,
    sensor_count: usize,
    refused: Vec<AnnouncementRefusal>,
}

impl Reader {
    /// A field of the announcement itself; it is left out where it is refused.
    fn optional<T: std::str::FromStr<Err = Invalid>>(
        &mut self,
        field: &str,
        text: Option<&Text<'_>>,
    ) -> Option<T> {
        match text?.0.parse() {
            Ok(value) => Some(value),
            Err(invalid) => {
                self.refuse("", None, &format!("{field}: {invalid}"));
                None
            }
        }
    }

    /// A component; `None` where it is refused. An error where there are too many sensors.
    fn component(&mut self, text: &str) -> Result<Option<AnnouncedComponent>, Refused> {
        let dto: ComponentDto<'_> = match json::parse(text) {
            Ok(dto) => dto,
            Err(refused) => {
                self.refuse(&key_of(text), None, &refused.detail);
                return Ok(None);
            }
        };
        self.sensor_count += dto.sensors.len();
        if self.sensor_count > SENSORS_MAX {
            return Err(Refused::new(
                QuarantineReason::LimitExceeded,
                format!("an announcement has at most {SENSORS_MAX} sensors"),
            ));
        }
        let parts = || {
            Ok::<_, String>((
                field("key", &dto.key)?,
                optional_field("name", dto.name.as_ref())?,
                optional_field("profile", dto.profile.as_ref())?,
            ))
        };
        let (key, name, profile) = match parts() {
            Ok(parts) => parts,
            Err(detail) => {
                self.refuse(&dto.key.0, None, &detail);
                return Ok(None);
            }
        };
        let mut sensors = Vec::with_capacity(dto.sensors.len());
        for sensor in dto.sensors {
            match read_sensor(sensor.get()) {
                Ok(sensor) => sensors.push(sensor),
                Err(detail) => {
                    let sensor = key_of(sensor.get());
                    self.refuse(&dto.key.0, Some(&sensor), &detail);
                }
            }
        }
        Ok(Some(AnnouncedComponent {
            key,
            name,
            profile,
            sensors,
        }))
    }

    fn refuse(&mut self, component: &str, sensor: Option<&str>, detail: &str) {
        self.refused.push(AnnouncementRefusal {
            component: shown(component),
            sensor: sensor.map(shown),
            code: "malformed",
            detail: clip(detail),
        });
    }
}

fn read_sensor(text: &str) -> Result<AnnouncedSensor, String> {
    let dto: SensorDto<'_> = json::parse(text).map_err(|refused| refused.detail)?;
    Ok(AnnouncedSensor {
        key: field("key", &dto.key)?,
        value_type: field("valueType", &dto.value_type)?,
        unit: optional_field("unit", dto.unit.as_ref())?,
        name: optional_field("name", dto.name.as_ref())?,
    })
}

fn field<T: std::str::FromStr<Err = Invalid>>(name: &str, text: &Text<'_>) -> Result<T, String> {
    text.0
        .parse()
        .map_err(|invalid| format!("{name}: {invalid}"))
}

fn optional_field<T: std::str::FromStr<Err = Invalid>>(
    name: &str,
    text: Option<&Text<'_>>,
) -> Result<Option<T>, String> {
    text.map(|text| field(name, text)).transpose()
}

/// The key of something that is wrong otherwise; empty where it has none.
fn key_of(text: &str) -> String {
    json::parse::<KeyDto<'_>>(text)
        .map(|dto| dto.key.0.into_owned())
        .unwrap_or_default()
}

/// A key as it was sent, as far as it is shown.
fn shown(key: &str) -> String {
    key.chars().take(KEY_SHOWN_CHARS).collect()
}

/// Writes what became of an announcement.
pub(super) fn encode(outcome: AnnouncementOutcome) -> Bytes {
    let mut components = Map::new();
    for component in outcome.components {
        let entry = components
            .entry(component.key.to_string())
            .or_insert_with(|| json!({"id": component.id.to_string(), "sensors": {}}));
        // A component may have been announced in several parts.
        if let Some(sensors) = entry.get_mut("sensors").and_then(Value::as_object_mut) {
            for (key, id) in component.sensors {
                sensors.insert(key.to_string(), json!({"id": id.to_string()}));
            }
        }
    }
    let refused = outcome.refused.into_iter().map(|refusal| {
        let mut entry = Map::new();
        entry.insert("component".to_owned(), refusal.component.into());
        if let Some(sensor) = refusal.sensor {
            entry.insert("sensor".to_owned(), sensor.into());
        }
        entry.insert("code".to_owned(), refusal.code.into());
        entry.insert("detail".to_owned(), refusal.detail.into());
        Value::Object(entry)
    });
    let refused: Vec<_> = refused.collect();
    let result = json!({"components": components, "refused": refused});
    result.to_string().into()
}

/// Writes that an announcement was refused as a whole.
pub(super) fn encode_refused(refused: &Refused) -> Bytes {
    encode(AnnouncementOutcome {
        components: Vec::new(),
        refused: vec![AnnouncementRefusal {
            component: String::new(),
            sensor: None,
            code: match refused.reason {
                QuarantineReason::LimitExceeded => "limit_exceeded",
                _ => "malformed",
            },
            detail: refused.detail.clone(),
        }],
    })
}

/// How many components one announcement may have. How many a device may have is the host's to say;
/// one that has more announces them in several messages.
const COMPONENTS_MAX: usize = 256;

/// How many sensors one announcement may have, all components together.
const SENSORS_MAX: usize = 2048;

const KEY_SHOWN_CHARS: usize = 64;

#[cfg(test)]
mod tests;
