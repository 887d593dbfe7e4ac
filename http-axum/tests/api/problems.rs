//! Every kind of error is a problem, and says no more than it should.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, request::Parts};
use fieldgate_core::Error;
use fieldgate_http_axum::{Authenticator, Caller};
use serde_json::json;

use crate::support::{World, call, delete, get, post, put};

#[tokio::test]
async fn paths_and_methods_that_there_are_not() {
    let world = World::new().await;
    for path in [
        "/api/v1",
        "/api/v1/",
        "/api/v1/none",
        "/api/v1/devices/",
        "/api/v1/ca/crl/x",
    ] {
        world.send(get(path)).await.problem(404, "not_found");
    }
    for path in [
        "/api/v1/devices/%00",
        "/api/v1/devices/%ff",
        "/api/v1/devices/..%2f..%2fetc",
    ] {
        let answer = world.send(get(path).key(&world.server_key)).await;
        assert!(matches!(answer.status.as_u16(), 403 | 404), "{path}");
    }
    let (_, key) = world.organization("acme").await;
    for path in [
        "/api/v1/devices/%00",
        "/api/v1/devices/%ff",
        "/api/v1/devices/..%2f..%2fetc",
    ] {
        world
            .send(get(path).key(&key))
            .await
            .problem(404, "not_found");
    }
    let answer = world.send(call(Method::PATCH, "/api/v1/devices")).await;
    answer.problem(405, "method_not_allowed");
    let allow: Vec<_> = answer.header("allow").unwrap().split(',').collect();
    assert!(allow.contains(&"GET") && allow.contains(&"POST") && !allow.contains(&"PUT"));
    let answer = world.send(call(Method::OPTIONS, "/api/v1/devices")).await;
    answer.problem(405, "method_not_allowed");
    let head = world.send(call(Method::HEAD, "/api/v1/ca/chain")).await;
    assert!(head.status == 200 && head.body.is_empty());
    let head = world.send(call(Method::HEAD, "/api/v1/devices")).await;
    assert_eq!(head.status, 401);
}

#[tokio::test]
async fn what_is_outside_is_the_hosts() {
    let world = World::new().await;
    let answer = world.send(get("/elsewhere")).await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("content-type"), None);
}

#[tokio::test]
async fn keys_of_every_wrong_kind() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    let (_, other) = world.organization("other").await;
    let answer = world.send(get("/api/v1/devices")).await;
    answer.problem(401, "key_missing");
    let prefix_of_one = &key[..20];
    let wrong_secret = format!("{prefix_of_one}{}", &other[20..]);
    let unknown = format!("sk_0123456789abcdef_{}", "A".repeat(43));
    let mut answers = Vec::new();
    for wrong in [
        "",
        "x",
        "sk_",
        "fgt1.x.y",
        &key[1..],
        &wrong_secret,
        &unknown,
    ] {
        let answer = world.send(get("/api/v1/devices").key(wrong)).await;
        answer.problem(401, "key_invalid");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer "), "{challenge}");
        answers.push(answer.without_request_id());
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    for value in [format!("Basic {key}"), key.clone(), "Bearer".to_owned()] {
        let answer = get("/api/v1/devices").header("authorization", &value);
        world.send(answer).await.problem(401, "key_invalid");
    }
    let twice = get("/api/v1/devices").key(&key).key(&key);
    world.send(twice).await.problem(401, "key_invalid");
    let lower = get("/api/v1/devices").header("authorization", &format!("bearer {key}"));
    world.send(lower).await.ok(200);
    let in_query = get(&format!("/api/v1/devices?access_token={key}"));
    world.send(in_query).await.problem(401, "key_missing");
}

#[tokio::test]
async fn a_key_that_is_revoked_or_expired_is_worth_nothing_at_once() {
    let world = World::new().await;
    let (_, admin) = world.organization("acme").await;
    let mint = async |body| {
        let made = post("/api/v1/api-keys").key(&admin).json(&body);
        let made = world.send(made).await.ok(201);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (text("id"), text("key"))
    };
    let (id, key) = mint(json!({"name": "one", "scopes": ["devices:read"]})).await;
    world.send(get("/api/v1/devices").key(&key)).await.ok(200);
    let path = format!("/api/v1/api-keys/{id}");
    world.send(delete(&path).key(&admin)).await.ok(204);
    let answer = world.send(get("/api/v1/devices").key(&key)).await;
    answer.problem(401, "key_invalid");
    world
        .send(delete(&path).key(&admin))
        .await
        .problem(404, "not_found");

    let body = json!({
        "name": "two",
        "scopes": ["devices:read"],
        "expiresAt": "2026-06-15T14:01:00.123+02:00",
    });
    let (_, key) = mint(body).await;
    world.advance(59);
    world.send(get("/api/v1/devices").key(&key)).await.ok(200);
    world.advance(1);
    let answer = world.send(get("/api/v1/devices").key(&key)).await;
    answer.problem(401, "key_invalid");
}

#[tokio::test]
async fn a_key_mints_no_more_than_it_may_itself() {
    let world = World::new().await;
    let (_, admin) = world.organization("acme").await;
    let mint = async |key: &str, scopes: &[&str]| {
        let body = json!({"name": "key", "scopes": scopes});
        world
            .send(post("/api/v1/api-keys").key(key).json(&body))
            .await
    };
    let made = mint(&admin, &["admin", "data:read"]).await.ok(201);
    let key = made["key"].as_str().unwrap();
    let problem = mint(key, &["data:read", "devices:read"])
        .await
        .problem(403, "forbidden");
    assert!(problem["detail"].as_str().unwrap().contains("devices:read"));
    mint(key, &["data:read"]).await.ok(201);
    assert_eq!(mint(&admin, &["server"]).await.pointers(), ["/scopes"]);
    assert_eq!(mint(&admin, &[]).await.pointers(), ["/scopes"]);
    assert_eq!(
        mint(&admin, &["admin", "none"]).await.pointers(),
        ["/scopes/1"]
    );
    mint(&world.server_key, &["server"]).await.ok(201);
    assert_eq!(
        mint(&world.server_key, &["admin"]).await.pointers(),
        ["/scopes"]
    );
    let expired = json!({"name": "key", "scopes": ["admin"], "expiresAt": "2020-01-01T00:00:00Z"});
    let answer = post("/api/v1/api-keys").key(&admin).json(&expired);
    assert_eq!(world.send(answer).await.pointers(), ["/expiresAt"]);
}

#[tokio::test]
async fn a_key_mints_none_that_outlives_it_and_the_last_one_stays() {
    let world = World::new().await;
    let (_, admin) = world.organization("acme").await;
    let mint = async |key: &str, end: Option<&str>| {
        let body = json!({"name": "key", "scopes": ["admin"]});
        let mut body = body.as_object().unwrap().clone();
        body.extend(end.map(|end| ("expiresAt".to_owned(), json!(end))));
        let call = post("/api/v1/api-keys").key(key).json(&json!(body));
        world.send(call).await
    };
    let brief = mint(&admin, Some("2026-06-15T13:00:00Z")).await.ok(201);
    let key = brief["key"].as_str().unwrap();
    for longer in [None, Some("2026-06-15T13:00:00.001Z")] {
        mint(key, longer).await.problem(403, "forbidden");
    }
    mint(key, Some("2026-06-15T13:00:00Z")).await.ok(201);

    world.advance(3600);
    let keys = world.send(get("/api/v1/api-keys").key(&admin)).await;
    let keys = keys.ok(200)["items"].clone();
    let mut keys = keys.as_array().unwrap().iter();
    let first = keys.find(|key| key.get("expiresAt").is_none()).unwrap();
    let path = format!("/api/v1/api-keys/{}", first["id"].as_str().unwrap());
    let revoked = world.send(delete(&path).key(&admin)).await;
    revoked.problem(409, "last_admin_key");
    let body = json!({"name": "key", "scopes": ["devices:read"]});
    let changed = world.send(put(&path).key(&admin).json(&body)).await;
    changed.problem(409, "last_admin_key");
}

#[tokio::test]
async fn minting_for_a_known_device_needs_two_scopes() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let path = "/api/v1/api-keys";
    let body = json!({"name": "key", "scopes": ["tokens:write"]});
    let made = world
        .send(post(path).key(&acme.key).json(&body))
        .await
        .ok(201);
    let key = made["key"].as_str().unwrap();
    let tokens = crate::support::TOKENS;
    let known = json!({"deviceId": acme.ids["deviceId"]});
    let answer = world.send(post(tokens).key(key).json(&known)).await;
    let problem = answer.problem(403, "forbidden");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("devices:write")
    );
    let new = json!({"deviceName": "new"});
    world.send(post(tokens).key(key).json(&new)).await.ok(201);
}

#[tokio::test]
async fn request_ids_come_back_where_they_are_sane() {
    let world = World::new().await;
    let call = || get("/api/v1/ca/chain");
    let answer = world
        .send(call().header("x-request-id", "Trace-1_2.3"))
        .await;
    assert_eq!(answer.header("x-request-id"), Some("Trace-1_2.3"));
    let long = "x".repeat(65);
    for id in ["", "a b", "a\"b", "<script>", &long] {
        let answer = world.send(call().header("x-request-id", id)).await;
        let given = answer.header("x-request-id").unwrap();
        assert!(given != id && given.len() == 36, "{given}");
    }
    let ids = [world.send(call()).await, world.send(call()).await];
    assert_ne!(ids[0].header("x-request-id"), ids[1].header("x-request-id"));
    let problem = get("/api/v1/none").header("x-request-id", "mine");
    let problem = world.send(problem).await.problem(404, "not_found");
    assert_eq!(problem["requestId"], "mine");
}

#[tokio::test]
async fn every_answer_has_the_headers_that_protect_its_reader() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    for call in [
        get("/api/v1/devices").key(&key),
        get("/api/v1/none"),
        get("/api/v1/ca/chain"),
    ] {
        let answer = world.send(call).await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        let policy = answer.header("content-security-policy").unwrap();
        assert_eq!(policy, "default-src 'none'; frame-ancestors 'none'");
        assert!(answer.header("cache-control").is_some());
        assert!(answer.header("access-control-allow-origin").is_none());
    }
    let answer = world.send(get("/api/v1/devices").key(&key)).await;
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
}

/// Does what its name says.
#[derive(Clone, Copy, Debug)]
enum Broken {
    Fails,
    Never,
    Panics,
    Unavailable,
}

#[async_trait::async_trait]
impl Authenticator for Broken {
    async fn authenticate(&self, _: &Parts) -> Result<Caller, Error> {
        let source = "/var/lib/fieldgate.db: disk I/O error: SELECT secret";
        match self {
            Self::Fails => Err(Error::Internal {
                source: source.into(),
            }),
            Self::Never => std::future::pending().await,
            Self::Panics => panic!("{source}"),
            Self::Unavailable => Err(Error::Unavailable {
                retry_after: Duration::from_millis(1500),
                source: source.into(),
            }),
        }
    }
}

async fn broken(how: Broken, status: u16, code: &str) -> crate::support::Answer {
    let world = World::with(|mut options| {
        options.authenticator = Arc::new(how);
        options.request_timeout = Duration::from_millis(20);
        options
    });
    let answer = world.await.send(get("/api/v1/devices")).await;
    answer.problem(status, code);
    for inside in ["disk", "SELECT", "/var", "secret", "panick"] {
        assert!(!answer.text().contains(inside), "{}", answer.text());
    }
    answer
}

#[tokio::test]
async fn faults_of_the_server_say_nothing_of_its_inside() {
    broken(Broken::Fails, 500, "internal").await;
    broken(Broken::Panics, 500, "internal").await;
    let answer = broken(Broken::Unavailable, 503, "unavailable").await;
    assert_eq!(answer.header("retry-after"), Some("2"));
}

#[tokio::test]
async fn a_request_that_takes_too_long_ends() {
    let answer = broken(Broken::Never, 503, "timeout").await;
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test]
async fn changes_of_the_status_follow_the_rules() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let set = async |id: &str, status: &str| {
        let body = json!({"name": format!("device {id}"), "status": status});
        let path = format!("/api/v1/devices/{id}");
        world.send(put(&path).key(&acme.key).json(&body)).await
    };
    let made = post("/api/v1/devices")
        .key(&acme.key)
        .json(&json!({"name": "new"}));
    let new = world.send(made).await.ok(201)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(set(&new, "PENDING").await.ok(200)["status"], "PENDING");
    assert_eq!(set(&new, "OFFLINE").await.pointers(), ["/status"]);
    assert_eq!(set(&new, "asleep").await.pointers(), ["/status"]);
    set(&new, "MAINTENANCE")
        .await
        .problem(409, "device_never_connected");
    assert_eq!(set(&new, "INACTIVE").await.ok(200)["status"], "INACTIVE");
    assert_eq!(set(&new, "ACTIVE").await.ok(200)["status"], "PENDING");

    let live = &acme.ids["deviceId"];
    let device = set(live, "MAINTENANCE").await.ok(200);
    assert_eq!(
        (&device["status"], &device["online"]),
        (&json!("MAINTENANCE"), &json!(true))
    );
    assert_eq!(set(live, "ACTIVE").await.ok(200)["status"], "ACTIVE");
    assert!(!acme.session.is_ended());
    let device = set(live, "INACTIVE").await.ok(200);
    assert_eq!(
        (&device["status"], &device["online"]),
        (&json!("INACTIVE"), &json!(false))
    );
    assert!(acme.session.is_ended());
    assert_eq!(set(live, "ACTIVE").await.ok(200)["status"], "OFFLINE");
}
