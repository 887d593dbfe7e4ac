//! What every request passes: its id, its limits, and the headers of its answer.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{OriginalUri, Request, State};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    HeaderName, REFERRER_POLICY, RETRY_AFTER as RETRY_AFTER_HEADER, TRANSFER_ENCODING,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Version};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use fieldgate_core::Fieldgate;
use fieldgate_core::clock::Clock;
use fieldgate_core::model::id::uuid_v7;
use fieldgate_core::random::{Random as _, SystemRandom};
use tracing::Instrument as _;

use crate::api::Api;
use crate::problem::{PROBLEM_JSON, Problem};

/// Puts around routes of a host's own what every answer of the API has: the request's id, headers
/// that protect its reader, problems for errors, and a line in the log. What is in it already, as
/// the API is, does not get it twice.
pub fn framed(router: Router, fieldgate: &Fieldgate) -> Router {
    let clock = Arc::clone(fieldgate.clock());
    router.layer(from_fn_with_state(clock, frame))
}

/// In the extensions of an answer: a success that is not worth a line in the log, as to probes that
/// come every few seconds.
#[derive(Clone, Copy, Debug)]
pub struct Unlogged;

/// In the extensions of a request that the frame has been put around.
#[derive(Clone, Copy, Debug)]
struct Framed;

/// Gives the request its id and the answer its headers; turns every error into a problem with that
/// id; writes one line to the log. Neither query nor body nor any header is written there.
pub(crate) async fn frame(
    State(clock): State<Arc<dyn Clock>>,
    mut request: Request,
    next: Next,
) -> Response {
    if request.extensions_mut().insert(Framed).is_some() {
        return next.run(request).await;
    }
    let id = request_id(&*clock, request.headers());
    let method = request.method().clone();
    let original = request.extensions().get::<OriginalUri>();
    let uri = original.map_or(request.uri(), |original| &original.0);
    let path = loggable(uri.path());
    let span = tracing::info_span!("request", id = %id, %method, path);
    let ends_connection = may_stay_unread(&request);
    let begun = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    let mut response = settle(response, &id);
    let elapsed_ms = begun.elapsed().as_secs_f64() * 1000.0;
    let is_quiet = response.extensions().get::<Unlogged>().is_some();
    if !(is_quiet && response.status().is_success()) {
        span.in_scope(|| {
            tracing::info!(status = response.status().as_u16(), elapsed_ms, "answered");
        });
    }
    let failed = response.status().is_client_error() || response.status().is_server_error();
    let headers = response.headers_mut();
    secure(headers);
    if failed && ends_connection {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// Whether an early answer may leave some of the body unread. Then a connection of HTTP/1 cannot go
/// on, and a client that is not told would send its next request into nothing.
fn may_stay_unread(request: &Request) -> bool {
    let headers = request.headers();
    let length = headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let is_long = length.is_some_and(|length| length > READ_ANYWAY_BYTES);
    request.version() <= Version::HTTP_11 && (is_long || headers.contains_key(TRANSFER_ENCODING))
}

/// A path for the log: cut off, and without what looks like a token or a key, which somebody has
/// pasted into the wrong place.
fn loggable(path: &str) -> String {
    let parts = path.split('/').map(|part| {
        let decoded = percent_encoding::percent_decode_str(part).decode_utf8_lossy();
        let is_secret = SECRETS_BEGIN
            .iter()
            .any(|beginning| decoded.contains(beginning));
        if is_secret { "***" } else { part }
    });
    let shown = parts.collect::<Vec<_>>().join("/");
    shown.chars().take(PATH_LOGGED_CHARS).collect()
}

/// Answers a request that takes too long. What has begun to change something comes to its end all
/// the same, see [`change`](crate::change::change).
pub(crate) async fn timeout(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(api.request_timeout, next.run(request));
    answer.await.unwrap_or_else(|_| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "timeout",
            "the request took too long: try again",
        )
        .retry_after(RETRY_AFTER)
        .into_response()
    })
}

/// Refuses a request whose head is too large.
pub(crate) async fn limit_head(request: Request, next: Next) -> Response {
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| name.as_str().len() + value.len());
    let uri = request.uri();
    let target = uri.path().len() + uri.query().map_or(0, str::len);
    if target + headers.sum::<usize>() > HEAD_MAX_BYTES {
        return Problem::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "head_too_large",
            format!("path, query and header fields have at most {HEAD_MAX_BYTES} octets together"),
        )
        .into_response();
    }
    next.run(request).await
}

/// The answer of a handler that has panicked. What it panicked with is not written anywhere here:
/// it may hold anything.
pub(crate) fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a handler has panicked");
    Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}

/// The id that the client gave the request, where it is one that can be passed on safely; else a
/// new one.
fn request_id(clock: &dyn Clock, headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let sane = |id: &&str| {
        (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    given.filter(sane).map_or_else(
        || {
            let mut octets = [0; 10];
            // Without random octets the id is still good enough for a log.
            let _ = SystemRandom.fill(&mut octets);
            uuid_v7(clock.now(), octets).to_string()
        },
        str::to_owned,
    )
}

/// Writes the request's id into a problem, and makes a problem of every other error.
fn settle(response: Response, id: &str) -> Response {
    let status = response.status();
    if let Some(problem) = response.extensions().get::<Problem>() {
        let mut settled = problem.to_response(Some(id));
        keep(response.headers(), settled.headers_mut());
        return settled;
    }
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let is_problem = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|media_type| media_type == PROBLEM_JSON);
    if is_problem {
        return response;
    }
    let mut settled = Problem::of_status(status).to_response(Some(id));
    keep(response.headers(), settled.headers_mut());
    settled
}

/// Keeps what an error's headers say beside its body.
fn keep(from: &HeaderMap, to: &mut HeaderMap) {
    for name in [ALLOW, RETRY_AFTER_HEADER] {
        if let Some(value) = from.get(&name) {
            to.insert(name, value.clone());
        }
    }
}

fn secure(headers: &mut HeaderMap) {
    for (name, value) in SECURITY_HEADERS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
}

/// The header by which a request is found again in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    // What an answer says may be another thing a moment later, and is for its caller alone.
    (CACHE_CONTROL, "private, no-cache"),
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
];

const HEAD_MAX_BYTES: usize = 32 * 1024;
const PATH_LOGGED_CHARS: usize = 256;

/// So much of a body hyper reads with the head, whoever wants it.
const READ_ANYWAY_BYTES: u64 = 4 * 1024;

/// How registration tokens and API keys begin.
const SECRETS_BEGIN: [&str; 2] = ["fgt1", "sk_"];
const RETRY_AFTER: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_a_path_is_not_logged() {
        assert_eq!(loggable("/api/v1/devices/a"), "/api/v1/devices/a");
        assert_eq!(loggable("/api/v1/fgt1.a.b/c"), "/api/v1/***/c");
        assert_eq!(loggable("/sk_a_b"), "/***");
        assert_eq!(loggable("/sk%5Fa_b/fgt%31.a.b/%66"), "/***/***/%66");
        assert_eq!(
            loggable(&"ä".repeat(300)).chars().count(),
            PATH_LOGGED_CHARS
        );
    }
}
