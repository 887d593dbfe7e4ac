//! Clients that never rest, and know what they were answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fieldgate_tests::csr::new_key;
use fieldgate_tests::device::certificates;
use fieldgate_tests::{
    Answer, Api, Connect, Device, MqttClient, Server, Version, eventually, packet,
};
use serde_json::json;
use tokio::task::JoinSet;

/// Some clients at once.
pub(crate) struct Load {
    clients: JoinSet<()>,
    known: Arc<Known>,
    device: Device,
}

/// What they know.
#[derive(Default)]
struct Known {
    ends: AtomicBool,
    /// How often each client was served, and how often it was put off.
    served: [AtomicUsize; CLIENTS],
    put_off: [AtomicUsize; CLIENTS],
    /// The names of devices by their ids.
    named: Mutex<BTreeMap<String, String>>,
    /// The serial numbers of the certificates that tokens have brought, by the ids of the devices.
    redeemed: Mutex<BTreeMap<String, String>>,
    /// The numbers of readings.
    stored: Mutex<BTreeSet<u64>>,
}

impl Load {
    pub(crate) async fn begin(server: &Arc<Server>) -> Self {
        let device = Device::enroll(server, "talkative").await;
        let known = Arc::new(Known::default());
        let mut clients = JoinSet::new();
        let client = |number| Client {
            number,
            known: Arc::clone(&known),
            api: server.api(),
        };
        clients.spawn(client(0).read(device.clone()));
        clients.spawn(client(1).name());
        clients.spawn(client(2).redeem());
        clients.spawn(client(3).report(device.clone(), Arc::clone(server)));
        Self {
            clients,
            known,
            device,
        }
    }

    /// Waits until each client is served, again and again.
    pub(crate) async fn is_served(&self) {
        rise("each client is served", &self.known.served).await;
    }

    /// Waits until each client is put off, again and again.
    pub(crate) async fn is_put_off(&self) {
        rise("each client is put off", &self.known.put_off).await;
    }

    /// Ends the clients, and looks whether all is there that they were answered.
    pub(crate) async fn end(mut self, server: &Server) {
        self.known.ends.store(true, Ordering::Relaxed);
        while let Some(ended) = self.clients.join_next().await {
            ended.unwrap();
        }
        let (api, known) = (server.api(), &self.known);
        let devices = api.list("/api/v1/devices").await;
        for (id, name) in &*known.named.lock().unwrap() {
            let found = devices.iter().find(|device| device["id"] == **id);
            assert_eq!(found.unwrap()["name"], **name);
        }
        let redeemed = known.redeemed.lock().unwrap().clone();
        for (id, serial_number) in redeemed {
            let recorded = certificates(&api, &id).await;
            assert_eq!(recorded.len(), 1, "{recorded:?}");
            assert_eq!(recorded[0]["serialNumber"], serial_number);
        }
        let stored = self.device.readings(&api, "count").await;
        let stored = stored
            .iter()
            .map(|reading| reading["value"].as_u64().unwrap());
        let stored: BTreeSet<_> = stored.collect();
        let acknowledged = known.stored.lock().unwrap();
        let lost: Vec<_> = acknowledged.difference(&stored).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    }
}

async fn rise(what: &str, counts: &[AtomicUsize]) {
    let now = || counts.iter().map(|count| count.load(Ordering::Relaxed));
    let before: Vec<_> = now().collect();
    eventually(what, || async {
        let risen = now().zip(&before).all(|(now, before)| now >= before + 2);
        risen.then_some(())
    })
    .await;
}

/// One that does the same again and again.
struct Client {
    number: usize,
    known: Arc<Known>,
    api: Api,
}

impl Client {
    async fn read(self, device: Device) {
        while self.goes_on() {
            let begun = Instant::now();
            let answer = self.api.get(&device.path()).await;
            if self.is_served(begun, &answer) {
                assert_eq!(answer.expect(200)["name"], *device.name);
            }
        }
    }

    async fn name(self) {
        for number in 0.. {
            if !self.goes_on() {
                return;
            }
            let name = format!("device-{number}");
            let begun = Instant::now();
            let body = json!({ "name": name });
            let answer = self.api.post("/api/v1/devices", &body).await;
            if self.is_served(begun, &answer) {
                let id = answer.expect(201)["id"].as_str().unwrap().to_owned();
                self.known.named.lock().unwrap().insert(id, name);
            }
        }
    }

    async fn redeem(self) {
        for number in 0.. {
            if !self.goes_on() {
                return;
            }
            let body = json!({ "deviceName": format!("redeemer-{number}") });
            let begun = Instant::now();
            let path = "/api/v1/devices/registration/tokens";
            let answer = self.api.post(path, &body).await;
            if !self.is_served(begun, &answer) {
                continue;
            }
            let registered = answer.expect(201);
            let text = |name: &str| registered[name].as_str().unwrap().to_owned();
            if let Some(serial_number) = self.redeem_token(&text("token")).await {
                let mut redeemed = self.known.redeemed.lock().unwrap();
                redeemed.insert(text("deviceId"), serial_number);
            }
        }
    }

    /// The serial number, unless the answer that had it was lost.
    async fn redeem_token(&self, token: &str) -> Option<String> {
        let (_, csr) = new_key();
        let mut is_first = true;
        while self.goes_on() {
            let begun = Instant::now();
            let body = json!({ "token": token, "csr": csr });
            let api = self.api.without_key();
            let answer = api.post("/api/v1/devices/provision", &body).await;
            if self.is_served(begun, &answer) {
                if answer.status == 409 && !is_first {
                    answer.problem(409, "token_used");
                    return None;
                }
                let serial_number = &answer.expect(201)["serialNumber"];
                return Some(serial_number.as_str().unwrap().to_owned());
            }
            is_first = false;
        }
        None
    }

    async fn report(self, device: Device, server: Arc<Server>) {
        let mut number = 0;
        while self.goes_on() {
            let connect = Connect::new(Version::V4, &*device.id);
            let connected = MqttClient::connect(&server, &device.identity(), &connect).await;
            let (mut client, Some(0)) = connected else {
                self.count(&self.known.put_off);
                continue;
            };
            while self.goes_on() {
                number += 1;
                if !publish(&mut client, &device, number).await {
                    self.count(&self.known.put_off);
                    break;
                }
                self.count(&self.known.served);
                self.known.stored.lock().unwrap().insert(number);
            }
        }
    }

    fn goes_on(&self) -> bool {
        !self.known.ends.load(Ordering::Relaxed)
    }

    /// Whether a request was dealt with; otherwise it was put off in time, and in good form.
    fn is_served(&self, begun: Instant, answer: &Answer) -> bool {
        let is_served = answer.status != 503;
        if is_served {
            self.count(&self.known.served);
        } else {
            let after = answer.header("retry-after").parse::<u32>();
            assert!(after.is_ok_and(|after| after > 0), "{}", answer.text());
            assert!(begun.elapsed() < LATEST, "after {:?}", begun.elapsed());
            self.count(&self.known.put_off);
        }
        is_served
    }

    fn count(&self, counts: &[AtomicUsize; CLIENTS]) {
        counts[self.number].fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether the reading was acknowledged, rather than the connection closed.
async fn publish(client: &mut MqttClient, device: &Device, number: u64) -> bool {
    let (second, millis) = (number / 1000 % 60, number % 1000);
    let minute = number / 60_000;
    let at = format!("2026-01-01T00:{minute:02}:{second:02}.{millis:03}Z");
    let reading = json!({ "sensor": "count", "value": number, "timestamp": at });
    let id = client.next_id();
    let reading = reading.to_string();
    let topic = device.readings_topic();
    let message = packet::publish(Version::V4, &topic, reading.as_bytes(), 1, id);
    client.send(&message).await;
    let Some(answer) = client.next().await else {
        return false;
    };
    assert_eq!((answer.kind, answer.id()), (packet::PUBACK, id));
    true
}

const CLIENTS: usize = 4;

/// A call waits some seconds for a connection to the database; nobody waits much longer.
const LATEST: Duration = Duration::from_secs(12);
