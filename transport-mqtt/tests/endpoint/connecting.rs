//! CONNECT and CONNACK.

use fieldgate_core::storage::SessionRefused;
use fieldgate_core::testing::transport::Event;

use crate::support::packet::{CONNACK, Connect, PINGREQ, PINGRESP, Packet};
use crate::support::pki::TestDevice;
use crate::support::server::Server;

async fn answer(server: &Server, device: &TestDevice, connect: &Connect) -> Packet {
    let mut client = server.tls(device).await;
    client.send(&connect.encode()).await;
    let answer = client.packet().await;
    assert_eq!(answer.kind(), CONNACK);
    assert_eq!(answer.body[0], 0, "there is never a session present");
    if answer.body[1] != 0 {
        assert!(client.ended().await.is_empty());
    }
    answer
}

/// The properties of a CONNACK by their identifiers.
fn properties(connack: &Packet) -> Vec<(u8, Vec<u8>)> {
    let mut left = &connack.body[3..];
    assert_eq!(left.len(), usize::from(connack.body[2]));
    let mut properties = Vec::new();
    while let Some((&identifier, rest)) = left.split_first() {
        let size = match identifier {
            0x24 | 0x25 | 0x28 | 0x29 | 0x2a => 1,
            0x13 | 0x21 | 0x22 => 2,
            0x11 | 0x27 => 4,
            0x12 | 0x1f => 2 + usize::from(u16::from_be_bytes([rest[0], rest[1]])),
            other => panic!("property {other:#x}"),
        };
        properties.push((identifier, rest[..size].to_vec()));
        left = &rest[size..];
    }
    properties
}

#[tokio::test]
async fn the_certificate_is_the_identity() {
    let server = Server::start().await;
    let device = server.device();
    for level in [4, 5] {
        let mut connect = Connect::new(level, device.id);
        connect.user = Some("admin".to_owned());
        connect.password = Some(b"secret".to_vec());
        assert_eq!(answer(&server, &device, &connect).await.body[1], 0);
    }
}

#[tokio::test]
async fn another_client_id_is_refused_and_harms_no_one() {
    let server = Server::start().await;
    let (device, victim) = (server.device(), server.device());
    let mut session = server.connect(&victim, 5).await;
    let own = device.id.to_string();
    let ids = [
        victim.id.to_string(),
        own.to_uppercase(),
        format!("{own} "),
        format!("{own}/"),
        "a/b".to_owned(),
        "+".to_owned(),
        "#".to_owned(),
        "x".repeat(5000),
    ];
    for (level, refused) in [(4, 0x02), (5, 0x85)] {
        for id in &ids {
            let connect = Connect::new(level, id);
            assert_eq!(
                answer(&server, &device, &connect).await.body[1],
                refused,
                "{id}"
            );
        }
    }
    session.send(&PINGREQ).await;
    assert_eq!(session.packet().await.kind(), PINGRESP);
    assert_eq!(server.inbox.events(), [Event::Opening, Event::Opened(1)]);
    let refused = server.endpoint.stats().refused_client_id;
    assert_eq!(refused, 2 * ids.len() as u64);
}

#[tokio::test]
async fn an_empty_client_id_is_assigned() {
    let server = Server::start().await;
    let device = server.device();
    let mut connect = Connect::new(4, "");
    assert_eq!(answer(&server, &device, &connect).await.body[1], 0);
    connect.clean = false;
    assert_eq!(answer(&server, &device, &connect).await.body[1], 0x02);
    for clean in [true, false] {
        let mut connect = Connect::new(5, "");
        connect.clean = clean;
        let answer = answer(&server, &device, &connect).await;
        assert_eq!(answer.body[1], 0);
        let mut assigned = vec![0, 36];
        assigned.extend(device.id.to_string().into_bytes());
        assert!(properties(&answer).contains(&(0x12, assigned)));
    }
}

#[tokio::test]
async fn mqtt_5_is_told_what_there_is() {
    let server = Server::start().await;
    let device = server.device();
    let connect = Connect::new(5, device.id).properties(b"\x11\0\0\x0e\x10\x22\0\x0a");
    let properties_of = |answer: &Packet| properties(answer);
    let properties = properties_of(&answer(&server, &device, &connect).await);
    for expected in [
        (0x11, vec![0, 0, 0, 0]),
        (0x21, vec![0, 64]),
        (0x27, (264_u32 * 1024).to_be_bytes().to_vec()),
        (0x28, vec![0]),
        (0x29, vec![0]),
        (0x2a, vec![0]),
    ] {
        assert!(properties.contains(&expected), "{properties:?}");
    }
    // Absent are: Topic Alias Maximum, which is 0 then, Maximum QoS, which is 2, and what was not
    // changed or assigned.
    assert_eq!(properties.len(), 6);
    let connect = Connect::new(5, device.id).keep_alive(0);
    let properties = properties_of(&answer(&server, &device, &connect).await);
    assert!(properties.contains(&(0x13, 1200_u16.to_be_bytes().to_vec())));
}

#[tokio::test]
async fn who_may_not_come_in_is_refused() {
    let server = Server::start().await;
    let device = server.device();
    for refusal in [
        SessionRefused::CertificateNotGood,
        SessionRefused::DeviceInactive,
        SessionRefused::UnknownDevice,
    ] {
        server.inbox.refuse(Some(refusal));
        for (level, refused) in [(4, 0x05), (5, 0x87)] {
            let connect = Connect::new(level, device.id);
            assert_eq!(answer(&server, &device, &connect).await.body[1], refused);
        }
    }
    assert_eq!(server.endpoint.stats().refused_not_authorized, 6);
    assert_eq!(server.endpoint.stats().sessions_opened, 0);
}

#[tokio::test]
async fn without_storage_no_one_comes_in() {
    let server = Server::start().await;
    let device = server.device();
    server.inbox.fail_openings(true);
    for (level, refused) in [(4, 0x03), (5, 0x88)] {
        let connect = Connect::new(level, device.id);
        assert_eq!(answer(&server, &device, &connect).await.body[1], refused);
    }
    assert_eq!(server.endpoint.stats().refused_unavailable, 2);
}

#[tokio::test]
async fn other_versions_are_refused() {
    let server = Server::start().await;
    let device = server.device();
    let connect = Connect::new(3, device.id);
    assert_eq!(answer(&server, &device, &connect).await.body, [0, 1]);
    let connect = Connect::new(6, device.id);
    assert_eq!(answer(&server, &device, &connect).await.body[1], 0x84);
    // MQTT 3.1 has a name of its own.
    let mut client = server.tls(&device).await;
    client
        .send(b"\x10\x0f\0\x06MQIsdp\x03\x02\0\x3c\0\x01a")
        .await;
    assert_eq!(client.packet().await.body, [0, 1]);
}

#[tokio::test]
async fn enhanced_authentication_is_refused() {
    let server = Server::start().await;
    let device = server.device();
    let connect = Connect::new(5, device.id).properties(b"\x15\0\x04SCRA");
    assert_eq!(answer(&server, &device, &connect).await.body[1], 0x8c);
}

#[tokio::test]
async fn a_malformed_connect_of_mqtt_5_is_answered_and_of_3_1_1_closed() {
    let server = Server::start().await;
    let device = server.device();
    let broken = |level: u8| {
        let mut octets = Connect::new(level, device.id).encode();
        octets[9] |= 1; // the reserved flag
        octets
    };
    let mut client = server.tls(&device).await;
    client.send(&broken(5)).await;
    assert_eq!(client.packet().await.body[1], 0x81);
    assert!(client.ended().await.is_empty());
    let mut client = server.tls(&device).await;
    client.send(&broken(4)).await;
    assert!(client.ended().await.is_empty());
    assert_eq!(server.endpoint.stats().refused_protocol, 2);
}

/// It could not be told that it is in.
#[tokio::test]
async fn a_client_that_takes_no_connack_is_refused() {
    let server = Server::start().await;
    let device = server.device();
    for (maximum, reason) in [(99, 0x95), (100, 0)] {
        let connect = Connect::new(5, "").properties(&[0x27, 0, 0, 0, maximum]);
        let connack = answer(&server, &device, &connect).await;
        assert_eq!(connack.body[1], reason, "{maximum}");
        assert!(connack.body.len() < 98, "{}", connack.body.len());
    }
    assert_eq!(server.endpoint.stats().sessions_opened, 1);
}
