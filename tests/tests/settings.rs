//! Settings of the server, by what they change for devices and clients.

use std::fs;
use std::time::Duration;

use fieldgate_tests::binaries;
use fieldgate_tests::csr::new_key;
use fieldgate_tests::example::ExampleDevice;
use fieldgate_tests::tools::{describe_certificate, presented_chain};
use fieldgate_tests::{
    Api, Device, Registration, Server, ServerOptions, StorageKind, Version, eventually, packet,
};
use rcgen::{CertificateParams, KeyPair};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn https_may_have_a_certificate_of_another_ca() {
    let directory = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    let files = ["tls.crt", "tls.key"].map(|name| directory.path().join(name));
    fs::write(&files[0], &certificate).unwrap();
    fs::write(&files[1], key.serialize_pem()).unwrap();
    let [chain, key] = files.each_ref().map(|file| file.to_str().unwrap());
    let server = start(&["--tls-cert", chain, "--tls-key", key]);
    let public = Api::over_tls(server.https_url(), &certificate);
    public.get("/api/v1/ca/chain").await.expect_text(200);

    // Devices connect to the endpoint of the own CA all the same.
    let registration = Registration::new(&server.api(), "example").await;
    let fingerprint = registration.answer["caFingerprintSha256"].as_str().unwrap();
    let url = server.https_url();
    let told = [
        "--token",
        &registration.token,
        "--server",
        &url,
        "--ca-fingerprint",
        fingerprint,
    ];
    let state = server.scratch().join("example");
    let (status, _) =
        ExampleDevice::start(&state, &[&told[..], &["--readings", "1"]].concat()).ended();
    assert!(
        !status.success(),
        "it trusts the own CA alone, unless it is told"
    );
    assert_eq!(registration.state(&server.api()).await, "PENDING");
    let further = ["--server-ca", chain, "--readings", "1"];
    let (status, complaint) = ExampleDevice::start(&state, &[&told[..], &further].concat()).ended();
    assert!(status.success(), "{complaint}");
    assert_eq!(registration.state(&server.api()).await, "USED");
}

#[tokio::test]
async fn certificates_say_where_the_crl_is_where_the_operator_does() {
    let url = "http://crl.example/fieldgate.crl";
    let server = start(&["--crl-url", url]);
    let device = Device::enroll(&server, "a").await;
    let text = describe_certificate(&device.certificate);
    assert!(text.contains("X509v3 CRL Distribution Points"), "{text}");
    assert!(text.contains(&format!("URI:{url}")), "{text}");
}

#[tokio::test]
async fn an_address_has_as_many_failures_as_the_operator_says() {
    let server = start(&["--failed-per-minute", "3"]);
    let wrong = server.api().with_key(WRONG);
    let as_it_is = |request| request;
    let paths = [
        (Method::GET, "/api/v1/devices"),
        (Method::POST, "/api/v1/server/check"),
        (Method::POST, "/api/v1/server/backup"),
    ];
    for (method, path) in paths.clone() {
        assert_eq!(wrong.send(method, path, as_it_is).await.status, 401);
    }
    for (method, path) in paths {
        let limited = wrong.send(method, path, as_it_is).await;
        limited.problem(429, "too_many_failures");
    }
    // Nobody but a trusted proxy is believed about an address.
    assert_eq!(fail_from(&server, "192.0.2.1").await, 429);
    server.api().get("/api/v1/devices").await.expect(200);
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_about_addresses() {
    let server = start(&["--failed-per-minute", "1", "--trusted-proxies", "127.0.0.1"]);
    assert_eq!(fail_from(&server, "192.0.2.1").await, 401);
    assert_eq!(fail_from(&server, "192.0.2.1").await, 429);
    assert_eq!(fail_from(&server, "192.0.2.2").await, 401);
    // What the client itself claims stands before what the proxy has seen.
    assert_eq!(fail_from(&server, "198.51.100.1, 192.0.2.1").await, 429);
}

#[tokio::test]
async fn devices_are_told_the_first_name_and_the_certificate_has_all() {
    let names = ["gate.example", "192.0.2.7", "localhost"];
    let arguments = names.map(|name| ["--public-host", name]).concat();
    let server = start(&arguments);
    let registration = Registration::new(&server.api(), "a").await;
    let endpoint = format!(
        "https://gate.example:{}/api/v1/devices/provision",
        server.https_port()
    );
    assert_eq!(registration.answer["provisionEndpoint"], endpoint);
    let device = Device::provision(&server, &registration).await;
    assert_eq!(device.answer["mqtt"]["host"], "gate.example");
    assert_eq!(device.answer["mqtt"]["port"], server.mqtt_port());
    for port in [server.https_port(), server.mqtt_port()] {
        let text = describe_certificate(&presented_chain(port)[0]);
        let (_, names) = text.split_once("X509v3 Subject Alternative Name").unwrap();
        let names = names.lines().nth(1).unwrap().trim();
        let mut names: Vec<_> = names.split(", ").collect();
        names.sort_unstable();
        // With its own name the machine has its own addresses.
        let expected = [
            "DNS:gate.example",
            "DNS:localhost",
            "IP Address:0:0:0:0:0:0:0:1",
            "IP Address:127.0.0.1",
            "IP Address:192.0.2.7",
        ];
        assert_eq!(names, expected, "{text}");
    }
}

#[tokio::test]
async fn readings_and_health_are_kept_as_long_as_the_operator_says() {
    let mut server = start(&["--retain-readings", "1h", "--retain-health", "2h"]);
    let device = report(&server).await;
    server.set_clock_ahead(90 * 60);
    server.restart();
    let api = server.api();
    eventually("the reading is gone", || async {
        let readings = device.readings(&api, "a").await;
        readings.is_empty().then_some(())
    })
    .await;
    assert_eq!(health_of(&server, &device).await, 1);
    server.set_clock_ahead(150 * 60);
    server.restart();
    eventually("the health report is gone", || async {
        (health_of(&server, &device).await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_kept_for_ever_stays() {
    let mut server = start(&["--retain-readings", "0", "--retain-health", "1h"]);
    let device = report(&server).await;
    // Longer than it would be kept if nothing were said.
    server.set_clock_ahead(366 * 24 * 3600);
    server.restart();
    eventually("the health report is gone", || async {
        (health_of(&server, &device).await == 0).then_some(())
    })
    .await;
    assert_eq!(device.readings(&server.api(), "a").await.len(), 1);
}

#[test]
fn the_api_is_served_in_clear_to_other_machines_only_where_the_operator_confirms_it() {
    let directory = tempfile::tempdir().unwrap();
    // No machine has this address: what is confirmed comes as far as the socket, and no further.
    let try_to_serve = |arguments: &[&str]| {
        let mut server = binaries::command("fieldgate-server");
        server
            .current_dir(directory.path())
            .args(["--http-listen", "192.0.2.1:0"])
            .args(["--https-listen", "127.0.0.1:0", "--mqtt-listen"])
            .arg("127.0.0.1:0")
            .args(arguments);
        let output = server.output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), complaint)
    };
    let (status, complaint) = try_to_serve(&[]);
    assert_eq!(status, Some(2), "{complaint}");
    for part in ["http_listen 192.0.2.1:0", "in clear", "--http-insecure"] {
        assert!(complaint.contains(part), "{complaint}");
    }
    let (status, complaint) = try_to_serve(&["--http-insecure"]);
    assert_eq!(status, Some(1), "{complaint}");
    assert!(!complaint.contains("in clear"), "{complaint}");
    assert!(
        complaint.contains("--http-listen 192.0.2.1:0"),
        "{complaint}"
    );
}

#[tokio::test]
async fn the_log_has_one_json_object_a_line_or_is_for_people() {
    for (format, is_json) in [("json", true), ("human", false)] {
        let mut server = start(&["--log-format", format, "--log-level", "debug"]);
        let device = Device::enroll(&server, "a").await;
        let client = device.connect(&server).await;
        client.disconnect().await;
        server.terminate();
        assert!(server.ended().await.success());
        let log = server.log();
        let mut events = 0;
        for line in log.lines() {
            match serde_json::from_str(line) {
                // By this line the server says that it serves.
                Ok(Value::Object(ready)) if ready.contains_key("mqtt") => {}
                Ok(Value::Object(event)) => {
                    assert!(is_json, "{line}");
                    for member in ["timestamp", "level", "target", "message"] {
                        assert!(event[member].is_string(), "{member}: {line}");
                    }
                    events += 1;
                }
                _ => {
                    assert!(!is_json, "{line}");
                    events += 1;
                }
            }
        }
        assert!(events > 3, "{log}");
    }
}

#[tokio::test]
async fn a_device_has_as_many_components_and_sensors_as_the_operator_says() {
    let server = start(&["--components-per-device", "1", "--sensors-per-device", "2"]);
    let device = Device::enroll(&server, "a").await;
    let mut client = device.connect(&server).await;
    let reading =
        |component, sensor| json!({ "component": component, "sensor": sensor, "value": 1 });
    let batch = json!([
        reading("first", "a"),
        reading("second", "a"),
        reading("first", "b"),
        reading("first", "c"),
    ]);
    client.publish_json(&device.readings_topic(), &batch).await;
    let api = server.api();
    let sensors = device.sensors(&api).await;
    let mut keys: Vec<_> = sensors.iter().map(|sensor| &sensor["key"]).collect();
    keys.sort_by_key(|key| key.to_string());
    assert_eq!(keys, ["a", "b"], "{sensors:?}");
    let refused = device.quarantine(&api).await;
    assert_eq!(refused.len(), 2, "{refused:?}");
    for item in refused {
        assert_eq!(item["reason"], "LIMIT_EXCEEDED", "{item}");
    }
}

#[tokio::test]
async fn a_device_has_as_many_quarantined_items_as_the_operator_says() {
    let server = start(&["--quarantined-per-device", "2"]);
    let device = Device::enroll(&server, "a").await;
    let mut client = device.connect(&server).await;
    for payload in ["first", "second", "third"] {
        client.publish(&device.readings_topic(), payload).await;
    }
    let items = device.quarantine(&server.api()).await;
    let mut kept: Vec<_> = items.iter().map(|item| item["raw"].to_string()).collect();
    kept.sort();
    assert_eq!(kept, ["\"second\"", "\"third\""], "{items:?}");
}

#[tokio::test]
async fn a_device_gets_as_many_certificates_a_day_as_the_operator_says() {
    let server = start(&["--certificates-per-day", "1"]);
    let api = server.api();
    let device = Device::enroll(&server, "a").await;
    let again = Registration::with(&api, &json!({ "deviceId": device.id })).await;
    let refused = again.provision(&api, &new_key().1).await;
    refused.problem(429, "certificate_limit");
    assert_eq!(device.certificates(&api).await.len(), 1);
    Device::enroll(&server, "b").await;
}

#[tokio::test]
async fn a_device_sends_as_many_readings_a_second_as_the_operator_says() {
    let server = start(&["--readings-per-second", "100"]);
    let device = Device::enroll(&server, "a").await;
    let mut client = device.connect(&server).await;
    let topic = device.readings_topic();
    // One reading told a thousand times, so that the storage has little to do: ten seconds' worth,
    // of which two may come ahead.
    let reading = json!({ "sensor": "a", "value": 1, "timestamp": "2026-01-02T03:04:05Z" });
    let batch = Value::from(vec![reading; 1000]);
    client.publish_json(&topic, &batch).await;
    let id = client.next_id();
    let further = packet::publish(Version::V4, &topic, b"[]", 1, id);
    client.send(&further).await;
    let other = Device::enroll(&server, "b").await;
    let mut modest = other.connect(&server).await;
    modest.publish(&other.readings_topic(), "[]").await;
    // By the share that devices have if nothing is said, it would be read in this time.
    let answer = tokio::time::timeout(Duration::from_secs(1), client.next()).await;
    assert!(answer.is_err(), "{answer:?}");
}

/// A device that has reported a reading and its health.
async fn report(server: &Server) -> Device {
    let device = Device::enroll(server, "a").await;
    let mut client = device.connect(server).await;
    let reading = json!({ "sensor": "a", "value": 1 });
    client
        .publish_json(&device.readings_topic(), &reading)
        .await;
    let health = json!({
        "uptimeSeconds": 1, "connectionType": "WIFI", "readingsSent": 1, "readingsDropped": 0,
    });
    client.publish_json(&device.topic("health"), &health).await;
    client.disconnect().await;
    assert_eq!(health_of(server, &device).await, 1);
    assert_eq!(device.readings(&server.api(), "a").await.len(), 1);
    device
}

/// How many reports of a device's health there are.
async fn health_of(server: &Server, device: &Device) -> usize {
    let path = format!("{}/health?from=2000-01-01T00:00:00Z", device.path());
    server.api().list(&path).await.len()
}

fn start(arguments: &[&str]) -> Server {
    Server::start(ServerOptions {
        arguments: arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect(),
        ..StorageKind::Sqlite.into()
    })
}

/// The answer to a wrong key that is said to come from an address.
async fn fail_from(server: &Server, address: &str) -> u16 {
    let wrong = server.api().with_key(WRONG);
    let say = |request: reqwest::RequestBuilder| request.header("x-forwarded-for", address);
    wrong.send(Method::GET, "/api/v1/devices", say).await.status
}

const WRONG: &str = "sk_0000000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
