//! `/sensors`: across the organization. Devices make them by reporting.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json};
use fieldgate_core::model::id::SensorId;
use fieldgate_core::model::sensor::SensorFilter;
use utoipa_axum::routes;

use crate::api::devices::selector;
use crate::api::{Api, Routes};
use crate::dto::{PageQuery, Sensor, SensorPage, SensorQuery, SensorUpdate};
use crate::etag::{ETag, IfMatch};
use crate::extract::{Input, List, Target, Tenant};
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    vec![
        routes!(list_sensors),
        routes!(get_sensor, update_sensor, delete_sensor),
    ]
}

/// List sensors
///
/// In the order in which they came about.
#[utoipa::path(
    get,
    path = "/sensors",
    operation_id = "listSensors",
    tag = "sensors",
    params(PageQuery, SensorQuery),
    responses((status = OK, description = "A page of sensors", body = SensorPage)),
)]
async fn list_sensors(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    list: List<SensorQuery, SensorId>,
) -> Result<Json<SensorPage>, Problem> {
    let query = list.filter.clone();
    let Ok(device_selector) = selector(&api, organization, query.group_id).await? else {
        return Ok(list.empty());
    };
    let filter = SensorFilter {
        device_id: query.device_id,
        component_id: query.component_id,
        site_id: query.site_id,
        device_selector,
        value_types: query.value_type,
        tags: query.tag,
        word_prefix: query.q,
    };
    let sensors = api.fieldgate.sensors();
    let page = sensors.list(organization, &filter, list.page).await?;
    Ok(list.answer(page, |sensor| sensor.id))
}

/// Look a sensor up
#[utoipa::path(
    get,
    path = "/sensors/{sensorId}",
    operation_id = "getSensor",
    tag = "sensors",
    responses((status = OK, description = "Found", body = Sensor)),
)]
async fn get_sensor(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(id): Target<SensorId>,
) -> Result<impl IntoResponse, Problem> {
    let sensor = api.fieldgate.sensors().sensor(organization, id).await?;
    Ok((ETag(sensor.revision), Json(Sensor::from(sensor))))
}

/// Change a sensor
///
/// What is absent is cleared, except the type, which stays. The type changes only while no stored
/// reading contradicts it.
#[utoipa::path(
    put,
    path = "/sensors/{sensorId}",
    operation_id = "updateSensor",
    tag = "sensors",
    request_body = SensorUpdate,
    responses((status = OK, description = "Changed", body = Sensor)),
)]
async fn update_sensor(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(id): Target<SensorId>,
    IfMatch(expected): IfMatch,
    Input(update): Input<SensorUpdate>,
) -> Result<impl IntoResponse, Problem> {
    let sensors = api.fieldgate.sensors();
    let update = update.parse()?;
    let sensor = sensors.update(organization, id, expected, &update).await?;
    Ok((ETag(sensor.revision), Json(Sensor::from(sensor))))
}

/// Delete a sensor
///
/// With its readings. A device that reports it again makes a new one.
#[utoipa::path(
    delete,
    path = "/sensors/{sensorId}",
    operation_id = "deleteSensor",
    tag = "sensors",
    responses((status = NO_CONTENT, description = "Deleted")),
)]
async fn delete_sensor(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(id): Target<SensorId>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Problem> {
    let sensors = api.fieldgate.sensors();
    sensors.delete(organization, id, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
