//! The quarantine in JSON.

use fieldgate_core::model::id::DeviceId;
use fieldgate_core::model::quarantine as model;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::dto::enums::QuarantineReason;
use crate::dto::page::page;
use crate::extract::{FromQuery, QueryPairs};
use crate::problem::Problem;

/// Something that a device sent and that could not be stored as what it was meant to be.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QuarantinedItem {
    /// Its identifier.
    #[schema(format = "uuid")]
    id: String,
    /// Which device sent it.
    #[schema(format = "uuid")]
    device_id: String,
    /// When it arrived.
    #[schema(format = "date-time")]
    received_at: String,
    /// The kind of reason.
    reason: QuarantineReason,
    /// The reason in words.
    detail: String,
    /// What was sent, or its beginning.
    raw: String,
}

impl From<model::QuarantinedItem> for QuarantinedItem {
    fn from(item: model::QuarantinedItem) -> Self {
        Self {
            id: item.id.to_string(),
            device_id: item.device_id.to_string(),
            received_at: item.received_at.to_string(),
            reason: item.rejection.reason.into(),
            detail: item.rejection.detail,
            raw: item.rejection.raw,
        }
    }
}

page! {
    /// A page of quarantined items.
    QuarantinedItemPage of QuarantinedItem
}

/// Which items a list holds. All filters have to match.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct QuarantineQuery {
    /// Of this device.
    #[param(value_type = Option<String>, format = "uuid")]
    device_id: Option<DeviceId>,
    /// For this reason.
    #[param(value_type = Option<QuarantineReason>)]
    reason: Option<model::QuarantineReason>,
}

impl FromQuery for QuarantineQuery {
    fn from_query(query: &mut QueryPairs) -> Result<Self, Problem> {
        Ok(Self {
            device_id: query.one("deviceId")?,
            reason: query.one("reason")?,
        })
    }
}

impl From<&QuarantineQuery> for model::QuarantineFilter {
    fn from(query: &QuarantineQuery) -> Self {
        Self {
            device_id: query.device_id,
            reason: query.reason,
        }
    }
}
