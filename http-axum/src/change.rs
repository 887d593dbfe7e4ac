//! What a request that changes something passes: its body is there as a whole before anything is
//! done, and what is done is done to its end.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tracing::Instrument as _;

use crate::api::Api;
use crate::extract::operation;
use crate::middleware::panicked;
use crate::problem::Problem;

/// Lets a request that changes something through to its handler.
///
/// The handler runs in a task of its own: a client that goes away, or a time-out, must not stop it
/// between a commit and what has to follow, such as ending the session of a device that has just
/// been shut out. There are only so many of these tasks at a time, since nobody else counts them;
/// a request that is still arriving is none of them, or slow clients would keep all others out.
pub(crate) async fn change(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let request = match whole(&api, request).await {
        Ok(request) => request,
        Err(problem) => return problem.into_response(),
    };
    let Ok(place) = Arc::clone(&api.changes).try_acquire_owned() else {
        return busy().into_response();
    };
    let handler = next.run(request).in_current_span();
    let task = tokio::spawn(async move {
        let response = handler.await;
        drop(place);
        response
    });
    task.await.unwrap_or_else(|error| panicked(Box::new(error)))
}

/// The request with all of its body.
async fn whole(api: &Api, request: Request) -> Result<Request, Problem> {
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        return Ok(Request::from_parts(parts, body));
    }
    let max = match operation(&parts.extensions)?.id {
        "provisionDevice" => PROVISION_MAX_BYTES,
        _ => BODY_MAX_BYTES,
    };
    let announced = parts.headers.get(CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > max) {
        return Err(too_large(max));
    }
    let mut arrival = api.arrivals.enter();
    let read = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, max).collect());
    let read = tokio::select! {
        () = arrival.evicted() => return Err(busy()),
        read = read => read,
    };
    match read {
        Ok(Ok(body)) => {
            let body = Body::from(body.to_bytes());
            Ok(Request::from_parts(parts, body))
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(max)),
        Ok(Err(_)) | Err(_) => {
            let detail = "the body could not be read to its end";
            Err(Problem::malformed("body_incomplete", detail))
        }
    }
}

fn too_large(max: usize) -> Problem {
    let detail = format!("the body has at most {max} octets");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

fn busy() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "busy",
        "as many changes as there may be are under way: try again",
    )
    .retry_after(RETRY_AFTER)
}

/// How many changes may be under way at a time; a further one is told to come again.
pub(crate) const CHANGES_MAX: usize = 512;

/// How many bodies may be arriving at a time; with their limits, 256 MB of them at the most.
pub(crate) const ARRIVALS_MAX: usize = 4096;

/// Less than a request may take altogether, so that a body that dribbles is told of as that.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) const BODY_MAX_BYTES: usize = 64 * 1024;

/// Room for the largest request for a certificate in PEM, and its token.
const PROVISION_MAX_BYTES: usize = 32 * 1024;

const RETRY_AFTER: Duration = Duration::from_secs(5);
