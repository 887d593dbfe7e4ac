//! Where a device or a site is.

use fieldgate_core::model::location as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dto::text;

/// A place on the earth (WGS 84).
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Location {
    /// Degrees north.
    #[schema(minimum = -90, maximum = 90, example = 53.55)]
    pub(crate) latitude: f64,
    /// Degrees east.
    #[schema(minimum = -180, maximum = 180, example = 9.99)]
    pub(crate) longitude: f64,
    /// Metres above the sea.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = -100_000, maximum = 100_000)]
    pub(crate) altitude: Option<f64>,
    /// What the place is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 1, max_length = 128)]
    pub(crate) label: Option<String>,
}

impl From<&model::Location> for Location {
    fn from(location: &model::Location) -> Self {
        Self {
            latitude: location.latitude(),
            longitude: location.longitude(),
            altitude: location.altitude(),
            label: text(location.label.as_ref()),
        }
    }
}
