//! `/ca`: the public files of the certification authority.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use fieldgate_core::model::certificate::Sha256Digest;
use utoipa_axum::routes;

use crate::api::{Api, Routes};
use crate::dto::{CrlFile, PemFile};
use crate::extract::{CrlPath, Target};
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    vec![routes!(get_ca_chain), routes!(get_crl)]
}

/// Get the chain of the CA
///
/// The issuing certificate first, the root last. Who has the fingerprint of the root checks it
/// before he trusts the rest.
#[utoipa::path(
    get,
    path = "/ca/chain",
    operation_id = "getCaChain",
    tag = "ca",
    responses((
        status = OK,
        description = "The chain in PEM",
        body = PemFile,
        content_type = "application/pem-certificate-chain",
    )),
)]
async fn get_ca_chain(State(api): State<Arc<Api>>, headers: HeaderMap) -> Response {
    let certificates = api.fieldgate.certificates();
    let chain = certificates.ca_chain_pem().to_owned();
    file(
        &headers,
        "application/pem-certificate-chain",
        chain.into_bytes(),
    )
}

/// Get the CRL of an issuer
///
/// The list of its revoked certificates (RFC 5280, section 5) in DER.
#[utoipa::path(
    get,
    path = "/ca/crl/{file}",
    operation_id = "getCrl",
    tag = "ca",
    responses((
        status = OK,
        description = "The CRL in DER",
        body = CrlFile,
        content_type = "application/pkix-crl",
    )),
)]
async fn get_crl(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    Target(CrlPath(issuer)): Target<CrlPath>,
) -> Result<Response, Problem> {
    let crl = api.fieldgate.certificates().crl(issuer).await?;
    Ok(file(&headers, "application/pkix-crl", crl.to_vec()))
}

/// A public file; nothing but its tag where the client has it already.
fn file(headers: &HeaderMap, media_type: &'static str, octets: Vec<u8>) -> Response {
    let tag = format!("\"{}\"", Sha256Digest::of(&octets));
    let mut known = headers.get_all(IF_NONE_MATCH).iter();
    let is_known = known.any(|value| {
        let tags = value.to_str().unwrap_or_default().split(',');
        let mut tags = tags.map(|known| known.trim().trim_start_matches("W/"));
        tags.any(|known| known == tag || known == "*")
    });
    let head = [(ETAG, tag.as_str()), (CACHE_CONTROL, "public, max-age=60")];
    if is_known {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, [(CONTENT_TYPE, media_type)], octets).into_response()
}
