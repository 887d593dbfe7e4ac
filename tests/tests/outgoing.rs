//! Nothing is ever sent anywhere that the operator did not configure: the server under `strace`.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::fs;
use std::path::Path;

use fieldgate_tests::tools::{self, success};
use fieldgate_tests::{
    Device, Registration, Server, ServerOptions, StorageKind, binaries, csr, eventually,
    storage_tests,
};
use serde_json::json;

storage_tests!(each: [the_server_sends_to_those_who_came_to_it_and_to_nobody_else], durable: []);

async fn the_server_sends_to_those_who_came_to_it_and_to_nobody_else(storage: StorageKind) {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("trace");
    let mut server = Server::start(ServerOptions {
        wrapper: traced(&trace),
        ..storage.into()
    });
    let api = server.api();
    let registration = Registration::new(&api, "greenhouse-7").await;
    let (key, csr) = csr::by_openssl(&server.scratch(), csr::P256, &[]);
    let https = server.https_api().await;
    let provisioned = registration.provision(&https, &csr).await;
    let device = Device::from_answer(&server, &registration, &key, &provisioned);
    let mut client = device.connect(&server).await;
    let reading = json!({ "sensor": "a", "value": 1 });
    client
        .publish_json(&device.readings_topic(), &reading)
        .await;
    client.disconnect().await;
    device.becomes(&api, "OFFLINE").await;
    assert_eq!(device.readings(&api, "a").await.len(), 1);
    server.terminate();
    assert!(server.ended().await.success());
    let calls = calls(&trace).await;
    let answered = calls.iter().filter(|call| is_sending(call)).count();
    assert!(answered > 10, "the trace is not of this server: {calls:?}");
    let mut called = addresses(&calls);
    if storage == StorageKind::Postgres {
        // The operator named the database.
        let before = called.len();
        called.retain(|call| !is_of_database(call));
        assert!(called.len() < before, "{calls:?}");
    }
    assert_eq!(called, [""; 0]);
}

/// So that the test above can fail: what a program calls up is seen.
#[tokio::test]
async fn a_program_that_calls_up_the_server_is_seen() {
    let server = Server::start(StorageKind::Sqlite);
    let trace = server.scratch().join("trace");
    let mut program = binaries::command_under(&traced(&trace), "fieldgate-server");
    program
        .args(server.storage_arguments())
        .args(["token", "by-hand"]);
    success("token", &program.output().unwrap());
    let port = server.http_port();
    for address in addresses(&calls(&trace).await) {
        let expected = format!("sin_port=htons({port}), sin_addr=inet_addr(\"127.0.0.1\")");
        assert!(address.contains(&expected), "{address}");
    }
    assert!(!addresses(&calls(&trace).await).is_empty());
}

fn traced(trace: &Path) -> Vec<String> {
    tools::strace(&[
        "-e",
        &format!("trace={CALLS}"),
        "-o",
        trace.to_str().unwrap(),
    ])
}

/// The calls in a trace, once it is complete: right after the end of the program.
async fn calls(trace: &Path) -> Vec<String> {
    eventually("the trace is complete", || async {
        let text = fs::read_to_string(trace).ok()?;
        // The first line is of the first thread, which is the last one to end.
        let first = text.split(' ').next()?;
        let mut lines = text.lines().filter(|line| line.starts_with(first));
        let is_complete = lines.any(|line| line.contains("+++ exited with "));
        is_complete.then(|| text.lines().map(str::to_owned).collect())
    })
    .await
}

fn is_sending(call: &str) -> bool {
    call.contains(" send") || call.contains(" write")
}

/// Whether a call goes to a database of PostgreSQL: to its socket, or to the port that the
/// environment names.
fn is_of_database(call: &str) -> bool {
    if call.contains(".s.PGSQL.") {
        return true;
    }
    let Ok(url) = std::env::var("FIELDGATE_TEST_POSTGRES_URL") else {
        return false;
    };
    let port = url.rsplit_once(':').map_or("", |(_, rest)| rest);
    let port: String = port.chars().take_while(char::is_ascii_digit).collect();
    let port = if port.is_empty() { "5432" } else { &port };
    call.contains(&format!("htons({port})"))
}

/// Whom a program called up, or sent something that it named the address of.
fn addresses(calls: &[String]) -> Vec<&str> {
    let named = calls.iter().filter(|call| call.contains("sa_family="));
    named.map(String::as_str).collect()
}

/// By which something can be sent.
const CALLS: &str = "connect,sendto,sendmsg,sendmmsg,write,writev";
