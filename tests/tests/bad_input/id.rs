//! Ids of another organization, ids of nothing, and ids that are none.

use std::collections::BTreeSet;

use fieldgate_tests::world::World;
use fieldgate_tests::{Answer, StorageKind};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn what_belongs_to_another_organization_is_not_there() {
    let world = World::new(StorageKind::Sqlite).await;
    let before = world.snapshot().await;
    let foreign = &world.foreign;
    let mut paths = world.own_objects();
    paths.push(format!(
        "devices/registration/tokens/{}",
        world.open.token_id
    ));
    let item = &world.device.quarantine(&world.own).await[0];
    paths.push(format!("quarantine/{}", item["id"].as_str().unwrap()));
    paths.extend(below(&paths, &world));
    for path in &paths {
        let mut answers = BTreeSet::new();
        for id in [
            None,
            Some(ABSENT),
            Some("no-id"),
            Some("%00"),
            Some("..%2f.."),
        ] {
            let path = with_id(path, id);
            for method in [Method::GET, Method::DELETE] {
                let answer = foreign.send(method, &path, |request| request).await;
                if answer.status != 405 {
                    answers.insert(not_found(&answer));
                }
            }
        }
        assert_eq!(answers.len(), 1, "{path}: {answers:?}");
    }
    for call in world.writings() {
        let is_own = call.template.contains('{') && !call.template.starts_with("/organizations");
        if is_own {
            let mut call = call;
            call.api = foreign.clone();
            not_found(&call.send(call.body.to_string()).await);
        }
    }
    before.assert_same(&world.snapshot().await);
    for path in &paths {
        let answer = world.own.get(&with_id(path, None)).await;
        answer.expect_one_of(&[200, 405]);
    }
}

#[tokio::test]
async fn foreign_ids_in_bodies_are_refused_and_in_filters_they_match_nothing() {
    let world = World::new(StorageKind::Sqlite).await;
    let before = world.snapshot().await;
    let sites = world.own.list("/api/v1/sites").await;
    let site = sites[0]["id"].as_str().unwrap();
    let tokens = "/api/v1/devices/registration/tokens";
    for id in [&*world.device.id, site, ABSENT, "no-id"] {
        for (path, body) in [
            (tokens, json!({ "deviceId": id })),
            (tokens, json!({ "deviceName": "a", "siteId": id })),
            ("/api/v1/devices", json!({ "name": "a", "siteId": id })),
            ("/api/v1/components", json!({ "deviceId": id, "key": "a" })),
        ] {
            let refused = world.foreign.post(path, &body).await;
            refused.problem(422, "validation_failed");
        }
        let body = json!({ "name": "stranger", "siteId": id });
        let refused = world.foreign.put(&world.stranger.path(), &body).await;
        refused.problem(422, "validation_failed");
    }
    let device = &world.device.id;
    for filter in [
        format!("devices?siteId={site}"),
        format!("sensors?deviceId={device}"),
        format!("sensors?siteId={site}"),
        format!("components?deviceId={device}"),
        format!("quarantine?deviceId={device}"),
    ] {
        let found = world.foreign.list(&format!("/api/v1/{filter}")).await;
        assert_eq!(found, Vec::<Value>::new(), "{filter}");
    }
    before.assert_same(&world.snapshot().await);
}

/// What lies below objects.
fn below(objects: &[String], world: &World) -> Vec<String> {
    let device = &objects[0];
    let group = objects[2].clone();
    let sensor = objects[4].replace("sensors/", "readings/sensor/");
    let mut paths: Vec<String> = ["", "/latest", "/window?last=1h", "/summary"]
        .map(|below| format!("{device}/health{below}"))
        .to_vec();
    paths.push(format!("{device}/certificates"));
    let serial = &world.device.serial_number;
    paths.push(format!("{device}/certificates/{serial}"));
    paths.push(format!("{group}/devices"));
    paths.push(format!("{sensor}/window?last=1h"));
    paths.push(sensor);
    paths
}

/// A path with another id in it.
fn with_id(path: &str, id: Option<&str>) -> String {
    let parts = path.split('/').map(|part| match id {
        Some(id) if part.len() == ABSENT.len() && part.contains('-') => id,
        _ => part,
    });
    format!("/api/v1/{}", parts.collect::<Vec<_>>().join("/"))
}

/// The answer without what is its own alone.
#[track_caller]
fn not_found(answer: &Answer) -> String {
    let mut problem = answer.problem(404, "not_found");
    problem.as_object_mut().unwrap().remove("requestId");
    problem.to_string()
}

const ABSENT: &str = "01890000-0000-7000-8000-000000000000";
