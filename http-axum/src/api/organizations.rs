//! `/organizations`: the tenants, for keys of the server.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Json};
use fieldgate_core::model::id::OrganizationId;
use utoipa_axum::routes;

use crate::api::{Api, NO_STORE, Routes};
use crate::dto::{
    CreateOrganization, CreatedOrganization, Organization, OrganizationPage, OrganizationUpdate,
    PageQuery,
};
use crate::etag::{ETag, IfMatch};
use crate::extract::{Creation, Input, List, Server, Target};
use crate::idempotency::Replayed;
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    vec![
        routes!(list_organizations, create_organization),
        routes!(get_organization, update_organization, delete_organization),
    ]
}

/// List organizations
///
/// In the order in which they were made.
#[utoipa::path(
    get,
    path = "/organizations",
    operation_id = "listOrganizations",
    tag = "organizations",
    params(PageQuery),
    responses((status = OK, description = "A page of organizations", body = OrganizationPage)),
)]
async fn list_organizations(
    State(api): State<Arc<Api>>,
    Server(proof): Server,
    list: List<(), OrganizationId>,
) -> Result<Json<OrganizationPage>, Problem> {
    let page = api.fieldgate.organizations().list(proof, list.page).await?;
    Ok(list.answer(page, |organization| organization.id))
}

/// Make an organization
///
/// And its first API key, which has all scopes and is shown this once.
#[utoipa::path(
    post,
    path = "/organizations",
    operation_id = "createOrganization",
    tag = "organizations",
    request_body = CreateOrganization,
    responses((status = CREATED, description = "Made", body = CreatedOrganization)),
)]
async fn create_organization(
    State(api): State<Arc<Api>>,
    Server(proof): Server,
    creation: Creation<CreateOrganization>,
) -> Result<impl IntoResponse, Problem> {
    let (slug, name) = creation.body.parse()?;
    let organizations = api.fieldgate.organizations();
    let request = creation.request.as_ref();
    let made = organizations.create(proof, slug, name, request).await?;
    let location = creation.location(made.organization.id);
    Ok((
        StatusCode::CREATED,
        [(LOCATION, location)],
        [NO_STORE],
        ETag(made.organization.revision),
        Replayed(made.admin_key.is_none()),
        Json(CreatedOrganization::from(made)),
    ))
}

/// Look an organization up
#[utoipa::path(
    get,
    path = "/organizations/{organizationId}",
    operation_id = "getOrganization",
    tag = "organizations",
    responses((status = OK, description = "Found", body = Organization)),
)]
async fn get_organization(
    State(api): State<Arc<Api>>,
    _: Server,
    Target(id): Target<OrganizationId>,
) -> Result<impl IntoResponse, Problem> {
    let found = api.fieldgate.organizations().organization(id).await?;
    Ok((ETag(found.revision), Json(Organization::from(found))))
}

/// Change an organization
#[utoipa::path(
    put,
    path = "/organizations/{organizationId}",
    operation_id = "updateOrganization",
    tag = "organizations",
    request_body = OrganizationUpdate,
    responses((status = OK, description = "Changed", body = Organization)),
)]
async fn update_organization(
    State(api): State<Arc<Api>>,
    Server(proof): Server,
    Target(id): Target<OrganizationId>,
    IfMatch(expected): IfMatch,
    Input(update): Input<OrganizationUpdate>,
) -> Result<impl IntoResponse, Problem> {
    let (slug, name) = CreateOrganization::from(update).parse()?;
    let organizations = api.fieldgate.organizations();
    let changed = organizations.update(proof, id, expected, &slug, &name);
    let changed = changed.await?;
    Ok((ETag(changed.revision), Json(Organization::from(changed))))
}

/// Delete an organization
///
/// One that has no devices any more, with its keys, sites and groups.
#[utoipa::path(
    delete,
    path = "/organizations/{organizationId}",
    operation_id = "deleteOrganization",
    tag = "organizations",
    responses((status = NO_CONTENT, description = "Deleted")),
)]
async fn delete_organization(
    State(api): State<Arc<Api>>,
    Server(proof): Server,
    Target(id): Target<OrganizationId>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Problem> {
    let organizations = api.fieldgate.organizations();
    organizations.delete(proof, id, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
