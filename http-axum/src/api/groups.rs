//! `/device-groups`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json};
use fieldgate_core::model::id::{DeviceId, GroupId};
use utoipa_axum::routes;

use crate::api::{Api, Routes, created};
use crate::dto::{
    CreateDeviceGroup, DeviceGroup, DeviceGroupPage, DeviceGroupUpdate, DevicePage, PageQuery,
};
use crate::etag::{ETag, IfMatch};
use crate::extract::{Creation, Input, List, Target, Tenant};
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    vec![
        routes!(list_device_groups, create_device_group),
        routes!(get_device_group, update_device_group, delete_device_group),
        routes!(list_device_group_devices),
    ]
}

/// List device groups
///
/// In the order in which they were made.
#[utoipa::path(
    get,
    path = "/device-groups",
    operation_id = "listDeviceGroups",
    tag = "device-groups",
    params(PageQuery),
    responses((status = OK, description = "A page of device groups", body = DeviceGroupPage)),
)]
async fn list_device_groups(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    list: List<(), GroupId>,
) -> Result<Json<DeviceGroupPage>, Problem> {
    let page = api.fieldgate.groups().list(organization, list.page).await?;
    Ok(list.answer(page, |counted| counted.group.id))
}

/// Make a device group
#[utoipa::path(
    post,
    path = "/device-groups",
    operation_id = "createDeviceGroup",
    tag = "device-groups",
    request_body = CreateDeviceGroup,
    responses((status = CREATED, description = "Made", body = DeviceGroup)),
)]
async fn create_device_group(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    creation: Creation<CreateDeviceGroup>,
) -> Result<impl IntoResponse, Problem> {
    let settings = creation.body.parse()?;
    let groups = api.fieldgate.groups();
    let request = creation.request.as_ref();
    let made = groups.create(organization, settings, request).await?;
    let group = &made.value.group;
    let (location, revision) = (creation.location(group.id), group.revision);
    let body = DeviceGroup::from(made.value);
    Ok(created(location, revision, made.replayed, body))
}

/// Look a device group up
#[utoipa::path(
    get,
    path = "/device-groups/{groupId}",
    operation_id = "getDeviceGroup",
    tag = "device-groups",
    responses((status = OK, description = "Found", body = DeviceGroup)),
)]
async fn get_device_group(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(id): Target<GroupId>,
) -> Result<impl IntoResponse, Problem> {
    let found = api.fieldgate.groups().group(organization, id).await?;
    Ok((ETag(found.group.revision), Json(DeviceGroup::from(found))))
}

/// Change a device group
///
/// What is absent is cleared.
#[utoipa::path(
    put,
    path = "/device-groups/{groupId}",
    operation_id = "updateDeviceGroup",
    tag = "device-groups",
    request_body = DeviceGroupUpdate,
    responses((status = OK, description = "Changed", body = DeviceGroup)),
)]
async fn update_device_group(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(id): Target<GroupId>,
    IfMatch(expected): IfMatch,
    Input(update): Input<DeviceGroupUpdate>,
) -> Result<impl IntoResponse, Problem> {
    let settings = CreateDeviceGroup::from(update).parse()?;
    let groups = api.fieldgate.groups();
    let changed = groups.update(organization, id, expected, &settings).await?;
    Ok((
        ETag(changed.group.revision),
        Json(DeviceGroup::from(changed)),
    ))
}

/// Delete a device group
///
/// Its devices stay.
#[utoipa::path(
    delete,
    path = "/device-groups/{groupId}",
    operation_id = "deleteDeviceGroup",
    tag = "device-groups",
    responses((status = NO_CONTENT, description = "Deleted")),
)]
async fn delete_device_group(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(id): Target<GroupId>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Problem> {
    let groups = api.fieldgate.groups();
    groups.delete(organization, id, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the devices of a device group
///
/// In the order in which they were registered.
#[utoipa::path(
    get,
    path = "/device-groups/{groupId}/devices",
    operation_id = "listDeviceGroupDevices",
    tag = "device-groups",
    params(PageQuery),
    responses((status = OK, description = "A page of devices", body = DevicePage)),
)]
async fn list_device_group_devices(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(id): Target<GroupId>,
    list: List<(), DeviceId>,
) -> Result<Json<DevicePage>, Problem> {
    let groups = api.fieldgate.groups();
    let page = groups.devices(organization, id, list.page).await?;
    Ok(list.answer(page, |device| device.id))
}
