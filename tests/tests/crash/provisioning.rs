//! Killed while devices are registered and redeem their tokens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fieldgate_tests::csr::new_key;
use fieldgate_tests::device::certificates;
use fieldgate_tests::{Answer, Api, Device, Registration, Server, StorageKind};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use crate::kills::Kills;

pub(crate) async fn no_token_works_twice_and_no_certificate_is_without_its_record(
    storage: StorageKind,
) {
    let mut server = Server::start(storage);
    let mut kills = Kills::begin();
    let mut outcomes = Outcomes::default();
    while let Some(cycle) = kills.next() {
        let api = server.api();
        let mut attempts = Vec::new();
        for number in 0..TOKENS {
            let name = format!("device-{cycle}-{number}");
            attempts.push(Registration::new(&api, &name).await);
        }
        let (answers, mut answered) = unbounded_channel();
        let attempts: Vec<_> = attempts
            .into_iter()
            .map(|registration| Attempt::begin(&api, registration, &answers))
            .collect();
        let registering: Vec<_> = (0..REGISTERED)
            .map(|number| format!("fresh-{cycle}-{number}"))
            .map(|name| tokio::spawn(register(api.clone(), name, answers.clone())))
            .collect();
        drop(answers);
        let all_answered = async { while answered.recv().await.is_some() {} };

        kills.kill(&mut server, all_answered).await;

        let mut results = Vec::new();
        for attempt in attempts {
            results.push(attempt.result().await);
        }
        let mut registered = BTreeSet::new();
        for device in registering {
            registered.extend(device.await.unwrap());
        }
        server.restart();
        for (registration, won) in results {
            outcomes.check(&server, &registration, won).await;
        }
        no_registration_is_there_by_half(&server.api(), &registered).await;
    }
    assert!(outcomes.won > 0, "{outcomes:?}");
    assert!(outcomes.unused > 0, "no kill came in time: {outcomes:?}");
    // What one kill has left, the later ones have left too.
    let devices = server.api().list("/api/v1/devices").await;
    let devices = devices.iter().map(|device| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let serial_number = &device["certificate"]["serialNumber"];
        (text(&device["id"]), text(serial_number))
    });
    assert_eq!(devices.collect::<BTreeMap<_, _>>(), outcomes.certificates);
}

/// What became of the tokens.
#[derive(Debug, Default)]
struct Outcomes {
    won: usize,
    unused: usize,
    used_unanswered: usize,
    /// The serial number of each device's certificate.
    certificates: BTreeMap<String, String>,
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
        let again = registration.provision(&api, &csr).await;
        if let Some((key, answer)) = won {
            self.won += 1;
            again.problem(409, "token_used");
            let device = Device::from_answer(server, registration, &key, &answer);
            assert_eq!(recorded.len(), 1);
            assert_eq!(recorded[0]["serialNumber"], *device.serial_number);
            device.connect(server).await.disconnect().await;
        } else if again.status == 201 {
            self.unused += 1;
            assert_eq!(recorded.len(), 0, "a certificate on record, and not used");
            let third = registration.provision(&api, &csr).await;
            third.problem(409, "token_used");
        } else {
            self.used_unanswered += 1;
            again.problem(409, "token_used");
            assert_eq!(recorded.len(), 1, "used, and no certificate on record");
        }
        let recorded = certificates(&api, &registration.device_id).await;
        assert_eq!(recorded.len(), 1, "{recorded:?}");
        let path = format!("/api/v1/devices/{}", registration.device_id);
        let device = api.get(&path).await.expect(200);
        let current = &device["certificate"]["serialNumber"];
        assert_eq!(*current, recorded[0]["serialNumber"], "{device}");
        let current = current.as_str().unwrap().to_owned();
        let id = registration.device_id.clone();
        self.certificates.insert(id, current);
    }
}

/// A token that several devices try to redeem at once.
struct Attempt {
    registration: Arc<Registration>,
    racers: Vec<JoinHandle<(String, Option<Answer>)>>,
}

impl Attempt {
    fn begin(api: &Api, registration: Registration, answers: &UnboundedSender<()>) -> Self {
        let registration = Arc::new(registration);
        let racers = (0..RACERS)
            .map(|_| {
                let (api, registration) = (api.clone(), Arc::clone(&registration));
                tokio::spawn(redeem(api, registration, answers.clone()))
            })
            .collect();
        Self {
            registration,
            racers,
        }
    }

    /// The key and the answer of the one that got a certificate.
    async fn result(self) -> (Arc<Registration>, Option<(String, Answer)>) {
        let mut won = Vec::new();
        for racer in self.racers {
            let (key, answer) = racer.await.unwrap();
            let answer = answer.filter(|answer| answer.status == 201);
            won.extend(answer.map(|answer| (key, answer)));
        }
        assert!(won.len() <= 1, "a token has worked twice");
        (self.registration, won.pop())
    }
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

/// The id of the new device, if an answer came.
async fn register(api: Api, name: String, answers: UnboundedSender<()>) -> Option<String> {
    let body = json!({ "deviceName": name });
    let path = "/api/v1/devices/registration/tokens";
    let answer = api
        .try_send(Method::POST, path, |request| request.json(&body))
        .await;
    let _ = answers.send(());
    let registered = answer.ok()?.expect(201);
    Some(registered["deviceId"].as_str().unwrap().to_owned())
}

/// Each new device has its token, and those whose registration was answered are there. Then they
/// go.
async fn no_registration_is_there_by_half(api: &Api, answered: &BTreeSet<String>) {
    let ids = |items: Vec<Value>, member: &str| -> BTreeSet<String> {
        let ids = items.iter().map(|item| item[member].as_str().unwrap());
        ids.map(str::to_owned).collect()
    };
    let devices = ids(api.list("/api/v1/devices?q=fresh").await, "id");
    let tokens = api.list("/api/v1/devices/registration/tokens").await;
    assert_eq!(devices, ids(tokens, "deviceId"), "half a registration");
    let lost: Vec<_> = answered.difference(&devices).collect();
    assert!(lost.is_empty(), "registered and lost: {lost:?}");
    for device in devices {
        let path = format!("/api/v1/devices/{device}");
        api.delete(&path).await.expect_empty(204);
    }
}

const TOKENS: usize = 4;

const RACERS: usize = 3;

const REGISTERED: usize = 2;
