//! Sensors in JSON.

use fieldgate_core::Error;
use fieldgate_core::model::id::{ComponentId, DeviceId, GroupId, SiteId};
use fieldgate_core::model::sensor as model;
use fieldgate_core::model::tag::Tag;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::dto::device::word_prefix;
use crate::dto::enums::{TypeOrigin, ValueType};
use crate::dto::page::page;
use crate::dto::reading::ReadingValue;
use crate::dto::{Check, text};
use crate::extract::{FromQuery, QueryPairs};
use crate::problem::Problem;

/// One typed data channel of a component.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sensor {
    /// Its identifier.
    #[schema(format = "uuid")]
    id: String,
    /// The device that it belongs to.
    #[schema(format = "uuid")]
    device_id: String,
    /// The component that it belongs to.
    #[schema(format = "uuid")]
    component_id: String,
    /// How the device names it; unique in the component.
    #[schema(example = "temperature")]
    key: String,
    /// What people call it.
    name: String,
    /// The type of its values.
    value_type: ValueType,
    /// The unit of its values, as a UCUM code; kept as it is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Cel")]
    unit: Option<String>,
    /// Its tags.
    tags: Vec<String>,
    /// Where the type comes from.
    type_origin: TypeOrigin,
    /// Its newest reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    latest: Option<LatestReading>,
}

/// The newest reading of a sensor.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LatestReading {
    /// When it was taken.
    #[schema(format = "date-time")]
    timestamp: String,
    /// What was read.
    value: ReadingValue,
}

impl From<model::Sensor> for Sensor {
    fn from(sensor: model::Sensor) -> Self {
        let settings = &sensor.settings;
        Self {
            id: sensor.id.to_string(),
            device_id: sensor.device_id.to_string(),
            component_id: sensor.component_id.to_string(),
            key: sensor.key.to_string(),
            name: settings.name.to_string(),
            value_type: settings.value_type.into(),
            unit: text(settings.unit.as_ref()),
            tags: settings.tags.iter().map(Tag::to_string).collect(),
            type_origin: sensor.type_origin.into(),
            latest: sensor.latest.map(|latest| LatestReading {
                timestamp: latest.timestamp.to_string(),
                value: latest.value.into(),
            }),
        }
    }
}

page! {
    /// A page of sensors.
    SensorPage of Sensor
}

/// A sensor as it is to be. What is absent is cleared, except the type, which stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct SensorUpdate {
    /// What people call it.
    #[schema(min_length = 1, max_length = 128)]
    name: String,
    /// The type of its values. It changes only while no stored reading contradicts it.
    #[schema(value_type = Option<ValueType>)]
    value_type: Option<String>,
    /// The unit of its values, as a UCUM code; kept as it is given.
    #[schema(min_length = 1, max_length = 64, example = "Cel")]
    unit: Option<String>,
    /// Its tags.
    #[schema(max_items = 64)]
    tags: Option<Vec<String>>,
}

impl SensorUpdate {
    /// What is wanted.
    pub(crate) fn parse(&self) -> Result<model::SensorUpdate, Error> {
        let mut check = Check::default();
        let name = check.parse("/name", &self.name);
        let value_type = check.optional("/valueType", self.value_type.as_ref());
        let unit = check.optional("/unit", self.unit.as_ref());
        let tags = check.tags("/tags", self.tags.as_ref());
        match (name, value_type, unit, tags) {
            (Some(name), Some(value_type), Some(unit), Some(tags)) => Ok(model::SensorUpdate {
                name,
                value_type,
                unit,
                tags,
            }),
            _ => Err(check.into_error()),
        }
    }
}

/// Which sensors a list holds. All filters have to match.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct SensorQuery {
    /// Of this device.
    #[param(value_type = Option<String>, format = "uuid")]
    pub(crate) device_id: Option<DeviceId>,
    /// Of devices in this group.
    #[param(value_type = Option<String>, format = "uuid")]
    pub(crate) group_id: Option<GroupId>,
    /// Of devices at this site.
    #[param(value_type = Option<String>, format = "uuid")]
    pub(crate) site_id: Option<SiteId>,
    /// Of this component.
    #[param(value_type = Option<String>, format = "uuid")]
    pub(crate) component_id: Option<ComponentId>,
    /// One of these types.
    #[param(value_type = Vec<ValueType>)]
    pub(crate) value_type: Vec<model::ValueType>,
    /// All of these tags.
    #[param(value_type = Vec<String>)]
    pub(crate) tag: Vec<Tag>,
    /// A word of the name begins with this, in whatever case.
    #[param(max_length = 128)]
    pub(crate) q: Option<String>,
}

impl FromQuery for SensorQuery {
    fn from_query(query: &mut QueryPairs) -> Result<Self, Problem> {
        Ok(Self {
            device_id: query.one("deviceId")?,
            group_id: query.one("groupId")?,
            site_id: query.one("siteId")?,
            component_id: query.one("componentId")?,
            value_type: query.all("valueType")?,
            tag: query.all("tag")?,
            q: word_prefix(query)?,
        })
    }
}
