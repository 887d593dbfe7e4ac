//! MQTT packets that are oversized or malformed.

use fieldgate_tests::packet::{self, packet, publish};
use fieldgate_tests::snapshot::Change;
use fieldgate_tests::world::World;
use fieldgate_tests::{Connect, Device, StorageKind, Version};

#[tokio::test]
async fn a_packet_that_is_too_large_ends_the_session_and_no_other() {
    let world = World::new(StorageKind::Sqlite).await;
    let (server, device) = (&world.server, &world.device);
    let bystander = Device::enroll(server, "bystander").await;
    let mut other = bystander.connect(server).await;
    let topic = device.readings_topic();
    let before = world.snapshot().await;
    let text = "x".repeat(257 * 1024);
    let mut client = device.connect(server).await;
    assert_eq!(client.publish_to_be_cut_off(&topic, &text).await, []);
    for version in [Version::V4, Version::V5] {
        // A length that claims 256 MB is not waited for.
        for octets in [
            &[0x30, 0xff, 0xff, 0xff, 0x7f][..],
            &[0x82, 0xff, 0xff, 0xff, 0x7f],
        ] {
            let mut client = device.connect_by(server, version).await;
            client.send(octets).await;
            let last_words = client.until_closed().await;
            let reasons: Vec<_> = last_words
                .iter()
                .map(packet::Packet::disconnect_reason)
                .collect();
            let told = if version == Version::V5 {
                &[PACKET_TOO_LARGE][..]
            } else {
                &[]
            };
            assert_eq!(reasons, told, "{last_words:?}");
        }
    }
    world.settle().await;
    before.assert_same_but(&world.snapshot().await, Change::is_of_time);
    other.ping().await;

    let mut client = device.connect(server).await;
    let text = "x".repeat(200 * 1024);
    let code = client.publish(&topic, &text).await;
    assert_eq!(code, 0, "within the limit, though no JSON");
}

#[tokio::test]
async fn malformed_packets_end_the_session_and_no_other() {
    let world = World::new(StorageKind::Sqlite).await;
    let (server, device) = (&world.server, &world.device);
    let bystander = Device::enroll(server, "bystander").await;
    let mut other = bystander.connect(server).await;
    let before = world.snapshot().await;
    for octets in malformed(device) {
        let mut client = device.connect(server).await;
        client.send(&octets).await;
        assert_eq!(client.until_closed().await, [], "{octets:02x?}");
    }
    world.settle().await;
    before.assert_same_but(&world.snapshot().await, Change::is_of_time);
    other.ping().await;
    device.connect(server).await.disconnect().await;
}

#[tokio::test]
async fn what_is_no_connect_gets_no_session() {
    let world = World::new(StorageKind::Sqlite).await;
    let (server, device) = (&world.server, &world.device);
    let before = world.snapshot().await;
    let identity = device.identity();
    let good = Connect::new(Version::V4, &*device.id).encode();
    let altered = |at: usize, octet: u8| {
        let mut octets = good.clone();
        octets[at] = octet;
        octets
    };
    for octets in [
        // Another packet first, another protocol, a reserved flag, a will of QoS 3.
        packet::pingreq(),
        publish(Version::V4, &device.readings_topic(), READING, 1, 1),
        altered(4, b'X'),
        altered(9, 0b0000_0011),
        altered(9, 0b0001_1110),
        // A length that ends before what it says it has, and one without end.
        altered(1, 5),
        vec![0x10, 0xff, 0xff, 0xff, 0xff, 0x01],
        vec![0x10, 0xff, 0xff, 0xff, 0x7f],
    ] {
        let opened = fieldgate_tests::MqttClient::open(server, Some(&identity)).await;
        let mut client = opened.unwrap();
        client.send(&octets).await;
        let answers = client.until_closed().await;
        let accepted = |answer: &packet::Packet| answer.connack_code() == 0;
        assert!(!answers.iter().any(accepted), "{octets:02x?}: {answers:?}");
    }
    before.assert_same(&world.snapshot().await);
}

fn malformed(device: &Device) -> Vec<Vec<u8>> {
    let topic = device.readings_topic();
    vec![
        // A length of five octets, a reserved kind, reserved flags.
        vec![0x30, 0xff, 0xff, 0xff, 0xff, 0x01],
        vec![0x00, 0x00],
        packet(packet::SUBSCRIBE, 0, &[0, 1, 0, 1, b'a', 0]),
        // QoS 3, packet identifier 0, a topic that is no UTF-8, has NUL, or is cut off.
        publish(Version::V4, &topic, READING, 3, 1),
        publish(Version::V4, &topic, READING, 1, 0),
        packet(packet::PUBLISH, 0, &[0, 2, 0xff, 0xfe]),
        packet(packet::PUBLISH, 0, &[0, 3, b'a', 0, b'b']),
        packet(packet::PUBLISH, 0, &[0xff, 0xff, b'a']),
        // A second CONNECT, a packet that only servers send, a subscription to nothing.
        Connect::new(Version::V4, &*device.id).encode(),
        packet(packet::CONNACK, 0, &[0, 0]),
        packet(packet::SUBSCRIBE, 0b0010, &[0, 1]),
    ]
}

const READING: &[u8] = br#"{"sensor": "planted", "value": 1}"#;

const PACKET_TOO_LARGE: u8 = 0x95;
