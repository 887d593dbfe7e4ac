//! The device endpoint: a flood of sockets, and each quality of service.

use fieldgate_tests::packet::{self, publish};
use fieldgate_tests::{Device, Server, StorageKind, Version};
use serde_json::json;
use tokio::net::TcpStream;

#[tokio::test]
async fn many_idle_sockets_keep_no_honest_device_out() {
    let (server, device) = start().await;
    let mut idle = Vec::new();
    for _ in 0..500 {
        idle.push(
            TcpStream::connect(("127.0.0.1", server.mqtt_port()))
                .await
                .unwrap(),
        );
    }
    let mut client = device.connect(&server).await;
    let reading = json!({ "sensor": "a", "value": 1 });
    client
        .publish_json(&device.readings_topic(), &reading)
        .await;
    drop(idle);
    client.ping().await;
}

#[tokio::test]
async fn every_quality_of_service_is_taken() {
    let (server, device) = start().await;
    let api = server.api();
    let topic = device.readings_topic();
    for version in [Version::V4, Version::V5] {
        let mut client = device.connect_by(&server, version).await;
        client
            .publish_at_most_once(&topic, r#"{"sensor": "zero", "value": 0}"#)
            .await;
        client
            .publish(&topic, r#"{"sensor": "one", "value": 1}"#)
            .await;
        let message = br#"{"sensor": "two", "value": 2, "timestamp": "2026-01-01T00:00:00Z"}"#;
        let id = client.next_id();
        let exactly_once = publish(version, &topic, message, 2, id);
        client.send(&exactly_once).await;
        assert_eq!(client.expect(packet::PUBREC).await.id(), id);
        client.send(&packet::duplicate(exactly_once)).await;
        assert_eq!(client.expect(packet::PUBREC).await.id(), id);
        client.send(&packet::pubrel(id)).await;
        assert_eq!(client.expect(packet::PUBCOMP).await.id(), id);
        client.disconnect().await;
    }
    for (sensor, count) in [("zero", 2), ("one", 2), ("two", 1)] {
        assert_eq!(device.readings(&api, sensor).await.len(), count, "{sensor}");
    }
}

async fn start() -> (Server, Device) {
    let server = Server::start(StorageKind::Sqlite);
    let device = Device::enroll(&server, "honest").await;
    (server, device)
}
