//! The published documents change only on purpose.
//!
//! `BLESS=1 cargo test -p fieldgate-http-axum` rewrites them; the difference is then part of the
//! review.

use axum::http::Uri;
use fieldgate_http_axum::{openapi, openapi_3_0};
use serde_json::{Value, json};

use crate::support::{World, get, post};

fn compare(file: &str, current: &Value) {
    let path = format!("{}/openapi/{file}", env!("CARGO_MANIFEST_DIR"));
    let current = serde_json::to_string_pretty(current).unwrap() + "\n";
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        published == current,
        "{file} has changed: run again with BLESS=1 and review the difference"
    );
}

#[test]
fn the_published_document_is_current() {
    compare("openapi.json", &serde_json::to_value(openapi()).unwrap());
}

#[test]
fn the_published_document_for_older_tools_is_current() {
    compare("openapi-3.0.json", &openapi_3_0(&openapi()).unwrap());
}

#[tokio::test]
async fn what_is_served_is_what_is_published() {
    let world = World::new().await;
    let current = serde_json::to_value(openapi()).unwrap();
    let served = world.send(get("/api/v1/openapi.json")).await;
    assert_eq!(served.header("content-type"), Some("application/json"));
    assert_eq!(served.ok(200), current);
    let served = world.send(get("/api/v1/openapi-3.0.json")).await;
    assert_eq!(served.ok(200), openapi_3_0(&openapi()).unwrap());
}

/// Calls `check` with each object of a document and the name under which it stands.
fn each(name: &str, value: &Value, check: &mut dyn FnMut(&str, &serde_json::Map<String, Value>)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| each(name, item, check)),
        Value::Object(members) => {
            check(name, members);
            members
                .iter()
                .for_each(|(name, value)| each(name, value, check));
        }
        _ => {}
    }
}

#[test]
fn the_document_for_older_tools_says_nothing_that_they_do_not_know() {
    let document = openapi_3_0(&openapi()).unwrap();
    assert_eq!(document["openapi"], "3.0.3");
    each("", &document, &mut |name, members| {
        let text = || format!("{name}: {members:?}");
        // The members of an example or of `properties` are no keywords.
        if name == "properties" || name == "example" {
            return;
        }
        for keyword in [
            "const",
            "examples",
            "propertyNames",
            "$defs",
            "identifier",
            "webhooks",
        ] {
            assert!(!members.contains_key(keyword), "{}", text());
        }
        assert!(
            !members.get("type").is_some_and(Value::is_array),
            "{}",
            text()
        );
        assert!(
            members.get("type").is_none_or(|kind| kind != "null"),
            "{}",
            text()
        );
        assert!(
            !members
                .get("exclusiveMinimum")
                .is_some_and(Value::is_number),
            "{}",
            text()
        );
        assert!(
            !members.contains_key("$ref") || members.len() == 1,
            "{}",
            text()
        );
    });
}

#[test]
fn every_operation_is_told_in_full() {
    let document = serde_json::to_value(openapi()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let told = |name: &str| {
                let text = operation[name].as_str();
                assert!(
                    text.is_some_and(|text| !text.is_empty()),
                    "{method} {path} {name}"
                );
            };
            told("summary");
            told("operationId");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.contains_key("4XX") && responses.contains_key("5XX"));
            for (status, response) in responses {
                let text = response["description"].as_str();
                assert!(
                    text.is_some_and(|text| !text.is_empty()),
                    "{method} {path} {status}"
                );
                let is_error = status.ends_with("XX");
                let media_type = &response["content"]["application/problem+json"];
                let problem = "#/components/schemas/Problem";
                assert_eq!(is_error, media_type["schema"]["$ref"] == problem);
            }
            let parameters = operation["parameters"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            for name in path
                .split('{')
                .skip(1)
                .filter_map(|part| part.split('}').next())
            {
                let declared = parameters
                    .iter()
                    .filter(|parameter| parameter["name"] == name && parameter["in"] == "path");
                assert_eq!(declared.count(), 1, "{method} {path} {name}");
            }
            assert_eq!(
                operation["tags"].as_array().map(Vec::len),
                Some(1),
                "{method} {path}"
            );
        }
    }
}

#[test]
fn the_server_is_found_from_where_the_document_is() {
    let document = serde_json::to_value(openapi()).unwrap();
    let server = document["servers"][0]["url"].as_str().unwrap();
    assert_eq!(server, "../..");
    for (prefix, expected) in [("", "/"), ("/behind/a/proxy", "/behind/a/proxy/")] {
        let at: Uri = format!("{prefix}/api/v1/openapi.json").parse().unwrap();
        let directory = at.path().rsplit_once('/').unwrap().0;
        let up = server.split('/').fold(directory, |path, _| {
            path.rsplit_once('/').map_or("", |(parent, _)| parent)
        });
        assert_eq!(format!("{up}/"), expected);
    }
}

#[tokio::test]
async fn headers_of_answers_are_told_of() {
    let document = serde_json::to_value(openapi()).unwrap();
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    let chain = get("/api/v1/ca/chain");
    let tag = world.send(chain).await.header("etag").unwrap().to_owned();
    let body = json!({"name": "x", "scopes": ["admin"]});
    for (method, path, call) in [
        ("get", "/api/v1/ca/chain", get("/api/v1/ca/chain")),
        (
            "get",
            "/api/v1/ca/chain",
            get("/api/v1/ca/chain").header("if-none-match", &tag),
        ),
        (
            "post",
            "/api/v1/api-keys",
            post("/api/v1/api-keys").key(&key).json(&body),
        ),
        ("get", "/api/v1/devices", get("/api/v1/devices")),
    ] {
        let answer = world.send(call).await;
        let status = match answer.status.as_u16() {
            400..500 => "4XX".to_owned(),
            status => status.to_string(),
        };
        let response = &document["paths"][path][method]["responses"][&status];
        let told = response["headers"].as_object().unwrap();
        for name in ["etag", "location", "x-request-id", "retry-after"] {
            let is_told = told.keys().any(|told| told.eq_ignore_ascii_case(name));
            let is_there = answer.header(name).is_some();
            assert!(is_told || !is_there, "{method} {path} {status} {name}");
        }
        assert!(told.contains_key("X-Request-Id"));
        assert_eq!(status == "4XX", told.contains_key("Retry-After"));
    }
}

#[test]
fn every_reference_leads_somewhere_and_bodies_have_names() {
    let document = serde_json::to_value(openapi()).unwrap();
    each("", &document, &mut |name, members| {
        if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        if name == "application/json" {
            assert!(members["schema"].get("$ref").is_some(), "{members:?}");
        }
    });
}

#[test]
fn no_example_looks_like_a_secret() {
    let text = serde_json::to_string(&openapi()).unwrap();
    for part in text.split(|char: char| !char.is_ascii_alphanumeric() && !"-_".contains(char)) {
        assert!(part.len() < 43, "{part}");
    }
    assert!(!text.contains("BEGIN PRIVATE KEY") && !text.contains("BEGIN EC"));
}

#[tokio::test]
async fn the_page_to_read_it_works_without_the_internet() {
    let world = World::new().await;
    let answer = world.send(get("/docs")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (308, Some("/docs/"))
    );
    let page = world.send(get("/docs/")).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"));
    let text = page.text();
    assert!(
        !text.contains("http://") && !text.contains("https://"),
        "{text}"
    );
    // All that the page names is there, and it runs no script but from files.
    for part in text
        .split(['"', '\''])
        .filter(|part| part.starts_with("./"))
    {
        let file = world.send(get(&format!("/docs/{}", &part[2..]))).await;
        assert_eq!(file.status, 200, "{part}");
    }
    assert!(!text.contains("<script>"));
    let settings = world.send(get("/docs/swagger-initializer.js")).await.text();
    assert!(settings.contains("../api/v1/openapi.json"), "{settings}");
    for path in [
        "/docs/none",
        "/docs/../Cargo.toml",
        "/docs/%2e%2e/Cargo.toml",
        "/docs/%00",
    ] {
        let answer = world.send(get(path)).await;
        assert_eq!(answer.status, 404, "{path}");
    }
}
