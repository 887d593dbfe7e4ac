//! Free-form documents that people and devices attach to things.

use fieldgate_core::model::metadata as model;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A JSON object of whatever members.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Metadata(pub(crate) Map<String, Value>);

impl From<&model::Metadata> for Metadata {
    fn from(metadata: &model::Metadata) -> Self {
        Self(metadata.members().clone())
    }
}

impl PartialSchema for Metadata {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some(
                "A JSON object of whatever members, of at most 10 KB and 16 levels.",
            ))
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)))
            .into()
    }
}

impl ToSchema for Metadata {}
