//! Cargo.lock: one TLS stack, and none in C.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::fs;
use std::path::{Path, PathBuf};

use fieldgate_tests::rules::toml_file;
use serde_json::Value;

#[test]
fn there_is_one_of_each_part_of_tls() {
    let packages = packages();
    for name in [
        "ring",
        "rustls",
        "rustls-webpki",
        "tokio-rustls",
        "x509-parser",
    ] {
        let versions: Vec<_> = packages.iter().filter(|(other, _)| other == name).collect();
        assert_eq!(versions.len(), 1, "{versions:?}");
    }
}

#[test]
fn there_is_no_other_tls() {
    for (name, version) in packages() {
        // Looks for directories of certificates, and has nothing of OpenSSL in it.
        if name == "openssl-probe" {
            continue;
        }
        let forbidden = FORBIDDEN
            .iter()
            .any(|forbidden| name.starts_with(forbidden));
        assert!(!forbidden, "{name} {version}");
    }
}

#[test]
fn everything_comes_from_the_registry_with_a_checksum() {
    let lock = toml_file("Cargo.lock");
    for package in lock["package"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let source = package.get("source").and_then(toml::Value::as_str);
        match source {
            None => assert!(name.starts_with("fieldgate-"), "{name} is from elsewhere"),
            Some(source) => {
                assert!(
                    source.starts_with("registry+"),
                    "{name} comes from {source}"
                );
                assert!(package.get("checksum").is_some(), "{name} has no checksum");
            }
        }
    }
}

#[test]
fn no_version_is_known_to_be_bad() {
    for (name, version) in packages() {
        let bad = BAD
            .iter()
            .any(|(bad, from)| name == *bad && version.starts_with(from));
        assert!(!bad, "{name} {version} must not be used");
    }
}

/// What cargo knows of a version is what the registry said when cargo last asked: for a fresh
/// checkout that is the build before this test.
#[test]
fn nothing_is_yanked() {
    let indexes = registry_indexes();
    let mut yanked = Vec::new();
    for (name, version) in packages() {
        if name.starts_with("fieldgate-") {
            continue;
        }
        let mut entries: Vec<_> = indexes
            .iter()
            .filter_map(|index| index_entry(index, &name, &version))
            .collect();
        assert!(
            !entries.is_empty(),
            "{name} {version} is in none of {indexes:?}: run `cargo fetch --locked`"
        );
        entries.retain(|entry| entry["yanked"] != Value::Bool(false));
        if !entries.is_empty() {
            yanked.push((name, version));
        }
    }
    assert_eq!(yanked, []);
}

fn packages() -> Vec<(String, String)> {
    let lock = toml_file("Cargo.lock");
    let packages = lock["package"].as_array().unwrap().iter();
    let text = |package: &toml::Value, key: &str| package[key].as_str().unwrap().to_owned();
    packages
        .map(|package| (text(package, "name"), text(package, "version")))
        .collect()
}

/// Where cargo keeps what the registries have told it.
fn registry_indexes() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let indexes = home.unwrap().join("registry/index");
    let found = fs::read_dir(&indexes);
    let found = found.unwrap_or_else(|error| panic!("{}: {error}", indexes.display()));
    found.map(|index| index.unwrap().path()).collect()
}

/// What an index says of a version; `None` where it says nothing. The file has a head, and then
/// version and JSON by turns, all of them ended by NUL.
fn index_entry(index: &Path, name: &str, version: &str) -> Option<Value> {
    let lower = name.to_lowercase();
    let below = match lower.len() {
        length @ (1 | 2) => PathBuf::from(length.to_string()),
        3 => Path::new("3").join(&lower[..1]),
        _ => Path::new(&lower[..2]).join(&lower[2..4]),
    };
    let file = fs::read(index.join(".cache").join(below).join(&lower)).ok()?;
    let parts = file.split(|octet| *octet == 0);
    let objects = parts.filter(|part| part.starts_with(b"{"));
    objects
        .map(|object| serde_json::from_slice::<Value>(object).unwrap())
        .find(|entry| entry["vers"] == version)
}

const FORBIDDEN: [&str; 7] = [
    "aws-lc",
    "boring",
    "mbedtls",
    "native-tls",
    "openssl",
    "rumqttd",
    "tokio-native-tls",
];

/// Pre-releases and versions with advisories that this tree once had or could easily get.
const BAD: [(&str, &str); 4] = [
    ("rustls-webpki", "0.102."),
    ("rustls", "0.24.0-"),
    ("sled", "1.0.0-"),
    ("tracing-subscriber", "0.2."),
];
