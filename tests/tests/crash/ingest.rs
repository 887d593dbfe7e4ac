//! Killed while a device sends readings.

use std::collections::{BTreeMap, BTreeSet};

use fieldgate_tests::packet::{self, publish};
use fieldgate_tests::{Api, Connect, Device, MqttClient, Server, StorageKind, Version};
use serde_json::json;

use crate::kills::Kills;

pub(crate) async fn no_acknowledged_reading_is_lost(storage: StorageKind) {
    let mut server = Server::start(storage);
    let mut kills = Kills::begin();
    let mut device = Device::enroll(&server, "diligent-0").await;
    let mut all = Vec::new();
    let mut acknowledged = 0;
    while let Some(cycle) = kills.next() {
        if cycle > 0 && kills.is_measured() {
            device = Device::enroll(&server, &format!("diligent-{cycle}")).await;
        }
        let mut publisher = Publisher::connect(&server, &device, cycle).await;

        kills.kill(&mut server, publisher.publish_all()).await;

        let sent = publisher.end().await;
        acknowledged += sent.acknowledged.len();
        server.restart();
        sent.check(&server.api()).await;
        all.push(sent);
    }
    assert!(acknowledged > 0);
    // What one kill has left, the later ones have left too.
    let api = server.api();
    for sent in all {
        sent.check(&api).await;
    }
}

/// What a device has sent before a kill: the numbers from 0 on, by a sensor of its own.
#[derive(Debug)]
struct Sent {
    device: Device,
    /// The key of its component, and of its sensor: both are new with the first reading.
    key: String,
    count: usize,
    acknowledged: BTreeSet<usize>,
}

impl Sent {
    async fn check(&self, api: &Api) {
        let Self { device, key, .. } = self;
        let stored = self.stored(api).await;
        let lost: Vec<_> = self.acknowledged.difference(&stored).collect();
        assert!(lost.is_empty(), "{key}: acknowledged and lost: {lost:?}");
        let never_sent: Vec<_> = stored.range(self.count..).collect();
        assert!(never_sent.is_empty(), "{key}: never sent: {never_sent:?}");
        assert_eq!(device.get(api).await["online"], false);
        assert_eq!(device.quarantine(api).await.len(), 0);
    }

    /// The numbers that are stored.
    async fn stored(&self, api: &Api) -> BTreeSet<usize> {
        let sensors = self.device.sensors(api).await;
        if !sensors.iter().any(|sensor| sensor["key"] == *self.key) {
            return BTreeSet::new();
        }
        let readings = self.device.readings(api, &self.key).await;
        let latest = &self.device.sensor(api, &self.key).await["latest"];
        assert_eq!(latest["value"], readings[0]["value"], "{}", self.key);
        let mut stored = BTreeSet::new();
        for reading in readings {
            let number = usize::try_from(reading["value"].as_u64().unwrap()).unwrap();
            assert_eq!(reading["timestamp"], timestamp(number));
            assert!(
                stored.insert(number),
                "{}: {number} is there twice",
                self.key
            );
        }
        stored
    }
}

/// Publishes numbered readings without waiting for each acknowledgement.
struct Publisher {
    client: MqttClient,
    topic: String,
    in_flight: BTreeMap<u16, usize>,
    sent: Sent,
}

impl Publisher {
    async fn connect(server: &Server, device: &Device, cycle: usize) -> Self {
        let connect = Connect::new(Version::V4, &*device.id);
        let (client, code) = MqttClient::connect(server, &device.identity(), &connect).await;
        assert_eq!(code, Some(0));
        Self {
            client,
            topic: device.readings_topic(),
            in_flight: BTreeMap::new(),
            sent: Sent {
                device: device.clone(),
                key: format!("count-{cycle}"),
                count: 0,
                acknowledged: BTreeSet::new(),
            },
        }
    }

    /// Returns once all is acknowledged.
    async fn publish_all(&mut self) {
        while self.sent.count < IN_FLIGHT {
            self.publish().await;
        }
        while self.sent.count < MESSAGES {
            assert!(self.acknowledged().await);
            self.publish().await;
        }
        while !self.in_flight.is_empty() {
            assert!(self.acknowledged().await);
        }
    }

    async fn publish(&mut self) {
        let number = self.sent.count;
        let key = &self.sent.key;
        let reading = json!({
            "component": key, "sensor": key, "value": number, "timestamp": timestamp(number),
        });
        let id = self.client.next_id();
        let reading = reading.to_string();
        let message = publish(Version::V4, &self.topic, reading.as_bytes(), 1, id);
        // A kill may come while it is under way.
        self.sent.count += 1;
        self.in_flight.insert(id, number);
        self.client.send(&message).await;
    }

    /// Waits for an acknowledgement; false where none comes any more.
    async fn acknowledged(&mut self) -> bool {
        let Some(packet) = self.client.next().await else {
            return false;
        };
        assert_eq!(packet.kind, packet::PUBACK);
        let number = self.in_flight.remove(&packet.id()).unwrap();
        self.sent.acknowledged.insert(number)
    }

    /// Reads what the server has sent before it ended.
    async fn end(mut self) -> Sent {
        while self.acknowledged().await {}
        self.sent
    }
}

fn timestamp(number: usize) -> String {
    format!("2026-01-01T00:00:00.{number:03}Z")
}

const IN_FLIGHT: usize = 20;

const MESSAGES: usize = 90;
