//! `/api-keys`: the caller's own kind of keys, those of its organization or of the server.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Json};
use fieldgate_core::model::id::ApiKeyId;
use utoipa_axum::routes;

use crate::api::{Api, NO_STORE, Routes};
use crate::dto::{ApiKey, ApiKeyPage, ApiKeyUpdate, CreateApiKey, CreatedApiKey, PageQuery};
use crate::etag::{ETag, IfMatch};
use crate::extract::{Creation, Input, List, Owner, Target};
use crate::idempotency::Replayed;
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    vec![
        routes!(list_api_keys, create_api_key),
        routes!(get_api_key, update_api_key, revoke_api_key),
    ]
}

/// List API keys
///
/// Those of the caller's organization, or of the server for a key of the server; without their
/// secrets, in the order in which they were made.
#[utoipa::path(
    get,
    path = "/api-keys",
    operation_id = "listApiKeys",
    tag = "api-keys",
    params(PageQuery),
    responses((status = OK, description = "A page of API keys", body = ApiKeyPage)),
)]
async fn list_api_keys(
    State(api): State<Arc<Api>>,
    Owner(caller): Owner,
    list: List<(), ApiKeyId>,
) -> Result<Json<ApiKeyPage>, Problem> {
    let page = api
        .fieldgate
        .api_keys()
        .list(caller.owner, list.page)
        .await?;
    Ok(list.answer(page, |key| key.id))
}

/// Mint an API key
///
/// It may do no more than the key that mints it, and ends no later. Its text is shown this once.
#[utoipa::path(
    post,
    path = "/api-keys",
    operation_id = "createApiKey",
    tag = "api-keys",
    request_body = CreateApiKey,
    responses((status = CREATED, description = "Minted", body = CreatedApiKey)),
)]
async fn create_api_key(
    State(api): State<Arc<Api>>,
    Owner(caller): Owner,
    creation: Creation<CreateApiKey>,
) -> Result<impl IntoResponse, Problem> {
    let new = creation.body.parse()?;
    let keys = api.fieldgate.api_keys();
    let request = creation.request.as_ref();
    let minted = keys
        .mint(caller.owner, &caller.grant(), new, request)
        .await?;
    Ok((
        StatusCode::CREATED,
        [(LOCATION, creation.location(minted.key.id))],
        [NO_STORE],
        ETag(minted.key.revision),
        Replayed(minted.text.is_none()),
        Json(CreatedApiKey::from(minted)),
    ))
}

/// Look an API key up
#[utoipa::path(
    get,
    path = "/api-keys/{apiKeyId}",
    operation_id = "getApiKey",
    tag = "api-keys",
    responses((status = OK, description = "Found", body = ApiKey)),
)]
async fn get_api_key(
    State(api): State<Arc<Api>>,
    Owner(caller): Owner,
    Target(id): Target<ApiKeyId>,
) -> Result<impl IntoResponse, Problem> {
    let key = api.fieldgate.api_keys().key(caller.owner, id).await?;
    Ok((ETag(key.revision), Json(ApiKey::from(key))))
}

/// Change an API key
///
/// It may do no more than the key that changes it, and ends no later. What is absent is cleared; its
/// text stays. The last key that can make others stays one: 409 `last_admin_key`.
#[utoipa::path(
    put,
    path = "/api-keys/{apiKeyId}",
    operation_id = "updateApiKey",
    tag = "api-keys",
    request_body = ApiKeyUpdate,
    responses((status = OK, description = "Changed", body = ApiKey)),
)]
async fn update_api_key(
    State(api): State<Arc<Api>>,
    Owner(caller): Owner,
    Target(id): Target<ApiKeyId>,
    IfMatch(expected): IfMatch,
    Input(update): Input<ApiKeyUpdate>,
) -> Result<impl IntoResponse, Problem> {
    let update = CreateApiKey::from(update).parse()?;
    let keys = api.fieldgate.api_keys();
    let key = keys
        .update(caller.owner, &caller.grant(), id, expected, &update)
        .await?;
    Ok((ETag(key.revision), Json(ApiKey::from(key))))
}

/// Revoke an API key
///
/// It is worth nothing once this is answered. The last key that can make others stays: 409
/// `last_admin_key`.
#[utoipa::path(
    delete,
    path = "/api-keys/{apiKeyId}",
    operation_id = "revokeApiKey",
    tag = "api-keys",
    responses((status = NO_CONTENT, description = "Revoked")),
)]
async fn revoke_api_key(
    State(api): State<Arc<Api>>,
    Owner(caller): Owner,
    Target(id): Target<ApiKeyId>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Problem> {
    let keys = api.fieldgate.api_keys();
    keys.revoke(caller.owner, id, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
