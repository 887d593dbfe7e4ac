//! Readings in JSON.

use fieldgate_core::model::reading as model;
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Object, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::dto::Metadata;
use crate::dto::page::page;

/// One observed value.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reading {
    /// Which sensor.
    #[schema(format = "uuid")]
    sensor_id: String,
    /// When it was taken.
    #[schema(format = "date-time")]
    timestamp: String,
    /// What was read.
    value: ReadingValue,
    /// Anything else that the device said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    metadata: Option<Metadata>,
}

impl From<model::Reading> for Reading {
    fn from(reading: model::Reading) -> Self {
        Self {
            sensor_id: reading.sensor_id.to_string(),
            timestamp: reading.timestamp.to_string(),
            value: reading.value.into(),
            metadata: reading.metadata.as_ref().map(Metadata::from),
        }
    }
}

page! {
    /// A page of readings.
    ReadingPage of Reading
}

/// A value: a number of DOUBLE and BIGINT, true or false of BOOLEAN, a string of TEXT.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum ReadingValue {
    /// Of BIGINT.
    Integer(i64),
    /// Of DOUBLE.
    Number(f64),
    /// Of BOOLEAN.
    Boolean(bool),
    /// Of TEXT.
    Text(String),
}

impl From<model::Value> for ReadingValue {
    fn from(value: model::Value) -> Self {
        match value {
            model::Value::BigInt(integer) => Self::Integer(integer),
            model::Value::Boolean(boolean) => Self::Boolean(boolean),
            model::Value::Double(number) => Self::Number(number.as_f64()),
            model::Value::Text(text) => Self::Text(text.as_str().to_owned()),
        }
    }
}

impl PartialSchema for ReadingValue {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .description(Some(
                "A value: a number of DOUBLE and BIGINT, true or false of BOOLEAN, a string of \
                 TEXT.",
            ))
            .item(Object::with_type(Type::Number))
            .item(Object::with_type(Type::Boolean))
            .item(Object::with_type(Type::String))
            .into()
    }
}

impl ToSchema for ReadingValue {}
