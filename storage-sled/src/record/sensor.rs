//! The stored form of sensors.

use fieldgate_core::model::Invalid;
use fieldgate_core::model::id::{ComponentId, DeviceId, OrganizationId, SensorId};
use fieldgate_core::model::key::Key;
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::sensor::{LatestReading, Sensor, SensorSettings, TypeOrigin, ValueType};
use fieldgate_core::model::text::{Name, Unit};
use fieldgate_core::model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::JsonRecord;
use super::parts::{TagsJson, ValueJson, millis, optional_text, text};

#[derive(Deserialize, Serialize)]
pub(super) struct SensorJson {
    #[serde(with = "text")]
    id: SensorId,
    #[serde(with = "text")]
    organization_id: OrganizationId,
    #[serde(with = "text")]
    device_id: DeviceId,
    #[serde(with = "text")]
    component_id: ComponentId,
    #[serde(with = "text")]
    key: Key,
    #[serde(with = "text")]
    name: Name,
    #[serde(with = "text")]
    value_type: ValueType,
    #[serde(with = "optional_text")]
    unit: Option<Unit>,
    tags: TagsJson,
    type_origin: TypeOriginJson,
    latest: Option<LatestJson>,
    revision: u64,
}

#[derive(Deserialize, Serialize)]
enum TypeOriginJson {
    Announced,
    Inferred,
    Profile,
}

#[derive(Deserialize, Serialize)]
struct LatestJson {
    #[serde(with = "millis")]
    timestamp: Timestamp,
    value: ValueJson,
}

impl JsonRecord for Sensor {
    const WHAT: &'static str = "sensor";

    type Json = SensorJson;

    fn to_json(&self) -> SensorJson {
        let settings = &self.settings;
        SensorJson {
            id: self.id,
            organization_id: self.organization_id,
            device_id: self.device_id,
            component_id: self.component_id,
            key: self.key.clone(),
            name: settings.name.clone(),
            value_type: settings.value_type,
            unit: settings.unit.clone(),
            tags: TagsJson::new(&settings.tags),
            type_origin: match self.type_origin {
                TypeOrigin::Announced => TypeOriginJson::Announced,
                TypeOrigin::Inferred => TypeOriginJson::Inferred,
                TypeOrigin::Profile => TypeOriginJson::Profile,
            },
            latest: self.latest.as_ref().map(|latest| LatestJson {
                timestamp: latest.timestamp,
                value: ValueJson::new(&latest.value),
            }),
            revision: self.revision.as_u64(),
        }
    }

    fn from_json(json: SensorJson) -> Result<Self, Invalid> {
        let latest = json.latest.map(|latest| {
            Ok(LatestReading {
                timestamp: latest.timestamp,
                value: latest.value.into_model()?,
            })
        });
        Ok(Self {
            id: json.id,
            organization_id: json.organization_id,
            device_id: json.device_id,
            component_id: json.component_id,
            key: json.key,
            settings: SensorSettings {
                name: json.name,
                value_type: json.value_type,
                unit: json.unit,
                tags: json.tags.into_model()?,
            },
            type_origin: match json.type_origin {
                TypeOriginJson::Announced => TypeOrigin::Announced,
                TypeOriginJson::Inferred => TypeOrigin::Inferred,
                TypeOriginJson::Profile => TypeOrigin::Profile,
            },
            latest: latest.transpose()?,
            revision: Revision::from_u64(json.revision),
        })
    }
}
