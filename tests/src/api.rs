//! The HTTP API as a client uses it.

use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

use crate::tls;
use crate::wait::PATIENCE;

/// A client of the HTTP API.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
    base: String,
    key: Option<String>,
}

/// An answer of the HTTP API.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    request: String,
}

impl Api {
    /// A client over plain HTTP that shows no key.
    #[must_use]
    pub fn new(base: String) -> Self {
        Self::over_tls(base, "")
    }

    /// A client that trusts nothing but the certificates in `roots` (PEM), and shows no key.
    ///
    /// # Panics
    ///
    /// Where they are no certificates.
    #[must_use]
    pub fn over_tls(base: String, roots: &str) -> Self {
        let client = Client::builder()
            .tls_backend_preconfigured(tls::client_config(roots, None))
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .no_proxy()
            .build()
            .expect("a client can be made");
        Self {
            client,
            base,
            key: None,
        }
    }

    /// The same client with a key to show.
    #[must_use]
    pub fn with_key(&self, key: impl Into<String>) -> Self {
        Self {
            key: Some(key.into()),
            ..self.clone()
        }
    }

    /// The same client without a key.
    #[must_use]
    pub fn without_key(&self) -> Self {
        Self {
            key: None,
            ..self.clone()
        }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, |request| request).await
    }

    /// POST of a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, |request| request.json(body))
            .await
    }

    /// POST of some octets that are said to be JSON.
    pub async fn post_raw(&self, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        let body = body.into();
        self.send(Method::POST, path, |request| {
            request
                .header("content-type", "application/json")
                .body(body)
        })
        .await
    }

    /// PUT of a JSON body.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, |request| request.json(body))
            .await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, |request| request).await
    }

    /// A request that `finish` may add to.
    ///
    /// # Panics
    ///
    /// Where there is no answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        finish: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answer {
        match self.try_send(method.clone(), path, finish).await {
            Ok(answer) => answer,
            Err(error) => panic!("{method} {path}: no answer: {error:?}"),
        }
    }

    /// A request that may stay without an answer.
    ///
    /// # Errors
    ///
    /// Where there is none.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        finish: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer, reqwest::Error> {
        let name = format!("{method} {path}");
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        let response = finish(request).send().await?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            request: name,
            body: response.bytes().await?.into(),
        })
    }

    /// All items of a list, page by page.
    ///
    /// # Panics
    ///
    /// Where it is no list.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let page = self.get(&format!("{path}{joint}limit=500{cursor}")).await;
            let page = page.expect(200);
            items.extend(page["items"].as_array().expect("a list").iter().cloned());
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }
}

impl Answer {
    /// The JSON body of an answer that should have a certain status.
    ///
    /// # Panics
    ///
    /// Where it has another one, or is no JSON.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        let text = self.expect_text(status);
        match serde_json::from_str(&text) {
            Ok(json) => json,
            Err(error) => panic!("{}: no JSON ({error}): {text}", self.request),
        }
    }

    /// The body of an answer that should have a certain status.
    ///
    /// # Panics
    ///
    /// Where it has another one.
    #[track_caller]
    pub fn expect_text(&self, status: u16) -> String {
        let text = self.text();
        assert_eq!(self.status, status, "{}: {text}", self.request);
        text
    }

    /// Checks that an answer has a certain status and no body.
    ///
    /// # Panics
    ///
    /// Where it has not.
    #[track_caller]
    pub fn expect_empty(&self, status: u16) {
        assert_eq!(self.expect_text(status), "", "{}", self.request);
    }

    /// Checks that an answer has one of these statuses.
    ///
    /// # Panics
    ///
    /// Where it has not.
    #[track_caller]
    pub fn expect_one_of(&self, statuses: &[u16]) {
        assert!(
            statuses.contains(&self.status),
            "{}: {}",
            self.request,
            self.text()
        );
    }

    /// The problem that an answer should report, checked for its form (RFC 9457).
    ///
    /// # Panics
    ///
    /// Where it reports another one, or in another form.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        let request = &self.request;
        assert_eq!(problem["code"], code, "{request}: {problem}");
        assert_eq!(problem["status"], status, "{request}: {problem}");
        for member in ["type", "title", "detail"] {
            let text = problem[member].as_str();
            assert!(
                text.is_some_and(|text| !text.is_empty()),
                "{request}: {problem}"
            );
        }
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{request}"
        );
        if status == 422 && code == "validation_failed" {
            let errors = problem["errors"].as_array();
            assert!(
                errors.is_some_and(|errors| !errors.is_empty()),
                "{request}: {problem}"
            );
        }
        problem
    }

    /// A header; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
