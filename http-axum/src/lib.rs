//! The HTTP API of Fieldgate for axum: REST, OpenAPI, `application/problem+json`.
//!
//! [`api`] makes a [`Router`] out of a [`Fieldgate`]: `/api/v1/…` with the whole API, and `/docs`
//! with a page to read it and to try it out, which works without the internet. A host merges it
//! with its own routes, or nests it under a prefix. Who may call what is decided here, by
//! [`access::OPERATIONS`]; who is calling is decided by an [`Authenticator`], which a host can
//! bring along. What listens, TLS, and the address of a client behind a proxy ([`ClientAddress`])
//! are the host's; [`framed`] gives its own routes the request ids, headers and problems of the API,
//! and [`guarded`] lets those alone call them who may.
//!
//! This crate knows nothing of storages and of MQTT.
//!
//! ```
//! use std::sync::Arc;
//!
//! use fieldgate_core::Fieldgate;
//! use fieldgate_core::ca::key_store::MemoryKeyStore;
//! use fieldgate_core::service::Addresses;
//! use fieldgate_core::storage::MemoryStorage;
//! use fieldgate_http_axum::{ApiOptions, api};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let fieldgate = Fieldgate::builder()
//!     .storage(Arc::new(MemoryStorage::default()))
//!     .key_store(Arc::new(MemoryKeyStore::new()))
//!     .addresses(Addresses {
//!         provision_endpoint: "https://localhost:8443/api/v1/devices/provision".to_owned(),
//!         mqtt_host: "localhost".to_owned(),
//!         mqtt_port: 8883,
//!     })
//!     .build()
//!     .await?;
//! let options = ApiOptions::new(&fieldgate);
//! let (router, document) = api(fieldgate, options);
//! let host = axum::Router::new()
//!     .route("/hello", axum::routing::get(|| async { "the host's own" }))
//!     .merge(router);
//! # let _: axum::Router = host;
//! # assert_eq!(document.info.title, "Fieldgate");
//! # Ok(())
//! # }
//! ```

pub mod access;
mod admission;
mod api;
mod arrivals;
mod auth;
mod change;
mod cursor;
mod docs;
mod dto;
mod etag;
mod extract;
mod idempotency;
mod limit;
mod middleware;
mod openapi;
mod options;
mod problem;

pub use admission::guarded;
pub use auth::{ApiKeyAuthenticator, Authenticator, Caller, KEY_MISSING};
pub use limit::ClientAddress;
pub use middleware::{Unlogged, framed};
pub use openapi::{openapi, openapi_3_0};
pub use options::ApiOptions;
pub use problem::problem;

use axum::Router;
use fieldgate_core::Fieldgate;
use utoipa::openapi::OpenApi;

/// Makes the routes of the API, and its OpenAPI document.
///
/// The router answers below `/api/v1` and `/docs`, and says nothing about other paths.
pub fn api(fieldgate: Fieldgate, options: ApiOptions) -> (Router, OpenApi) {
    (router(fieldgate, options), openapi())
}

/// Makes the routes as [`api`] does, for a host that has no use for the document itself: it is large,
/// and the routes make it when somebody asks for it.
pub fn router(fieldgate: Fieldgate, options: ApiOptions) -> Router {
    api::router(fieldgate, options)
}
