//! The device endpoint against strangers and against devices that misbehave.

use std::time::Duration;

use fieldgate_tests::packet::{self, PUBACK, publish, retained, subscribe};
use fieldgate_tests::tls::Identity;
use fieldgate_tests::{Api, Connect, Device, MqttClient, Server, StorageKind, Version, forge};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_client_without_a_certificate_is_not_let_in() {
    let (server, device) = start().await;
    assert_shut_out(&server, None, &device).await;
}

#[tokio::test]
async fn a_client_with_a_certificate_of_a_foreign_ca_is_not_let_in() {
    let (server, device) = start().await;
    let foreign = forge::foreign_identity(&device);
    assert_shut_out(&server, Some(&foreign), &device).await;
}

#[tokio::test]
async fn a_client_with_an_expired_certificate_is_not_let_in() {
    let (server, device) = start().await;
    let expired = forge::identity_by_own_ca(&server, &device, forge::Span::Over);
    assert_shut_out(&server, Some(&expired), &device).await;
}

#[tokio::test]
async fn a_certificate_that_is_not_on_record_is_refused_though_the_ca_signed_it() {
    let (server, device) = start().await;
    let unrecorded = forge::identity_by_own_ca(&server, &device, forge::Span::Now);
    for (version, refused) in [(Version::V4, 0x05), (Version::V5, 0x87)] {
        let connect = Connect::new(version, &*device.id);
        let (_, code) = MqttClient::connect(&server, &unrecorded, &connect).await;
        assert_eq!(code, Some(refused));
    }
    assert_eq!(device.get(&server.api()).await["status"], "PENDING");
}

#[tokio::test]
async fn a_certificate_of_the_servers_own_is_no_devices() {
    let (server, device) = start().await;
    let config_for_server = forge::server_identity_by_own_ca(&server, &device);
    assert_shut_out(&server, Some(&config_for_server), &device).await;
}

#[tokio::test]
async fn a_connect_that_never_comes_is_cut_off() {
    let (server, device) = start().await;
    let mut client = MqttClient::open(&server, Some(&device.identity()))
        .await
        .unwrap();
    assert_eq!(client.until_closed().await, []);
    assert_eq!(device.get(&server.api()).await["status"], "PENDING");
}

#[tokio::test]
async fn a_half_open_handshake_is_cut_off() {
    let (server, _) = start().await;
    for beginning in [&b""[..], &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01]] {
        let mut socket = TcpStream::connect(("127.0.0.1", server.mqtt_port()))
            .await
            .unwrap();
        socket.write_all(beginning).await.unwrap();
        let mut rest = Vec::new();
        let read = socket.read_to_end(&mut rest);
        // Closed or reset, but closed.
        drop(
            tokio::time::timeout(Duration::from_secs(45), read)
                .await
                .expect("it is cut off"),
        );
    }
}

#[tokio::test]
async fn what_is_no_tls_is_cut_off() {
    let (server, device) = start().await;
    let mut socket = TcpStream::connect(("127.0.0.1", server.mqtt_port()))
        .await
        .unwrap();
    let connect = Connect::new(Version::V4, &*device.id).encode();
    socket.write_all(&connect).await.unwrap();
    let mut answer = Vec::new();
    drop(socket.read_to_end(&mut answer).await);
    // At most a TLS alert: no CONNACK.
    assert!(answer.is_empty() || answer[0] == 0x15, "{answer:?}");
}

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
async fn a_packet_that_is_too_large_ends_the_session_and_no_other() {
    let (server, device) = start().await;
    let bystander = Device::enroll(&server, "bystander").await;
    let mut other = bystander.connect(&server).await;
    let topic = device.readings_topic();

    let mut client = device.connect(&server).await;
    let text = "x".repeat(200 * 1024);
    assert_eq!(
        client.publish(&topic, &text).await,
        0,
        "within the limit, though no JSON"
    );
    let text = "x".repeat(257 * 1024);
    assert_eq!(client.publish_to_be_cut_off(&topic, text).await, []);

    // A length that claims 256 MB is not waited for.
    let mut client = device.connect(&server).await;
    client.send(&[0x30, 0xff, 0xff, 0xff, 0x7f]).await;
    assert_eq!(client.until_closed().await, []);
    let mut client = device.connect_by(&server, Version::V5).await;
    client.send(&[0x30, 0xff, 0xff, 0xff, 0x7f]).await;
    let last_words = client.until_closed().await;
    assert!(
        last_words
            .iter()
            .all(|packet| packet.disconnect_reason() == 0x95),
        "{last_words:?}"
    );
    other.ping().await;
}

#[tokio::test]
async fn malformed_packets_end_the_session_and_no_other() {
    let (server, device) = start().await;
    let bystander = Device::enroll(&server, "bystander").await;
    let mut other = bystander.connect(&server).await;
    let topic = device.readings_topic();
    let malformed: Vec<Vec<u8>> = vec![
        // A length of five octets, a reserved kind, reserved flags.
        vec![0x30, 0xff, 0xff, 0xff, 0xff, 0x01],
        vec![0x00, 0x00],
        packet::packet(packet::SUBSCRIBE, 0, &[0, 1, 0, 1, b'a', 0]),
        // QoS 3, packet identifier 0, a topic that is no UTF-8, has NUL, or is cut off.
        publish(Version::V4, &topic, b"{}", 3, 1),
        publish(Version::V4, &topic, b"{}", 1, 0),
        packet::packet(packet::PUBLISH, 0, &[0, 2, 0xff, 0xfe]),
        packet::packet(packet::PUBLISH, 0, &[0, 3, b'a', 0, b'b']),
        packet::packet(packet::PUBLISH, 0, &[0xff, 0xff, b'a']),
        // A second CONNECT, a packet that only servers send, a subscription to nothing.
        Connect::new(Version::V4, &*device.id).encode(),
        packet::packet(packet::CONNACK, 0, &[0, 0]),
        packet::packet(packet::SUBSCRIBE, 0b0010, &[0, 1]),
    ];
    for octets in malformed {
        let mut client = device.connect(&server).await;
        client.send(&octets).await;
        assert_eq!(client.until_closed().await, [], "{octets:02x?}");
    }
    other.ping().await;
    device.connect(&server).await.disconnect().await;
}

#[tokio::test]
async fn the_client_id_is_the_devices_own_or_none() {
    let (server, device) = start().await;
    let victim = Device::enroll(&server, "victim").await;
    let mut held = victim.connect(&server).await;
    let upper = device.id.to_uppercase();
    let foreign = [
        victim.id.as_str(),
        "other",
        "a/b",
        "+",
        "#",
        "a/+/#",
        upper.as_str(),
        "$SYS",
        "ü",
        &"x".repeat(10_000),
    ];
    for client_id in foreign {
        for (version, refused) in [(Version::V4, 0x02), (Version::V5, 0x85)] {
            let connect = Connect::new(version, client_id);
            let (_, code) = MqttClient::connect(&server, &device.identity(), &connect).await;
            assert_eq!(code, Some(refused), "{client_id:.40}");
        }
    }
    let api = server.api();
    assert_eq!(device.get(&api).await["status"], "PENDING");
    held.ping().await;
    assert_eq!(victim.get(&api).await["online"], true);

    let empty = Connect::new(Version::V4, "");
    let (_, code) =
        MqttClient::connect(&server, &device.identity(), &empty.clone().unclean()).await;
    assert_eq!(code, Some(0x02));
    let (mut client, code) = MqttClient::connect(&server, &device.identity(), &empty).await;
    assert_eq!(code, Some(0));
    client
        .publish_json(
            &device.readings_topic(),
            &json!({ "sensor": "a", "value": 1 }),
        )
        .await;
    assert_eq!(device.readings(&api, "a").await.len(), 1);
}

#[tokio::test]
async fn a_device_publishes_to_its_own_topics_and_to_no_other() {
    let world = World::new().await;
    let own = &world.devices[0];
    let api = &world.apis[0];
    for topic in up_topics(own) {
        let mut client = own.connect(&world.server).await;
        assert_eq!(client.publish(&topic, "{}").await, 0, "{topic}");
    }
    let mut forbidden: Vec<String> = down_topics(own);
    for other in &world.devices[1..] {
        forbidden.extend(up_topics(other));
        forbidden.extend(down_topics(other));
    }
    // Its own device id below another organization, and the other way round.
    let stranger = &world.devices[2];
    forbidden.push(format!(
        "v1/readings/{}/{}",
        stranger.organization_id, own.id
    ));
    forbidden.push(format!(
        "v1/readings/{}/{}",
        own.organization_id, stranger.id
    ));
    forbidden.extend(["$SYS/broker", "a", "/", "v1", "v1/readings/+/+", "#"].map(str::to_owned));
    forbidden.push(format!("{}/", own.readings_topic()));
    forbidden.push(own.readings_topic().to_uppercase());
    for topic in &forbidden {
        for version in [Version::V4, Version::V5] {
            let mut client = own.connect_by(&world.server, version).await;
            let last_words = client.publish_to_be_cut_off(topic, READING).await;
            assert!(
                last_words.iter().all(|packet| packet.kind != PUBACK),
                "{topic}"
            );
            // Nor with the retain flag and no payload, which elsewhere deletes.
            let mut client = own.connect_by(&world.server, version).await;
            client
                .send(&retained(publish(version, topic, b"", 0, 0)))
                .await;
            let last_words = client.until_closed().await;
            assert!(
                last_words
                    .iter()
                    .all(|packet| packet.kind == packet::DISCONNECT),
                "{topic}"
            );
        }
    }
    let denied = world
        .server
        .metric(r#"fieldgate_mqtt_publishes_total{result="denied"}"#)
        .await;
    assert!(denied >= forbidden.len(), "they are counted: {denied}");
    assert_eq!(own.sensors(api).await, Vec::<Value>::new());
    for (other, api) in world.devices.iter().zip(&world.apis).skip(1) {
        assert_eq!(other.sensors(api).await, Vec::<Value>::new());
        assert_eq!(other.quarantine(api).await, Vec::<Value>::new());
        assert_eq!(other.get(api).await["status"], "PENDING");
    }
}

#[tokio::test]
async fn a_device_subscribes_to_its_own_topics_and_to_no_other() {
    let world = World::new().await;
    let own = &world.devices[0];
    let mut forbidden = up_topics(own);
    for other in &world.devices[1..] {
        forbidden.extend(up_topics(other));
        forbidden.extend(down_topics(other));
    }
    forbidden.extend(["#", "+", "v1/#", "$SYS/#", "/"].map(str::to_owned));
    forbidden.push(format!("v1/gateways/{}/{}/#", own.organization_id, own.id));
    forbidden.push(format!("v1/gateways/{}/+/commands", own.organization_id));
    forbidden.push(format!("$share/a/{}", own.topic("commands")));
    for (version, refused) in [
        (Version::V4, &[0x80][..]),
        (Version::V5, &[0x87, 0x9e, 0xa2]),
    ] {
        let mut client = own.connect_by(&world.server, version).await;
        for topic in &down_topics(own) {
            assert!(client.subscribe(topic).await <= 1, "{topic}");
        }
        for filter in &forbidden {
            let code = client.subscribe(filter).await;
            assert!(refused.contains(&code), "{filter}: {code:#04x}");
        }
        // One SUBSCRIBE with both: each gets its own answer.
        let down = down_topics(own);
        let both = [&down[0], &forbidden[0]].map(String::as_str);
        let id = client.next_id();
        client.send(&subscribe(version, id, &both)).await;
        let codes = client.expect(packet::SUBACK).await.codes(version);
        assert_eq!(codes.len(), 2);
        assert!(codes[0] <= 1 && refused.contains(&codes[1]), "{codes:02x?}");
        let id = client.next_id();
        client
            .send(&packet::unsubscribe(version, id, &down[0]))
            .await;
        client.expect(packet::UNSUBACK).await;
        client.disconnect().await;
    }
    let denied = world
        .server
        .metric("fieldgate_mqtt_subscribes_denied_total")
        .await;
    assert_eq!(denied, 2 * (forbidden.len() + 1), "they are counted");
}

#[tokio::test]
async fn a_will_goes_to_the_devices_own_status_topic_and_nowhere_else() {
    let world = World::new().await;
    let own = &world.devices[0];
    let mut forbidden = up_topics(own);
    forbidden.retain(|topic| !topic.ends_with("/status"));
    forbidden.extend(down_topics(own));
    forbidden.push(world.devices[1].topic("status"));
    forbidden.push(world.devices[2].topic("status"));
    for topic in &forbidden {
        for version in [Version::V4, Version::V5] {
            let connect = Connect::new(version, &*own.id).will(topic.as_str(), READING);
            let (_, code) = MqttClient::connect(&world.server, &own.identity(), &connect).await;
            assert_ne!(code, Some(0), "{topic}");
        }
    }
    assert_eq!(own.get(&world.apis[0]).await["status"], "PENDING");
    let offline = json!({ "status": "offline", "reason": "lost" }).to_string();
    let connect = Connect::new(Version::V4, &*own.id).will(own.topic("status"), offline);
    let (client, code) = MqttClient::connect(&world.server, &own.identity(), &connect).await;
    assert_eq!(code, Some(0));
    drop(client);
    own.becomes(&world.apis[0], "OFFLINE").await;
    assert_eq!(own.quarantine(&world.apis[0]).await, Vec::<Value>::new());
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

/// Two organizations with two devices each; the first two are of the first one.
struct World {
    server: Server,
    devices: Vec<Device>,
    /// The operator of each device's organization.
    apis: Vec<Api>,
}

impl World {
    async fn new() -> Self {
        let server = Server::start(StorageKind::Sqlite);
        let first = server.api();
        let second = server.second_organization().await;
        let mut devices = Vec::new();
        let mut apis = Vec::new();
        for (api, name) in [(&first, "a"), (&first, "b"), (&second, "a"), (&second, "b")] {
            devices.push(Device::enroll_in(&server, api, name).await);
            apis.push(api.clone());
        }
        Self {
            server,
            devices,
            apis,
        }
    }
}

async fn start() -> (Server, Device) {
    let server = Server::start(StorageKind::Sqlite);
    let device = Device::enroll(&server, "honest").await;
    (server, device)
}

/// Checks that TLS does not let a client in: no CONNACK comes, not even a refusing one.
async fn assert_shut_out(server: &Server, identity: Option<&Identity>, device: &Device) {
    if let Ok(mut client) = MqttClient::open(server, identity).await {
        client
            .send(&Connect::new(Version::V4, &*device.id).encode())
            .await;
        assert_eq!(client.next().await, None);
    }
    assert_eq!(device.get(&server.api()).await["status"], "PENDING");
    // The endpoint is well, and the device itself is let in.
    device.connect(server).await.disconnect().await;
}

fn up_topics(device: &Device) -> Vec<String> {
    let levels = [
        "health",
        "status",
        "announce",
        "commands/response",
        "config/reported",
        "certificate/renew",
    ];
    let mut topics = vec![device.readings_topic()];
    topics.extend(levels.map(|level| device.topic(level)));
    topics
}

fn down_topics(device: &Device) -> Vec<String> {
    let levels = [
        "announce/result",
        "commands",
        "config/desired",
        "certificate/issued",
    ];
    levels.map(|level| device.topic(level)).into()
}

const READING: &str = r#"{"sensor": "planted", "value": 1}"#;
