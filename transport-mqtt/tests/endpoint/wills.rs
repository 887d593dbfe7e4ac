//! Wills: where they may go, and when they are published.

use std::sync::Arc;
use std::time::Duration;

use fieldgate_core::clock::{Clock, SystemClock};
use fieldgate_core::testing::ManualClock;
use fieldgate_core::transport::topic::DeviceTopic;
use fieldgate_core::transport::{DisconnectReason, Inbound, Transport};
use fieldgate_transport_mqtt::MqttOptions;

use crate::support::client::Client;
use crate::support::packet::{Connect, PINGREQ};
use crate::support::pki::TestDevice;
use crate::support::server::Server;

const OFFLINE: &[u8] = br#"{"status":"offline","reason":"will"}"#;

fn with_will(device: &TestDevice, level: u8) -> Connect {
    Connect::new(level, device.id).will(&device.status(), OFFLINE, true)
}

async fn start(level: u8) -> (Server, TestDevice, Client) {
    let server = Server::start().await;
    let device = server.device();
    let client = server
        .connect_with(&device, &with_will(&device, level))
        .await;
    (server, device, client)
}

/// Whether the will was published, once the session is closed.
async fn published(server: &Server) -> bool {
    server.inbox.wait_closed(1).await;
    match &server.inbox.messages()[..] {
        [] => false,
        [Inbound::Status(status)] => {
            assert_eq!(status, OFFLINE);
            true
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn not_after_a_disconnect() {
    for level in [4, 5] {
        let (server, _, mut client) = start(level).await;
        client.send(&[0xe0, 0]).await;
        assert!(!published(&server).await);
    }
}

#[tokio::test]
async fn after_a_disconnect_that_wants_it() {
    let (server, _, mut client) = start(5).await;
    client.send(&[0xe0, 1, 4]).await;
    assert!(published(&server).await);
}

#[tokio::test]
async fn after_the_loss_of_the_socket() {
    for level in [4, 5] {
        let (server, _, client) = start(level).await;
        drop(client);
        assert!(published(&server).await);
    }
}

#[tokio::test]
async fn after_the_keep_alive() {
    let server = Server::start().await;
    let device = server.device();
    let connect = with_will(&device, 5).keep_alive(1);
    let mut client = server.connect_with(&device, &connect).await;
    client.ended_with(0x8d).await;
    assert!(published(&server).await);
}

#[tokio::test]
async fn after_a_protocol_error() {
    for level in [4, 5] {
        let (server, device, mut client) = start(level).await;
        client.send(&Connect::new(level, device.id).encode()).await;
        client.ended_with(0x82).await;
        assert!(published(&server).await);
    }
}

#[tokio::test]
async fn not_after_a_takeover() {
    let (server, device, mut client) = start(5).await;
    let _newer = server.connect(&device, 5).await;
    client.ended_with(0x8e).await;
    assert!(!published(&server).await);
}

#[tokio::test]
async fn not_after_a_kick() {
    let (server, device, mut client) = start(5).await;
    let reason = DisconnectReason::NotAuthorized;
    server
        .endpoint
        .disconnect(device.organization, device.id, reason)
        .await;
    client.ended_with(0x87).await;
    assert!(!published(&server).await);
}

#[tokio::test]
async fn after_the_end_of_the_certificate() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let server = Server::with_clock(MqttOptions::default(), clock.clone()).await;
    let device = server.device();
    server
        .inbox
        .set_not_after(clock.now().plus(Duration::from_secs(100)));
    let mut client = server.connect_with(&device, &with_will(&device, 5)).await;
    clock.advance(Duration::from_secs(100));
    client.send(&PINGREQ).await;
    client.ended_with(0x87).await;
    assert!(published(&server).await);
}

#[tokio::test]
async fn after_the_stop_of_the_endpoint() {
    let (server, _, mut client) = start(5).await;
    let inbox = Arc::clone(&server.inbox);
    let stopping = tokio::spawn(server.stop());
    client.ended_with(0x8b).await;
    drop(client);
    stopping.await.unwrap();
    assert!(matches!(inbox.messages()[..], [Inbound::Status(_)]));
}

#[tokio::test]
async fn only_a_retained_empty_will_removes() {
    for (retain, expected) in [(true, 1), (false, 0)] {
        let server = Server::start().await;
        let device = server.device();
        let connect = Connect::new(4, device.id).will(&device.status(), b"", retain);
        drop(server.connect_with(&device, &connect).await);
        server.inbox.wait_closed(1).await;
        assert_eq!(server.inbox.messages().len(), expected);
    }
}

#[tokio::test]
async fn a_will_goes_to_the_own_status_only() {
    let server = Server::start().await;
    let (device, other) = (server.device(), server.device());
    let mut topics: Vec<_> = DeviceTopic::ALL
        .into_iter()
        .flat_map(|topic| [device.topic(topic), other.topic(topic)])
        .filter(|name| *name != device.status())
        .collect();
    topics.push("a".to_owned());
    for (level, refused) in [(4, 0x05), (5, 0x87)] {
        for topic in &topics {
            let connect = Connect::new(level, device.id).will(topic, OFFLINE, true);
            let mut client = server.tls(&device).await;
            client.send(&connect.encode()).await;
            assert_eq!(client.packet().await.body[1], refused, "{topic}");
        }
    }
    assert!(server.inbox.events().is_empty());
    let stats = server.endpoint.stats();
    assert_eq!(stats.publishes_denied, 2 * topics.len() as u64);
    assert_eq!(stats.refused_will, stats.publishes_denied);
}

#[tokio::test]
async fn a_will_is_as_large_as_it_may_be() {
    let server = Server::start().await;
    let device = server.device();
    for (level, refused) in [(4, 0x05), (5, 0x95)] {
        for (size, expected) in [(4095, 0), (4096, 0), (4097, refused)] {
            let payload = vec![b' '; size];
            let connect = Connect::new(level, device.id).will(&device.status(), &payload, true);
            let mut client = server.tls(&device).await;
            client.send(&connect.encode()).await;
            assert_eq!(client.packet().await.body[1], expected, "{size}");
            if expected == 0 {
                client.send(&[0xe0, 0]).await;
            }
        }
    }
}
