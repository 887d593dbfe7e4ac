//! Asks the running server, by its API, on behalf of the operator at the machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::http::{Method, Request, StatusCode, header};
use bytes::Bytes;
use fieldgate_core::model::secret::SecretText;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use crate::data_dir;
use crate::private_file;

/// The API of the server that holds a data directory.
pub(crate) struct ApiClient {
    address: SocketAddr,
    key: SecretText,
    key_file: PathBuf,
    https: String,
}

/// An answer of the API.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

/// What the running server leaves in the data directory, so that it is found.
pub(crate) fn address_file(http: SocketAddr, https: &str) -> String {
    json!({"http": reachable(http).to_string(), "https": https}).to_string()
}

/// An address by which this machine reaches a listener.
pub(crate) const fn reachable(listener: SocketAddr) -> SocketAddr {
    let address = match listener.ip() {
        IpAddr::V4(v4) if v4.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(v6) if v6.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        address => address,
    };
    SocketAddr::new(address, listener.port())
}

impl ApiClient {
    /// Finds the server that holds the data directory, and the key for it.
    ///
    /// The address is one that the holder itself wrote: a directory that is taken over loses the
    /// old one, so that the key never goes to whoever listens there today.
    pub(crate) fn find(data_dir: &Path) -> anyhow::Result<Self> {
        Self::find_as(data_dir, &data_dir::admin_key(data_dir))
    }

    /// The same with the key in another file.
    pub(crate) fn find_as(data_dir: &Path, key_file: &Path) -> anyhow::Result<Self> {
        let address_file = data_dir::address_file(data_dir);
        let text = private_file::read(&address_file)
            .with_context(|| format!("{} cannot be read", address_file.display()))?
            .context("the data directory is in use, but no server is ready there: try again")?;
        let file: Value = serde_json::from_str(&text).context("server.json is damaged")?;
        let field = |name: &str| file.get(name).and_then(Value::as_str);
        let address = field("http").and_then(|http| http.parse().ok());
        let key = private_file::read(key_file)
            .with_context(|| format!("{} cannot be read", key_file.display()))?
            .with_context(|| format!("there is no key in {}", key_file.display()))?;
        Ok(Self {
            address: address.context("server.json is damaged")?,
            key: SecretText::new(key.trim().to_owned()),
            key_file: key_file.to_owned(),
            https: field("https").context("server.json is damaged")?.to_owned(),
        })
    }

    /// The URL by which devices reach the server.
    pub(crate) fn https(&self) -> &str {
        &self.https
    }

    /// Sends a request and reads the answer.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let exchange = self.exchange(method, path, body);
        let answer = tokio::time::timeout(TIMEOUT, exchange)
            .await
            .context("the running server does not answer")??;
        self.taken(answer)
    }

    /// Sends a request whose answer may take as long as the storage is large.
    pub(crate) async fn work(&self, path: &str) -> anyhow::Result<Answer> {
        let answer = self.exchange(Method::POST, path, None).await?;
        self.taken(answer)
    }

    /// The answer, unless it is that the key is not taken.
    fn taken(&self, answer: Answer) -> anyhow::Result<Answer> {
        if answer.status == StatusCode::UNAUTHORIZED {
            bail!(
                "the server does not take the key in {}: it has been revoked or has ended. Write \
                 another one for the same into that file",
                self.key_file.display()
            );
        }
        Ok(answer)
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let stream = TcpStream::connect(self.address)
            .await
            .with_context(|| format!("the running server is not reached at {}", self.address))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let bearer = Zeroizing::new(format!("Bearer {}", self.key.as_str()));
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.address.to_string())
            .header(header::AUTHORIZATION, bearer.as_str());
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.body(Full::new(Bytes::from(body)))?;
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_MAX)
            .collect()
            .await;
        drop(sender);
        connection.abort();
        let Ok(body) = body else {
            bail!("the running server's answer cannot be read");
        };
        let body = serde_json::from_slice(&body.to_bytes()).unwrap_or(Value::Null);
        Ok(Answer { status, body })
    }
}

impl Answer {
    /// The body, or what the server said instead.
    pub(crate) fn success(self) -> anyhow::Result<Value> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        let text = |name: &str| self.body.get(name).and_then(Value::as_str);
        match (text("detail"), text("code")) {
            (Some(detail), Some(code)) => bail!("the server refuses: {detail} ({code})"),
            _ => bail!("the server answers {}", self.status),
        }
    }
}

const TIMEOUT: Duration = Duration::from_secs(30);
const ANSWER_MAX: usize = 1024 * 1024;
