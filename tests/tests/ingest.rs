//! Ingest: what devices report is stored, or lies in the quarantine with its reason.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use fieldgate_tests::{Device, Server, ServerOptions, StorageKind, Version, storage_tests};
use serde_json::{Value, json};

storage_tests!(
    each: [
        bad_items_are_quarantined_and_good_ones_of_the_same_batch_are_stored,
        what_is_no_json_is_acknowledged_and_quarantined,
        the_first_value_decides_the_type_and_a_fraction_widens_it,
        the_first_reading_of_a_timestamp_wins,
        late_readings_are_stored_and_do_not_become_the_latest,
        a_gateway_reports_for_its_components,
        an_announcement_names_components_and_sensors_and_is_idempotent,
        health_is_kept_and_summed_up,
        the_quarantine_is_listed_and_discarded,
    ],
    durable: [],
);

async fn bad_items_are_quarantined_and_good_ones_of_the_same_batch_are_stored(
    storage: StorageKind,
) {
    let server = Server::start(storage);
    let api = server.api();
    let device = Device::enroll(&server, "sloppy").await;
    let mut client = device.connect(&server).await;
    for (number, (item, reason)) in bad_items().iter().enumerate() {
        let good = |name: &str| format!(r#"{{"sensor": "{name}", "value": {number}}}"#);
        let batch = format!("[{}, {item}, {}]", good("before"), good("after"));
        let code = client.publish(&device.readings_topic(), batch).await;
        assert_eq!(code, 0, "{item:.100}");
        let quarantine = device.quarantine(&api).await;
        let newest = quarantine
            .iter()
            .max_by_key(|item| item["id"].as_str())
            .unwrap();
        assert_eq!(quarantine.len(), number + 1, "{item:.100}: {newest}");
        assert_eq!(newest["reason"], *reason, "{item:.100}: {newest}");
        assert!(
            newest["detail"]
                .as_str()
                .is_some_and(|detail| !detail.is_empty())
        );
        for sensor in ["before", "after"] {
            let readings = device.readings(&api, sensor).await;
            assert_eq!(readings.len(), number + 1, "{sensor} {item:.100}");
        }
    }
    let sensors = device.sensors(&api).await;
    assert_eq!(
        sensors.len(),
        2,
        "nothing bad has made a sensor: {sensors:?}"
    );
}

/// Items that break the shape or a limit, each with the reason.
fn bad_items() -> [(String, &'static str); 20] {
    let ahead = r#""timestamp": "2999-01-01T00:00:00Z""#;
    let long = "x".repeat(10_000);
    let long_key = format!(r#"{{"sensor": "{long}", "value": 1}}"#);
    let long_value = format!(r#"{{"sensor": "text", "value": "{long}"}}"#);
    let large = format!(r#"{{"sensor": "b", "value": 1, "metadata": {{"a": "{long}{long}"}}}}"#);
    let deep = format!(
        r#"{{"sensor": "b", "value": {}1{}}}"#,
        "[".repeat(90),
        "]".repeat(90)
    );
    let unknown = r#"{"sensorId": "01890000-0000-7000-8000-000000000000", "value": 1}"#;
    [
        (
            format!(r#"{{"sensor": "b", "value": 1, {ahead}}}"#),
            "TIMESTAMP_AHEAD",
        ),
        (
            r#"{"sensor": "b", "value": 1, "timestamp": "yesterday"}"#.to_owned(),
            "MALFORMED",
        ),
        (
            r#"{"sensor": "b", "value": 1e400}"#.to_owned(),
            "VALUE_OUT_OF_RANGE",
        ),
        (
            r#"{"sensor": "b", "value": -1e400}"#.to_owned(),
            "VALUE_OUT_OF_RANGE",
        ),
        (r#"{"sensor": "b", "value": null}"#.to_owned(), "MALFORMED"),
        (
            r#"{"sensor": "b", "value": {"a": 1}}"#.to_owned(),
            "MALFORMED",
        ),
        (deep, "MALFORMED"),
        (r#"{"sensor": "b"}"#.to_owned(), "MALFORMED"),
        (r#"{"value": 1}"#.to_owned(), "MALFORMED"),
        (
            r#"{"sensor": "a\u0000b", "value": 1}"#.to_owned(),
            "MALFORMED",
        ),
        (r#"{"sensor": "a/b", "value": 1}"#.to_owned(), "MALFORMED"),
        (
            r#"{"sensor": "<script>", "value": 1}"#.to_owned(),
            "MALFORMED",
        ),
        (
            r#"{"component": "<b>", "sensor": "b", "value": 1}"#.to_owned(),
            "MALFORMED",
        ),
        (
            r#"{"component": "", "values": {"b": 1}}"#.to_owned(),
            "MALFORMED",
        ),
        (long_key, "MALFORMED"),
        (long_value, "VALUE_OUT_OF_RANGE"),
        (large, "METADATA_TOO_LARGE"),
        (unknown.to_owned(), "UNKNOWN_SENSOR"),
        ("17".to_owned(), "MALFORMED"),
        (r#""text""#.to_owned(), "MALFORMED"),
    ]
}

async fn what_is_no_json_is_acknowledged_and_quarantined(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let device = Device::enroll(&server, "mumbling").await;
    let mut client = device.connect_by(&server, Version::V5).await;
    let long = "x".repeat(5000);
    let payloads: [&[u8]; 7] = [
        b"NaN",
        br#"{"sensor": "a", "value": NaN}"#,
        br#"{"sensor": "a", "value": Infinity}"#,
        br#"{"sensor": "a", "value": 1"#,
        b"\xff\xfe",
        b"",
        long.as_bytes(),
    ];
    for (number, payload) in payloads.iter().enumerate() {
        let reason = client.publish(&device.readings_topic(), payload).await;
        assert_eq!(reason, PAYLOAD_FORMAT_INVALID, "{payload:.30?}");
        let quarantine = device.quarantine(&api).await;
        assert_eq!(quarantine.len(), number + 1);
        assert!(
            quarantine.iter().all(|item| item["reason"] == "NOT_JSON"),
            "{quarantine:?}"
        );
    }
    for item in device.quarantine(&api).await {
        assert!(
            item["raw"].as_str().unwrap().len() <= 1024 * 3,
            "the first KB is kept"
        );
    }
    assert_eq!(device.sensors(&api).await, NONE);
    client.ping().await;
}

async fn the_first_value_decides_the_type_and_a_fraction_widens_it(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let device = Device::enroll(&server, "typed").await;
    let mut client = device.connect(&server).await;
    let topic = device.readings_topic();
    for (sensor, value, value_type) in [
        ("count", json!(-9_223_372_036_854_775_808_i64), "BIGINT"),
        ("ratio", json!(0.5), "DOUBLE"),
        ("huge", json!(18_446_744_073_709_551_615_u64), "DOUBLE"),
        ("door", json!(true), "BOOLEAN"),
        ("label", json!("<b>né\u{0}\n</b>"), "TEXT"),
    ] {
        client
            .publish_json(&topic, &json!({ "sensor": sensor, "value": value }))
            .await;
        let found = device.sensor(&api, sensor).await;
        assert_eq!(found["valueType"], value_type, "{found}");
        assert_eq!(found["typeOrigin"], "INFERRED", "{found}");
        let stored = &device.readings(&api, sensor).await[0]["value"];
        if value.is_number() {
            assert_eq!(stored.as_f64(), value.as_f64());
        } else {
            assert_eq!(*stored, value);
        }
    }
    // An exponent makes a DOUBLE, whatever its value.
    client
        .publish(&topic, r#"{"sensor": "exponent", "value": 1e3}"#)
        .await;
    assert_eq!(device.sensor(&api, "exponent").await["valueType"], "DOUBLE");

    let report = async |client: &mut fieldgate_tests::MqttClient, value: Value| {
        client
            .publish_json(&topic, &json!({ "sensor": "level", "value": value }))
            .await;
        device.sensor(&api, "level").await["valueType"].clone()
    };
    assert_eq!(report(&mut client, json!(1)).await, "BIGINT");
    assert_eq!(report(&mut client, json!(2.5)).await, "DOUBLE");
    assert_eq!(report(&mut client, json!(3)).await, "DOUBLE");
    assert_eq!(device.quarantine(&api).await, NONE);
    let mut values: Vec<_> = device.readings(&api, "level").await;
    values.sort_by(|a, b| {
        a["value"]
            .as_f64()
            .unwrap()
            .total_cmp(&b["value"].as_f64().unwrap())
    });
    let values: Vec<_> = values
        .iter()
        .map(|reading| reading["value"].as_f64().unwrap())
        .collect();
    assert_eq!(values, [1.0, 2.5, 3.0]);

    for wrong in [json!("3"), json!(true)] {
        assert_eq!(report(&mut client, wrong).await, "DOUBLE");
    }
    let quarantine = device.quarantine(&api).await;
    assert_eq!(quarantine.len(), 2);
    assert!(
        quarantine
            .iter()
            .all(|item| item["reason"] == "TYPE_MISMATCH"),
        "{quarantine:?}"
    );
}

async fn the_first_reading_of_a_timestamp_wins(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let device = Device::enroll(&server, "repeating").await;
    let mut client = device.connect(&server).await;
    let topic = device.readings_topic();
    let reading = |value: i64, timestamp: &str| json!({ "sensor": "a", "value": value, "timestamp": timestamp });
    client
        .publish_json(&topic, &reading(1, "2026-01-01T00:00:00.000Z"))
        .await;
    client
        .publish_json(&topic, &reading(2, "2026-01-01T00:00:00Z"))
        .await;
    client
        .publish_json(&topic, &reading(3, "2026-01-01T01:00:00+01:00"))
        .await;
    let batch = [
        reading(4, "2026-01-01T00:00:01Z"),
        reading(5, "2026-01-01T00:00:01Z"),
    ];
    client.publish_json(&topic, &json!(batch)).await;
    let readings = device.readings(&api, "a").await;
    let mut values: Vec<_> = readings
        .iter()
        .map(|reading| reading["value"].as_i64())
        .collect();
    values.sort_unstable();
    assert_eq!(values, [Some(1), Some(4)]);
    assert_eq!(
        device.quarantine(&api).await,
        NONE,
        "a repetition is no mistake"
    );
}

async fn late_readings_are_stored_and_do_not_become_the_latest(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let device = Device::enroll(&server, "late").await;
    let mut client = device.connect(&server).await;
    let topic = device.readings_topic();
    for (value, day) in [(1, "02"), (2, "01"), (3, "03")] {
        let timestamp = format!("2026-01-{day}T00:00:00Z");
        let reading = json!({ "sensor": "a", "value": value, "timestamp": timestamp });
        client.publish_json(&topic, &reading).await;
    }
    let sensor = device.sensor(&api, "a").await;
    assert_eq!(sensor["latest"]["value"], 3, "{sensor}");
    let id = sensor["id"].as_str().unwrap();
    let path = format!("/api/v1/readings/sensor/{id}");
    assert_eq!(api.list(&path).await.len(), 3);
    let second_day = "from=2026-01-02T00:00:00Z&to=2026-01-03T00:00:00Z";
    let found = api.list(&format!("{path}?{second_day}")).await;
    assert_eq!(found.len(), 1, "the start belongs to it, the end does not");
    assert_eq!(found[0]["value"], 1);

    let recent = json!({ "sensor": "a", "value": 4 });
    client.publish_json(&topic, &recent).await;
    let found = api.list(&format!("{path}/window?last=1h")).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["value"], 4);
    for refused in [
        "/window?last=x",
        "?from=x",
        "?limit=0",
        "?limit=501",
        "?unknown=1",
        "?cursor=x",
    ] {
        let answer = api.get(&format!("{path}{refused}")).await;
        assert!(
            matches!(answer.status, 400 | 422),
            "{refused}: {}",
            answer.text()
        );
    }
}

async fn a_gateway_reports_for_its_components(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let device = Device::enroll(&server, "gateway").await;
    let mut client = device.connect(&server).await;
    let batch = json!([
        { "component": "north", "values": { "temperature": 1.5, "humidity": 40 } },
        { "component": "south", "values": { "temperature": 2.5 } },
        { "sensor": "own", "value": true, "metadata": { "firmware": "7" } },
    ]);
    client.publish_json(&device.readings_topic(), &batch).await;
    let components = api
        .list(&format!("/api/v1/components?deviceId={}", device.id))
        .await;
    let mut keys: Vec<_> = components
        .iter()
        .map(|found| found["key"].as_str().unwrap())
        .collect();
    keys.sort_unstable();
    assert_eq!(keys, ["main", "north", "south"]);
    assert!(
        components
            .iter()
            .all(|found| found["origin"] == "ANNOUNCED"),
        "{components:?}"
    );
    let north = components
        .iter()
        .find(|found| found["key"] == "north")
        .unwrap();
    let path = format!(
        "/api/v1/sensors?componentId={}",
        north["id"].as_str().unwrap()
    );
    assert_eq!(api.list(&path).await.len(), 2);
    assert_eq!(device.sensors(&api).await.len(), 4);
    assert_eq!(
        device.readings(&api, "own").await[0]["metadata"],
        json!({ "firmware": "7" })
    );

    // By the sensor's id as well, but only its own ones.
    let sensor = device.sensor(&api, "humidity").await["id"].clone();
    let reading = json!({ "sensorId": sensor, "value": 41 });
    client
        .publish_json(&device.readings_topic(), &reading)
        .await;
    assert_eq!(device.readings(&api, "humidity").await.len(), 2);
    let other = Device::enroll(&server, "other").await;
    let mut other_client = other.connect(&server).await;
    other_client
        .publish_json(&other.readings_topic(), &reading)
        .await;
    assert_eq!(device.readings(&api, "humidity").await.len(), 2);
    assert_eq!(other.quarantine(&api).await[0]["reason"], "UNKNOWN_SENSOR");
}

async fn an_announcement_names_components_and_sensors_and_is_idempotent(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let device = Device::enroll(&server, "speaking").await;
    for version in [Version::V4, Version::V5] {
        let mut client = device.connect_by(&server, version).await;
        let result_topic = device.topic("announce/result");
        assert!(client.subscribe(&result_topic).await <= 1);
        let announcement = json!({
            "firmwareVersion": "1.2.3",
            "components": [
                { "key": "bme280", "name": "Climate", "sensors": [
                    { "key": "temperature", "valueType": "DOUBLE", "unit": "Cel", "name": "Air" },
                    { "key": "b/d", "valueType": "DOUBLE" },
                    { "key": "typo", "valueType": "FLOAT" },
                ] },
            ],
        });
        client
            .send(&fieldgate_tests::packet::publish(
                version,
                &device.topic("announce"),
                announcement.to_string().as_bytes(),
                0,
                0,
            ))
            .await;
        let (topic, result) = client.message().await;
        assert_eq!(topic, result_topic);
        let sensor = device.sensor(&api, "temperature").await;
        let known = &result["components"]["bme280"];
        assert_eq!(known["id"], sensor["componentId"], "{result}");
        assert_eq!(
            known["sensors"]["temperature"]["id"], sensor["id"],
            "{result}"
        );
        let refused = result["refused"].as_array().unwrap();
        let refused: Vec<_> = refused.iter().map(|refused| &refused["sensor"]).collect();
        assert_eq!(refused.len(), 2, "{result}");
        assert!(
            refused.contains(&&json!("b/d")) && refused.contains(&&json!("typo")),
            "{result}"
        );
        assert_eq!(sensor["name"], "Air");
        assert_eq!(sensor["unit"], "Cel");
        assert_eq!(sensor["valueType"], "DOUBLE");
        assert_eq!(sensor["typeOrigin"], "ANNOUNCED");
        assert_eq!(
            device.sensors(&api).await.len(),
            1,
            "what was refused is not there"
        );
        assert_eq!(device.get(&api).await["firmwareVersion"], "1.2.3");

        // An announced DOUBLE takes integers, and stays a DOUBLE.
        let reading = json!({ "component": "bme280", "sensor": "temperature", "value": 21 });
        client
            .publish_json(&device.readings_topic(), &reading)
            .await;
        assert_eq!(
            device.sensor(&api, "temperature").await["valueType"],
            "DOUBLE"
        );
        client.disconnect().await;
    }
    assert_eq!(device.readings(&api, "temperature").await.len(), 2);
}

async fn health_is_kept_and_summed_up(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let device = Device::enroll(&server, "healthy").await;
    let path = format!("{}/health", device.path());
    api.get(&format!("{path}/latest"))
        .await
        .problem(404, "not_found");
    let mut client = device.connect(&server).await;
    let topic = device.topic("health");
    for (minute, uptime, sent, dropped) in [
        (1, 100, 1000, 500),
        (2, 200, 1090, 510),
        (3, 10, 5, 5),
        (4, 20, 95, 15),
    ] {
        let report = json!({
            "timestamp": format!("2026-01-01T00:{minute:02}:00Z"),
            "uptimeSeconds": uptime,
            "freeHeapBytes": 1000 * minute,
            "connectionType": "WIFI",
            "readingsSent": sent,
            "readingsDropped": dropped,
            "extra": { "load": 0.5 },
        });
        client.publish_json(&topic, &report).await;
    }
    let history = api.list(&path).await;
    assert_eq!(history.len(), 4);
    let span = "from=2026-01-01T00:02:00Z&to=2026-01-01T00:03:00Z";
    let found = api.list(&format!("{path}?{span}")).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["uptimeSeconds"], 200);
    let latest = api.get(&format!("{path}/latest")).await.expect(200);
    assert_eq!(latest["uptimeSeconds"], 20);
    assert_eq!(latest["extra"], json!({ "load": 0.5 }));
    assert_eq!(api.list(&format!("{path}/window?last=1h")).await, NONE);

    let day = "from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z";
    let summary = api.get(&format!("{path}/summary?{day}")).await.expect(200);
    assert_eq!(summary["reports"], 4, "{summary}");
    assert_eq!(summary["reboots"], 1, "{summary}");
    assert_eq!(summary["loss"], 0.1, "{summary}");
    assert_eq!(summary["freeHeapBytes"]["min"], 1000.0, "{summary}");
    assert_eq!(summary["freeHeapBytes"]["max"], 4000.0, "{summary}");
    assert_eq!(summary["freeHeapBytes"]["avg"], 2500.0, "{summary}");
    assert!(summary["signalStrengthDbm"].is_null(), "{summary}");

    // Without a timestamp it is the time of receipt.
    let report = json!({
        "uptimeSeconds": 30, "connectionType": "ETHERNET", "readingsSent": 0, "readingsDropped": 0,
    });
    client
        .publish_at_most_once(&topic, report.to_string())
        .await;
    fieldgate_tests::eventually("it is stored", || async {
        let window = api.list(&format!("{path}/window?last=1h")).await;
        (window.len() == 1).then_some(())
    })
    .await;
    for bad in [
        json!({ "uptimeSeconds": -1, "connectionType": "WIFI", "readingsSent": 0, "readingsDropped": 0 }),
        json!({ "uptimeSeconds": 1, "connectionType": "STRING", "readingsSent": 0, "readingsDropped": 0 }),
        json!({ "uptimeSeconds": 1 }),
        json!([]),
    ] {
        client.publish_json(&topic, &bad).await;
    }
    assert_eq!(device.quarantine(&api).await.len(), 4);
    assert_eq!(api.list(&path).await.len(), 5);
}

async fn the_quarantine_is_listed_and_discarded(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let device = Device::enroll(&server, "sloppy").await;
    let other = Device::enroll(&server, "other").await;
    for device in [&device, &other] {
        let mut client = device.connect(&server).await;
        client.publish(&device.readings_topic(), "no json").await;
        client
            .publish(&device.readings_topic(), r#"{"sensor": "a"}"#)
            .await;
    }
    assert_eq!(api.list("/api/v1/quarantine").await.len(), 4);
    assert_eq!(
        api.list("/api/v1/quarantine?reason=NOT_JSON").await.len(),
        2
    );
    let path = format!("/api/v1/quarantine?reason=NOT_JSON&deviceId={}", device.id);
    let found = api.list(&path).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["raw"], "no json");
    assert_eq!(found[0]["deviceId"], *device.id);

    let item = format!("/api/v1/quarantine/{}", found[0]["id"].as_str().unwrap());
    let foreign = server.second_organization().await;
    foreign.delete(&item).await.problem(404, "not_found");
    assert_eq!(foreign.list("/api/v1/quarantine").await, NONE);
    api.delete(&item).await.expect_empty(204);
    api.delete(&item).await.problem(404, "not_found");
    assert_eq!(api.list(&path).await, NONE);
    assert_eq!(api.list("/api/v1/quarantine").await.len(), 3);
}

const NONE: [Value; 0] = [];

const PAYLOAD_FORMAT_INVALID: u8 = 0x99;

#[tokio::test]
async fn the_limits_of_a_device_are_the_operators() {
    let arguments = ["--components-per-device", "1", "--sensors-per-device", "2"];
    let server = Server::start(ServerOptions {
        arguments: arguments.map(str::to_owned).to_vec(),
        ..StorageKind::Sqlite.into()
    });
    let api = server.api();
    let device = Device::enroll(&server, "small").await;
    let mut client = device.connect(&server).await;
    let topic = device.readings_topic();
    for reading in [
        json!({ "component": "one", "values": { "a": 1, "b": 2, "c": 3 } }),
        json!({ "component": "two", "sensor": "a", "value": 1 }),
    ] {
        client.publish_json(&topic, &reading).await;
    }
    let sensors = format!("/api/v1/sensors?deviceId={}", device.id);
    assert_eq!(api.list(&sensors).await.len(), 2);
    let refused = device.quarantine(&api).await;
    let reasons: Vec<_> = refused.iter().map(|item| &item["reason"]).collect();
    assert_eq!(reasons, ["LIMIT_EXCEEDED", "LIMIT_EXCEEDED"]);
}
