//! A host application that mounts the API of Fieldgate beside its own routes, with its own
//! authentication. Everything is in memory, and no device can connect: `examples/server` shows how
//! a host listens with TLS and MQTT.
//!
//! ```sh
//! cargo run -p fieldgate-embed
//! curl http://127.0.0.1:8090/
//! curl -H 'X-Demo-User: alice' http://127.0.0.1:8090/api/v1/devices
//! ```

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use axum::Router;
use axum::http::request::Parts;
use axum::routing::get;
use fieldgate_core::ca::key_store::MemoryKeyStore;
use fieldgate_core::model::api_key::{KeyOwner, Scope};
use fieldgate_core::model::id::OrganizationId;
use fieldgate_core::service::Addresses;
use fieldgate_core::storage::{MemoryStorage, ServerProof};
use fieldgate_core::{Error, Fieldgate};
use fieldgate_http_axum::{ApiOptions, Authenticator, Caller, KEY_MISSING, api};

/// Takes the host's word for who is asking. FOR THIS DEMONSTRATION ONLY: a real host checks its
/// own session, token or client certificate here. Anybody can send a header.
#[derive(Debug)]
struct DemoAuthenticator {
    organization: OrganizationId,
}

#[async_trait]
impl Authenticator for DemoAuthenticator {
    async fn authenticate(&self, parts: &Parts) -> Result<Caller, Error> {
        let refused = |code| Error::Unauthorized {
            code,
            detail: "log in first: this demonstration knows `X-Demo-User: alice`".to_owned(),
        };
        match parts.headers.get("x-demo-user").map(|user| user.as_bytes()) {
            Some(b"alice") => {
                let owner = KeyOwner::Organization(self.organization);
                Ok(Caller::new(owner, Scope::ORGANIZATION))
            }
            Some(_) => Err(refused("user_unknown")),
            // Who shows nothing is told so, and does not count as somebody who guesses.
            None => Err(refused(KEY_MISSING)),
        }
    }
}

/// The host's routes and Fieldgate's in one router.
async fn application() -> anyhow::Result<Router> {
    let fieldgate = Fieldgate::builder()
        .storage(Arc::new(MemoryStorage::default()))
        .key_store(Arc::new(MemoryKeyStore::new()))
        .addresses(Addresses {
            provision_endpoint: "https://host.example/api/v1/devices/provision".to_owned(),
            mqtt_host: "host.example".to_owned(),
            mqtt_port: 8883,
        })
        .build()
        .await?;
    let (slug, name) = ("acme".parse()?, "Acme".parse()?);
    let organizations = fieldgate.organizations();
    let created = organizations
        .create(ServerProof::vouch(), slug, name, None)
        .await?;
    let organization = created.organization.id;
    let options =
        ApiOptions::new(&fieldgate).authenticator(Arc::new(DemoAuthenticator { organization }));
    let (routes, _openapi) = api(fieldgate, options);
    let own = Router::new().route("/", get(async || "The host's own page.\n"));
    Ok(own.merge(routes))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let application = application().await?;
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 8090)).await;
    let listener = listener.context("127.0.0.1:8090 is taken")?;
    writeln!(std::io::stdout(), "http://{}", listener.local_addr()?)?;
    axum::serve(listener, application).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, StatusCode, header};
    use tower::ServiceExt as _;

    use super::*;

    async fn status(path: &str, user: Option<&str>, body: Option<&str>) -> StatusCode {
        answer(path, user, body).await.0
    }

    async fn answer(path: &str, user: Option<&str>, body: Option<&str>) -> (StatusCode, String) {
        let mut request = Request::builder().uri(path);
        if let Some(user) = user {
            request = request.header("x-demo-user", user);
        }
        let request = match body {
            Some(body) => request
                .method("POST")
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_owned())),
            None => request.body(Body::empty()),
        };
        let application = application().await.unwrap();
        let response = application.oneshot(request.unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 64 * 1024).await.unwrap();
        (parts.status, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn the_hosts_own_routes_are_there() {
        assert_eq!(status("/", None, None).await, StatusCode::OK);
    }

    #[tokio::test]
    async fn the_hosts_users_use_the_api() {
        let path = "/api/v1/devices/registration/tokens";
        let body = r#"{"deviceName": "greenhouse-7"}"#;
        assert_eq!(
            status(path, Some("alice"), Some(body)).await,
            StatusCode::CREATED
        );
        assert_eq!(
            status("/api/v1/devices", Some("alice"), None).await,
            StatusCode::OK
        );
    }

    #[tokio::test]
    async fn nobody_else_does() {
        for (user, code) in [(None, KEY_MISSING), (Some("bob"), "user_unknown")] {
            let (status, text) = answer("/api/v1/devices", user, None).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED);
            assert!(text.contains(code), "{text}");
        }
        // Public, as devices need it.
        assert_eq!(status("/api/v1/ca/chain", None, None).await, StatusCode::OK);
    }
}
