//! Settings of the server, by what they change for devices and clients.

use std::fs;

use fieldgate_tests::example::ExampleDevice;
use fieldgate_tests::tools::describe_certificate;
use fieldgate_tests::{Api, Device, Registration, Server, ServerOptions, StorageKind};
use rcgen::{CertificateParams, KeyPair};
use reqwest::Method;

#[tokio::test]
async fn https_may_have_a_certificate_of_another_ca() {
    let directory = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    let files = ["tls.crt", "tls.key"].map(|name| directory.path().join(name));
    fs::write(&files[0], &certificate).unwrap();
    fs::write(&files[1], key.serialize_pem()).unwrap();
    let [chain, key] = files.each_ref().map(|file| file.to_str().unwrap());
    let server = start(&["--tls-cert", chain, "--tls-key", key]);
    let public = Api::over_tls(server.https_url(), &certificate);
    public.get("/api/v1/ca/chain").await.expect_text(200);

    // Devices connect to the endpoint of the own CA all the same.
    let registration = Registration::new(&server.api(), "example").await;
    let fingerprint = registration.answer["caFingerprintSha256"].as_str().unwrap();
    let url = server.https_url();
    let told = [
        "--token",
        &registration.token,
        "--server",
        &url,
        "--ca-fingerprint",
        fingerprint,
    ];
    let state = server.scratch().join("example");
    let (status, _) =
        ExampleDevice::start(&state, &[&told[..], &["--readings", "1"]].concat()).ended();
    assert!(
        !status.success(),
        "it trusts the own CA alone, unless it is told"
    );
    assert_eq!(registration.state(&server.api()).await, "PENDING");
    let further = ["--server-ca", chain, "--readings", "1"];
    let (status, complaint) = ExampleDevice::start(&state, &[&told[..], &further].concat()).ended();
    assert!(status.success(), "{complaint}");
    assert_eq!(registration.state(&server.api()).await, "USED");
}

#[tokio::test]
async fn certificates_say_where_the_crl_is_where_the_operator_does() {
    let url = "http://crl.example/fieldgate.crl";
    let server = start(&["--crl-url", url]);
    let device = Device::enroll(&server, "a").await;
    let text = describe_certificate(&device.certificate);
    assert!(text.contains("X509v3 CRL Distribution Points"), "{text}");
    assert!(text.contains(&format!("URI:{url}")), "{text}");
}

#[tokio::test]
async fn an_address_has_as_many_failures_as_the_operator_says() {
    let server = start(&["--failed-per-minute", "3"]);
    let wrong = server.api().with_key(WRONG);
    let as_it_is = |request| request;
    let paths = [
        (Method::GET, "/api/v1/devices"),
        (Method::POST, "/api/v1/server/check"),
        (Method::POST, "/api/v1/server/backup"),
    ];
    for (method, path) in paths.clone() {
        assert_eq!(wrong.send(method, path, as_it_is).await.status, 401);
    }
    for (method, path) in paths {
        let limited = wrong.send(method, path, as_it_is).await;
        limited.problem(429, "too_many_failures");
    }
    // Nobody but a trusted proxy is believed about an address.
    assert_eq!(fail_from(&server, "192.0.2.1").await, 429);
    server.api().get("/api/v1/devices").await.expect(200);
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_about_addresses() {
    let server = start(&["--failed-per-minute", "1", "--trusted-proxies", "127.0.0.1"]);
    assert_eq!(fail_from(&server, "192.0.2.1").await, 401);
    assert_eq!(fail_from(&server, "192.0.2.1").await, 429);
    assert_eq!(fail_from(&server, "192.0.2.2").await, 401);
    // What the client itself claims stands before what the proxy has seen.
    assert_eq!(fail_from(&server, "198.51.100.1, 192.0.2.1").await, 429);
}

fn start(arguments: &[&str]) -> Server {
    Server::start(ServerOptions {
        arguments: arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect(),
        ..StorageKind::Sqlite.into()
    })
}

/// The answer to a wrong key that is said to come from an address.
async fn fail_from(server: &Server, address: &str) -> u16 {
    let wrong = server.api().with_key(WRONG);
    let say = |request: reqwest::RequestBuilder| request.header("x-forwarded-for", address);
    wrong.send(Method::GET, "/api/v1/devices", say).await.status
}

const WRONG: &str = "sk_0000000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
