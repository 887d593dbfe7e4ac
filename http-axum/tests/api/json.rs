//! Bodies that are hostile, or just wrong: a clear answer, and nothing has changed.

use serde_json::{Value, json};

use crate::support::{Answer, World, get, post};

async fn create(world: &World, key: &str, body: impl Into<axum::body::Bytes>) -> Answer {
    world
        .send(post("/api/v1/devices").key(key).text(body))
        .await
}

async fn count(world: &World, key: &str) -> u64 {
    let summary = world.send(get("/api/v1/devices/summary").key(key)).await;
    summary.ok(200)["total"].as_u64().unwrap()
}

#[tokio::test]
async fn what_is_no_proper_json_is_400() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    let deep_array = format!("{{\"name\":\"x\",\"metadata\":{}", "[".repeat(60_000));
    let deep_object = format!("{{\"name\":\"x\",\"metadata\":{}", "{\"a\":".repeat(10_000));
    let level = |depth| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    let too_deep = format!("{{\"name\":\"x\",\"metadata\":{}}}", level(32));
    let texts: [&[u8]; 14] = [
        b"",
        b"{",
        b"nonsense",
        b"{\"name\":\"x\"}{}",
        b"{\"name\":\"x\",\"name\":\"y\"}",
        b"{\"name\":\"x\",\"metadata\":{\"a\":{\"b\":1,\"b\":2}}}",
        b"{\"name\":\"x\",\"metadata\":{\"a\":1e400}}",
        b"{\"name\":\"x\",\"location\":{\"latitude\":-1e999,\"longitude\":0}}",
        b"{\"name\":\"x\",\"location\":{\"latitude\":NaN,\"longitude\":0}}",
        b"{\"name\":\"\\ud800\"}",
        b"{\"name\":\"\xff\xfe\"}",
        deep_array.as_bytes(),
        deep_object.as_bytes(),
        too_deep.as_bytes(),
    ];
    for text in texts {
        let answer = create(&world, &key, text.to_vec()).await;
        answer.problem(400, "json_malformed");
        assert!(answer.body.len() < 1000);
    }
    assert_eq!(count(&world, &key).await, 0);
    let deep = format!("{{\"name\":\"x\",\"metadata\":{}}}", level(16));
    create(&world, &key, deep).await.ok(201);
}

#[tokio::test]
async fn large_bodies_are_413() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    for size in [64 * 1024 + 1, 10_000_000] {
        let body = vec![b' '; size];
        create(&world, &key, body)
            .await
            .problem(413, "body_too_large");
        // Also where the length is not announced truthfully.
        let body = vec![b' '; size];
        let call = post("/api/v1/devices")
            .key(&key)
            .header("content-length", "2");
        let answer = world.send(call.text(body)).await;
        answer.problem(413, "body_too_large");
    }
    let provision = post("/api/v1/devices/provision").text(vec![b' '; 32 * 1024 + 1]);
    world.send(provision).await.problem(413, "body_too_large");
    let announced = post("/api/v1/devices")
        .key(&key)
        .header("content-length", "99999999");
    let answer = world.send(announced.text("{}")).await;
    answer.problem(413, "body_too_large");
    let many = format!(
        "{{\"name\":\"x\",\"tags\":[{}\"a\"]}}",
        "\"a\",".repeat(15_000)
    );
    create(&world, &key, many).await.ok(201);
    assert_eq!(count(&world, &key).await, 1);
}

#[tokio::test]
async fn bodies_of_another_type_are_415() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    let body = json!({"name": "x"}).to_string();
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "",
    ] {
        let call = post("/api/v1/devices").key(&key).body(body.clone());
        let answer = world.send(call.header("content-type", media_type)).await;
        answer.problem(415, "unsupported_media_type");
    }
    let none = post("/api/v1/devices").key(&key).body(body.clone());
    world
        .send(none)
        .await
        .problem(415, "unsupported_media_type");
    let packed = post("/api/v1/devices").key(&key).text(body.clone());
    let packed = packed.header("content-encoding", "gzip");
    world
        .send(packed)
        .await
        .problem(415, "unsupported_media_type");
    assert_eq!(count(&world, &key).await, 0);
    let call = post("/api/v1/devices").key(&key).body(body);
    let charset = call.header("content-type", "Application/JSON; charset=utf-8");
    world.send(charset).await.ok(201);
}

#[tokio::test]
async fn a_large_head_is_431() {
    let world = World::new().await;
    let long = "x".repeat(33 * 1024);
    let header = get("/api/v1/ca/chain").header("x-long", &long);
    world.send(header).await.problem(431, "head_too_large");
    let query = get(&format!("/api/v1/ca/chain?{long}"));
    world.send(query).await.problem(431, "head_too_large");
}

#[tokio::test]
async fn unknown_fields_are_named() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    for (path, body, pointer) in [
        ("devices", json!({"name": "x", "color": 1}), "/color"),
        (
            "devices",
            json!({"name": "x", "organizationId": "x"}),
            "/organizationId",
        ),
        (
            "devices",
            json!({"name": "x", "status": "ACTIVE"}),
            "/status",
        ),
        (
            "devices",
            json!({"name": "x", "location": {"latitude": 0, "longitude": 0, "a/b": 1}}),
            "/location/a~1b",
        ),
        ("sites", json!({"name": "x", "zone": "x"}), "/zone"),
        (
            "device-groups",
            json!({"name": "x", "selector": {"some": []}}),
            "/selector/some",
        ),
        (
            "components",
            json!({"deviceId": "x", "key": "x", "origin": "x"}),
            "/origin",
        ),
        (
            "api-keys",
            json!({"name": "x", "scopes": [], "owner": "x"}),
            "/owner",
        ),
        (
            "devices/registration/tokens",
            json!({"deviceName": "x", "secret": "x"}),
            "/secret",
        ),
    ] {
        let call = post(&format!("/api/v1/{path}")).key(&key).json(&body);
        assert_eq!(world.send(call).await.pointers(), [pointer], "{path}");
    }
    let body = json!({"slug": "ab", "name": "x", "id": "x"});
    let call = post("/api/v1/organizations")
        .key(&world.server_key)
        .json(&body);
    assert_eq!(world.send(call).await.pointers(), ["/id"]);
    let body = json!({"token": "x", "csr": "x", "subject": "CN=x"});
    let call = post("/api/v1/devices/provision").json(&body);
    assert_eq!(world.send(call).await.pointers(), ["/subject"]);
    assert_eq!(count(&world, &key).await, 0);
}

#[tokio::test]
async fn unknown_fields_are_named_all_at_once() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    let send = async |body: &Value| {
        let call = post("/api/v1/devices").key(&key).json(body);
        world.send(call).await.pointers()
    };
    let body = json!({
        "color": 1,
        "location": {"latitude": 0, "depth": 1, "longitude": 0},
        "tags": "none",
        "size": {"color": 2},
    });
    let mut pointers = send(&body).await;
    pointers.sort();
    assert_eq!(
        pointers,
        ["/color", "/location/depth", "/size", "/tags"],
        "{body}"
    );
    let many = (0..1000).map(|number| (format!("field{number}"), json!(number)));
    let many = send(&Value::Object(many.collect())).await;
    assert_eq!(many.len(), 16);
}

#[tokio::test]
async fn wrong_fields_are_named_all_at_once() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    let body = json!({
        "name": "",
        "tags": ["good", "", "x".repeat(65)],
        "metadata": {"long": "x".repeat(10 * 1024)},
        "location": {"latitude": 91, "longitude": -181, "altitude": 1e6, "label": "\u{7}"},
        "siteId": "none",
        "profile": "none",
    });
    let answer = create(&world, &key, body.to_string()).await;
    let expected = [
        "/name",
        "/location/latitude",
        "/location/longitude",
        "/location/altitude",
        "/location/label",
        "/tags/1",
        "/tags/2",
        "/metadata",
        "/siteId",
        "/profile",
    ];
    assert_eq!(answer.pointers(), expected);
    let tags: Vec<_> = (0..65).map(|number| format!("tag {number}")).collect();
    let body = json!({"name": "x", "tags": tags}).to_string();
    assert_eq!(create(&world, &key, body).await.pointers(), ["/tags"]);
    for (body, pointer) in [
        (json!([]), ""),
        (json!({}), "/name"),
        (json!({"name": 1}), "/name"),
        (json!({"name": "x", "tags": "x"}), "/tags"),
        (json!({"name": "x", "tags": ["x", 1]}), "/tags/1"),
        (json!({"name": "x", "metadata": []}), "/metadata"),
        (
            json!({"name": "x", "location": {"latitude": "1"}}),
            "/location/latitude",
        ),
        (
            json!({"name": "x", "location": {"latitude": 1}}),
            "/location/longitude",
        ),
    ] {
        let answer = create(&world, &key, body.to_string()).await;
        assert_eq!(answer.pointers(), [pointer], "{body}");
    }
    assert_eq!(count(&world, &key).await, 0);
}

#[tokio::test]
async fn names_are_kept_as_they_are_or_refused() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    let long = "x".repeat(10_000);
    for name in [
        "",
        " ",
        "a\u{0}",
        "a\nb",
        "\u{1b}[31mred",
        "a\u{202e}b",
        " a",
        "a ",
        &long,
    ] {
        let answer = create(&world, &key, json!({"name": name}).to_string()).await;
        assert_eq!(answer.pointers(), ["/name"], "{name:?}");
        // What was sent is not sent back.
        assert!(answer.body.len() < 1000);
    }
    assert_eq!(count(&world, &key).await, 0);
    for name in [
        "<script>alert(1)</script>",
        "'; DROP TABLE devices; --",
        "漢字 🚜",
        "=1+1",
    ] {
        let made = create(&world, &key, json!({"name": name}).to_string()).await;
        assert_eq!(made.ok(201)["name"], name);
        assert_eq!(made.header("content-type"), Some("application/json"));
    }
}
