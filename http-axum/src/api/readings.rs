//! `/readings/sensor/{sensorId}`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Json;
use fieldgate_core::model::id::SensorId;
use fieldgate_core::model::timestamp::Timestamp;
use utoipa_axum::routes;

use crate::api::{Api, Routes};
use crate::dto::{PageQuery, RangeQuery, ReadingPage, WindowQuery};
use crate::extract::{List, Target, Tenant};
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    vec![routes!(list_readings), routes!(list_readings_window)]
}

/// List a sensor's readings
///
/// Newest first; all of them unless `from` or `to` say otherwise.
#[utoipa::path(
    get,
    path = "/readings/sensor/{sensorId}",
    operation_id = "listReadings",
    tag = "readings",
    params(PageQuery, RangeQuery),
    responses((status = OK, description = "A page of readings", body = ReadingPage)),
)]
async fn list_readings(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(sensor): Target<SensorId>,
    list: List<RangeQuery, Timestamp>,
) -> Result<Json<ReadingPage>, Problem> {
    let (readings, range) = (api.fieldgate.readings(), list.filter.range());
    let page = readings
        .list(organization, sensor, range, list.page)
        .await?;
    Ok(list.answer(page, |reading| reading.timestamp))
}

/// List a sensor's latest readings
///
/// Newest first, from so long ago on; an hour unless `last` says otherwise.
#[utoipa::path(
    get,
    path = "/readings/sensor/{sensorId}/window",
    operation_id = "listReadingsWindow",
    tag = "readings",
    params(PageQuery, WindowQuery),
    responses((status = OK, description = "A page of readings", body = ReadingPage)),
)]
async fn list_readings_window(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(sensor): Target<SensorId>,
    list: List<WindowQuery, Timestamp>,
) -> Result<Json<ReadingPage>, Problem> {
    let readings = api.fieldgate.readings();
    let range = list.filter.range(api.fieldgate.clock().now(), HOUR);
    let page = readings
        .list(organization, sensor, range, list.page)
        .await?;
    Ok(list.answer(page, |reading| reading.timestamp))
}

const HOUR: Duration = Duration::from_secs(3600);
