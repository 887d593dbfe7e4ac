//! The stored forms of the values that several records hold.

use std::collections::BTreeSet;

use fieldgate_core::model::Invalid;
use fieldgate_core::model::location::Location;
use fieldgate_core::model::reading::{Finite, Value, ValueText};
use fieldgate_core::model::tag::{TagSelector, Tags};
use serde::{Deserialize, Serialize};

/// A value by its text form.
pub(super) mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// An optional value by its text form.
pub(super) mod optional_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = Option::<String>::deserialize(deserializer)?;
        let parsed = text.map(|text| text.parse()).transpose();
        parsed.map_err(D::Error::custom)
    }
}

/// A time by its milliseconds since 1970.
pub(super) mod millis {
    use fieldgate_core::model::timestamp::Timestamp;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        at: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.unix_millis())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        let millis = i64::deserialize(deserializer)?;
        Timestamp::from_unix_millis(millis).map_err(D::Error::custom)
    }
}

/// An optional time by its milliseconds since 1970.
pub(super) mod optional_millis {
    use fieldgate_core::model::timestamp::Timestamp;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        at: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        at.map(Timestamp::unix_millis).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let millis = Option::<i64>::deserialize(deserializer)?;
        let at = millis.map(Timestamp::from_unix_millis).transpose();
        at.map_err(D::Error::custom)
    }
}

/// A place.
#[derive(Deserialize, Serialize)]
pub(super) struct LocationJson {
    latitude: f64,
    longitude: f64,
    altitude: Option<f64>,
    label: Option<String>,
}

impl LocationJson {
    pub(super) fn new(location: &Location) -> Self {
        Self {
            latitude: location.latitude(),
            longitude: location.longitude(),
            altitude: location.altitude(),
            label: location.label.as_ref().map(ToString::to_string),
        }
    }

    pub(super) fn into_model(self) -> Result<Location, Invalid> {
        let label = self.label.map(|label| label.parse()).transpose()?;
        Location::new(self.latitude, self.longitude, self.altitude, label)
    }
}

/// A set of tags.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct TagsJson(Vec<String>);

impl TagsJson {
    pub(super) fn new(tags: &Tags) -> Self {
        Self(tags.iter().map(ToString::to_string).collect())
    }

    pub(super) fn into_model(self) -> Result<Tags, Invalid> {
        let tags: Result<BTreeSet<_>, _> = self.0.iter().map(|tag| tag.parse()).collect();
        Tags::new(tags?)
    }
}

/// A selector of tags.
#[derive(Deserialize, Serialize)]
pub(super) struct SelectorJson {
    all: TagsJson,
    any: TagsJson,
    none: TagsJson,
}

impl SelectorJson {
    pub(super) fn new(selector: &TagSelector) -> Self {
        Self {
            all: TagsJson::new(&selector.all),
            any: TagsJson::new(&selector.any),
            none: TagsJson::new(&selector.none),
        }
    }

    pub(super) fn into_model(self) -> Result<TagSelector, Invalid> {
        Ok(TagSelector {
            all: self.all.into_model()?,
            any: self.any.into_model()?,
            none: self.none.into_model()?,
        })
    }
}

/// A sensor's value.
#[derive(Deserialize, Serialize)]
pub(super) enum ValueJson {
    BigInt(i64),
    Boolean(bool),
    /// The bits of the number, so that it stays what it is to the last one.
    DoubleBits(u64),
    Text(String),
}

impl ValueJson {
    pub(super) fn new(value: &Value) -> Self {
        match value {
            Value::BigInt(integer) => Self::BigInt(*integer),
            Value::Boolean(boolean) => Self::Boolean(*boolean),
            Value::Double(number) => Self::DoubleBits(number.as_f64().to_bits()),
            Value::Text(text) => Self::Text(text.as_str().to_owned()),
        }
    }

    pub(super) fn into_model(self) -> Result<Value, Invalid> {
        Ok(match self {
            Self::BigInt(integer) => Value::BigInt(integer),
            Self::Boolean(boolean) => Value::Boolean(boolean),
            Self::DoubleBits(bits) => Value::Double(Finite::new(f64::from_bits(bits))?),
            Self::Text(text) => Value::Text(ValueText::new(text)?),
        })
    }
}
