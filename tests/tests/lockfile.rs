//! Cargo.lock: one TLS stack, and none in C.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use fieldgate_tests::rules::toml_file;

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

fn packages() -> Vec<(String, String)> {
    let lock = toml_file("Cargo.lock");
    let packages = lock["package"].as_array().unwrap().iter();
    let text = |package: &toml::Value, key: &str| package[key].as_str().unwrap().to_owned();
    packages
        .map(|package| (text(package, "name"), text(package, "version")))
        .collect()
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
