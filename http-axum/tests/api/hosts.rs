//! What a host can do with the router: nest it, merge it, bring its own authenticator.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::request::Parts;
use axum::routing::get as route;
use fieldgate_core::Error;
use fieldgate_core::model::api_key::{KeyOwner, Scope};
use fieldgate_core::model::id::OrganizationId;
use fieldgate_http_axum::access::Access;
use fieldgate_http_axum::{ApiOptions, Authenticator, Caller, KEY_MISSING, api, framed, guarded};
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
            Some(b"anybody in the dark") => Err(Error::Unavailable {
                retry_after: Duration::from_secs(2),
                source: "the sessions cannot be read".into(),
            }),
            Some(_) => Err(refused("user_unknown")),
        }
    }
}

#[tokio::test]
async fn a_host_brings_its_own_authenticator() {
    let plain = World::new().await;
    let (organization, _) = plain.organization("acme").await;
    let session = Arc::new(HostSession { organization });
    let options = ApiOptions::new(&plain.fieldgate).authenticator(session);
    let (router, _) = api(plain.fieldgate.clone(), options);
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
    let host = framed(own, &world.fieldgate);
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

#[tokio::test]
async fn routes_of_a_hosts_own_are_guarded_as_those_of_the_api() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    let mut options = ApiOptions::new(&world.fieldgate);
    options.failed_per_minute = 2;
    let own = Router::new().route("/own", route(async || "reached"));
    let own = guarded(own, Access::Server, &options);
    let (router, _) = api(world.fieldgate.clone(), options);
    let router = framed(router.merge(own), &world.fieldgate);
    let wrong = async |path: &str, address: &str| {
        let call = get(path).key("sk_wrong").from(address);
        call.send(&router).await
    };
    for _ in 0..3 {
        let missing = get("/own").from("192.0.2.1").send(&router).await;
        missing.problem(401, "key_missing");
        let forbidden = get("/own").key(&key).from("192.0.2.1");
        forbidden.send(&router).await.problem(403, "forbidden");
    }
    for path in ["/own", "/api/v1/devices"] {
        let first = wrong(path, "192.0.2.1").await;
        first.problem(401, "key_invalid");
    }
    for path in ["/own", "/api/v1/devices"] {
        let limited = wrong(path, "192.0.2.1").await;
        limited.problem(429, "too_many_failures");
    }
    wrong("/own", "192.0.2.2").await.problem(401, "key_invalid");
    let right = get("/own").key(&world.server_key).from("192.0.2.1");
    assert_eq!(right.send(&router).await.text(), "reached");
}

#[tokio::test]
async fn who_cannot_be_known_for_now_is_not_told_to_be_wrong() {
    let world = World::new().await;
    let (organization, _) = world.organization("acme").await;
    let session = Arc::new(HostSession { organization });
    let options = ApiOptions::new(&world.fieldgate).authenticator(session);
    let own = Router::new().route("/own", route(async || "reached"));
    let own = guarded(own, Access::Scopes(&[Scope::DevicesRead]), &options);
    let router = framed(own, &world.fieldgate);
    let send = async |user: &str| get("/own").header("x-user", user).send(&router).await;
    assert_eq!(send("reader").await.text(), "reached");
    let unknown = send("anybody in the dark").await;
    unknown.problem(503, "unavailable");
    assert_eq!(unknown.header("retry-after"), Some("2"));
}
