//! The routes: a file per noun, each handler in three steps - parse, call, convert.

mod api_keys;
mod ca;
mod certificates;
mod components;
mod devices;
mod groups;
mod health;
mod openapi;
mod organizations;
mod provision;
mod quarantine;
mod readings;
mod sensors;
mod sites;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::any;
use fieldgate_core::Fieldgate;
use fieldgate_core::model::revision::Revision;
use serde::Serialize;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::access::{Guard, guard};
use crate::admission::Admission;
use crate::arrivals::Arrivals;
use crate::change::{ARRIVALS_MAX, CHANGES_MAX, change};
use crate::docs;
use crate::etag::ETag;
use crate::idempotency::Replayed;
use crate::middleware::{frame, limit_head, panicked, timeout};
use crate::openapi::Documents;
use crate::options::ApiOptions;
use crate::problem::Problem;

/// What the handlers work with.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) fieldgate: Fieldgate,
    pub(crate) admission: Admission,
    pub(crate) request_timeout: Duration,
    /// The bodies that are arriving.
    pub(crate) arrivals: Arc<Arrivals>,
    /// A place for each change that may be under way at a time.
    pub(crate) changes: Arc<Semaphore>,
    pub(crate) documents: Documents,
}

impl Api {
    pub(crate) fn new(fieldgate: Fieldgate, options: ApiOptions) -> Self {
        Self {
            fieldgate,
            request_timeout: options.request_timeout,
            admission: Admission::new(options),
            arrivals: Arrivals::new(ARRIVALS_MAX),
            changes: Arc::new(Semaphore::new(CHANGES_MAX)),
            documents: Documents::default(),
        }
    }
}

/// Some paths with their handlers and their part of the document.
pub(crate) type Routes = Vec<UtoipaMethodRouter<Arc<Api>>>;

/// All routes. The guard of [`crate::access`] is put around each of them, here and nowhere else.
fn routes() -> Routes {
    [
        organizations::routes(),
        api_keys::routes(),
        tokens::routes(),
        provision::routes(),
        devices::routes(),
        health::routes(),
        certificates::routes(),
        components::routes(),
        sensors::routes(),
        readings::routes(),
        quarantine::routes(),
        groups::routes(),
        sites::routes(),
        ca::routes(),
        openapi::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The document as the handlers tell it; [`crate::openapi`] completes it.
pub(crate) fn described() -> OpenApi {
    let mut router = OpenApiRouter::new();
    for route in routes() {
        router = router.routes(route);
    }
    router.into_openapi()
}

/// The routes, guarded and framed.
pub(crate) fn router(fieldgate: Fieldgate, options: ApiOptions) -> Router {
    let api = Arc::new(Api::new(fieldgate, options));
    let mut router = docs::router();
    for (_, paths, handlers) in routes() {
        let guarded = handlers
            .layer(from_fn_with_state(Arc::clone(&api), change))
            .layer(from_fn_with_state(Guard::new(&api, &paths), guard));
        for path in paths.paths.keys() {
            router = router.route(&format!("{BASE}{path}"), guarded.clone());
        }
    }
    // Routes and no fallback: a fallback would be lost when the host nests the router.
    for path in ["", "/", "/{*unknown}"] {
        let unknown = any(|| async { Problem::of_status(StatusCode::NOT_FOUND) });
        router = router.route(&format!("{BASE}{path}"), unknown);
    }
    let clock = Arc::clone(api.fieldgate.clock());
    // The last one is passed first.
    router
        .route_layer(CatchPanicLayer::custom(panicked))
        .route_layer(from_fn_with_state(Arc::clone(&api), timeout))
        .route_layer(from_fn(limit_head))
        .route_layer(from_fn_with_state(clock, frame))
        .with_state(api)
}

/// The answer to a request that has created something.
fn created<T: Serialize>(
    location: String,
    revision: Revision,
    replayed: bool,
    body: T,
) -> Response {
    (
        StatusCode::CREATED,
        [(LOCATION, location)],
        ETag(revision),
        Replayed(replayed),
        Json(body),
    )
        .into_response()
}

/// Where all paths of the API begin.
pub(crate) const BASE: &str = "/api/v1";

/// The header for an answer that holds a secret.
const NO_STORE: (axum::http::HeaderName, &str) = (axum::http::header::CACHE_CONTROL, "no-store");
