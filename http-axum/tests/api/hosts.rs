//! What a host can do with the router: nest it, merge it, bring its own authenticator.

use std::sync::Arc;

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get as route;
use fieldgate_core::Error;
use fieldgate_core::model::api_key::{KeyOwner, Scope};
use fieldgate_core::model::id::OrganizationId;
use fieldgate_http_axum::{Authenticator, Caller, KEY_MISSING};
use serde_json::json;

use crate::support::{World, get, post};

/// The host's own session, in a header.
#[derive(Debug)]
struct HostSession {
    organization: OrganizationId,
}

#[async_trait::async_trait]
impl Authenticator for HostSession {
    async fn authenticate(&self, parts: &Parts) -> Result<Caller, Error> {
        let user = parts.headers.get("x-user").map(|user| user.as_bytes());
        let refused = |code| Error::Unauthorized {
            code,
            detail: "log in".to_owned(),
        };
        match user {
            None => Err(refused(KEY_MISSING)),
            Some(b"reader") => Ok(Caller::new(
                KeyOwner::Organization(self.organization),
                [Scope::DevicesRead],
            )),
            Some(_) => Err(refused("user_unknown")),
        }
    }
}

#[tokio::test]
async fn a_host_brings_its_own_authenticator() {
    let plain = World::new().await;
    let (organization, _) = plain.organization("acme").await;
    let session = Arc::new(HostSession { organization });
    let options = fieldgate_http_axum::ApiOptions::new(&plain.fieldgate).authenticator(session);
    let (router, _) = fieldgate_http_axum::api(plain.fieldgate.clone(), options);
    let send = async |call: crate::support::Call| call.send(&router).await;
    let as_reader = || get("/api/v1/devices").header("x-user", "reader");
    send(as_reader()).await.ok(200);
    let create = post("/api/v1/devices")
        .header("x-user", "reader")
        .json(&json!({"name": "x"}));
    send(create).await.problem(403, "forbidden");
    send(get("/api/v1/devices"))
        .await
        .problem(401, "key_missing");
    let stranger = get("/api/v1/devices").header("x-user", "stranger");
    send(stranger).await.problem(401, "user_unknown");
}

#[tokio::test]
async fn the_router_stands_beside_the_hosts_routes() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    let host = Router::new()
        .route("/", route(|| async { "host" }))
        .fallback(|| async { "the host's own fallback" })
        .merge(world.router.clone());
    assert_eq!(get("/").send(&host).await.text(), "host");
    assert_eq!(
        get("/none").send(&host).await.text(),
        "the host's own fallback"
    );
    get("/api/v1/none")
        .send(&host)
        .await
        .problem(404, "not_found");
    get("/api/v1/devices").key(&key).send(&host).await.ok(200);
}

#[tokio::test]
async fn the_router_works_under_a_prefix() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    let host = Router::new().nest("/iot", world.router.clone());
    let made = post("/iot/api/v1/devices")
        .key(&key)
        .json(&json!({"name": "x"}));
    let made = made.send(&host).await;
    made.ok(201);
    let location = made.header("location").unwrap();
    assert!(location.starts_with("/iot/api/v1/devices/"), "{location}");
    let found = get(location).key(&key).send(&host).await;
    assert_eq!(found.ok(200), made.ok(201));
    let page = get("/iot/docs").send(&host).await;
    assert_eq!(page.header("location"), Some("/iot/docs/"));
    get("/iot/api/v1/none")
        .send(&host)
        .await
        .problem(404, "not_found");
    let crl = world.fieldgate.certificates().issuer_key_id();
    let crl = get(&format!("/iot/api/v1/ca/crl/{crl}.crl"))
        .send(&host)
        .await;
    assert_eq!(crl.status, 200);
}

#[tokio::test]
async fn a_host_puts_its_own_routes_into_the_frame() {
    let world = World::new().await;
    let own = Router::new()
        .route("/own", route(|| async { "own" }))
        .fallback(|| async {
            let status = axum::http::StatusCode::NOT_FOUND;
            fieldgate_http_axum::problem(status, "nothing_here", "look elsewhere")
        })
        .merge(world.router.clone());
    let host = fieldgate_http_axum::framed(own, &world.fieldgate);
    let own = get("/own").send(&host).await;
    assert_eq!(own.text(), "own");
    assert_eq!(own.header("x-frame-options"), Some("DENY"));
    get("/none").send(&host).await.problem(404, "nothing_here");
    let wrong = post("/own").send(&host).await;
    wrong.problem(405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), Some("GET,HEAD"));
    // The API's own answers have one id, not two.
    get("/api/v1/none")
        .send(&host)
        .await
        .problem(404, "not_found");
}
