//! How sessions end, and that each end is noted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldgate_core::clock::{Clock, SystemClock};
use fieldgate_core::testing::ManualClock;
use fieldgate_core::testing::transport::Event;
use fieldgate_core::transport::{DisconnectReason, Transport};
use fieldgate_transport_mqtt::MqttOptions;

use crate::support::packet::{Connect, PINGREQ, PINGRESP, PUBACK};
use crate::support::server::Server;
use crate::support::soon;
use crate::support::topics::reading;

#[tokio::test]
async fn every_end_is_noted_once() {
    let server = Server::start().await;
    for level in [4, 5] {
        let device = server.device();
        let mut client = server.connect(&device, level).await;
        client.send(&[0xe0, 0]).await;
        let lost = server.connect(&server.device(), level).await;
        drop(lost);
    }
    server.inbox.wait_closed(4).await;
    let mut closed: Vec<_> = server
        .inbox
        .events()
        .into_iter()
        .filter(|event| matches!(event, Event::Closed(_)))
        .collect();
    closed.sort_by_key(|event| format!("{event:?}"));
    assert_eq!(closed, [1, 2, 3, 4].map(Event::Closed));
}

#[tokio::test]
async fn an_end_is_noted_as_soon_as_the_storage_can() {
    let options = MqttOptions {
        close_pause_max: Duration::from_millis(50),
        ..MqttOptions::default()
    };
    let server = Server::with(options).await;
    server.inbox.fail_closings(5);
    drop(server.connect(&server.device(), 4).await);
    server.inbox.wait_closed(1).await;
    assert_eq!(server.inbox.closings_failed(), 5);
    let (inbox, endpoint) = server.stop().await;
    assert_eq!(inbox.count(|event| matches!(event, Event::Closed(_))), 1);
    assert_eq!(endpoint.stats().sessions_closing, 0);
    assert_eq!(endpoint.stats().sessions_live, 0);
}

#[tokio::test]
async fn silence_ends_a_session() {
    for level in [4, 5] {
        let server = Server::start().await;
        let device = server.device();
        let connect = Connect::new(level, device.id).keep_alive(1);
        let begin = Instant::now();
        let mut client = server.connect_with(&device, &connect).await;
        client.ended_with(0x8d).await;
        server.inbox.wait_closed(1).await;
        assert_eq!(server.endpoint.stats().keep_alive_timeouts, 1);
        // One and a half times the keep-alive (MQTT 5, section 3.1.2.10), and not before.
        assert!(begin.elapsed() >= Duration::from_millis(1500));
    }
}

#[tokio::test]
async fn what_the_server_sends_does_not_extend_a_session() {
    let options = MqttOptions {
        drain_timeout: Duration::from_millis(10),
        ..MqttOptions::default()
    };
    let server = Server::with(options).await;
    let device = server.device();
    let connect = Connect::new(5, device.id).keep_alive(1);
    let mut client = server.connect_with(&device, &connect).await;
    server.inbox.hold_messages(true);
    for id in 1..=60 {
        client
            .publish(&device.readings(), id, &reading(id.into()))
            .await;
    }
    server.inbox.wait_messages(60).await;
    // A PUBACK goes out every 100 ms, for 6 s if the session lives so long.
    let inbox = Arc::clone(&server.inbox);
    let releasing = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        for number in 0..60 {
            ticks.tick().await;
            inbox.release(number);
        }
    });
    let packets = client.ended().await;
    releasing.abort();
    assert_eq!(packets.last().unwrap().body[0], 0x8d);
    let acknowledged = packets
        .iter()
        .filter(|packet| packet.kind() == PUBACK)
        .count();
    assert!((1..60).contains(&acknowledged), "{acknowledged}");
}

#[tokio::test]
async fn half_a_packet_does_not_extend_a_session() {
    let server = Server::start().await;
    let device = server.device();
    let connect = Connect::new(5, device.id).keep_alive(1);
    let mut client = server.connect_with(&device, &connect).await;
    client.send(&[0x30, 100]).await;
    let dribbling = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(200));
        for _ in 0..90 {
            ticks.tick().await;
            if client.try_send(b"x").await.is_err() {
                break;
            }
        }
    };
    soon("the server ends it", async {
        tokio::select! {
            () = dribbling => {}
            () = server.inbox.wait_closed(1) => {}
        }
    })
    .await;
    assert_eq!(server.endpoint.stats().keep_alive_timeouts, 1);
}

#[tokio::test]
async fn a_busy_storage_is_no_silence() {
    let server = Server::start().await;
    let device = server.device();
    let connect = Connect::new(5, device.id).keep_alive(1);
    let mut client = server.connect_with(&device, &connect).await;
    server.inbox.hold_messages(true);
    // The second one has to wait for the first, and what follows it waits unread.
    let status = device.status();
    client.publish(&status, 1, br#"{"status":"online"}"#).await;
    client.publish(&status, 2, br#"{"status":"online"}"#).await;
    client.send(&PINGREQ).await;
    server.inbox.wait_messages(1).await;
    // One that comes later and is silent: when its keep-alive is over, so were that of the first.
    let silent = server.device();
    let connect = Connect::new(5, silent.id).keep_alive(1);
    let mut silent = server.connect_with(&silent, &connect).await;
    silent.ended_with(0x8d).await;
    server.inbox.hold_messages(false);
    let mut kinds = Vec::new();
    for _ in 0..3 {
        kinds.push(client.packet().await.kind());
    }
    kinds.sort_unstable();
    assert_eq!(kinds, [PUBACK, PUBACK, PINGRESP]);
}

#[tokio::test]
async fn a_keep_alive_of_0_is_the_default_one() {
    let options = MqttOptions {
        default_keep_alive: Duration::from_secs(1),
        ..MqttOptions::default()
    };
    let server = Server::with(options).await;
    let device = server.device();
    let connect = Connect::new(5, device.id).keep_alive(0);
    let mut client = server.connect_with(&device, &connect).await;
    client.ended_with(0x8d).await;
}

#[tokio::test]
async fn a_kick_returns_when_nothing_more_is_handed_on() {
    let server = Server::start().await;
    let device = server.device();
    let mut client = server.connect(&device, 5).await;
    server.inbox.hold_messages(true);
    client.publish(&device.readings(), 1, &reading(1)).await;
    server.inbox.wait_messages(1).await;
    let kicking = tokio::spawn({
        let endpoint = server.endpoint.clone();
        async move {
            let reason = DisconnectReason::NotAuthorized;
            endpoint
                .disconnect(device.organization, device.id, reason)
                .await;
        }
    });
    // What is being stored is waited for; it is acknowledged, too. Others are served meanwhile.
    let other = server.device();
    let mut other = server.connect(&other, 5).await;
    other.send(&PINGREQ).await;
    assert_eq!(other.packet().await.kind(), PINGRESP);
    assert!(!kicking.is_finished());
    server.inbox.hold_messages(false);
    soon("the kick returns", kicking).await.unwrap();
    let handed_on = server.inbox.messages().len();
    let packets = client.ended().await;
    assert_eq!(packets[0].kind(), PUBACK);
    assert_eq!(packets[1].body[0], 0x87);
    assert_eq!(server.inbox.messages().len(), handed_on);
    server.inbox.wait_closed(1).await;
    assert_eq!(server.endpoint.stats().kicks, 1);
}

#[tokio::test]
async fn a_kick_does_not_wait_for_ever() {
    let options = MqttOptions {
        drain_timeout: Duration::from_millis(50),
        ..MqttOptions::default()
    };
    let server = Server::with(options).await;
    let device = server.device();
    let mut client = server.connect(&device, 5).await;
    server.inbox.hold_messages(true);
    client.publish(&device.readings(), 1, &reading(1)).await;
    server.inbox.wait_messages(1).await;
    let reason = DisconnectReason::NotAuthorized;
    let kick = server
        .endpoint
        .disconnect(device.organization, device.id, reason);
    soon("the kick returns", kick).await;
    client.ended_with(0x87).await;
}

#[tokio::test]
async fn a_kick_while_the_session_is_opened_is_not_lost() {
    for (level, refused) in [(4, 0x05), (5, 0x87)] {
        let server = Server::start().await;
        let device = server.device();
        server.inbox.hold_openings(true);
        let mut client = server.tls(&device).await;
        let mut octets = Connect::new(level, device.id).encode();
        let topic = device.readings();
        octets.extend(crate::support::packet::publish(
            level,
            2,
            topic.as_bytes(),
            1,
            &reading(1),
        ));
        client.send(&octets).await;
        let opening = |events: &[Event]| events.contains(&Event::Opening);
        server.inbox.wait("opening", opening).await;
        let reason = DisconnectReason::NotAuthorized;
        let kick = server
            .endpoint
            .disconnect(device.organization, device.id, reason);
        soon("the kick returns", kick).await;
        server.inbox.hold_openings(false);
        assert_eq!(client.packet().await.body[1], refused);
        let expected = [Event::Opening, Event::Opened(1), Event::Closed(1)];
        assert_eq!(server.inbox.events(), expected);
    }
}

#[tokio::test]
async fn a_kick_does_not_wait_for_the_storage() {
    let options = MqttOptions {
        close_pause_max: Duration::from_millis(50),
        ..MqttOptions::default()
    };
    let server = Server::with(options).await;
    let device = server.device();
    server.inbox.hold_openings(true);
    server.inbox.fail_closings(usize::MAX);
    let mut client = server.tls(&device).await;
    client.send(&Connect::new(5, device.id).encode()).await;
    let opening = |events: &[Event]| events.contains(&Event::Opening);
    server.inbox.wait("opening", opening).await;
    let kick = || {
        let reason = DisconnectReason::NotAuthorized;
        let (organization, id) = (device.organization, device.id);
        soon(
            "the kick returns",
            server.endpoint.disconnect(organization, id, reason),
        )
    };
    kick().await;
    server.inbox.hold_openings(false);
    assert_eq!(client.packet().await.body[1], 0x87);
    kick().await;
    server.inbox.fail_closings(0);
    server.inbox.wait_closed(1).await;
}

#[tokio::test]
async fn a_kick_of_a_device_that_is_not_there_is_nothing() {
    let server = Server::start().await;
    let (device, other) = (server.device(), server.device());
    let mut client = server.connect(&device, 5).await;
    let reason = DisconnectReason::NotAuthorized;
    // The same device id in another organization is another device.
    server
        .endpoint
        .disconnect(other.organization, device.id, reason)
        .await;
    server
        .endpoint
        .disconnect(other.organization, other.id, reason)
        .await;
    client.send(&PINGREQ).await;
    assert_eq!(client.packet().await.kind(), PINGRESP);
    assert_eq!(server.endpoint.stats().kicks, 0);
}

#[tokio::test]
async fn an_idle_session_ends_with_its_certificate() {
    let options = MqttOptions {
        expiry_check_interval: Duration::from_millis(20),
        ..MqttOptions::default()
    };
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let server = Server::with_clock(options, clock.clone()).await;
    let device = server.device();
    server
        .inbox
        .set_not_after(clock.now().plus(Duration::from_secs(100)));
    let mut client = server.connect(&device, 5).await;
    clock.advance(Duration::from_secs(99));
    client.send(&PINGREQ).await;
    assert_eq!(client.packet().await.kind(), PINGRESP);
    clock.advance(Duration::from_secs(1));
    client.ended_with(0x87).await;
    server.inbox.wait_closed(1).await;
}

#[tokio::test]
async fn a_stop_ends_all_sessions() {
    let server = Server::start().await;
    let mut clients = Vec::new();
    for level in [4, 5, 5] {
        clients.push(server.connect(&server.device(), level).await);
    }
    let address = server.address;
    let stopping = tokio::spawn(server.stop());
    for client in &mut clients {
        client.ended_with(0x8b).await;
    }
    drop(clients);
    let (inbox, endpoint) = stopping.await.unwrap();
    assert_eq!(inbox.count(|event| matches!(event, Event::Closed(_))), 3);
    assert_eq!(endpoint.stats().sessions_live, 0);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_stop_waits_for_what_is_being_stored() {
    let server = Server::start().await;
    let device = server.device();
    let mut client = server.connect(&device, 5).await;
    server.inbox.hold_messages(true);
    client.publish(&device.readings(), 1, &reading(1)).await;
    server.inbox.wait_messages(1).await;
    let inbox = Arc::clone(&server.inbox);
    let stopping = tokio::spawn(server.stop());
    inbox.hold_messages(false);
    let packets = client.ended().await;
    assert_eq!(packets[0].kind(), PUBACK);
    drop(client);
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let options = MqttOptions {
        drain_timeout: Duration::from_secs(3600),
        shutdown_grace: Duration::from_millis(50),
        ..MqttOptions::default()
    };
    let server = Server::with(options).await;
    let device = server.device();
    let mut client = server.connect(&device, 5).await;
    server.inbox.hold_messages(true);
    client.publish(&device.readings(), 1, &reading(1)).await;
    server.inbox.wait_messages(1).await;
    let (inbox, _) = server.stop().await;
    // The end is noted nevertheless.
    inbox.wait_closed(1).await;
}

/// The storage may have opened the session when the endpoint has no patience left.
#[tokio::test]
async fn a_session_that_is_opened_for_a_stopped_endpoint_is_closed() {
    let options = MqttOptions {
        shutdown_grace: Duration::ZERO,
        ..MqttOptions::default()
    };
    let server = Server::with(options).await;
    let device = server.device();
    let mut client = server.tls(&device).await;
    server.inbox.hold_openings(true);
    client.send(&Connect::new(5, device.id).encode()).await;
    let inbox = Arc::clone(&server.inbox);
    inbox.wait("the opening", |events| !events.is_empty()).await;
    server.stop().await;
    inbox.hold_openings(false);
    inbox.wait_closed(1).await;
}
