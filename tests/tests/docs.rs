//! The API's documentation: offline, and well-formed.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::collections::BTreeSet;

use fieldgate_tests::{Server, StorageKind};
use serde_json::Value;

#[tokio::test]
async fn the_documentation_works_without_the_network() {
    let server = Server::start(StorageKind::Sqlite);
    let public = server.https_api().await;
    let mut path = "/docs".to_owned();
    let mut page = public.get(&path).await;
    while (300..400).contains(&page.status) {
        path = page.header("location").to_owned();
        assert!(path.starts_with('/'), "{path}");
        page = public.get(&path).await;
    }
    let html = page.expect_text(200);
    let mut assets = 0;
    for attribute in ["src=\"", "href=\""] {
        for reference in html.split(attribute).skip(1) {
            let reference = reference.split('"').next().unwrap();
            let external = reference.contains("//") || reference.starts_with("data:");
            assert!(!external, "{reference}");
            let base = path.rsplit_once('/').map_or("", |(base, _)| base);
            let asset = match reference.strip_prefix("./") {
                Some(relative) => format!("{base}/{relative}"),
                None if reference.starts_with('/') => reference.to_owned(),
                None => format!("{base}/{reference}"),
            };
            let answer = public.get(&asset).await;
            assert_eq!(answer.status, 200, "{asset}");
            assets += 1;
        }
    }
    assert!(assets > 0, "{html}");
}

#[tokio::test]
async fn the_openapi_documents_hold_together() {
    let server = Server::start(StorageKind::Sqlite);
    let public = server.https_api().await;
    for (path, version) in [("openapi.json", "3.1."), ("openapi-3.0.json", "3.0.3")] {
        let document = public.get(&format!("/api/v1/{path}")).await.expect(200);
        let found = document["openapi"].as_str().unwrap();
        assert!(found.starts_with(version), "{path}: {found}");
        check_references(&document, &document);
        check_operations(&document, path);
    }
}

/// Every `$ref` leads somewhere.
fn check_references(document: &Value, part: &Value) {
    match part {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(
                    document.pointer(pointer).is_some(),
                    "{reference} leads nowhere"
                );
            }
            members
                .values()
                .for_each(|member| check_references(document, member));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| check_references(document, item)),
        _ => {}
    }
}

/// Every operation has an id of its own, answers with descriptions, and its path's parameters.
fn check_operations(document: &Value, name: &str) {
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let what = format!("{name}: {method} {path}");
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{what}: {id} twice");
            let responses = operation["responses"].as_object().unwrap();
            assert!(!responses.is_empty(), "{what}");
            for response in responses.values() {
                let described =
                    response["description"].is_string() || response.get("$ref").is_some();
                assert!(described, "{what}: {response}");
            }
            let parameters = operation["parameters"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            for parameter in path.split('{').skip(1) {
                let parameter = parameter.split('}').next().unwrap();
                let is_it = |found: &&Value| found["name"] == parameter && found["in"] == "path";
                assert!(
                    parameters.iter().find(is_it).is_some(),
                    "{what}: {parameter}"
                );
            }
        }
    }
    for wanted in [
        "registerDevice",
        "provisionDevice",
        "listDevices",
        "getDevice",
    ] {
        assert!(ids.contains(wanted), "{name} has no {wanted}");
    }
}
