//! `/devices/{deviceId}/health`: how a device is and was.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use fieldgate_core::model::id::DeviceId;
use fieldgate_core::model::timestamp::Timestamp;
use utoipa_axum::routes;

use crate::api::{Api, Routes};
use crate::dto::{
    DeviceHealth, DeviceHealthPage, DeviceHealthSummary, PageQuery, RangeQuery, SummaryQuery,
    WindowQuery,
};
use crate::extract::{List, Query, Target, Tenant};
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    vec![
        routes!(list_device_health),
        routes!(get_latest_device_health),
        routes!(list_device_health_window),
        routes!(get_device_health_summary),
    ]
}

/// List a device's health reports
///
/// Newest first; all of them unless `from` or `to` say otherwise.
#[utoipa::path(
    get,
    path = "/devices/{deviceId}/health",
    operation_id = "listDeviceHealth",
    tag = "health",
    params(PageQuery, RangeQuery),
    responses((status = OK, description = "A page of health reports", body = DeviceHealthPage)),
)]
async fn list_device_health(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(device): Target<DeviceId>,
    list: List<RangeQuery, Timestamp>,
) -> Result<Json<DeviceHealthPage>, Problem> {
    let (health, range) = (api.fieldgate.health(), list.filter.range());
    let page = health
        .history(organization, device, range, list.page)
        .await?;
    Ok(list.answer(page, |report| report.timestamp))
}

/// Look a device's newest health report up
#[utoipa::path(
    get,
    path = "/devices/{deviceId}/health/latest",
    operation_id = "getLatestDeviceHealth",
    tag = "health",
    responses((status = OK, description = "The newest report", body = DeviceHealth)),
)]
async fn get_latest_device_health(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(device): Target<DeviceId>,
) -> Result<Json<DeviceHealth>, Problem> {
    let latest = api.fieldgate.health().latest(organization, device).await?;
    // The device is there; so is what can be done about it.
    let latest = latest.ok_or_else(|| {
        let detail = "the device has not reported its health yet";
        Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
    })?;
    Ok(Json(latest.into()))
}

/// List a device's latest health reports
///
/// Newest first, from so long ago on; a day unless `last` says otherwise.
#[utoipa::path(
    get,
    path = "/devices/{deviceId}/health/window",
    operation_id = "listDeviceHealthWindow",
    tag = "health",
    params(PageQuery, WindowQuery),
    responses((status = OK, description = "A page of health reports", body = DeviceHealthPage)),
)]
async fn list_device_health_window(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(device): Target<DeviceId>,
    list: List<WindowQuery, Timestamp>,
) -> Result<Json<DeviceHealthPage>, Problem> {
    let health = api.fieldgate.health();
    let range = list.filter.range(health.now(), DAY);
    let page = health
        .history(organization, device, range, list.page)
        .await?;
    Ok(list.answer(page, |report| report.timestamp))
}

/// Sum a device's health up
///
/// Least, greatest and mean of each figure, reboots and lost readings; over the last day unless
/// asked for another span.
#[utoipa::path(
    get,
    path = "/devices/{deviceId}/health/summary",
    operation_id = "getDeviceHealthSummary",
    tag = "health",
    params(SummaryQuery),
    responses((status = OK, description = "The summary", body = DeviceHealthSummary)),
)]
async fn get_device_health_summary(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(device): Target<DeviceId>,
    Query(query): Query<SummaryQuery>,
) -> Result<Json<DeviceHealthSummary>, Problem> {
    let health = api.fieldgate.health();
    let range = query.range(health.now())?;
    let summary = health.summary(organization, device, range).await?;
    Ok(Json(DeviceHealthSummary::new(range, &summary)))
}

const DAY: Duration = Duration::from_secs(24 * 3600);
