//! `/docs`: a page to read the API and to try it out; all of it is part of the program.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{OriginalUri, Path};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION,
};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use utoipa_swagger_ui::Config;

use crate::api::Api;
use crate::problem::Problem;

/// The routes of the page.
pub(crate) fn router() -> Router<Arc<Api>> {
    let config = Config::new([DOCUMENT]).validator_url("none");
    let config = Arc::new(config);
    let index = Arc::clone(&config);
    Router::new()
        .route("/docs", get(to_directory))
        .route("/docs/", get(async move || file("", index)))
        .route(
            "/docs/{*file}",
            get(async move |name: Result<Path<String>, PathRejection>| {
                // What cannot be read is the name of nothing.
                file(name.as_deref().map_or("?", String::as_str), config)
            }),
        )
}

/// The page's files are named relative to it, so its path ends with a slash.
async fn to_directory(OriginalUri(uri): OriginalUri) -> impl IntoResponse {
    let directory = format!("{}/", uri.path());
    (StatusCode::PERMANENT_REDIRECT, [(LOCATION, directory)])
}

fn file(name: &str, config: Arc<Config<'static>>) -> Result<Response<Body>, Problem> {
    let missing = || Problem::of_status(StatusCode::NOT_FOUND);
    let found = utoipa_swagger_ui::serve(name, config).map_err(|_| missing())?;
    let file = found.ok_or_else(missing)?;
    let mut response = Response::new(Body::from(file.bytes.into_owned()));
    let headers = response.headers_mut();
    if let Ok(media_type) = HeaderValue::from_str(&file.content_type) {
        headers.insert(CONTENT_TYPE, media_type);
    }
    if file.gzpipped {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=60"),
    );
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(response)
}

/// The document, seen from the page: also where a host has nested both under a prefix.
const DOCUMENT: &str = "../api/v1/openapi.json";

/// Swagger UI sets styles by script, and draws its icons as data.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";
