//! Readings: single observed values.

use crate::model::Invalid;
use crate::model::id::SensorId;
use crate::model::metadata::Metadata;
use crate::model::sensor::ValueType;
use crate::model::timestamp::Timestamp;

/// One observed value. Of a sensor there is at most one for each timestamp.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Which sensor.
    pub sensor_id: SensorId,
    /// When it was taken.
    pub timestamp: Timestamp,
    /// What was read.
    pub value: Value,
    /// Anything else that the device said of it.
    pub metadata: Option<Metadata>,
}

/// A value that a sensor can have.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    BigInt(i64),
    /// True or false.
    Boolean(bool),
    /// A finite number.
    Double(Finite),
    /// A text.
    Text(ValueText),
}

impl Value {
    /// Its type.
    #[must_use]
    pub const fn value_type(&self) -> ValueType {
        match self {
            Self::BigInt(_) => ValueType::BigInt,
            Self::Boolean(_) => ValueType::Boolean,
            Self::Double(_) => ValueType::Double,
            Self::Text(_) => ValueType::Text,
        }
    }

    /// A whole number as a DOUBLE; beyond 2^53 the nearest one.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "what widening means")]
    pub const fn widened(integer: i64) -> Self {
        Self::Double(Finite(integer as f64))
    }

    /// The value as one of type `to`: a stored integer of a sensor that has become a DOUBLE.
    #[must_use]
    pub fn as_type(self, to: ValueType) -> Self {
        match (self, to) {
            (Self::BigInt(integer), ValueType::Double) => Self::widened(integer),
            (value, _) => value,
        }
    }
}

/// A floating-point number that is neither infinite nor NaN.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Finite(f64);

impl Finite {
    /// Takes a number.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for NaN and the infinities.
    pub fn new(number: f64) -> Result<Self, Invalid> {
        if !number.is_finite() {
            return Err(Invalid::new("a number is finite"));
        }
        Ok(Self(number))
    }

    /// The number.
    #[must_use]
    pub const fn as_f64(self) -> f64 {
        self.0
    }
}

/// A text that a sensor reports: at most 1,000 characters, of whatever kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ValueText(Box<str>);

impl ValueText {
    /// The greatest number of characters.
    pub const MAX_CHARS: usize = 1000;

    /// Takes a text.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for more than 1,000 characters.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, Invalid> {
        let text = text.into();
        if text.chars().nth(Self::MAX_CHARS).is_some() {
            return Err(Invalid::new("a text value has at most 1000 characters"));
        }
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A span of time, of which the start belongs to it and the end does not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TimeRange {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
}

impl TimeRange {
    /// All time.
    pub const ALL: Self = Self {
        from: Timestamp::UNIX_EPOCH,
        to: Timestamp::MAX,
    };

    /// Whether an instant belongs to it.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}
