//! A client of the router.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::body::Bytes;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use fieldgate_http_axum::ClientAddress;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

/// A request in the making.
#[derive(Debug)]
pub(crate) struct Call {
    request: Request<Body>,
}

pub(crate) fn call(method: Method, path: &str) -> Call {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap();
    Call { request }
}

pub(crate) fn get(path: &str) -> Call {
    call(Method::GET, path)
}

pub(crate) fn post(path: &str) -> Call {
    call(Method::POST, path)
}

pub(crate) fn put(path: &str) -> Call {
    call(Method::PUT, path)
}

pub(crate) fn delete(path: &str) -> Call {
    call(Method::DELETE, path)
}

impl Call {
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        let headers = self.request.headers_mut();
        headers.append(name, value.parse().unwrap());
        self
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    pub(crate) fn from(mut self, address: &str) -> Self {
        let address = ClientAddress(address.parse().unwrap());
        self.request.extensions_mut().insert(address);
        self
    }

    pub(crate) fn peer(mut self, address: &str) -> Self {
        let address: SocketAddr = address.parse().unwrap();
        self.request.extensions_mut().insert(ConnectInfo(address));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.text(body.to_string())
    }

    pub(crate) fn text(self, body: impl Into<Bytes>) -> Self {
        self.header("content-type", "application/json").body(body)
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        *self.request.body_mut() = Body::from(body.into());
        self
    }

    pub(crate) async fn send(self, router: &Router) -> Answer {
        let response = router.clone().oneshot(self.request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body of a success.
    #[track_caller]
    pub(crate) fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        match self.body.is_empty() {
            true => Value::Null,
            false => self.json(),
        }
    }

    /// The body of a problem, which is as every problem has to be.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let text = self.text();
        assert_eq!(self.status, status, "{text}");
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{text}"
        );
        let body = self.json();
        assert_eq!(body["status"], status, "{text}");
        assert_eq!(body["code"], code, "{text}");
        assert_eq!(body["type"], format!("urn:fieldgate:problem:{code}"));
        assert!(body["title"].is_string() && body["detail"].is_string());
        assert_eq!(
            body["requestId"].as_str(),
            self.header("x-request-id"),
            "{text}"
        );
        body
    }

    /// The pointers of a 422.
    #[track_caller]
    pub(crate) fn pointers(&self) -> Vec<String> {
        let body = self.problem(422, "validation_failed");
        let errors = body["errors"].as_array().unwrap();
        errors
            .iter()
            .map(|error| {
                assert!(error["detail"].is_string());
                error["pointer"].as_str().unwrap().to_owned()
            })
            .collect()
    }

    /// Everything but what is different for every request.
    pub(crate) fn without_request_id(&self) -> (StatusCode, Vec<(String, String)>, String) {
        let id = self.header("x-request-id").unwrap();
        let headers = self.headers.iter();
        let headers = headers.filter(|(name, _)| *name != "x-request-id");
        let headers = headers.map(|(name, value)| {
            let value = value.to_str().unwrap().to_owned();
            (name.to_string(), value)
        });
        (self.status, headers.collect(), self.text().replace(id, ""))
    }
}
