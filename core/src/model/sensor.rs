//! Sensors: the typed data channels of a component.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::model::Invalid;
use crate::model::id::{ComponentId, DeviceId, OrganizationId, SensorId, SiteId};
use crate::model::key::Key;
use crate::model::reading::Value;
use crate::model::revision::Revision;
use crate::model::tag::{Tag, TagSelector, Tags};
use crate::model::text::{Name, Unit};
use crate::model::timestamp::Timestamp;

/// One typed data channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensor {
    /// Its identifier.
    pub id: SensorId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The device that it belongs to.
    pub device_id: DeviceId,
    /// The component that it belongs to.
    pub component_id: ComponentId,
    /// How the device names it; unique in the component, never changes.
    pub key: Key,
    /// What operators say of it.
    pub settings: SensorSettings,
    /// Where the type comes from.
    pub type_origin: TypeOrigin,
    /// The newest stored reading.
    pub latest: Option<LatestReading>,
    /// Counts the changes by operators.
    pub revision: Revision,
}

/// What operators say of a sensor.
#[derive(Clone, Debug, PartialEq)]
pub struct SensorSettings {
    /// What people call it.
    pub name: Name,
    /// The type of its values.
    pub value_type: ValueType,
    /// The unit of its values.
    pub unit: Option<Unit>,
    /// Its tags.
    pub tags: Tags,
}

/// What an operator wants of a sensor: all settings, and the type where it is to be another one.
#[derive(Clone, Debug, PartialEq)]
pub struct SensorUpdate {
    /// What people call it.
    pub name: Name,
    /// The type of its values; it stays where none is named.
    pub value_type: Option<ValueType>,
    /// The unit of its values.
    pub unit: Option<Unit>,
    /// Its tags.
    pub tags: Tags,
}

impl From<SensorSettings> for SensorUpdate {
    fn from(settings: SensorSettings) -> Self {
        Self {
            name: settings.name,
            value_type: Some(settings.value_type),
            unit: settings.unit,
            tags: settings.tags,
        }
    }
}

/// The newest stored reading of a sensor, by its timestamp.
#[derive(Clone, Debug, PartialEq)]
pub struct LatestReading {
    /// When it was taken.
    pub timestamp: Timestamp,
    /// What was read.
    pub value: Value,
}

/// The type of a sensor's values.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ValueType {
    /// Whole numbers of 64 bits.
    BigInt,
    /// True or false.
    Boolean,
    /// Floating-point numbers of 64 bits, finite.
    Double,
    /// Texts.
    Text,
}

/// Where the type of a sensor comes from.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum TypeOrigin {
    /// The device's announcement, or an operator.
    Announced,
    /// The first value.
    Inferred,
    /// The profile of its component.
    Profile,
}

impl Sensor {
    /// Takes a value in: as it is, converted to the sensor's type, or by widening the type.
    ///
    /// An integer is welcome on a DOUBLE; an inferred BIGINT turns DOUBLE on its first fraction.
    ///
    /// # Errors
    ///
    /// [`TypeMismatch`]; nothing has changed then.
    pub fn admit(&mut self, value: Value) -> Result<Value, TypeMismatch> {
        let value_type = self.settings.value_type;
        match (value_type, value) {
            (ValueType::Double, Value::BigInt(integer)) => Ok(Value::widened(integer)),
            (ValueType::BigInt, value @ Value::Double(_)) if self.would_widen(&value) => {
                self.settings.value_type = ValueType::Double;
                if let Some(latest) = &mut self.latest {
                    latest.value = latest.value.clone().as_type(ValueType::Double);
                }
                Ok(value)
            }
            (_, value) if value.value_type() == value_type => Ok(value),
            (_, value) => Err(TypeMismatch {
                expected: value_type,
                found: value.value_type(),
            }),
        }
    }

    /// Whether [`Sensor::admit`] would widen the type for this value.
    #[must_use]
    pub fn would_widen(&self, value: &Value) -> bool {
        self.settings.value_type == ValueType::BigInt
            && self.type_origin == TypeOrigin::Inferred
            && value.value_type() == ValueType::Double
    }

    /// Whether the type may be changed to `to` without contradicting a stored reading.
    ///
    /// A sensor without readings takes any type; one with readings only the wider one.
    #[must_use]
    pub fn may_become(&self, to: ValueType) -> bool {
        let from = self.settings.value_type;
        from == to
            || self.latest.is_none()
            || (from == ValueType::BigInt && to == ValueType::Double)
    }

    /// Changes the type; a stored integer reads as a DOUBLE from then on.
    ///
    /// # Errors
    ///
    /// [`TypeMismatch`] where [`Sensor::may_become`] forbids it; nothing has changed then.
    pub fn set_type(&mut self, to: ValueType, origin: TypeOrigin) -> Result<(), TypeMismatch> {
        if !self.may_become(to) {
            return Err(TypeMismatch {
                expected: self.settings.value_type,
                found: to,
            });
        }
        if let Some(latest) = &mut self.latest {
            latest.value = latest.value.clone().as_type(to);
        }
        self.settings.value_type = to;
        self.type_origin = origin;
        Ok(())
    }

    /// Changes what an operator wants changed, and counts it; a new type has the origin ANNOUNCED.
    ///
    /// # Errors
    ///
    /// [`TypeMismatch`] where [`Sensor::may_become`] forbids the type; nothing has changed then.
    pub fn update(&mut self, update: SensorUpdate) -> Result<(), TypeMismatch> {
        let value_type = update.value_type.unwrap_or(self.settings.value_type);
        if value_type != self.settings.value_type {
            self.set_type(value_type, TypeOrigin::Announced)?;
        }
        self.settings = SensorSettings {
            name: update.name,
            value_type,
            unit: update.unit,
            tags: update.tags,
        };
        self.revision = self.revision.next();
        Ok(())
    }

    /// Notes a reading that has been stored; only a newer one than before counts.
    pub fn note_latest(&mut self, timestamp: Timestamp, value: &Value) {
        if self
            .latest
            .as_ref()
            .is_none_or(|latest| latest.timestamp < timestamp)
        {
            self.latest = Some(LatestReading {
                timestamp,
                value: value.clone(),
            });
        }
    }
}

/// A value is not of the sensor's type.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the sensor is of type {expected}, this is {found}")]
pub struct TypeMismatch {
    /// The sensor's type.
    pub expected: ValueType,
    /// The type that does not fit.
    pub found: ValueType,
}

impl ValueType {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::BigInt, Self::Boolean, Self::Double, Self::Text];

    /// The text form, for example `DOUBLE`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BigInt => "BIGINT",
            Self::Boolean => "BOOLEAN",
            Self::Double => "DOUBLE",
            Self::Text => "TEXT",
        }
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ValueType {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|value_type| value_type.as_str() == text)
            .ok_or_else(|| Invalid::new("a value type is one of BIGINT, BOOLEAN, DOUBLE and TEXT"))
    }
}

impl TypeOrigin {
    /// The text form, for example `INFERRED`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Announced => "ANNOUNCED",
            Self::Inferred => "INFERRED",
            Self::Profile => "PROFILE",
        }
    }
}

impl fmt::Display for TypeOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which sensors a list holds. All parts have to match; an empty part matches all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SensorFilter {
    /// Of this device.
    pub device_id: Option<DeviceId>,
    /// Of this component.
    pub component_id: Option<ComponentId>,
    /// Of devices at this site.
    pub site_id: Option<SiteId>,
    /// Of devices chosen by this selector (that of a group).
    pub device_selector: Option<TagSelector>,
    /// One of these types.
    pub value_types: Vec<ValueType>,
    /// All of these tags.
    pub tags: Vec<Tag>,
    /// A word of the name begins with this, in whatever case, as for devices.
    pub word_prefix: Option<String>,
}

impl SensorFilter {
    /// Whether a sensor is in the list, as far as the sensor alone can say: the site and the
    /// selector concern its device.
    #[must_use]
    pub fn matches(&self, sensor: &Sensor) -> bool {
        let settings = &sensor.settings;
        self.device_id.is_none_or(|id| id == sensor.device_id)
            && self.component_id.is_none_or(|id| id == sensor.component_id)
            && (self.value_types.is_empty() || self.value_types.contains(&settings.value_type))
            && self.tags.iter().all(|tag| settings.tags.contains(tag))
            && self.word_prefix.as_ref().is_none_or(|prefix| {
                let prefix = prefix.to_lowercase();
                crate::model::device::name_words(settings.name.as_str())
                    .any(|word| word.starts_with(&prefix))
            })
    }
}

/// How many sensors there are, by the type of their values.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SensorSummary {
    /// All sensors.
    pub total: u64,
    /// By type; types without sensors may be missing.
    pub by_value_type: BTreeMap<ValueType, u64>,
}

impl SensorSummary {
    /// Counts some sensors of a type.
    pub fn add(&mut self, value_type: ValueType, sensors: u64) {
        self.total += sensors;
        *self.by_value_type.entry(value_type).or_default() += sensors;
    }
}
