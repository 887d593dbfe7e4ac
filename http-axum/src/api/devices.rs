//! `/devices`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json};
use fieldgate_core::Error;
use fieldgate_core::model::device::DeviceFilter;
use fieldgate_core::model::id::{DeviceId, GroupId, OrganizationId};
use fieldgate_core::model::tag::TagSelector;
use utoipa_axum::routes;

use crate::api::{Api, Routes, created};
use crate::dto::{
    CreateDevice, Device, DevicePage, DeviceQuery, DeviceSummary, DeviceUpdate, PageQuery,
};
use crate::etag::{ETag, IfMatch};
use crate::extract::{Creation, Input, List, Target, Tenant};
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    vec![
        routes!(list_devices, create_device),
        routes!(get_device_summary),
        routes!(get_device, update_device, delete_device),
    ]
}

/// List devices
///
/// In the order in which they were registered.
#[utoipa::path(
    get,
    path = "/devices",
    operation_id = "listDevices",
    tag = "devices",
    params(PageQuery, DeviceQuery),
    responses((status = OK, description = "A page of devices", body = DevicePage)),
)]
async fn list_devices(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    list: List<DeviceQuery, DeviceId>,
) -> Result<Json<DevicePage>, Problem> {
    let query = list.filter.clone();
    let Ok(selector) = selector(&api, organization, query.group_id).await? else {
        return Ok(list.empty());
    };
    let filter = DeviceFilter {
        statuses: query.status,
        online: query.online,
        tags: query.tag,
        site_id: query.site_id,
        selector,
        profile: query.profile,
        word_prefix: query.q,
    };
    let devices = api.fieldgate.devices();
    let page = devices.list(organization, &filter, list.page).await?;
    Ok(list.answer(page, |device| device.id))
}

/// A filter names a group that is not there: nothing matches.
#[derive(Clone, Copy, Debug)]
pub(super) struct NothingMatches;

/// The selector of the group that a filter names.
pub(super) async fn selector(
    api: &Api,
    organization: OrganizationId,
    group: Option<GroupId>,
) -> Result<Result<Option<TagSelector>, NothingMatches>, Error> {
    let Some(id) = group else {
        return Ok(Ok(None));
    };
    match api.fieldgate.groups().group(organization, id).await {
        Ok(found) => Ok(Ok(Some(found.group.settings.selector))),
        Err(Error::NotFound { .. }) => Ok(Err(NothingMatches)),
        Err(error) => Err(error),
    }
}

/// Make a device without a token
///
/// It gets one by `registerDevice` with its `deviceId`.
#[utoipa::path(
    post,
    path = "/devices",
    operation_id = "createDevice",
    tag = "devices",
    request_body = CreateDevice,
    responses((status = CREATED, description = "Made", body = Device)),
)]
async fn create_device(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    creation: Creation<CreateDevice>,
) -> Result<impl IntoResponse, Problem> {
    let settings = creation.body.settings()?;
    let devices = api.fieldgate.devices();
    let request = creation.request.as_ref();
    let made = devices.create(organization, settings, request).await?;
    let (location, revision) = (creation.location(made.value.id), made.value.revision);
    let body = Device::from(made.value);
    Ok(created(location, revision, made.replayed, body))
}

/// Count devices
///
/// By status, presence, site and profile.
#[utoipa::path(
    get,
    path = "/devices/summary",
    operation_id = "getDeviceSummary",
    tag = "devices",
    responses((status = OK, description = "The counts", body = DeviceSummary)),
)]
async fn get_device_summary(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
) -> Result<Json<DeviceSummary>, Problem> {
    let summary = api.fieldgate.devices().summary(organization).await?;
    Ok(Json(summary.into()))
}

/// Look a device up
#[utoipa::path(
    get,
    path = "/devices/{deviceId}",
    operation_id = "getDevice",
    tag = "devices",
    responses((status = OK, description = "Found", body = Device)),
)]
async fn get_device(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(id): Target<DeviceId>,
) -> Result<impl IntoResponse, Problem> {
    let device = api.fieldgate.devices().device(organization, id).await?;
    Ok((ETag(device.revision), Json(Device::from(device))))
}

/// Change a device
///
/// What is absent is cleared, except the status, which stays. When the status becomes INACTIVE,
/// the device's session has ended once this is answered.
#[utoipa::path(
    put,
    path = "/devices/{deviceId}",
    operation_id = "updateDevice",
    tag = "devices",
    request_body = DeviceUpdate,
    responses((status = OK, description = "Changed", body = Device)),
)]
async fn update_device(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(id): Target<DeviceId>,
    IfMatch(expected): IfMatch,
    Input(update): Input<DeviceUpdate>,
) -> Result<impl IntoResponse, Problem> {
    let update = update.parse()?;
    let devices = api.fieldgate.devices();
    let device = devices.update(organization, id, expected, &update).await?;
    Ok((ETag(device.revision), Json(Device::from(device))))
}

/// Delete a device
///
/// It is gone from every answer, its name is free, its tokens and certificates are revoked, and
/// its session has ended once this is answered. Its data is removed in the background.
#[utoipa::path(
    delete,
    path = "/devices/{deviceId}",
    operation_id = "deleteDevice",
    tag = "devices",
    responses((status = NO_CONTENT, description = "Deleted")),
)]
async fn delete_device(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(id): Target<DeviceId>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Problem> {
    let devices = api.fieldgate.devices();
    devices.delete(organization, id, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
