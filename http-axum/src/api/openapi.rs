//! `/openapi.json` and `/openapi-3.0.json`: the API, described.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use utoipa_axum::routes;

use crate::api::{Api, Routes};
use crate::dto::OpenApiDocument;

pub(super) fn routes() -> Routes {
    vec![routes!(get_open_api), routes!(get_open_api_3_0)]
}

/// Get this document
///
/// As OpenAPI 3.1.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "getOpenApi",
    tag = "openapi",
    responses((status = OK, description = "The document", body = OpenApiDocument)),
)]
async fn get_open_api(State(api): State<Arc<Api>>) -> Document {
    document(api.documents.current())
}

/// Get this document for older tools
///
/// As OpenAPI 3.0.
#[utoipa::path(
    get,
    path = "/openapi-3.0.json",
    operation_id = "getOpenApi30",
    tag = "openapi",
    responses((status = OK, description = "The document", body = OpenApiDocument)),
)]
async fn get_open_api_3_0(State(api): State<Arc<Api>>) -> Document {
    document(api.documents.down_converted())
}

type Document = ([(HeaderName, &'static str); 2], Bytes);

fn document(text: Bytes) -> Document {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "public, max-age=60"),
    ];
    (headers, text)
}
