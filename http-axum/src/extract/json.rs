//! Bodies in JSON.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, OriginalUri, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use fieldgate_core::service::IdempotentRequest;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use crate::change::BODY_MAX_BYTES;
use crate::dto::Check;
use crate::extract::{caller, strict};
use crate::idempotency::idempotent_request;
use crate::problem::Problem;

/// A body in JSON.
#[derive(Clone, Debug)]
pub(crate) struct Input<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let octets = read(&parts, body).await?;
        parse(&octets).map(Self)
    }
}

/// The body of a POST that creates something, and what its sender says about repeating it.
#[derive(Clone, Debug)]
pub(crate) struct Creation<T> {
    /// What is to be created.
    pub(crate) body: T,
    /// How to tell a repetition.
    pub(crate) request: Option<IdempotentRequest>,
    path: String,
}

impl<T> Creation<T> {
    /// Where what was created is found.
    pub(crate) fn location(&self, id: impl std::fmt::Display) -> String {
        format!("{}/{id}", self.path)
    }
}

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Creation<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let owner = caller(&parts.extensions)?.owner;
        // Where the host nests the router, the URI has lost its beginning.
        let original = parts.extensions.get::<OriginalUri>();
        let uri = original.map_or(&parts.uri, |original| &original.0);
        let path = uri.path().to_owned();
        let octets = read(&parts, body).await?;
        let body = parse(&octets)?;
        let request = idempotent_request(owner, &parts, &path, &octets)?;
        Ok(Self {
            body,
            request,
            path,
        })
    }
}

/// The body, which is there as a whole: see [`change`](crate::change).
async fn read(parts: &Parts, body: Body) -> Result<Bytes, Problem> {
    check_type(&parts.headers)?;
    axum::body::to_bytes(body, BODY_MAX_BYTES)
        .await
        .map_err(|_| Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR))
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let refused = |detail: &'static str| {
        Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            detail,
        )
    };
    // Nothing is unpacked, so nothing small can turn into something large.
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(refused("send the body as it is, without Content-Encoding"));
    }
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| {
        let value = value.to_str().ok()?;
        Some(value.split(';').next().unwrap_or_default().trim())
    });
    match media_type {
        Some(media_type) if media_type.eq_ignore_ascii_case("application/json") => Ok(()),
        _ => Err(refused("send JSON with `Content-Type: application/json`")),
    }
}

fn parse<T: DeserializeOwned>(octets: &[u8]) -> Result<T, Problem> {
    let mut value = strict::read(octets)?;
    let mut check = Check::default();
    let mut unknown = 0;
    loop {
        let error = match serde_path_to_error::deserialize::<_, T>(value.clone()) {
            Ok(body) if unknown == 0 => return Ok(body),
            Ok(_) => break,
            Err(error) => error,
        };
        let (pointer, detail) = fault(error.path(), &error.inner().to_string());
        check.fault(pointer, detail);
        // serde ends at the first fault. Without a field that there is not it goes on, and finds
        // the next one.
        let goes_on = is_unknown_field(&error.inner().to_string())
            && unknown < UNKNOWN_NAMED_MAX
            && remove(&mut value, error.path());
        if !goes_on {
            break;
        }
        unknown += 1;
    }
    Err(check.into_error().into())
}

fn is_unknown_field(message: &str) -> bool {
    message.starts_with("unknown field")
}

/// Takes a member out of a value; false where there is none.
fn remove(value: &mut Value, path: &Path) -> bool {
    let mut segments = path.iter().peekable();
    let mut value = value;
    while let Some(segment) = segments.next() {
        let next = match segment {
            Segment::Map { key } if segments.peek().is_none() => {
                let members = value.as_object_mut();
                return members.is_some_and(|members| members.remove(key).is_some());
            }
            Segment::Map { key } => value.get_mut(key),
            Segment::Seq { index } => value.get_mut(index),
            Segment::Enum { .. } | Segment::Unknown => None,
        };
        let Some(next) = next else {
            return false;
        };
        value = next;
    }
    false
}

/// An error of serde's in words for clients, and where it is. What the client sent is not
/// repeated: it may be a secret in the wrong place.
fn fault(path: &Path, message: &str) -> (String, String) {
    let mut pointer = pointer(path);
    let expected = message
        .rsplit_once(", expected ")
        .map(|(_, expected)| expected);
    let detail = if message.starts_with("missing field") {
        push(&mut pointer, message.split('`').nth(1).unwrap_or_default());
        "this field is needed".to_owned()
    } else if is_unknown_field(message) {
        let known = expected.unwrap_or_default().split('`').skip(1).step_by(2);
        let known: Vec<_> = known.collect();
        match known.as_slice() {
            [] => "there is no such field".to_owned(),
            known => format!("there is no such field; there are: {}", known.join(", ")),
        }
    } else {
        let expected = expected.map_or("something else", in_words);
        format!("this has to be {expected}")
    };
    (pointer, detail)
}

/// What serde expects, in words for people who know JSON and no Rust.
fn in_words(expected: &str) -> &str {
    match expected {
        "a boolean" => "true or false",
        "a map" => "an object",
        "a sequence" => "an array",
        "a string" => "a string",
        "f64" => "a number",
        "i64" | "i32" => "a whole number",
        "u64" | "u32" | "u16" => "a whole number, not less than 0",
        other if other.starts_with("struct ") => "an object",
        other => other,
    }
}

/// The path as a JSON pointer (RFC 6901).
fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => push(&mut pointer, &index.to_string()),
            Segment::Map { key } => push(&mut pointer, key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

fn push(pointer: &mut String, token: &str) {
    let token: String = token.chars().take(TOKEN_SHOWN_CHARS).collect();
    pointer.push('/');
    pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
}

/// How much of a member's name a pointer repeats.
const TOKEN_SHOWN_CHARS: usize = 128;

/// How many fields that there are not are looked for behind the first one.
const UNKNOWN_NAMED_MAX: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse as _;
    use http_body_util::BodyExt as _;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Outer {
        #[expect(dead_code, reason = "only read")]
        needed_number: u64,
        #[expect(dead_code, reason = "only read")]
        inner: Option<Inner>,
        #[expect(dead_code, reason = "only read")]
        list: Option<Vec<String>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only read")]
        flag: bool,
    }

    async fn fault(text: &str) -> (String, String) {
        let problem = parse::<Outer>(text.as_bytes()).unwrap_err();
        let body = problem.into_response().into_body();
        let body = body.collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let error = &body["errors"][0];
        let text = |name: &str| error[name].as_str().unwrap().to_owned();
        (text("pointer"), text("detail"))
    }

    #[tokio::test]
    async fn a_fault_names_its_field() {
        for (text, pointer, detail) in [
            ("{}", "/neededNumber", "this field is needed"),
            ("[]", "", "this has to be an object"),
            (
                r#"{"neededNumber":-1}"#,
                "/neededNumber",
                "this has to be a whole number, not less than 0",
            ),
            (
                r#"{"neededNumber":1,"inner":{"flag":"sk_secret, expected"}}"#,
                "/inner/flag",
                "this has to be true or false",
            ),
            (
                r#"{"neededNumber":1,"inner":{}}"#,
                "/inner/flag",
                "this field is needed",
            ),
            (
                r#"{"neededNumber":1,"list":["a",2]}"#,
                "/list/1",
                "this has to be a string",
            ),
            (
                r#"{"neededNumber":1,"inner":{"flag":true,"a/b~c":1}}"#,
                "/inner/a~1b~0c",
                "there is no such field; there are: flag",
            ),
        ] {
            let found = fault(text).await;
            assert_eq!(found, (pointer.to_owned(), detail.to_owned()), "{text}");
        }
    }
}
