//! Making things: answers to POST, and repeating it.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::{Answer, Call, TOKENS, World, delete, get, post};

fn keyed(call: Call, key: &str, idempotency: &str, body: &Value) -> Call {
    call.key(key)
        .header("idempotency-key", idempotency)
        .json(body)
}

#[tokio::test]
async fn a_location_leads_to_what_was_made() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    for (path, body) in [
        ("devices", json!({"name": "x"})),
        (
            "components",
            json!({"deviceId": acme.ids["deviceId"], "key": "x"}),
        ),
        ("device-groups", json!({"name": "x", "selector": {}})),
        ("sites", json!({"name": "x"})),
    ] {
        let call = post(&format!("/api/v1/{path}")).key(&acme.key).json(&body);
        let made = world.send(call).await;
        let found = world
            .send(get(made.header("location").unwrap()).key(&acme.key))
            .await;
        assert_eq!(found.ok(200), made.ok(201));
        assert_eq!(found.header("etag"), made.header("etag"));
        assert_eq!(made.header("etag"), Some("\"1\""));
        assert_eq!(made.header("idempotency-replayed"), None);
    }
}

#[tokio::test]
async fn taken_names_are_conflicts() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let device = &acme.ids["deviceId"];
    for (path, body, code) in [
        (
            "devices",
            json!({"name": "acme device"}),
            "device_name_taken",
        ),
        (
            "devices/registration/tokens",
            json!({"deviceName": "acme device"}),
            "device_name_taken",
        ),
        (
            "components",
            json!({"deviceId": device, "key": "acme-part"}),
            "component_key_taken",
        ),
    ] {
        let call = post(&format!("/api/v1/{path}")).key(&acme.key).json(&body);
        world.send(call).await.problem(409, code);
    }
    let body = json!({"slug": "acme", "name": "x"});
    let call = post("/api/v1/organizations")
        .key(&world.server_key)
        .json(&body);
    world.send(call).await.problem(409, "slug_taken");
    for slug in ["api", "docs", "A", "x", "a b", "metrics"] {
        let body = json!({"slug": slug, "name": "x"});
        let call = post("/api/v1/organizations")
            .key(&world.server_key)
            .json(&body);
        assert_eq!(world.send(call).await.pointers(), ["/slug"], "{slug}");
    }
}

/// Every operation that makes something, and how.
fn posts(device: &str) -> Vec<(&'static str, Value, Value)> {
    vec![
        (
            "/api/v1/devices",
            json!({"name": "one"}),
            json!({"name": "two"}),
        ),
        (
            "/api/v1/components",
            json!({"deviceId": device, "key": "one"}),
            json!({"deviceId": device, "key": "two"}),
        ),
        (
            "/api/v1/device-groups",
            json!({"name": "one", "selector": {}}),
            json!({"name": "two", "selector": {}}),
        ),
        (
            "/api/v1/sites",
            json!({"name": "one"}),
            json!({"name": "two"}),
        ),
        (
            TOKENS,
            json!({"deviceName": "three"}),
            json!({"deviceName": "four"}),
        ),
        (
            "/api/v1/api-keys",
            json!({"name": "one", "scopes": ["admin"]}),
            json!({"name": "two", "scopes": ["admin"]}),
        ),
    ]
}

fn without_secrets(answer: &Answer) -> Value {
    let mut body = answer.ok(201);
    for name in ["token", "key", "adminKey"] {
        let is_secret = name != "key" || body.get("scopes").is_some();
        if is_secret && let Some(secret) = body.get_mut(name) {
            *secret = Value::Null;
        }
    }
    body
}

#[tokio::test]
async fn a_repeated_request_is_not_carried_out_again() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let count = async |path: &str| {
        let found = world
            .send(get(&format!("{path}?limit=500")).key(&acme.key))
            .await;
        found.ok(200)["items"].as_array().unwrap().len()
    };
    for (number, (path, body, other)) in posts(&acme.ids["deviceId"]).into_iter().enumerate() {
        let idempotency = format!("key-{number}");
        let send = async |body: &Value| {
            let call = keyed(post(path), &acme.key, &idempotency, body);
            world.send(call).await
        };
        let before = count(path).await;
        let first = send(&body).await;
        assert_eq!(first.header("idempotency-replayed"), None, "{path}");
        let again = send(&body).await;
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{path}");
        // To the letter, but for the secret, which is not repeated.
        assert_eq!(again.ok(201), without_secrets(&first), "{path}");
        assert_eq!(first.header("location"), again.header("location"));
        assert_eq!(first.header("etag"), again.header("etag"));
        assert_eq!(count(path).await, before + 1, "{path}");
        send(&other).await.problem(422, "idempotency_key_reused");
        assert_eq!(count(path).await, before + 1, "{path}");
        // Without a key, or with another one, it is another request.
        let call = keyed(post(path), &acme.key, &format!("other-{number}"), &other);
        let another = world.send(call).await;
        assert_eq!(another.header("idempotency-replayed"), None, "{path}");
        another.ok(201);
    }
}

#[tokio::test]
async fn organizations_are_made_once_too() {
    let world = World::new().await;
    let body = json!({"slug": "acme", "name": "Acme"});
    let send = async || {
        let call = keyed(
            post("/api/v1/organizations"),
            &world.server_key,
            "once",
            &body,
        );
        world.send(call).await
    };
    let first = send().await;
    let key = first.ok(201)["adminKey"].as_str().unwrap().to_owned();
    world.send(get("/api/v1/devices").key(&key)).await.ok(200);
    let again = send().await;
    assert_eq!(again.ok(201), without_secrets(&first));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert!(!again.text().contains(&key));
}

#[tokio::test]
async fn another_sender_and_another_path_have_keys_of_their_own() {
    let world = World::new().await;
    let (_, one) = world.organization("one").await;
    let (_, two) = world.organization("two").await;
    let body = json!({"name": "x"});
    let device = keyed(post("/api/v1/devices"), &one, "same", &body);
    let first = world.send(device).await.ok(201);
    let device = keyed(post("/api/v1/devices"), &two, "same", &body);
    let other = world.send(device).await;
    assert_eq!(other.header("idempotency-replayed"), None);
    assert_ne!(other.ok(201)["id"], first["id"]);
    let site = keyed(post("/api/v1/sites"), &one, "same", &body);
    world
        .send(site)
        .await
        .problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn a_failed_request_is_not_remembered() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    let call = |body: &Value| keyed(post("/api/v1/devices"), &key, "k", body);
    let answer = world.send(call(&json!({"name": ""}))).await;
    assert_eq!(answer.pointers(), ["/name"]);
    world.send(call(&json!({"name": "x"}))).await.ok(201);
}

#[tokio::test]
async fn what_was_made_and_deleted_since_is_gone() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    let body = json!({"name": "x"});
    let call = || keyed(post("/api/v1/devices"), &key, "k", &body);
    let made = world.send(call()).await.ok(201);
    let path = format!("/api/v1/devices/{}", made["id"].as_str().unwrap());
    world.send(delete(&path).key(&key)).await.ok(204);
    world.send(call()).await.problem(410, "resource_gone");
}

#[tokio::test]
async fn idempotency_keys_have_a_form() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    let long = "x".repeat(129);
    for wrong in ["", "a b", "ü", &long] {
        let call = keyed(post("/api/v1/devices"), &key, wrong, &json!({"name": "x"}));
        let answer = world.send(call).await;
        answer.problem(400, "idempotency_key_malformed");
    }
    let call = keyed(post("/api/v1/devices"), &key, "a", &json!({"name": "x"}));
    let twice = world.send(call.header("idempotency-key", "b")).await;
    twice.problem(400, "idempotency_key_malformed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_concurrent_twins_one_is_carried_out() {
    let world = Arc::new(World::new().await);
    let (_, key) = world.organization("acme").await;
    let twins = (0..16).map(|_| {
        let (world, key) = (Arc::clone(&world), key.clone());
        tokio::spawn(async move {
            let body = json!({"deviceName": "x"});
            world.send(keyed(post(TOKENS), &key, "k", &body)).await
        })
    });
    let mut tokens = 0;
    let mut devices = std::collections::BTreeSet::new();
    for twin in twins.collect::<Vec<_>>() {
        let answer = twin.await.unwrap();
        let body = answer.ok(201);
        devices.insert(body["deviceId"].as_str().unwrap().to_owned());
        tokens += usize::from(body["token"].is_string());
        let replayed = answer.header("idempotency-replayed");
        assert_eq!(replayed.is_none(), body["token"].is_string());
    }
    assert_eq!((devices.len(), tokens), (1, 1));
    let found = world.send(get("/api/v1/devices").key(&key)).await.ok(200);
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn registration_of_a_known_device_changes_nothing_else() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let register = async |body: Value| world.send(post(TOKENS).key(&acme.key).json(&body)).await;
    let id = &acme.ids["deviceId"];
    for (field, value) in [
        ("siteId", json!(acme.ids["siteId"])),
        ("tags", json!([])),
        ("location", json!({"latitude": 0, "longitude": 0})),
        ("metadata", json!({})),
        ("profile", json!("x@1.0")),
    ] {
        let mut body = json!({"deviceId": id});
        body[field] = value;
        assert_eq!(register(body).await.pointers(), [format!("/{field}")]);
    }
    let other_name = json!({"deviceId": id, "deviceName": "other"});
    assert_eq!(register(other_name).await.pointers(), ["/deviceName"]);
    assert_eq!(register(json!({})).await.pointers(), ["/deviceName"]);
    for (secs, fits) in [
        (59, false),
        (60, true),
        (2_592_000, true),
        (2_592_001, false),
    ] {
        let body = json!({"deviceId": id, "deviceName": "acme device", "expiresInSeconds": secs});
        let answer = register(body).await;
        match fits {
            true => assert_eq!(answer.ok(201)["deviceName"], "acme device"),
            false => assert_eq!(answer.pointers(), ["/expiresInSeconds"]),
        }
    }
    for secs in [json!(-1), json!(1.5), json!("60"), json!(1e30)] {
        let body = json!({"deviceName": "new", "expiresInSeconds": secs});
        assert_eq!(register(body).await.pointers(), ["/expiresInSeconds"]);
    }
    // One device has one token that can be redeemed.
    let found = world.send(get(TOKENS).key(&acme.key)).await.ok(200);
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn tokens_are_revoked_once() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let path = format!("{TOKENS}/{}", acme.ids["tokenId"]);
    world.send(delete(&path).key(&acme.key)).await.ok(204);
    world
        .send(delete(&path).key(&acme.key))
        .await
        .problem(404, "not_found");
    let used = format!("{TOKENS}?state=USED");
    let used = world.send(get(&used).key(&acme.key)).await.ok(200);
    let used = used["items"][0]["id"].as_str().unwrap();
    let used = delete(&format!("{TOKENS}/{used}")).key(&acme.key);
    world.send(used).await.problem(409, "token_used");
}
