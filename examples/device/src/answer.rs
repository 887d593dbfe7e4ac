//! How the device asks the server over HTTP, and reads what it answers.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::{RequestBuilder, StatusCode};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// An HTTP client that goes nowhere but where it is sent.
pub(crate) fn http() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
}

/// Sends a request and reads the answer, which is never long.
pub(crate) async fn ask(request: RequestBuilder) -> Result<(StatusCode, String)> {
    let sent = request.send().await;
    let mut answer = sent.context("the server is not reached")?;
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await? {
        body.extend_from_slice(&part);
        ensure!(body.len() <= ANSWER_MAX, "the answer is too long");
    }
    Ok((answer.status(), String::from_utf8(body)?))
}

/// The last certificate of a chain in PEM.
pub(crate) fn root_of(chain: &str) -> Result<CertificateDer<'static>> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
    match chain {
        Ok(mut chain) if !chain.is_empty() => Ok(chain.remove(chain.len() - 1)),
        _ => bail!("the CA chain is no PEM"),
    }
}

/// The SHA-256 of a certificate, in hexadecimal.
pub(crate) fn fingerprint(certificate: &[u8]) -> String {
    let digest = Sha256::digest(certificate);
    digest.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// A text in an answer.
pub(crate) fn text<'a>(answer: &'a Value, pointer: &str) -> Result<&'a str> {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    found.with_context(|| format!("the server's answer has no {pointer}"))
}

const TIMEOUT: Duration = Duration::from_secs(20);
const ANSWER_MAX: usize = 256 * 1024;
