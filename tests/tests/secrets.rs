//! No secret shows in a log, in an answer, or in a file that is not its own.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fieldgate_tests::csr::new_key;
use fieldgate_tests::device::provision;
use fieldgate_tests::{
    Api, Device, Registration, Server, ServerOptions, StorageKind, storage_tests,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;

storage_tests!(
    each: [],
    durable: [
        no_secret_shows_even_when_everything_is_logged,
        the_data_directory_is_for_its_owner_alone,
        a_key_file_that_others_can_read_stops_the_start,
        without_the_cas_key_the_server_does_not_start,
        a_damaged_ca_key_stops_the_start,
    ],
);

async fn no_secret_shows_even_when_everything_is_logged(storage: StorageKind) {
    let options = ServerOptions {
        arguments: vec!["--log-level".to_owned(), "trace".to_owned()],
        environment: vec![("RUST_LOG".to_owned(), "trace".to_owned())],
        ..storage.into()
    };
    let mut server = Server::start(options);
    let api = server.api();
    let mut secrets = vec![
        key_secret(&server.admin_key()),
        key_secret(&server.server_api_key()),
    ];
    let mut answers = String::new();
    let device = use_everything(&server, &api, &mut secrets, &mut answers).await;
    let ca_keys = ca_private_keys(&server.data_dir());
    assert!(ca_keys.len() >= 2, "issuing and root");
    server.kill();

    let log = server.log();
    let mut places = vec![
        (PathBuf::from("the log"), log.clone().into_bytes()),
        (PathBuf::from("an answer"), answers.into_bytes()),
    ];
    if let Some((password, content)) = server.database() {
        secrets.push(password.to_owned());
        places.push((PathBuf::from("the database"), content.into_bytes()));
    }
    for path in files(&server.data_dir()) {
        let own = ["admin.key", "server.key"]
            .iter()
            .any(|name| path.ends_with(name));
        let is_ca = path.parent().is_some_and(|parent| parent.ends_with("ca"));
        if !own && !is_ca {
            let octets = fs::read(&path).unwrap();
            places.push((path, octets));
        }
    }
    for (place, octets) in &places {
        for secret in &secrets {
            assert!(
                !contains(octets, secret.as_bytes()),
                "{secret} in {}",
                place.display()
            );
        }
        for (pem_line, der) in &ca_keys {
            let shows = contains(octets, pem_line.as_bytes()) || contains(octets, der);
            assert!(!shows, "a key of the CA in {}", place.display());
        }
    }
    // The search finds what is there.
    assert!(log.contains(&device.id), "the log names devices");
    let stored = places[2..]
        .iter()
        .any(|(_, octets)| contains(octets, b"talkative"));
    assert!(stored, "the storage holds names in clear");
}

/// Goes through all that has to do with secrets, and notes them and all answers in which they have
/// no place.
async fn use_everything(
    server: &Server,
    api: &Api,
    secrets: &mut Vec<String>,
    answers: &mut String,
) -> Device {
    let registration = Registration::new(api, "talkative").await;
    let open = Registration::new(api, "unused").await;
    let device = Device::provision(server, &registration).await;
    for token in [&registration.token, &open.token] {
        secrets.push(token.rsplit_once('.').unwrap().1.to_owned());
    }
    let body: String = device
        .key
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    secrets.push(body[20..60].to_owned());
    device.connect(server).await.disconnect().await;

    let body = json!({ "name": "reader", "scopes": ["devices:read"] });
    let minted = api.post("/api/v1/api-keys", &body).await;
    assert_eq!(minted.header("cache-control"), "no-store");
    let minted = minted.expect(201);
    let key = minted["key"].as_str().unwrap();
    secrets.push(key_secret(key));
    let reader = api.with_key(key);

    let (_, csr) = new_key();
    let mangled = format!("{}?", open.token);
    for answer in [
        reader.get("/api/v1/devices").await,
        reader.get("/api/v1/api-keys").await,
        api.get("/api/v1/api-keys").await,
        api.get("/api/v1/devices/registration/tokens").await,
        api.get("/api/v1/devices/registration/tokens?state=USED")
            .await,
        api.get(&device.path()).await,
        api.get(&format!("/api/v1/devices/{}", open.token)).await,
        api.get(&format!("/api/v1/devices?q={}", open.token)).await,
        provision(api, &registration.token, &csr).await,
        provision(api, &mangled, &csr).await,
        provision(api, &open.token, &open.token).await,
        api.with_key(&open.token).get("/api/v1/devices").await,
        api.with_key(format!("{key}x")).get("/api/v1/devices").await,
        api.post(
            "/api/v1/devices/provision",
            &json!({ "token": open.token, "csr": 5 }),
        )
        .await,
        api.post(
            "/api/v1/devices/provision",
            &json!({ "token": [open.token], "csr": csr }),
        )
        .await,
        api.post(
            "/api/v1/devices/provision",
            &json!({ open.token.as_str(): 1 }),
        )
        .await,
    ] {
        // A path and a member's name are the sender's own words, and may come back to him.
        let text = answer.text();
        if !text.contains("pointer") {
            answers.push_str(&text);
        }
    }
    device
}

async fn the_data_directory_is_for_its_owner_alone(storage: StorageKind) {
    let server = Server::start(storage);
    Device::enroll(&server, "a").await;
    let data_dir = server.data_dir();
    assert_eq!(mode(&data_dir), 0o700);
    for path in files(&data_dir) {
        let name = path.strip_prefix(&data_dir).unwrap();
        let text = fs::read(&path).unwrap();
        let is_secret = name.ends_with("admin.key")
            || name.ends_with("server.key")
            || contains(&text, b"PRIVATE KEY");
        if is_secret {
            assert_eq!(mode(&path), 0o600, "{}", name.display());
        }
    }
}

async fn a_key_file_that_others_can_read_stops_the_start(storage: StorageKind) {
    let mut server = Server::start(storage);
    Device::enroll(&server, "a").await;
    let key = issuing_key_file(&server.data_dir());
    server.kill();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let failure = server.try_restart().unwrap_err();
    assert!(
        failure.contains("0600") || failure.contains("chmod"),
        "{failure}"
    );
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    server.restart();
}

async fn without_the_cas_key_the_server_does_not_start(storage: StorageKind) {
    let mut server = Server::start(storage);
    let device = Device::enroll(&server, "a").await;
    let key = issuing_key_file(&server.data_dir());
    let aside = key.with_extension("aside");
    server.kill();
    fs::rename(&key, &aside).unwrap();
    let failure = server.try_restart().unwrap_err();
    assert!(failure.contains("backup"), "{failure}");
    assert!(!key.exists(), "no new CA was made");
    fs::rename(&aside, &key).unwrap();
    server.restart();
    device.connect(&server).await.disconnect().await;
}

async fn a_damaged_ca_key_stops_the_start(storage: StorageKind) {
    let mut server = Server::start(storage);
    let device = Device::enroll(&server, "a").await;
    let key = issuing_key_file(&server.data_dir());
    server.kill();
    let good = fs::read(&key).unwrap();
    let mut cut_off = good.clone();
    cut_off.truncate(good.len() / 3);
    let mut flipped = good.clone();
    flipped[60] = if flipped[60] == b'A' { b'B' } else { b'A' };
    for damaged in [cut_off, flipped, Vec::new()] {
        fs::write(&key, &damaged).unwrap();
        let failure = server.try_restart().unwrap_err();
        assert!(failure.contains("backup"), "{failure}");
        assert_eq!(fs::read(&key).unwrap(), damaged, "it is left as it is");
    }
    fs::write(&key, &good).unwrap();
    server.restart();
    device.connect(&server).await.disconnect().await;
}

/// The last part of `sk_<prefix>_<secret>`.
fn key_secret(key: &str) -> String {
    key.splitn(3, '_').nth(2).unwrap().to_owned()
}

/// Of each private key of the CA a line of its PEM form, and its DER form.
fn ca_private_keys(data_dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut keys = Vec::new();
    for path in files(&data_dir.join("ca")) {
        let pem = fs::read_to_string(path).unwrap_or_default();
        if let Ok(key) = PrivateKeyDer::from_pem_slice(pem.as_bytes()) {
            let line = pem
                .lines()
                .find(|line| line.len() == 64 && !line.starts_with('-'));
            keys.push((line.unwrap().to_owned(), key.secret_der().to_vec()));
        }
    }
    keys
}

fn issuing_key_file(data_dir: &Path) -> PathBuf {
    let mut found = files(&data_dir.join("ca"));
    found.retain(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.contains("issuing")
    });
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn contains(octets: &[u8], wanted: &[u8]) -> bool {
    octets.windows(wanted.len()).any(|window| window == wanted)
}
