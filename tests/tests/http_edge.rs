//! The HTTP listeners over real sockets: TLS, limits, and what goes on in the server.

use std::collections::BTreeSet;

use fieldgate_tests::descriptors;
use fieldgate_tests::tools::{describe_certificate, openssl, presented_chain, public_key};
use fieldgate_tests::wait::soon;
use fieldgate_tests::{Api, Device, Registration, Server, StorageKind};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::test]
async fn tls_presents_leaf_intermediate_and_root_in_this_order() {
    let server = Server::start(StorageKind::Sqlite);
    let registration = Registration::new(&server.api(), "careful").await;
    let fingerprint = registration.answer["caFingerprintSha256"].as_str().unwrap();
    for port in [server.https_port(), server.mqtt_port()] {
        let chain = presented_chain(port);
        assert_eq!(chain.len(), 3, "{chain:?}");
        let texts: Vec<_> = chain.iter().map(|pem| describe_certificate(pem)).collect();
        assert!(texts[0].contains("DNS:localhost"), "{}", texts[0]);
        assert!(
            texts[0].contains("TLS Web Server Authentication"),
            "{}",
            texts[0]
        );
        assert!(texts[1].contains("CA:TRUE, pathlen:0"), "{}", texts[1]);
        assert!(texts[2].contains("CA:TRUE"), "{}", texts[2]);
        // The keys of the CA sign certificates and nothing else.
        let keys: BTreeSet<_> = chain.iter().map(|pem| public_key(pem)).collect();
        assert_eq!(keys.len(), 3, "{texts:?}");
        for (text, curve) in [(&texts[1], "P-256"), (&texts[2], "P-384")] {
            assert!(text.contains(&format!("NIST CURVE: {curve}")), "{text}");
        }
        let file = server.scratch().join("root.pem");
        std::fs::write(&file, &chain[2]).unwrap();
        let file = file.to_str().unwrap();
        let found = openssl(["x509", "-in", file, "-noout", "-fingerprint", "-sha256"]);
        let found = found
            .trim()
            .rsplit('=')
            .next()
            .unwrap()
            .replace(':', "")
            .to_lowercase();
        assert_eq!(found, fingerprint);
        assert_eq!(chain[2], server.root_pem().await);
    }
}

#[tokio::test]
async fn slow_and_silent_clients_are_cut_off() {
    let server = Server::start(StorageKind::Sqlite);
    let body = "POST /api/v1/devices/provision HTTP/1.1\r\nhost: a\r\n\
        content-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let cut_off = [
        (server.http_port(), ""),
        (
            server.http_port(),
            "GET /api/v1/ca/chain HTTP/1.1\r\nhost: a\r\nx",
        ),
        (server.http_port(), body),
        (server.https_port(), ""),
        (server.https_port(), "\u{16}\u{3}\u{1}"),
    ];
    let mut sockets = Vec::new();
    for (port, beginning) in cut_off {
        let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        socket.write_all(beginning.as_bytes()).await.unwrap();
        sockets.push((beginning, socket));
    }
    // Meanwhile everybody else is served.
    server.api().get("/api/v1/devices").await.expect(200);
    for (beginning, mut socket) in sockets {
        let mut rest = Vec::new();
        let what = format!("a client that sent {beginning:?} is cut off");
        drop(soon(what, socket.read_to_end(&mut rest)).await);
        let answer = String::from_utf8_lossy(&rest);
        assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    }
}

#[tokio::test]
async fn headers_have_limits() {
    let server = Server::start(StorageKind::Sqlite);
    let api = server.api();
    let long = "x".repeat(200_000);
    let answer = api
        .try_send(Method::GET, "/api/v1/devices", |request| {
            request.header("x-long", &long)
        })
        .await;
    assert!(answer.is_err() || answer.is_ok_and(|answer| matches!(answer.status, 400 | 431)));
    let answer = api
        .try_send(Method::GET, "/api/v1/devices", |mut request| {
            for number in 0..500 {
                request = request.header(format!("x-{number}"), "y");
            }
            request
        })
        .await;
    assert!(answer.is_err() || answer.is_ok_and(|answer| matches!(answer.status, 400 | 431)));
    let long_path = format!("/api/v1/devices/{}", "x".repeat(100_000));
    let answer = api
        .try_send(Method::GET, &long_path, |request| request)
        .await;
    assert!(answer.is_err() || answer.is_ok_and(|answer| (400..500).contains(&answer.status)));
    api.get("/api/v1/devices").await.expect(200);
}

#[tokio::test]
async fn every_answer_has_a_request_id() {
    let server = Server::start(StorageKind::Sqlite);
    let api = server.api();
    let mut seen = BTreeSet::new();
    for path in [
        "/api/v1/devices",
        "/api/v1/devices",
        "/api/v1/nothing",
        "/api/v1/ca/chain",
    ] {
        let answer = api.get(path).await;
        let id = answer.header("x-request-id").to_owned();
        assert!(!id.is_empty(), "{path}");
        if answer.status >= 400 {
            assert_eq!(answer.expect(404)["requestId"], *id);
        }
        assert!(seen.insert(id), "{path}");
    }
    // What a client sends instead is not to be trusted in a log.
    let hostile = "a\u{9}b <script>";
    let answer = api
        .send(Method::GET, "/api/v1/devices", |request| {
            request.header("x-request-id", hostile)
        })
        .await;
    assert_ne!(answer.header("x-request-id"), hostile);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
    let server = Server::start(StorageKind::Sqlite);
    let api = server.api();
    for path in [
        "/api/v1/nothing",
        "/api/v1/devices/a/b/c",
        "/api/v1/..%2f..%2fetc%2fpasswd",
    ] {
        api.get(path).await.problem(404, "not_found");
    }
    let answer = api.delete("/api/v1/devices").await;
    answer.problem(405, "method_not_allowed");
    assert!(
        answer.header("allow").contains("POST"),
        "{}",
        answer.header("allow")
    );
    // What is not of the API has the same frame.
    let plain = Api::new(server.http_url());
    for (answer, status, code) in [
        (plain.get("/").await, 404, "not_found"),
        (plain.get("/nothing").await, 404, "not_found"),
        (plain.delete("/healthz").await, 405, "method_not_allowed"),
        (plain.delete("/metrics").await, 405, "method_not_allowed"),
    ] {
        let problem = answer.problem(status, code);
        assert_eq!(problem["requestId"], *answer.header("x-request-id"));
    }
    for path in ["/healthz", "/readyz", "/metrics", "/nothing"] {
        let answer = plain.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
    }
}

#[tokio::test]
async fn the_state_of_the_server_is_to_be_seen() {
    let server = Server::start(StorageKind::Sqlite);
    let device = Device::enroll(&server, "counted").await;
    let mut client = device.connect(&server).await;
    client
        .publish_json(
            &device.readings_topic(),
            &json!({ "sensor": "a", "value": 1 }),
        )
        .await;
    let plain = Api::new(server.http_url());
    plain.get("/healthz").await.expect_text(200);
    plain.get("/readyz").await.expect_text(200);
    let metrics = plain.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("text/plain"));
    let text = metrics.expect_text(200);
    assert!(text.contains("# TYPE fieldgate_"), "{text}");
    for line in text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let value = line
            .rsplit(' ')
            .next()
            .and_then(|value| value.parse::<f64>().ok());
        assert!(value.is_some(), "{line}");
    }
    assert!(!text.contains(&device.id), "no device is named");
}

#[tokio::test]
async fn bodies_that_come_octet_by_octet_keep_nobody_out() {
    let server = Server::start(StorageKind::Sqlite);
    // Only now: the server has to raise its own limit by itself.
    descriptors::many(2 * DRIBBLING);
    let head = "POST /api/v1/devices/provision HTTP/1.1\r\nhost: a\r\n\
        content-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let mut dribbling = Vec::new();
    for _ in 0..DRIBBLING {
        let address = ("127.0.0.1", server.http_port());
        let mut socket = TcpStream::connect(address).await.unwrap();
        // The oldest ones have gone by the time that the last ones come.
        let _ = socket.write_all(head.as_bytes()).await;
        dribbling.push(socket);
    }
    for socket in dribbling.iter_mut().rev().take(500) {
        socket.write_all(b" ").await.unwrap();
    }
    server.api().get("/api/v1/devices").await.expect(200);
    let device = Registration::new(&server.api(), "honest").await;
    assert_eq!(device.state(&server.api()).await, "PENDING");
}

/// More than there may be connections.
const DRIBBLING: u64 = 1100;
