//! Publishing and subscribing outside a device's own topics.

use fieldgate_tests::packet::{self, PUBACK, publish, retained, subscribe};
use fieldgate_tests::snapshot::Change;
use fieldgate_tests::world::World;
use fieldgate_tests::{Connect, Device, MqttClient, StorageKind, Version};
use serde_json::json;

#[tokio::test]
async fn a_device_publishes_to_its_own_topics_and_to_no_other() {
    let (world, neighbor) = start().await;
    let (server, own) = (&world.server, &world.device);
    for topic in up_topics(own) {
        let mut client = own.connect(server).await;
        assert_eq!(client.publish(&topic, "{}").await, 0, "{topic}");
    }
    world.settle().await;
    let before = world.snapshot().await;
    let forbidden = not_to_publish_to(&world, &neighbor);
    for topic in &forbidden {
        for version in [Version::V4, Version::V5] {
            let mut client = own.connect_by(server, version).await;
            let last_words = client.publish_to_be_cut_off(topic, READING).await;
            let acknowledged = last_words.iter().any(|packet| packet.kind == PUBACK);
            assert!(!acknowledged, "{topic}");
            // Nor with the retain flag and no payload, which elsewhere deletes.
            let mut client = own.connect_by(server, version).await;
            let deleting = retained(publish(version, topic, b"", 0, 0));
            client.send(&deleting).await;
            let last_words = client.until_closed().await;
            let are_last = last_words
                .iter()
                .all(|packet| packet.kind == packet::DISCONNECT);
            assert!(are_last, "{topic}");
        }
    }
    world.settle().await;
    before.assert_same_but(&world.snapshot().await, Change::is_of_time);
    let denied = r#"fieldgate_mqtt_publishes_total{result="denied"}"#;
    let denied = server.metric(denied).await;
    // A name with a wildcard is no name of a topic at all.
    let names = forbidden.iter().filter(|topic| !topic.contains(['+', '#']));
    assert_eq!(denied, 4 * names.count(), "they are counted");
}

#[tokio::test]
async fn a_device_subscribes_to_its_own_topics_and_to_no_other() {
    let (world, neighbor) = start().await;
    let (server, own) = (&world.server, &world.device);
    let before = world.snapshot().await;
    let mut forbidden = up_topics(own);
    for other in [&neighbor, &world.stranger] {
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
        let mut client = own.connect_by(server, version).await;
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
        let unsubscribe = packet::unsubscribe(version, id, &down[0]);
        client.send(&unsubscribe).await;
        client.expect(packet::UNSUBACK).await;
        client.disconnect().await;
    }
    world.settle().await;
    before.assert_same_but(&world.snapshot().await, Change::is_of_time);
    let denied = server
        .metric("fieldgate_mqtt_subscribes_denied_total")
        .await;
    assert_eq!(denied, 2 * (forbidden.len() + 1), "they are counted");
}

#[tokio::test]
async fn a_will_goes_to_the_devices_own_status_topic_and_nowhere_else() {
    let (world, neighbor) = start().await;
    let (server, own) = (&world.server, &world.device);
    let before = world.snapshot().await;
    let mut forbidden = up_topics(own);
    forbidden.retain(|topic| !topic.ends_with("/status"));
    forbidden.extend(down_topics(own));
    forbidden.extend([&neighbor, &world.stranger].map(|other| other.topic("status")));
    for topic in &forbidden {
        for version in [Version::V4, Version::V5] {
            let connect = Connect::new(version, &*own.id).will(topic.as_str(), READING);
            let (_, code) = MqttClient::connect(server, &own.identity(), &connect).await;
            assert_ne!(code, Some(0), "{topic}");
        }
    }
    before.assert_same(&world.snapshot().await);
    let offline = json!({ "status": "offline", "reason": "lost" }).to_string();
    let connect = Connect::new(Version::V4, &*own.id).will(own.topic("status"), offline);
    let (client, code) = MqttClient::connect(server, &own.identity(), &connect).await;
    assert_eq!(code, Some(0));
    drop(client);
    world.settle().await;
    // A will is an ordinary message: one that is not in order would lie in the quarantine.
    before.assert_same_but(&world.snapshot().await, Change::is_of_time);
}

/// Where a device may not publish.
fn not_to_publish_to(world: &World, neighbor: &Device) -> Vec<String> {
    let (own, stranger) = (&world.device, &world.stranger);
    let mut forbidden: Vec<String> = down_topics(own);
    for other in [neighbor, stranger] {
        forbidden.extend(up_topics(other));
        forbidden.extend(down_topics(other));
    }
    // Its own device id below another organization, and the other way round.
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
    forbidden
}

async fn start() -> (World, Device) {
    let world = World::new(StorageKind::Sqlite).await;
    let neighbor = Device::enroll(&world.server, "neighbor").await;
    (world, neighbor)
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
