//! Changing what is there: PUT, entity tags, DELETE.

use serde_json::{Value, json};

use crate::support::{World, delete, get, post, put};

#[tokio::test]
async fn put_clears_what_is_absent_but_for_the_status() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let path = format!("/api/v1/devices/{}", acme.ids["deviceId"]);
    let full = json!({
        "name": "full",
        "tags": ["b", "a", "b"],
        "metadata": {"n": 1, "nested": {"x": [null, "y"]}},
        "location": {"latitude": 53.5, "longitude": 10, "altitude": 3, "label": "roof"},
        "siteId": acme.ids["siteId"],
        "profile": "greenhouse@1.0",
        "status": "MAINTENANCE",
    });
    let device = world
        .send(put(&path).key(&acme.key).json(&full))
        .await
        .ok(200);
    assert_eq!(device["tags"], json!(["a", "b"]));
    for name in ["name", "metadata", "siteId", "profile", "status"] {
        assert_eq!(device[name], full[name], "{name}");
    }
    assert_eq!(device["location"]["label"], "roof");
    let bare = json!({"name": "bare"});
    let device = world
        .send(put(&path).key(&acme.key).json(&bare))
        .await
        .ok(200);
    assert_eq!(
        (&device["tags"], &device["metadata"]),
        (&json!([]), &json!({}))
    );
    for name in ["location", "siteId", "profile"] {
        assert!(device.get(name).is_none(), "{name}");
    }
    assert_eq!(device["status"], "MAINTENANCE");
    let read = world.send(get(&path).key(&acme.key)).await.ok(200);
    assert_eq!(read, device);
    // null is as absent.
    let null = json!({"name": "bare", "location": null, "tags": null, "status": null});
    world
        .send(put(&path).key(&acme.key).json(&null))
        .await
        .ok(200);
}

#[tokio::test]
async fn the_other_nouns_are_changed_the_same_way() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    for (path, id, full, bare) in [
        (
            "sites",
            "siteId",
            json!({"name": "x", "description": "d", "timeZone": "Europe/Berlin",
                "location": {"latitude": 1.5, "longitude": 2.5}}),
            json!({"name": "x"}),
        ),
        (
            "components",
            "componentId",
            json!({"name": "x", "profile": "p@1.0", "tags": ["t"], "metadata": {"a": 1}}),
            json!({"name": "x"}),
        ),
        (
            "sensors",
            "sensorId",
            json!({"name": "x", "unit": "Cel", "tags": ["t"], "valueType": "DOUBLE"}),
            json!({"name": "x"}),
        ),
        (
            "device-groups",
            "groupId",
            json!({"name": "x", "description": "d",
                "selector": {"all": ["a"], "any": ["b"], "none": ["c"]}}),
            json!({"name": "x", "selector": {}}),
        ),
    ] {
        let path = format!("/api/v1/{path}/{}", acme.ids[id]);
        let changed = world
            .send(put(&path).key(&acme.key).json(&full))
            .await
            .ok(200);
        for (name, value) in full.as_object().unwrap() {
            assert_eq!(changed[name], *value, "{path} {name}");
        }
        let cleared = world
            .send(put(&path).key(&acme.key).json(&bare))
            .await
            .ok(200);
        for name in ["description", "timeZone", "location", "profile", "unit"] {
            assert!(cleared.get(name).is_none(), "{path} {name}");
        }
        for name in ["tags", "metadata"] {
            let value = cleared.get(name);
            assert!(value.is_none_or(|value| *value == json!([]) || *value == json!({})));
        }
        if id == "sensorId" {
            assert_eq!(cleared["valueType"], "DOUBLE");
            let body = json!({"name": "x", "valueType": "TEXT"});
            let answer = world.send(put(&path).key(&acme.key).json(&body)).await;
            answer.problem(409, "value_type_contradicted");
        }
    }
}

#[tokio::test]
async fn a_change_can_name_what_it_was_made_from() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let organization = world.organization("empty").await.0.to_string();
    for (path, id, body) in [
        ("devices", &acme.ids["deviceId"], json!({"name": "x"})),
        ("components", &acme.ids["componentId"], json!({"name": "x"})),
        ("sensors", &acme.ids["sensorId"], json!({"name": "x"})),
        (
            "device-groups",
            &acme.ids["groupId"],
            json!({"name": "x", "selector": {}}),
        ),
        ("sites", &acme.ids["siteId"], json!({"name": "x"})),
        (
            "organizations",
            &organization,
            json!({"name": "x", "slug": "xx"}),
        ),
    ] {
        let key = match path {
            "organizations" => &world.server_key,
            _ => &acme.key,
        };
        let path = format!("/api/v1/{path}/{id}");
        let tag = |answer: &crate::support::Answer| answer.header("etag").unwrap().to_owned();
        let first = tag(&world.send(get(&path).key(key)).await);
        let change = |tag: &str| put(&path).key(key).header("if-match", tag).json(&body);
        let changed = world.send(change(&first)).await;
        changed.ok(200);
        let second = tag(&changed);
        assert_ne!(first, second);
        assert_eq!(tag(&world.send(get(&path).key(key)).await), second);
        for stale in [&first, "\"99\"", "\"x\"", &format!("W/{second}")] {
            let answer = world.send(change(stale)).await;
            answer.problem(412, "revision_stale");
            let answer = delete(&path).key(key).header("if-match", stale);
            world.send(answer).await.problem(412, "revision_stale");
        }
        let answer = world.send(change("3")).await;
        answer.problem(400, "if_match_malformed");
        assert_eq!(tag(&world.send(get(&path).key(key)).await), second);
        world.send(change("*")).await.ok(200);
    }
    // What has changed by itself is no change by an operator.
    let path = format!("/api/v1/devices/{}", acme.ids["deviceId"]);
    let before = world.send(get(&path).key(&acme.key)).await;
    acme.session.close().await;
    let after = world.send(get(&path).key(&acme.key)).await;
    assert_ne!(before.ok(200), after.ok(200));
    assert_eq!(before.header("etag"), after.header("etag"));
}

#[tokio::test]
async fn a_deleted_device_is_gone_from_every_answer_and_its_name_is_free() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let device = &acme.ids["deviceId"];
    let path = format!("/api/v1/devices/{device}");
    let tag = world.send(get(&path).key(&acme.key)).await;
    let tag = tag.header("etag").unwrap().to_owned();
    let call = delete(&path).key(&acme.key).header("if-match", &tag);
    world.send(call).await.ok(204);
    assert!(acme.session.is_ended());
    for path in [
        path.clone(),
        format!("{path}/health"),
        format!("{path}/health/latest"),
        format!("{path}/certificates"),
        format!("{path}/certificates/{}", acme.ids["serialNumber"]),
        format!("/api/v1/components/{}", acme.ids["componentId"]),
        format!("/api/v1/sensors/{}", acme.ids["sensorId"]),
        format!("/api/v1/readings/sensor/{}", acme.ids["sensorId"]),
    ] {
        let answer = world.send(get(&path).key(&acme.key)).await;
        answer.problem(404, "not_found");
    }
    for list in [
        "devices",
        "components",
        "sensors",
        "quarantine",
        "devices/registration/tokens",
    ] {
        let found = world
            .send(get(&format!("/api/v1/{list}")).key(&acme.key))
            .await;
        assert_eq!(found.ok(200)["items"], json!([]), "{list}");
    }
    world
        .send(delete(&path).key(&acme.key))
        .await
        .problem(404, "not_found");
    let again = post("/api/v1/devices").key(&acme.key);
    let again = world
        .send(again.json(&json!({"name": "acme device"})))
        .await;
    again.ok(201);
}

#[tokio::test]
async fn what_is_in_use_is_not_deleted() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let path = format!("/api/v1/organizations/{}", acme.id);
    let answer = world.send(delete(&path).key(&world.server_key)).await;
    answer.problem(409, "organization_in_use");
    let path = format!("/api/v1/sites/{}", acme.ids["siteId"]);
    world
        .send(delete(&path).key(&acme.key))
        .await
        .problem(409, "site_in_use");
    world.send(get(&path).key(&acme.key)).await.ok(200);
}

#[tokio::test]
async fn answers_have_the_fields_of_the_contract_and_no_others() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let fields = async |path: String, key: &str| -> Vec<String> {
        let body = world.send(get(&path).key(key)).await.ok(200);
        let body = body
            .get("items")
            .map_or(body.clone(), |items| items[0].clone());
        let Value::Object(members) = body else {
            panic!("{path}: {body}");
        };
        let mut names: Vec<_> = members.keys().cloned().collect();
        names.sort();
        names
    };
    let id = |name: &str| acme.ids[name].clone();
    let device = format!("/api/v1/devices/{}", id("deviceId"));
    for (path, expected) in [
        (
            device.clone(),
            "certificate createdAt firmwareVersion firstSessionAt id lastSeenAt location \
             metadata name online organizationId profile revision siteId status statusChangedAt tags updatedAt",
        ),
        (
            format!("/api/v1/sites/{}", id("siteId")),
            "description id location name timeZone",
        ),
        (
            format!("/api/v1/components/{}", id("componentId")),
            "deviceId id key metadata name origin profile tags",
        ),
        (
            format!("/api/v1/sensors/{}", id("sensorId")),
            "componentId deviceId id key latest name tags typeOrigin unit valueType",
        ),
        (
            format!("/api/v1/readings/sensor/{}", id("sensorId")),
            "metadata sensorId timestamp value",
        ),
        (
            format!("{device}/health/latest"),
            "connectionType deviceId extra freeHeapBytes readingsDropped readingsSent \
             signalStrengthDbm timestamp uptimeSeconds",
        ),
        (
            crate::support::TOKENS.to_owned(),
            "createdAt deviceId deviceName expiresAt id state",
        ),
        (
            format!("{device}/certificates/{}", id("serialNumber")),
            "deviceId fingerprintSha256 issueSequence issuerKeyId notAfter notBefore pem \
             serialNumber state subject",
        ),
        (
            format!("/api/v1/device-groups/{}", id("groupId")),
            "description deviceCount id name selector",
        ),
        (
            "/api/v1/quarantine".to_owned(),
            "detail deviceId id raw reason receivedAt",
        ),
    ] {
        let expected: Vec<_> = expected.split_whitespace().map(str::to_owned).collect();
        assert_eq!(fields(path.clone(), &acme.key).await, expected, "{path}");
    }
    let organization = format!("/api/v1/organizations/{}", acme.id);
    let expected = ["createdAt", "id", "name", "slug"];
    assert_eq!(fields(organization, &world.server_key).await, expected);
}
