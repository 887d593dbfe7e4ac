//! The header `Idempotency-Key`, and what tells a repeated request from another one.

use std::convert::Infallible;

use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponseParts, ResponseParts};
use fieldgate_core::model::api_key::KeyOwner;
use fieldgate_core::model::certificate::Sha256Digest;
use fieldgate_core::model::idempotency::IdempotencyKey;
use fieldgate_core::service::IdempotentRequest;

use crate::problem::Problem;

/// What the sender of a request says about repeating it; `None` where he says nothing.
///
/// `path` is the one that the client sees.
pub(crate) fn idempotent_request(
    owner: KeyOwner,
    parts: &Parts,
    path: &str,
    body: &[u8],
) -> Result<Option<IdempotentRequest>, Problem> {
    let mut values = parts.headers.get_all(&IDEMPOTENCY_KEY).iter();
    let key = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().ok().and_then(|value| value.parse().ok()),
        (Some(_), Some(_)) => None,
    };
    let key: IdempotencyKey = key.ok_or_else(|| {
        Problem::malformed(
            "idempotency_key_malformed",
            "an Idempotency-Key has 1 to 128 visible ASCII characters",
        )
    })?;
    // A line feed ends method and path: neither can hold one.
    let head = format!("{}\n{path}\n", parts.method);
    let text = [head.as_bytes(), body].concat();
    Ok(Some(IdempotentRequest {
        owner,
        key,
        sha256: Sha256Digest::of(&text),
    }))
}

/// The header `Idempotency-Replayed` of a response, where the request had been carried out before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replayed(pub(crate) bool);

impl IntoResponseParts for Replayed {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        if self.0 {
            let headers = parts.headers_mut();
            headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        }
        Ok(parts)
    }
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
