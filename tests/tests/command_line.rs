//! The server's command line, beside the running server and without it.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::process::Output;

use fieldgate_tests::binaries;
use fieldgate_tests::commands::complaint;
use fieldgate_tests::csr::new_key;
use fieldgate_tests::device::provision;
use fieldgate_tests::tools::success;
use fieldgate_tests::{Registration, Server, StorageKind, storage_tests};
use serde_json::json;

storage_tests!(
    each: [],
    durable: [
        a_token_is_minted_through_the_running_server,
        a_token_is_minted_while_no_server_runs,
    ],
);

async fn a_token_is_minted_through_the_running_server(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let shown = success("token", &run(&server, &["token", "by-hand"]));
    let token = token_in(&shown);
    let fingerprint = Registration::new(&api, "other").await.answer["caFingerprintSha256"].clone();
    assert!(shown.contains(fingerprint.as_str().unwrap()), "{shown}");
    // What is an argument, every user of the device's machine sees.
    assert!(shown.contains(&format!("FIELDGATE_TOKEN={token}")));
    assert!(!shown.contains("--token"), "{shown}");
    provision(&api, &token, &new_key().1).await.expect(201);
    let refused = run(&server, &["token", "by-hand"]);
    assert!(!refused.status.success(), "the name is taken");
    let again = success("token", &run(&server, &["token", "--again", "by-hand"]));
    provision(&api, &token_in(&again), &new_key().1)
        .await
        .expect(201);
    assert_eq!(api.list("/api/v1/devices").await.len(), 2);
}

async fn a_token_is_minted_while_no_server_runs(storage: StorageKind) {
    let mut server = Server::start(storage);
    let https = server.https_url();
    server.kill();
    let shown = success("token", &run(&server, &["token", "by-hand"]));
    let ca = success("ca show", &run(&server, &["ca", "show"]));
    // The ports are those that the server had, whatever the settings of this call are.
    assert!(shown.contains(&format!("--server {https} ")), "{shown}");
    let elsewhere = ["token", "--again", "by-hand", "--server", "https://else:1/"];
    let shown = success("token", &run(&server, &elsewhere));
    assert!(shown.contains("--server https://else:1 "), "{shown}");
    std::fs::remove_file(server.data_dir().join("device-url")).unwrap();
    let refused = run(&server, &["token", "--again", "by-hand"]);
    assert_eq!(refused.status.code(), Some(2));
    let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(complaint.contains("--server"), "{complaint}");
    server.restart();
    provision(&server.api(), &token_in(&shown), &new_key().1)
        .await
        .expect(201);
    assert!(ca.contains(server.root_pem().await.trim()), "{ca}");
    assert!(!ca.contains("PRIVATE KEY"), "{ca}");
}

#[tokio::test]
async fn what_is_no_setting_is_an_error() {
    let server = Server::start(StorageKind::Sqlite);
    let shown = success("config", &run(&server, &["config"]));
    assert!(shown.contains("mqtt_listen"), "{shown}");
    let refused = run(&server, &["--no-such-setting", "1"]);
    assert_eq!(refused.status.code(), Some(2));
    let file = server.scratch().join("settings.toml");
    std::fs::write(&file, "mqtt_listne = \"127.0.0.1:0\"\n").unwrap();
    let refused = run(&server, &["config", "--config", file.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(2));
    let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(complaint.contains("mqtt_listne"), "{complaint}");
}

#[tokio::test]
async fn settings_that_are_not_there_yet_stop_the_start() {
    for setting in [
        &["--ca-passphrase-file", "passphrase"][..],
        &["--require-encrypted-key"],
        &["--mqtt-ws-listen", "127.0.0.1:0"],
        &["--fanout-listen", "127.0.0.1:0"],
    ] {
        let mut program = binaries::command("fieldgate-server");
        let refused = program.arg("serve").args(setting).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(complaint.contains("not in this version yet"), "{complaint}");
        assert!(complaint.contains(setting[0]), "{complaint}");
    }
}

#[tokio::test]
async fn no_secret_shows_on_the_command_line() {
    let server = Server::start(StorageKind::Sqlite);
    let shown = success("config", &run(&server, &["config"]));
    let ca = success("ca show", &run(&server, &["ca", "show"]));
    for secret in [server.admin_key(), server.server_api_key()] {
        assert!(!shown.contains(&secret) && !ca.contains(&secret));
    }
    // A URL may have a password in it: whether it is refused or not, it is not repeated.
    let url = "postgres://fieldgate:hunter2@localhost/fieldgate";
    let file = server.scratch().join("settings.toml");
    std::fs::write(&file, format!("storage = \"{url}\"\n")).unwrap();
    let program = || binaries::command("fieldgate-server");
    let by_file = ["config", "--config", file.to_str().unwrap()];
    for output in [
        program().args(["config", "--storage", url]).output(),
        program()
            .arg("config")
            .env("FIELDGATE_STORAGE", url)
            .output(),
        program().args(by_file).output(),
    ] {
        let output = output.unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(said.contains("storage"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    let wrong = format!("{url}?sslmode=sometimes");
    let refused = run(&server, &["migrate", "--to", &wrong]);
    assert!(!refused.status.success(), "{refused:?}");
    assert!(!complaint(&refused).contains("hunter2"), "{refused:?}");
}

#[tokio::test]
async fn the_ca_is_shown_beside_a_running_server() {
    let mut server = Server::start(StorageKind::Sqlite);
    let beside = success("ca show", &run(&server, &["ca", "show"]));
    assert!(beside.contains(server.root_pem().await.trim()), "{beside}");
    assert!(!beside.contains("PRIVATE KEY"), "{beside}");
    let registration = Registration::new(&server.api(), "other").await;
    let fingerprint = registration.answer["caFingerprintSha256"].as_str().unwrap();
    assert!(beside.contains(fingerprint), "{beside}");
    server.kill();
    let without = success("ca show", &run(&server, &["ca", "show"]));
    assert_eq!(beside, without);
}

#[tokio::test]
async fn whoever_forgets_the_storage_keeps_the_keys() {
    let mut server = Server::start(StorageKind::Sled);
    let key = server.admin_key();
    server.kill();
    let directory = server.data_dir();
    let mut command = binaries::command("fieldgate-server");
    command
        .args(["token", "by-hand", "--data-dir"])
        .arg(&directory);
    let refused = command.output().unwrap();
    assert!(!refused.status.success());
    let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(complaint.contains("--storage"), "{complaint}");
    assert!(complaint.contains("admin.key"), "{complaint}");
    server.restart();
    assert_eq!(server.admin_key(), key);
    server.api().get("/api/v1/devices").await.expect(200);
}

#[tokio::test]
async fn a_key_that_is_not_taken_is_told_of_by_its_file() {
    let server = Server::start(StorageKind::Sqlite);
    let wrong = format!("sk_0123456789abcdef_{}", "A".repeat(43));
    let backup = server.scratch().join("backup");
    for (name, arguments) in [
        ("admin.key", &["token", "by-hand"][..]),
        ("server.key", &["check"]),
        ("server.key", &["backup", backup.to_str().unwrap()]),
    ] {
        let file = server.data_dir().join(name);
        std::fs::write(&file, &wrong).unwrap();
        let refused = run(&server, arguments);
        assert!(!refused.status.success());
        let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(complaint.contains(file.to_str().unwrap()), "{complaint}");
        assert!(!complaint.contains("server.json"), "{complaint}");
        assert!(!complaint.contains("Bearer"), "{complaint}");
        assert!(!complaint.contains(&wrong), "{complaint}");
    }
}

#[tokio::test]
async fn what_other_commands_ask_of_a_server_is_for_its_own_key_alone() {
    let server = Server::start(StorageKind::Sqlite);
    let own = server.server_api();
    for path in ["/api/v1/server/backup", "/api/v1/server/check"] {
        let operator = server.api().post(path, &json!({})).await;
        operator.problem(403, "forbidden");
        let nobody = server.api().without_key().post(path, &json!({})).await;
        nobody.problem(401, "key_missing");
        let elsewhere = server.https_api().await.with_key(server.server_api_key());
        elsewhere
            .post(path, &json!({}))
            .await
            .problem(404, "not_found");
        own.get(path).await.expect_one_of(&[405]);
        own.post(path, &json!({})).await.expect(200);
    }
}

#[tokio::test]
async fn a_mistyped_directory_is_not_made() {
    let server = Server::start(StorageKind::Sqlite);
    let wrong = server.scratch().join("wrong");
    let commands: [&[&str]; 3] = [
        &["check"],
        &["backup", "x"],
        &["migrate", "--to", "sled://x"],
    ];
    for command in commands {
        let mut program = binaries::command("fieldgate-server");
        let refused = program.args(command).arg("--data-dir").arg(&wrong);
        assert_eq!(refused.output().unwrap().status.code(), Some(2));
        assert!(!wrong.exists());
    }
}

#[tokio::test]
async fn two_servers_do_not_share_a_data_directory() {
    let server = Server::start(StorageKind::Sqlite);
    let all = ["--http-listen", "--https-listen", "--mqtt-listen"];
    let arguments: Vec<_> = all
        .iter()
        .flat_map(|listen| [*listen, "127.0.0.1:0"])
        .collect();
    let refused = run(&server, &arguments);
    assert!(!refused.status.success());
    server.api().get("/api/v1/devices").await.expect(200);
}

/// Runs the program on the data directory and the storage of a server.
fn run(server: &Server, arguments: &[&str]) -> Output {
    let mut command = binaries::command("fieldgate-server");
    command.args(arguments).args(server.storage_arguments());
    command.output().unwrap()
}

fn token_in(shown: &str) -> String {
    let words = shown.split(|char: char| char.is_whitespace() || matches!(char, '"' | '\'' | '='));
    let token = words.into_iter().find(|word| word.starts_with("fgt1."));
    token
        .unwrap_or_else(|| panic!("no token in {shown}"))
        .to_owned()
}
