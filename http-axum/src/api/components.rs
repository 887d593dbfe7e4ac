//! `/components`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json};
use fieldgate_core::model::component::ComponentFilter;
use fieldgate_core::model::id::ComponentId;
use utoipa_axum::routes;

use crate::api::{Api, Routes, created};
use crate::dto::{
    Component, ComponentPage, ComponentQuery, ComponentUpdate, CreateComponent, PageQuery,
};
use crate::etag::{ETag, IfMatch};
use crate::extract::{Creation, Input, List, Target, Tenant};
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    vec![
        routes!(list_components, create_component),
        routes!(get_component, update_component, delete_component),
    ]
}

/// List components
///
/// In the order in which they came about.
#[utoipa::path(
    get,
    path = "/components",
    operation_id = "listComponents",
    tag = "components",
    params(PageQuery, ComponentQuery),
    responses((status = OK, description = "A page of components", body = ComponentPage)),
)]
async fn list_components(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    list: List<ComponentQuery, ComponentId>,
) -> Result<Json<ComponentPage>, Problem> {
    let filter = ComponentFilter::from(&list.filter);
    let components = api.fieldgate.components();
    let page = components.list(organization, &filter, list.page).await?;
    Ok(list.answer(page, |component| component.id))
}

/// Make a component
///
/// By hand: a device that announces its components needs none made.
#[utoipa::path(
    post,
    path = "/components",
    operation_id = "createComponent",
    tag = "components",
    request_body = CreateComponent,
    responses((status = CREATED, description = "Made", body = Component)),
)]
async fn create_component(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    creation: Creation<CreateComponent>,
) -> Result<impl IntoResponse, Problem> {
    let new = creation.body.parse()?;
    let components = api.fieldgate.components();
    let request = creation.request.as_ref();
    let made = components.create(organization, new, request).await?;
    let (location, revision) = (creation.location(made.value.id), made.value.revision);
    let body = Component::from(made.value);
    Ok(created(location, revision, made.replayed, body))
}

/// Look a component up
#[utoipa::path(
    get,
    path = "/components/{componentId}",
    operation_id = "getComponent",
    tag = "components",
    responses((status = OK, description = "Found", body = Component)),
)]
async fn get_component(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(id): Target<ComponentId>,
) -> Result<impl IntoResponse, Problem> {
    let components = api.fieldgate.components();
    let found = components.component(organization, id).await?;
    Ok((ETag(found.revision), Json(Component::from(found))))
}

/// Change a component
///
/// What is absent is cleared.
#[utoipa::path(
    put,
    path = "/components/{componentId}",
    operation_id = "updateComponent",
    tag = "components",
    request_body = ComponentUpdate,
    responses((status = OK, description = "Changed", body = Component)),
)]
async fn update_component(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(id): Target<ComponentId>,
    IfMatch(expected): IfMatch,
    Input(update): Input<ComponentUpdate>,
) -> Result<impl IntoResponse, Problem> {
    let settings = update.parse()?;
    let components = api.fieldgate.components();
    let changed = components.update(organization, id, expected, &settings);
    let changed = changed.await?;
    Ok((ETag(changed.revision), Json(Component::from(changed))))
}

/// Delete a component
///
/// With its sensors and their readings. A device that announces it again makes a new one.
#[utoipa::path(
    delete,
    path = "/components/{componentId}",
    operation_id = "deleteComponent",
    tag = "components",
    responses((status = NO_CONTENT, description = "Deleted")),
)]
async fn delete_component(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(id): Target<ComponentId>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Problem> {
    let components = api.fieldgate.components();
    components.delete(organization, id, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
