//! `fieldgate-server token NAME`: registers a device, by the running server where there is one.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Method, Request, header};
use fieldgate_core::Error;
use fieldgate_core::model::api_key::{KeyOwner, Scope};
use fieldgate_http_axum::{ApiOptions, Authenticator, Caller, router};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use zeroize::Zeroizing;

use crate::api_client::{Answer, ApiClient};
use crate::assembly::{Assembly, DevicePorts};
use crate::bootstrap;
use crate::cli::Token;
use crate::data_dir::{DataDir, Held};
use crate::failure::Failure;
use crate::private_file;
use crate::settings::{Settings, StorageUrl};
use crate::shell::program;

/// Mints a token; gives the text to print.
///
/// # Errors
///
/// [`Failure`] where the server or the storage is not there, or refuses.
pub(crate) async fn mint(
    settings: &Settings,
    wanted: &Token,
) -> Result<Zeroizing<String>, Failure> {
    if !settings.data_dir.join("ca").exists() {
        return Err(Failure::configuration(format!(
            "no server has run in {} yet: start it once, or name its directory by --data-dir",
            settings.data_dir.display()
        )));
    }
    match DataDir::hold(&settings.data_dir)? {
        Held::Elsewhere => {
            let client = ApiClient::find(&settings.data_dir)?;
            let https = wanted
                .server
                .as_deref()
                .unwrap_or(client.https())
                .to_owned();
            Ok(register(&Api::Server(client), wanted, &https).await?)
        }
        Held::Here(directory) => by_storage(settings, &directory, wanted).await,
    }
}

/// No server runs: opens the storage, and asks the same API without a socket between.
async fn by_storage(
    settings: &Settings,
    directory: &DataDir,
    wanted: &Token,
) -> Result<Zeroizing<String>, Failure> {
    if matches!(settings.storage, StorageUrl::Memory) {
        return Err(Failure::configuration(
            "with memory:// a token is gone when this command ends: start the server first",
        ));
    }
    let https = device_url(directory, wanted)?;
    let ports = DevicePorts {
        https: settings.https_listen.port(),
        mqtt: settings.mqtt_listen.port(),
    };
    let assembly = Assembly::make(settings, directory, ports).await?;
    let minted = by_assembly(&assembly, wanted, &https).await;
    assembly.storage.close().await;
    Ok(minted?)
}

/// Where the device reaches the server: the settings of this call need not be those that the server
/// ran with.
fn device_url(directory: &DataDir, wanted: &Token) -> Result<String, Failure> {
    if let Some(url) = &wanted.server {
        return Ok(url.clone());
    }
    let path = directory.device_url();
    let known = private_file::read(&path)
        .with_context(|| format!("{} cannot be read", path.display()))?
        .map(|url| url.trim().to_owned());
    known.ok_or_else(|| {
        Failure::configuration(
            "no server has been ready here yet, and the device has to be told where it is: start \
             it once, or say --server https://HOST:PORT",
        )
    })
}

async fn by_assembly(
    assembly: &Assembly,
    wanted: &Token,
    https: &str,
) -> anyhow::Result<Zeroizing<String>> {
    let fieldgate = &assembly.fieldgate;
    let organizations = fieldgate.organizations();
    let slug = bootstrap::SLUG.parse()?;
    let organization = organizations
        .organization_by_slug(&slug)
        .await
        .context("there is no organization `default` any more: use the API with a key of yours")?;
    let operator = Operator(KeyOwner::Organization(organization.id));
    let options = ApiOptions::new(fieldgate).authenticator(Arc::new(operator));
    let router = router(fieldgate.clone(), options);
    register(&Api::Storage(router), wanted, https).await
}

/// Whoever can open the storage needs no key.
#[derive(Clone, Copy, Debug)]
struct Operator(KeyOwner);

#[async_trait]
impl Authenticator for Operator {
    async fn authenticate(&self, _: &Parts) -> Result<Caller, Error> {
        Ok(Caller::new(self.0, Scope::ORGANIZATION))
    }
}

enum Api {
    Server(ApiClient),
    Storage(Router),
}

impl Api {
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let answer = match self {
            Self::Server(client) => client.send(method, path, body).await?,
            Self::Storage(router) => {
                let body = body.map(Value::to_string).unwrap_or_default();
                let request = Request::builder()
                    .method(method)
                    .uri(path)
                    .header(header::CONTENT_TYPE, "application/json")
                    .body(Body::from(body))?;
                let response = router.clone().oneshot(request).await?;
                let status = response.status();
                let body = response.into_body().collect().await?.to_bytes();
                let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
                Answer { status, body }
            }
        };
        answer.success()
    }
}

async fn register(api: &Api, wanted: &Token, https: &str) -> anyhow::Result<Zeroizing<String>> {
    let mut body = if wanted.again {
        json!({"deviceId": device_id(api, &wanted.name).await?})
    } else {
        json!({"deviceName": wanted.name})
    };
    if let Some(seconds) = wanted.expires_in {
        body["expiresInSeconds"] = seconds.into();
    }
    let path = "/api/v1/devices/registration/tokens";
    let registered = api.send(Method::POST, path, Some(&body)).await;
    let registered = registered.with_context(|| format!("no token for `{}`", wanted.name));
    let registered = registered.map_err(|error| {
        if format!("{error:#}").contains("device_name_taken") {
            return error.context("--again mints one for a device that is there");
        }
        error
    })?;
    let field = |name: &str| {
        let found = registered.get(name).and_then(Value::as_str);
        found.with_context(|| format!("the answer has no {name}"))
    };
    let (token, fingerprint) = (field("token")?, field("caFingerprintSha256")?);
    Ok(Zeroizing::new(format!(
        "Device:          {name} ({id})\n\
         Token:           {token}\n\
         Good until:      {until}, for one use\n\
         CA fingerprint:  {fingerprint}\n\
         \n\
         On the device, where the token stays out of the list of processes:\n\
         \n  FIELDGATE_TOKEN={token} \\\n    \
         {program} --server {https} \\\n    \
         --ca-fingerprint {fingerprint} \\\n    \
         --state ./{state}\n",
        program = program("fieldgate-device"),
        name = field("deviceName")?,
        id = field("deviceId")?,
        until = field("expiresAt")?,
        state = directory_name(field("deviceName")?),
    )))
}

async fn device_id(api: &Api, name: &str) -> anyhow::Result<String> {
    let word = name.split_whitespace().next().unwrap_or(name);
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/devices?limit=500&q={}{cursor}", encoded(word));
        let page = api.send(Method::GET, &path, None).await?;
        let items = page.get("items").and_then(Value::as_array);
        let found = items
            .into_iter()
            .flatten()
            .find(|device| device["name"] == name);
        if let Some(id) = found.and_then(|device| device["id"].as_str()) {
            return Ok(id.to_owned());
        }
        match page.get("nextCursor").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={}", encoded(next)),
            None => bail!("there is no device `{name}`: leave --again out to register it"),
        }
    }
}

/// A text as it stands in a query.
fn encoded(text: &str) -> String {
    let octet = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(octet).collect()
}

/// A name that needs no quotes in a shell.
fn directory_name(device: &str) -> String {
    let keep = |letter: char| {
        if letter.is_ascii_alphanumeric() || letter == '-' || letter == '_' {
            letter
        } else {
            '-'
        }
    };
    let name: String = device.chars().take(40).map(keep).collect();
    let name = name.trim_matches('-');
    if name.is_empty() {
        "device".to_owned()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_directories() {
        assert_eq!(directory_name("greenhouse-7"), "greenhouse-7");
        assert_eq!(directory_name("../../etc; rm -rf /"), "etc--rm--rf");
        assert_eq!(directory_name("温室"), "device");
    }

    #[test]
    fn queries_are_encoded() {
        assert_eq!(encoded("a&b=ü +"), "a%26b%3D%C3%BC%20%2B");
    }
}
