//! Names, keys and other texts with control characters, HTML or 10,000 letters.

use std::collections::BTreeSet;

use fieldgate_tests::packet::publish;
use fieldgate_tests::world::{World, with};
use fieldgate_tests::{Answer, StorageKind, Version};
use serde_json::{Value, json};

#[tokio::test]
async fn texts_with_control_characters_or_without_end_are_refused_in_every_field() {
    let world = World::new(StorageKind::Sqlite).await;
    let before = world.snapshot().await;
    let mut fields = 0;
    for call in world.writings() {
        for pointer in call.texts {
            for bad in bad_texts() {
                let refused = call.send_with(pointer, json!(bad)).await;
                assert_names(&refused, pointer);
            }
            fields += 1;
        }
    }
    assert!(fields > 40, "{fields}");
    before.assert_same(&world.snapshot().await);
}

#[tokio::test]
async fn html_in_a_name_is_text_and_in_a_key_it_is_refused() {
    let world = World::new(StorageKind::Sqlite).await;
    let before = world.snapshot().await;
    let keys = BTreeSet::from([
        "/deviceId",
        "/expiresAt",
        "/key",
        "/profile",
        "/scopes/0",
        "/siteId",
        "/slug",
        "/timeZone",
        "/valueType",
    ]);
    for call in world.writings() {
        for pointer in call.texts.iter().filter(|pointer| keys.contains(*pointer)) {
            let refused = call.send_with(pointer, json!(MARKUP)).await;
            assert_names(&refused, pointer);
        }
    }
    before.assert_same(&world.snapshot().await);
    for (number, call) in world.writings().iter().enumerate() {
        // Names of devices are unique.
        let markup = format!("{MARKUP}{number}");
        let mut body = call.body.clone();
        for pointer in call.texts.iter().filter(|pointer| !keys.contains(*pointer)) {
            *body.pointer_mut(pointer).unwrap() = json!(markup);
        }
        let stored = call.send(body.to_string()).await;
        stored.expect_one_of(&[200, 201]);
        assert_eq!(stored.header("content-type"), "application/json");
        assert_eq!(stored.header("x-content-type-options"), "nosniff");
        let stored: Value = serde_json::from_slice(&stored.body).unwrap();
        for name in ["name", "deviceName"] {
            let told = stored.get(name).unwrap_or(&json!(markup)).clone();
            assert_eq!(told, markup, "it stays as it is");
        }
    }
}

#[tokio::test]
async fn announced_names_that_are_bad_are_refused_one_by_one() {
    let world = World::new(StorageKind::Sqlite).await;
    let device = &world.device;
    for version in [Version::V4, Version::V5] {
        let mut client = device.connect_by(&world.server, version).await;
        let result = device.topic("announce/result");
        assert!(client.subscribe(&result).await <= 1);
        let before = world.snapshot().await;
        for bad in bad_texts().iter().map(String::as_str).chain([MARKUP]) {
            // Markup is a name like any other, but no key.
            let is_name = bad == MARKUP;
            let (announcement, refusals) = announcement(bad, is_name);
            let octets = announcement.to_string();
            let packet = publish(version, &device.topic("announce"), octets.as_bytes(), 0, 0);
            client.send(&packet).await;
            let (_, told) = client.message().await;
            let refused = told["refused"].as_array().unwrap();
            assert_eq!(refused.len(), refusals, "{bad:.30?}: {told}");
            let known: Vec<_> = told["components"].as_object().unwrap().keys().collect();
            assert_eq!(known, ["climate"], "{bad:.30?}");
            let sensors = &told["components"]["climate"]["sensors"];
            assert_eq!(sensors, &json!({}), "{bad:.30?}");
        }
        let after = world.snapshot().await;
        before.assert_same_but(&after, fieldgate_tests::snapshot::Change::is_of_time);
        client.disconnect().await;
        world.settle().await;
    }
}

/// An announcement with a bad text in every place for one, below a component that is known; and
/// how many refusals that makes.
fn announcement(bad: &str, is_name: bool) -> (Value, usize) {
    let sensor = json!({ "key": "new", "valueType": "DOUBLE", "name": "New", "unit": "Cel" });
    let names = [with(&sensor, "name", bad), with(&sensor, "unit", bad)];
    let keys = [with(&sensor, "key", bad), with(&sensor, "valueType", bad)];
    let named = json!({ "key": "new", "name": bad });
    let other = [
        json!({ "key": bad, "sensors": [sensor] }),
        json!({ "key": "new", "profile": bad }),
    ];
    let mut announcement = json!({ "profile": bad });
    let (mut sensors, mut components) = (keys.to_vec(), other.to_vec());
    let mut refusals = 1 + sensors.len() + components.len();
    if !is_name {
        announcement["firmwareVersion"] = bad.into();
        sensors.extend(names);
        components.push(named);
        refusals += 4;
    }
    components.push(json!({ "key": "climate", "sensors": sensors }));
    announcement["components"] = components.into();
    (announcement, refusals)
}

/// Checks that a field is refused and named; a list may be named in place of its item.
#[track_caller]
fn assert_names(refused: &Answer, pointer: &str) {
    let problem = refused.problem(422, "validation_failed");
    let named = problem["errors"][0]["pointer"].as_str().unwrap();
    assert!(
        named == pointer
            || pointer
                .rsplit_once('/')
                .is_some_and(|(list, _)| list == named),
        "{pointer}: {problem}"
    );
    let told = problem.to_string();
    assert!(told.len() < 2000, "it is not repeated: {pointer}");
}

fn bad_texts() -> Vec<String> {
    let short = [
        "",
        " ",
        " a",
        "a ",
        "a\nb",
        "a\u{0}b",
        "\u{7f}",
        "\u{1b}[31m",
        "a\u{202e}b",
    ];
    let mut texts: Vec<String> = short.map(str::to_owned).to_vec();
    texts.push("x".repeat(10_000));
    texts.push("ü".repeat(10_000));
    texts
}

const MARKUP: &str = r#"<img src=x onerror="alert(1)">'--; DROP TABLE devices"#;
