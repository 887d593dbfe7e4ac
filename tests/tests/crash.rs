//! The server is killed again and again, and keeps what it has promised.
//!
//! Each storage is killed 200 times in CI: a third of them during provisioning, ingest and deletion
//! each. `FIELDGATE_CRASH_CYCLES=10000` is the long form, so many for each of the three; with
//! `--no-capture` it says how far it has come.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use fieldgate_tests::csr::new_key;
use fieldgate_tests::device::certificates;
use fieldgate_tests::packet::{self, publish};
use fieldgate_tests::tls::Identity;
use fieldgate_tests::{
    Answer, Api, Connect, Device, MqttClient, Registration, Server, StorageKind, Version,
    storage_tests,
};
use reqwest::Method;
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

storage_tests!(
    each: [],
    durable: [
        no_token_works_twice_and_no_certificate_is_without_its_record,
        no_acknowledged_reading_is_lost,
        no_device_is_deleted_by_half,
    ],
);

async fn no_token_works_twice_and_no_certificate_is_without_its_record(storage: StorageKind) {
    let mut server = Server::start(storage);
    let mut outcomes = Outcomes::default();
    for cycle in cycles() {
        let (attempts, mut answered) = provision_at_once(&server.api(), cycle).await;
        // Killed after another number of answers each time, with the rest under way.
        for _ in 0..cycle % (TOKENS * RACERS) {
            answered.recv().await;
        }
        server.kill();
        let mut results = Vec::new();
        for attempt in attempts {
            let mut won = Vec::new();
            for racer in attempt.racers {
                let (key, answer) = racer.await.unwrap();
                let won_it = answer.as_ref().filter(|answer| answer.status == 201);
                if won_it.is_some() {
                    won.push((key, answer.unwrap()));
                }
            }
            assert!(won.len() <= 1, "a token has worked twice");
            results.push((attempt.registration, won.pop()));
        }
        server.restart();
        for (registration, won) in results {
            outcomes.check(&server, &registration, won).await;
        }
    }
    assert!(outcomes.won > 0, "{outcomes:?}");
    assert!(outcomes.unused > 0, "no kill came in time: {outcomes:?}");
}

/// What became of the tokens.
#[derive(Debug, Default)]
struct Outcomes {
    won: usize,
    unused: usize,
    used_unanswered: usize,
}

impl Outcomes {
    async fn check(
        &mut self,
        server: &Server,
        registration: &Registration,
        won: Option<(String, Answer)>,
    ) {
        let api = server.api();
        let recorded = certificates(&api, &registration.device_id).await;
        let (_, csr) = new_key();
        if let Some((key, answer)) = won {
            self.won += 1;
            let device = Device::from_answer(server, registration, &key, &answer);
            assert_eq!(recorded.len(), 1);
            assert_eq!(recorded[0]["serialNumber"], *device.serial_number);
            registration
                .provision(&api, &csr)
                .await
                .problem(409, "token_used");
            device.connect(server).await.disconnect().await;
        } else if registration.state(&api).await == "USED" {
            self.used_unanswered += 1;
            assert_eq!(recorded.len(), 1, "used, and no certificate on record");
            registration
                .provision(&api, &csr)
                .await
                .problem(409, "token_used");
        } else {
            self.unused += 1;
            assert_eq!(recorded.len(), 0, "a certificate on record, and not used");
            registration.provision(&api, &csr).await.expect(201);
            registration
                .provision(&api, &csr)
                .await
                .problem(409, "token_used");
        }
    }
}

/// A token that several devices try to redeem at once.
struct Attempt {
    registration: Arc<Registration>,
    racers: Vec<JoinHandle<(String, Option<Answer>)>>,
}

async fn provision_at_once(api: &Api, cycle: usize) -> (Vec<Attempt>, UnboundedReceiver<()>) {
    let (answers, answered) = unbounded_channel();
    let mut attempts = Vec::new();
    for number in 0..TOKENS {
        let name = format!("device-{cycle}-{number}");
        attempts.push(Attempt {
            registration: Arc::new(Registration::new(api, &name).await),
            racers: Vec::new(),
        });
    }
    for attempt in &mut attempts {
        for _ in 0..RACERS {
            let racer = redeem(
                api.clone(),
                Arc::clone(&attempt.registration),
                answers.clone(),
            );
            attempt.racers.push(tokio::spawn(racer));
        }
    }
    (attempts, answered)
}

/// The key, and the answer if one came.
async fn redeem(
    api: Api,
    registration: Arc<Registration>,
    answers: UnboundedSender<()>,
) -> (String, Option<Answer>) {
    let (key, csr) = new_key();
    let body = json!({ "token": registration.token, "csr": csr });
    let api = api.without_key();
    let path = "/api/v1/devices/provision";
    let answer = api
        .try_send(Method::POST, path, |request| request.json(&body))
        .await;
    // Whether somebody still listens does not matter.
    let _ = answers.send(());
    (key.serialize_pem(), answer.ok())
}

async fn no_acknowledged_reading_is_lost(storage: StorageKind) {
    let mut server = Server::start(storage);
    let device = Device::enroll(&server, "diligent").await;
    // The timestamp of a reading, in milliseconds of a day, and whether it was acknowledged.
    let mut sent = BTreeMap::new();
    for cycle in cycles() {
        let mut client = Publisher::connect(&server, &device.identity(), &device).await;
        let first = sent.len();
        for number in first..first + IN_FLIGHT {
            client.publish(number).await;
            sent.insert(number, false);
        }
        for number in first + IN_FLIGHT..first + IN_FLIGHT + 7 * (cycle % 10) {
            sent.insert(client.acknowledged().await, true);
            client.publish(number).await;
            sent.insert(number, false);
        }
        server.kill();
        while let Some(number) = client.acknowledged_before_the_end().await {
            sent.insert(number, true);
        }
        server.restart();
        assert_eq!(device.get(&server.api()).await["online"], false);
    }
    let api = server.api();
    let stored: Vec<usize> = device
        .readings(&api, "count")
        .await
        .iter()
        .map(|reading| usize::try_from(reading["value"].as_u64().unwrap()).unwrap())
        .collect();
    let acknowledged: Vec<_> = sent
        .iter()
        .filter(|(_, acknowledged)| **acknowledged)
        .collect();
    assert!(!acknowledged.is_empty());
    for (number, _) in acknowledged {
        assert!(
            stored.contains(number),
            "reading {number} was acknowledged and is lost"
        );
    }
    for number in &stored {
        assert!(sent.contains_key(number), "reading {number} was never sent");
    }
    assert_eq!(device.quarantine(&api).await.len(), 0);
}

/// Publishes numbered readings without waiting for each acknowledgement.
struct Publisher {
    client: MqttClient,
    topic: String,
    in_flight: BTreeMap<u16, usize>,
}

impl Publisher {
    async fn connect(server: &Server, identity: &Identity, device: &Device) -> Self {
        let connect = Connect::new(Version::V4, &*device.id);
        let (client, code) = MqttClient::connect(server, identity, &connect).await;
        assert_eq!(code, Some(0));
        Self {
            client,
            topic: device.readings_topic(),
            in_flight: BTreeMap::new(),
        }
    }

    async fn publish(&mut self, number: usize) {
        let (minutes, seconds) = (number / 60_000, number / 1000 % 60);
        let timestamp = format!(
            "2026-01-01T00:{minutes:02}:{seconds:02}.{:03}Z",
            number % 1000
        );
        let reading = json!({ "sensor": "count", "value": number, "timestamp": timestamp });
        let id = self.client.next_id();
        let reading = reading.to_string();
        let message = publish(Version::V4, &self.topic, reading.as_bytes(), 1, id);
        self.client.send(&message).await;
        self.in_flight.insert(id, number);
    }

    async fn acknowledged(&mut self) -> usize {
        self.acknowledged_before_the_end().await.unwrap()
    }

    async fn acknowledged_before_the_end(&mut self) -> Option<usize> {
        let packet = self.client.next().await?;
        assert_eq!(packet.kind, packet::PUBACK);
        self.in_flight.remove(&packet.id())
    }
}

async fn no_device_is_deleted_by_half(storage: StorageKind) {
    let mut server = Server::start(storage);
    let (mut deleted, mut kept) = (0, 0);
    for cycle in cycles() {
        let api = server.api();
        let name = |number| format!("device-{cycle}-{number}");
        let mut devices = Vec::new();
        for number in 0..DELETED {
            let device = Device::enroll(&server, &name(number)).await;
            // It has an open token besides.
            let body = json!({ "deviceId": device.id });
            let token = Registration::with(&api, &body).await;
            devices.push((device, token));
        }
        let (answers, mut answered) = unbounded_channel();
        let deletions: Vec<_> = devices
            .iter()
            .map(|(device, _)| tokio::spawn(delete(api.clone(), device.path(), answers.clone())))
            .collect();
        // Killed after another number of answers each time, with the rest under way.
        for _ in 0..cycle % DELETED {
            answered.recv().await;
        }
        server.kill();
        let mut acknowledged = Vec::new();
        for deletion in deletions {
            acknowledged.push(deletion.await.unwrap());
        }
        server.restart();
        for ((device, token), acknowledged) in devices.iter().zip(acknowledged) {
            let is_gone = is_gone(&server, device, token).await;
            assert!(is_gone || !acknowledged, "{} is back", device.name);
            if is_gone {
                deleted += 1;
            } else {
                kept += 1;
            }
        }
    }
    assert!(deleted > 0 && kept > 0, "{deleted} deleted, {kept} kept");
}

/// Whether it was acknowledged.
async fn delete(api: Api, path: String, answers: UnboundedSender<()>) -> bool {
    let answer = api.try_send(Method::DELETE, &path, |request| request).await;
    // Whether somebody still listens does not matter.
    let _ = answers.send(());
    answer.is_ok_and(|answer| answer.status == 204)
}

/// Whether a device is gone with all that it had; otherwise all of it works.
async fn is_gone(server: &Server, device: &Device, token: &Registration) -> bool {
    let api = server.api();
    let (_, csr) = new_key();
    let found = api.get(&device.path()).await;
    found.expect_one_of(&[200, 404]);
    let is_gone = found.status == 404;
    let connected = device.try_connect(server, Version::V4).await;
    let redeemed = token.provision(&api, &csr).await;
    let body = json!({ "deviceName": device.name });
    let path = "/api/v1/devices/registration/tokens";
    let named = api.post(path, &body).await;
    if is_gone {
        assert_ne!(connected, Some(0), "its certificate works");
        redeemed.problem(401, "token_invalid");
        named.expect(201);
    } else {
        assert_eq!(connected, Some(0));
        redeemed.expect(201);
        assert_eq!(device.certificates(&api).await.len(), 2);
        assert_eq!(named.status, 409);
    }
    is_gone
}

/// The numbers of the cycles. Of many, it says which it has come to.
fn cycles() -> impl Iterator<Item = usize> {
    let long: Option<usize> = std::env::var("FIELDGATE_CRASH_CYCLES")
        .ok()
        .map(|count| count.parse().unwrap());
    let count = long.unwrap_or(CYCLES);
    (0..count).inspect(move |cycle| {
        if long.is_some() && cycle.is_multiple_of(100) {
            show_progress(*cycle, count);
        }
    })
}

#[expect(
    clippy::print_stderr,
    reason = "who runs the long form wants to see that it goes on"
)]
fn show_progress(cycle: usize, count: usize) {
    eprintln!("{cycle} of {count} kills");
}

/// Three times as many are 200 for each storage.
const CYCLES: usize = 67;

const DELETED: usize = 4;

const TOKENS: usize = 4;

const RACERS: usize = 3;

const IN_FLIGHT: usize = 20;
