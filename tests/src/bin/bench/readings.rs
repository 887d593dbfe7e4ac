//! Readings at QoS 1: acknowledged by Fieldgate when they are on disk, by mosquitto when one
//! subscriber is about to get them.

use std::time::{Duration, Instant};

use fieldgate_tests::{Device, Server, StorageKind};
use tokio::task::JoinSet;

use crate::load::Client;
use crate::mosquitto::Mosquitto;
use crate::{Extent, median, per_second};

const DEVICES: usize = 8;
const MESSAGES_PER_DEVICE: usize = 2_000;
const WINDOW: usize = 64;

/// Measures, and prints a table.
pub(crate) async fn run(extent: Extent) {
    let Extent { rounds, share } = extent;
    let count = MESSAGES_PER_DEVICE / share;
    println!(
        "\nreadings: {DEVICES} devices, {count} messages each of one reading, QoS 1, \
         {WINDOW} in flight, mutual TLS, {rounds} rounds"
    );
    let mut measured = [const { Vec::new() }; 3];
    for round in 0..rounds {
        for (kind, measured) in [StorageKind::Sqlite, StorageKind::Memory]
            .into_iter()
            .zip(&mut measured[1..])
        {
            let time = fieldgate(kind, count).await;
            measured.push(per_second(DEVICES * count, time));
        }
        let time = mosquitto(count).await;
        measured[0].push(per_second(DEVICES * count, time));
        println!("  round {} of {rounds} done", round + 1);
    }
    let [peer, sqlite, memory] = measured.map(median);
    println!("  | who | messages per second | of mosquitto |");
    println!("  |---|---|---|");
    println!("  | mosquitto, nothing stored, one subscriber | {peer:.0} | 1.00 |");
    println!(
        "  | Fieldgate on SQLite, on disk | {sqlite:.0} | {:.2} |",
        sqlite / peer
    );
    println!(
        "  | Fieldgate in memory | {memory:.0} | {:.2} |",
        memory / peer
    );
}

async fn fieldgate(kind: StorageKind, count: usize) -> Duration {
    let server = Server::start(kind);
    let root = server.root_pem().await;
    let mut publishers = Vec::new();
    for number in 0..DEVICES {
        let device = Device::enroll(&server, &format!("bench-{number}")).await;
        let client =
            Client::connect(server.mqtt_port(), &root, &device.identity(), &device.id).await;
        publishers.push((client, device.readings_topic()));
    }
    time(publishers, count).await
}

async fn mosquitto(count: usize) -> Duration {
    // The devices' certificates come from a Fieldgate, so that both peers see the same ones.
    let server = Server::start(StorageKind::Memory);
    let mut devices = Vec::new();
    for number in 0..=DEVICES {
        devices.push(Device::enroll(&server, &format!("bench-{number}")).await);
    }
    let peer = Mosquitto::start(&devices[0].chain).await;
    let listener = devices.pop().expect("one more than publishers");
    let identity = listener.identity();
    let mut subscriber = Client::connect(peer.port, &peer.root, &identity, &listener.id).await;
    subscriber.subscribe("v1/readings/#").await;
    let taken = tokio::spawn(async move {
        subscriber.take(DEVICES * count).await;
    });
    let mut publishers = Vec::new();
    for device in &devices {
        let client = Client::connect(peer.port, &peer.root, &device.identity(), &device.id).await;
        publishers.push((client, device.readings_topic()));
    }
    let time = time(publishers, count).await;
    taken.await.expect("the subscriber gets all");
    time
}

async fn time(publishers: Vec<(Client, String)>, count: usize) -> Duration {
    let payloads: Vec<String> = (0..count).map(reading).collect();
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for (mut client, topic) in publishers {
        let payloads = payloads.clone();
        tasks.spawn(async move { client.publish_all(&topic, &payloads, WINDOW).await });
    }
    tasks.join_all().await;
    start.elapsed()
}

fn reading(number: usize) -> String {
    let (second, milli) = (number / 1000, number % 1000);
    format!(
        "{{\"sensor\":\"temperature\",\"timestamp\":\"2026-06-01T00:00:{second:02}.{milli:03}Z\",\
         \"value\":{}.5}}",
        number % 40
    )
}
