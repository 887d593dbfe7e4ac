//! A newer session of a device takes the place of the older one.

use std::time::Duration;

use fieldgate_core::testing::transport::Event;
use fieldgate_transport_mqtt::MqttOptions;

use crate::support::packet::{Connect, PINGREQ, PINGRESP};
use crate::support::server::Server;

#[tokio::test]
async fn the_newer_session_stays() {
    for level in [4, 5] {
        let server = Server::start().await;
        let device = server.device();
        let mut older = server.connect(&device, level).await;
        let mut newer = server.connect(&device, level).await;
        older.ended_with(0x8e).await;
        newer.send(&PINGREQ).await;
        assert_eq!(newer.packet().await.kind(), PINGRESP);
        server.inbox.wait_closed(1).await;
        let events = server.inbox.events();
        assert_eq!(events.last(), Some(&Event::Closed(1)));
        assert_eq!(server.endpoint.stats().takeovers, 1);
        assert_eq!(server.endpoint.stats().sessions_live, 1);
    }
}

#[tokio::test]
async fn the_newer_session_stays_when_it_is_answered_first() {
    for (level, refused) in [(4, 0x03), (5, 0x88)] {
        let server = Server::start().await;
        let device = server.device();
        server.inbox.next_epoch(2);
        let mut newer = server.connect(&device, level).await;
        server.inbox.next_epoch(1);
        let mut older = server.tls(&device).await;
        older.send(&Connect::new(level, device.id).encode()).await;
        assert_eq!(older.packet().await.body[1], refused);
        server.inbox.wait_closed(1).await;
        assert_eq!(server.inbox.events().last(), Some(&Event::Closed(1)));
        newer.send(&PINGREQ).await;
        assert_eq!(newer.packet().await.kind(), PINGRESP);
    }
}

#[tokio::test]
async fn of_many_at_once_one_stays() {
    let options = MqttOptions {
        takeovers_max: 100,
        ..MqttOptions::default()
    };
    let server = Server::with(options).await;
    let device = server.device();
    server.inbox.hold_openings(true);
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = server.tls(&device).await;
        client.send(&Connect::new(5, device.id).encode()).await;
        clients.push(client);
    }
    let all = |events: &[Event]| events.len() == 20;
    server.inbox.wait("all are opening", all).await;
    server.inbox.hold_openings(false);
    server.inbox.wait_closed(19).await;
    assert_eq!(server.endpoint.stats().sessions_live, 1);
    let closed = |epoch: u64| server.inbox.events().contains(&Event::Closed(epoch));
    assert!((1..20).all(closed) && !closed(20));
}

#[tokio::test]
async fn a_copied_key_is_slowed_down() {
    let options = MqttOptions {
        takeovers_max: 2,
        takeover_window: Duration::from_secs(3600),
        takeover_delay: Duration::from_millis(10),
        ..MqttOptions::default()
    };
    let server = Server::with(options).await;
    let device = server.device();
    let mut last = server.connect(&device, 5).await;
    for _ in 0..5 {
        let next = server.connect(&device, 5).await;
        last.ended_with(0x8e).await;
        last = next;
    }
    let stats = server.endpoint.stats();
    assert_eq!((stats.takeovers, stats.takeovers_delayed), (5, 3));
    // A device that reconnects without taking anything over is not.
    last.send(&[0xe0, 0]).await;
    server.inbox.wait_closed(6).await;
    server.connect(&device, 5).await;
    assert_eq!(server.endpoint.stats().takeovers_delayed, 3);
}
