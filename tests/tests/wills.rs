//! Wills: what the server keeps as a device's last status once its session has ended.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::fs;

use fieldgate_tests::tools::success;
use fieldgate_tests::{
    Connect, Device, MqttClient, Server, StorageKind, Version, binaries, storage_tests,
};
use serde_json::json;

storage_tests!(each: [], durable: [a_will_becomes_the_last_status_when_the_device_is_lost]);

async fn a_will_becomes_the_last_status_when_the_device_is_lost(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let device = Device::enroll(&server, "pump").await;
    let topic = device.topic("status");

    let mut client = connect(&server, &device, "first will").await;
    client.publish(&topic, status("first words")).await;
    assert!(keeps(&server, "first words") && !keeps(&server, "first will"));
    drop(client);
    device.becomes(&api, "OFFLINE").await;
    assert!(keeps(&server, "first will") && !keeps(&server, "first words"));

    // Who says goodbye, is replaced or is shut out has no will.
    let client = connect(&server, &device, "goodbye").await;
    client.disconnect().await;
    device.becomes(&api, "OFFLINE").await;
    assert!(keeps(&server, "first will"));
    let mut client = connect(&server, &device, "replaced").await;
    let newer = device.connect(&server).await;
    client.until_closed().await;
    newer.disconnect().await;
    device.becomes(&api, "OFFLINE").await;
    assert!(keeps(&server, "first will"));
    let mut client = connect(&server, &device, "shut out").await;
    device.set_status(&api, "INACTIVE").await.expect(200);
    client.until_closed().await;
    assert!(keeps(&server, "first will"));
}

async fn connect(server: &Server, device: &Device, will: &str) -> MqttClient {
    let connect = Connect::new(Version::V5, &*device.id).will(device.topic("status"), status(will));
    let (client, code) = MqttClient::connect(server, &device.identity(), &connect).await;
    assert_eq!(code, Some(0));
    client
}

fn status(reason: &str) -> String {
    json!({ "status": "offline", "reason": reason }).to_string()
}

/// Whether a status is the last one of a device. No call of the API tells it: it shows in a backup.
fn keeps(server: &Server, reason: &str) -> bool {
    let file = server.scratch().join("backup");
    let mut backup = binaries::command("fieldgate-server");
    backup
        .args(server.storage_arguments())
        .arg("backup")
        .arg(&file);
    success("backup", &backup.output().unwrap());
    let octets = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let status = status(reason);
    octets
        .windows(status.len())
        .any(|part| part == status.as_bytes())
}
