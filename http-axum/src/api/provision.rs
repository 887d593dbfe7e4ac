//! `/devices/provision`: a device redeems its token for a certificate.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{Extensions, StatusCode};
use axum::response::{IntoResponse, Json};
use fieldgate_core::Error;
use tokio::time::Instant;
use utoipa_axum::routes;

use crate::api::{Api, Routes};
use crate::dto::{Provision, Provisioned};
use crate::extract::Input;
use crate::limit::client_address;
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    vec![routes!(provision_device)]
}

/// Provision a device
///
/// Redeems a registration token for a certificate over the device's own key. The token is the
/// credential, and works once.
#[utoipa::path(
    post,
    path = "/devices/provision",
    operation_id = "provisionDevice",
    tag = "registration",
    request_body = Provision,
    responses((status = CREATED, description = "Provisioned", body = Provisioned)),
)]
async fn provision_device(
    State(api): State<Arc<Api>>,
    extensions: Extensions,
    Input(body): Input<Provision>,
) -> Result<impl IntoResponse, Problem> {
    let begun = Instant::now();
    let provisioning = api.fieldgate.provisioning();
    match provisioning.provision(&body.token, &body.csr).await {
        Ok(provisioned) => Ok((StatusCode::CREATED, Json(Provisioned::from(provisioned)))),
        Err(error) => {
            // Only who lacks the secret counts: whoever holds it can go on trying.
            if matches!(error, Error::Unauthorized { .. }) {
                let address = client_address(&extensions);
                api.admission.failures.refuse(address, begun).await?;
            }
            Err(error.into())
        }
    }
}
