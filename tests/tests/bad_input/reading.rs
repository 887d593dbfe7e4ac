//! Readings and health reports that are no numbers, infinite, or of the far future: each goes to
//! the quarantine, and changes nothing else.

use fieldgate_tests::snapshot::Change;
use fieldgate_tests::world::World;
use fieldgate_tests::{StorageKind, Version, storage_tests};

storage_tests!(
    each: [bad_readings_and_reports_go_to_the_quarantine_and_change_nothing_else],
    durable: [],
);

async fn bad_readings_and_reports_go_to_the_quarantine_and_change_nothing_else(
    storage: StorageKind,
) {
    let world = World::new(storage).await;
    let device = &world.device;
    let mut client = device.connect_by(&world.server, Version::V5).await;
    for (topic, payloads) in [
        (device.readings_topic(), readings()),
        (device.topic("health"), reports()),
    ] {
        for (payload, reason) in payloads {
            let before = world.snapshot().await;
            let code = client.publish(&topic, &payload).await;
            let told = if reason == "NOT_JSON" {
                PAYLOAD_FORMAT_INVALID
            } else {
                0
            };
            assert_eq!(code, told, "{payload:.100}");
            let after = world.snapshot().await;
            before.assert_same_but(&after, |change| {
                change.is_newly_quarantined() || change.is_of_time()
            });
            let new = before.changes(&after);
            let told = |change: &&Change| change.place.ends_with("/reason");
            let reasons: Vec<_> = new
                .iter()
                .filter(told)
                .map(|change| change.after.clone())
                .collect();
            assert_eq!(reasons, [Some(format!("{reason:?}"))], "{payload:.100}");
        }
    }
    client.ping().await;
}

/// For the sensor that is there, and for one that must not come to be.
fn readings() -> Vec<(String, &'static str)> {
    let mut readings = Vec::new();
    for sensor in ["temperature", "new"] {
        let with =
            |rest: &str| format!(r#"{{"component": "climate", "sensor": "{sensor}", {rest}}}"#);
        readings.extend([
            (with(r#""value": NaN"#), "NOT_JSON"),
            (with(r#""value": Infinity"#), "NOT_JSON"),
            (with(r#""value": -Infinity"#), "NOT_JSON"),
            (with(r#""value": 1e400"#), "VALUE_OUT_OF_RANGE"),
            (with(r#""value": -1e400"#), "VALUE_OUT_OF_RANGE"),
            (
                with(r#""value": 1, "timestamp": "2999-01-01T00:00:00Z""#),
                "TIMESTAMP_AHEAD",
            ),
            (
                with(r#""value": 1, "timestamp": "99999-01-01T00:00:00Z""#),
                "MALFORMED",
            ),
            (with(r#""value": 1, "timestamp": 1e300"#), "MALFORMED"),
            (with(r#""value": null"#), "MALFORMED"),
        ]);
    }
    let values = r#"{"component": "climate", "values": {"temperature": 1e999}}"#;
    readings.push((values.to_owned(), "VALUE_OUT_OF_RANGE"));
    readings.push((
        r#"{"component": "climate", "sensor": "temperature", "value": "warm"}"#.to_owned(),
        "TYPE_MISMATCH",
    ));
    readings
}

fn reports() -> Vec<(String, &'static str)> {
    let with = |rest: &str| {
        format!(r#"{{"connectionType": "WIFI", "readingsSent": 2, "readingsDropped": 0, {rest}}}"#)
    };
    vec![
        (with(r#""uptimeSeconds": NaN"#), "NOT_JSON"),
        (with(r#""uptimeSeconds": 1e400"#), "MALFORMED"),
        (with(r#""uptimeSeconds": -1"#), "MALFORMED"),
        (
            with(r#""uptimeSeconds": 1, "freeHeapBytes": 1e400"#),
            "MALFORMED",
        ),
        (
            with(r#""uptimeSeconds": 1, "timestamp": "2999-01-01T00:00:00Z""#),
            "TIMESTAMP_AHEAD",
        ),
    ]
}

const PAYLOAD_FORMAT_INVALID: u8 = 0x99;
