//! JSON that is malformed, too deep, too large or something else than asked for.

use std::collections::BTreeSet;

use fieldgate_tests::world::{World, Writing, with};
use fieldgate_tests::{Answer, StorageKind};
use serde_json::{Value, json};

#[tokio::test]
async fn bad_json_is_refused_wherever_a_body_is_taken() {
    let world = World::new(StorageKind::Sqlite).await;
    let before = world.snapshot().await;
    for call in world.writings() {
        malformed(&call).await;
        too_large(&call).await;
        something_else(&call).await;
        said_to_be_something_else(&call).await;
    }
    before.assert_same(&world.snapshot().await);
    // It was refused for what was wrong with it.
    for call in world.writings() {
        let answer = call.send(call.body.to_string()).await;
        answer.expect_one_of(&[200, 201]);
    }
}

#[tokio::test]
async fn every_operation_with_a_body_is_tried() {
    let world = World::new(StorageKind::Sqlite).await;
    let tried: BTreeSet<_> = world
        .writings()
        .iter()
        .map(|call| (call.method.to_string(), call.template.to_owned()))
        .collect();
    let document = world.own.get("/api/v1/openapi.json").await.expect(200);
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation.get("requestBody").is_some() {
                let path = path.trim_start_matches("/api/v1").to_owned();
                documented.insert((method.to_uppercase(), path));
            }
        }
    }
    assert_eq!(tried, documented);
}

/// What is no JSON text, has a member twice, or is too deep.
async fn malformed(call: &Writing) {
    let good = call.body.to_string();
    let front = good.strip_suffix('}').unwrap();
    let twice = format!("{front},{}", good.strip_prefix('{').unwrap());
    let member = |value: &str| format!(r#"{front},"unknown":{value}}}"#);
    let deep = |levels: usize, open: &str, close: &str| {
        member(&format!("{}1{}", open.repeat(levels), close.repeat(levels)))
    };
    for text in [
        String::new(),
        "{".to_owned(),
        front.to_owned(),
        good[..good.len() / 2].to_owned(),
        format!("{good}{good}"),
        format!("{good}x"),
        "nonsense".to_owned(),
        member("NaN"),
        member("1e400"),
        member(r#""\ud800""#),
        member("\"a\u{0}b\""),
        twice,
        deep(40, "[", "]"),
        deep(40, r#"{"a":"#, "}"),
        deep(10_000, "[", "]"),
    ] {
        let answer = call.send(text.as_str()).await;
        answer.problem(400, "json_malformed");
    }
    let not_utf8 = [front.as_bytes(), b",\"unknown\":\"\xff\"}"].concat();
    call.send(not_utf8).await.problem(400, "json_malformed");
}

async fn too_large(call: &Writing) {
    let padded = format!("{}{}", " ".repeat(65 * 1024), call.body);
    let refused = call.send(padded).await;
    refused.problem(413, "body_too_large");
    let connection = refused.header("connection");
    assert_eq!(connection, "close", "the rest of the body is not read");
}

/// Well-formed JSON of another shape.
async fn something_else(call: &Writing) {
    let unknown = with(&call.body, "unknownMember", "x");
    let refused = call.send(unknown.to_string()).await;
    assert_pointer(&refused, "/unknownMember");
    for other in [json!([]), json!("text"), json!(17), Value::Null, json!({})] {
        let refused = call.send(other.to_string()).await;
        refused.problem(422, "validation_failed");
    }
    for name in call.body.as_object().unwrap().keys() {
        let pointer = format!("/{name}");
        let refused = call.send_with(&pointer, json!(true)).await;
        assert_pointer(&refused, &pointer);
    }
}

async fn said_to_be_something_else(call: &Writing) {
    for (header, value) in [("content-type", "text/plain"), ("content-encoding", "gzip")] {
        let send = |request: reqwest::RequestBuilder| {
            let request = request.header("content-type", "application/json");
            let mut headers = reqwest::header::HeaderMap::new();
            headers.insert(header, value.parse().unwrap());
            request.headers(headers).body(call.body.to_string())
        };
        let refused = call.api.send(call.method.clone(), &call.path, send).await;
        refused.problem(415, "unsupported_media_type");
    }
}

#[track_caller]
fn assert_pointer(refused: &Answer, pointer: &str) {
    let problem = refused.problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
}

#[tokio::test]
async fn values_out_of_range_are_refused_and_named() {
    let world = World::new(StorageKind::Sqlite).await;
    let before = world.snapshot().await;
    let many: Vec<String> = (0..65).map(|number: u32| number.to_string()).collect();
    let large = json!({ "a": "x".repeat(11_000) });
    let place = |latitude: f64| json!({ "latitude": latitude, "longitude": 0 });
    let bad = [
        ("/tags", json!(many)),
        ("/selector/all", json!(many)),
        ("/metadata", large),
        ("/location", place(91.0)),
        ("/location", place(-91.0)),
        ("/location", json!({ "latitude": 0 })),
        ("/expiresInSeconds", json!(-1)),
        ("/expiresInSeconds", json!(0)),
        ("/expiresInSeconds", json!(59)),
        ("/expiresInSeconds", json!(30 * 24 * 3600 + 1)),
        ("/status", json!("PENDING")),
        ("/scopes", json!([])),
        ("/scopes", json!(["server"])),
    ];
    let mut refused = BTreeSet::new();
    for call in world.writings() {
        for (pointer, value) in &bad {
            if call.body.pointer(pointer).is_some() {
                let answer = call.send_with(pointer, value.clone()).await;
                // A scope that the key itself lacks is forbidden, not malformed.
                answer.expect_one_of(&[422, 403]);
                refused.insert(*pointer);
            }
        }
    }
    let pointers: BTreeSet<_> = bad.iter().map(|(pointer, _)| *pointer).collect();
    assert_eq!(refused, pointers, "each was tried");
    before.assert_same(&world.snapshot().await);
}
