//! The example device: comes online by itself, and resumes wherever it was cut off.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use fieldgate_tests::device::certificates;
use fieldgate_tests::example::ExampleDevice;
use fieldgate_tests::impostor::Impostor;
use fieldgate_tests::{Api, Registration, Server, StorageKind, eventually, storage_tests};
use serde_json::{Value, json};

storage_tests!(
    each: [
        it_comes_online_reports_and_needs_no_token_the_second_time,
        killed_at_any_step_it_resumes,
    ],
    durable: [],
);

async fn it_comes_online_reports_and_needs_no_token_the_second_time(storage: StorageKind) {
    let operator = Operator::new(storage).await;
    let device = operator.start_device(&[]);
    let device_path = format!("/api/v1/devices/{}", operator.registration.device_id);
    let api = &operator.api;
    becomes(api, &device_path, "ACTIVE").await;
    assert!(device.says("Report 2"));

    let sensors = operator.sensors().await;
    // Not all that is announced can be measured everywhere, and nothing is made up.
    let reported = sensors.iter().filter(|sensor| sensor["latest"].is_object());
    assert!(reported.count() > 0, "{sensors:?}");
    let health = eventually("its health is known", || async {
        let latest = api.get(&format!("{device_path}/health/latest")).await;
        (latest.status == 200).then(|| latest.expect(200))
    })
    .await;
    // Measured on this machine, not made up.
    let uptime = fs::read_to_string("/proc/uptime").unwrap();
    let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
    let told = health["uptimeSeconds"].as_f64().unwrap();
    assert!(told > 0.0 && told <= uptime, "{told} of {uptime}");
    device.kill();
    becomes(api, &device_path, "OFFLINE").await;

    let state = operator.state();
    assert_eq!(mode(&state), 0o700);
    assert_eq!(mode(&state.join("key.pem")), 0o600);
    let again = ExampleDevice::start(&state, &["--readings", "1"]);
    let (status, complaint) = again.ended();
    assert!(status.success(), "{complaint}");
    becomes(api, &device_path, "OFFLINE").await;
    assert_eq!(operator.certificates().await.len(), 1);
}

async fn killed_at_any_step_it_resumes(storage: StorageKind) {
    for step in [
        "1.",
        "Its root",
        "2.",
        "3.",
        "I am device",
        "4.",
        "5.",
        "Report 1",
    ] {
        let operator = Operator::new(storage).await;
        let device = operator.start_device(&[]);
        assert!(device.says(step), "{step}");
        device.kill();
        if step == "3." {
            // What it is about to use is on the disk before.
            assert_eq!(mode(&operator.state().join("key.pem")), 0o600);
        }
        let (status, complaint) = operator.start_device(&["--readings", "1"]).ended();
        if !status.success() {
            // The one step that needs help: the token was used, and the answer got lost.
            assert!(complaint.contains("token_used"), "{step}: {complaint}");
            assert!(complaint.contains("new token"), "{step}: {complaint}");
            let key = fs::read(operator.state().join("key.pem")).unwrap();
            let body = json!({ "deviceId": operator.registration.device_id });
            let helped = operator.with(Registration::with(&operator.api, &body).await);
            let (status, complaint) = helped.start_device(&["--readings", "1"]).ended();
            assert!(status.success(), "{step}: {complaint}");
            assert_eq!(
                fs::read(helped.state().join("key.pem")).unwrap(),
                key,
                "it keeps its key"
            );
            assert!(!helped.sensors().await.is_empty(), "{step}");
        } else {
            assert!(!operator.sensors().await.is_empty(), "{step}");
            assert_eq!(operator.certificates().await.len(), 1, "{step}");
        }
    }
}

#[tokio::test]
async fn a_certificate_that_is_over_is_replaced_by_means_of_a_new_token() {
    let operator = Operator::new(StorageKind::Sqlite).await;
    let (status, complaint) = operator.start_device(&["--readings", "1"]).ended();
    assert!(status.success(), "{complaint}");
    let body = json!({ "deviceId": operator.registration.device_id });
    let helped = operator.with(Registration::with(&operator.api, &body).await);

    // Before that, the token is left alone.
    let (status, complaint) = helped.start_device(&["--readings", "1"]).ended();
    assert!(status.success(), "{complaint}");
    assert_eq!(helped.registration.state(&helped.api).await, "PENDING");

    let file = operator.state().join("identity.json");
    let mut identity: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    identity["notAfter"] = "2026-01-01T00:00:00Z".into();
    fs::write(&file, identity.to_string()).unwrap();
    let (status, complaint) = helped.start_device(&["--readings", "1"]).ended();
    assert!(status.success(), "{complaint}");
    assert_eq!(helped.registration.state(&helped.api).await, "USED");
    assert_eq!(operator.certificates().await.len(), 2);
}

#[tokio::test]
async fn before_the_fingerprint_matches_it_gives_nothing_away() {
    let operator = Operator::new(StorageKind::Sqlite).await;
    let wrong = "0".repeat(64);
    let token = operator.registration.token.as_str();
    let server = operator.server.https_url();
    let arguments = [
        "--token",
        token,
        "--server",
        &server,
        "--ca-fingerprint",
        &wrong,
    ];
    let (status, complaint) = ExampleDevice::start(&operator.state(), &arguments).ended();
    assert!(!status.success());
    assert!(complaint.contains("fingerprint"), "{complaint}");
    assert!(!complaint.contains(token), "{complaint}");
    assert_eq!(operator.registration.state(&operator.api).await, "PENDING");
    // A slip of the hand is told of as that, before anybody is asked.
    for malformed in ["", "0", &wrong[1..], &wrong.replace('0', "g")] {
        let arguments = ["--token", token, "--server", &server];
        let arguments = [&arguments[..], &["--ca-fingerprint", malformed]].concat();
        let (status, complaint) = ExampleDevice::start(&operator.state(), &arguments).ended();
        assert!(!status.success());
        assert!(complaint.contains("64 hexadecimal"), "{complaint}");
    }
    assert!(!operator.state().exists(), "it has made nothing yet");
    let plain = server.replace("https://", "http://");
    let arguments = [
        "--token",
        token,
        "--server",
        &plain,
        "--ca-fingerprint",
        &wrong,
    ];
    let (status, complaint) = ExampleDevice::start(&operator.state(), &arguments).ended();
    assert!(!status.success());
    assert!(complaint.contains("https://"), "{complaint}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_impostor_hears_one_request_for_the_chain_and_nothing_else() {
    let operator = Operator::new(StorageKind::Sqlite).await;
    let impostor = Impostor::start().await;
    let token = operator.registration.token.as_str();
    let fingerprint = &operator.registration.answer["caFingerprintSha256"];
    let arguments = [
        "--token",
        token,
        "--server",
        &impostor.url(),
        "--ca-fingerprint",
        fingerprint.as_str().unwrap(),
    ];
    let (status, complaint) = ExampleDevice::start(&operator.state(), &arguments).ended();
    assert!(!status.success());
    assert!(complaint.contains("fingerprint"), "{complaint}");
    let heard = impostor.heard();
    assert!(heard.starts_with("GET /api/v1/ca/chain HTTP/1.1\r\n"));
    assert!(heard.ends_with("\r\n\r\n"), "{heard}");
    assert_eq!(heard.matches("HTTP/1.1").count(), 1, "{heard}");
    assert!(!heard.contains("fgt1"), "{heard}");
}

/// An operator who has registered one device.
struct Operator {
    server: std::sync::Arc<Server>,
    api: Api,
    registration: Registration,
}

impl Operator {
    async fn new(storage: StorageKind) -> Self {
        let server = Server::start(storage);
        let api = server.api();
        let registration = Registration::new(&api, "example").await;
        Self {
            server: server.into(),
            api,
            registration,
        }
    }

    /// The same operator with another token for the device.
    fn with(&self, registration: Registration) -> Self {
        Self {
            server: std::sync::Arc::clone(&self.server),
            api: self.api.clone(),
            registration,
        }
    }

    /// Starts the device with all that it has to be told.
    fn start_device(&self, further: &[&str]) -> ExampleDevice {
        let fingerprint = self.registration.answer["caFingerprintSha256"]
            .as_str()
            .unwrap();
        let server = self.server.https_url();
        let token = self.registration.token.as_str();
        let told = [
            "--token",
            token,
            "--server",
            &server,
            "--ca-fingerprint",
            fingerprint,
        ];
        ExampleDevice::start(&self.state(), &[&told, further].concat())
    }

    fn state(&self) -> PathBuf {
        self.server.scratch().join("example")
    }

    async fn sensors(&self) -> Vec<Value> {
        let path = format!("/api/v1/sensors?deviceId={}", self.registration.device_id);
        self.api.list(&path).await
    }

    async fn certificates(&self) -> Vec<Value> {
        certificates(&self.api, &self.registration.device_id).await
    }
}

async fn becomes(api: &Api, device_path: &str, status: &str) {
    eventually(format!("the example is {status}"), || async {
        let device = api.get(device_path).await.expect(200);
        (device["status"] == status).then_some(())
    })
    .await;
}

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}
