//! Provisioning: a token works once, and a certificate says what the policy says.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::sync::Arc;

use fieldgate_tests::csr::{self, by_openssl, new_key};
use fieldgate_tests::device::{certificates, provision};
use fieldgate_tests::tools::{describe_certificate, try_openssl};
use fieldgate_tests::{
    Answer, Api, Device, Registration, Server, StorageKind, eventually, storage_tests,
};
use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

storage_tests!(each: [
    a_used_token_never_works_again,
    a_revoked_token_is_gone,
    the_token_of_a_deleted_device_is_unknown,
    an_inactive_device_is_not_provisioned_and_keeps_its_token,
    a_key_that_another_device_holds_is_refused,
    of_racing_requests_exactly_one_gets_a_certificate,
], durable: []);

async fn a_used_token_never_works_again(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let registration = Registration::new(&api, "once").await;
    let (_, csr) = new_key();
    let first = registration.provision(&api, &csr).await.expect(201);
    // Neither with the same key nor with another one.
    registration
        .provision(&api, &csr)
        .await
        .problem(409, "token_used");
    registration
        .provision(&api, &new_key().1)
        .await
        .problem(409, "token_used");
    registration
        .provision(&api, "garbage")
        .await
        .problem(409, "token_used");
    assert_eq!(registration.state(&api).await, "USED");
    let path = format!(
        "/api/v1/devices/registration/tokens/{}",
        registration.token_id
    );
    api.delete(&path).await.problem(409, "token_used");
    let recorded = certificates(&api, &registration.device_id).await;
    assert_eq!(recorded.len(), 1);
    assert_eq!(recorded[0]["serialNumber"], first["serialNumber"]);

    // A new token for the same device helps it.
    let again = json!({ "deviceId": registration.device_id });
    let again = Registration::with(&api, &again).await;
    assert_eq!(again.device_id, registration.device_id);
    again.provision(&api, &new_key().1).await.expect(201);
    registration
        .provision(&api, &csr)
        .await
        .problem(409, "token_used");
}

async fn a_revoked_token_is_gone(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let registration = Registration::new(&api, "withdrawn").await;
    let path = format!(
        "/api/v1/devices/registration/tokens/{}",
        registration.token_id
    );
    api.delete(&path).await.expect_empty(204);
    api.delete(&path).await.problem(404, "not_found");
    let (_, csr) = new_key();
    registration
        .provision(&api, &csr)
        .await
        .problem(410, "token_revoked");

    // So is one that a newer one has replaced.
    let body = json!({ "deviceId": registration.device_id });
    let older = Registration::with(&api, &body).await;
    let newer = Registration::with(&api, &body).await;
    older
        .provision(&api, &csr)
        .await
        .problem(410, "token_revoked");
    assert_eq!(older.state(&api).await, "REVOKED");
    newer.provision(&api, &csr).await.expect(201);
}

async fn the_token_of_a_deleted_device_is_unknown(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let registration = Registration::new(&api, "deleted").await;
    let (_, csr) = new_key();
    let path = format!("/api/v1/devices/{}", registration.device_id);
    api.delete(&path).await.expect_empty(204);
    registration
        .provision(&api, &csr)
        .await
        .problem(401, "token_invalid");
    api.get(&path).await.problem(404, "not_found");
}

async fn an_inactive_device_is_not_provisioned_and_keeps_its_token(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let registration = Registration::new(&api, "shut-out").await;
    let path = format!("/api/v1/devices/{}", registration.device_id);
    let set = async |status: &str| {
        let body = json!({ "name": "shut-out", "status": status });
        api.put(&path, &body).await.expect(200)
    };
    set("INACTIVE").await;
    let (_, csr) = new_key();
    registration
        .provision(&api, &csr)
        .await
        .problem(409, "device_inactive");
    assert_eq!(registration.state(&api).await, "PENDING");
    assert_eq!(set("ACTIVE").await["status"], "PENDING");
    registration.provision(&api, &csr).await.expect(201);
}

async fn a_key_that_another_device_holds_is_refused(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let (_, csr) = new_key();
    let first = Registration::new(&api, "first").await;
    first.provision(&api, &csr).await.expect(201);
    let second = Registration::new(&api, "second").await;
    second
        .provision(&api, &csr)
        .await
        .problem(422, "csr_key_in_use");
    assert_eq!(second.state(&api).await, "PENDING");
    assert_eq!(certificates(&api, &second.device_id).await.len(), 0);
    second.provision(&api, &new_key().1).await.expect(201);
}

/// `FIELDGATE_RACE_TOKENS=1000` is the long form.
async fn of_racing_requests_exactly_one_gets_a_certificate(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let tokens = std::env::var("FIELDGATE_RACE_TOKENS");
    let tokens: usize = tokens.map_or(30, |count| count.parse().unwrap());
    for number in 0..tokens {
        race(&api, number).await;
    }
}

async fn race(api: &Api, number: usize) {
    let registration = Registration::new(api, &format!("racer-{number}")).await;
    let registration = Arc::new(registration);
    let requests: Vec<String> = (0..RACERS).map(|_| new_key().1).collect();
    // Nobody has a start: all send when all are ready.
    let start = Arc::new(Barrier::new(RACERS));
    let mut racers = JoinSet::new();
    for csr in requests {
        let (registration, start) = (Arc::clone(&registration), Arc::clone(&start));
        let api = api.clone();
        racers.spawn(async move {
            start.wait().await;
            registration.provision(&api, &csr).await
        });
    }
    let answers: Vec<Answer> = racers.join_all().await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!((won.len(), lost.len()), (1, RACERS - 1));
    for answer in lost {
        answer.problem(409, "token_used");
    }
    let recorded = certificates(api, &registration.device_id).await;
    assert_eq!(recorded.len(), 1, "{recorded:?}");
    assert_eq!(
        recorded[0]["serialNumber"],
        won[0].expect(201)["serialNumber"]
    );
    assert_eq!(recorded[0]["state"], "ACTIVE");
}

#[tokio::test]
async fn what_a_request_asks_for_is_ignored() {
    let server = Server::start(StorageKind::Sqlite);
    let api = server.api();
    let other = Device::enroll(&server, "other").await;
    let subject = format!("/O={}/CN={}", other.organization_id, other.id);
    let name = format!(
        "subjectAltName=DNS:{}.fieldgate.internal,DNS:localhost,IP:127.0.0.1",
        other.id
    );
    let extensions = [
        "basicConstraints=critical,CA:TRUE",
        &name,
        "keyUsage=critical,keyCertSign,cRLSign",
        "extendedKeyUsage=serverAuth,codeSigning",
        "1.2.3.4.5=ASN1:UTF8String:unknown",
    ];
    let extensions = extensions
        .into_iter()
        .flat_map(|extension| ["-addext", extension]);
    let extra: Vec<_> = ["-subj", &subject].into_iter().chain(extensions).collect();
    let (key, csr) = by_openssl(&server.scratch(), csr::P256, &extra);
    let registration = Registration::new(&api, "modest").await;
    let answer = registration.provision(&api, &csr).await;
    let device = Device::from_answer(&server, &registration, &key, &answer);

    let text = describe_certificate(&device.certificate);
    check_certificate(&device, &other, &text);
    assert_eq!(
        text.matches("critical").count(),
        2,
        "key usage and basic constraints:\n{text}"
    );
    assert_eq!(device.serial_number.len(), 32, "16 octets");

    assert!(verifies(&device, "sslclient"));
    assert!(!verifies(&device, "sslserver"));
}

/// What a certificate says, and what it does not.
fn check_certificate(device: &Device, other: &Device, text: &str) {
    let own_name = format!(
        "{}.{}.fieldgate.internal",
        device.id, device.organization_id
    );
    for wanted in [
        format!("CN = {}", device.id),
        format!("O = {}", device.organization_id),
        format!("DNS:{own_name}\n"),
        "CA:FALSE".to_owned(),
        "Digital Signature\n".to_owned(),
        "TLS Web Client Authentication\n".to_owned(),
        "X509v3 Authority Key Identifier".to_owned(),
        "X509v3 Subject Key Identifier".to_owned(),
        "Version: 3".to_owned(),
    ] {
        assert!(text.contains(&wanted), "no {wanted:?} in\n{text}");
    }
    for unwanted in [
        "CA:TRUE",
        "localhost",
        "127.0.0.1",
        "Certificate Sign",
        "CRL Sign",
        "Server Authentication",
        "Code Signing",
        "1.2.3.4.5",
        "CRL Distribution",
        &other.id,
    ] {
        assert!(!text.contains(unwanted), "{unwanted:?} in\n{text}");
    }
}

/// Whether `openssl verify` takes the certificate for a purpose.
fn verifies(device: &Device, purpose: &str) -> bool {
    let files = [
        device.root_file(),
        device.issuing_file(),
        device.certificate_file(),
    ];
    let [root, issuing, certificate] = files.each_ref().map(|file| file.to_str().unwrap());
    let args = [
        "verify",
        "-x509_strict",
        "-purpose",
        purpose,
        "-CAfile",
        root,
    ];
    try_openssl(
        [&args[..], &["-untrusted", issuing, certificate]].concat(),
        b"",
    )
    .0
}

#[tokio::test]
async fn a_request_may_be_base64_of_its_der() {
    let server = Server::start(StorageKind::Sqlite);
    let api = server.api();
    let registration = Registration::new(&api, "der").await;
    let (_, csr) = new_key();
    let base64: String = csr.lines().filter(|line| !line.starts_with('-')).collect();
    registration.provision(&api, &base64).await.expect(201);
}

#[tokio::test]
async fn right_secrets_never_count_as_failures_and_wrong_ones_do() {
    let server = Server::start(StorageKind::Sqlite);
    let api = server.api();
    let used = Device::enroll(&server, "used").await.token;
    let fresh = Registration::new(&api, "fresh").await;
    let (_, csr) = new_key();
    for _ in 0..FAILURES_A_MINUTE + 5 {
        provision(&api, &used, &csr)
            .await
            .problem(409, "token_used");
        provision(&api, &fresh.token, "x")
            .await
            .problem(422, "csr_invalid");
    }
    let limited = eventually("wrong secrets are limited", || async {
        let answer = provision(&api, "fgt1.x.y", &csr).await;
        (answer.status != 401).then_some(answer)
    })
    .await;
    limited.problem(429, "too_many_failures");
    let wait: u64 = limited.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    // Who shows the right secret is let in all the same.
    fresh.provision(&api, &csr).await.expect(201);
}

const RACERS: usize = 64;

const FAILURES_A_MINUTE: usize = 30;
