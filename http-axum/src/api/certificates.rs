//! `/devices/{deviceId}/certificates`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Json;
use fieldgate_core::model::id::DeviceId;
use utoipa_axum::routes;

use crate::api::{Api, Routes};
use crate::dto::{Certificate, CertificatePage, PageQuery};
use crate::extract::{CertificatePath, List, Target, Tenant};
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    vec![
        routes!(list_device_certificates),
        routes!(get_device_certificate),
    ]
}

/// List a device's certificates
///
/// Oldest first.
#[utoipa::path(
    get,
    path = "/devices/{deviceId}/certificates",
    operation_id = "listDeviceCertificates",
    tag = "certificates",
    params(PageQuery),
    responses((status = OK, description = "A page of certificates", body = CertificatePage)),
)]
async fn list_device_certificates(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(device): Target<DeviceId>,
    list: List<(), u64>,
) -> Result<Json<CertificatePage>, Problem> {
    let certificates = api.fieldgate.certificates();
    let page = certificates.list(organization, device, list.page).await?;
    Ok(list.answer(page, |(certificate, _)| certificate.issue_sequence))
}

/// Look a device's certificate up
#[utoipa::path(
    get,
    path = "/devices/{deviceId}/certificates/{serialNumber}",
    operation_id = "getDeviceCertificate",
    tag = "certificates",
    responses((status = OK, description = "Found", body = Certificate)),
)]
async fn get_device_certificate(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(path): Target<CertificatePath>,
) -> Result<Json<Certificate>, Problem> {
    let certificates = api.fieldgate.certificates();
    let found = certificates.certificate(organization, path.device, &path.serial_number);
    Ok(Json(found.await?.into()))
}
