//! Messages are acknowledged when they are stored, in their order, and not before.

use fieldgate_core::testing::transport::Event;
use fieldgate_core::transport::Inbound;
use fieldgate_core::transport::topic::DeviceTopic;
use fieldgate_transport_mqtt::MqttOptions;

use crate::support::packet::{PINGREQ, PINGRESP, PUBACK, PUBCOMP, PUBREC, publish, with_id};
use crate::support::server::Server;
use crate::support::topics::{payload, reading};

#[tokio::test]
async fn a_puback_follows_the_storage() {
    for level in [4, 5] {
        let server = Server::start().await;
        let device = server.device();
        let mut client = server.connect(&device, level).await;
        server.inbox.hold_messages(true);
        client.publish(&device.readings(), 7, &reading(1)).await;
        let messages = server.inbox.wait_messages(1).await;
        assert!(matches!(&messages[0], Inbound::Readings(items) if items.len() == 1));
        // Were there a PUBACK, it would come before the PINGRESP.
        client.send(&PINGREQ).await;
        assert_eq!(client.packet().await.kind(), PINGRESP);
        server.inbox.hold_messages(false);
        let answer = client.packet().await;
        assert_eq!((answer.kind(), answer.packet_id()), (PUBACK, 7));
    }
}

#[tokio::test]
async fn readings_are_stored_side_by_side_and_acknowledged_in_order() {
    let server = Server::start().await;
    let device = server.device();
    let mut client = server.connect(&device, 4).await;
    server.inbox.hold_messages(true);
    for number in 0..5_u16 {
        let payload = reading(number.into());
        client
            .publish(&device.readings(), 100 + number, &payload)
            .await;
    }
    server.inbox.wait_messages(5).await;
    // The last ones are stored first.
    for number in [4, 3, 2, 1] {
        server.inbox.release(number);
    }
    let stored = |events: &[Event]| {
        let stored = events
            .iter()
            .filter(|event| matches!(event, Event::Stored(_)));
        stored.count() == 4
    };
    server.inbox.wait("four are stored", stored).await;
    client.send(&PINGREQ).await;
    assert_eq!(client.packet().await.kind(), PINGRESP);
    server.inbox.release(0);
    for number in 0..5 {
        assert_eq!(client.packet().await.packet_id(), 100 + number);
    }
}

#[tokio::test]
async fn other_messages_are_processed_alone() {
    let server = Server::start().await;
    let device = server.device();
    let mut client = server.connect(&device, 4).await;
    server.inbox.hold_messages(true);
    let announce = device.topic(DeviceTopic::Announce);
    client.publish(&device.readings(), 1, &reading(1)).await;
    client
        .publish(&announce, 2, payload(DeviceTopic::Announce))
        .await;
    client.publish(&device.readings(), 3, &reading(3)).await;
    let mut kinds = Vec::new();
    for number in 0..3 {
        let messages = server.inbox.wait_messages(number + 1).await;
        assert_eq!(messages.len(), number + 1, "one at a time");
        kinds.push(matches!(messages[number], Inbound::Announce { .. }));
        server.inbox.release(number);
        let id = u16::try_from(number + 1).unwrap();
        assert_eq!(client.packet().await.packet_id(), id);
    }
    assert_eq!(kinds, [false, true, false]);
}

#[tokio::test]
async fn a_client_may_send_more_than_is_processed_at_once() {
    let options = MqttOptions {
        receive_maximum: 4,
        ..MqttOptions::default()
    };
    let server = Server::with(options).await;
    let device = server.device();
    let mut client = server.connect(&device, 4).await;
    server.inbox.hold_messages(true);
    for number in 0..50_u16 {
        client
            .publish(&device.readings(), number + 1, &reading(number.into()))
            .await;
    }
    server.inbox.wait_messages(4).await;
    server.inbox.release(0);
    assert_eq!(client.packet().await.packet_id(), 1);
    let messages = server.inbox.wait_messages(5).await;
    assert_eq!(messages.len(), 5, "no more than four at once");
    server.inbox.hold_messages(false);
    for number in 1..50 {
        assert_eq!(client.packet().await.packet_id(), number + 1);
    }
    assert_eq!(server.endpoint.stats().publishes_stored, 50);
}

#[tokio::test]
async fn what_is_processed_at_once_is_bounded_in_octets() {
    let options = MqttOptions {
        unprocessed_max_bytes: 1000,
        ..MqttOptions::default()
    };
    let server = Server::with(options).await;
    let device = server.device();
    let mut client = server.connect(&device, 5).await;
    server.inbox.hold_messages(true);
    let text = "x".repeat(700);
    let payload = format!(r#"{{"sensor":"s","value":"{text}"}}"#);
    for id in 1..=3 {
        client
            .publish(&device.readings(), id, payload.as_bytes())
            .await;
    }
    for number in 0..3 {
        let messages = server.inbox.wait_messages(number + 1).await;
        assert_eq!(messages.len(), number + 1);
        server.inbox.release(number);
        client.packet().await;
    }
}

#[tokio::test]
async fn mqtt_5_clients_keep_to_receive_maximum() {
    let options = MqttOptions {
        receive_maximum: 2,
        ..MqttOptions::default()
    };
    let server = Server::with(options).await;
    let device = server.device();
    let mut client = server.connect(&device, 5).await;
    server.inbox.hold_messages(true);
    for id in 1..=3 {
        client
            .publish(&device.readings(), id, &reading(id.into()))
            .await;
    }
    server.inbox.wait_messages(2).await;
    server.inbox.hold_messages(false);
    client.ended_with(0x93).await;
    assert_eq!(server.inbox.messages().len(), 2);
    assert_eq!(server.endpoint.stats().protocol_errors, 1);
}

#[tokio::test]
async fn a_message_of_qos_2_is_processed_once() {
    for level in [4, 5] {
        let server = Server::start().await;
        let device = server.device();
        let mut client = server.connect(&device, level).await;
        let topic = device.readings();
        let send = |dup: u8| publish(level, 0b0100 | dup, topic.as_bytes(), 9, &reading(1));
        server.inbox.hold_messages(true);
        client.send(&send(0)).await;
        server.inbox.wait_messages(1).await;
        client.send(&send(0b1000)).await;
        client.send(&PINGREQ).await;
        assert_eq!(client.packet().await.kind(), PINGRESP);
        server.inbox.hold_messages(false);
        let answer = client.packet().await;
        assert_eq!((answer.kind(), answer.packet_id()), (PUBREC, 9));
        // Once more, after the PUBREC: it is answered, and not processed.
        client.send(&send(0b1000)).await;
        assert_eq!(client.packet().await.kind(), PUBREC);
        client.send(&with_id(0x62, 9)).await;
        let answer = client.packet().await;
        assert_eq!((answer.kind(), answer.packet_id()), (PUBCOMP, 9));
        assert_eq!(server.inbox.messages().len(), 1);
        // The id is free again.
        client.send(&send(0)).await;
        assert_eq!(client.packet().await.kind(), PUBREC);
        assert_eq!(server.inbox.messages().len(), 2);
        // A PUBREL for nothing is answered, too.
        client.send(&with_id(0x62, 77)).await;
        let answer = client.packet().await;
        assert_eq!((answer.kind(), answer.packet_id()), (PUBCOMP, 77));
        if level == 5 {
            assert_eq!(answer.body[2], 0x92);
        }
    }
}

#[tokio::test]
async fn qos_2_counts_until_it_is_complete() {
    let options = MqttOptions {
        receive_maximum: 2,
        unreleased_max: 2,
        ..MqttOptions::default()
    };
    for level in [4, 5] {
        let server = Server::with(options.clone()).await;
        let device = server.device();
        let mut client = server.connect(&device, level).await;
        let topic = device.readings();
        for id in 1..=2 {
            client
                .send(&publish(level, 0b0100, topic.as_bytes(), id, &reading(1)))
                .await;
            assert_eq!(client.packet().await.kind(), PUBREC);
        }
        client
            .send(&publish(level, 0b0100, topic.as_bytes(), 3, &reading(1)))
            .await;
        client.ended_with(0x93).await;
    }
}

#[tokio::test]
async fn what_cannot_be_stored_is_not_acknowledged() {
    for level in [4, 5] {
        let server = Server::start().await;
        let device = server.device();
        let mut client = server.connect(&device, level).await;
        server.inbox.hold_messages(true);
        server.inbox.fail_message(1);
        for id in 1..=3 {
            client
                .publish(&device.readings(), id, &reading(id.into()))
                .await;
        }
        server.inbox.wait_messages(3).await;
        server.inbox.hold_messages(false);
        let packets = client.ended().await;
        let acknowledged: Vec<_> = packets
            .iter()
            .filter(|packet| packet.kind() == PUBACK)
            .map(|packet| packet.packet_id())
            .collect();
        assert_eq!(acknowledged, [1], "none behind the one that failed");
        if level == 5 {
            assert_eq!(packets.last().unwrap().body[0], 0x89);
        }
        server.inbox.wait_closed(1).await;
        assert_eq!(server.endpoint.stats().publishes_failed, 1);
    }
}

#[tokio::test]
async fn a_message_of_qos_0_may_be_lost() {
    let server = Server::start().await;
    let device = server.device();
    let mut client = server.connect(&device, 5).await;
    server.inbox.fail_message(0);
    let topic = device.readings();
    client
        .send(&publish(5, 0, topic.as_bytes(), 0, &reading(1)))
        .await;
    client.publish(&topic, 1, &reading(2)).await;
    assert_eq!(client.packet().await.kind(), PUBACK);
    assert_eq!(server.endpoint.stats().publishes_failed, 1);
}

#[tokio::test]
async fn the_session_of_a_deleted_device_ends() {
    let server = Server::start().await;
    let device = server.device();
    let mut client = server.connect(&device, 5).await;
    server.inbox.device_gone();
    client.publish(&device.readings(), 1, &reading(1)).await;
    client.ended_with(0x87).await;
    server.inbox.wait_closed(1).await;
}

#[tokio::test]
async fn what_is_no_json_is_acknowledged_and_quarantined() {
    for (flags, kind) in [(0b0010, PUBACK), (0b0100, PUBREC)] {
        let server = Server::start().await;
        let device = server.device();
        let mut client = server.connect(&device, 5).await;
        let topic = device.readings();
        client
            .send(&publish(5, flags, topic.as_bytes(), 5, b"hello"))
            .await;
        let answer = client.packet().await;
        assert_eq!((answer.kind(), answer.body[2]), (kind, 0x99));
        assert!(matches!(server.inbox.messages()[..], [Inbound::Refused(_)]));
        assert_eq!(server.endpoint.stats().payloads_quarantined, 1);
    }
}

#[tokio::test]
async fn messages_before_a_disconnect_are_stored() {
    let server = Server::start().await;
    let device = server.device();
    let mut client = server.connect(&device, 4).await;
    server.inbox.hold_messages(true);
    let topic = device.readings();
    let mut octets = Vec::new();
    for number in 0..10 {
        octets.extend(publish(4, 0, topic.as_bytes(), 0, &reading(number)));
    }
    octets.extend([0xe0, 0]);
    client.send(&octets).await;
    server.inbox.wait_messages(10).await;
    assert_eq!(
        server
            .inbox
            .count(|event| matches!(event, Event::Closed(_))),
        0
    );
    server.inbox.hold_messages(false);
    server.inbox.wait_closed(1).await;
    assert_eq!(
        server
            .inbox
            .count(|event| matches!(event, Event::Stored(_))),
        10
    );
}

#[tokio::test]
async fn a_message_is_as_large_as_it_may_be() {
    let server = Server::start().await;
    let device = server.device();
    let of_size = |size: usize| {
        let text = "x".repeat(900);
        let item = format!(r#"{{"sensor":"s","value":"{text}"}}"#);
        let mut payload = format!("[{item}").into_bytes();
        while payload.len() + item.len() + 2 <= size {
            payload.push(b',');
            payload.extend(item.as_bytes());
        }
        payload.resize(size - 1, b' ');
        payload.push(b']');
        payload
    };
    for level in [4, 5] {
        let mut client = server.connect(&device, level).await;
        for size in [256 * 1024 - 1, 256 * 1024] {
            client.publish(&device.readings(), 1, &of_size(size)).await;
            assert_eq!(client.packet().await.kind(), PUBACK, "{size}");
        }
        // The server may be gone before it has taken all.
        let topic = device.readings();
        let packet = publish(level, 0b0010, topic.as_bytes(), 2, &of_size(256 * 1024 + 1));
        let _ = client.try_send(&packet).await;
        client.ended_with(0x97).await;
    }
}
