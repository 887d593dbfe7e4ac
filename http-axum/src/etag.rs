//! Entity tags: the revision of a record, by which a change names what it was made from.
//!
//! A revision counts what operators change. Presence and figures of a device move on without it,
//! so the tag guards changes (`If-Match`); it says nothing about caches.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponseParts, ResponseParts};
use fieldgate_core::model::revision::Revision;

use crate::problem::Problem;

/// The header `ETag` of a response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ETag(pub(crate) Revision);

impl IntoResponseParts for ETag {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        let tag = format!("\"{}\"", self.0.as_u64());
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            parts.headers_mut().insert(ETAG, tag);
        }
        Ok(parts)
    }
}

/// The header `If-Match` of a request: the revision that has to be there still.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct IfMatch(pub(crate) Option<Revision>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(IF_MATCH).iter();
        let revision = match (values.next(), values.next()) {
            (None, _) => None,
            (Some(value), None) => parse(value.to_str().map_err(|_| malformed())?)?,
            (Some(_), Some(_)) => return Err(malformed()),
        };
        Ok(Self(revision))
    }
}

/// Reads `*`, which any revision matches, or one tag.
fn parse(value: &str) -> Result<Option<Revision>, Problem> {
    let value = value.trim();
    if value == "*" {
        return Ok(None);
    }
    let (weak, tag) = match value.strip_prefix("W/") {
        Some(tag) => (true, tag),
        None => (false, value),
    };
    let tag = tag
        .strip_prefix('"')
        .and_then(|tag| tag.strip_suffix('"'))
        .filter(|tag| !tag.contains('"'))
        .ok_or_else(malformed)?;
    // A weak tag never matches (RFC 9110, section 13.1.1), nor does one that is none of ours.
    let is_ours = !weak && tag.bytes().all(|byte| byte.is_ascii_digit()) && !tag.starts_with('0');
    let number = is_ours.then(|| tag.parse().ok()).flatten();
    Ok(Some(number.map_or(NEVER, Revision::from_u64)))
}

fn malformed() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "if_match_malformed",
        "If-Match takes one entity tag as an answer's ETag gave it, for example \"3\", or *",
    )
}

/// No record has this revision: they begin at 1.
const NEVER: Revision = Revision::from_u64(0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tag_or_any() {
        assert_eq!(parse("*").unwrap(), None);
        assert_eq!(parse("\"12\"").unwrap(), Some(Revision::from_u64(12)));
    }

    #[test]
    fn what_is_none_of_our_tags_never_matches() {
        for tag in [
            "W/\"1\"",
            "\"\"",
            "\"abc\"",
            "\"01\"",
            "\"+1\"",
            "\"99999999999999999999\"",
        ] {
            assert_eq!(parse(tag).unwrap(), Some(NEVER), "{tag}");
        }
    }

    #[test]
    fn what_is_no_tag_is_malformed() {
        for tag in ["", "1", "\"1", "\"1\", \"2\"", "\""] {
            assert!(parse(tag).is_err(), "{tag}");
        }
    }
}
