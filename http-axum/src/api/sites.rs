//! `/sites`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json};
use fieldgate_core::model::id::SiteId;
use utoipa_axum::routes;

use crate::api::{Api, Routes, created};
use crate::dto::{CreateSite, PageQuery, Site, SitePage, SiteUpdate};
use crate::etag::{ETag, IfMatch};
use crate::extract::{Creation, Input, List, Target, Tenant};
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    vec![
        routes!(list_sites, create_site),
        routes!(get_site, update_site, delete_site),
    ]
}

/// List sites
///
/// In the order in which they were made.
#[utoipa::path(
    get,
    path = "/sites",
    operation_id = "listSites",
    tag = "sites",
    params(PageQuery),
    responses((status = OK, description = "A page of sites", body = SitePage)),
)]
async fn list_sites(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    list: List<(), SiteId>,
) -> Result<Json<SitePage>, Problem> {
    let page = api.fieldgate.sites().list(organization, list.page).await?;
    Ok(list.answer(page, |site| site.id))
}

/// Make a site
#[utoipa::path(
    post,
    path = "/sites",
    operation_id = "createSite",
    tag = "sites",
    request_body = CreateSite,
    responses((status = CREATED, description = "Made", body = Site)),
)]
async fn create_site(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    creation: Creation<CreateSite>,
) -> Result<impl IntoResponse, Problem> {
    let settings = creation.body.parse()?;
    let sites = api.fieldgate.sites();
    let request = creation.request.as_ref();
    let made = sites.create(organization, settings, request).await?;
    let (location, revision) = (creation.location(made.value.id), made.value.revision);
    let body = Site::from(made.value);
    Ok(created(location, revision, made.replayed, body))
}

/// Look a site up
#[utoipa::path(
    get,
    path = "/sites/{siteId}",
    operation_id = "getSite",
    tag = "sites",
    responses((status = OK, description = "Found", body = Site)),
)]
async fn get_site(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(id): Target<SiteId>,
) -> Result<impl IntoResponse, Problem> {
    let site = api.fieldgate.sites().site(organization, id).await?;
    Ok((ETag(site.revision), Json(Site::from(site))))
}

/// Change a site
///
/// What is absent is cleared.
#[utoipa::path(
    put,
    path = "/sites/{siteId}",
    operation_id = "updateSite",
    tag = "sites",
    request_body = SiteUpdate,
    responses((status = OK, description = "Changed", body = Site)),
)]
async fn update_site(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(id): Target<SiteId>,
    IfMatch(expected): IfMatch,
    Input(update): Input<SiteUpdate>,
) -> Result<impl IntoResponse, Problem> {
    let settings = CreateSite::from(update).parse()?;
    let sites = api.fieldgate.sites();
    let site = sites.update(organization, id, expected, &settings).await?;
    Ok((ETag(site.revision), Json(Site::from(site))))
}

/// Delete a site
///
/// One that no device belongs to any more.
#[utoipa::path(
    delete,
    path = "/sites/{siteId}",
    operation_id = "deleteSite",
    tag = "sites",
    responses((status = NO_CONTENT, description = "Deleted")),
)]
async fn delete_site(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(id): Target<SiteId>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Problem> {
    let sites = api.fieldgate.sites();
    sites.delete(organization, id, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
