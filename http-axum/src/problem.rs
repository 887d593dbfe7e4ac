//! Errors as clients see them (RFC 9457): the one place that knows which error is which status.

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use fieldgate_core::{Error, InvalidField};

use crate::dto::{FieldProblem, ProblemBody};

/// An error on its way to the client.
///
/// As a response it also travels in the response's extensions, so that the outermost middleware
/// can write the request's id into the body.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    fields: Vec<InvalidField>,
    retry_after: Option<Duration>,
}

impl Problem {
    /// A problem with a stable code in lower_snake_case.
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            fields: Vec::new(),
            retry_after: None,
        }
    }

    /// The request is malformed, which no look at the data can mend.
    pub(crate) fn malformed(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// The problem that a status without a body stands for.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::BAD_REQUEST => ("malformed", "the request is malformed"),
            StatusCode::NOT_FOUND => (
                "not_found",
                "there is nothing at this path, or nothing that this key reaches",
            ),
            StatusCode::METHOD_NOT_ALLOWED => (
                "method_not_allowed",
                "this path does not have this method: see the header Allow",
            ),
            StatusCode::PAYLOAD_TOO_LARGE => ("body_too_large", "the body is too large"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => (
                "unsupported_media_type",
                "the body is not of a type that is understood here",
            ),
            status if status.is_client_error() => ("malformed", "the request is malformed"),
            _ => {
                let internal = ("internal", "the request could not be served");
                return Self::new(StatusCode::INTERNAL_SERVER_ERROR, internal.0, internal.1);
            }
        };
        Self::new(status, code, detail)
    }

    /// Says when to try again.
    pub(crate) const fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The response, with the id of the request where it is known.
    pub(crate) fn to_response(&self, request_id: Option<&str>) -> Response {
        let body = ProblemBody {
            r#type: format!("urn:fieldgate:problem:{}", self.code),
            title: title(self.code),
            status: self.status.as_u16(),
            detail: self.detail.clone().into_owned(),
            code: self.code.to_owned(),
            errors: self.fields.iter().map(FieldProblem::from).collect(),
            request_id: request_id.map(str::to_owned),
        };
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        self.write_headers(response.headers_mut());
        response.extensions_mut().insert(self.clone());
        response
    }

    fn write_headers(&self, headers: &mut HeaderMap) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = match self.code {
                "key_missing" => "Bearer realm=\"fieldgate\"",
                _ => "Bearer realm=\"fieldgate\", error=\"invalid_token\"",
            };
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(wait) = self.retry_after {
            // Rounded up, so that who waits so long does not come too early.
            let secs = wait.as_millis().div_ceil(1000).max(1);
            let secs = u64::try_from(secs).unwrap_or(u64::MAX);
            headers.insert(RETRY_AFTER, HeaderValue::from(secs));
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Conflict { code, .. } => Self::new(StatusCode::CONFLICT, code, detail),
            Error::Forbidden { .. } => Self::new(StatusCode::FORBIDDEN, "forbidden", detail),
            Error::Gone { code, .. } => Self::new(StatusCode::GONE, code, detail),
            Error::Invalid { code, fields, .. } => Self {
                fields,
                ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
            },
            Error::LimitReached {
                code, retry_after, ..
            } => Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail).retry_after(retry_after),
            // To the letter as for a path that there is not, whatever the storage calls it: nobody
            // learns what another organization has.
            Error::NotFound { .. } => Self::of_status(StatusCode::NOT_FOUND),
            Error::StaleRevision { .. } => {
                Self::new(StatusCode::PRECONDITION_FAILED, "revision_stale", detail)
            }
            Error::Unauthorized { code, .. } => Self::new(StatusCode::UNAUTHORIZED, code, detail),
            Error::Unavailable {
                retry_after,
                source,
            } => {
                tracing::warn!(cause = %chain(&*source), "request not served for now");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
                    .retry_after(retry_after)
            }
            // Says nothing of the inside; the cause belongs in the log, not on the wire.
            Error::Internal { source } => {
                tracing::error!(cause = %chain(&*source), "request failed");
                Self::of_status(StatusCode::INTERNAL_SERVER_ERROR)
            }
            other => {
                tracing::error!(cause = %chain(&other), "request failed in an unknown way");
                Self::of_status(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.to_response(None)
    }
}

/// The short description of a kind of problem: its code in words.
fn title(code: &str) -> String {
    let words = code.replace('_', " ");
    let mut words = words.replace("if match", "If-Match");
    for abbreviation in ["csr", "json"] {
        words = words.replace(abbreviation, &abbreviation.to_uppercase());
    }
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

/// An error and its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// An answer of a host's own in the form of the API's problems; `code` is in lower_snake_case.
/// Within [`framed`](crate::framed) it gets the id of its request.
pub fn problem(
    status: StatusCode,
    code: &'static str,
    detail: impl Into<Cow<'static, str>>,
) -> Response {
    Problem::new(status, code, detail).into_response()
}

/// The media type of problems.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_words() {
        for (code, words) in [
            ("device_name_taken", "Device name taken"),
            ("csr_invalid", "CSR invalid"),
            ("json_malformed", "JSON malformed"),
            ("if_match_malformed", "If-Match malformed"),
        ] {
            assert_eq!(title(code), words);
        }
    }
}
