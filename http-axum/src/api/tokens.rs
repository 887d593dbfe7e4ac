//! `/devices/registration/tokens`: registering devices.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json};
use fieldgate_core::model::api_key::Scope;
use fieldgate_core::model::id::TokenId;
use utoipa_axum::routes;

use crate::access::require;
use crate::api::{Api, NO_STORE, Routes};
use crate::dto::{
    MintedToken, PageQuery, RegisterDevice, Registration, RegistrationTokenPage, TokenQuery,
};
use crate::extract::{Creation, List, Owner, Target, Tenant};
use crate::idempotency::Replayed;
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    vec![
        routes!(list_registration_tokens, register_device),
        routes!(revoke_registration_token),
    ]
}

/// List registration tokens
///
/// Those that can still be redeemed unless asked for others; without their secrets, in the order
/// in which they were minted.
#[utoipa::path(
    get,
    path = "/devices/registration/tokens",
    operation_id = "listRegistrationTokens",
    tag = "registration",
    params(PageQuery, TokenQuery),
    responses((
        status = OK,
        description = "A page of registration tokens",
        body = RegistrationTokenPage,
    )),
)]
async fn list_registration_tokens(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    list: List<TokenQuery, TokenId>,
) -> Result<Json<RegistrationTokenPage>, Problem> {
    let registration = api.fieldgate.registration();
    let states = list.filter.states();
    let page = registration.list(organization, &states, list.page).await?;
    Ok(list.answer(page, |(token, _)| token.id))
}

/// Register a device
///
/// Names a device and mints the token by which it gets its certificate, shown this once. With
/// `deviceId` it mints a new token for a device that is there, which revokes the device's open
/// one; that needs the scope `devices:write` as well.
#[utoipa::path(
    post,
    path = "/devices/registration/tokens",
    operation_id = "registerDevice",
    tag = "registration",
    request_body = RegisterDevice,
    responses((status = CREATED, description = "Minted", body = MintedToken)),
)]
async fn register_device(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Owner(caller): Owner,
    creation: Creation<RegisterDevice>,
) -> Result<impl IntoResponse, Problem> {
    if creation.body.names_device() {
        require(&caller, &[Scope::DevicesWrite])?;
    }
    let (registration, life) = creation.body.parse()?;
    let (service, request) = (api.fieldgate.registration(), creation.request.as_ref());
    let registered = match registration {
        Registration::New(settings) => {
            service
                .register(organization, settings, life, request)
                .await?
        }
        Registration::Known(device, name) => {
            service
                .mint(organization, device, name.as_ref(), life, request)
                .await?
        }
    };
    let replayed = Replayed(registered.text.is_none());
    let fingerprint = api.fieldgate.certificates().root_fingerprint();
    let body = MintedToken::new(registered, service.addresses(), fingerprint);
    Ok((StatusCode::CREATED, [NO_STORE], replayed, Json(body)))
}

/// Revoke a registration token
///
/// One that can still be redeemed.
#[utoipa::path(
    delete,
    path = "/devices/registration/tokens/{tokenId}",
    operation_id = "revokeRegistrationToken",
    tag = "registration",
    responses((status = NO_CONTENT, description = "Revoked")),
)]
async fn revoke_registration_token(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(id): Target<TokenId>,
) -> Result<StatusCode, Problem> {
    api.fieldgate
        .registration()
        .revoke(organization, id)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
