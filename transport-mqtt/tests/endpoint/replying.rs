//! What devices are sent.

use fieldgate_core::transport::DisconnectReason;
use fieldgate_core::transport::topic::DeviceTopic;
use fieldgate_core::transport::{Inbound, Transport as _};
use fieldgate_transport_mqtt::MqttOptions;

use crate::support::client::Client;
use crate::support::packet::{Connect, PUBACK, PUBLISH, Packet, publish, subscribe, with_id};
use crate::support::pki::TestDevice;
use crate::support::server::Server;
use crate::support::topics::payload;

async fn subscribed(client: &mut Client, device: &TestDevice, topic: DeviceTopic, qos: u8) {
    let name = device.topic(topic);
    client
        .send(&subscribe(client.level, 1, &[(&name, qos)]))
        .await;
    assert_eq!(*client.packet().await.body.last().unwrap(), qos.min(1));
}

async fn announce(client: &mut Client, device: &TestDevice, id: u16) {
    let topic = device.topic(DeviceTopic::Announce);
    client
        .publish(&topic, id, payload(DeviceTopic::Announce))
        .await;
    let answer = client.packet().await;
    assert_eq!((answer.kind(), answer.packet_id()), (PUBACK, id));
}

/// The topic, the packet id and the payload of a PUBLISH.
pub(crate) fn message(packet: &Packet, level: u8) -> (String, Option<u16>, serde_json::Value) {
    assert_eq!(packet.kind(), PUBLISH);
    assert_eq!(packet.first & 0b1001, 0, "neither a duplicate nor retained");
    let length = usize::from(packet.packet_id());
    let topic = String::from_utf8(packet.body[2..2 + length].to_vec()).unwrap();
    let mut rest = &packet.body[2 + length..];
    let mut id = None;
    if packet.first & 0b0110 != 0 {
        assert_eq!(packet.first & 0b0110, 0b0010);
        id = Some(u16::from_be_bytes([rest[0], rest[1]]));
        rest = &rest[2..];
    }
    if level == 5 {
        assert_eq!(rest[0], 0);
        rest = &rest[1..];
    }
    (topic, id, serde_json::from_slice(rest).unwrap())
}

#[tokio::test]
async fn an_announcement_is_answered_after_its_puback() {
    for level in [4, 5] {
        for qos in [0, 1, 2] {
            let server = Server::start().await;
            let device = server.device();
            let mut client = server.connect(&device, level).await;
            subscribed(&mut client, &device, DeviceTopic::AnnounceResult, qos).await;
            announce(&mut client, &device, 5).await;
            let (topic, id, result) = message(&client.packet().await, level);
            assert_eq!(topic, device.topic(DeviceTopic::AnnounceResult));
            assert_eq!(id.is_some(), qos > 0);
            assert!(result["components"]["c"]["id"].is_string(), "{result}");
            assert_eq!(result["refused"], serde_json::json!([]));
        }
    }
}

#[tokio::test]
async fn an_announcement_that_is_refused_as_a_whole_is_answered_too() {
    let server = Server::start().await;
    let device = server.device();
    let mut client = server.connect(&device, 5).await;
    subscribed(&mut client, &device, DeviceTopic::AnnounceResult, 1).await;
    let topic = device.topic(DeviceTopic::Announce);
    for payload in [&b"[]"[..], b"hello"] {
        client.publish(&topic, 1, payload).await;
        assert_eq!(client.packet().await.kind(), PUBACK);
        let (_, _, result) = message(&client.packet().await, 5);
        assert_eq!(result["refused"][0]["code"], "malformed");
    }
    assert_eq!(server.endpoint.stats().payloads_quarantined, 2);
}

#[tokio::test]
async fn who_has_not_subscribed_is_sent_nothing() {
    let server = Server::start().await;
    let device = server.device();
    let mut client = server.connect(&device, 5).await;
    announce(&mut client, &device, 1).await;
    announce(&mut client, &device, 2).await;
}

#[tokio::test]
async fn a_renewal_is_answered_with_what_to_do() {
    let server = Server::start().await;
    let device = server.device();
    let mut client = server.connect(&device, 5).await;
    subscribed(&mut client, &device, DeviceTopic::CertificateIssued, 1).await;
    let topic = device.topic(DeviceTopic::CertificateRenew);
    client
        .publish(&topic, 1, payload(DeviceTopic::CertificateRenew))
        .await;
    assert_eq!(client.packet().await.kind(), PUBACK);
    let (topic, _, answer) = message(&client.packet().await, 5);
    assert_eq!(topic, device.topic(DeviceTopic::CertificateIssued));
    assert_eq!(answer["requestId"], "r");
    assert_eq!(answer["error"]["code"], "renewal_unavailable");
    assert!(server.inbox.messages().is_empty());
}

#[tokio::test]
async fn answers_to_commands_are_acknowledged_and_counted() {
    let server = Server::start().await;
    let device = server.device();
    let mut client = server.connect(&device, 4).await;
    let topic = device.topic(DeviceTopic::CommandsResponse);
    client
        .publish(&topic, 1, br#"{"id":"x","status":"SUCCESS"}"#)
        .await;
    assert_eq!(client.packet().await.kind(), PUBACK);
    assert!(server.inbox.messages().is_empty());
    assert_eq!(server.endpoint.stats().responses_ignored, 1);
}

#[tokio::test]
async fn the_last_status_and_configuration_are_handed_on() {
    let server = Server::start().await;
    let device = server.device();
    let mut client = server.connect(&device, 4).await;
    let status = device.status();
    let config = device.topic(DeviceTopic::ConfigReported);
    let online = payload(DeviceTopic::Status);
    for (topic, flags, octets) in [
        (&status, 0b0011, online),
        (&config, 0b0011, &b"{}"[..]),
        (&status, 0b0010, b""),
        (&status, 0b0011, b""),
        (&config, 0b0011, b""),
    ] {
        client
            .send(&publish(4, flags, topic.as_bytes(), 1, octets))
            .await;
        assert_eq!(client.packet().await.kind(), PUBACK);
    }
    let expected = [
        Inbound::Status(online.into()),
        Inbound::ConfigReported(b"{}"[..].into()),
        Inbound::Status(b""[..].into()),
        Inbound::ConfigReported(b""[..].into()),
    ];
    assert_eq!(server.inbox.messages(), expected);
}

#[tokio::test]
async fn a_device_that_does_not_acknowledge_is_sent_so_much_and_no_more() {
    let options = MqttOptions {
        outbound_queue_max: 2,
        ..MqttOptions::default()
    };
    let server = Server::with(options).await;
    let device = server.device();
    let connect = Connect::new(5, device.id).properties(b"\x21\0\x01"); // Receive Maximum 1
    let mut client = server.connect_with(&device, &connect).await;
    subscribed(&mut client, &device, DeviceTopic::AnnounceResult, 1).await;
    announce(&mut client, &device, 1).await;
    let (_, first, _) = message(&client.packet().await, 5);
    announce(&mut client, &device, 2).await;
    announce(&mut client, &device, 3).await;
    // With an acknowledgement the next one comes.
    client.send(&with_id(0x40, first.unwrap())).await;
    let (_, second, _) = message(&client.packet().await, 5);
    assert_ne!(first, second);
    announce(&mut client, &device, 4).await;
    announce(&mut client, &device, 5).await;
    client.ended_with(0x97).await;
}

#[tokio::test]
async fn a_packet_that_the_client_does_not_take_is_not_sent() {
    let server = Server::start().await;
    let device = server.device();
    let connect = Connect::new(5, device.id).properties(b"\x27\0\0\0\x80"); // 128 octets
    let mut client = server.connect_with(&device, &connect).await;
    subscribed(&mut client, &device, DeviceTopic::AnnounceResult, 0).await;
    announce(&mut client, &device, 1).await;
    announce(&mut client, &device, 2).await;
    assert_eq!(server.endpoint.stats().replies_dropped, 2);
}

#[tokio::test]
async fn a_packet_that_is_not_sent_takes_no_place() {
    let options = MqttOptions {
        outbound_queue_max: 2,
        ..MqttOptions::default()
    };
    let server = Server::with(options).await;
    let device = server.device();
    // 128 octets, Receive Maximum 1.
    let connect = Connect::new(5, device.id).properties(b"\x27\0\0\0\x80\x21\0\x01");
    let mut client = server.connect_with(&device, &connect).await;
    subscribed(&mut client, &device, DeviceTopic::AnnounceResult, 1).await;
    for id in 1..=5 {
        announce(&mut client, &device, id).await;
    }
    assert_eq!(server.endpoint.stats().replies_dropped, 5);
}

#[tokio::test]
async fn the_reason_of_a_kick_is_told_to_mqtt_5() {
    for (reason, code) in [
        (DisconnectReason::NotAuthorized, 0x87),
        (DisconnectReason::CertificateExpired, 0x87),
        (DisconnectReason::SessionTakenOver, 0x8e),
        (DisconnectReason::ShuttingDown, 0x8b),
    ] {
        for level in [4, 5] {
            let server = Server::start().await;
            let device = server.device();
            let mut client = server.connect(&device, level).await;
            let (organization, id) = (device.organization, device.id);
            server.endpoint.disconnect(organization, id, reason).await;
            client.ended_with(code).await;
        }
    }
}

/// What waits for acknowledgements is sent when it need not wait any more, and in its order.
#[tokio::test]
async fn a_lower_qos_frees_what_waits() {
    let server = Server::start().await;
    let device = server.device();
    let one_at_a_time = Connect::new(5, device.id).properties(&[0x21, 0, 1]);
    let mut client = server.connect_with(&device, &one_at_a_time).await;
    let topic = DeviceTopic::AnnounceResult;
    subscribed(&mut client, &device, topic, 1).await;
    announce(&mut client, &device, 1).await;
    let (_, id, _) = message(&client.packet().await, 5);
    assert!(id.is_some());
    announce(&mut client, &device, 2).await;
    subscribed(&mut client, &device, topic, 0).await;
    let (_, id, _) = message(&client.packet().await, 5);
    assert_eq!(id, None);
    announce(&mut client, &device, 3).await;
    let (_, id, _) = message(&client.packet().await, 5);
    assert_eq!(id, None);
}
